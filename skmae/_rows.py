"""Checking what users pass in: rows, masks over them, and weights."""

import math

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from skmae._compat import _check_sample_weight
from skmae.data.blocks import joined, row_blocks
from skmae.data.column_kinds import check_numeric, find_categorical
from skmae.data.column_names import (
    check_channel_names,
    check_column_names,
    forget_column_names,
)
from skmae.data.doubtful_columns import TO_NUMBERS, advice_on
from skmae.data.doubtful_rows import refuse_sequences, warn_of_other_pixels
from skmae.data.sequence_reading import SequenceReader
from skmae.data.series_rows import SeriesRows
from skmae.data.sliced_rows import SlicedRows, is_sliced
from skmae.data.stored_frames import StoredFrame, as_stored
from skmae.data.tables import (
    as_numpy,
    check_columns,
    column_names,
    common_dtype,
    flags_of,
    has_objects,
    is_frame,
    rows_are_permuted,
    slice_rows,
    take_rows,
    without_loss,
)
from skmae.training.parameters import checked_shape, has_steps

# Cells judged at once: errors take several arrays of their number, in float64.
_PART_CELLS = 2**20
# Arrays of at most so many cells are looked at before they are checked.
_PLAIN_CELLS = 10_000


class RowReader(BaseEstimator):
    """The part of an estimator that reads rows."""

    def _validate_X(self, X, reset):
        """Check X; return it as a 2-D array, or a frame with categories or objects.

        Rows on disk, or of another array-like that is sliced, are not read: they
        are checked whenever they are. Nor are sparse rows made dense. Sequences are
        returned as TokenRows or SeriesRows.
        """
        reader = self._sequence_reader()
        if reader is not None:
            return self._read_sequences(reader, X, reset)
        X = as_stored(X)
        if isinstance(X, StoredFrame):
            return self._checked_stored(X, reset)
        refuse_sequences(X, self)
        X = self._flattened(without_loss(as_numpy(X)))
        if not reset and self._row_shape() is not None and not is_frame(X):
            codec = self.model_.codec
            warn_of_other_pixels(X, codec.low_, codec.high_)
        least = 2 if reset else 1
        if is_frame(X):
            check_columns(X, self)
        check_column_names(self, X, reset)
        as_it_is = self._has_categories(X, reset) or (is_frame(X) and has_objects(X))
        if sparse.issparse(X):
            if as_it_is:
                raise ValueError(
                    "X is sparse, and categorical_features are only read from dense "
                    "rows: pass X.toarray() or a DataFrame, or one-hot encode the "
                    "categories and set categorical_features=None."
                )
            X = validate_data(
                self,
                X,
                reset=reset,
                accept_sparse="csr",
                ensure_all_finite="allow-nan",
                ensure_min_samples=least,
            )
            return SlicedRows(X)
        if is_sliced(X) and len(X.shape) == 2 and not as_it_is:
            X = SlicedRows(X)
        if isinstance(X, SlicedRows) or (is_frame(X) and as_it_is):
            validate_data(self, X, reset=reset, skip_check_array=True)
            self._check_n_rows(X, least)
            return X
        if getattr(getattr(X, "dtype", None), "kind", None) in ("M", "m"):
            raise ValueError(
                f"X holds dates or times, of dtype {X.dtype}: {TO_NUMBERS}"
            )
        if not (reset or as_it_is) and self._is_plain(X):
            return X
        try:
            return validate_data(
                self,
                X,
                reset=reset,
                # Categories in an array may be strings, which "numeric" would refuse;
                # what numbers stand beside them are then checked as they are read.
                dtype=None if as_it_is else "numeric",
                ensure_all_finite="allow-nan",
                ensure_min_samples=least,
            )
        except (TypeError, ValueError) as error:
            advice = self._advice_on(X, as_it_is)
            if not advice:
                raise
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{str(error).rstrip('.')}. {advice}") from error

    def _is_plain(self, X):
        """Whether X is a small array as it should be, in which nothing is to be found.

        Of a single row, to have that checked as other arrays are takes a good part of
        the time that a network takes.
        """
        return (
            type(X) is np.ndarray
            and X.dtype in (np.float32, np.float64)
            and X.ndim == 2
            and 0 < X.size <= _PLAIN_CELLS
            and X.shape[1] == getattr(self, "n_features_in_", None)
            and not hasattr(self, "feature_names_in_")
            and not np.isinf(X).any()
        )

    def _advice_on(self, X, as_it_is):
        """What to do about rows that were refused: a sentence or ""."""
        if len(np.shape(X)) > 2:
            if "input_shape" not in self.get_params(deep=False):
                return "Rows that are n-d have to be made flat: X.reshape(len(X), -1)."
            return (
                "If rows are images, series or other n-d signals, set input_shape="
                f"{tuple(np.shape(X)[1:])} of {type(self).__name__}."
            )
        cells = np.asarray(X)
        if as_it_is and cells.dtype.kind != "f":  # its strings are categories
            return ""
        return advice_on(cells, column_names(X) if is_frame(X) else None)

    def _checked_stored(self, X, reset):
        """Check the columns of a frame that is not in memory; nothing is read yet."""
        if self._row_shape() is not None:
            raise ValueError(
                f"X is stored as columns, and input_shape={self._row_shape()} expects "
                "rows that lie in an array, such as a numpy.memmap."
            )
        check_columns(X.empty, self)
        check_column_names(self, X.empty, reset)
        categorical = self._stored_categorical(X, reset)
        validate_data(self, X.empty, reset=reset, skip_check_array=True)
        self._check_n_rows(X, 2 if reset else 1)
        if categorical.any():
            return X
        return X.as_arrays(common_dtype(X.empty))

    def _stored_categorical(self, X, reset):
        if not reset:
            return np.asarray(self.model_.codec.categorical_)
        names = column_names(X.empty)
        categorical = self._find_categorical(X.empty, len(names), names)
        check_numeric(X.empty, categorical)
        return categorical

    def _check_n_rows(self, X, least):
        if len(X) < least:
            raise ValueError(
                f"Found array with {len(X)} sample(s) (shape={X.shape}) while a "
                f"minimum of {least} is required by {self.__class__.__name__}."
            )

    def _sequence_reader(self):
        """What reads rows that are sequences of unlike lengths; None: they are not."""
        return None

    def _read_sequences(self, reader, X, reset):
        rows = reader.read(as_numpy(X))
        least = 2 if reset else 1
        if len(rows) < least:
            raise ValueError(
                f"Found {len(rows)} sample(s) while a minimum of {least} is required "
                f"by {self.__class__.__name__}."
            )
        if reset:  # an earlier fit may have been to a table
            forget_column_names(self)
        if isinstance(rows, SeriesRows):
            check_channel_names(self, rows.given, reset)
        return rows

    def _has_categories(self, X, reset):
        if not reset:
            return len(self.model_.codec.layout_.categorical) > 0
        if is_frame(X):
            names = column_names(X)
            return self._find_categorical(X, len(names), names).any()
        if sparse.issparse(X):
            return self._find_categorical(X, X.shape[-1], None).any()
        return not (
            self.categorical_features is None
            or isinstance(self.categorical_features, str)
        )

    def _find_categorical(self, X, n_columns, names):
        return find_categorical(X, self.categorical_features, n_columns, names)

    def _row_shape(self):
        """Shape that n-d rows have, or None."""
        return None

    def _flattened(self, X):
        """Give n-d rows of ``input_shape`` the flat shape (n_rows, n_features)."""
        shape = self._row_shape()
        if shape is None:
            return X
        X = X if hasattr(X, "shape") else np.asarray(X)
        row_shape = tuple(X.shape[1:])
        if len(X.shape) >= 2 and row_shape not in (shape, (math.prod(shape),)):
            raise ValueError(
                f"X has rows of shape {row_shape}, but input_shape={shape} expects "
                f"rows of shape {shape} or ({math.prod(shape)},)."
            )
        if len(X.shape) > 2 and is_sliced(X):
            return SlicedRows(X)
        return X.reshape(X.shape[0], -1) if len(X.shape) > 2 else X

    def _encoded(self, X):
        """Encode checked rows: (n_rows, n_columns) float32, NaN where missing."""
        return self.model_.encode(X)

    def _read(self, X):
        """Check new rows and encode them."""
        check_is_fitted(self)
        X = self._validate_X(X, reset=False)
        return X, self._encoded(X)

    def _encoded_parts(self, X):
        """Encode checked rows a part at a time.

        Yields
        ------
        part : array or DataFrame
            Some of the rows.
        values : (n_rows, n_columns) float32 array
        """
        for rows in self._parts_of(X):
            part = slice_rows(X, rows)
            yield part, self._encoded(part)

    def _judged_by(self, X, judge):
        """What is said of new rows: one array, with a row for each.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame
        judge : callable
            Gives an array for some of the checked rows and their values.
        """
        check_is_fitted(self)
        X = self._validate_X(X, reset=False)
        return joined(len(X), (judge(*part) for part in self._encoded_parts(X)))

    def _parts_of(self, X):
        """Slices of checked rows that are judged at once."""
        if self._sequence_reader() is None:
            return row_blocks(len(X), self.n_features_in_, _PART_CELLS)
        parts = np.cumsum(X.lengths) // _PART_CELLS
        starts = np.flatnonzero(np.diff(parts, prepend=-1))
        return map(slice, starts, [*starts[1:], len(X)])

    def _parts_to_write(self, X, mask=None):
        """Check new rows, and a mask over them, and encode what is to be written.

        All at once, but for sparse rows, which are made dense a part at a time.

        Yields
        ------
        given : array or DataFrame
            Rows as the user gave them.
        part : (n_rows, n_columns) array or DataFrame
            The same, checked.
        values : (n_rows, n_columns) float32 array
        mask : (n_rows, n_columns) bool array or None
        """
        check_is_fitted(self)
        reader = self._sequence_reader()
        if reader is not None:
            rows = self._validate_X(X, reset=False)
            cells = reader.read_mask(mask, rows)
            values = self._encoded(rows)
            _check_steps_visible(cells, values)
            yield rows, rows, values, cells
            return
        given = with_shape(X)
        checked = self._validate_X(given, reset=False)
        mask = self._validate_mask(mask, given)
        if not sparse.issparse(given):
            values = self._encoded(checked)
            _check_visible(mask, values)
            yield given, checked, values, mask
            return
        for rows in row_blocks(len(checked), self.n_features_in_, _PART_CELLS):
            part = checked[rows]
            values = self._encoded(part)
            mask_of_part = None if mask is None else mask[rows]
            _check_visible(mask_of_part, values, rows.start)
            yield part, part, values, mask_of_part

    def _validate_mask(self, mask, X):
        """Check a mask over X; return it as (n_rows, n_columns) bool, or None."""
        if mask is None:
            return None
        if is_frame(mask):
            self._check_names_of_mask(mask, X)
            mask = flags_of(mask)
        mask = np.asarray(as_numpy(mask))
        if mask.dtype != bool:
            raise ValueError(
                "mask must be a boolean array, True where a cell is hidden. Got dtype "
                f"{mask.dtype}."
            )
        shape = np.shape(X)
        flat = (shape[0], self.n_features_in_)
        if mask.shape not in (shape, flat):
            raise ValueError(
                f"mask must have the shape of X, {shape}. Got {mask.shape}."
            )
        return mask.reshape(flat)

    def _check_names_of_mask(self, mask, X):
        """Refuse a frame as mask whose columns or rows come in another order."""
        names = wanted = column_names(mask)
        if is_frame(X):
            wanted = column_names(X)
        elif hasattr(self, "feature_names_in_") and isinstance(names[0], str):
            wanted = self.feature_names_in_.tolist()
        if names != wanted:
            raise ValueError(
                "mask must have the columns of X, in the same order. Got "
                f"{_first_unlike(names, wanted)}."
            )
        if is_frame(X) and rows_are_permuted(mask, X):
            raise ValueError(
                "mask must have the rows of X, in the same order. Got the same index "
                "in another order: mask.loc[X.index] has that of X."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _first_unlike(names, wanted):
    """Say where names of columns part from those wanted."""
    if len(names) != len(wanted):
        return f"{len(names)} columns instead of {len(wanted)}"
    i = next(i for i, name in enumerate(names) if name != wanted[i])
    return f"{names[i]!r} in place of {wanted[i]!r}"


def _check_visible(mask, values, first_row=0):
    """Refuse a mask that leaves nothing to see of a row."""
    if mask is None:
        return
    observed = ~np.isnan(values)
    emptied = observed.any(axis=1) & ~(observed & ~mask).any(axis=1)
    if emptied.any():
        raise ValueError(
            "mask hides every observed cell of row "
            f"{first_row + np.flatnonzero(emptied)[0]}; at least one must stay visible."
        )


def _check_steps_visible(mask, values):
    """Refuse a mask that leaves nothing to see of a sequence."""
    if mask is None:
        return
    observed = ~np.isnan(values.cells)
    before = values.per_row(observed.any(axis=1))
    after = values.per_row((observed & ~mask).any(axis=1))
    emptied = np.flatnonzero((before > 0) & (after == 0))
    if len(emptied):
        raise ValueError(
            f"mask hides every observed cell of row {emptied[0]}; at least one must "
            "stay visible."
        )


def with_shape(X):
    """X as something of which copies can be made.

    Lists, tensors and sliced rows as arrays.
    """
    X = as_stored(X)
    if isinstance(X, StoredFrame):
        return X.read()
    X = without_loss(as_numpy(X))
    if isinstance(X, np.ndarray) or is_frame(X):
        return X
    if is_sliced(X):
        return np.asarray(X[:])
    return X if hasattr(X, "shape") else np.asarray(X)


def sequence_reader(params):
    """What reads the sequences of an estimator, by its parameters; None: of a table."""
    if params.analyzer is None and params.missing_token is not None:
        raise ValueError(
            "The 'missing_token' parameter says what a token that is not known looks "
            f"like, and needs an analyzer. Got {params.missing_token!r} and "
            "analyzer=None."
        )
    if params.analyzer is None and not has_steps(params.input_shape):
        return None
    return SequenceReader(
        params.analyzer,
        params.missing_token,
        checked_shape(params.input_shape),
        params.max_length,
    )


def weighted_rows(X, sample_weight):
    """Check weights; leave out rows of weight 0 as if they had never been there."""
    if sample_weight is None:
        return X, None
    n_rows = len(X)
    weight = _check_sample_weight(
        as_numpy(sample_weight),
        np.empty((n_rows, 0)),
        dtype=np.float64,
        ensure_non_negative=True,
    )
    rows = np.flatnonzero(weight)
    if len(rows) < 2:
        raise ValueError(
            f"sample_weight must be positive for at least 2 samples. Got {len(rows)}."
        )
    if len(rows) < n_rows:
        X = take_rows(X, rows)
    return X, weight[rows]
