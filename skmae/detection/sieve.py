"""Training rows that others can be compared with: those not far off themselves."""

import math

import numpy as np

from skmae.detection.neighbours import CellNeighbours
from skmae.detection.space import CellSpace
from skmae.detection.weights import quantile, weight_of

# Rows are far off by their distance from so many others: among them, groups of
# outliers are outnumbered.
_NEIGHBOR_SHARE = 1 / 4
# How many others there are at most.
_MAX_OTHERS = 1024
# Share of the rows that is far off at most: a larger group is no group of outliers.
_MOST_FAR = 0.1
# Distances that differ by less, relatively, are equal: rows that repeat stay together.
_ROUNDING = 1e-6


def rows_to_compare_with(rows, cell_of_value, groups, most_spreads, weight, seed):
    """Find training rows that do not lie far from a quarter of the others.

    Their distance is taken from compressed values and residuals, as outliers inflate
    standard deviations.

    Parameters
    ----------
    rows : JudgedRows
    cell_of_value, groups :
        As of :class:`~.space.CellSpace`.
    most_spreads : float
        Interquartile ranges that a distance may be above the median.
    weight : (n_rows,) array or None
    seed : int
        Of the draw of others, where rows are many.

    Returns
    -------
    passed : int array
    """
    space = CellSpace(cell_of_value, groups, standard=False)
    n_rows, n_cells = rows.observed.shape
    others = np.arange(n_rows)
    if n_rows > _MAX_OTHERS:
        rng = np.random.default_rng(seed)
        others = np.sort(rng.choice(n_rows, _MAX_OTHERS, replace=False))
    of_others = weight_of(weight, others)
    # Least hidden, outliers are predicted least.
    level = 0
    space.fit(rows.values[others], rows.signed[level][others], of_others)
    points = space.points_of(rows, level)
    n_neighbors = min(math.ceil(_NEIGHBOR_SHARE * len(others)), len(others) - 1)
    neighbours = CellNeighbours(
        n_neighbors, space.cell_of_coordinate, n_cells, space.identity
    ).fit(points[others], of_others)
    distances = neighbours.distances(points, rows.observed).sum(axis=1)
    if weight is None:  # equal weights should let the same rows pass
        weight = np.ones(n_rows)
    low, middle, high, nearly_all = (
        quantile(distances, share, weight) for share in (0.25, 0.5, 0.75, 1 - _MOST_FAR)
    )
    if low == high:  # rows that all repeat
        return np.arange(n_rows)
    far = max(middle + most_spreads * (high - low), nearly_all)
    return np.flatnonzero(distances <= far * (1 + _ROUNDING))
