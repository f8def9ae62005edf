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


class Bins(nn.Module):
    """Numbers predicted by the probabilities of bins of their columns.

    Parameters
    ----------
    bounds, centers :
        As :func:`make_bins` gives them.
    """

    bounds: torch.Tensor
    centers: torch.Tensor
    absent: torch.Tensor
    barred: torch.Tensor

    def __init__(self, bounds, centers):
        super().__init__()
        self.shape = centers.shape  # (n_columns, n_bins)
        self.register_buffer("bounds", torch.from_numpy(bounds.copy()))
        self.register_buffer("absent", torch.from_numpy(np.isnan(centers)))
        self.register_buffer("centers", torch.from_numpy(np.nan_to_num(centers)))
        barred = np.where(np.isnan(centers), -np.inf, 0.0).astype(np.float32)
        self.register_buffer("barred", torch.from_numpy(barred), persistent=False)

    @property
    def n_out(self):
        """Width of the logits of a row."""
        return self.centers.numel()

    def index(self, values):
        """Bin of each number: (n_rows, n_columns) -> the same, int64."""
        return (values.unsqueeze(2) > self.bounds).sum(dim=2)

    def log_probabilities(self, logits):
        """(..., n_columns * n_bins) -> (..., n_columns, n_bins)."""
        # A sum, whose gradient takes no step of its own.
        return (logits.unflatten(-1, self.shape) + self.barred).log_softmax(dim=-1)

    def log_prob(self, logits, values):
        """Log-probability of the bin that each number is in.

        (n_rows, n_columns * n_bins), (n_rows, n_columns) -> (n_rows, n_columns)
        """
        index = self.index(values).unsqueeze(2)
        return self.log_probabilities(logits).gather(2, index).squeeze(2)

    def loss(self, logits, values):
        """Cross-entropy of each cell: (n_rows, n_columns)."""
        return -self.log_prob(logits, values)

    def mean(self, logits):
        """Expected numbers: (..., n_columns * n_bins) -> (..., n_columns)."""
        return (self.log_probabilities(logits).exp() * self.centers).sum(dim=-1)

    def sample(self, logits, generator):
        """Draw a bin for each number, and take its center: (n_rows, n_columns)."""
        probabilities = self.log_probabilities(logits).exp()
        drawn = torch.multinomial(
            probabilities.flatten(0, 1), 1, generator=generator
        ).view(probabilities.shape[:2])
        return self.centers.gather(1, drawn.T).T
