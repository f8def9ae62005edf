"""Batches of rows not in memory: each row once, from many places, by the seed."""

import numpy as np
import pytest
import torch

from skmae._random import torch_generator
from skmae.data import pooled_batches
from skmae.data.batches import ShuffledBatches, TableDataset
from skmae.data.pooled_batches import PooledDataset, PooledMemberDataset

CPU = torch.device("cpu")


class Rows:
    """Encoded rows, each of which holds its own position; a process reads some."""

    def __init__(self, n_rows, own=None):
        self.own = slice(0, n_rows) if own is None else own
        self.values = np.arange(n_rows, dtype=np.float32)[:, None].repeat(2, axis=1)
        self.shape = self.values.shape
        self.incomplete = np.zeros(n_rows, dtype=bool)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, rows):
        return self.values[rows]

    def read_own(self, rows):
        assert self.own.start <= rows.start <= rows.stop <= self.own.stop
        return self.values[rows]


@pytest.fixture(autouse=True)
def small_pools(monkeypatch):
    """Blocks of 8 rows, 5 of which make a pool."""
    monkeypatch.setattr(pooled_batches, "_BLOCK_CELLS", 16)
    monkeypatch.setattr(pooled_batches, "_POOL_CELLS", 80)


@pytest.mark.parametrize(("n_rows", "size"), [(403, 7), (64, 64), (129, 128), (9, 1)])
def test_an_epoch_sees_each_row_once_in_even_batches(n_rows, size):
    rows = Rows(n_rows)
    weight = torch.arange(n_rows, dtype=torch.float32) * 10
    dataset = PooledDataset(rows, weight, CPU)
    batches = dataset.batches(size, torch_generator(0))
    seen, sizes = [], []
    for values, of_rows in batches:
        assert torch.equal(values[:, 0] * 10, of_rows)
        seen += values[:, 0].tolist()
        sizes.append(len(values))
    assert sorted(seen) == list(range(n_rows))
    in_memory = TableDataset(torch.from_numpy(rows.values))
    expected = [
        len(b.values) for b in ShuffledBatches(in_memory, size, torch_generator(0))
    ]
    assert sizes == expected
    assert len(batches) == len(sizes)


def test_batches_mix_rows_from_many_blocks():
    dataset = PooledDataset(Rows(400), None, CPU)
    assert len(dataset) == 400
    batches = [b.values[:, 0] for b in dataset.batches(20, torch_generator(0))]
    blocks_in = [len(torch.unique(batch // 8)) for batch in batches]
    assert min(blocks_in) >= 4
    whole = torch.cat(batches)
    # No more in order than chance has it, and another order in the next epoch.
    assert (
        abs(float(torch.corrcoef(torch.stack([whole, torch.arange(400)]))[0, 1])) < 0.3
    )
    generator = torch_generator(0)
    first, second = (
        torch.cat([b.values[:, 0] for b in dataset.batches(20, generator)])
        for _ in range(2)
    )
    assert torch.equal(first, whole)
    assert not torch.equal(first, second)


@pytest.mark.parametrize(("n_rows", "size"), [(403, 16), (64, 64), (130, 80)])
def test_members_meet_the_rows_that_they_do_not_leave_out(n_rows, size):
    folds = torch.randperm(n_rows, generator=torch_generator(1)) % 3
    dataset = PooledMemberDataset(Rows(n_rows), folds, 4, CPU)
    batches = dataset.batches(size, torch_generator(0))
    of_member = [[] for _ in range(4)]
    n_batches = 0
    for values, weight in batches:
        assert weight is None
        n_batches += 1
        for member, part in enumerate(values[:, 0].view(4, -1)):
            of_member[member] += part.long().tolist()
    assert n_batches == len(batches) == dataset.n_batches(size)
    for member, seen in enumerate(of_member):
        allowed = torch.nonzero(folds != member % 3).ravel().tolist()
        assert set(seen) == set(allowed)
        times = np.bincount(seen)
        assert times.max() <= 2 + size // 16
    assert of_member[0] != of_member[3]


def test_rows_bring_their_weights_to_members():
    weight = torch.arange(90, dtype=torch.float32) * 10
    dataset = PooledMemberDataset(Rows(90), torch.arange(90) % 4, 4, CPU, weight)
    for values, of_rows in dataset.batches(7, torch_generator(0)):
        assert torch.equal(values[:, 0] * 10, of_rows)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("folds", [None, 3])
def test_processes_hold_each_row_of_the_batches_of_one_once(weighted, folds):
    """In the order of one process, with the rows of others as zeros."""
    n_rows = 403
    weight = torch.arange(n_rows, dtype=torch.float32) + 1 if weighted else None

    def batches(own=None):
        rows, generator = Rows(n_rows, own), torch_generator(0)
        if folds is None:
            return list(PooledDataset(rows, weight, CPU).batches(30, generator))
        of_rows = torch.arange(n_rows) % folds
        dataset = PooledMemberDataset(rows, of_rows, folds, CPU, weight)
        return list(dataset.batches(30, generator))

    shares = [batches(slice(*ends)) for ends in [(0, 101), (101, 250), (250, 403)]]
    for whole, *parts in zip(batches(), *shares, strict=True):
        n_owners = sum(part.own.int() for part in parts)
        assert n_owners.tolist() == [1] * len(whole.values)
        assert torch.equal(sum(part.values for part in parts), whole.values)
        expected = torch.ones(len(whole.values)) if weight is None else whole.weight
        assert torch.equal(sum(part.weight for part in parts), expected)
