"""New sequences from old ones: steps hidden, and drawn again a few at a time."""

import numpy as np
import torch

from skmae.data.sequences import Sequences, observed_cells
from skmae.features.augmentation import draw_cells, some_rows
from skmae.masking.steps import even_step_masks
from skmae.training.residuals import Residuals

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


def learn_step_residuals(inference, values, ratio, seed):
    """Learn the errors of hidden numbers from encoded rows: Residuals."""
    values = values[some_rows(len(values), seed)]
    errors = np.full(values.cells.shape, np.nan)
    lengths = values.lengths
    width = int(lengths.max())
    within = np.arange(width) < lengths[:, None]
    masks = [within]
    if ratio is not None:
        patch_size = inference.module.patch_size
        masks = even_step_masks(lengths, width, ratio, seed, 1, patch_size)
    for mask in masks:
        steps = mask[within]
        hidden = (
            None if ratio is None else np.broadcast_to(steps[:, None], errors.shape)
        )
        predicted = inference.predict(values, hidden)
        errors[steps] = (values.cells - predicted)[steps]
    known = ~np.isnan(errors)
    return Residuals().fit([(np.zeros_like(errors), errors, known)], errors.shape[1])


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
    cells = np.where(hidden, np.float32(np.nan), values.cells)
    steps = hidden.any(axis=1)
    turn = rng.integers(_PASSES, size=len(cells))
    for now in range(_PASSES):
        drawn = steps & (turn == now)
        if not drawn.any():
            continue
        given = Sequences(cells, values.lengths)
        if residuals is None:
            new = inference.sample(given, None, rng)
        else:
            means = inference.predict(given)
            new = draw_cells(inference.module.outputs, means, residuals, rng)
        filled = drawn[:, None] & hidden
        cells = np.where(filled, new, cells).astype(np.float32)
    return cells
