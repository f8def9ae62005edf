"""The density of rows, cell by cell, each given those that come before it.

Which cells come before a cell is a matter of the order of the columns, of which several
are looked at. What is known of a cell of a row in an order is one row of a batch, so
that a single row makes a batch by itself.
"""

import numpy as np
import torch

from skmae._device import predicting
from skmae.data.batches import fixed_batches
from skmae.distributions.growing import start_rows
from skmae.distributions.passes import MOST_PASSES

_BATCH = 256  # rows of the network's batches
# Of wide rows several cells are looked at together.
_ROWS = 256


def log_density(model, values, n_orders):
    """Log-density of rows in scaled units, missing cells integrated out.

    Parameters
    ----------
    model : FittedModel
    values : (n_rows, n_columns) float32 array
        NaN where missing, negative where a category was never seen.
    n_orders : int
        Orders of the columns over which densities are averaged.

    Returns
    -------
    log_density : (n_rows,) array
    """
    rng = np.random.default_rng(model.seeds["scoring"])
    n_columns = values.shape[1]
    # An order and its reverse, so that each column is early and late.
    orders: list[np.ndarray] = []
    while len(orders) < n_orders:
        order = rng.permutation(n_columns)
        orders += [order, order[::-1]]
    orders = orders[:n_orders]
    rows = torch.from_numpy(values)
    numbers = values[:, list(model.layout.numeric)]
    whole = torch.from_numpy(~np.isnan(numbers).any(axis=1))
    total = np.empty((n_orders, len(values)))
    by_parts = _by_blocks if n_columns > MOST_PASSES else _by_cells
    # What rows without holes have in common is computed once.
    for alike in (True, False):
        of = whole if alike else ~whole
        total[:, of.numpy()] = by_parts(model, rows[of], np.stack(orders), alike)
    # Of any order it is a density, and so is the mean of densities.
    return np.logaddexp.reduce(total, axis=0) - np.log(n_orders)


def _by_cells(model, rows, orders, alike):
    """Log-density in each order: (n_orders, n_rows).

    ``alike``: no row has a number that is missing.
    """
    module, device = model.module, model.device
    n_orders, n_columns = orders.shape
    place = torch.from_numpy(orders.argsort(axis=1)).to(device)
    n_chosen = min(n_columns, max(1, _BATCH // n_orders))
    n_at_once = max(1, _BATCH // (n_chosen * n_orders))
    total = np.zeros((n_orders, len(rows)))
    if len(rows) == 0:
        return total
    for columns in torch.arange(n_columns, device=device).split(n_chosen):
        # (n_chosen * n_orders, 1, n_columns), True where a cell does not come before
        later = (place >= place.T[columns].unsqueeze(2)).flatten(0, 1).unsqueeze(1)
        with predicting():
            shared = module.shared(later[:, 0]) if alike else None
        for start, n_rows, batch in fixed_batches(rows, n_at_once):
            batch = batch.to(device)
            missing = torch.isnan(batch)
            hidden = later | missing
            filled = batch.nan_to_num(0.0)
            cells = filled.T[columns].repeat(1, n_orders)
            states = filled.expand(len(hidden), -1, -1).flatten(0, 1)
            with predicting():
                given = module.parts(states, hidden.flatten(0, 1), columns, shared)
                found = module.cells.log_density(given, cells)
            found = found.unflatten(1, (n_orders, -1))
            found = found.masked_fill(missing.T[columns].unsqueeze(1), 0.0)
            of_rows = found.cpu().double().numpy().sum(axis=0)
            total[:, start : start + n_rows] += of_rows[:, :n_rows]
    return total


def _by_blocks(model, rows, orders, alike):
    """As :func:`_by_cells`, several cells being given what comes before them all."""
    total = np.empty((len(orders), len(rows)))
    for start, n_rows, batch in fixed_batches(rows, _ROWS):
        batch = batch.to(model.device)
        for k, order in enumerate(orders):
            of_batch = _by_blocks_in_order(model.module, batch, order, alike)
            total[k, start : start + n_rows] = of_batch[:n_rows]
    return total


def _by_blocks_in_order(module, rows, order, alike):
    missing = torch.isnan(rows)
    filled, total = rows.nan_to_num(0.0), np.zeros(len(rows))
    with predicting():
        read = start_rows(module, len(rows), alike, one_by_one=False)
        for columns in np.array_split(order, MOST_PASSES):
            block = torch.from_numpy(columns.copy()).to(rows.device)
            unknown = missing[:, block]
            if bool(unknown.all()):
                continue
            cells = filled[:, block]
            found = module.cells.log_density(read.given(block), cells.T.contiguous())
            found = torch.where(unknown.T, 0.0, found)
            total += found.cpu().double().sum(dim=0).numpy()
            read.add(block, cells, ~unknown)
    return total
