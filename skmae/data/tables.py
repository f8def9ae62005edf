"""Uniform reading of arrays and DataFrames.

A *table* gives its numeric columns as float64 blocks and its categorical columns
one at a time, NaN or None where a cell is missing. Frames of any library that
narwhals knows (pandas, polars, ...) are read without converting the whole frame.
"""

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
import torch
from narwhals.exceptions import DuplicateError
from scipy import sparse

from skmae._processes import done_by_all
from skmae.data.blocks import row_blocks, slices
from skmae.data.doubtful_columns import TO_NUMBERS, advice_on
from skmae.data.plain_numbers import holds_plain_numbers
from skmae.data.quoting import quoted
from skmae.data.sliced_rows import SlicedRows
from skmae.data.stored_frames import StoredFrame

# Rows of a frame handled at once, where each column is sliced on its own.
_FRAME_ROWS = 4096


def is_frame(X):
    """Whether X is an eager DataFrame."""
    # Arrays are by far the most, and narwhals looks long before it says no.
    return not isinstance(X, np.ndarray) and nw.dependencies.is_into_dataframe(X)


def as_numpy(X):
    """A tensor, or an array of another array-API library, as an array of numpy.

    Masked cells of a masked array become NaN, or None where it holds no numbers.
    Anything else is given back as it is.
    """
    if isinstance(X, np.ma.MaskedArray):
        return _unmasked(X)
    if isinstance(X, torch.Tensor):
        X = X.detach().cpu().resolve_conj().resolve_neg()
        # Of bfloat16 numpy has none; float32 holds all its numbers.
        return (X.float() if X.dtype == torch.bfloat16 else X).numpy()
    if isinstance(X, np.ndarray) or not hasattr(X, "__array_namespace__"):
        return X
    if hasattr(X, "__dlpack__"):  # from any device
        return np.from_dlpack(X, device="cpu")
    return np.asarray(X)


def _unmasked(X):
    masked = np.ma.getmaskarray(X)
    if not masked.any():
        return X.data
    if X.dtype.kind == "f":
        return X.filled(np.nan)
    dtype = np.float64 if X.dtype.kind in "iu" else object
    cells = X.data.astype(dtype)
    cells[masked] = None  # NaN among numbers
    return cells


def without_loss(X):
    """A list of rows with strings in it as an array of objects.

    numpy would turn the numbers into strings, and a missing value into "nan".
    Anything else is given back as it is.
    """
    if hasattr(X, "shape") or is_frame(X):
        return X
    try:
        loses = np.asarray(X).dtype.kind in "US"
    except ValueError:  # rows of unequal length, which scikit-learn refuses
        return X
    return np.array(X, dtype=object) if loses else X


def column_names(X):
    """Names of the columns of a DataFrame: a list."""
    return nw.from_native(X, eager_only=True).columns


def rows_are_permuted(X, other):
    """Whether two DataFrames have the same labels of rows in unlike orders.

    Labels 0, 1, 2, ... in order are what pandas gives to rows without any.
    """
    index, wanted = (
        nw.maybe_get_index(nw.from_native(frame, eager_only=True))
        for frame in (X, other)
    )
    if index is None or wanted is None or len(index) != len(wanted):
        return False
    if index.equals(wanted) or index.equals(pd.RangeIndex(len(index))):
        return False
    return index.is_unique and bool(wanted.isin(index).all()) and wanted.is_unique


def has_objects(X):
    """Whether a DataFrame has columns that arrays hold as Python objects.

    Such are numbers beside NA, and decimals.
    """
    if holds_plain_numbers(X):
        return False
    frame = nw.from_native(X, eager_only=True)
    kinds = (nw.Object, nw.Decimal)
    return any(series.dtype in kinds for series in frame.iter_columns())


def has_flags(X):
    """Which columns of a DataFrame are boolean by dtype: (n_columns,) bool array."""
    if not is_frame(X):
        return np.zeros(X.shape[1], dtype=bool)
    frame = nw.from_native(X, eager_only=True)
    return np.array([series.dtype == nw.Boolean for series in frame.iter_columns()])


def flags_of(mask):
    """A DataFrame of booleans, of whatever dtype, as an array; any other as it is.

    Raises
    ------
    ValueError
        If one is missing.
    """
    columns = list(nw.from_native(mask, eager_only=True).iter_columns())
    if any(series.dtype != nw.Boolean for series in columns):
        return mask
    for series in columns:
        if series.is_null().any():
            raise ValueError(
                f"mask must say of each cell whether it is hidden, but column "
                f"{quoted(series.name)} of it has missing values, as comparisons with "
                "a missing value have. mask.fillna(False) hides none of these, and "
                "missing cells of X are hidden in any case."
            )
    return np.stack([series.to_numpy().astype(bool) for series in columns], axis=1)


