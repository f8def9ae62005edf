"""Drawing plausible values for missing cells."""

import numpy as np
import torch

from skmae._device import predicting
from skmae.data.batches import fixed_batches
from skmae.networks.standardised import value_stds
from skmae.training.inference import BATCH_ROWS

_LEAST_PROBABILITY = 1e-6  # of a category, as in predictions


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
            standard = module.certain(batch, torch.isnan(batch))[:n_rows].cpu().numpy()
        certain[start : start + n_rows, numeric] = standard[:, : len(numeric)]
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
        had on held-out cells; the errors of a row are correlated as in the members'
        Gaussians. Certain cells have none. A category is drawn from its predicted
        probabilities.

        What the fit is not sure of varies from draw to draw, too, so that what is
        estimated from whole completions varies enough: predictions, as much as those
        of Gaussians fitted to other rows would, and the size of the errors, as much
        as the number of held-out cells leaves it open.

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
        numbers = module.outputs.numbers
        means = self.inference.predict(values)
        mean, std = layout.means, value_stds(layout)
        share = self._visible_share(module, values)
        ranks = self._ranks(module, values, n_samples, seed)
        rng = np.random.default_rng(seed)
        normal = rng.normal(size=(n_samples, module.n_members)).astype(np.float32)
        shifts = self._shifts(module, values, normal)
        shifts[:, certain[:, layout.column_of_expanded]] = 0.0
        part = numbers.part
        scales = self.residuals.draw_scales(n_samples, rng)
        for sample in range(n_samples):
            moved = means + shifts[sample] * std
            moved[:, part.stop :] = moved[:, part.stop :].clip(min=_LEAST_PROBABILITY)
            standard = (moved[:, part] - mean[part]) / std[part]
            errors = self.residuals.at(ranks[sample, :, part], standard, share)
            errors[certain[:, list(layout.numeric)]] = 0.0
            errors *= scales[sample]
            drawn = numbers.sample(standard, errors) * std[part] + mean[part]
            yield module.outputs.sample(moved, drawn, rng)

    def _shifts(self, module, values, normal):
        normal = torch.from_numpy(normal).to(self.inference.device)
        shape = len(normal), len(values), self.inference.layout.n_expanded
        shifts = np.empty(shape, dtype=np.float32)
        for start, n_rows, batch in fixed_batches(torch.from_numpy(values), BATCH_ROWS):
            batch = batch.to(self.inference.device)
            with predicting():
                moved = module.shifts(batch, torch.isnan(batch), normal)
            shifts[:, start : start + n_rows] = moved[:, :n_rows].cpu().numpy()
        return shifts

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
