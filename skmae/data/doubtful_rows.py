"""Rows that seem to be something else than what they are read as."""

import warnings

import numpy as np

_ROWS_LOOKED_AT = 100
# Pixels are numbers up to 1, or bytes: those of a dark picture are small, too.
_LEAST_BYTE, _LARGEST_BYTE = 100, 255


def refuse_sequences(X, estimator):
    """Refuse strings, and rows of unlike lengths, where a table is read.

    Parameters
    ----------
    X : anything
    estimator : estimator
        Its parameters say what could read such rows.

    Raises
    ------
    ValueError
    """
    if getattr(X, "ndim", 1) != 1 or not _holds_objects(X):
        return
    rows = list(X[:_ROWS_LOOKED_AT])
    if rows and all(isinstance(row, str) for row in rows):
        found, kinds = "one string a row", "analyzer='char' or 'word'"
    elif _are_unlike(rows):
        found = "rows of unlike lengths"
        kinds = (
            "analyzer=list, for tokens, or input_shape=(None, n_channels), for series"
        )
    else:
        return
    raise ValueError(f"X holds {found}, and {_way(estimator, kinds)}")


def warn_of_other_pixels(X, low, high):
    """Warn of bytes where fit saw numbers up to 1, and the other way round.

    Parameters
    ----------
    X : anything
        Rows of an ``input_shape``, flat.
    low, high : (n_columns,) array
        Least and largest number of each column of fit.
    """
    if getattr(getattr(X, "dtype", None), "kind", None) not in ("f", "i", "u"):
        return
    cells = np.asarray(X[:_ROWS_LOOKED_AT])
    if cells.size == 0 or low.size == 0:
        return
    low, high = low.min(), high.max()
    # These pass over NaN.
    least, largest = np.fmin.reduce(cells, axis=None), np.fmax.reduce(cells, axis=None)
    if _are_shares(low, high) and least >= 0 and largest > _LEAST_BYTE:
        advice = "X / 255"
    elif _are_bytes(low, high) and _are_shares(least, largest) and (cells % 1).any():
        advice = "X * 255"
    else:
        return
    warnings.warn(
        f"X holds cells from {least:g} to {largest:g}, and those of fit went from "
        f"{low:g} to {high:g}: images must be scaled as those of fit were, for example "
        f"by {advice}.",
        UserWarning,
        stacklevel=3,
    )


def _are_shares(low, high):
    return low >= -1 and 0 < high <= 1


def _are_bytes(low, high):
    return low >= 0 and _LEAST_BYTE < high <= _LARGEST_BYTE


def _holds_objects(X):
    """Whether X is a list, or a column of strings or objects."""
    dtype = getattr(X, "dtype", None)
    if dtype is None:
        return isinstance(X, (list, tuple))
    kind = getattr(dtype, "kind", "O")  # pandas' strings have kind "O"
    return kind in "OUST" and hasattr(X, "__getitem__")


def _are_unlike(rows):
    """Whether rows are sequences of more than one length."""
    if not all(isinstance(row, (list, tuple, np.ndarray)) for row in rows):
        return False
    return len({_length(row) for row in rows}) > 1


def _length(row):
    return None if isinstance(row, np.ndarray) and row.ndim == 0 else len(row)


def _way(estimator, kinds):
    """What could read such rows."""
    name = type(estimator).__name__
    if "analyzer" in estimator.get_params(deep=False):
        return f"{name} reads a table unless it is given {kinds}."
    return f"{name} reads tables only, of shape (n_samples, n_features)."
