"""Whether numbers are missing for what they are, and where they then lie.

Let the odds that a cell is missing be ``exp(a + b x + c z)``, of its own value x and of
the other columns z of its row. If observed cells of a column are normal given z, with
mean m(z) and variance v, then

- the odds given z alone are ``exp(a' + b m(z) + c z)``, which is a logistic regression
  of what is missing on what is predicted and on the other columns, and
- missing cells are normal given z, with mean ``m(z) + b v``.

So b is seen where a cell is the likelier missing the higher it is predicted to be,
more than the other columns explain, their sizes, or a cause that all columns share.
With few columns, or where predictions are poor, that cannot be told from missingness at
random, which is then assumed: only where b explains what is missing far better, all
columns of a table taken together, are missing cells moved.
"""

import numpy as np
from scipy.special import expit

# How much likelier (in logarithms) what is missing must be under dependence on own
# values than under all that is missing at random. Where the latter was so, it has come
# to .3 at most, and to 20 and more of most tables where the former was.
_LEAST_EVIDENCE = 5.0
# Cells of a column, missing and observed, from which something can be learned.
_LEAST_CELLS = 5
# Columns that evidence is taken from, and other columns that are looked at: of more,
# those that tell most of what is missing.
_MOST_JUDGED, _MOST_OTHERS = 32, 64
# Principal axes of the table, each of which may be the cause of what is missing.
_N_AXES = 3
# Variances of the slopes of a table, and of the level a.
_LEAST_VARIANCE, _MOST_VARIANCE, _FREE = 1e-3, 4.0, 100.0
# Those to begin with, of slopes by own values and by other columns.
_BEGIN = 1.0, 0.05
_MOST_ROUNDS, _FIRST_STEPS, _LONGEST_STEP, _TOLERANCE = 25, 5, 2.0, 0.03
# By how much errors may exceed the variance that was thought to be left.
_MOST_EXCESS = 4.0


def fit_tilts(predicted, spread, targets, masks, n_numeric):
    """How far missing numbers lie from what is predicted of them.

    All arrays are standardised, of rows that predictions were not learned from.

    Parameters
    ----------
    predicted : (n_masks, n_rows, n_values) array
        Predictions of missing cells, and of those that a mask hides.
    spread : (n_masks, n_rows, n_values) array
        A guess of their standard deviations.
    targets : (n_rows, n_values) array
        NaN where missing.
    masks : (n_masks, n_values) bool array
        Each hides some columns of all rows.
    n_numeric : int
        Number of leading columns that are numbers, which alone are tilted.

    Returns
    -------
    tilts : (n_values,) float32 array
        Distance per squared unit of spread. Zeros where cells do not seem to be
        missing for what they are.
    """
    missing = np.isnan(targets)
    tilts = np.zeros(targets.shape[1], dtype=np.float32)
    n_missing = missing[:, :n_numeric].sum(axis=0)
    enough = np.minimum(n_missing, len(missing) - n_missing) >= _LEAST_CELLS
    columns = np.flatnonzero(enough & masks[:, :n_numeric].any(axis=0))
    if len(columns) == 0:
        return tilts
    completed = np.where(missing, predicted.mean(axis=0), targets)
    mask_of = masks.argmax(axis=0)
    own = {column: predicted[mask_of[column], :, column] for column in columns}

    def regression(column):
        others = _most_telling(_others(completed, column), missing[:, column])
        return Regression(missing[:, column], own[column], others)

    judged = np.linspace(0, len(columns) - 1, min(len(columns), _MOST_JUDGED))
    judged = columns[judged.astype(int)]
    regressions = [regression(column) for column in judged]
    variances, by_own = find_variances(regressions, by_own=True)
    _, by_others = find_variances(regressions, by_own=False)
    by_cause, by_sizes = _evidence_of_causes(completed, missing, judged)
    at_random = max(np.maximum(by_others, by_cause).sum(), by_sizes.sum())
    if by_own.sum() - at_random < _LEAST_EVIDENCE:
        return tilts
    for column in columns:
        slope = regression(column).climb(variances, _FIRST_STEPS).slopes[1]
        observed = ~missing[:, column]
        errors = (targets[:, column] - own[column])[observed]
        thought = spread[mask_of[column], observed, column]
        excess = np.sum(errors**2) / max(np.sum(thought**2), 1e-12)
        tilts[column] = slope * min(excess, _MOST_EXCESS)
    return tilts


def _evidence_of_causes(completed, missing, columns):
    """Evidence that cells are missing by a common cause, or by sizes of other columns.

    What is missing by a single column that most others follow, or by what they have
    in common, is told by predictions as well, and these are simpler than slopes by all
    other columns. And what is missing where others are unusual, high or low, is
    not to be taken for curved predictions.

    Returns
    -------
    by_cause, by_sizes : (n_judged,) arrays
        For each of the columns.
    """
    centred = completed - completed.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:_N_AXES]

    def causes(column):
        """All that may be one, without the column itself: (n_rows, n_causes)."""
        others = centred.astype(np.float64)
        others[:, column] = 0.0
        sizes = np.abs(others)
        return np.concatenate(
            [others, sizes - sizes.mean(axis=0), others @ axes.T], axis=1
        )

    told = [_told(causes(column), missing[:, column]) for column in columns]
    cause = np.square(told).sum(axis=0).argmax()
    by_cause, by_sizes = [], []
    for column in columns:
        is_missing, possible = missing[:, column], causes(column)
        one = possible[:, cause] / max(possible[:, cause].std(), 1e-6)
        by_cause.append(Regression(is_missing, one, np.empty((len(one), 0))))
        both = _most_telling(possible[:, : -len(axes)], is_missing)
        by_sizes.append(Regression(is_missing, one, both))
    return (
        find_variances(by_cause, by_own=True)[1],
        find_variances(by_sizes, by_own=False)[1],
    )


