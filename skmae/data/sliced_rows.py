"""Rows that stay as they are, on disk, sparse or elsewhere, and are read by slices."""

import math
import mmap

import numpy as np
from scipy import sparse

# Cells read at once where scattered rows are picked out of long stretches.
_STRETCH_CELLS = 2**18


class SlicedRows:
    """Rows of an array-like that is never converted as a whole.

    Each block that is read is a copy, dense and free of infinities; the pages of a
    memory map are handed back at once, so that they do not count as memory of this
    process.

    Parameters
    ----------
    source : numpy.memmap, sparse array or matrix in CSR format, or array-like
        With a shape, a dtype and slices of rows. Rows of more than one dimension
        are flattened.
    rows : (n_rows,) int array or None
        The rows of the source that count, in this order; None: all.

    Examples
    --------
    >>> import numpy as np
    >>> from skmae.data.sliced_rows import SlicedRows
    >>> rows = SlicedRows(np.arange(12.0).reshape(3, 2, 2))
    >>> rows.shape
    (3, 4)
    >>> rows[1:]
    array([[ 4.,  5.,  6.,  7.],
           [ 8.,  9., 10., 11.]])
    >>> rows.only(np.array([2, 0]))[0:2]
    array([[ 8.,  9., 10., 11.],
           [ 0.,  1.,  2.,  3.]])
    """

    def __init__(self, source, rows=None):
        self.source = source
        self.rows = rows
        n_rows = source.shape[0] if rows is None else len(rows)
        self.shape = (n_rows, math.prod(source.shape[1:]))
        self.dtype = np.dtype(source.dtype)
        self._map = _shared_map(source)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        if not isinstance(rows, slice):
            rows = np.asarray(rows)
            return self._scattered(rows if self.rows is None else self.rows[rows])
        if self.rows is not None:
            return self._scattered(self.rows[rows])
        return self._stretch(*rows.indices(len(self))[:2])

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self[0 : len(self)], dtype=dtype)

    def only(self, rows):
        """Some of the rows, by position, still to be read."""
        return SlicedRows(self.source, rows if self.rows is None else self.rows[rows])

    def _stretch(self, start, stop):
        block = self.source[start:stop]
        if sparse.issparse(block):
            block = block.toarray()
        else:
            # A copy: torch warns of read-only memory, and the source is never
            # written to.
            block = np.array(block).reshape(-1, self.shape[1])
        if self._map is not None:
            self._map.madvise(mmap.MADV_DONTNEED)
        # A sum is cheaper than a mask, and finite unless there is something to see.
        with np.errstate(over="ignore", invalid="ignore"):
            suspicious = block.dtype.kind == "f" and not np.isfinite(block.sum())
        if suspicious and np.isinf(block).any():
            raise ValueError(
                "Input X contains infinity or a value too large for "
                f"dtype('{self.dtype}')."
            )
        return block

    def _scattered(self, rows):
        """Rows in any order; the source is read in its own order."""
        out = np.empty((len(rows), self.shape[1]), dtype=self.dtype)
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        size = max(_STRETCH_CELLS // self.shape[1], 1)
        first = 0
        while first < len(rows):
            start = int(ordered[first])
            last = int(np.searchsorted(ordered, start + size))
            block = self._stretch(start, int(ordered[last - 1]) + 1)
            out[order[first:last]] = block[ordered[first:last] - start]
            first = last
        return out


def is_sliced(X):
    """Whether X is read by slices instead of being converted as a whole.

    True of numbers in a :class:`numpy.memmap`, and in an array-like that has a
    shape, a numpy dtype and slices but is none of the arrays that numpy takes over
    without reading them, such as a dataset of h5py or an array of zarr.
    """
    if isinstance(X, np.ndarray):
        if not isinstance(X, np.memmap) or _map_under(X) is None:
            return False
    elif (
        not all(hasattr(X, name) for name in ("shape", "dtype", "__getitem__"))
        or hasattr(X, "__array_namespace__")
        or sparse.issparse(X)
    ):
        return False
    try:
        kind = np.dtype(X.dtype).kind
    except TypeError:  # of another library, such as torch
        return False
    sizes = tuple(X.shape)
    known = all(isinstance(size, (int, np.integer)) for size in sizes)
    return kind in "fiub" and len(sizes) >= 2 and known and 0 not in sizes


def _map_under(X):
    """The memory map in which an array lies, or None."""
    while X is not None and not isinstance(X, mmap.mmap):
        X = getattr(X, "base", None)
    return X


def _shared_map(source):
    """The map whose pages may be handed back: they can be read again from the file.

    Not those of mode "c", whose changes live in memory alone.
    """
    if not isinstance(source, np.memmap) or source.mode == "c":
        return None
    found = _map_under(source)
    return found if hasattr(mmap, "MADV_DONTNEED") else None
