"""Attribution of the score of a row of unlike length to its steps."""

from typing import NamedTuple

import numpy as np

from skmae.data.sequences import Sequences
from skmae.detection.tails import TailValues
from skmae.detection.weights import mean, quantile

# What rows of other lengths reach alike: this share of them stay below it.
_SHARE = 0.9
# Long rows are so many times as long as short ones, or lengths say nothing.
_LEAST_RATIO = 1.1


class JudgedSteps(NamedTuple):
    """Rows of steps and how surprising their cells are while hidden."""

    sequences: Sequences
    surprise: np.ndarray  # (n_steps, n_cells) float64, NaN where not known
    observed: np.ndarray  # (n_steps, n_cells) bool
    unseen: np.ndarray  # (n_steps, n_cells) bool: observed tokens that are not known

    @property
    def n_observed(self):
        """Observed cells of each row, at least 1: (n_rows,) array."""
        return np.maximum(self.sequences.per_row(self.observed.sum(axis=1)), 1)


class StepAttribution:
    """Attribution of scores to the steps of rows: how surprising they are.

    Surprise is in nats beyond what was to be expected, and counts nothing where that is
    negative. Of a token that is its negative log-likelihood minus the entropy of the
    prediction. Of a number it is minus the logarithm of the share of errors of its
    channel, in training rows left out, that are at least as large, minus 1, the mean of
    that; as errors of a row go together, its square is taken.

    The sum over a row is divided by a unit: a power of the row's number of observed
    cells, such that most training rows stay below the same score however long they are.

    Parameters
    ----------
    unseen : float or None
        Surprise of a token that is not known. None: steps have numbers.
    """

    def __init__(self, unseen):
        self.unseen = unseen

    def fit(self, rows, known, weight=None, weight_of_known=None):
        """Calibrate.

        Parameters
        ----------
        rows : JudgedSteps
            Training rows, judged by members that left them out.
        known : JudgedSteps
            Some of them, judged by all members, as new rows are.
        weight, weight_of_known : (n_rows,) and (n_known,) arrays, or None
            Of these rows, 1 in the mean.

        Returns
        -------
        attribution, attribution_of_known : (n_steps, n_cells) float64 arrays
        """
        if self.unseen is None:
            of_steps = None if weight is None else weight[rows.sequences.row_of_step]
            self.tails_ = TailValues().fit(rows.surprise, of_steps)
        cells = self._cells(rows)
        sums = rows.sequences.per_row(cells.sum(axis=1))
        self.power_ = _power_of_length(sums, rows.n_observed, weight)
        relative = sums / rows.n_observed**self.power_
        self.unit_ = (
            quantile(relative, 0.5, weight) or mean(relative[:, None], weight)[0] or 1.0
        )
        return self._divided(cells, rows), self(known)

    def __call__(self, judged):
        """Attribution to cells: (n_steps, n_cells) float64 array, 0 where missing."""
        return self._divided(self._cells(judged), judged)

    def _cells(self, judged):
        if self.unseen is None:
            excess = np.maximum(self.tails_.transform(judged.surprise) - 1, 0.0) ** 2
        else:
            surprise = np.where(judged.unseen, self.unseen, judged.surprise)
            excess = np.maximum(surprise, 0.0)
        return np.where(judged.observed, excess, 0.0)

    def _divided(self, cells, judged):
        unit = self.unit_ * judged.n_observed**self.power_
        return cells / unit[judged.sequences.row_of_step, None]


def _power_of_length(sums, lengths, weight):
    """The power of their length that sums of rows grow with, between 0 and 1.

    From the longer half of the rows against the shorter one.
    """
    long = lengths > np.median(lengths)
    if not long.any():
        return 1.0
    ratio = lengths[long].mean() / lengths[~long].mean()
    if ratio < _LEAST_RATIO:
        return 1.0
    low, high = (
        quantile(sums[half], _SHARE, None if weight is None else weight[half])
        for half in (~long, long)
    )
    if low == 0 or high == 0:
        return 1.0
    return float(np.clip(np.log(high / low) / np.log(ratio), 0.0, 1.0))
