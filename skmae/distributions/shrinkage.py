"""What is chosen by rows that the network left out of its training."""

import numpy as np
import torch

from skmae._device import predicting
from skmae._random import torch_generator

_STRAYS = (-4.0, -5.0, -6.0, -7.5, -9.0)  # logits
# The fewer rows there are for each column, the more a mixture is sure of rows that it
# was fitted to: the least share of strays is so many times columns over rows.
_LEAST_STRAYS = 0.2
_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_MOST_ROWS = 500
_N_MASKS = 8  # of each row
_BATCH = 250  # of so many rows at a time


def choose_strays(model, left_out, n_rows):
    """Choose how often a number is like none of its group, before training.

    Parameters
    ----------
    model : FittedModel
        All of whose corrections are still 0.
    left_out : (n_left_out, n_columns) float32 array
    n_rows : int
        Rows to which the mixture was fitted.
    """
    least = _LEAST_STRAYS * left_out.shape[1] / n_rows
    logits = [_STRAYS[0]]
    logits += [logit for logit in _STRAYS[1:] if 1 / (1 + np.exp(-logit)) > least]
    _choose(model, left_out, model.module.set_strays, logits)


def shrink(model, left_out):
    """Multiply corrections by the share that makes hidden cells likeliest.

    Parameters
    ----------
    model : FittedModel
    left_out : (n_rows, n_columns) float32 array
        Rows that it was not trained on.
    """
    _choose(model, left_out, model.module.shrinkage.fill_, _SHARES)


def _choose(model, left_out, put, values):
    """Put the value into the module under which hidden cells are likeliest."""
    module, loss, sampler = model.module, model.net.criterion_, model.net.sampler
    generator = torch_generator(model.seeds["scoring"])
    rows = torch.from_numpy(left_out[:_MOST_ROWS]).repeat(_N_MASKS, 1)
    missing = torch.isnan(rows)
    hidden = sampler.sample(len(rows), ~missing, generator)
    rows, missing, hidden = (part.to(model.device) for part in (rows, missing, hidden))
    cells, losses = rows.nan_to_num(0.0), np.zeros(len(values))
    with predicting():
        for part in torch.arange(len(rows), device=rows.device).split(_BATCH):
            corrections, given = module.corrections(
                cells[part], (hidden | missing)[part]
            )
            weight = float(loss.cell_weight(hidden[part]).sum())
            for i, value in enumerate(values):
                put(value)
                said = module.believed(corrections)
                found = loss.of(said, *given, cells[part], hidden[part])
                losses[i] += weight * float(found)
        put(values[int(np.argmin(losses))])
