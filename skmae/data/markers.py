"""Values that stand for missing ones: -1, 0, "?"."""

from numbers import Number

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from scipy import sparse

from skmae.data.sliced_rows import is_sliced
from skmae.data.stored_frames import StoredFrame, as_stored
from skmae.data.tables import is_frame


def without_marker(X, marker):
    """X with every cell that equals a marker as a missing one.

    NaN, None and NA are missing as they are.

    Parameters
    ----------
    X : array-like, sparse matrix, DataFrame, or source of a StoredFrame
        Rows on disk stay there, and are marked as they are read.
    marker : number, str, NaN, None or NA

    Returns
    -------
    X : array, sparse matrix, DataFrame or StoredFrame, the same X if nothing is to be
        done
    """
    if pd.isna(marker):
        return X
    X = as_stored(X)
    if isinstance(X, StoredFrame):
        return StoredFrame(MarkedSource(X.source, marker), X.dtype, X.rows, len(X))
    if is_frame(X):
        return _frame_without(X, marker)
    if sparse.issparse(X):
        return _sparse_without(X, marker)
    if is_sliced(X):
        _check_kind(X.dtype, marker)
        return MarkedRows(X, marker)
    X = X if isinstance(X, np.ndarray) else _as_array(X)
    return _array_without(X, marker)


class MarkedRows:
    """An array-like that is read by slices, with a marker's cells as NaN.

    Parameters
    ----------
    source : array-like
        With a shape, a dtype and slices of rows.
    marker : number
    """

    def __init__(self, source, marker):
        self.source = source
        self.marker = marker
        self.shape = source.shape
        dtype = np.dtype(source.dtype)
        self.dtype = dtype if dtype.kind == "f" else np.dtype(np.float64)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        return _array_without(np.array(self.source[rows]), self.marker)


class MarkedSource:
    """A source of stored rows, with a marker's cells as missing ones.

    Parameters
    ----------
    source : ParquetSource, LazySource or DaskSource
    marker : number or str
    """

    def __init__(self, source, marker):
        self.source = source
        self.marker = marker

    def empty(self):
        """The columns, without a row."""
        return self.source.empty()

    def n_rows(self):
        """Number of rows."""
        return self.source.n_rows()

    def frames(self):
        """Yield frames in the order of the rows."""
        for frame in self.source.frames():
            yield _frame_without(frame, self.marker)

    def around(self, first, last):
        """A source of some rows and their neighbours, and where they begin there."""
        source, skipped = self.source.around(first, last)
        return MarkedSource(source, self.marker), skipped

    def read(self):
        """Read all rows."""
        return _frame_without(self.source.read(), self.marker)


def _as_array(X):
    array = np.asarray(X)
    # numpy turns numbers beside strings into strings.
    return np.asarray(X, dtype=object) if array.dtype.kind in "US" else array


def _check_kind(dtype, marker):
    if not isinstance(marker, Number):
        raise ValueError(
            "'X' and 'missing_values' types are expected to be both numerical. Got "
            f"X.dtype={dtype} and type(missing_values)={type(marker)}."
        )


def _array_without(X, marker):
    kind = X.dtype.kind
    if kind in "fiu":
        _check_kind(X.dtype, marker)
        return np.where(marker == X, np.asarray(np.nan, _float_of(X.dtype)), X)
    equal = _equal(X.ravel(), marker).reshape(X.shape)
    if not equal.any():
        return X
    X = X.astype(object)
    X[equal] = np.nan
    return X


def _float_of(dtype):
    return dtype if dtype.kind == "f" else np.float64


def _equal(cells, marker):
    """Which cells of any type are the marker; True and False are no numbers here."""
    is_flag = isinstance(marker, (bool, np.bool_))
    return np.array(
        [
            isinstance(cell, (bool, np.bool_)) == is_flag
            and isinstance(cell, str) == isinstance(marker, str)
            and cell is not pd.NA
            and bool(cell == marker)
            for cell in cells.tolist()
        ],
        dtype=bool,
    )


def _sparse_without(X, marker):
    _check_kind(X.dtype, marker)
    if marker == 0:
        raise ValueError(
            "missing_values=0 is not supported for sparse X, whose zeros are not "
            "stored. Provide a dense array instead."
        )
    X = X.copy()
    X.data = _array_without(X.data, marker)
    return X


def _frame_without(X, marker):
    frame = nw.from_native(X, eager_only=True)
    columns = [_series_without(series, marker) for series in frame.iter_columns()]
    return nw.to_native(nw.concat([c.to_frame() for c in columns], how="horizontal"))


def _series_without(series, marker):
    dtype = series.dtype
    if dtype.is_numeric():
        if not isinstance(marker, Number) or isinstance(marker, bool):
            return series
        equal = (series == marker).fill_null(False).to_numpy().astype(bool)
    else:
        equal = _equal(np.asarray(series.to_numpy(), dtype=object), marker)
    if not equal.any():
        return series
    keep = nw.new_series("keep", ~equal, backend=nw.get_native_namespace(series))
    index = nw.maybe_get_index(series)
    if index is not None:
        keep = nw.maybe_set_index(keep, index=index)
    # Column names may be integers.
    both = nw.concat(
        [series.alias("cells").to_frame(), keep.to_frame()], how="horizontal"
    )
    kept = both.select(nw.when(nw.col("keep")).then(nw.col("cells")).alias("cells"))
    return kept["cells"].alias(series.name)
