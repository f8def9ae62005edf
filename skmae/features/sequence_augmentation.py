"""New sequences from old ones: steps hidden, and drawn again a few at a time."""

import numpy as np
import torch

from skmae.data.sequences import Sequences, observed_cells
from skmae.distributions.tokens import draw_tokens, turns
from skmae.features.augmentation import some_rows
from skmae.masking.steps import even_step_masks
from skmae.training.residuals import LateErrors, Residuals

# Hidden steps of a row are drawn in so many passes, each given those before it, so
# that neighbours suit each other.
_PASSES = 8
_BATCH_STEPS = 2**16


def draw_step_masks(sampler, values, seed):
    """Draw a mask over each row: (n_steps, n_cells) bool array."""
    generator = torch.Generator().manual_seed(seed)
    hidden = np.zeros(values.cells.shape, dtype=bool)
    for rows, length in values.batches(_BATCH_STEPS):
        observed = observed_cells(torch.from_numpy(values.padded(rows, length)))
        mask = sampler.sample(len(rows), observed, generator).numpy()
        hidden[values.steps_of(rows)] = mask[values.within(rows, length)]
    return hidden


class StepErrors(LateErrors):
    """Errors that the network makes on hidden numbers, to be drawn from.

    Parameters
    ----------
    model : FittedModel
    values : Sequences
        Rows to learn from, of which some are looked at.
    """

    def __init__(self, model, values):
        super().__init__(model, values[some_rows(len(values), model.seeds["rows"])])

    def _learn(self, model, values):
        self.residuals = _residuals(
            model.inference(), values, model.scoring_masks, model.seeds["rows"]
        )


def _residuals(inference, values, ratio, seed):
    """Errors of hidden numbers: Residuals."""
    predicted = np.zeros(values.cells.shape)
    lengths = values.lengths
    width = int(lengths.max())
    within = np.arange(width) < lengths[:, None]
    masks = [within]
    if ratio is not None:
        patch_size = inference.module.patch_size
        masks = even_step_masks(lengths, width, ratio, seed, 1, patch_size)
    for mask in masks:
        steps = mask[within]
        hidden = None
        if ratio is not None:
            hidden = np.broadcast_to(steps[:, None], values.cells.shape)
        predicted[steps] = inference.predict(values, hidden)[steps]
    known, unit = ~np.isnan(values.cells), np.ones(values.cells.shape)
    targets = np.nan_to_num(values.cells)
    case = (1.0, predicted, targets, known, unit)
    return Residuals().fit([case], values.cells.shape[1])


def redraw_steps(inference, values, hidden, residuals, rng):
    """Draw hidden steps in passes: (n_steps, n_cells) float32 array.

    Parameters
    ----------
    inference : SequenceInference
    values : Sequences
    hidden : (n_steps, n_cells) bool array
        Missing cells among them.
    residuals : Residuals or None
        Of numbers; None: the steps are tokens.
    rng : numpy.random.Generator
    """
    if residuals is None:
        return draw_tokens(inference, values, hidden, rng, _PASSES)
    cells = np.where(hidden, np.float32(np.nan), values.cells)
    outputs, steps = inference.module.outputs, hidden.any(axis=1)
    turn = turns(values, steps, rng.random(len(cells)), _PASSES)
    for now in range(turn.max(initial=-1) + 1):
        means = inference.predict(Sequences(cells, values.lengths))
        unit = np.ones(means.shape)
        errors = residuals.at(rng.random(means.shape), means, unit[:, 0], unit)
        new = outputs.numbers.sample(means, errors)
        filled = (turn == now)[:, None] & hidden
        cells = np.where(filled, new, cells).astype(np.float32)
    return cells
