"""Windows of signals, and signals of windows.

Signals here are (n, *lengths, n_channels) arrays, n of equal shape. Their windows are
(n, *counts, *window, n_channels): where each is, and what is in it. Along each axis
they start at multiples of a step, and the last ends where the signal does.
"""

import itertools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def window_counts(lengths, window, step):
    """Number of windows along each axis: tuple of int."""
    axes = zip(lengths, window, step, strict=True)
    return tuple(-(-(length - size) // stride) + 1 for length, size, stride in axes)


def cut(signals, windows, window, step):
    """Copy the windows of signals, once, into an array that is there.

    Parameters
    ----------
    signals : (n, *lengths, n_channels) array
    windows : (n, *counts, *window, n_channels) array
        Written to.
    window, step : tuple of int
    """
    for cells, place in _strips(signals.shape[1:-1], window, step, window):
        windows[cells] = _at(place, signals)


def joined(windows, lengths, window, step):
    """Mean over the windows that each cell of a signal lies in.

    Parameters
    ----------
    windows : (n, *counts, *window, n_channels) float array
        NaN where a window says nothing.
    lengths, window, step : tuple of int
        With no step greater than the window.

    Returns
    -------
    signals : (n, *lengths, n_channels) float array
        NaN where no window says anything.
    """
    shape = (windows.shape[0], *lengths, windows.shape[-1])
    strips = list(_strips(lengths, window, step, step))
    # The mean is taken as a first value and the mean distance from it, so that it is
    # exact, bit for bit, wherever all windows say the same.
    first = np.full(shape, np.nan, dtype=windows.dtype)
    for cells, place in strips:
        here = _at(place, first)
        np.copyto(here, windows[cells], where=np.isnan(here))
    total = np.zeros(shape, dtype=np.result_type(windows.dtype, np.float32))
    count = np.zeros(shape, dtype=np.intp)
    for cells, place in strips:
        values = windows[cells]
        seen = ~np.isnan(values)
        sums, counts = _at(place, total), _at(place, count)
        distance = np.subtract(values, _at(place, first), dtype=total.dtype)
        np.add(sums, distance, out=sums, where=seen)
        counts += seen
    total /= np.maximum(count, 1)
    # Not where nothing is added, which would lose the sign of -0.0.
    np.add(first, total, out=first, where=total != 0, casting="same_kind")
    return first


def _strips(lengths, window, step, width):
    """Parts of all windows that are copied or added at once.

    Parameters
    ----------
    lengths, window, step : tuple of int
    width : tuple of int
        Most cells that a strip takes of a window along each axis. With the step, no two
        windows of a strip share a cell of the signal.

    Yields
    ------
    cells : tuple of slice
        The part of the array of windows.
    place : tuple of (int, slice)
        For each axis, the number of cells that are taken of a window, and where the
        first of these lies in the signal.
    """
    axes = zip(lengths, window, step, width, strict=True)
    for strip in itertools.product(*(_strips_of_axis(*axis) for axis in axes)):
        numbers, offsets, starts = zip(*strip, strict=True)
        extents = (offset.stop - offset.start for offset in offsets)
        yield (
            (slice(None), *numbers, *offsets),
            tuple(zip(extents, starts, strict=True)),
        )


def _strips_of_axis(length, size, stride, width):
    """Yield slices of windows, of cells within them, and of cells of the signal.

    All windows but the last start at multiples of the stride; the last may not.
    """
    n_regular = (length - size) // stride + 1
    reach = (n_regular - 1) * stride
    for offset in range(0, size, width):
        yield (
            slice(0, n_regular),
            slice(offset, min(offset + width, size)),
            slice(offset, offset + reach + 1, stride),
        )
    if reach + size < length:
        start = length - size
        yield slice(n_regular, None), slice(0, size), slice(start, start + 1)


def _at(place, signals):
    """View of the cells of signals that a strip of windows has, shaped like it."""
    extents, starts = zip(*place, strict=True)
    n_axes = len(extents)
    view = sliding_window_view(
        signals,
        extents,
        axis=tuple(range(1, n_axes + 1)),
        writeable=signals.flags.writeable,
    )
    # (n, *starts, n_channels, *extents) to (n, *starts, *extents, n_channels)
    return np.moveaxis(view[(slice(None), *starts)], n_axes + 1, -1)
