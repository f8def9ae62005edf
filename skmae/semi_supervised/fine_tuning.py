"""Training a head, and the network below it, on labelled rows."""

from typing import NamedTuple

import torch

from skmae._device import autocast, predicting
from skmae._processes import check_alike, n_processes
from skmae.data.batches import TableDataset, fixed_batches
from skmae.masking.units import EVERY_ROW
from skmae.networks.losses import MaskedLoss
from skmae.training.callbacks import BestWeights
from skmae.training.distributed import Crew, OwnMembers
from skmae.training.inference import BATCH_ROWS, rows_at_once
from skmae.training.net import MaskedNet, hidden_from_decoder


class LabelledBatch(NamedTuple):
    """Rows, what they should be told to be, and how much that counts."""

    values: torch.Tensor  # (n_rows, n_columns), NaN where missing
    targets: torch.Tensor  # (n_rows, n_outputs)
    weight: torch.Tensor  # (n_rows,)


class LabelledDataset(TableDataset):
    """Rows with targets, of which some come up more than once in an epoch.

    Parameters
    ----------
    values : (n_rows, n_columns) float32 tensor
        NaN where missing.
    targets : (n_rows, n_outputs) float32 tensor
    weight : (n_rows,) float32 tensor
        0 for rows that have no target, and serve reconstruction only.
    visits : (n_visits,) long tensor
        Positions of the rows of an epoch.
    """

    def __init__(self, values, targets, weight, visits):
        super().__init__(values, weight)
        self.targets = targets
        self.visits = visits

    def __len__(self):
        return len(self.visits)

    def __getitem__(self, visits):
        rows = self.visits[visits]
        return LabelledBatch(self.values[rows], self.targets[rows], self.weight[rows])


class FineTuningNet(MaskedNet):
    """Train a :class:`~skmae.semi_supervised.heads.HeadedNetwork` on targets.

    A step hides cells as in pretraining, which makes every visit of a row another
    view of it.

    Parameters
    ----------
    module, criterion, **kwargs :
        As in :class:`~skmae.training.net.MaskedNet`. The criterion takes outputs,
        targets and weights.
    reconstruction : MaskedLoss or None
        Loss of the hidden cells' reconstruction.
    reconstruction_weight : float
        Its weight beside the criterion.
    frozen : bool
        Train the head alone.
    processes : {"share", "alike", "apart"}
        What several processes do: each trains on a share of every batch; all train
        alike on whole ones, which is quicker where a step takes no longer than to send
        its gradient; or each trains another net.
    own_members : (int, int) or None
        With "apart" the number of the first member of the module among those of all
        processes, and how many these are. None: it is no part of an ensemble.
    """

    rate = "fine_tune_lr"

    def __init__(
        self,
        module,
        criterion,
        *,
        reconstruction: MaskedLoss | None = None,
        reconstruction_weight=0.0,
        frozen=False,
        processes="alike",
        own_members=None,
        **kwargs,
    ):
        self.reconstruction = reconstruction
        self.reconstruction_weight = reconstruction_weight
        self.frozen = frozen
        self.processes = processes
        self.own_members = own_members
        super().__init__(module, criterion, **kwargs)

    def initialize(self):
        """Build everything; a frozen body is left out of the gradient."""
        super().initialize()
        self.module_.body.requires_grad_(not self.frozen)
        if self.reconstruction is not None:
            self.reconstruction.to(self.device)
        return self

    def make_crew(self, dataset, n_epochs):
        """How this process trains together with others; None: alone, or as they do."""
        if self.processes == "apart":
            return self._own_members()
        check_alike(rows=len(dataset), epochs=n_epochs, batch_size=self.batch_size)
        n_least = len(dataset) // dataset.n_batches(self.batch_size)
        if self.processes == "alike" or not 1 < n_processes() <= n_least:
            return None
        # Heads need not read all of a network.
        return Crew(self.module_, uses_all_weights=False)

    def _own_members(self):
        if self.own_members is None:
            return None
        return OwnMembers(self.module_, *self.own_members)

    def _outputs_of(self, rows):
        own = self._own_members()
        if own is not None:
            rows = rows[own.share(len(rows), rows.device)]
        return super()._outputs_of(rows)[0]

    def _share(self, values, own):
        """Every row; a share is taken once it is known what counts of all of them."""
        return EVERY_ROW

    def _gradient(self, masked, *inputs):
        """Say what the rows are, and compute the gradient."""
        values, targets, weight, observed, replacement, alone = inputs
        if self.frozen:  # nor may it keep statistics of these batches
            self.module_.body.eval()
        hidden = masked if observed is None else masked | ~observed
        joint = self.reconstruction is not None
        # The same cells count as in pretraining.
        counted = hidden_from_decoder(masked, alone)
        forward, n_shares, factor, of_cells = self.module_, 1, 1.0, 1.0
        if self.crew_ is not None:
            rows = self.crew_.share(len(values), values.device)
            row_weight = self.criterion_.row_weight(targets, weight)
            factor = self.crew_.known_factor(row_weight, rows)
            if self.reconstruction is not None:
                cell_weight = self.reconstruction.cell_weight(counted, observed)
                of_cells = self.crew_.known_factor(cell_weight, rows)
            values, targets, weight = values[rows], targets[rows], weight[rows]
            counted, hidden = counted[rows], hidden[rows]
            observed, replacement = (
                None if part is None else part[rows] for part in (observed, replacement)
            )
            forward, n_shares = self.crew_.forward, self.crew_.size
        with autocast(values.device, self.precision):
            outputs, cells = forward(values, hidden, replacement, joint)
        loss = factor * self.criterion_(outputs.float(), targets, weight)
        if self.reconstruction is not None:
            error = self.reconstruction(cells.float(), values, counted, observed)
            loss = loss + of_cells * self.reconstruction_weight * error
        # The gradients of the shares will be averaged, and are to be added.
        (loss * n_shares).backward()
        return loss.detach(), outputs.detach()


class ValidationLoss(BestWeights):
    """Judge by the loss of labelled rows that were held out.

    Parameters
    ----------
    predict : callable
        As :func:`predict_outputs`.
    values : (n_rows, n_columns) float32 tensor or Sequences
    targets : (n_rows, n_outputs) float32 tensor
    weight : (n_rows,) float32 tensor
    patience : int
        See :class:`~skmae.training.callbacks.BestWeights`.
    """

    def __init__(self, predict, values, targets, weight, patience):
        super().__init__(patience)
        self.predict = predict
        self.values = values
        self.targets = targets
        self.weight = weight

    def judge(self, net):
        """Weighted mean loss."""
        outputs = self.predict(net.module_, self.values, net.device)
        return float(net.criterion_(outputs, self.targets, self.weight))


def predict_outputs(module, values, device):
    """What a headed network says of encoded rows, in batches of one height.

    Parameters
    ----------
    module : HeadedNetwork
    values : (n_rows, n_columns) float32 tensor
        NaN where missing.
    device : torch.device

    Returns
    -------
    outputs : (n_rows, n_outputs) tensor on the device
    """
    if module.training:
        module.eval()
    outputs = []
    size = rows_at_once(module, device, BATCH_ROWS)
    for _, n_rows, batch in fixed_batches(values, size):
        batch = batch.to(device)
        with predicting():
            outputs.append(module(batch, torch.isnan(batch))[0][:n_rows])
    return torch.cat(outputs)
