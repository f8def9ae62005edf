"""Networks of all folds, trained at once as the members of one.

They only differ in the rows that they learn from, and are small: most of a step is the
overhead of its calls, which all members share.
"""

from dataclasses import dataclass

import numpy as np
import torch

from skmae._device import predicting
from skmae.data.batches import ShuffledBatches, TableDataset, fixed_batches
from skmae.semi_supervised.fine_tuning import LabelledBatch
from skmae.semi_supervised.heads import HeadedMembers
from skmae.semi_supervised.task import FineTuningTask, HeadedSpec
from skmae.training.fit import build, train_model
from skmae.training.inference import BATCH_ROWS


@dataclass(frozen=True)
class HeadedMembersSpec(HeadedSpec):
    """Several networks with a head, of which every member is one."""

    n_members: int = 1

    def build(self, layout, grid, seed):
        """Make the torch module."""
        body = self.body.build(layout, grid, seed).side_by_side(self.n_members)
        return HeadedMembers(body, self.body.n_components, self.n_outputs)


class FoldsDataset(TableDataset):
    """Labelled rows, of which each member learns from some.

    Parameters
    ----------
    values : (n_rows, n_columns) float32 tensor
        NaN where missing.
    targets : (n_rows, n_outputs) float32 tensor
        NaN where not known.
    weight : (n_rows,) float32 tensor
    folds : list of (n_kept,) int array
        Positions of the rows of each member. A member that has fewer than others
        meets some rows in vain, with weight 0.
    """

    def __init__(self, values, targets, weight, folds):
        super().__init__(values, weight)
        self.targets = targets
        self.known = 1.0 - torch.isnan(targets).float().mean(dim=1)
        n_visits = max(map(len, folds))
        positions = np.stack([np.resize(rows, n_visits) for rows in folds])
        counts = np.stack([np.arange(n_visits) < len(rows) for rows in folds])
        self.positions = torch.from_numpy(positions).to(values.device)
        self.counts = torch.from_numpy(counts).to(values.device)

    def __len__(self):
        return self.positions.shape[1]

    def batches(self, batch_size, generator):
        """Batches of one epoch, in which each member has an order of its own."""
        return FoldBatches(self, batch_size, generator)

    def batch(self, rows, counted):
        """Rows (n_members, n_rows) of the members, each of which weighs the same."""
        weight = self.weight[rows] * counted
        total = (weight * self.known[rows]).sum(dim=1, keepdim=True)
        weight = weight / total.clamp(min=1e-12)
        rows = rows.flatten()
        return LabelledBatch(self.values[rows], self.targets[rows], weight.flatten())


class FoldBatches(ShuffledBatches):
    """Batches of a :class:`FoldsDataset`, the rows of its first member first."""

    def __iter__(self):
        positions, counts = self.dataset.positions, self.dataset.counts
        keys = torch.rand(
            positions.shape, generator=self.generator, dtype=torch.float32, device="cpu"
        )
        order = keys.argsort(dim=1).to(positions.device)
        batches = zip(
            positions.gather(1, order).tensor_split(self.n_batches, dim=1),
            counts.gather(1, order).tensor_split(self.n_batches, dim=1),
            strict=True,
        )
        for rows, counted in batches:
            yield self.dataset.batch(rows, counted)


class FoldsTask(FineTuningTask):
    """Train a network for each fold, all of them at once.

    ``head`` is a list, with a solved head for each; all else is as in
    :class:`~skmae.semi_supervised.task.FineTuningTask`. Of several processes each
    trains some of the networks, whose heads it is given.
    """

    first, n_all = 0, 0

    def train_folds(self, rows, folds, first=0):
        """Train on labelled rows.

        Parameters
        ----------
        rows : LabelledRows
        folds : list of (n_kept,) int array
            Positions of the rows of each fold to train on.
        first : int
            The fold of the first head.

        Returns
        -------
        model : FittedModel
            Its module is a :class:`~skmae.semi_supervised.heads.HeadedMembers`.
        """
        codec = self.encoder.codec
        self.first, self.n_all = first, len(folds)
        settings = self.settings(rows, None, codec, self.seeds)
        model = build(self, codec, settings, self.seeds, self.device)
        self.start(model, rows)
        values = self.rows.on_device(rows.values, self.device)
        wanted, weight = rows.targets(self.device)
        dataset = FoldsDataset(values, wanted, weight, folds)
        train_model(self, model, dataset, None, None)
        return model

    def net_params(self, sampler):
        """As of a single network, and which of the networks these are."""
        own = (self.first, self.n_all) if self.apart else None
        return super().net_params(sampler) | {"own_members": own}

    def spec(self, body, n_outputs):
        """What network is trained."""
        return HeadedMembersSpec(body, n_outputs, n_members=len(self.head))

    def start(self, model, dataset):
        """Begin with the weights of the encoder and the solved heads."""
        members = self.encoder.module.side_by_side(len(self.head))
        model.module.body.load_state_dict(members.state_dict())
        model.module.set_heads(self.head)


def predict_by_members(module, values, device):
    """What each member says of all encoded rows.

    Parameters
    ----------
    module : HeadedMembers
    values : (n_rows, n_columns) float32 tensor
        NaN where missing.
    device : torch.device

    Returns
    -------
    outputs : (n_members, n_rows, n_outputs) float64 array
    """
    module.eval()
    n_members, outputs = module.body.n_members, []
    for _, n_rows, batch in fixed_batches(values, min(BATCH_ROWS, len(values))):
        rows = batch.to(device).repeat(n_members, 1)
        with predicting():
            predicted = module(rows, torch.isnan(rows))[0]
        outputs.append(predicted.unflatten(0, (n_members, -1))[:, :n_rows])
    return torch.cat(outputs, dim=1).cpu().numpy().astype(np.float64)
