"""Rows varied by hiding cells and drawing them anew."""

import numpy as np
import torch

from skmae._device import predicting
from skmae.data.few_values import few_valued
from skmae.distributions.passes import fill_in_passes
from skmae.networks.em import fit_gaussian
from skmae.networks.gaussian import GaussianMembers
from skmae.networks.standardised import standardise
from skmae.training.residuals import LateErrors, Residuals

_MAX_ROWS = 512  # rows whose errors are looked at
# Columns with at most so many values, among the rows looked at, are given no others.
_FEW_VALUES = 64
# Cells of a row are drawn in so many passes at most.
_MOST_PASSES = 8
_MOST_VALUES = 128  # of a row, for a Gaussian of them
_BLOCK_ROWS = 256
# Share of the cells hidden while errors are collected that are made where little is,
# and the largest part of the training's own.
_FEW_HIDDEN, _LEAST_HIDDEN = 0.15, 0.5
_MOST_REPEATS = 8  # of each row, under other masks,
_MOST_CELLS = 2**22  # unless so many cells are reached before


class CellErrors(LateErrors):
    """Errors that the network makes on hidden numbers, to be drawn from.

    A Gaussian guesses how large that of each cell is from which others are visible;
    rows of more than 128 values, or that are n-d, are done without it.

    Parameters
    ----------
    model : FittedModel
    values : (n_rows, n_columns) float32 array
        Rows to learn from, of which some are looked at. A column that none of them
        observes is drawn as normal.
    table : ArrayTable or FrameTable
        Rows in the user's units, by which to know columns of few values.
    """

    def __init__(self, model, values, table):
        values = values[some_rows(len(values), model.seeds["rows"])]
        super().__init__(model, (values, table))

    def _learn(self, model, rows):
        values, table = rows
        self.few_valued = few_valued(table, _FEW_VALUES)
        layout = model.layout
        self.gaussian = None
        is_table = model.settings.rows.input_shape is None
        if is_table and layout.n_expanded <= _MOST_VALUES and len(values) > 1:
            parts = [part for _, part in layout.category_slices()]
            standard = standardise(values, layout)
            self.gaussian = fit_gaussian(standard, model.seeds["gaussian"], parts)
        many = model.random_masks()
        ratio = _LEAST_HIDDEN * (many.low + many.high) / 2
        few = model.random_masks(min(_FEW_HIDDEN, ratio))
        cases = [self._case(model, values, sampler) for sampler in (few, many)]
        self.residuals = Residuals().fit(cases, len(layout.numeric))

    def draw(self, model, known, numbers, rng):
        """Draw errors around predicted numbers: (n_rows, n_numeric) array.

        Parameters
        ----------
        model : FittedModel
        known : (n_rows, n_columns) float32 array
            NaN where hidden.
        numbers : (n_rows, n_numeric) array
        rng : numpy.random.Generator
        """
        seen = ~np.isnan(known)
        spread = self._spread(model.layout, seen)
        ranks = rng.random(numbers.shape)
        return self.residuals.at(ranks, numbers, seen.mean(axis=1), spread)

    def _case(self, model, values, sampler):
        """Errors of hidden numbers, as :meth:`Residuals.fit` takes them.

        Each cell is hidden about once.
        """
        n_repeats = min(round(2 / (sampler.low + sampler.high)), _MOST_REPEATS)
        n_repeats = max(min(n_repeats, _MOST_CELLS // values.size), 1)
        values, numeric = np.tile(values, (n_repeats, 1)), list(model.layout.numeric)
        hidden = draw_masks(sampler, values, model.seeds["scoring"])
        predicted = model.inference().predict(values, hidden)[:, : len(numeric)]
        seen = ~np.isnan(values) & ~hidden
        spread = self._spread(model.layout, seen)
        return seen.mean(), predicted, values[:, numeric], hidden[:, numeric], spread

    def _spread(self, layout, seen):
        """Guesses of the size of errors: (n_rows, n_numeric) array."""
        numeric = list(layout.numeric)
        stds = np.broadcast_to(layout.stds[numeric], (len(seen), len(numeric)))
        if self.gaussian is None:
            return stds
        gaussian = GaussianMembers(1, layout.n_expanded)
        gaussian.set_member(0, self.gaussian)
        visible = torch.from_numpy(seen[:, layout.column_of_expanded])
        with predicting():
            parts = [
                gaussian.conditional_std(part.to(torch.float32)[None])[0]
                for part in visible.split(_BLOCK_ROWS)
            ]
        return stds * torch.cat(parts).numpy()[:, : len(numeric)]


def redraw(model, values, hidden, errors, seed):
    """Draw cells of rows anew, pass by pass, around what the network predicts.

    Parameters
    ----------
    model : FittedModel
    values : (n_rows, n_columns) float32 array
        NaN where missing.
    hidden : (n_rows, n_columns) bool array
        Cells to draw besides the missing ones.
    errors : CellErrors
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
        drawn = errors.draw(model, known, numbers, rng)
        cells = outputs.sample(means, outputs.numbers.sample(numbers, drawn), rng)
        return torch.from_numpy(model.codec.within_range(cells))

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
