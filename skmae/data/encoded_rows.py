"""Encoded rows of a table too large to be held: encoded whenever they are read."""

import tempfile
from functools import cached_property

import numpy as np

from skmae._processes import (
    joined_rows,
    of_all_processes,
    share_bounds,
    this_process,
    total_of_all,
)
from skmae.data.blocks import row_blocks
from skmae.data.sequences import Sequences
from skmae.data.shares import share_of
from skmae.data.sliced_rows import SlicedRows
from skmae.data.tables import ArrayTable, FrameTable

# A table of numbers with more cells than this is not encoded as a whole: as float32
# it would take 256 MB.
LARGE_CELLS = 2**26
# A statistic that needs all its rows at once is learned from so many at most.
_SAMPLE_ROWS = 100_000
_SAMPLE_CELLS = 2**24


def is_large(table):
    """Whether a table is not encoded as a whole.

    One with categories never is, unless it is stored.
    """
    if isinstance(table, FrameTable):
        return False
    if isinstance(table, ArrayTable) and table.categorical.any():
        return False
    whole = share_of(table)
    n_rows = table.n_rows if whole is None else len(whole)
    return n_rows * len(table.categorical) > LARGE_CELLS


def sample_of(n_rows, n_columns, seed):
    """Rows drawn at random from a large table: sorted (n_sampled,) int array."""
    n_sampled = min(n_rows, _SAMPLE_ROWS, max(_SAMPLE_CELLS // n_columns, 1))
    rng = np.random.default_rng(seed)
    # Without an array of all rows; the few that are drawn twice count once.
    return np.unique(rng.integers(n_rows, size=n_sampled))


class EncodedRows:
    """What ``codec.encode(table)`` would be, with slices and rows read on demand.

    Parameters
    ----------
    codec : TableCodec
        Of which the scales are learned.
    X : array or SlicedRows of shape (n_rows, n_columns)
        Numbers, all of them.
    """

    def __init__(self, codec, X):
        self.codec = codec
        self.X = X
        self.shape = X.shape

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        """Encode a slice, or rows by position: (n_rows, n_columns) float32 array."""
        numeric = np.zeros(self.shape[1], dtype=bool)
        return self.codec.encode(ArrayTable(self.X[rows], numeric))

    def only(self, rows):
        """Some of the rows, by position, still to be read."""
        X = self.X if isinstance(self.X, SlicedRows) else SlicedRows(self.X)
        chosen = EncodedRows(self.codec, X.only(rows))
        # Known already; finding it out again would take a pass over the rows.
        chosen._survey = tuple(known[rows] for known in self._survey)
        return chosen

    @property
    def own(self):
        """Rows that this one of several processes reads in training: slice."""
        return slice(*share_bounds(len(self)))

    def read_own(self, rows):
        """Encode a slice of these rows: (n_rows, n_columns) float32 array."""
        return self[rows]

    def blocks(self):
        """Yield (slice of rows, their values)."""
        for rows in row_blocks(*self.shape):
            yield rows, self[rows]

    @property
    def incomplete(self):
        """Rows with a missing cell: (n_rows,) bool array."""
        return self._survey[0]

    @property
    def empty(self):
        """Rows without any observed cell: (n_rows,) bool array."""
        return self._survey[1]

    def range(self, columns):
        """Least and largest number in some columns."""
        low, high = np.inf, -np.inf
        for _, values in self.blocks():
            low = min(low, np.nanmin(values[:, columns], initial=np.inf))
            high = max(high, np.nanmax(values[:, columns], initial=-np.inf))
        return low, high

    @cached_property
    def _survey(self):
        incomplete = np.zeros(len(self), dtype=bool)
        empty = np.zeros(len(self), dtype=bool)
        for rows, values in self.blocks():
            if np.isnan(values.sum()):
                missing = np.isnan(values)
                incomplete[rows] = missing.any(axis=1)
                empty[rows] = missing.all(axis=1)
        return incomplete, empty


class EncodedFile(EncodedRows):
    """Encoded rows in a temporary file, which goes when nothing refers to it.

    Rows that can only be read in their order, and take long to encode, are encoded
    once.

    Parameters
    ----------
    X : SlicedRows
        The encoded rows.
    """

    def __init__(self, X):
        super().__init__(None, X)

    @classmethod
    def of(cls, codec, table):
        """Encode a stored table."""
        shape = (table.n_rows, len(codec.categorical_))
        with tempfile.TemporaryFile(prefix="skmae-") as file:
            for _, values in codec.encode_blocks(table):
                values.tofile(file)
            file.flush()
            # The map keeps the file, which has no name, after it is closed.
            cells = np.memmap(file, dtype=np.float32, mode="r", shape=shape)
        return cls(SlicedRows(cells))

    def __getitem__(self, rows):
        """Read a slice, or rows by position: (n_rows, n_columns) float32 array."""
        return self.X[rows]

    def only(self, rows):
        """Some of the rows, by position, still to be read."""
        chosen = EncodedFile(self.X.only(rows))
        chosen._survey = tuple(known[rows] for known in self._survey)
        return chosen


class SharedRows(EncodedRows):
    """Encoded rows of which each of several processes holds a share.

    Whatever is read of them, all processes read at the same time, and each sends the
    others what it holds; but for its own rows, which each reads alone.

    Parameters
    ----------
    held : EncodedRows
        The rows of this process, which follow those of the processes before it.
    """

    def __init__(self, held):
        self.held = held
        heights = of_all_processes(len(held))
        first = sum(heights[: this_process()])
        self._own = slice(first, first + len(held))
        self.shape = (sum(heights), held.shape[1])

    @property
    def own(self):
        """Rows that this process holds: slice."""
        return self._own

    def read_own(self, rows):
        """Read a slice of these rows: (n_rows, n_columns) float32 array."""
        first = self._own.start
        return self.held[rows.start - first : rows.stop - first]

    def __getitem__(self, rows):
        """Read a slice, or rows by position: (n_rows, n_columns) float32 array."""
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        values = np.zeros((len(rows), self.shape[1]), dtype=np.float32)
        own = self._is_own(rows)
        values[own] = self.held[rows[own] - self._own.start]
        return total_of_all(values)  # all others are zeros

    def only(self, rows):
        """Some of the rows, by increasing position, still to be read."""
        own = rows[self._is_own(rows)] - self._own.start
        chosen = SharedRows(self.held.only(own))
        chosen._survey = tuple(known[rows] for known in self._survey)
        return chosen

    def range(self, columns):
        """Least and largest number in some columns."""
        found = of_all_processes(self.held.range(columns))
        return min(low for low, _ in found), max(high for _, high in found)

    def _is_own(self, rows):
        return (rows >= self._own.start) & (rows < self._own.stop)

    @cached_property
    def _survey(self):
        held = [known.view(np.uint8) for known in self.held._survey]
        return tuple(joined_rows(known).view(bool) for known in held)


def found_in_shares(values, function):
    """What a function finds in encoded rows: list.

    Of rows of which each process holds a share, what all of them find, in their order.
    """
    if isinstance(values, SharedRows):
        return of_all_processes(function(values.held))
    return [function(values)]


# The same functions for an array in memory and for rows that are not.


def has_missing(values):
    """Whether any cell is missing."""
    if isinstance(values, EncodedRows):
        return bool(values.incomplete.any())
    if isinstance(values, Sequences):
        return values.has_missing
    return bool(np.isnan(values).any())


def empty_rows(values):
    """Rows without any observed cell: (n_rows,) bool array."""
    if isinstance(values, (EncodedRows, Sequences)):
        return values.empty
    return np.isnan(values).all(axis=1)


def value_range(values, columns):
    """Least and largest number in some columns."""
    if isinstance(values, EncodedRows):
        return values.range(columns)
    numbers = values[:, columns]
    return np.nanmin(numbers), np.nanmax(numbers)


def choose_rows(values, rows):
    """Some of the rows, by position; those not in memory are not read yet."""
    return values.only(rows) if isinstance(values, EncodedRows) else values[rows]


def in_memory(values, weight, seed):
    """All rows in memory; of those that are not, as many as fit, at random."""
    if not isinstance(values, EncodedRows):
        return values, weight
    n_wanted = min(LARGE_CELLS // values.shape[1], len(values))
    rows = np.random.default_rng(seed).choice(len(values), n_wanted, replace=False)
    rows = np.sort(rows)
    return values[rows], None if weight is None else weight[rows]


def drop_empty(values, weight):
    """Leave out rows without any observed cell: nothing can be learned from them."""
    empty = empty_rows(values)
    if not empty.any():
        return values, weight
    kept = np.flatnonzero(~empty)
    if len(kept) == 0:
        raise ValueError("X has no observed value: there is nothing to learn.")
    return choose_rows(values, kept), None if weight is None else weight[kept]
