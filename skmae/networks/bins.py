"""Numeric columns cut into bins, whose probabilities a network can predict.

A column of few values gets a bin per value: its mean over the bins is then an
expectation over the values themselves, which no smooth regression can match where
the values are far apart.
"""

import numpy as np
import torch
from torch import nn


def make_bins(values, n_bins):
    """Cut every column into at most ``n_bins`` bins.

    Parameters
    ----------
    values : (n_rows, n_columns) array
        NaN where missing.
    n_bins : int

    Returns
    -------
    bounds : (n_columns, n_bins - 1) float32 array
        Upper bounds of all bins but the last; infinite where a column has fewer.
    centers : (n_columns, n_bins) float32 array
        Mean of the values in each bin; NaN where there is no such bin.
    """
    n_columns = values.shape[1]
    bounds = np.full((n_columns, n_bins - 1), np.inf, dtype=np.float32)
    centers = np.full((n_columns, n_bins), np.nan, dtype=np.float32)
    for j in range(n_columns):
        column = values[:, j]
        column = column[~np.isnan(column)]
        if len(column) == 0:
            centers[j, 0] = 0.0
            continue
        distinct = np.unique(column)
        if len(distinct) <= n_bins:
            cuts = (distinct[1:] + distinct[:-1]) / 2
        else:
            steps = np.linspace(0, 1, n_bins + 1)[1:-1]
            cuts = np.unique(np.quantile(column, steps))
            # Without values between it and the next, a cut makes an empty bin.
            following = np.append(cuts[1:], distinct[-1])
            between = np.searchsorted(distinct, [cuts, following], side="right")
            cuts = cuts[(between[1] > between[0]) & (cuts >= distinct[0])]
        index = np.searchsorted(cuts, column, side="left")
        counts = np.bincount(index, minlength=len(cuts) + 1)
        sums = np.bincount(index, weights=column, minlength=len(cuts) + 1)
        bounds[j, : len(cuts)] = cuts
        centers[j, : len(cuts) + 1] = sums / counts
    return bounds, centers


def make_edges(values, n_bins):
    """Edges of at most ``n_bins`` bins of each column, all of some width.

    A column of few values gets an edge per value.

    Parameters
    ----------
    values : (n_rows, n_columns) array
        NaN where missing.
    n_bins : int

    Returns
    -------
    column : (n_all_bins,) int64 array
        To which column each bin belongs.
    lower, upper : (n_all_bins,) float32 arrays
    """
    column = [np.empty(0, dtype=np.int64)]
    lower, upper = [np.empty(0, dtype=np.float32)], [np.empty(0, dtype=np.float32)]
    for j in range(values.shape[1]):
        observed = values[:, j]
        edges = np.unique(observed[~np.isnan(observed)]).astype(np.float32)
        if len(edges) > n_bins + 1:
            steps = np.linspace(0, 1, n_bins + 1)
            edges = np.nanquantile(observed, steps).astype(np.float32)
            edges = np.unique(edges)
        column.append(np.full(max(len(edges) - 1, 0), j))
        lower.append(edges[:-1])
        upper.append(edges[1:])
    return tuple(np.concatenate(part) for part in (column, lower, upper))


class Reach(nn.Module):
    """How far numbers reach into each of their columns' bins, from 0 to 1.

    The piecewise-linear embedding, without bins of no width and with closed ends:
    the numbers themselves are shown beside it.

    Parameters
    ----------
    column, lower, upper :
        As :func:`make_edges` gives them.
    """

    column: torch.Tensor
    lower: torch.Tensor
    inverse_width: torch.Tensor

    def __init__(self, column, lower, upper):
        super().__init__()
        self.register_buffer("column", torch.from_numpy(column.copy()))
        self.register_buffer("lower", torch.from_numpy(lower.copy()))
        self.register_buffer("inverse_width", torch.from_numpy(1 / (upper - lower)))

    @property
    def n_out(self):
        """Width of the embedding of a row."""
        return len(self.column)

    def forward(self, values, visible):
        """Embed (n_rows, n_columns) as (n_rows, n_out); zeros where not visible."""
        reach = values.index_select(1, self.column) - self.lower
        reach = reach.mul_(self.inverse_width).clamp_(0, 1)
        return reach.mul_(visible.index_select(1, self.column))


class Bins(nn.Module):
    """Bin indices of numbers, and the expectation over bins.

    Parameters
    ----------
    bounds, centers :
        As :func:`make_bins` gives them.
    """

    bounds: torch.Tensor
    centers: torch.Tensor
    absent: torch.Tensor

    def __init__(self, bounds, centers):
        super().__init__()
        self.shape = centers.shape  # (n_columns, n_bins)
        self.register_buffer("bounds", torch.from_numpy(bounds.copy()))
        self.register_buffer("absent", torch.from_numpy(np.isnan(centers)))
        self.register_buffer("centers", torch.from_numpy(np.nan_to_num(centers)))

    @property
    def n_out(self):
        """Width of the logits of a row."""
        return self.centers.numel()

    def index(self, values):
        """Bin of each number: (n_rows, n_columns) -> the same, int64."""
        return (values.unsqueeze(2) > self.bounds).sum(dim=2)

    def log_probabilities(self, logits):
        """(..., n_columns * n_bins) -> (..., n_columns, n_bins)."""
        logits = logits.unflatten(-1, self.shape)
        return logits.masked_fill(self.absent, -torch.inf).log_softmax(dim=-1)

    def expectation(self, logits):
        """(..., n_columns * n_bins) -> (..., n_columns)."""
        return (self.log_probabilities(logits).exp() * self.centers).sum(dim=-1)
