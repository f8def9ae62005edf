"""The loop by which missing cells are drawn: some in each pass, given those before."""

import torch

MOST_PASSES = 128


def fill_in_passes(rows, keys, n_passes, draw):
    """Fill the missing cells of rows by draws, pass by pass.

    The missing cells of each row are split evenly over the passes, so that what is
    drawn in a pass suits all that is visible and all that was drawn before it.

    Parameters
    ----------
    rows : (n_rows, n_columns) tensor
        NaN where missing. Filled in place.
    keys : (n_rows, n_columns) tensor in [0, 1]
        Missing cells with smaller keys are drawn before those with larger ones, and
        those with equal keys side by side.
    n_passes : int
        At most. As many as a row has missing cells draw them one by one.
    draw : callable
        ``draw(rows, now, chosen)`` draws cells: a tensor of the shape of ``rows``, of
        which those count that are True in ``now``. ``rows`` holds the rows at the
        places ``chosen`` as they are before the pass.
    """
    missing = torch.isnan(rows)
    n_missing = missing.sum(dim=1, keepdim=True)
    # Columns of each row, missing ones first, and the place of each among them.
    order = keys.masked_fill(~missing, 2.0).argsort(dim=1)
    place = order.argsort(dim=1)
    n_passes = min(int(n_missing.max()) if len(rows) else 0, n_passes)
    for step in range(n_passes):
        first = step * n_missing // n_passes
        last = (step + 1) * n_missing // n_passes
        now = (place >= first) & (place < last)
        chosen = torch.nonzero(now.any(dim=1)).ravel()
        of, now = rows[chosen], now[chosen]
        rows[chosen] = torch.where(now, draw(of, now, chosen), of)
