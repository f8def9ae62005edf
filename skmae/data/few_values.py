"""Columns with few distinct values, which keep to these."""

import numpy as np

from skmae.data.shares import by_all, shared


def few_valued(table, n_most):
    """Values of numeric columns that have few, of rows that a fit reads.

    Parameters
    ----------
    table : ArrayTable or FrameTable
        Training rows, in the user's units: a value that has been scaled and scaled
        back may differ in the last bit.
    n_most : int
        Distinct values that a column may have at most.

    Returns
    -------
    few : dict of int to sorted (n_values,) array
        By column.
    """
    table = shared(table)
    columns = np.flatnonzero(~table.categorical).tolist()

    def find():
        few = {column: np.empty(0) for column in columns}
        for rows in table.blocks():
            numbers = table.numeric_block(rows)
            for column, cells in zip(columns, numbers.T, strict=True):
                if column not in few:
                    continue
                values = np.unique(np.append(few[column], cells[~np.isnan(cells)]))
                if len(values) <= n_most:
                    few[column] = values
                else:
                    del few[column]
        return few

    found, few = by_all(table, find), {}
    for column in columns:
        if all(column in of_one for of_one in found):
            values = np.unique(np.concatenate([of_one[column] for of_one in found]))
            if 0 < len(values) <= n_most:
                few[column] = values
    return few


def nearest(values, allowed):
    """The allowed value nearest to each value.

    Parameters
    ----------
    values : (n_rows,) array
    allowed : (n_values,) sorted array
    """
    middle = (allowed[1:] + allowed[:-1]) / 2
    return allowed[np.searchsorted(middle, values)]


def snapped(columns, few):
    """Move the cells of columns of few values to the nearest of them.

    Parameters
    ----------
    columns : list of (n_rows,) arrays
    few : dict
        As :func:`few_valued` gives it.

    Returns
    -------
    columns : list of (n_rows,) arrays
    """
    return [
        nearest(values, few[column]) if column in few else values
        for column, values in enumerate(columns)
    ]
