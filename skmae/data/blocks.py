"""Slices of rows, and what is found of them joined."""

import numpy as np

# Cells handled at once by default: enough for fast numpy, few enough for the cache.
_BLOCK_CELLS = 65_536
# Blocks hold a multiple of this many rows.
_BLOCK_STEP = 1024


def row_blocks(n_rows, n_columns, n_cells=None):
    """Yield slices that cover ``range(n_rows)``, each of about ``n_cells`` cells.

    None: of a size that suits the cache.
    """
    n_cells = _BLOCK_CELLS if n_cells is None else n_cells
    size = max(n_cells // (n_columns * _BLOCK_STEP), 1) * _BLOCK_STEP
    return slices(n_rows, size)


def slices(n_rows, size):
    """Yield slices of ``size`` rows that cover ``range(n_rows)``."""
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


def joined(n_rows, parts):
    """Arrays of rows that follow each other, as one array of so many rows.

    Each is copied before the next one is asked for: parts that are made one by one
    take no memory beside the whole.

    Parameters
    ----------
    n_rows : int
        Rows of all of them.
    parts : iterable of (n_part, ...) arrays, alike but for their rows
    """
    whole, start = None, 0
    for part in parts:
        if whole is None:
            whole = np.empty((n_rows, *part.shape[1:]), dtype=part.dtype)
        whole[start : start + len(part)] = part
        start += len(part)
    return whole
