"""Batches of rows of like lengths, so that short rows do not pay for long ones."""

import numpy as np
import torch
from torch.utils.data import Dataset

from skmae.data.batches import Batch, count_batches
from skmae.data.member_folds import endless, pools_of_members

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


class MemberSequences(SequenceDataset):
    """Rows for an ensemble, each member of which leaves out one fold.

    As :class:`~skmae.data.member_folds.MemberDataset` has them: a batch holds as many
    rows for each member, one member's after the other's, all of like lengths.

    Parameters
    ----------
    sequences, weight, device :
        See :class:`SequenceDataset`.
    folds : (n_rows,) int tensor
    n_members : int
    """

    def __init__(self, sequences, weight, device, folds, n_members):
        super().__init__(sequences, weight, device)
        self.pools = pools_of_members(n_members, folds)

    def n_batches(self, batch_size):
        """Batches in an epoch: each member goes over its rows at least once."""
        return count_batches(self._largest, batch_size)

    def batches(self, batch_size, generator):
        """Batches of one epoch, in random order."""
        return MemberBuckets(self, min(batch_size, self._largest), generator)

    @property
    def _largest(self):
        return max(len(pool) for pool in self.pools)


class MemberBuckets(LengthBuckets):
    """Iterate once over a :class:`MemberSequences`, as :class:`LengthBuckets` does."""

    def __init__(self, dataset, n_rows, generator):
        self.dataset = dataset
        self.generator = generator
        self.n_rows = n_rows  # of a batch and member
        self.n_batches = dataset.n_batches(n_rows)

    def __iter__(self):
        of_members = np.stack([self._sorted(pool) for pool in self.dataset.pools], 1)
        for i in self._permutation(self.n_batches):
            yield self.dataset[of_members[i].ravel()]

    def _sorted(self, pool):
        """Rows of a member, of like lengths in a batch: (n_batches, n_rows)."""
        lengths = self.dataset.sequences.lengths
        order = endless(pool, self.n_batches * self.n_rows, self.generator).numpy()
        batches = order.reshape(self.n_batches, self.n_rows)
        for start in range(0, self.n_batches, _SORTED_TOGETHER):
            part = batches[start : start + _SORTED_TOGETHER]
            rows = part.ravel()
            part[:] = rows[np.argsort(lengths[rows], kind="stable")].reshape(part.shape)
        return batches
