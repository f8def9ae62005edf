"""From cells to the units that masks hide."""

import numpy as np
import torch


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
        # numpy's vectorised sort is ten times as fast as an argsort.
        numbers, wanted = keys.numpy(), counts.numpy()
        ordered = np.sort(numbers, axis=1)
        rows = np.arange(len(ordered))
        threshold = ordered[rows, np.maximum(wanted - 1, 0)][:, None]
        threshold[wanted == 0] = -np.inf
        hidden = numbers <= threshold
        if np.count_nonzero(hidden) == wanted.sum():
            return torch.from_numpy(hidden)
        # Some keys tie at the threshold: rank them one by one.
    order = keys.argsort(dim=1, stable=True)
    first = torch.arange(keys.shape[1], device=keys.device) < counts[:, None]
    return torch.zeros_like(first).scatter_(1, order, first)
