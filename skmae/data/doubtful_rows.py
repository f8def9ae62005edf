"""Rows that are read as those of a table and seem to be sequences."""

import numpy as np

_ROWS_LOOKED_AT = 100


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
