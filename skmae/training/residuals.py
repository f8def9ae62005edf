"""Errors of predicted numbers, kept as quantiles to be drawn from again."""

import numpy as np
from scipy.special import ndtri

_N_LEVELS = 33
_LEAST_CELLS = 50  # in a stratum
_N_STRATA = 4  # of predictions, whose errors are kept apart
# Closer together in the tails, between whose quantiles much lies.
_LEVELS = np.sin(np.linspace(0, np.pi / 2, _N_LEVELS)) ** 2
_NORMAL = ndtri(_LEVELS.clip(1e-3, 1 - 1e-3))
_POWERS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
_LEAST_SPREAD = 1e-3


class LateErrors:
    """What a network's errors are like, learned when it is asked for or saved.

    Most fits are never asked for it. Until then rows enough to learn it from are kept
    in memory; they are not saved.

    Parameters
    ----------
    model : FittedModel
        As it will be until then.
    rows : object
        To learn from.
    """

    def __init__(self, model, rows):
        self._to_learn_from: tuple | None = model, rows

    def _learn(self, model, rows):
        """Set the attributes that are to be saved."""
        raise NotImplementedError

    def ready(self):
        """These errors, learned by now."""
        # Taken once, since another thread may be here too, and will learn the same.
        given = self._to_learn_from
        if given is not None:
            self._learn(*given)
            self._to_learn_from = None
        return self

    def __getstate__(self):
        return vars(self.ready()).copy()


class Residuals:
    """Quantiles of the errors of numbers.

    Errors are kept apart by how much of a row was visible, and within a column by the
    size of the prediction. They are kept in units of a power of the spread that each
    cell was thought to have, the power under which errors of its column are likeliest.

    Attributes
    ----------
    powers_ : (n_numeric,) array
        Of the spread, in each column.
    visible_ : (n_cases,) array
        Visible share of a row in each case, the most first.
    cuts_ : (n_cases, n_numeric, n_strata - 1) array
        Predictions at which the strata meet.
    quantiles_ : (n_cases, n_numeric, n_strata, n_levels) array
    n_cells_ : (n_cases, n_numeric) int array
        How many errors were collected.
    """

    def fit(self, cases, n_numeric):
        """Collect errors.

        Parameters
        ----------
        cases : sequence of (visible, predicted, targets, counted, spread)
            One for each amount of visible cells, one or two: the most first.
            ``spread`` is a guess of the standard deviation of each error.
        n_numeric : int
            Number of leading columns that are numbers.
        """
        shape = (len(cases), n_numeric, _N_STRATA)
        self.visible_ = np.array([visible for visible, *_ in cases])
        self.cuts_ = np.full((*shape[:2], _N_STRATA - 1), np.inf)
        self.quantiles_ = np.zeros((*shape, _N_LEVELS), dtype=np.float32)
        self.n_cells_ = np.zeros(shape[:2], dtype=int)
        self.powers_ = np.array([_power(cases, j) for j in range(n_numeric)])
        for case, (_, predicted, targets, counted, spread) in enumerate(cases):
            for column in range(n_numeric):
                cells = counted[:, column]
                self.n_cells_[case, column] = cells.sum()
                errors = targets[cells, column] - predicted[cells, column]
                errors = errors / _unit(spread[cells, column], self.powers_[column])
                self._fit_column(case, column, predicted[cells, column], errors)
        self._fit_unseen()
        return self

    def _fit_column(self, case, column, predicted, errors):
        n_strata = int(np.clip(len(predicted) // _LEAST_CELLS, 1, _N_STRATA))
        if len(predicted) == 0:
            return
        cuts = np.quantile(predicted, np.linspace(0, 1, n_strata + 1)[1:-1])
        self.cuts_[case, column, : n_strata - 1] = cuts
        stratum = np.searchsorted(cuts, predicted)
        for s in range(_N_STRATA):
            inside = errors[stratum == s]
            # Equal predictions may leave a stratum without cells.
            inside = inside if len(inside) else errors
            self.quantiles_[case, column, s] = np.quantile(inside, _LEVELS)

    def _fit_unseen(self):
        """Without errors in a case, take those of the other, or normal ones."""
        seen = self.n_cells_ > 0
        for case, column in zip(*np.nonzero(~seen), strict=True):
            if seen[-1 - case, column]:
                self.cuts_[case, column] = self.cuts_[-1 - case, column]
                self.quantiles_[case, column] = self.quantiles_[-1 - case, column]
            else:
                self.quantiles_[case, column] = _NORMAL

    def at(self, ranks, predicted, visible, spread):
        """Errors at given ranks.

        Parameters
        ----------
        ranks : (n_rows, n_numeric) array in [0, 1]
        predicted : (n_rows, n_numeric) array
        visible : (n_rows,) array in [0, 1]
            Visible share of each row.
        spread : (n_rows, n_numeric) array
            As in :meth:`fit`.

        Returns
        -------
        errors : (n_rows, n_numeric) array
        """
        position = np.arcsin(np.sqrt(np.clip(ranks, 0, 1))) * 2 / np.pi
        position *= _N_LEVELS - 1
        below = np.minimum(position.astype(int), _N_LEVELS - 2)
        between = position - below
        column = np.arange(predicted.shape[1])
        errors = []
        for cuts, quantiles in zip(self.cuts_, self.quantiles_, strict=True):
            stratum = (predicted[:, :, None] > cuts).sum(axis=2)
            low = quantiles[column, stratum, below]
            high = quantiles[column, stratum, below + 1]
            errors.append(low + between * (high - low))
        much, little = self.visible_[0], self.visible_[-1]
        share = np.clip((visible - little) / max(much - little, 1e-3), 0, 1)
        errors = errors[-1] + share[:, None] * (errors[0] - errors[-1])
        return errors * _unit(spread, self.powers_)

    def draw_scales(self, n_samples, rng):
        """Draw how large the errors may be in truth, beside those collected.

        Their variance is known from so many cells of each column: the posterior of a
        normal variance, in the case of most visible cells if there were any.

        Parameters
        ----------
        n_samples : int
        rng : numpy.random.Generator

        Returns
        -------
        scales : (n_samples, n_numeric) array
            Factors, near 1 where there were many cells.
        """
        n_cells = np.where(self.n_cells_[0] > 0, self.n_cells_[0], self.n_cells_[-1])
        some, n_cells = n_cells > 0, np.maximum(n_cells, 1)
        variances = n_cells / rng.chisquare(n_cells, (n_samples, len(n_cells)))
        return np.sqrt(np.where(some, variances, 1.0))


def _unit(spread, power):
    return np.maximum(spread, _LEAST_SPREAD) ** power


def _power(cases, column):
    """Power of the spread under which errors of a column are likeliest.

    As those of a Laplace distribution, of which few large ones count less.
    """
    sizes, guesses = [], []
    for _, predicted, targets, counted, guess in cases:
        cells = counted[:, column]
        sizes.append(np.abs(targets[cells, column] - predicted[cells, column]))
        guesses.append(guess[cells, column])
    errors, spread = np.concatenate(sizes), np.concatenate(guesses)
    if len(errors) == 0:
        return 1.0
    if not errors.any() or np.ptp(spread) == 0:
        return 0.0
    costs = []
    for power in _POWERS:
        unit = _unit(spread, power)
        costs.append(np.log(unit).mean() + np.log((errors / unit).mean()))
    return _POWERS[int(np.argmin(costs))]
