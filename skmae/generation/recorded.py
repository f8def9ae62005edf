"""How numbers were recorded: values that return, and decimals."""

import numpy as np

from skmae.data.few_values import nearest
from skmae.data.shares import read_by_all, rows_to_learn_from
from skmae.data.tables import as_table

# A column with a smaller share of different numbers is given no others.
_MOST_DISTINCT = 0.9
_MOST_DECIMALS = 8
_EXACT = 2.0**53  # integers up to which float64 holds every one
_MOST_ROWS = 50_000  # looked at, the first ones
# Numbers that are no atoms and yet have a curve of their own; see marginals.py.
_LEAST_OTHERS = 5
# Part of the spread within which a number is one that was seen more than once.
_CLOSE = 1e-5


class RecordedNumbers:
    """Numeric columns in the units of the user.

    Parameters
    ----------
    X : array, DataFrame, SlicedRows or StoredFrame
        Checked training rows.
    categorical : (n_columns,) bool array
    atoms : dict of int to (n_atoms,) array
        By column, numbers that are drawn as such, up to rounding.
    """

    def __init__(self, X, categorical, atoms):
        columns = np.flatnonzero(~categorical)
        first = rows_to_learn_from(X, np.arange(min(len(X), _MOST_ROWS)))
        table = as_table(first, categorical)
        numbers = table.numeric_block(slice(0, table.n_rows)).astype(np.float64)
        ends = read_by_all(X, lambda rows: _ends(as_table(rows, categorical)))
        low, _ = np.fmin.reduce(ends)
        _, high = np.fmax.reduce(ends)
        self.columns = {
            int(column): _Recorded(cells[~np.isnan(cells)], atoms[column], *ends)
            for column, cells, *ends in zip(columns, numbers.T, low, high, strict=True)
            if not np.isnan(cells).all()
        }

    def written(self, columns):
        """Drawn columns as they would have been recorded: list of (n_rows,) arrays."""
        return [
            self.columns[j].written(cells) if j in self.columns else cells
            for j, cells in enumerate(columns)
        ]


def _ends(table):
    """Least and largest number of each column: (2, n_numeric) array."""
    low, high = [], []
    for rows in table.blocks():
        block = table.numeric_block(rows).astype(np.float64)
        low.append(np.fmin.reduce(block))
        high.append(np.fmax.reduce(block))
    return np.stack([np.fmin.reduce(low), np.fmax.reduce(high)])


class _Recorded:
    def __init__(self, cells, atoms, low, high):
        self.low, self.high = low, high
        if max(abs(low), abs(high)) > _EXACT:  # rounded, maybe away from the middle
            self.low, self.high = np.nextafter(low, high), np.nextafter(high, low)
        distinct, counts = np.unique(cells, return_counts=True)
        self.only = len(distinct) < _MOST_DISTINCT * len(cells)
        self.values = distinct[counts > 1]
        self.close = _CLOSE * cells.std()
        is_atom = self._is_one_of(distinct, atoms)
        # What is no atom when it is drawn should be none when it is written.
        is_atom &= np.sum(~is_atom) >= _LEAST_OTHERS
        self.atoms, self.others = distinct[is_atom], distinct[~is_atom]
        self.decimals = next(
            (n for n in range(_MOST_DECIMALS + 1) if (cells == cells.round(n)).all()),
            None,
        )

    def _is_one_of(self, cells, values):
        if len(values) == 0:
            return np.zeros(len(cells), dtype=bool)
        return np.abs(nearest(cells, values) - cells) <= self.close

    def written(self, cells):
        if self.only:
            found = nearest(cells, self.others)
            is_atom = self._is_one_of(cells, self.atoms)
            found[is_atom] = nearest(cells[is_atom], self.atoms)
            return found
        if self.decimals is not None:
            cells = cells.round(self.decimals)
        # Scaled and scaled back they may have left the range in the last bits.
        cells = cells.clip(self.low, self.high)
        if len(self.values) > 0:
            is_known = self._is_one_of(cells, self.values)
            cells = np.where(is_known, nearest(cells, self.values), cells)
        return cells
