"""Weighted statistics of rows."""

import numpy as np


def quantile(numbers, share, weight):
    """The number that this share of the weight does not reach.

    Parameters
    ----------
    numbers : (n_rows,) array
    share : float in [0, 1]
    weight : (n_rows,) array of positive numbers, or None
        With weights, a number that occurs, or where weights add up to the very share
        the mean of two neighbouring ones; without, interpolated.

    Returns
    -------
    quantile : float
    """
    if weight is None:
        return np.quantile(numbers, share)
    order = np.argsort(numbers, kind="stable")
    numbers, reached = numbers[order], np.cumsum(weight[order])
    wanted = share * reached[-1]
    # Sums of weights are rounded: allow for that.
    slack = 1e-12 * reached[-1]
    last = len(numbers) - 1
    first = min(np.searchsorted(reached, wanted - slack), last)
    second = min(np.searchsorted(reached, wanted + slack, side="right"), last)
    return (numbers[first] + numbers[second]) / 2


def mean(numbers, weight):
    """Mean over rows, of each column over what is observed; 0 where nothing is.

    Parameters
    ----------
    numbers : (n_rows, n_columns) array
        NaN where missing.
    weight : (n_rows,) array of positive numbers, or None

    Returns
    -------
    mean : (n_columns,) array
    """
    observed = ~np.isnan(numbers)
    if weight is None:
        return np.nansum(numbers, axis=0) / np.maximum(observed.sum(axis=0), 1)
    total = weight @ np.where(observed, numbers, 0.0)
    reached = weight @ observed
    return total / np.where(reached > 0, reached, 1.0)


def weight_of(weight, rows):
    """Weight of some rows, 1 in the mean."""
    return None if weight is None else weight[rows] / weight[rows].mean()
