"""Names of columns that are no strings, such as numbers.

scikit-learn remembers names only where all are strings, and takes the columns of other
frames by their position, in whatever order they come.
"""

import warnings

import numpy as np

from skmae.data.quoting import quoted
from skmae.data.tables import column_names, is_frame

# What fit keeps of columns.
OF_COLUMNS = ("n_features_in_", "feature_names_in_", "_column_names")
_MOST_NAMED = 5


def check_column_names(estimator, X, reset):
    """Remember such names in fit, and hold the rows that come later to them.

    Names 0, 1, 2, ... in order are what pandas gives to columns without names.

    Parameters
    ----------
    estimator : estimator
        It is given ``_column_names``, unless X has none of that kind.
    X : array, DataFrame or other rows
    reset : bool
        Whether X is that of fit.

    Raises
    ------
    ValueError
        If X has other names than in fit, or the same in another order.
    """
    names = _other_names(X)
    if reset:
        vars(estimator).pop("_column_names", None)
        if names is not None:
            estimator._column_names = names
        return
    fitted = getattr(estimator, "_column_names", None)
    if names is None or fitted is None or names == fitted:
        return
    # What another number of columns is refused with is scikit-learn's.
    if len(names) != len(fitted):
        return
    unseen = [column for column in names if column not in set(fitted)]
    missing = [column for column in fitted if column not in set(names)]
    name = type(estimator).__name__
    if unseen and _are_positions(names):
        _warn(
            f"X does not have valid feature names, but {name} was fitted with feature "
            "names"
        )
    elif unseen and _are_positions(fitted):
        _warn(f"X has feature names, but {name} was fitted without feature names")
    else:
        raise ValueError(_difference(unseen, missing))


def check_channel_names(estimator, series, reset):
    """Hold DataFrames that are series to the names of channels of the first in fit.

    Parameters
    ----------
    estimator : estimator
    series : sequence of arrays or DataFrames
        All with one number of channels.
    reset : bool
        Whether they are those of fit.

    Raises
    ------
    ValueError
        If one has other names, or the same in another order.
    """
    named = [(i, column_names(of)) for i, of in enumerate(series) if is_frame(of)]
    if reset and named:
        estimator._column_names = named[0][1]
    fitted = getattr(estimator, "_column_names", None)
    if fitted is None:
        return
    for i, names in named:
        if names != fitted and not _are_positions(names):
            unseen = [channel for channel in names if channel not in fitted]
            missing = [channel for channel in fitted if channel not in names]
            raise ValueError(f"Row {i} of X: {_difference(unseen, missing)}")


def names_of_fit(estimator):
    """Names of the columns of fit, whatever they are: (n_columns,) array or None."""
    names = getattr(estimator, "feature_names_in_", None)
    names = getattr(estimator, "_column_names", None) if names is None else names
    if names is None:
        return None
    found = np.empty(len(names), dtype=object)
    found[:] = list(names)
    return found


def forget_column_names(estimator):
    """Make an estimator forget the columns of an earlier fit, for rows without any."""
    for name in OF_COLUMNS:
        vars(estimator).pop(name, None)


def _other_names(X):
    """Names of the columns of a frame, a list; None where all are strings."""
    if not is_frame(X):
        return None
    names = column_names(X)
    return None if all(isinstance(name, str) for name in names) else names


def _are_positions(names):
    return names == list(range(len(names)))


def _warn(text):
    warnings.warn(text, UserWarning, stacklevel=4)


def _difference(unseen, missing):
    """How names differ, in scikit-learn's words."""
    lines = ["The feature names should match those that were passed during fit."]
    if unseen:
        lines += ["Feature names unseen at fit time:", *_listed(unseen)]
    if missing:
        lines += [
            "Feature names seen at fit time, yet now missing:",
            *_listed(missing),
        ]
    if not unseen and not missing:
        lines += ["Feature names must be in the same order as they were in fit."]
    return "\n".join(lines)


def _listed(names):
    more = ["- ..."] if len(names) > _MOST_NAMED else []
    return [f"- {quoted(name)}" for name in names[:_MOST_NAMED]] + more
