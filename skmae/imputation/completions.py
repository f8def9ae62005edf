"""Drawing plausible values for missing cells."""

from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from skmae._device import predicting
from skmae._random import torch_generator
from skmae.data.batches import fixed_batches
from skmae.distributions.passes import fill_in_passes
from skmae.networks.standardised import value_stds
from skmae.training.inference import BATCH_ROWS

_LEAST_PROBABILITY = 1e-6  # of a category, as in predictions
# Cells of a row are drawn in so many passes at most. Within a pass they vary together
# as in a Gaussian; what is curved takes another pass, in which errors add up.
_MOST_PASSES = 2


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


def within_range(codec, cells, certain):
    """Move scaled numbers into the range seen in fit, but for those that are certain.

    Parameters
    ----------
    codec : Codec
    cells : (n_rows, n_columns) array
    certain : (n_rows, n_columns) bool array
        As :func:`certain_cells` gives it.
    """
    return np.where(certain, cells, codec.within_range(cells))


class Said(NamedTuple):
    """What is said of the cells of rows.

    Attributes
    ----------
    means : (n_rows, n_expanded) array
    moves : (n_rows, n_members, n_expanded) array
        As :meth:`~skmae.imputation.network.ImputationNetwork.moves` gives them.
    ranks : (n_rows, n_samples, n_expanded) array
        Of errors, drawn.
    certain : (n_rows, n_columns) bool array
    spread : (n_rows, n_expanded) array
        That Gaussians leave open, standardised.
    """

    means: np.ndarray
    moves: np.ndarray
    ranks: np.ndarray
    certain: np.ndarray
    spread: np.ndarray

    def of(self, sample):
        """The same with the ranks of one sample alone."""
        return self._replace(ranks=self.ranks[:, sample : sample + 1])


class CompletionDraws:
    """Draws of the missing cells of encoded rows.

    Parameters
    ----------
    codec : Codec
    inference : Inference
        Of an :class:`~skmae.imputation.network.ImputationNetwork`.
    residuals : Residuals
    """

    def __init__(self, codec, inference, residuals):
        self.codec = codec
        self.inference = inference
        self.residuals = residuals

    def draw(self, values, n_samples, seed):
        """Draw cells around their predictions.

        A number is its prediction plus an error of the size that such predictions
        had on held-out cells; the errors of a row are correlated as in the members'
        Gaussians. Certain cells have none. A category is drawn from its predicted
        probabilities. Of several missing cells of a row, those drawn in the second
        pass are predicted from those drawn in the first, too.

        What the fit is not sure of varies from draw to draw, too, so that what is
        estimated from whole completions varies enough: predictions, as much as those
        of Gaussians fitted to other rows would, and the size of the errors, as much
        as the number of held-out cells leaves it open.

        Parameters
        ----------
        values : (n_rows, n_columns) float32 array
            NaN where missing.
        n_samples : int
        seed : int

        Yields
        ------
        cells : (n_rows, n_columns) float64 array
            Scaled numbers, in the range seen in fit unless certain, and category
            indices. Anything in columns that were empty in fit.
        """
        rng, generator = np.random.default_rng(seed), torch_generator(seed)
        shape = n_samples, self.inference.module.n_members
        normal = rng.normal(size=shape).astype(np.float32)
        scales = self.residuals.draw_scales(n_samples, rng)
        first = self._say(values, n_samples, generator)
        for sample in range(n_samples):
            draw = partial(
                self._drawn,
                missing=np.isnan(values),
                first=first.of(sample),
                normal=normal[sample],
                scales=scales[sample],
                rng=rng,
                generator=generator,
            )
            rows = torch.from_numpy(values.astype(np.float64))
            keys = torch.from_numpy(rng.random(values.shape))
            fill_in_passes(rows, keys, _MOST_PASSES, draw)
            yield rows.numpy()

    def _drawn(
        self, rows, now, chosen, *, missing, first, normal, scales, rng, generator
    ):
        """Cells of a pass, as :func:`fill_in_passes` takes them."""
        known, chosen = rows.numpy().astype(np.float32), chosen.numpy()
        known[:, self.codec.empty_] = np.nan  # nothing was learned of these
        said = Said(*(part[chosen] for part in first))
        again = (np.isnan(known) != missing[chosen]).any(axis=1)
        if again.any():
            anew = self._say(known[again], 1, generator)
            for part, of_again in zip(said, anew, strict=True):
                part[again] = of_again
        visible = (~np.isnan(known)).mean(axis=1)
        cells = self._cells(said, visible, normal, scales, rng)
        # What follows from drawn cells alone may not lie where nothing was seen.
        cells = within_range(self.codec, cells, first.certain[chosen])
        return torch.from_numpy(cells)

    def _say(self, values, n_samples, generator):
        """Ask the network: Said."""
        module, certain = self.inference.module, certain_cells(self.inference, values)

        def read(ask):
            return in_batches(self.inference.device, values, ask)

        moves, columns = read(module.moves), self.inference.layout.column_of_expanded
        moves *= ~certain[:, None, columns]
        ranks = read(lambda *rows: module.ranks(*rows, n_samples, generator))
        means = self.inference.predict(values)
        spread = read(self._spread)[:, 0]
        return Said(means, moves, ranks, certain, spread)

    def _spread(self, rows, missing):
        """By one member's Gaussian for each row, as ranks are."""
        spread = self.inference.module.spread(rows, missing, dealt=True)
        return spread.flatten(0, 1)[None, : len(rows)]

    def _cells(self, said, visible, normal, scales, rng):
        """Numbers and category indices around what is said: (n_rows, n_columns)."""
        module, layout = self.inference.module, self.inference.layout
        part = module.outputs.numbers.part
        mean, std = layout.means, value_stds(layout)
        moved = said.means + np.einsum("m,nmu->nu", normal, said.moves) * std
        moved[:, part.stop :] = moved[:, part.stop :].clip(min=_LEAST_PROBABILITY)
        standard = (moved[:, part] - mean[part]) / std[part]
        ranks, spread = said.ranks[:, 0, part], said.spread[:, part]
        errors = self.residuals.at(ranks, standard, visible, spread)
        errors[said.certain[:, list(layout.numeric)]] = 0.0
        drawn = module.outputs.numbers.sample(standard, errors * scales)
        return module.outputs.sample(moved, drawn * std[part] + mean[part], rng)


def in_batches(device, values, ask):
    """What ``ask(rows, missing)`` gives for encoded rows, as one array, row by row."""
    parts = []
    for _, n_rows, batch in fixed_batches(torch.from_numpy(values), BATCH_ROWS):
        batch = batch.to(device)
        with predicting():
            said = ask(batch, torch.isnan(batch))[:, :n_rows]
        parts.append(said.transpose(0, 1).cpu().numpy())
    return np.concatenate(parts)
