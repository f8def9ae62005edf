"""Drawing plausible values for missing cells."""

import numpy as np
import torch

from skmae._device import predicting
from skmae.data.batches import fixed_batches
from skmae.networks.units import unit_stds
from skmae.training.inference import BATCH_ROWS


def few_valued(table, n_most):
    """Values of numeric columns that have few.

    Parameters
    ----------
    table : ArrayTable or FrameTable
        Training rows, in the user's units: bits count, since a value that has been
        scaled and scaled back may differ from itself in the last one.
    n_most : int
        So many values are few.

    Returns
    -------
    few : dict of int to sorted (n_values,) array
        By column.
    """
    columns = np.flatnonzero(~table.categorical).tolist()
    few = {column: np.empty(0) for column in columns}
    for rows in table.blocks():
        numbers = table.numeric_block(rows)
        for column, cells in zip(columns, numbers.T, strict=True):
            if column not in few:
                continue
            values = np.unique(np.append(few[column], cells[~np.isnan(cells)]))
            if len(values) <= n_most:
                few[column] = values
            else:
                del few[column]
    return {column: values for column, values in few.items() if len(values) > 0}


def nearest(values, allowed):
    """The allowed value next to each value.

    Parameters
    ----------
    values : (n_rows,) array
    allowed : (n_values,) sorted array
    """
    middle = (allowed[1:] + allowed[:-1]) / 2
    return allowed[np.searchsorted(middle, values)]


def snapped(columns, few):
    """Move the cells of columns of few values to the nearest of them.

    Parameters
    ----------
    columns : list of (n_rows,) arrays
    few : dict
        As :func:`few_valued` gives it.

    Returns
    -------
    columns : list of (n_rows,) arrays
    """
    return [
        nearest(values, few[column]) if column in few else values
        for column, values in enumerate(columns)
    ]


def draw_categories(predicted, layout, rng):
    """Draw categories from their predicted probabilities.

    Parameters
    ----------
    predicted : (n_rows, n_expanded) array
        Numbers, and probabilities of categories.
    layout : Layout
    rng : numpy.random.Generator

    Yields
    ------
    column : int
    indices : (n_rows,) int array
    """
    for column, part in layout.category_slices():
        cumulative = predicted[:, part].cumsum(axis=1)
        threshold = rng.random((len(predicted), 1)) * cumulative[:, -1:]
        yield column, (cumulative <= threshold).sum(axis=1)


def certain_cells(inference, values):
    """Missing cells that follow exactly from the others of their row.

    Parameters
    ----------
    inference : Inference
        Of an :class:`~skmae.imputation.network.ImputationNetwork`.
    values : (n_rows, n_columns) float32 array
        NaN where missing.

    Returns
    -------
    certain : (n_rows, n_columns) bool array
    """
    module, layout = inference.module, inference.layout
    certain = np.zeros(values.shape, dtype=bool)
    if not module.exact.any():
        return certain
    numeric = list(layout.numeric)
    size = inference.batch_rows
    for start, n_rows, batch in fixed_batches(torch.from_numpy(values), size):
        batch = batch.to(inference.device)
        with predicting():
            units = module.certain(batch, torch.isnan(batch))[:n_rows].cpu().numpy()
        certain[start : start + n_rows, numeric] = units[:, : len(numeric)]
    return certain


class CompletionDraws:
    """Draws of the missing cells of encoded rows.

    Parameters
    ----------
    inference : Inference
        Of an :class:`~skmae.imputation.network.ImputationNetwork`.
    residuals : Residuals
    """

    def __init__(self, inference, residuals):
        self.inference = inference
        self.residuals = residuals

    def draw(self, values, certain, n_samples, seed):
        """Draw cells around their predictions.

        A number is its prediction plus an error of the size that such predictions
        had on held-out cells; the errors of a row hang together as in the members'
        Gaussians. Certain cells have none. A category is drawn from its predicted
        probabilities.

        Parameters
        ----------
        values : (n_rows, n_columns) float32 array
            NaN where missing.
        certain : (n_rows, n_columns) bool array
            As :func:`certain_cells` gives it.
        n_samples : int
        seed : int

        Yields
        ------
        cells : (n_rows, n_columns) float64 array
            Scaled numbers and category indices.
        """
        module, layout = self.inference.module, self.inference.layout
        n_numeric = len(layout.numeric)
        numeric = list(layout.numeric)
        predicted = self.inference.predict(values)
        mean, std = layout.means[:n_numeric], unit_stds(layout)[:n_numeric]
        units = (predicted[:, :n_numeric] - mean) / std
        share = self._visible_share(module, values)
        ranks = self._ranks(module, values, n_samples, seed)
        rng = np.random.default_rng(seed)
        for sample in range(n_samples):
            cells = np.empty(values.shape)
            errors = self.residuals.at(ranks[sample, :, :n_numeric], units, share)
            errors[certain[:, numeric]] = 0.0
            cells[:, numeric] = (units + errors) * std + mean
            for column, indices in draw_categories(predicted, layout, rng):
                cells[:, column] = indices
            yield cells

    def _visible_share(self, module, values):
        visible = (~np.isnan(values)).mean(axis=1, dtype=np.float32)
        visible = torch.from_numpy(visible)
        with predicting():
            return module.visible_share(visible.to(self.inference.device)).cpu().numpy()

    def _ranks(self, module, values, n_samples, seed):
        generator = torch.Generator().manual_seed(seed)
        ranks = np.empty((n_samples, len(values), self.inference.layout.n_expanded))
        for start, n_rows, batch in fixed_batches(torch.from_numpy(values), BATCH_ROWS):
            batch = batch.to(self.inference.device)
            with predicting():
                drawn = module.ranks(batch, torch.isnan(batch), n_samples, generator)
            ranks[:, start : start + n_rows] = drawn[:, :n_rows].cpu().numpy()
        return ranks
