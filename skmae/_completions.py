"""Drawing plausible values for missing cells."""

import numpy as np
import torch

from skmae.data.batches import fixed_batches
from skmae.networks.units import unit_stds
from skmae.training.inference import BATCH_ROWS

# Columns of at most so many values are given no others.
_FEW_VALUES = 16


def few_valued(table):
    """Values of numeric columns that have few: {column: sorted (n_values,) array}."""
    columns = np.flatnonzero(~table.categorical).tolist()
    few = {column: np.empty(0) for column in columns}
    for rows in table.blocks():
        numbers = table.numeric_block(rows)
        for column, cells in zip(columns, numbers.T, strict=True):
            if column not in few:
                continue
            values = np.unique(np.append(few[column], cells[~np.isnan(cells)]))
            if len(values) <= _FEW_VALUES:
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


class CompletionDraws:
    """Draws of the missing cells of encoded rows.

    Parameters
    ----------
    inference : Inference
        Of an :class:`~skmae.networks.imputation.ImputationNetwork`.
    residuals : Residuals
    """

    def __init__(self, inference, residuals):
        self.inference = inference
        self.residuals = residuals

    def draw(self, values, n_samples, seed):
        """Draw cells around their predictions.

        A number is its prediction plus an error of the size that such predictions
        had on held-out cells; the errors of a row hang together as in the members'
        Gaussians. A category is drawn from its predicted probabilities.

        Parameters
        ----------
        values : (n_rows, n_columns) float32 array
            NaN where missing.
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
            cells[:, numeric] = (units + errors) * std + mean
            for column, part in layout.category_slices():
                cumulative = predicted[:, part].cumsum(axis=1)
                threshold = rng.random((len(values), 1)) * cumulative[:, -1:]
                cells[:, column] = (cumulative <= threshold).sum(axis=1)
            yield cells

    def _visible_share(self, module, values):
        visible = (~np.isnan(values)).mean(axis=1, dtype=np.float32)
        visible = torch.from_numpy(visible)
        with torch.inference_mode():
            return module.visible_share(visible.to(self.inference.device)).cpu().numpy()

    def _ranks(self, module, values, n_samples, seed):
        generator = torch.Generator().manual_seed(seed)
        ranks = np.empty((n_samples, len(values), self.inference.layout.n_expanded))
        for start, n_rows, batch in fixed_batches(torch.from_numpy(values), BATCH_ROWS):
            batch = batch.to(self.inference.device)
            with torch.inference_mode():
                drawn = module.ranks(batch, torch.isnan(batch), n_samples, generator)
            ranks[:, start : start + n_rows] = drawn[:, :n_rows].cpu().numpy()
        return ranks
