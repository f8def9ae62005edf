"""What fine-tuning does with rows of tables, and where it finds the same for others."""

import numpy as np
import torch

from skmae.semi_supervised.fine_tuning import LabelledDataset, predict_outputs
from skmae.semi_supervised.heads import HeadedNetwork
from skmae.semi_supervised.sequence_rows import SequenceRows


class TableRows:
    """Encoded rows of one width: (n_rows, n_columns) float32, NaN where missing."""

    headed = HeadedNetwork
    outputs = staticmethod(predict_outputs)

    def body(self, spec, never_hides):
        """The network to fine-tune, of that of the encoder."""
        return spec

    def least_steps(self, n_steps):
        """Steps that fine_tune_epochs="auto" makes at least, as the estimator says."""
        return n_steps

    def codes(self, model, values):
        """Codes by an encoder: (n_rows, n_components)."""
        everything = [(slice(0, len(values)), values)]
        shape = (len(values), model.settings.network.n_components)
        codes = np.empty(shape, dtype=np.float32)
        return model.inference().encode(everything, codes)

    def cells(self, model, values):
        """What simple teachers read beside codes: (n_rows, n_expanded).

        Standardised, whatever the scaling; 0 where missing.
        """
        layout = model.layout
        stds = layout.stds[layout.column_of_expanded]
        cells = (layout.expand(values) - layout.means) / stds
        return np.nan_to_num(cells, copy=False, nan=0.0)

    def on_device(self, values, device):
        """Values to train on or to predict from."""
        return torch.from_numpy(values.astype(np.float32, copy=False)).to(device)

    def dataset(self, values, targets, weight, visits):
        """Rows on a device, their targets, and positions to visit in an epoch."""
        order = torch.from_numpy(visits).to(values.device)
        return LabelledDataset(values, targets, weight, order)


def rows_of(model):
    """What fine-tuning does with the rows of a FittedModel."""
    return SequenceRows() if model.settings.rows.has_steps else TableRows()
