"""Results of several completed tables pooled to one, by Rubin's rules."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats


@dataclass(frozen=True, repr=False, eq=False)
class PooledEstimate:
    """What :func:`pool` gives; all attributes have the shape of one estimate.

    Attributes
    ----------
    estimate, within, between, dof, fraction_missing : float or ndarray
        See :func:`pool`.
    n_imputations : int
        Number of completed tables.
    """

    estimate: float | np.ndarray
    within: float | np.ndarray
    between: float | np.ndarray
    dof: float | np.ndarray
    fraction_missing: float | np.ndarray
    n_imputations: int

    @property
    def variance(self):
        """Total variance: within tables, between them, and of so few tables."""
        return self.within + (1 + 1 / self.n_imputations) * self.between

    @property
    def std_error(self):
        """Root of the total variance."""
        return self.variance**0.5

    @property
    def relative_efficiency(self):
        """Variance of infinitely many imputations over that of these, by and large."""
        return 1 / (1 + self.fraction_missing / self.n_imputations)

    def interval(self, level=0.9):
        """Confidence interval by Student's t.

        Parameters
        ----------
        level : float in (0, 1), default=0.9
            Share of such intervals that hold the truth.

        Returns
        -------
        low, high : float or ndarray
            Infinite where there are no degrees of freedom.
        """
        if not isinstance(level, (int, float, np.number)) or not 0 < level < 1:
            raise ValueError(
                f"level must be a number between 0 and 1, both excluded. Got {level!r}."
            )
        some = np.asarray(self.dof) > 0
        quantile = stats.t.ppf((1 + level) / 2, np.where(some, self.dof, 1.0))
        half = np.where(some, quantile * self.std_error, np.inf)[()]
        return self.estimate - half, self.estimate + half

    def __repr__(self):
        names = ("estimate", "std_error", "dof", "fraction_missing")
        with np.printoptions(precision=4, suppress=True):
            shown = [f"{name}={_shown(getattr(self, name))}" for name in names]
        return f"PooledEstimate({', '.join(shown)})"


def pool(estimates, variances, *, dof_complete=None):
    """Pool the estimates of several completed tables by Rubin's rules.

    Whatever is estimated from a table with missing values, such as a regression's
    coefficients, is estimated from each of several completions of it, as
    :meth:`MaskedAutoencoderImputer.sample` draws them. The mean of the estimates is
    the estimate; its variance is that within a complete table plus that between the
    tables, which is what the missing values add.

    Parameters
    ----------
    estimates : array-like of shape (n_imputations, ...)
        One estimate, a number or an array, of each completed table. Two tables at
        least; twenty are a good start.
    variances : array-like of shape (n_imputations, ...)
        Their squared standard errors, in the shape of ``estimates``.
    dof_complete : float or None, default=None
        Degrees of freedom that the estimate would have without missing values, such
        as rows less coefficients [2]_. None: so many that it does not matter.

    Returns
    -------
    pooled : PooledEstimate
        Its attributes have the shape of one estimate, and are floats where that is a
        number: ``estimate``; ``variance``, the total, and its root ``std_error``;
        ``within`` and ``between``, the variances within and between tables; ``dof``,
        the degrees of freedom; ``fraction_missing``, the fraction of the information
        on the estimate that is missing; and ``relative_efficiency``, near 1 where
        more imputations would add little. ``n_imputations`` is the number of tables,
        and ``interval(level=0.9)`` gives the ends of a confidence interval.

    See Also
    --------
    MaskedAutoencoderImputer.sample : Draws completions.

    Notes
    -----
    Estimates should be about normally distributed: pool the logarithm of an odds
    ratio, and Fisher's z of a correlation.

    References
    ----------
    .. [1] Rubin (1987). Multiple Imputation for Nonresponse in Surveys. Wiley.
    .. [2] Barnard, Rubin (1999). Small-sample degrees of freedom with multiple
       imputation. Biometrika 86.

    Examples
    --------
    >>> from skmae import pool
    >>> pooled = pool([1.0, 1.2, 1.1, 0.9], [0.04, 0.05, 0.04, 0.03])
    >>> pooled
    PooledEstimate(estimate=1.05, std_error=0.2466, dof=25.58, fraction_missing=0.3885)
    >>> low, high = pooled.interval(level=0.95)
    >>> round(float(low), 2), round(float(high), 2)
    (0.54, 1.56)

    The mean alcohol of wines, of which some is missing:

    >>> import numpy as np
    >>> from sklearn.datasets import load_wine
    >>> from skmae import MaskedAutoencoderImputer
    >>> X = load_wine(as_frame=True).data
    >>> X.loc[X["proline"] > 700, "alcohol"] = np.nan
    >>> imputer = MaskedAutoencoderImputer(max_epochs=10, random_state=0).fit(X)
    >>> completed = imputer.sample(X, n_samples=20, random_state=0)
    >>> means = [table["alcohol"].mean() for table in completed]
    >>> variances = [table["alcohol"].var() / len(table) for table in completed]
    >>> pooled = pool(means, variances, dof_complete=len(X) - 1)
    >>> bool(pooled.std_error > np.sqrt(pooled.within))
    True
    """
    _check_order(estimates, variances)
    estimates = _checked("estimates", estimates)
    variances = _checked("variances", variances)
    if estimates.shape != variances.shape:
        raise ValueError(
            "variances must have the shape of estimates, one for each of them. Got "
            f"variances of shape {variances.shape} and estimates of shape "
            f"{estimates.shape}."
        )
    n_imputations = len(estimates)
    if n_imputations < 2:
        raise ValueError(
            "estimates must hold those of at least 2 completed tables, between which "
            f"they vary. Got {n_imputations}."
        )
    if (variances < 0).any():
        raise ValueError(
            f"variances must not be negative. Got {variances.min():g} in "
            f"{_place('variances', variances < 0)}."
        )
    if dof_complete is not None and not (
        isinstance(dof_complete, (int, float, np.number)) and 0 < dof_complete < np.inf
    ):
        raise ValueError(
            f"dof_complete must be a positive number or None. Got {dof_complete!r}."
        )
    within, between = variances.mean(axis=0), estimates.var(axis=0, ddof=1)
    added = (1 + 1 / n_imputations) * between
    total = within + added
    # Nothing is added to no variance.
    share = np.divide(added, total, where=total > 0, out=np.zeros_like(total))
    with np.errstate(divide="ignore"):
        dof = (n_imputations - 1) / share**2
        # Of the information itself, whatever the size of the table.
        fraction_missing = share + (1 - share) * 2 / (dof + 3)
        if dof_complete is not None:
            factor = (dof_complete + 1) / (dof_complete + 3)
            dof_observed = factor * dof_complete * (1 - share)
            dof = 1 / (1 / dof + 1 / dof_observed)
    return PooledEstimate(
        estimate=estimates.mean(axis=0)[()],
        within=within[()],
        between=between[()],
        dof=dof[()],
        fraction_missing=fraction_missing[()],
        n_imputations=n_imputations,
    )


def _check_order(estimates, variances):
    """Refuse Series of one order of labels and another, pooled by position."""
    first = None
    for name, values in (("estimates", estimates), ("variances", variances)):
        if not isinstance(values, (list, tuple)):
            continue
        for i, value in enumerate(values):
            if not isinstance(value, pd.Series):
                continue
            first = value.index if first is None else first
            if set(value.index) == set(first) and not value.index.equals(first):
                raise ValueError(
                    "The labels of estimates and variances must be in the same order "
                    f"for each completed table. Got {value.index.tolist()} in "
                    f"{name}[{i}] and {first.tolist()} before."
                )


def _checked(name, values):
    """Finite float64 values, one or an array for each imputation."""
    try:
        values = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be numbers, of the same shape for each completed table: "
            f"{error}"
        ) from error
    if values.ndim == 0:
        raise ValueError(
            f"{name} must hold one entry for each completed table. Got the single "
            f"number {values}."
        )
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise ValueError(
            f"{name} must be finite. Got {values[wrong][0]} in {_place(name, wrong)}."
        )
    return values


def _place(name, wrong):
    return f"{name}[{', '.join(str(i) for i in np.argwhere(wrong)[0])}]"


def _shown(value):
    return f"{value:.4g}" if np.ndim(value) == 0 else str(value).replace("\n", "")
