"""Members judged on the rows that each of them left out."""

import copy
from typing import Any

import torch

from skmae._device import predicting
from skmae.data.member_folds import fold_of_member
from skmae.networks.weights import ones, zeros
from skmae.training.averages import MovingAverage
from skmae.training.callbacks import BestWeights

_BLOCK_ROWS = 256  # rows per member that are predicted at once
# Rows of each member that are judged: enough for steady errors, fewer of wide ones.
_LEAST_ROWS, _MOST_ROWS, _MOST_CELLS = 32, 500, 100_000
# Of the average of the weights over steps, and how many of these it takes as one.
_DECAY, _STEPS_AT_ONCE = 0.98, 5


class HeldOutRows:
    """Rows arranged so that each member predicts the ones it left out.

    Parameters
    ----------
    values : (n_rows, n_columns) float32 array
    folds : (n_rows,) int tensor
    n_members : int
    device : torch.device

    Attributes
    ----------
    covered : (n_covered,) int tensor
        Rows that some member left out.
    """

    def __init__(self, values, folds, n_members, device):
        self.device = device
        n_most = max(_LEAST_ROWS, min(_MOST_ROWS, _MOST_CELLS // values.shape[1]))
        left_out = [
            torch.nonzero(folds == fold_of_member(member, folds)).ravel()[:n_most]
            for member in range(n_members)
        ]
        # Rows that some member left out; below, positions among these.
        self.covered = torch.unique(torch.cat(left_out))
        self.values = torch.from_numpy(values)[self.covered]
        left_out = [torch.searchsorted(self.covered, rows) for rows in left_out]
        height = max(len(rows) for rows in left_out)
        # Members with fewer rows predict their last one again: (n_members, height)
        self.rows = torch.stack(
            [torch.cat([r, r[-1:].expand(height - len(r))]) for r in left_out]
        )
        place = torch.arange(height, device="cpu")
        self.real = torch.stack([place < len(r) for r in left_out])

    def visible_share(self, mask):
        """Mean share of a row's cells that a mask leaves visible."""
        return float((~(torch.isnan(self.values) | mask)).float().mean())

    def components(self, module, masks):
        """Components of predictions while some cells are hidden.

        Parameters
        ----------
        module : ImputationNetwork
        masks : (n_covered, n_columns) bool tensor
            Cells to hide besides the missing ones.

        Returns
        -------
        components : (n_covered, n_values, n_components - 1) float32 tensor
            Each row's mean over the members that left it out; all but the neighbours.
        """
        return self._judged(module.components, masks)

    def with_neighbours(self, module, components, masks, place):
        """Append what rows alike say, but for each row itself.

        Parameters
        ----------
        module, masks :
            As in components.
        components : (n_covered, n_values, n_components - 1) tensor
        place : (n_covered,) int tensor
            Of each row in the table of ``module.neighbours``, or -1.

        Returns
        -------
        components : (n_covered, n_values, n_components) float32 tensor
        """
        hidden = torch.isnan(self.values) | masks
        parts = zip(
            *(x.split(_BLOCK_ROWS) for x in (components, self.values, hidden, place)),
            strict=True,
        )
        with predicting():
            said = [
                module.with_neighbours(*(x.to(self.device) for x in part)).cpu()
                for part in parts
            ]
        return torch.cat(said)

    def spread(self, module, masks):
        """Standard deviations of hidden cells: (n_covered, n_values) tensor."""
        return self._judged(module.spread, masks)

    def _judged(self, predict, masks):
        """Mean of what members say of the rows that they left out."""
        hidden = torch.isnan(self.values) | masks
        n_rows = len(self.values)
        total: torch.Tensor | None = None
        times = zeros(n_rows)
        for start in range(0, self.rows.shape[1], _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            rows, real = self.rows[:, block].flatten(), self.real[:, block].flatten()
            with predicting():
                predicted = predict(
                    self.values[rows].to(self.device),
                    hidden[rows].to(self.device),
                    dealt=True,
                )
            predicted = predicted.flatten(0, 1).cpu()
            if total is None:
                total = zeros(n_rows, *predicted.shape[1:])
            total.index_add_(0, rows[real], predicted[real])
            times.index_add_(0, rows[real], ones(int(real.sum())))
        assert total is not None  # there is a block
        return total / times.view(-1, *[1] * (total.ndim - 1))


class HeldOutCells(BestWeights):
    """Average the weights over steps; stop when held-out cells say so.

    After each epoch the averaged weights are judged by the members' errors on
    hidden cells of rows that they left out. At the end the net keeps the best
    averaged weights, or without ``patience`` the last.

    Parameters
    ----------
    loss : callable
        Gives the loss on held-out cells of a module.
    patience : int or None
        Epochs without improvement after which to stop. None: never judge.
    """

    loss_of_the_mean = 1.0
    average_: Any

    def __init__(self, loss, patience):
        super().__init__(patience)
        self.loss = loss

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Forget earlier fits."""
        super().on_train_begin(net)
        self.average_ = MovingAverage(net.module_, _DECAY, _STEPS_AT_ONCE)

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        """Move the average towards the weights after this step."""
        self.average_.update()

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Judge the averaged weights."""
        if self.patience is not None:
            super().on_epoch_end(net)

    def judge(self, net):
        """1 - R^2 of the averaged weights."""
        return self.loss(self.average_.module)

    def judged_weights(self, net):
        """Copy the averaged weights."""
        return copy.deepcopy(self.average_.module.state_dict())

    def on_train_end(self, net, X=None, y=None, **kwargs):
        """Keep the best average and let go of everything else."""
        if self.best_weights_ is None:
            self.best_weights_ = self.average_.module.state_dict()
        super().on_train_end(net)
        self.average_ = self.loss = None
