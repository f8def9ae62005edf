"""Training rows that others can be compared with: those in no group far off."""

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
# A row that is far off is in a group if its mean squared distance from so many nearest
# others is less than this share of that from a quarter. One that is alone makes no
# other outlier look normal, and may be one of the rare rows that are.
_GROUP_NEIGHBORS = 5
_NEAR = 0.6
# Distances that differ by less, relatively, are equal: rows that repeat stay together.
_ROUNDING = 1e-6


def rows_to_compare_with(rows, cell_of_value, groups, most_spreads, weight, seed):
    """Find training rows that do not lie, in a group, far from a quarter of the others.

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

    def distances(n_neighbors, some):
        """Mean squared distances of some rows from so many others: (n_some,)."""
        neighbours = CellNeighbours(
            min(n_neighbors, len(others) - 1),
            space.cell_of_coordinate,
            n_cells,
            space.identity,
        ).fit(points[others], of_others)
        return neighbours.distances(points[some], rows.observed[some]).sum(axis=1)

    from_many = distances(math.ceil(_NEIGHBOR_SHARE * len(others)), np.arange(n_rows))
    if weight is None:  # equal weights should let the same rows pass
        weight = np.ones(n_rows)
    low, middle, high, nearly_all = (
        quantile(from_many, share, weight) for share in (0.25, 0.5, 0.75, 1 - _MOST_FAR)
    )
    if low == high:  # rows that all repeat
        return np.arange(n_rows)
    limit = max(middle + most_spreads * (high - low), nearly_all)
    far = np.flatnonzero(from_many > limit * (1 + _ROUNDING))
    grouped = distances(_GROUP_NEIGHBORS, far) < _NEAR * from_many[far]
    return np.delete(np.arange(n_rows), far[grouped])
