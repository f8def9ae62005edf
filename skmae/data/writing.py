"""Writing cells back into arrays, DataFrames and sparse containers."""

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from scipy import sparse

from skmae.data.decimals import as_decimals, holds_decimals
from skmae.data.plain_numbers import is_one_block
from skmae.data.quoting import quoted
from skmae.data.stored_frames import StoredFrame
from skmae.data.tables import is_frame


def write_cells(X, columns, hidden, keep_dtype):
    """Copy X with its hidden cells replaced.

    Parameters
    ----------
    X : array of shape (n_rows, n_columns) or DataFrame
    columns : list of (n_rows,) arrays
        New values, column by column, in the units of X. NaN or None throughout a
        column makes its cells missing, whatever the dtype can hold.
    hidden : (n_rows, n_columns) array of bool
        Cells to replace; all others keep their bits.
    keep_dtype : bool
        Keep integer and boolean columns as they are by rounding; otherwise they
        become float64.

    Returns
    -------
    filled : the same kind of container as X
    """
    if is_frame(X):
        if is_one_block(X) and all(values.dtype.kind == "f" for values in columns):
            written = write_cells(X.to_numpy(), columns, hidden, keep_dtype)
            return frame_like(X, written)
        return _write_frame(X, columns, hidden, keep_dtype)
    X = np.asarray(X)
    if X.dtype.kind == "f" and all(values.dtype.kind == "f" for values in columns):
        # In one go, which of a single row takes a fraction of the time.
        filled = X.copy()
        np.copyto(filled, np.stack(columns, axis=1), where=hidden, casting="same_kind")
        return filled
    made_missing = [
        values
        for values, rows in zip(columns, hidden.T, strict=True)
        if rows.any() and pd.isna(values).all()
    ]
    if X.dtype.kind in "biu" and (not keep_dtype or made_missing):
        filled = X.astype(np.float64)
    else:
        filled = X.copy()
    for j, values in enumerate(columns):
        rows = hidden[:, j]
        filled[rows, j] = _as_dtype(values[rows], filled.dtype)
    return filled


def _as_dtype(values, dtype):
    if dtype.kind == "b":
        return values >= 0.5
    if dtype.kind not in "iu" or values.dtype == dtype:
        return values
    info, rounded = np.iinfo(dtype), np.rint(values)
    # Of 64 bits the largest is no float, and the next one past the end.
    is_last = rounded >= float(info.max)
    whole = np.where(is_last, 0.0, rounded).clip(info.min).astype(dtype)
    whole[is_last] = info.max
    return whole


def _write_frame(X, columns, hidden, keep_dtype):
    frame = nw.from_native(X, eager_only=True)
    written = []
    # Of one row most columns stay, and to take one of pandas out has its price.
    for j in np.flatnonzero(hidden.any(axis=0)).tolist():
        series, cells = frame[:, j], hidden[:, j]
        rows = np.flatnonzero(cells)
        new = columns[j][rows]
        if pd.isna(new).all():
            series = _emptied(series, cells)
        else:
            if series.dtype == nw.String and new.dtype.kind == "f":
                raise ValueError(
                    f"Column {quoted(series.name)} was numeric in fit and has dtype "
                    "String now, into which no numbers can be written: convert it "
                    "first, for example by pandas.to_numeric."
                )
            # Of a boolean column that is no category, predictions are numbers.
            is_flag = series.dtype == nw.Boolean and new.dtype.kind == "f"
            if is_flag and keep_dtype:
                new = new >= 0.5
            elif series.dtype.is_integer() and keep_dtype:
                new = _as_integers(new, series.dtype)
            elif keep_dtype and new.dtype.kind == "f" and holds_decimals(series):
                new = as_decimals(new, series)
            elif series.dtype.is_float() and new.dtype.kind == "f":
                # pandas refuses a number that the column would have to round.
                new = new.astype(_numpy_dtype(series.dtype))
            elif is_flag or (series.dtype.is_numeric() and not series.dtype.is_float()):
                series = series.cast(nw.Float64)
            series = _written(series, rows, new)
        written.append(series)
    if not written:
        return nw.to_native(frame.clone())
    return nw.to_native(frame.with_columns(*written))


def _emptied(series, cells):
    """A column that misses some cells: as it is where it misses them already."""
    if series.filter(cells.tolist()).is_null().all():
        return series
    native = series.to_native()
    if hasattr(native, "index"):  # pandas: not every dtype can be missing
        emptied = native.mask(cells)
        return nw.from_native(emptied, series_only=True)
    return series.scatter(np.flatnonzero(cells).tolist(), [None] * int(cells.sum()))


def _numpy_dtype(dtype):
    # The names are the same in lower case; numpy lacks the widest integers.
    return np.dtype(getattr(np, str(dtype).lower(), np.int64))


def _as_integers(new, dtype):
    if new.dtype.kind != "O":
        return _as_dtype(new, _numpy_dtype(dtype))
    # Categories. Strings are left for others to refuse.
    rounded = [cell if isinstance(cell, str) else round(cell) for cell in new.tolist()]
    return np.array(rounded, dtype=object)


