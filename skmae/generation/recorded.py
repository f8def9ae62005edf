"""How numbers were recorded: values that return, and decimals."""

import numpy as np

from skmae.data.few_values import nearest

# A column with a smaller share of different numbers is given no others.
_MOST_DISTINCT = 0.9
_MOST_DECIMALS = 8
_EXACT = 2.0**53  # integers up to which float64 holds every one
_MOST_ROWS = 50_000  # looked at, the first ones
# Part of the spread within which a number is one that was seen more than once.
_CLOSE = 1e-5


class RecordedNumbers:
    """Numeric columns in the units of the user.

    Parameters
    ----------
    table : ArrayTable or FrameTable
        Training rows.
    """

    def __init__(self, table):
        columns = np.flatnonzero(~table.categorical)
        first = slice(0, min(table.n_rows, _MOST_ROWS))
        numbers = table.numeric_block(first).astype(np.float64)
        low, high = self._range(table)
        self.columns = {
            int(column): _Recorded(cells[~np.isnan(cells)], *ends)
            for column, cells, *ends in zip(columns, numbers.T, low, high, strict=True)
            if not np.isnan(cells).all()
        }

    @staticmethod
    def _range(table):
        low, high = [], []
        for rows in table.blocks():
            block = table.numeric_block(rows).astype(np.float64)
            low.append(np.fmin.reduce(block))
            high.append(np.fmax.reduce(block))
        return np.fmin.reduce(low), np.fmax.reduce(high)

    def written(self, columns):
        """Drawn columns as they would have been recorded: list of (n_rows,) arrays."""
        return [
            self.columns[j].written(cells) if j in self.columns else cells
            for j, cells in enumerate(columns)
        ]


class _Recorded:
    def __init__(self, cells, low, high):
        self.low, self.high = low, high
        if max(abs(low), abs(high)) > _EXACT:  # rounded, maybe away from the middle
            self.low, self.high = np.nextafter(low, high), np.nextafter(high, low)
        distinct, counts = np.unique(cells, return_counts=True)
        self.only = len(distinct) < _MOST_DISTINCT * len(cells)
        self.values = distinct if self.only else distinct[counts > 1]
        self.close = _CLOSE * cells.std()
        self.decimals = next(
            (n for n in range(_MOST_DECIMALS + 1) if (cells == cells.round(n)).all()),
            None,
        )

    def written(self, cells):
        if self.only:
            return nearest(cells, self.values)
        if self.decimals is not None:
            cells = cells.round(self.decimals)
        # Scaled and scaled back they may have left the range in the last bits.
        cells = cells.clip(self.low, self.high)
        if len(self.values) > 0:
            known = nearest(cells, self.values)
            cells = np.where(np.abs(known - cells) <= self.close, known, cells)
        return cells
