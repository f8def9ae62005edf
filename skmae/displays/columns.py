"""Two tables side by side: their columns as numbers, and how these hang together."""

from collections import Counter

import numpy as np
from scipy import sparse

from skmae.data.column_kinds import find_categorical
from skmae.data.tables import (
    as_numpy,
    as_table,
    check_no_inf,
    column_names,
    is_frame,
    without_loss,
)

# Categories that have room for their names; of more, the rarest are one.
_MOST_CATEGORIES = 10


def as_rows(X, name):
    """Rows as a DataFrame or 2-D array; those of images flat."""
    X = X.toarray() if sparse.issparse(X) else without_loss(as_numpy(X))
    if is_frame(X):
        rows = X
    else:
        rows = np.asarray(X)
        if rows.ndim < 2:
            raise ValueError(
                f"{name} must have rows and columns. Got an array of {rows.ndim} "
                f"dimension{'' if rows.ndim == 1 else 's'}."
            )
        rows = rows.reshape(len(rows), -1) if len(rows) else rows
    if len(rows) == 0:
        raise ValueError(f"{name} has no rows.")
    return rows


def check_same_columns(X, X_new):
    """Refuse tables that cannot be compared column by column."""
    if X.shape[1] != X_new.shape[1]:
        raise ValueError(
            f"X and X_new must have the same columns. Got {X.shape[1]} and "
            f"{X_new.shape[1]} columns."
        )
    if is_frame(X) and is_frame(X_new):
        names, others = column_names(X), column_names(X_new)
        if names != others:
            at = next(
                j
                for j, pair in enumerate(zip(names, others, strict=True))
                if pair[0] != pair[1]
            )
            raise ValueError(
                "X and X_new must have the same columns in the same order. Column "
                f"{at} is {names[at]!r} in X and {others[at]!r} in X_new."
            )


def side_by_side(X, X_new, categorical_features):
    """Columns of two tables as numbers.

    Parameters
    ----------
    X, X_new : (n_rows, n_columns) array or DataFrame
    categorical_features : array-like, "from_dtype" or None
        As in the estimators, of X.

    Returns
    -------
    real, new : (n_rows, n_columns) float64 arrays
        NaN where missing. Categories are positions in their list.
    categories : list
        For each column the names of its categories, or None for numbers.
    """
    names = np.asarray(column_names(X), dtype=object) if is_frame(X) else None
    categorical = find_categorical(X, categorical_features, X.shape[1], names)
    tables = [as_table(rows, categorical) for rows in (X, X_new)]
    parts = [np.full((table.n_rows, X.shape[1]), np.nan) for table in tables]
    for part, table in zip(parts, tables, strict=True):
        part[:, ~categorical] = table.numeric_block(slice(0, table.n_rows))
        check_no_inf(part)
    categories = [None] * X.shape[1]
    for column in np.flatnonzero(categorical):
        cells = [table.categorical_column(column) for table in tables]
        observed = [values[~missing].tolist() for values, missing in cells]
        positions, categories[column] = _positions(*observed)
        for part, (values, missing) in zip(parts, cells, strict=True):
            at = [positions[value] for value in values[~missing].tolist()]
            part[~missing, column] = at
    return *parts, categories


def _positions(real, new):
    """Position of each category that is there, and the names of positions."""
    counts = Counter(real + new)
    kept = list(counts)
    if len(counts) > _MOST_CATEGORIES:
        kept = [value for value, _ in counts.most_common(_MOST_CATEGORIES - 1)]
    try:
        kept = sorted(kept)
    except TypeError:  # of several kinds
        kept = sorted(kept, key=str)
    places = {value: place for place, value in enumerate(kept)}
    positions = {value: places.get(value, len(kept)) for value in counts}
    names = [str(value) for value in kept]
    if len(kept) < len(counts):
        names.append(f"{len(counts) - len(kept)} others")
    return positions, names


def correlations(rows):
    """Correlations of columns, each of the rows that have both; 0 if there are none."""
    there = ~np.isnan(rows)
    centre = np.nanmean(np.where(there.any(axis=0), rows, 0.0), axis=0)
    values, seen = np.where(there, rows - centre, 0.0), there.astype(np.float64)
    n_rows = np.maximum(seen.T @ seen, 1)
    sums = values.T @ seen
    # Of a column, over the rows that have the other one as well.
    variances = (values**2).T @ seen - sums**2 / n_rows
    covariances = values.T @ values - sums * sums.T / n_rows
    scale = np.sqrt(np.maximum(variances * variances.T, 0))
    # What is left of a column without variance is rounding.
    least = 1e-9 * np.sqrt(np.outer((values**2).sum(axis=0), (values**2).sum(axis=0)))
    known = scale > np.maximum(least, 0)
    return np.where(known, covariances / np.where(known, scale, 1), 0.0)


def most_correlated(rows, categories, n_columns):
    """Columns with the largest absolute correlation with another one, in order.

    That of a column of categories is the largest of indicators of its categories.
    """
    parts = [
        rows[:, [j]] if names is None else _indicators(rows[:, j], len(names))
        for j, names in enumerate(categories)
    ]
    starts = np.cumsum([0] + [part.shape[1] for part in parts[:-1]])
    strength = np.abs(correlations(np.hstack(parts)))
    for axis in (0, 1):
        strength = np.maximum.reduceat(strength, starts, axis=axis)
    np.fill_diagonal(strength, 0)
    # Rounding must not part the two columns of a pair.
    strongest = np.round(strength.max(axis=1), 9)
    return np.sort(np.argsort(-strongest, kind="stable")[:n_columns])


def _indicators(positions, n_categories):
    indicators = (positions[:, None] == np.arange(max(n_categories, 1))).astype(float)
    indicators[np.isnan(positions)] = np.nan
    return indicators


def find_columns(columns, names):
    """Positions of columns that are given by name or position."""
    if isinstance(columns, str) or not hasattr(columns, "__iter__"):
        raise TypeError(
            f"columns must be a list of names or positions. Got {columns!r}."
        )
    positions = {name: j for j, name in enumerate(names)}
    found = []
    for column in columns:
        if isinstance(column, str) and column in positions:
            found.append(positions[column])
        elif (
            not isinstance(column, (str, bool, np.bool_))
            and np.issubdtype(type(column), np.integer)
            and 0 <= column < len(names)
        ):
            found.append(int(column))
        else:
            raise ValueError(
                f"columns must be names or positions of columns of X, of which there "
                f"are {len(names)}. Got {column!r}."
            )
    if len(set(found)) < len(found):
        raise ValueError(f"columns must differ from each other. Got {columns!r}.")
    return found
