"""Cell by cell: drawing missing cells, and the density of rows.

In each pass a network is asked for the cells that come next, given the visible ones and
those that were drawn before. Of wide rows several cells are drawn in a pass.
"""

import numpy as np
import torch

from skmae._device import predicting
from skmae.data.batches import fixed_batches
from skmae.distributions.passes import fill_in_passes

_ROWS = 256  # at a time
_MOST_PASSES = 128


def fill(model, values, seed):
    """Draw the missing cells of rows in random orders.

    Each row has an order of its own, unless rows are wide: then those that are drawn
    at the same time have one in common, so that each pass is about few columns.

    Parameters
    ----------
    model : FittedModel
    values : (n_rows, n_columns) float32 array
        NaN where missing.
    seed : int

    Returns
    -------
    filled : (n_rows, n_columns) float32 array
    """
    generator = torch.Generator(model.device).manual_seed(seed)
    filled = [
        _filled(model, part.to(model.device), generator).cpu()
        for part in torch.from_numpy(values).split(_ROWS)
    ]
    return torch.cat(filled).numpy()


def _filled(model, rows, generator):
    module, rows = model.module, rows.clone()
    n_rows, n_columns = rows.shape
    on = {"dtype": torch.float32, "device": rows.device}
    n_orders = n_rows if n_columns <= _MOST_PASSES else 1
    keys = torch.rand((n_orders, n_columns), generator=generator, **on)

    def draw(rows, now, chosen):
        values, hidden = rows.nan_to_num(0.0), torch.isnan(rows)
        columns = torch.nonzero(now.any(dim=0)).ravel()
        cells = torch.zeros_like(rows)
        with predicting():
            if 2 * int(now.sum()) > len(columns) * len(rows):  # of most rows
                given = module.given(values, hidden, columns)
                cells[:, columns] = module.cells.draw(given, generator).T
                return cells
            row, column = torch.nonzero(now, as_tuple=True)
            some = [part[row] for part in module.correct(values, hidden)]
            given = module.cells.single(*some, module.cells.place[column])
            cells[row, column] = module.cells.draw(given, generator)[:, 0]
        return cells

    fill_in_passes(rows, keys.expand(n_rows, -1), _MOST_PASSES, draw)
    return rows


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
    total = np.empty((n_orders, len(values)))
    for start, n_rows, batch in fixed_batches(torch.from_numpy(values), _ROWS):
        batch = batch.to(model.device)
        for k, order in enumerate(orders[:n_orders]):
            of_batch = _log_density_in_order(model.module, batch, order)
            total[k, start : start + n_rows] = of_batch[:n_rows]
    # Of any order it is a density, and so is the mean of densities.
    return np.logaddexp.reduce(total, axis=0) - np.log(n_orders)


def _log_density_in_order(module, rows, order):
    missing = torch.isnan(rows)
    filled, hidden = rows.nan_to_num(0.0), torch.ones_like(missing)
    total = np.zeros(len(rows))
    for columns in np.array_split(order, min(len(order), _MOST_PASSES)):
        block = torch.from_numpy(columns.copy()).to(rows.device)
        if bool(missing[:, block].all()):
            continue
        with predicting():
            given = module.given(filled, hidden | missing, block)
            cells = filled[:, block].T.contiguous()
            found = module.cells.log_density(given, cells)
            found = torch.where(missing[:, block].T, 0.0, found)
            total += found.cpu().double().sum(dim=0).numpy()
        hidden[:, block] = False
    return total