def _written(series, rows, new):
    """A column with new values in some rows, where its type can hold them."""
    typeless = series.dtype == nw.Unknown  # polars' dtype of a column of None
    is_boolean = series.dtype == nw.Boolean
    if not typeless and not is_boolean and not series.dtype.is_numeric():
        return _scatter(series, rows, new)
    category = next((value for value in new.tolist() if isinstance(value, str)), None)
    if len(rows) == len(series) and (typeless or category is not None):
        # All cells are replaced, so that the type may change.
        backend = nw.get_native_namespace(series)
        written = nw.new_series(series.name, new.tolist(), backend=backend)
        index = nw.maybe_get_index(series)
        return written if index is None else nw.maybe_set_index(written, index=index)
    if category is not None:
        raise ValueError(
            f"Column {quoted(series.name)} was categorical in fit but is "
            f"{'boolean' if is_boolean else 'numeric'} now: the category {category!r} "
            "cannot be written into it."
        )
    if _is_bool(new) and not is_boolean:
        new = new.astype(np.float64)
    return _scatter(series, rows, new)


def _is_bool(values):
    return all(isinstance(value, (bool, np.bool_)) for value in values.tolist())


def _scatter(series, rows, new):
    if series.dtype in (nw.Categorical, nw.Enum):
        # Not every library can write into categories: rebuild from plain values.
        values = np.asarray(series.to_numpy(), dtype=object)
        values[rows] = new
        native, new = series.to_native(), list(dict.fromkeys(new.tolist()))
        # A category that fit saw may not be among those of this column.
        if hasattr(native, "cat") and hasattr(native, "index"):
            new_categories = [
                value for value in new if value not in native.cat.categories
            ]
            dtype = native.cat.add_categories(new_categories).dtype
            rebuilt = type(native)(values, index=native.index, dtype=dtype)
        else:
            dtype = native.dtype
            if series.dtype == nw.Enum:
                known = dtype.categories.to_list()
                new_categories = [value for value in new if value not in known]
                dtype = type(dtype)([*known, *new_categories])
            rebuilt = type(native)(values.tolist(), dtype=dtype)
        return nw.from_native(rebuilt, series_only=True).alias(series.name)
    written = new.tolist()
    if new.dtype.kind in "iu" and series.dtype.is_integer():
        # pandas 2 takes integers of a list for wider ones than a narrow column holds.
        backend = nw.get_native_namespace(series)
        written = nw.new_series(series.name, written, series.dtype, backend=backend)
    return series.scatter(rows.tolist(), written)


def reset_index(X):
    """The same rows; in pandas numbered from 0."""
    return X.reset_index(drop=True) if hasattr(X, "reset_index") else X


def frame_like(X, cells):
    """A frame of numbers with the columns, and any index, of the frame X."""
    if isinstance(X, StoredFrame):
        X = X.empty
        if hasattr(X, "index"):
            return type(X)(cells, columns=X.columns)
    if hasattr(X, "index"):
        return type(X)(cells, index=X.index, columns=X.columns)
    frame = nw.from_native(X, eager_only=True)
    return nw.from_numpy(
        cells, schema=list(frame.columns), backend=nw.get_native_namespace(X)
    ).to_native()


def stacked_like(X, parts):
    """Parts of a result in a container of X's kind.

    Parameters
    ----------
    X : array, DataFrame, or sparse array or matrix
    parts : iterable of (n_rows, n_columns) arrays, or of one DataFrame
        The only part, but for sparse X, of which there may be many: each is made
        sparse before the next one is asked for.

    Returns
    -------
    stacked : array or DataFrame, or sparse like X: in CSC format if X is, else in CSR
    """
    if not sparse.issparse(X):
        (only,) = parts
        return only
    kind = sparse.csr_array if isinstance(X, sparse.sparray) else sparse.csr_matrix
    stacked = sparse.vstack([kind(part) for part in parts], format="csr")
    return stacked.asformat("csc") if X.format == "csc" else stacked


def select_columns(X, columns):
    """Columns of an array or DataFrame, by position; X itself if they are all."""
    if len(columns) == X.shape[1]:
        return X
    if not is_frame(X):
        return X[:, columns]
    frame = nw.from_native(X, eager_only=True)
    return nw.to_native(frame[:, np.asarray(columns).tolist()])


def append_columns(X, values, names):
    """Append the columns of an array to an array or DataFrame.

    Parameters
    ----------
    X : array of shape (n_rows, n_columns) or DataFrame
    values : (n_rows, n_new) array
    names : list of str
        Names of the new columns of a DataFrame.
    """
    if not is_frame(X):
        return np.hstack([X, values.astype(X.dtype)])
    frame = nw.from_native(X, eager_only=True)
    new = [
        nw.new_series(name, column, backend=nw.get_native_namespace(frame))
        for name, column in zip(names, values.T, strict=True)
    ]
    if hasattr(X, "index"):
        new = [nw.maybe_set_index(series, index=X.index) for series in new]
    return nw.to_native(frame.with_columns(*new))
