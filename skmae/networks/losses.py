"""How wrong a prediction is, while training and when scoring."""

import torch
from torch import nn
from torch.nn import functional as F

from skmae.networks.outputs import Outputs

# Functions of predictions and targets, each one kernel.
CELL_LOSSES = {
    "squared_error": lambda out, target: F.mse_loss(out, target, reduction="none"),
    "absolute_error": lambda out, target: F.l1_loss(out, target, reduction="none"),
    "huber": lambda out, target: F.huber_loss(out, target, reduction="none"),
}

# A patch without contrast would otherwise weigh more than all others together.
_LEAST_PATCH_STD = 0.1  # in standard deviations of all cells


class MaskedLoss(nn.Module):
    """Weighted mean of the loss over cells: hidden 1, visible ``visible_weight``.

    Missing cells have no target and count nothing. Categorical cells pay their
    cross-entropy.

    Parameters
    ----------
    layout : Layout
    loss : {"squared_error", "absolute_error", "huber"}
        For numeric cells.
    visible_weight : float
        0 is the mean over hidden cells, 1 the plain mean over all cells.
    patch_of_cell : (n_columns,) int array or None
        Patches whose errors to take in units of their own standard deviation, as
        though targets were normalised patch by patch. The prediction itself stays in
        the units of the cells. None: take errors as they are.

    Examples
    --------
    Two rows of two cells, of which the off-diagonal ones are hidden. They were
    predicted with an error of one half each, the visible ones exactly:

    >>> import numpy as np
    >>> import torch
    >>> from skmae.data.codec import Layout
    >>> from skmae.networks.losses import MaskedLoss
    >>> zeros, ones = np.zeros(2, np.float32), np.ones(2, np.float32)
    >>> layout = Layout((0, 1), (), (), means=zeros, stds=ones)
    >>> values = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> predicted = torch.tensor([[1.0, 2.5], [2.5, 4.0]])
    >>> hidden = torch.tensor([[False, True], [True, False]])
    >>> values * ~hidden
    tensor([[1., 0.],
            [0., 4.]])
    >>> MaskedLoss(layout, "squared_error", visible_weight=0)(predicted, values, hidden)
    tensor(0.2500)
    >>> MaskedLoss(layout, "squared_error", visible_weight=1)(predicted, values, hidden)
    tensor(0.1250)
    """

    patch_of_cell: torch.Tensor | None
    least_std: torch.Tensor

    def __init__(self, layout, loss, visible_weight, patch_of_cell=None):
        super().__init__()
        cells = None if patch_of_cell is None else torch.from_numpy(patch_of_cell)
        self.register_buffer("patch_of_cell", cells)
        if patch_of_cell is not None:
            self.n_patches = int(patch_of_cell.max()) + 1
            least = torch.from_numpy(_LEAST_PATCH_STD * layout.stds)
            self.register_buffer("least_std", least)
        self.cell_loss = CELL_LOSSES[loss]
        self.visible_weight = visible_weight
        self.outputs = Outputs(layout)

    def forward(self, predicted, values, hidden, observed=None, row_weight=None):
        """Mean loss of a batch.

        Parameters
        ----------
        predicted : (n_rows, n_expanded) tensor
        values : (n_rows, n_columns) tensor
            Targets; NaN only where not observed.
        hidden : (n_rows, n_columns) bool tensor
        observed : (n_rows, n_columns) bool tensor, or None if all cells are
        row_weight : (n_rows,) tensor or None

        Returns
        -------
        loss : scalar tensor
        """
        # That of a subclass is of the rows of a batch, and these may be steps of rows.
        weight = MaskedLoss.cell_weight(self, hidden, observed, row_weight)
        if observed is not None:
            # NaN times weight 0 would still be NaN.
            values = values.masked_fill(~observed, 0.0)
        numbers = self.outputs.numbers
        unit = None
        if self.patch_of_cell is not None:
            unit = self._patch_stds(values, observed)
        # The gradient of a slice is a copy among zeros.
        of_numbers = predicted if numbers.are_all else predicted[:, numbers.part]
        cells = numbers.loss(of_numbers, values, self.cell_loss, unit)
        total = self.outputs.total_loss(cells, predicted, values, weight)
        return total / weight.sum().clamp(min=1e-12)

    def _patch_stds(self, values, observed):
        """Standard deviation of each cell's patch in its row, kept above a floor."""
        counted = torch.ones_like(values) if observed is None else observed.float()

        def per_patch(cells):
            sums = cells.new_zeros(len(cells), self.n_patches)
            return sums.index_add_(1, self.patch_of_cell, cells)

        n_cells = per_patch(counted).clamp(min=1)
        mean = per_patch(values * counted) / n_cells
        centred = (values - mean.index_select(1, self.patch_of_cell)) * counted
        variance = per_patch(centred.square()) / n_cells
        stds = variance.sqrt().index_select(1, self.patch_of_cell)
        return torch.maximum(stds, self.least_std)

    def cell_weight(self, hidden, observed=None, row_weight=None):
        """Weight of every cell in the mean: (n_rows, n_columns) float32 tensor."""
        weight = hidden.float()
        if self.visible_weight > 0:
            # 1 where hidden, visible_weight where not
            weight = weight * (1 - self.visible_weight) + self.visible_weight
        if observed is not None:
            weight = weight * observed
        if row_weight is None:
            return weight
        return weight * row_weight.reshape(-1, *[1] * (weight.ndim - 1))
