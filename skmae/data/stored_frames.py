"""Frames that are not in memory: Parquet files, queries of polars, frames of Dask.

They are read from the first row to the last, a part at a time, and never as a whole
unless :meth:`StoredFrame.read` is asked to.
"""

import os
from pathlib import Path

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from sklearn.utils import assert_all_finite

from skmae._processes import n_processes, of_all_processes, share_bounds

# Rows that a source hands over at once.
_SOURCE_ROWS = 2**16


class StoredFrame:
    """Rows of a stored frame, read in their order.

    Parameters
    ----------
    source : ParquetSource, LazySource or DaskSource
    dtype : numpy dtype or None
        Parts are arrays of it. None: they are frames of the source's library.
    rows : (n_rows,) int array or None
        The rows of the source that count, in its order; None: all.

    Attributes
    ----------
    empty : DataFrame
        The columns without a row.
    shape : tuple of int
    """

    def __init__(self, source, dtype=None, rows=None, n_rows=None):
        self.source = source
        self.dtype = dtype
        self.rows = rows
        self.empty = source.empty()
        if n_rows is None:
            n_rows = source.n_rows() if rows is None else len(rows)
        n_columns = len(nw.from_native(self.empty, eager_only=True).columns)
        self.shape = (n_rows, n_columns)
        self._cursor = None

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        """Read a slice: quick if it goes on where the last one ended."""
        start, stop, _ = rows.indices(len(self))
        if len(self) == 0:
            return self._converted(self.empty)
        if self._cursor is None or self._cursor.position > start:
            self._cursor = _Cursor(self)
        part = self._cursor.take(start, stop)
        if stop >= len(self):
            self._cursor.check_ended()
            self._cursor = None  # a source may keep files open, and much in memory
        return self._converted(part)

    def only(self, rows):
        """Some of the rows, by increasing position, still to be read."""
        rows = rows if self.rows is None else self.rows[rows]
        return StoredFrame(self.source, self.dtype, np.asarray(rows))

    def share(self):
        """The rows that this one of several processes reads, side by side.

        Of the source little else is read.

        Raises
        ------
        ValueError
            In every process, if there are fewer rows than processes.
        """
        if len(self) < n_processes():
            raise ValueError(
                f"X has {len(self)} rows, too few to be shared out among the "
                f"{n_processes()} processes of this fit."
            )
        start, stop = share_bounds(len(self))
        rows = None if self.rows is None else self.rows[start:stop]
        first, last = start, stop
        if rows is not None:
            first, last = int(rows[0]), int(rows[-1]) + 1
        source, skipped = self.source.around(first, last)
        source = SourceShare(source, skipped, last - first)
        rows = None if rows is None else rows - first
        return StoredFrame(source, self.dtype, rows, stop - start)

    def as_arrays(self, dtype):
        """The same rows, whose parts are arrays."""
        return StoredFrame(self.source, dtype, self.rows, len(self))

    def read(self):
        """All rows in memory, as the library itself reads them."""
        return self._converted(self.source.read())

    def frames(self):
        """Yield frames that hold the rows, of any sizes."""
        start = 0
        for frame in self.source.frames():
            n_rows = len(frame)
            if self.rows is not None:
                first, last = np.searchsorted(self.rows, [start, start + n_rows])
                chosen = self.rows[first:last] - start
                frame = nw.from_native(frame, eager_only=True)[chosen.tolist()]
                frame = nw.to_native(frame)
            start += n_rows
            if len(frame) > 0:
                yield frame

    def _converted(self, frame):
        if self.dtype is None:
            return frame
        columns = nw.from_native(frame, eager_only=True).iter_columns()
        numbers = [column.cast(nw.Float64).to_numpy() for column in columns]
        array = np.stack(numbers, axis=1).astype(self.dtype)
        assert_all_finite(array, allow_nan=True, input_name="X")
        return array


