"""Stored rows that several processes of a fit share: each reads its own."""

import narwhals.stable.v1 as nw
import numpy as np

from skmae._processes import done_by_all, n_processes, share_bounds
from skmae.data.stored_frames import StoredFrame
from skmae.data.tables import StoredTable, slice_rows, take_rows


def shared(table):
    """The rows that this one of a fit's processes reads; all, if not stored."""
    if not isinstance(table, StoredTable) or n_processes() == 1:
        return table
    if table.whole is not None:
        return table
    return StoredTable(table.X.share(), table.categorical, table.X)


def by_all(table, function):
    """What a function finds in a table: list.

    Of one of which each process has a share, what all of them find, in their order.
    """
    return [function()] if share_of(table) is None else done_by_all(function)


def read_by_all(X, function):
    """What a function finds in rows of a fit: list.

    Of a stored frame each of several processes reads some; what all of them find, in
    their order.
    """
    if not isinstance(X, StoredFrame) or n_processes() == 1:
        return [function(X)]
    return done_by_all(lambda: function(X.share()))


def share_of(table):
    """The rows of which a table is the share of this process, or None."""
    return table.whole if isinstance(table, StoredTable) else None


def rows_to_learn_from(X, rows):
    """Rows of a fit, by increasing position, in memory.

    Of a stored frame each of several processes reads some.
    """
    if not isinstance(X, StoredFrame):
        return slice_rows(take_rows(X, rows), slice(0, len(rows)))
    start, stop = share_bounds(len(X))
    share = X if n_processes() == 1 else X.share()
    own = share.only(rows[(rows >= start) & (rows < stop)] - start)
    parts = done_by_all(lambda: own[0 : len(own)])
    if own.dtype is not None:
        return np.concatenate(parts)
    frames = [nw.from_native(part, eager_only=True) for part in parts]
    return nw.to_native(frames[0] if len(frames) == 1 else nw.concat(frames))
