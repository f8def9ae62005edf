"""Functions of a number, for each column: lines between knots, and normal ranks."""

import numpy as np
import torch


def interpolate(x, knots, heights):
    """Piecewise-linear functions, one for each column, going on beyond their ends.

    Parameters
    ----------
    x : (n_columns, n_rows) tensor
    knots, heights : (n_columns, n_knots) tensors

    Returns
    -------
    y, slope : (n_columns, n_rows) tensors
    """
    at = torch.searchsorted(knots, x.contiguous()).clamp(1, knots.shape[1] - 1)
    x0, x1 = knots.gather(1, at - 1), knots.gather(1, at)
    y0, y1 = heights.gather(1, at - 1), heights.gather(1, at)
    slope = (y1 - y0) / (x1 - x0)
    return y0 + (x - x0) * slope, slope


def mass_below(edge, group, mean, std):
    """Probability below an edge under a mixture of normal distributions.

    Groups are the last axis of ``group`` and ``mean``, and summed over.
    """
    standard = (edge.unsqueeze(-1) - mean) / std.unsqueeze(-1)
    return (group.exp() * normal_rank(standard)).sum(dim=-1)


def normal_rank(x):
    """Distribution function of the standard normal distribution."""
    return 0.5 + 0.5 * torch.erf(x * np.sqrt(0.5))