class _Cursor:
    """A place in a stored frame, from which slices are read forwards."""

    def __init__(self, stored):
        self.position = 0
        self.n_rows = len(stored)
        self.frames = stored.frames()
        self.left = []  # frames that were read and not taken yet

    def take(self, start, stop):
        """Read a slice that begins here, or further on."""
        self._advance(start - self.position, keep=False)
        return self._advance(stop - start, keep=True)

    def _advance(self, n_wanted, keep):
        self.position += n_wanted
        taken: list = []
        while n_wanted > 0 or (keep and not taken):
            frame = self.left.pop() if self.left else next(self.frames, None)
            if frame is None:
                self._refuse(f"ended after {self.position - n_wanted}")
            frame = nw.from_native(frame, eager_only=True)
            taken.append(frame[:n_wanted])
            if len(frame) > n_wanted:
                self.left.append(nw.to_native(frame[n_wanted:]))
            n_wanted -= len(taken[-1])
        if not keep:
            return None
        return nw.to_native(taken[0] if len(taken) == 1 else nw.concat(taken))

    def check_ended(self):
        """Refuse rows after what was the last one."""
        if self.left or next(self.frames, None) is not None:
            self._refuse("goes on after them")

    def _refuse(self, what):
        raise ValueError(
            f"X had {self.n_rows} rows and now {what}: it was changed while it was "
            "read, or is a query that gives other rows each time."
        )


def as_stored(X):
    """X as a StoredFrame if it is one of the sources, and as it is otherwise.

    Parameters
    ----------
    X : str, path, pyarrow.dataset.Dataset, polars.LazyFrame, dask DataFrame or any
        A path is that of a Parquet file, or of a folder of them.

    Raises
    ------
    ValueError
        If X is a string that is no path of a file or folder.
    """
    if isinstance(X, StoredFrame):
        return X
    if isinstance(X, (str, os.PathLike)):
        if not Path(X).exists():
            raise ValueError(
                f"X is {X!r}, which is read as the path of a Parquet file or of a "
                "folder of them, and there is none."
            )
        return StoredFrame(ParquetSource.of_path(X))
    if nw.dependencies.is_polars_lazyframe(X):
        return StoredFrame(LazySource(X))
    if nw.dependencies.is_dask_dataframe(X):
        return StoredFrame(DaskSource(X))
    if type(X).__module__.startswith("pyarrow") and hasattr(X, "scanner"):
        return StoredFrame(ParquetSource(X))
    return X


class SourceShare:
    """Rows of a source that lie side by side.

    Parameters
    ----------
    source : ParquetSource, LazySource or DaskSource
    first : int
        The first of them.
    n_shared : int
    """

    def __init__(self, source, first, n_shared):
        self.source = source
        self.first = first
        self.n_shared = n_shared

    def empty(self):
        """The columns, without a row."""
        return self.source.empty()

    def n_rows(self):
        """Number of rows."""
        return self.n_shared

    def frames(self):
        """Yield frames in the order of the rows."""
        start, end = -self.first, self.n_shared
        for frame in self.source.frames():
            frame = nw.from_native(frame, eager_only=True)
            n_rows = len(frame)
            frame = frame[max(-start, 0) : max(end - start, 0)]
            start += n_rows
            if len(frame) > 0:
                yield nw.to_native(frame)
            if start >= end:
                return


