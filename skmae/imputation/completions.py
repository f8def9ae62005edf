"""Drawing plausible values for missing cells."""

import numpy as np
import torch

from skmae._device import predicting
from skmae.data.batches import fixed_batches
from skmae.networks.standardised import value_stds
from skmae.training.inference import BATCH_ROWS


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
        mean, std = layout.means[numbers.part], value_stds(layout)[numbers.part]
        standard = (means[:, numbers.part] - mean) / std
        share = self._visible_share(module, values)
        ranks = self._ranks(module, values, n_samples, seed)
        rng = np.random.default_rng(seed)
        for sample in range(n_samples):
            errors = self.residuals.at(ranks[sample, :, numbers.part], standard, share)
            errors[certain[:, list(layout.numeric)]] = 0.0
            drawn = numbers.sample(standard, errors) * std + mean
            yield module.outputs.sample(means, drawn, rng)

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
