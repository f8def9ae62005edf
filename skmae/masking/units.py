"""From cells to the units that masks hide."""

import numpy as np
import torch

EVERY_ROW = slice(None)


def observed_units(observed, unit_of_cell, grid):
    """Units with at least one observed cell: (n_rows, n_units) bool tensor.

    Parameters
    ----------
    observed : (n_rows, n_columns) bool tensor
    unit_of_cell : (n_columns,) int tensor
        That of the grid, on the device of ``observed``.
    grid : UnitGrid
    """
    if grid.one_to_one:
        return observed
    seen = torch.zeros(
        (len(observed), grid.n_units), dtype=torch.int32, device=observed.device
    )
    return seen.index_add_(1, unit_of_cell, observed.int()) > 0


def hide_smallest(keys, counts):
    """Hide the ``counts[i]`` units with the smallest keys in row i, exactly.

    Parameters
    ----------
    keys : (n_rows, n_units) float tensor
    counts : (n_rows,) int tensor

    Returns
    -------
    hidden : (n_rows, n_units) bool tensor
    """
    if keys.device.type == "cpu":
        return torch.from_numpy(_hide_smallest(keys.numpy(), counts.numpy()))
    order = keys.argsort(dim=1, stable=True)
    first = torch.arange(keys.shape[1], device=keys.device) < counts[:, None]
    return torch.zeros_like(first).scatter_(1, order, first)


def _hide_smallest(keys, counts):
    # numpy's vectorised sort is ten times as fast as an argsort.
    rows = np.arange(len(keys))
    threshold = np.sort(keys, axis=1)[rows, np.maximum(counts - 1, 0)][:, None]
    threshold[counts == 0] = -np.inf
    hidden = keys <= threshold
    if np.count_nonzero(hidden) == counts.sum():
        return hidden
    # In some rows keys tie at the threshold: there they are ranked one by one.
    tied = np.flatnonzero(np.count_nonzero(hidden, axis=1) > counts)
    order = keys[tied].argsort(axis=1, kind="stable")
    first = np.arange(keys.shape[1]) < counts[tied, None]
    of_tied = np.zeros_like(first)
    np.put_along_axis(of_tied, order, first, axis=1)
    hidden[tied] = of_tied
    return hidden
