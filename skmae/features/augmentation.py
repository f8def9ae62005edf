"""Rows varied by hiding cells and drawing them anew."""

import numpy as np
import torch

from skmae._random import torch_generator
from skmae.distributions.passes import fill_in_passes
from skmae.masking.even import even_masks
from skmae.training.residuals import Residuals

_MAX_ROWS = 512  # rows whose errors are looked at
# Cells of a row are drawn in so many passes at most.
_MOST_PASSES = 8
# Share of the units hidden while errors are collected that are made where little is,
# and the largest part of the training's own.
_FEW_HIDDEN, _LEAST_HIDDEN = 0.15, 0.5


def drawing_masks(model):
    """Masks under which errors are collected, those that hide few units first.

    Returns
    -------
    levels : list of (n_masks, n_columns) bool arrays
        The last are those under which rows are scored.
    """
    many = model.scoring_masks
    if len(many) == 0:
        return [many]
    ratio = min(_FEW_HIDDEN, _LEAST_HIDDEN * float(many.mean()))
    generator = torch_generator(model.seeds["scoring"])
    few = even_masks(model.grid.n_units, ratio, generator)
    return [model.net.sampler.to_cells(few).numpy(), many]


def learn_residuals(inference, values, levels, seed):
    """Collect the errors of hidden numbers on some rows.

    Parameters
    ----------
    inference : Inference
    values : (n_rows, n_columns) float32 array
    levels : sequence of (n_masks, n_columns) bool arrays
        One or two sets of masks, each of which hides every cell: those that leave
        most visible first. Without a mask, errors of visible cells.
    seed : int
        Seed of the choice of rows.

    Returns
    -------
    residuals : Residuals
        A column that none of these rows observes has no spread.
    """
    values = values[some_rows(len(values), seed)]
    cases = [_case(inference, values, masks) for masks in levels]
    return Residuals().fit(cases, len(inference.layout.numeric))


def _case(inference, values, masks):
    """Errors of hidden numbers, as :meth:`Residuals.fit` takes them."""
    numeric = list(inference.layout.numeric)
    nothing = np.zeros((1, values.shape[1]), dtype=bool)
    unseen = np.ones(len(numeric), dtype=bool)
    numbers, seen = values[:, numeric], ~np.isnan(values)
    predicted = np.zeros(numbers.shape)
    visible = []
    for mask in masks if len(masks) else nothing:
        hidden = np.broadcast_to(mask, values.shape)
        said = inference.predict(values, hidden)[:, : len(numeric)]
        cells = unseen & mask[numeric] if len(masks) else unseen
        predicted[:, cells] = said[:, cells]
        visible.append((seen & ~mask).mean())
        unseen = unseen & ~cells
        if not unseen.any():
            break
    counted = seen[:, numeric] & ~unseen
    spread = np.broadcast_to(number_stds(inference.layout), numbers.shape)
    return np.mean(visible), predicted, numbers, counted, spread


def number_stds(layout):
    """Standard deviations of numeric columns: the network says of no cell its own."""
    return layout.stds[list(layout.numeric)]


def redraw(model, values, hidden, residuals, seed):
    """Draw cells of rows anew, pass by pass, around what the network predicts.

    Parameters
    ----------
    model : FittedModel
    values : (n_rows, n_columns) float32 array
        NaN where missing.
    hidden : (n_rows, n_columns) bool array
        Cells to draw besides the missing ones.
    residuals : Residuals
    seed : int

    Returns
    -------
    cells : (n_rows, n_columns) float64 array
    """
    inference, outputs = model.inference(), model.module.outputs
    rng = np.random.default_rng(seed)

    def draw(rows, now, chosen):
        known = rows.numpy().astype(np.float32)
        known[:, model.codec.empty_] = np.nan  # nothing was learned of these
        means = inference.predict(known)
        numbers = means[:, outputs.numbers.part]
        visible = (~np.isnan(known)).mean(axis=1)
        ranks = rng.random(numbers.shape)
        spread = np.broadcast_to(number_stds(inference.layout), numbers.shape)
        errors = residuals.at(ranks, numbers, visible, spread)
        drawn = outputs.sample(means, outputs.numbers.sample(numbers, errors), rng)
        return torch.from_numpy(model.codec.within_range(drawn))

    rows = torch.from_numpy(np.where(hidden, np.nan, values.astype(np.float64)))
    # The cells of a unit, such as a patch, are drawn together.
    keys = rng.random((len(values), model.grid.n_units))[:, model.grid.unit_of_cell]
    fill_in_passes(rows, torch.from_numpy(keys), _MOST_PASSES, draw)
    return rows.numpy()


def some_rows(n_rows, seed):
    """Positions of rows enough to see what a column is like."""
    if n_rows <= _MAX_ROWS:
        return np.arange(n_rows)
    rng = np.random.default_rng(seed)
    return np.sort(rng.choice(n_rows, _MAX_ROWS, replace=False))


def draw_masks(sampler, values, seed):
    """Draw a mask over each row: (n_rows, n_columns) bool array."""
    observed = torch.from_numpy(~np.isnan(values))
    generator = torch.Generator().manual_seed(seed)
    return sampler.sample(len(values), observed, generator).numpy()
