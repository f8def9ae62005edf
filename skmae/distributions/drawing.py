"""Drawing missing cells, cell by cell.

In each pass a network is asked for the cells that come next, given the visible ones and
those that were drawn before. Of wide rows several cells are drawn in a pass.
"""

import torch

from skmae._device import predicting
from skmae.distributions.growing import start_rows
from skmae.distributions.passes import MOST_PASSES, fill_in_passes

_ROWS = 256  # at a time


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
    wide = n_columns > MOST_PASSES
    keys = torch.rand((1 if wide else n_rows, n_columns), generator=generator, **on)
    visible = ~torch.isnan(rows)
    alike = n_rows == 1 or (wide and bool((visible == visible[:1]).all()))
    read = start_rows(module, n_rows, alike, one_by_one=not wide)
    every = torch.arange(n_columns, device=rows.device)
    if bool(visible.any()):
        read.add(every, rows.nan_to_num(0.0), visible)

    def draw(rows, now, chosen):
        chosen = slice(None) if len(chosen) == n_rows else chosen
        columns = torch.nonzero(now.any(dim=0)).ravel()
        cells = torch.zeros_like(rows)
        if 2 * int(now.sum()) > len(columns) * len(rows):  # of most rows
            given = read.given(columns, chosen)
            cells[:, columns] = module.cells.draw(given, generator).T
        else:
            row, column = torch.nonzero(now, as_tuple=True)
            some = [part[row] for part in read.correct(chosen)]
            given = module.cells.single(*some, module.cells.place[column])
            cells[row, column] = module.cells.draw(given, generator)[:, 0]
        read.add(columns, cells[:, columns], now[:, columns], chosen)
        return cells

    with predicting():
        fill_in_passes(rows, keys.expand(n_rows, -1), MOST_PASSES, draw)
    return rows
