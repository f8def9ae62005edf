"""Rows varied by hiding cells and drawing them anew."""

import numpy as np
import torch

from skmae.training.residuals import Residuals

_MAX_ROWS = 512  # rows whose errors are looked at


def learn_residuals(inference, values, masks, seed):
    """Collect the errors of hidden numbers on some rows.

    Parameters
    ----------
    inference : Inference
    values : (n_rows, n_columns) float32 array
    masks : (n_masks, n_columns) bool array
        Masks that hide every cell; without any, errors of visible cells.
    seed : int
        Seed of the choice of rows.

    Returns
    -------
    residuals : Residuals
        A column that none of these rows observes has no spread.
    """
    values = values[some_rows(len(values), seed)]
    numeric = list(inference.layout.numeric)
    numbers = values[:, numeric]
    errors = np.full(numbers.shape, np.nan)
    unseen = np.ones(len(numeric), dtype=bool)
    for mask in masks if len(masks) else [np.zeros(values.shape[1], dtype=bool)]:
        hidden = np.broadcast_to(mask, values.shape)
        predicted = inference.predict(values, hidden)[:, : len(numeric)]
        cells = unseen & mask[numeric] if len(masks) else unseen
        errors[:, cells] = (numbers - predicted)[:, cells]
        unseen = unseen & ~cells
        if not unseen.any():
            break
    at_zero = np.zeros_like(errors)
    return Residuals().fit([(at_zero, errors, ~np.isnan(errors))], len(numeric))


def draw_cells(outputs, means, residuals, rng):
    """Draw cells around expanded predictions: (n_rows, n_columns) float64 array."""
    numbers = means[:, outputs.numbers.part]
    errors = residuals.at(rng.random(numbers.shape), numbers)
    return outputs.sample(means, outputs.numbers.sample(numbers, errors), rng)


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