def check_columns(X, estimator):
    """Refuse what no frame of rows has.

    No columns at all; several of one name; and dates or times, which some libraries
    take for numbers.
    """
    try:
        frame = nw.from_native(X, eager_only=True)
    except DuplicateError as error:
        raise ValueError(
            "Columns of a DataFrame X must have different names. "
            f"{' '.join(str(error).split())}."
        ) from error
    if not frame.columns:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={frame.shape}) while a minimum of 1 "
            f"is required by {type(estimator).__name__}."
        )
    if holds_plain_numbers(X):
        return
    for series in frame.iter_columns():
        if series.dtype.is_temporal():
            refuse_kind(series)


def refuse_kind(series, held=""):
    """Refuse a column that is neither of numbers nor of categories."""
    dtype = dtype_name(series)
    dense = " X.sparse.to_dense() makes the frame dense." if "Sparse" in dtype else ""
    raise ValueError(
        f"Column {quoted(series.name)} has dtype {dtype}{held}; columns must be "
        "numeric, boolean, string or categorical."
        f"{dense or f' Convert it first; {TO_NUMBERS}'}"
    )


def dtype_name(series):
    """A dtype as the user knows it, where narwhals does not."""
    if series.dtype == nw.Unknown:
        return str(series.to_native().dtype)
    return str(series.dtype)


def with_rows(X):
    """X as something of which rows can be had: lists as arrays, sparse rows sliced."""
    if sparse.issparse(X):
        return SlicedRows(X.tocsr())
    return X if hasattr(X, "shape") else np.asarray(X)


def take_rows(X, rows):
    """Rows of an array or DataFrame, by position; those of a file are not read yet."""
    if isinstance(X, (SlicedRows, StoredFrame)):
        return X.only(rows)
    if not is_frame(X):
        return X[rows]
    return nw.to_native(nw.from_native(X, eager_only=True)[rows.tolist()])


def slice_rows(X, rows):
    """A slice of rows of an array, a DataFrame, SlicedRows or a StoredFrame."""
    if not is_frame(X):
        return X[rows]
    return nw.to_native(nw.from_native(X, eager_only=True)[rows])


class ArrayTable:
    """A 2-D array, some of whose columns may be categorical.

    Or :class:`SlicedRows`, all of whose columns are numeric.
    """

    def __init__(self, X, categorical):
        self.X = X
        self.n_rows = X.shape[0]
        self.categorical = categorical
        self._numeric = np.flatnonzero(~categorical)

    def parts(self):
        """Yield (first row, table in memory): this one."""
        yield 0, self

    def blocks(self):
        """Yield slices of rows that suit the cache."""
        return row_blocks(self.n_rows, self.X.shape[1])

    def numeric_block(self, rows):
        """Numeric columns of some rows: (n_rows, n_numeric).

        Float32 stays as it is, all else becomes float64.
        """
        block = self.X[rows]
        if len(self._numeric) < block.shape[1]:
            block = block[:, self._numeric]
        if block.dtype.kind in "OUS":
            try:
                numbers = block.astype(np.float64)
            except (TypeError, ValueError) as error:
                advice = advice_on(block, self._numeric.tolist())
                kind = TypeError if isinstance(error, TypeError) else ValueError
                raise kind(f"{error}. {advice}") from error
            block = numbers
            check_no_inf(block, self._numeric.tolist())
        if block.dtype == np.float32:
            return block
        return np.asarray(block, dtype=np.float64)

    def categorical_column(self, column):
        """One column and where it is missing: two (n_rows,) arrays."""
        values = self.X[:, column]
        return values, pd.isna(values)

    def quoted_name(self, column):
        """A column as messages name it: by its number."""
        return repr(int(column))


