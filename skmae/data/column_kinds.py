"""Which columns hold numbers, and which hold categories."""

import datetime
from collections.abc import Sized
from decimal import Decimal
from numbers import Real

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd

from skmae.data.doubtful_columns import TO_NUMBERS
from skmae.data.quoting import quoted
from skmae.data.stored_frames import StoredFrame
from skmae.data.tables import dtype_name, is_frame, may_be_numeric, refuse_kind

# Objects that are numbers, and those that are dates or times.
_NUMBERS = (Real, Decimal)
_TIMES = (
    datetime.date,
    datetime.time,
    datetime.timedelta,
    np.datetime64,
    np.timedelta64,
    pd.Period,
)


def find_categorical(X, categorical_features, n_columns, feature_names):
    """Which columns are categorical.

    Parameters
    ----------
    X : array of shape (n_rows, n_columns) or DataFrame
    categorical_features : "from_dtype", None, or array-like of bool, int or str
        As in :class:`sklearn.ensemble.HistGradientBoostingClassifier`.
    n_columns : int
    feature_names : array of str or None

    Returns
    -------
    categorical : (n_columns,) array of bool

    Raises
    ------
    ValueError
        If the parameter names no column of X, or a column has a dtype that is
        neither numeric nor categorical.
    """
    X = X.empty if isinstance(X, StoredFrame) else X
    if isinstance(categorical_features, str):  # "from_dtype", checked before
        if not is_frame(X):
            return np.zeros(n_columns, dtype=bool)
        frame = nw.from_native(X, eager_only=True)
        return np.array(
            [_dtype_is_categorical(series) for series in frame.iter_columns()]
        )
    if categorical_features is None:
        return np.zeros(n_columns, dtype=bool)
    categorical = _given_columns(categorical_features, n_columns, feature_names)
    if is_frame(X) and categorical.any():  # without any, X is read as an array
        check_numeric(X, categorical)
    return categorical


def _given_columns(categorical_features, n_columns, feature_names):
    given = np.asarray(categorical_features)
    categorical = np.zeros(n_columns, dtype=bool)
    if given.size == 0:
        return categorical
    if given.dtype.kind == "b":
        if given.shape != (n_columns,):
            raise ValueError(
                "categorical_features set as a boolean mask must have shape "
                f"(n_features,) = ({n_columns},). Got shape {given.shape} instead."
            )
        return given.copy()
    if given.dtype.kind in "OU" and all(isinstance(name, str) for name in given.flat):
        if feature_names is None:
            raise ValueError(
                "categorical_features holds column names, but X has no column names: "
                "pass a DataFrame, or give the columns as integers."
            )
        unknown = sorted(set(given.tolist()) - set(feature_names))
        if unknown:
            raise ValueError(
                f"categorical_features has names that are no columns of X: {unknown}."
            )
        return np.isin(np.asarray(feature_names, dtype=object), given.astype(object))
    if given.dtype.kind in "iu":
        if given.min() < 0 or given.max() >= n_columns:
            raise ValueError(
                "categorical_features set as integers must lie in [0, "
                f"n_features - 1] = [0, {n_columns - 1}]. Got {given.tolist()}."
            )
        if len(np.unique(given)) < given.size:
            raise ValueError(
                "categorical_features set as integers must name each column once; a "
                f"mask must be boolean. Got {given.tolist()}."
            )
        categorical[given] = True
        return categorical
    raise ValueError(
        "categorical_features must be 'from_dtype', None, or an array-like of bool, "
        f"int or str. Got {categorical_features!r} instead."
    )


def check_numeric(X, categorical):
    """Refuse columns of a frame that are neither named as categorical nor numeric."""
    frame = nw.from_native(X, eager_only=True)
    for series, is_categorical in zip(frame.iter_columns(), categorical, strict=True):
        if not (is_categorical or may_be_numeric(series.dtype)):
            raise ValueError(
                f"Column {quoted(series.name)} has dtype {dtype_name(series)} and is "
                "not among categorical_features. Name it there, or convert it to "
                f"numbers first; {TO_NUMBERS}"
            )


def _dtype_is_categorical(series):
    dtype = series.dtype
    if dtype == nw.Object:
        return not _are_numbers(_kinds_of_objects(series))
    if dtype in (nw.Boolean, nw.String, nw.Categorical, nw.Enum):
        return True
    # The dtype that polars gives a column of None.
    if dtype == nw.Unknown and series.is_null().all():
        return True
    if dtype.is_numeric():
        return False
    return refuse_kind(series)


def is_text(X, categorical_features, n_columns):
    """Which columns are categories only because they are text: (n_columns,) bool."""
    X = X.empty if isinstance(X, StoredFrame) else X
    if not is_frame(X) or not isinstance(categorical_features, str):
        return np.zeros(n_columns, dtype=bool)
    frame = nw.from_native(X, eager_only=True)
    return np.array(
        [series.dtype in (nw.String, nw.Object) for series in frame.iter_columns()]
    )


def _kinds_of_objects(series):
    """Types of the objects of a column; dates and containers are refused."""
    cells = np.asarray(series.to_numpy(), dtype=object)
    kinds = {type(cell) for cell in cells[~pd.isna(cells)]}
    for kind in kinds:
        is_container = issubclass(kind, Sized) and not issubclass(kind, (str, bytes))
        if is_container or issubclass(kind, _TIMES):
            refuse_kind(series, f" and holds cells of type {kind.__name__}")
    return kinds


def _are_numbers(kinds):
    """Whether all objects of a column are numbers, and there are any."""
    return len(kinds) > 0 and all(
        issubclass(kind, _NUMBERS) and kind is not bool for kind in kinds
    )
