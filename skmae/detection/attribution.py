"""Attribution of the score of a row to its cells."""

from typing import NamedTuple

import numpy as np

from skmae.detection.neighbours import CellNeighbours
from skmae.detection.sieve import rows_to_compare_with
from skmae.detection.space import CellSpace
from skmae.detection.tails import TailValues
from skmae.detection.weights import mean, quantile, weight_of

# Weight of the errors beside the distances, each in units of their median row.
_ERROR_WEIGHT = 0.5
# Where training rows, judged as new ones, have a median above so many units, the unit
# is wrong.
_MOST_UNITS = 2


class JudgedRows(NamedTuple):
    """Rows and how far the predictions of their hidden cells were off."""

    # (n_rows, n_expanded) float array: numbers in the user's units and indicators of
    # categories, NaN where missing
    values: np.ndarray
    # one (n_rows, n_expanded) array per level but the first: predictions, likewise
    expected: list
    observed: np.ndarray  # (n_rows, n_columns) bool
    # (n_rows, n_columns) bool: observed categories that training rows do not have
    unseen: np.ndarray
    # one (n_rows, n_columns) array of squared errors per level, NaN where missing
    squared: list
    # one (n_rows, n_expanded) array per level but the first: value minus prediction in
    # standard deviations of what the networks see, NaN where missing
    signed: list
    # (n_rows, n_columns) float32 array: likeliest cells by the last level, encoded
    likeliest: np.ndarray

    def take(self, rows):
        """Some of the rows."""
        return JudgedRows(
            self.values[rows],
            [level[rows] for level in self.expected],
            self.observed[rows],
            self.unseen[rows],
            [level[rows] for level in self.squared],
            [level[rows] for level in self.signed],
            self.likeliest[rows],
        )


class CellAttribution:
    """Attribution of scores to cells: rare errors, and distance from training rows.

    A cell's *rarity* is the sum over levels of its squared tail values, divided by
    the number of the row's observed cells; its *distance* is its part of the mean
    squared distance to the nearest training rows. Both are measured in medians of
    their row totals over the calibration rows, which were not trained on by those
    who judge them and are not their own neighbours. The attribution is distance plus
    half the rarity; what a row's cells have together is its score.

    Parameters
    ----------
    cell_of_value : (n_expanded,) int array
        The column to which each expanded value belongs.
    groups : (n_columns,) int array or None
        Columns of one group share a unit. None: each has its own.
    criterion : Criterion
    n_neighbors : int
    seed : int
        Of the draw of rows by which others are found to be far off.
    """

    def __init__(self, cell_of_value, groups, criterion, n_neighbors, seed):
        self.space = CellSpace(cell_of_value, groups, standard=True)
        self.criterion = criterion
        self.n_neighbors = n_neighbors
        self.seed = seed

    def fit(self, rows, known, weight=None, weight_of_known=None):
        """Calibrate.

        Parameters
        ----------
        rows : JudgedRows
            Training rows, with errors of members that left them out.
        known : JudgedRows
            Some of them, with errors of all members, as new rows have them.
        weight, weight_of_known : (n_rows,) and (n_known,) arrays, or None
            Of these rows, 1 in the mean.

        Returns
        -------
        attribution : (n_rows, n_columns) float64 array
            Of the rows.
        attribution_of_known : (n_known, n_columns) float64 array
        """
        compared, of_compared = rows, weight
        if self.criterion.most_spreads is not None:
            passed = rows_to_compare_with(
                rows,
                self.space.cell_of_value,
                self.space.groups,
                self.criterion.most_spreads,
                weight,
                self.seed,
            )
            compared, of_compared = rows.take(passed), weight_of(weight, passed)
        self.tails_ = [
            TailValues().fit(errors, of_compared) for errors in compared.squared
        ]
        self.space.fit(compared.values, compared.signed[-1], of_compared)
        self.neighbours_ = CellNeighbours(
            max(min(self.n_neighbors, len(compared.values) - 1), 1),
            self.space.cell_of_coordinate,
            rows.observed.shape[1],
            self.space.identity,
        ).fit(self.space.points_of(compared, -1), of_compared)
        terms, of_known = self._terms(rows), self._terms(known)
        self.units_ = [
            _calibration_unit(
                left_out.sum(axis=1), weight, as_new.sum(axis=1), weight_of_known
            )
            for left_out, as_new in zip(terms, of_known, strict=True)
        ]
        return self._weigh(terms), self._weigh(of_known)

    def __call__(self, rows):
        """Attribution to cells: (n_rows, n_columns) float64, 0 where missing."""
        return self._weigh(self._terms(rows))

    def _terms(self, rows):
        rarity = np.zeros(rows.observed.shape)
        for tails, errors in zip(self.tails_, rows.squared, strict=True):
            level = tails.transform(errors)
            unseen = np.broadcast_to(tails.of_unseen(), level.shape)
            level[rows.unseen] = unseen[rows.unseen]
            rarity += level**2
        n_observed = rows.observed.sum(axis=1, keepdims=True)
        rarity /= np.maximum(n_observed, 1)
        distances = self.neighbours_.distances(
            self.space.points_of(rows, -1), rows.observed
        )
        return distances, rarity

    def _weigh(self, terms):
        distance, rarity = terms
        distance_unit, rarity_unit = self.units_
        return distance / distance_unit + _ERROR_WEIGHT * rarity / rarity_unit


def _calibration_unit(totals, weight, as_new, weight_of_known):
    """Median of row totals, or their mean where more than half of them are 0.

    Where rows nearly repeat, those of one fold also have similar errors by their
    member, unlike new rows: then the median ``as_new``.
    """
    unit = quantile(totals, 0.5, weight) or mean(totals[:, None], weight)[0] or 1.0
    median_as_new = quantile(as_new, 0.5, weight_of_known)
    return median_as_new if median_as_new > _MOST_UNITS * unit else unit