def _others(completed, column):
    """The other columns, centred: (n_rows, n_others)."""
    others = np.delete(completed, column, axis=1).astype(np.float64)
    return others - others.mean(axis=0)


def _most_telling(others, is_missing):
    """Those columns that tell most of what is missing: (n_rows, at most so many)."""
    if others.shape[1] <= _MOST_OTHERS:
        return others
    order = np.argsort(-_told(others, is_missing))
    return others[:, np.sort(order[:_MOST_OTHERS])]


def _told(others, is_missing):
    """How much each centred column tells of what is missing: (n_others,) array."""
    norms = np.sqrt((others**2).sum(axis=0))
    return np.abs((is_missing - is_missing.mean()) @ others) / np.maximum(norms, 1e-12)


class Regression:
    """Logistic regression of what is missing in a column, with slopes of a prior.

    Parameters
    ----------
    missing : (n_rows,) bool array
    own : (n_rows,) array
        What is predicted of the column.
    others : (n_rows, n_others) array
        Centred.

    Attributes
    ----------
    slopes : (2 + n_others,) array
        The level a and the slopes of ``own`` and of ``others``.
    covariance : (2 + n_others, 2 + n_others) array
        What the data left open of them before the last step.
    """

    def __init__(self, missing, own, others):
        own = own.astype(np.float64) - own.mean()
        self.inputs = np.column_stack([np.ones(len(own)), own, others])
        self.missing = missing.astype(np.float64)
        self.begin()

    def begin(self):
        """Forget all slopes."""
        share = self.missing.mean()
        self.slopes = np.zeros(self.inputs.shape[1])
        self.slopes[0] = np.log(share / (1 - share))
        self.covariance = np.eye(len(self.slopes))

    def climb(self, variances, n_steps):
        """Take steps to the likeliest slopes, given the variances of the prior."""
        for _ in range(n_steps):
            chances, curvature = self._curvature(variances)
            gradient = self.inputs.T @ (self.missing - chances)
            gradient -= self._precisions(variances) * self.slopes
            self.covariance = np.linalg.inv(curvature)
            step = self.covariance @ gradient
            longest = max(np.abs(step).max(), 1e-12)
            self.slopes = self.slopes + step * min(1.0, _LONGEST_STEP / longest)
        return self

    def settled(self, variances):
        """Squared slopes, and how far each is settled by the data, summed by kind.

        Returns
        -------
        squares, settled : (2,) arrays
            Of ``own`` and of ``others``.
        """
        left_open = np.diag(self.covariance) * self._precisions(variances)
        squares, settled = self.slopes**2, 1 - left_open
        return (
            np.array([squares[1], squares[2:].sum()]),
            np.array([settled[1], settled[2:].sum()]),
        )

    def evidence(self, variances):
        """Log-probability of what is missing, over all slopes (Laplace's method)."""
        scores, precisions = self.inputs @ self.slopes, self._precisions(variances)
        likelihood = np.sum(self.missing * scores - np.logaddexp(0, scores))
        prior = 0.5 * np.sum(np.log(precisions) - precisions * self.slopes**2)
        _, curvature = self._curvature(variances)
        return likelihood + prior - 0.5 * np.linalg.slogdet(curvature)[1]

    def _curvature(self, variances):
        chances = expit(self.inputs @ self.slopes)
        weighted = self.inputs * (chances * (1 - chances))[:, None]
        curvature = weighted.T @ self.inputs + np.diag(self._precisions(variances))
        return chances, curvature

    def _precisions(self, variances):
        own, others = variances
        return 1 / np.r_[_FREE, own, np.full(len(self.slopes) - 2, others)]


def find_variances(regressions, by_own):
    """Variances of slopes by own values and by other columns, of most evidence.

    The same for all columns, so that each adds to what is known of them; found as in
    [1]_.

    Parameters
    ----------
    regressions : sequence of Regression
    by_own : bool
        Whether cells may be missing by their own values.

    Returns
    -------
    variances : (2,) array
    evidence : (n_regressions,) array
        Its logarithm, for each.

    References
    ----------
    .. [1] MacKay (1992). Bayesian interpolation. Neural Computation 4.
    """
    variances = np.array(_BEGIN)
    if not by_own:
        variances[0] = _LEAST_VARIANCE
    for regression in regressions:
        regression.begin()
        regression.climb(variances, _FIRST_STEPS)
    for _ in range(_MOST_ROUNDS):
        parts = [r.climb(variances, 1).settled(variances) for r in regressions]
        squares, settled = np.sum(parts, axis=0)
        found = squares / np.maximum(settled, 1e-9)
        found = found.clip(_LEAST_VARIANCE, _MOST_VARIANCE)
        if not by_own:
            found[0] = _LEAST_VARIANCE
        change = np.abs(np.log(found / variances)).max()
        variances = found
        if change < _TOLERANCE:
            break
    evidence = [r.climb(variances, 1).evidence(variances) for r in regressions]
    return variances, np.array(evidence)
