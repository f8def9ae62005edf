"""Batches cut from one tensor: shuffled ones to train on, fixed ones to infer on.

A DataLoader fetches row by row and collates; slicing a tensor does the same work
in one call.
"""

from typing import NamedTuple

import torch
from torch.utils.data import Dataset


class Batch(NamedTuple):
    """Rows to train on."""

    values: torch.Tensor  # (n_rows, n_columns), NaN where missing
    weight: torch.Tensor | None  # (n_rows,)


class HeldBatch(NamedTuple):
    """Rows to train on, of which each of several processes holds some.

    Those of others are zeros, of weight 0.
    """

    values: torch.Tensor  # (n_rows, n_columns), NaN where missing
    weight: torch.Tensor  # (n_rows,)
    own: torch.Tensor  # (n_rows,) bool, those that this process holds


class TableDataset(Dataset):
    """Encoded rows and their weights, on the device where they are trained.

    Parameters
    ----------
    values : (n_rows, n_columns) float32 tensor
        NaN where missing.
    weight : (n_rows,) float32 tensor or None
    """

    def __init__(self, values, weight=None):
        self.values = values
        self.weight = weight
        # One NaN makes the sum NaN, and a sum needs no second array.
        self.has_missing = bool(torch.isnan(values.sum()))

    def __len__(self):
        return len(self.values)

    def __getitem__(self, rows):
        weight = None if self.weight is None else self.weight[rows]
        return Batch(self.values[rows], weight)

    def n_batches(self, batch_size):
        """Batches in an epoch."""
        return count_batches(len(self), batch_size)

    def batches(self, batch_size, generator):
        """Batches of one epoch, in random order."""
        return ShuffledBatches(self, batch_size, generator)


class ShuffledBatches:
    """Iterate once over a dataset in random order, in batches of equal size.

    The rows are split evenly: no batch is larger than ``batch_size`` and no two
    sizes differ by more than one, so a stray last row never makes a batch alone.
    """

    def __init__(self, dataset, batch_size, generator):
        self.dataset = dataset
        self.generator = generator
        self.n_batches = count_batches(len(dataset), batch_size)

    def __len__(self):
        return self.n_batches

    def __iter__(self):
        n_rows = len(self.dataset)
        order = torch.randperm(n_rows, generator=self.generator, device="cpu")
        order = order.to(self.dataset.values.device)
        for rows in order.tensor_split(self.n_batches):
            yield self.dataset[rows]


def count_batches(n_rows, batch_size):
    """Batches in an epoch."""
    return -(-n_rows // batch_size)


def fixed_batches(values, size):
    """Yield (start, n_rows, batch) with every batch padded to ``size`` rows.

    A matrix product of another height may take another kernel and differ in the
    last bits. With one height for all, a row's result does not depend on the rows
    that stand beside it.

    Parameters
    ----------
    values : (n_rows, n_columns) tensor
    size : int
    """
    for start in range(0, len(values), size):
        batch = values[start : start + size]
        n_rows = len(batch)
        if n_rows < size:
            padding = batch[-1:].expand(size - n_rows, -1)
            batch = torch.cat([batch, padding])
        yield start, n_rows, batch
