"""Batches of rows of like lengths, so that short rows do not pay for long ones."""

import numpy as np
import torch
from torch.utils.data import Dataset

from skmae.data.batches import Batch, count_batches

# Batches whose rows are sorted by length together: enough for little padding, few
# enough for a batch to differ from epoch to epoch.
_SORTED_TOGETHER = 32


class SequenceDataset(Dataset):
    """Encoded rows of unlike lengths, and their weights.

    Parameters
    ----------
    sequences : Sequences
    weight : (n_rows,) float32 tensor or None
    device : torch.device
        Where batches go.
    """

    # Rows end at different steps: a batch is never full.
    has_missing = True

    def __init__(self, sequences, weight, device):
        self.sequences = sequences
        self.weight = weight
        self.device = device

    def __len__(self):
        return len(self.sequences)

    @property
    def lengths(self):
        """Steps of what comes up in an epoch: (n_visits,) int array."""
        return self.sequences.lengths

    def __getitem__(self, rows):
        """Some rows, padded to the longest of them."""
        length = int(self.sequences.lengths[rows].max())
        values = torch.from_numpy(self.sequences.padded(rows, length))
        weight = None if self.weight is None else self.weight[rows].to(self.device)
        return Batch(values.to(self.device), weight)

    def n_batches(self, batch_size):
        """Batches in an epoch."""
        return count_batches(len(self), batch_size)

    def batches(self, batch_size, generator):
        """Batches of one epoch, in random order."""
        return LengthBuckets(self, batch_size, generator)


class LengthBuckets:
    """Iterate once over a dataset, in batches of rows of like lengths.

    Rows are shuffled, sorted by length within every few batches, and cut evenly; the
    batches come in random order.
    """

    def __init__(self, dataset, batch_size, generator):
        self.dataset = dataset
        self.generator = generator
        self.n_batches = count_batches(len(dataset), batch_size)

    def __len__(self):
        return self.n_batches

    def __iter__(self):
        n_rows, lengths = len(self.dataset), self.dataset.lengths
        order = self._permutation(n_rows)
        n_sorts = count_batches(self.n_batches, _SORTED_TOGETHER)
        for part in np.array_split(np.arange(n_rows), n_sorts):
            rows = order[part]
            order[part] = rows[np.argsort(lengths[rows], kind="stable")]
        batches = np.array_split(order, self.n_batches)
        for i in self._permutation(len(batches)):
            yield self.dataset[batches[i]]

    def _permutation(self, n):
        return torch.randperm(n, generator=self.generator, device="cpu").numpy()
