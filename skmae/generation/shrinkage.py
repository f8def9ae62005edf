"""How far a network's corrections can be trusted, by the rows that it left out."""

import numpy as np
import torch

from skmae._device import predicting
from skmae._random import torch_generator

_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_MOST_ROWS = 500
_N_MASKS = 8  # of each row


def shrink(model, left_out):
    """Multiply corrections by the share that makes hidden cells likeliest.

    Parameters
    ----------
    model : FittedModel
    left_out : (n_rows, n_columns) float32 array
        Rows that it was not trained on.
    """
    module, loss, sampler = model.module, model.net.criterion_, model.net.sampler
    generator = torch_generator(model.seeds["scoring"])
    rows = torch.from_numpy(left_out[:_MOST_ROWS]).repeat(_N_MASKS, 1)
    missing = torch.isnan(rows)
    hidden = sampler.sample(len(rows), ~missing, generator)
    rows, missing, hidden = (part.to(model.device) for part in (rows, missing, hidden))
    values = rows.nan_to_num(0.0)
    with predicting():
        module.shrinkage.fill_(1.0)
        out, *given = module.correct(values, hidden | missing)
        losses = [
            float(loss.of(out * share, *given, values, hidden)) for share in _SHARES
        ]
    module.shrinkage.fill_(_SHARES[int(np.argmin(losses))])