class ParquetSource:
    """A data set of pyarrow, whose parts are frames of pandas.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
    """

    def __init__(self, dataset):
        self.dataset = dataset

    @classmethod
    def of_path(cls, path):
        """Open a Parquet file, or a folder of them."""
        try:
            from pyarrow import dataset
        except ImportError as error:
            raise ImportError(
                "X is a path, and reading Parquet files needs the package pyarrow."
            ) from error
        return cls(dataset.dataset(os.fspath(path), format="parquet"))

    def empty(self):
        """The columns, without a row.

        Decimals, dates and lists, which pandas has as objects, keep their type here:
        without a cell nothing else would tell what they are.
        """
        return self.dataset.schema.empty_table().to_pandas(types_mapper=_kept_type)

    def n_rows(self):
        """Number of rows, which the files themselves say."""
        return self.dataset.count_rows()

    def frames(self):
        """Yield frames in the order of the rows."""
        for part in self._parts():
            batches = part.to_batches(
                batch_size=_SOURCE_ROWS, batch_readahead=1, fragment_readahead=1
            )
            for batch in batches:
                yield batch.to_pandas()

    def _parts(self):
        """Data sets of some row groups each, to be read one after the other.

        Whatever it is told to read ahead, a scan goes on far beyond what was taken.
        """
        fragments = self._fragments()
        if fragments is None:
            yield self.dataset
            return
        gathered, n_gathered = [], 0
        for fragment in fragments:
            for group in fragment.split_by_row_group():
                gathered.append(group)
                n_gathered += group.row_groups[0].num_rows
                if n_gathered >= _SOURCE_ROWS:
                    yield self._of(gathered)
                    gathered, n_gathered = [], 0
        if gathered:
            yield self._of(gathered)

    def _fragments(self):
        """Files, each of which knows its row groups; None where they do not."""
        try:
            fragments = list(self.dataset.get_fragments())
        except ValueError:  # which rows of a group pass a filter is not known
            return None
        if all(hasattr(fragment, "row_groups") for fragment in fragments):
            return fragments
        return None  # of another format

    def _of(self, fragments):
        """The data set of some fragments."""
        from pyarrow import dataset

        first = fragments[0]
        return dataset.FileSystemDataset(
            fragments, self.dataset.schema, first.format, first.filesystem
        )

    def around(self, first, last):
        """The row groups that hold some rows, and where these begin there.

        Returns
        -------
        source : ParquetSource
        first : int
        """
        fragments = self._fragments()
        if fragments is None:
            return self, first
        kept, start, skipped = [], 0, 0
        for fragment in fragments:
            groups = []
            for group in fragment.row_groups:
                if start + group.num_rows <= first:
                    skipped += group.num_rows
                elif start < last:
                    groups.append(group.id)
                start += group.num_rows
            if groups:
                kept.append(fragment.subset(row_group_ids=groups))
        return ParquetSource(self._of(kept)), first - skipped

    def read(self):
        """Read all rows."""
        return self.dataset.to_table().to_pandas()


def _kept_type(kind):
    """The type of an arrow column as pandas' dtype, where pandas has objects."""
    from pyarrow import types

    are_objects = (types.is_decimal, types.is_date, types.is_time, types.is_nested)
    return (
        pd.ArrowDtype(kind) if any(is_such(kind) for is_such in are_objects) else None
    )


class LazySource:
    """A query of polars, computed anew for each pass.

    Parameters
    ----------
    query : polars.LazyFrame
    """

    def __init__(self, query):
        self.query = query

    def empty(self):
        """The columns, without a row."""
        return self.query.collect_schema().to_frame()

    def n_rows(self):
        """Number of rows."""
        import polars

        return self.query.select(polars.len()).collect(engine="streaming").item()

    def frames(self):
        """Yield frames in the order of the rows."""
        if not hasattr(self.query, "collect_batches"):
            raise ImportError(
                "Reading a LazyFrame part by part needs polars 1.34 or later."
            )
        yield from self.query.collect_batches(
            chunk_size=_SOURCE_ROWS, maintain_order=True
        )

    def around(self, first, last):
        """The query of some rows only, and where these begin there."""
        return LazySource(self.query.slice(first, last - first)), 0

    def read(self):
        """Compute all rows."""
        return self.query.collect()


class DaskSource:
    """A frame of Dask, whose partitions are computed one after the other.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
    """

    def __init__(self, frame):
        self.frame = frame
        self._lengths = None

    def empty(self):
        """The columns, without a row."""
        return self.frame._meta.iloc[:0]

    def n_rows(self):
        """Number of rows."""
        return len(self.frame)

    def frames(self):
        """Yield the partitions."""
        for partition in self.frame.partitions:
            yield partition.compute()

    def around(self, first, last):
        """The partitions that hold some rows, and where these begin there."""
        if self._lengths is None:
            # Each process counts the rows of some partitions.
            own = range(*share_bounds(self.frame.npartitions))
            counted = [len(self.frame.get_partition(part)) for part in own]
            self._lengths = np.concatenate(of_all_processes(counted)).astype(int)
        ends = np.cumsum(self._lengths)
        begin = int(np.searchsorted(ends, first, side="right"))
        end = int(np.searchsorted(ends, last)) + 1
        before = int(ends[begin] - self._lengths[begin])
        return DaskSource(self.frame.partitions[begin:end]), first - before

    def read(self):
        """Compute all rows."""
        return self.frame.compute()
