"""Functions of a number, for each column: lines between knots, and normal ranks."""

import numpy as np
import torch

# Of a search for a quantile: how far it may be from all means, intervals of equal
# width, and how often one of them is split.
_MOST_STDS = 8.0
_N_LOOKED_AT, _N_LOOKS = 32, 5


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


def quantile(rank, group, mean, std):
    """Numbers of these ranks under a mixture of normal distributions.

    By looking at many numbers at once and, again and again, between the two of them
    that the rank is between.

    Parameters
    ----------
    rank, std : (n_columns, n_rows) tensors
    group, mean :
        As in :func:`mass_below`: (1 or n_columns, n_rows, n_groups) tensors.
    """
    spread = _MOST_STDS * std
    low = mean.amin(dim=2) - spread
    width = mean.amax(dim=2) + spread - low
    share, mean, rank = group.exp().unsqueeze(2), mean.unsqueeze(2), rank.unsqueeze(2)
    on = {"dtype": torch.float32, "device": low.device}
    steps = torch.linspace(0, 1, _N_LOOKED_AT + 1, **on)[1:-1]
    for _ in range(_N_LOOKS):
        # (n_columns, n_rows, n_looked_at - 1, n_groups)
        at = (low.unsqueeze(2) + width.unsqueeze(2) * steps).unsqueeze(3)
        standard = (at - mean) / std[:, :, None, None]
        below = (share * normal_rank(standard)).sum(dim=3) < rank
        width = width / _N_LOOKED_AT
        low = low + below.sum(dim=2) * width
    return low + width / 2


def normal_rank(x):
    """Distribution function of the standard normal distribution."""
    return 0.5 + 0.5 * torch.erf(x * np.sqrt(0.5))


def curves_of_all(tables, n_columns):
    """Knots for all columns, of which categories have none that matter."""
    found = np.tile(np.linspace(-1, 1, tables.shape[1]), (n_columns, 1))
    found[: len(tables)] = tables
    return found.astype(np.float32)
