"""What a role varies on the road that all of them take; see fit.py."""

import math

import numpy as np
import torch

from skmae.data.batches import TableDataset
from skmae.data.encoded_rows import EncodedRows
from skmae.data.grid import RowShape
from skmae.data.pooled_batches import PooledDataset
from skmae.training.encoding import encode_table
from skmae.training.net import MaskedNet
from skmae.training.parameters import is_auto

# Of large tables "auto" takes fewer epochs: so many rows, seen once or several times,
# are as many steps as a table of a million gets.
_ENOUGH_ROWS = 10_000_000


class Task:
    """A role's part in a fit; here, what most of them do.

    Parameters
    ----------
    params : estimator
        Whose parameters say what to do. Nothing is written to it.
    """

    net_class = MaskedNet
    # Quantile bins of numbers to record for piecewise-linear embeddings.
    n_bins: int | None = None
    # Whether fit warns of columns without a value.
    warns_of_empty = True

    def __init__(self, params):
        self.params = params

    @property
    def scaling(self):
        """How numbers are scaled."""
        return self.params.scaling

    def row_shape(self):
        """Shape of rows and size of patches."""
        return RowShape()

    def encode(self, X, seeds):
        """Learn how rows are encoded, and encode these: (codec, values)."""
        return encode_table(self, X, seeds)

    def check_encoded(self, codec, values):
        """Refuse values that the network could not learn."""

    def rows_to_train(self, values, weight, seeds):
        """Encoded rows that training may draw from, and their weights."""
        return values, weight

    def split(self, values, weight, seeds):
        """Set rows aside for validation: (train, held_out or None, train weight)."""
        return values, None, weight

    def settings(self, train, weight, codec, seeds):
        """Check parameters and replace every "auto": Settings.

        Parameters
        ----------
        train : (n_rows, n_columns) float32 array or EncodedRows
            Rows to train on.
        weight : (n_rows,) array or None
            Of these rows.
        codec : TableCodec
        seeds : dict of str to int
        """
        raise NotImplementedError

    def dataset(self, train, weight, settings, layout, seeds, device):
        """What batches are drawn from."""
        if weight is not None:
            weight = as_weight(weight)
        if isinstance(train, EncodedRows):
            return PooledDataset(train, weight, device)
        weight = None if weight is None else weight.to(device)
        return TableDataset(torch.from_numpy(train).to(device), weight)

    def net_params(self, sampler):
        """Parameters of the net that only this role has."""
        return {}

    def start(self, model, dataset):
        """Set weights that training begins with, or that it does not learn."""

    def finish(self, model, train):
        """Learn what is left to learn of the trained network."""

    def least_training(self):
        """Steps and epochs that max_epochs="auto" trains for at least."""
        raise NotImplementedError

    def n_epochs(self, n_rows, n_batches):
        """Epochs to train for; "auto" gives few rows many epochs."""
        if not is_auto(self.params.max_epochs):
            return int(self.params.max_epochs)
        n_steps, n_epochs = self.least_training()
        n_epochs = min(n_epochs, math.ceil(_ENOUGH_ROWS / n_rows))
        return max(n_epochs, math.ceil(n_steps / n_batches))

    @property
    def holds_out(self):
        """Whether a loss on held-out rows is recorded in every epoch."""
        return False

    @property
    def scheduled(self):
        """Whether the learning rate is set in every step."""
        return self.params.lr_schedule == "cosine"

    @property
    def keeps_checkpoints(self):
        """Whether the state of training is written to a file."""
        return self.params.checkpoint is not None

    @property
    def callbacks(self):
        """Skorch callbacks of the user."""
        return self.params.callbacks

    @property
    def label(self):
        """What is being trained, for whoever reads its progress."""
        return type(self.params).__name__

    def judges(self, model, dataset, held_out):
        """Callbacks that watch over the training."""
        return []

    def scoring_masks(self, model):
        """Masks under which rows are scored, or None."""
        return None


def as_weight(weight):
    """Weights as a tensor of mean 1."""
    return torch.from_numpy((weight / weight.mean()).astype(np.float32))
