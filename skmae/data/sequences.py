"""Encoded rows of unlike lengths.

A row is a sequence of *steps*, each of which has the same cells: one token, or a number
for each channel. The steps of all rows stand one below another, like the rows of a
table, so that whatever is known of a table is known of steps.
"""

import numpy as np
import torch
from torch.nn import functional as F

# In a batch, where rows are as long as the longest: there is no cell here. A missing
# cell is NaN as everywhere, and all others are finite.
PAST_END = np.float32(np.inf)
# Lengths to which rows are padded after training.
_LENGTHS = np.unique(np.rint(8 * 1.25 ** np.arange(64)).astype(np.int64) // 4 * 4)


class Sequences:
    """Rows of unlike lengths.

    Parameters
    ----------
    cells : (n_steps, n_cells) float32 array
        Steps of all rows, NaN where missing.
    lengths : (n_rows,) int array
        Steps of each row.
    """

    def __init__(self, cells, lengths):
        self.cells = cells
        self.lengths = np.asarray(lengths, dtype=np.int64)
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)])

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, rows):
        """Some rows, by position or slice: Sequences."""
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        rows = np.asarray(rows)
        return Sequences(self.cells[self.steps_of(rows)], self.lengths[rows])

    @property
    def row_of_step(self):
        """The row that each step belongs to: (n_steps,) int array."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def has_missing(self):
        """Whether any cell is missing."""
        return bool(np.isnan(self.cells).any())

    @property
    def empty(self):
        """Rows without any observed cell: (n_rows,) bool array."""
        return self.per_row(~np.isnan(self.cells).all(axis=1)) == 0

    def steps_of(self, rows):
        """Where the steps of some rows stand: (n_steps_of_rows,) int array."""
        lengths = self.lengths[rows]
        before = np.cumsum(lengths) - lengths
        return np.arange(lengths.sum()) + np.repeat(self.starts[rows] - before, lengths)

    def per_row(self, of_steps):
        """Sums over the steps of each row, of which none is without steps."""
        return np.add.reduceat(of_steps, self.starts[:-1], axis=0, dtype=np.float64)

    def split(self, of_steps):
        """One array for each row, of an array for all steps."""
        return np.split(of_steps, self.starts[1:-1])

    def padded(self, rows, length, of_steps=None, fill=PAST_END):
        """Some rows as one array: (n_rows, length, n_cells).

        Parameters
        ----------
        rows : (n_rows,) int array
        length : int
        of_steps : (n_steps, ...) array or None
            What to arrange in place of the cells.
        fill : scalar
            What stands past the ends.
        """
        source = self.cells if of_steps is None else of_steps
        out = np.full((len(rows), length, *source.shape[1:]), fill, dtype=source.dtype)
        out[self.within(rows, length)] = source[self.steps_of(rows)]
        return out

    def within(self, rows, length):
        """Where padded rows have steps: (n_rows, length) bool array."""
        return np.arange(length) < self.lengths[rows][:, None]

    def batches(self, n_steps):
        """Yield (rows, length): rows of like lengths and what to pad them to.

        The length depends on nothing but the row's own, and so does the number of
        rows that make a full batch.

        Parameters
        ----------
        n_steps : int
            Most steps of a batch, but for rows that are longer.
        """
        bucket = np.searchsorted(_LENGTHS, self.lengths)
        for one in np.unique(bucket):
            rows = np.flatnonzero(bucket == one)
            length = int(_LENGTHS[one])
            height = batch_height(length, n_steps)
            for start in range(0, len(rows), height):
                yield rows[start : start + height], length


def batch_height(length, n_steps):
    """Rows in a full batch of a length."""
    return max(n_steps // length, 1)


def in_patches(cells, size, fill):
    """Group the steps of a padded batch.

    Parameters
    ----------
    cells : (n_rows, length, n_cells) tensor
    size : int
        Steps of a patch.
    fill : scalar
        What fills up the last patch.

    Returns
    -------
    patches : (n_rows, n_patches, size * n_cells) tensor
    """
    more = -cells.shape[1] % size
    if more:
        cells = F.pad(cells, (0, 0, 0, more), value=fill)
    return cells.unflatten(1, (-1, size)).flatten(2)


def observed_cells(values):
    """Where a tensor has a cell that is not missing; nothing is beyond an end."""
    return torch.isfinite(values)
