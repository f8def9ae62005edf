"""Rows that are series of unlike lengths: reading them, and writing numbers back."""

import numpy as np

from skmae.data.tables import as_numpy
from skmae.data.writing import write_cells


class SeriesRows:
    """Series with the same channels and lengths of their own.

    Parameters
    ----------
    given : list of arrays, or array of shape (n_rows, length, ...)
        As the user gave them; of an array, all have its length.
    steps : list of (length, n_channels) arrays
        What there is of each series.
    """

    def __init__(self, given, steps):
        self.given = given
        self.series = steps
        self.lengths = np.array([len(row) for row in steps], dtype=np.int64)

    def __len__(self):
        return len(self.series)

    def __getitem__(self, rows):
        """Some rows, by slice or position."""
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        given = self.given
        given = [given[i] for i in rows] if isinstance(given, list) else given[rows]
        return SeriesRows(given, [self.series[i] for i in rows])

    @property
    def steps(self):
        """Steps of all series: (n_steps, n_channels) array."""
        return np.concatenate(self.series)

    @property
    def missing(self):
        """Cells without a value: (n_steps, n_channels) bool array."""
        return np.isnan(self.steps)

    def whole_length(self, i):
        """Steps of a row before it was cut, padding included."""
        return len(self.given[i])

    def spread(self, of_cells):
        """What is said of cells, in the shape of the series as they were given.

        0 beyond where a series ends or was cut.
        """
        parts = np.split(of_cells, np.cumsum(self.lengths)[:-1])
        spread = []
        for given, part in zip(self.given, parts, strict=True):
            whole = np.zeros((len(given), part.shape[1]))
            whole[: len(part)] = part
            spread.append(whole.reshape(np.shape(given)))
        return spread if isinstance(self.given, list) else np.stack(spread)

    def written(self, columns, hidden, keep_dtype):
        """Copy the series with some of their cells replaced.

        Parameters
        ----------
        columns : list of (n_steps,) arrays
        hidden : (n_steps, n_channels) bool array
        keep_dtype : bool
            See :func:`~skmae.data.writing.write_cells`.

        Returns
        -------
        series : list of arrays, or an array where one was given
        """
        ends = np.cumsum(self.lengths)[:-1]
        written = []
        for given, new, cells in zip(
            self.given,
            np.split(np.column_stack(columns), ends),
            np.split(hidden, ends),
            strict=True,
        ):
            whole = np.asarray(given)
            n_steps = len(new)
            flat = whole.reshape(len(whole), -1)
            part = write_cells(flat[:n_steps], list(new.T), cells, keep_dtype)
            # What lies beyond, padding or a rest that was too long, stays.
            flat = np.concatenate([part, flat[n_steps:].astype(part.dtype)])
            written.append(flat.reshape(whole.shape))
        return written if isinstance(self.given, list) else np.stack(written)


def read_series(X, n_channels, shape):
    """Read series of unlike lengths.

    Parameters
    ----------
    X : list of (length, n_channels) arrays, or (n_rows, length, n_channels) array
        NaN where missing; series of an array end before trailing steps of NaN alone.
    n_channels : int
    shape : tuple
        ``input_shape``, for messages. Without channels series are 1-d.

    Returns
    -------
    rows : SeriesRows

    Raises
    ------
    ValueError
        If a series has no step, other channels, or infinite numbers.
    """
    stacked = getattr(X, "ndim", 1) == len(shape) + 1
    rows = np.asarray(X) if stacked else list(X)
    series = []
    for i, row in enumerate(rows):
        steps = _numbers(row, i)
        wanted = (n_channels,) if len(shape) > 1 else ()
        if steps.ndim != len(shape) or steps.shape[1:] != wanted:
            axes = f"(length, {n_channels})" if wanted else "(length,)"
            raise ValueError(
                f"With input_shape={shape} each row of X is a series of shape {axes}. "
                f"Row {i} has shape {np.shape(row)}."
            )
        steps = steps.reshape(len(steps), n_channels)
        if stacked:
            seen = np.flatnonzero(~np.isnan(steps).all(axis=1))
            steps = steps[: seen[-1] + 1 if len(seen) else 1]
        if len(steps) == 0:
            raise ValueError(f"Row {i} of X has no step: leave empty series out.")
        if np.isinf(steps).any():
            raise ValueError(f"Row {i} of X contains infinity.")
        series.append(steps)
    return SeriesRows(rows, series)


def _numbers(row, i):
    try:
        row = as_numpy(row)
        steps = np.asarray(row)
        if steps.dtype.kind in "cmM":  # numpy would make numbers of them
            raise TypeError(f"it has dtype {steps.dtype}")
        if steps.dtype.kind not in "biuf":
            steps = np.asarray(row, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Row {i} of X is no series of numbers: {error}.") from error
    return steps if steps.dtype == np.float32 else steps.astype(np.float64)
