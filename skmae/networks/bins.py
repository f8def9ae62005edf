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
            # Without values above or below it, a cut makes an empty bin.
            cuts = cuts[(cuts < distinct[-1]) & (cuts >= distinct[0])]
        index = np.searchsorted(cuts, column, side="left")
        counts = np.bincount(index, minlength=len(cuts) + 1)
        sums = np.bincount(index, weights=column, minlength=len(cuts) + 1)
        bounds[j, : len(cuts)] = cuts
        centers[j, : len(cuts) + 1] = sums / counts
    return bounds, centers


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
        centers = torch.from_numpy(centers)
        self.register_buffer("bounds", torch.from_numpy(bounds).clone())
        self.register_buffer("absent", torch.isnan(centers))
        self.register_buffer("centers", centers.nan_to_num())

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
