"""Drawing cells from what the network leaves uncertain."""

import numpy as np
import torch

from skmae.training.drawing import draw_categories

_N_LEVELS = 33  # quantiles kept per column
_MAX_ROWS = 512  # rows whose errors are looked at


class ResidualSampler:
    """Errors of hidden numbers, column by column, to draw from again."""

    def fit(self, inference, values, masks, seed):
        """Collect errors on some rows.

        Parameters
        ----------
        inference : Inference
        values : (n_rows, n_columns) float32 array
        masks : (n_masks, n_columns) bool array
            Masks that hide every cell; without any, errors of visible cells.
        seed : int
            Seed of the choice of rows.
        """
        values = values[some_rows(len(values), seed)]
        numeric = list(inference.layout.numeric)
        numbers = values[:, numeric]
        residuals = np.full(numbers.shape, np.nan)
        unseen = np.ones(len(numeric), dtype=bool)
        for mask in masks if len(masks) else [np.zeros(values.shape[1], dtype=bool)]:
            hidden = np.broadcast_to(mask, values.shape)
            predicted = inference.predict(values, hidden)[:, : len(numeric)]
            cells = unseen & mask[numeric] if len(masks) else unseen
            residuals[:, cells] = (numbers - predicted)[:, cells]
            unseen = unseen & ~cells
            if not unseen.any():
                break
        levels = np.linspace(0, 1, _N_LEVELS)
        # A column that none of these rows observes is redrawn without spread.
        residuals[:, np.isnan(residuals).all(axis=0)] = 0.0
        quantiles = np.nanquantile(residuals, levels, axis=0)
        # Of no column at all numpy gives no levels either.
        self.quantiles_ = quantiles.reshape(_N_LEVELS, len(numeric))
        return self

    def draw(self, n_rows, rng):
        """Draw errors: (n_rows, n_numeric), interpolated between the quantiles."""
        n_columns = self.quantiles_.shape[1]
        position = rng.random((n_rows, n_columns)) * (_N_LEVELS - 1)
        below = position.astype(int)
        share = position - below
        column = np.arange(n_columns)
        low, high = self.quantiles_[below, column], self.quantiles_[below + 1, column]
        return low + share * (high - low)


def draw_cells(predicted, layout, residuals, rng):
    """Draw cells around expanded predictions.

    Parameters
    ----------
    predicted : (n_rows, n_expanded) array
        Numbers, and probabilities of categories.
    layout : Layout
    residuals : ResidualSampler
    rng : numpy.random.Generator

    Returns
    -------
    cells : (n_rows, n_columns) float array
    """
    n_rows, n_numeric = len(predicted), len(layout.numeric)
    cells = np.empty((n_rows, layout.n_columns))
    drawn = predicted[:, :n_numeric] + residuals.draw(n_rows, rng)
    cells[:, list(layout.numeric)] = drawn
    for column, indices in draw_categories(predicted, layout, rng):
        cells[:, column] = indices
    return cells


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
