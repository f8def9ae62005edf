"""Numbers shown by how far they reach into bins of their column.

References
----------
Gorishniy, Rubachev, Babenko (2022). On Embeddings for Numerical Features in Tabular
Deep Learning. NeurIPS. arXiv:2203.05556.
"""

import numpy as np
import torch
from torch import nn

# Of any number in units of a column, and not beyond float32 in those of a narrow bin.
_FAR_BELOW = -1e30


class PiecewiseLinear(nn.Module):
    """Embed numbers by how far they reach into each of a column's bins.

    Component t of a number x is (x - lower_t) / (upper_t - lower_t), clipped to [0, 1].
    Bins of zero width, which quantiles of few-valued columns give, stay at 0.

    Parameters
    ----------
    column : (n_bins,) int64 array
        Position, among the numeric columns, of the one that each bin is of.
    lower, upper : (n_bins,) float32 arrays
    open_ended : bool
        Let the first component of a column fall below 0, and the last rise above 1.
    """

    column: torch.Tensor
    lower: torch.Tensor
    inverse_width: torch.Tensor
    floor: torch.Tensor
    ceiling: torch.Tensor

    def __init__(self, column, lower, upper, open_ended):
        super().__init__()
        self.open_ended = open_ended
        width = upper - lower
        real = width > 0
        inverse = np.divide(1, width, out=np.zeros_like(width), where=real)
        floor, ceiling = np.zeros(len(column)), np.ones(len(column))
        if open_ended:
            # Of the bins that have a width.
            bins = np.flatnonzero(real)
            of_bins = column[bins]
            floor[bins[np.unique(of_bins, return_index=True)[1]]] = -np.inf
            last = np.unique(of_bins[::-1], return_index=True)[1]
            ceiling[bins[::-1][last]] = np.inf
        self.register_buffer("column", torch.from_numpy(column.astype(np.int64)))
        for name, array in (
            ("lower", lower),
            ("inverse_width", inverse),
            ("floor", floor),
            ("ceiling", ceiling),
        ):
            self.register_buffer(name, torch.from_numpy(np.array(array, np.float32)))

    @property
    def n_out(self):
        """Width of the embedding of a row."""
        return len(self.column)

    def forward(self, numbers, hidden):
        """Embed (n_rows, n_numeric) as (n_rows, n_out).

        Hidden cells, whatever stands in them, become zeros.
        """
        # In place, since there may be thousands of bins.
        if not self.open_ended:
            # What is far below all bins reaches into none of them.
            numbers = numbers.masked_fill(hidden, _FAR_BELOW)
            reach = numbers.index_select(1, self.column).sub_(self.lower)
            return reach.mul_(self.inverse_width).clamp_(0, 1)
        visible = (~hidden).to(numbers.dtype)
        numbers = numbers.masked_fill(hidden, 0.0)
        reach = numbers.index_select(1, self.column).sub_(self.lower)
        reach = reach.mul_(self.inverse_width).clamp_(self.floor, self.ceiling)
        return reach.mul_(visible.index_select(1, self.column))


def bins_between(edges):
    """Bins between the edges of each column, as :class:`PiecewiseLinear` takes them.

    Parameters
    ----------
    edges : (n_columns, n_bins + 1) float32 array

    Returns
    -------
    column, lower, upper : (n_columns * n_bins,) arrays
    """
    n_columns, n_edges = edges.shape
    column = np.repeat(np.arange(n_columns), n_edges - 1)
    return column, edges[:, :-1].ravel(), edges[:, 1:].ravel()