class FrameTable:
    """A DataFrame, some of whose columns may be categorical."""

    def __init__(self, X, categorical):
        # By position, since a frame may be named by integers.
        self._columns = list(nw.from_native(X, eager_only=True).iter_columns())
        self.n_rows = len(X)
        self.categorical = categorical
        self._numeric = np.flatnonzero(~categorical)

    def parts(self):
        """Yield (first row, table in memory): this one."""
        yield 0, self

    def blocks(self):
        """Yield slices of rows."""
        return slices(self.n_rows, _FRAME_ROWS)

    def numeric_block(self, rows):
        """Numeric columns of some rows: (n_rows, n_numeric) float64."""
        block = np.empty((rows.stop - rows.start, len(self._numeric)))
        for j, column in enumerate(self._numeric):
            series = self._columns[column][rows]
            if series.dtype == nw.Object:
                block[:, j] = _numbers(series)
                continue
            if not may_be_numeric(series.dtype):
                raise ValueError(
                    f"Column {quoted(series.name)} was numeric in fit and has dtype "
                    f"{dtype_name(series)} now."
                )
            block[:, j] = series.cast(nw.Float64).to_numpy()
        check_no_inf(block, [self._columns[j].name for j in self._numeric])
        return block

    def categorical_column(self, column):
        """One column and where it is missing: two (n_rows,) arrays."""
        series = self._columns[column]
        missing = series.is_null().to_numpy()
        if series.dtype.is_float():  # polars distinguishes NaN from null
            missing = missing | np.isnan(series.to_numpy().astype(np.float64))
        return np.asarray(series.to_numpy(), dtype=object), missing

    def quoted_name(self, column):
        """A column as messages name it."""
        return quoted(self._columns[column].name)


class StoredTable:
    """A :class:`StoredFrame`, some of whose columns may be categorical.

    It is read from the first row to the last, several times.

    Parameters
    ----------
    X : StoredFrame
    categorical : (n_columns,) bool array
    whole : StoredFrame or None
        The rows of which X is the share that this process reads. None: of X all
        processes read everything.
    """

    def __init__(self, X, categorical, whole=None):
        self.X = X
        self.n_rows = len(X)
        self.categorical = categorical
        self.whole = whole
        self._distinct = None

    def blocks(self):
        """Yield slices of rows, those of the same rows in memory."""
        if self.X.dtype is None:
            return slices(self.n_rows, _FRAME_ROWS)
        return row_blocks(*self.X.shape)

    def parts(self):
        """Yield (first row, table in memory), a block each."""
        for rows in self.blocks():
            yield rows.start, as_table(self.X[rows], self.categorical)

    def numeric_block(self, rows):
        """Numeric columns of some rows: (n_rows, n_numeric)."""
        part = as_table(self.X[rows], self.categorical)
        return part.numeric_block(slice(0, part.n_rows))

    def categorical_column(self, column):
        """Different cells of a column and which of them is missing: two arrays.

        The first call goes over the rows.
        """
        if self._distinct is None:
            self._distinct = self._find_distinct()
        cells = self._distinct[int(column)]
        return cells, pd.isna(cells)

    def _find_distinct(self):
        columns = [int(c) for c in np.flatnonzero(self.categorical)]

        def find():
            found: dict = {column: {} for column in columns}
            for _, part in self.parts():
                for column, cells in found.items():
                    # A dict keeps the order, and None and NaN once each.
                    cells.update(
                        dict.fromkeys(pd.unique(part.categorical_column(column)[0]))
                    )
            return found

        found: dict = {column: {} for column in columns}
        for of_one in [find()] if self.whole is None else done_by_all(find):
            for column, cells in of_one.items():
                found[column].update(cells)
        distinct = {}
        for column, cells in found.items():
            distinct[column] = np.empty(len(cells), dtype=object)
            distinct[column][:] = list(cells)
        return distinct


def as_table(X, categorical):
    """Read X as a table: a frame column by column, anything else as an array."""
    if isinstance(X, StoredFrame):
        return StoredTable(X, categorical)
    return FrameTable(X, categorical) if is_frame(X) else ArrayTable(X, categorical)


def _numbers(series):
    """A column of objects as float64, NaN where missing."""
    cells = np.asarray(series.to_numpy(), dtype=object)
    missing = pd.isna(cells)
    numbers = np.full(len(cells), np.nan)
    try:
        numbers[~missing] = cells[~missing].astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Column {quoted(series.name)} is numeric, but has objects that are no "
            f"numbers: {error}."
        ) from error
    return numbers


def check_no_inf(block, names=None):
    """Refuse infinities, in scikit-learn's words.

    Parameters
    ----------
    block : (n_rows, n_columns) array
    names : sequence of str or int, or None
        Of its columns; None: their numbers.
    """
    if np.isinf(block).any():
        raise ValueError(
            "Input X contains infinity or a value too large for dtype('float64'). "
            f"{advice_on(block, names)}"
        )


def common_dtype(X):
    """What an array of a frame's numbers has: float32 if all columns have it."""
    kinds = {
        series.dtype for series in nw.from_native(X, eager_only=True).iter_columns()
    }
    return np.dtype(np.float32 if kinds == {nw.Float32} else np.float64)


def may_be_numeric(dtype):
    """Whether a column of a dtype of narwhals can hold numbers."""
    return dtype.is_numeric() or dtype in (nw.Boolean, nw.Object)
