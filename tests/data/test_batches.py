"""Batches to train on and batches to infer on."""

import pytest
import torch

from skmae._random import torch_generator
from skmae.data.batches import ShuffledBatches, TableDataset, fixed_batches


@pytest.mark.parametrize(("n_rows", "size"), [(10, 3), (129, 128), (7, 7), (1, 4)])
def test_an_epoch_sees_each_row_once_in_even_batches(n_rows, size):
    dataset = TableDataset(torch.arange(n_rows, dtype=torch.float32)[:, None])
    batches = ShuffledBatches(dataset, size, torch_generator(0))
    sizes, seen = [], []
    for values, weight in batches:
        sizes.append(len(values))
        seen += values[:, 0].tolist()
        assert weight is None
    assert sorted(seen) == list(range(n_rows))
    assert max(sizes) <= size
    assert max(sizes) - min(sizes) <= 1
    assert len(batches) == len(sizes)


def test_weights_stay_with_their_rows():
    values = torch.arange(20, dtype=torch.float32)
    dataset = TableDataset(values[:, None], 10 * values)
    for rows, weight in ShuffledBatches(dataset, 6, torch_generator(1)):
        assert torch.equal(10 * rows[:, 0], weight)


def test_two_epochs_differ_and_a_seed_repeats_them():
    dataset = TableDataset(torch.arange(50, dtype=torch.float32)[:, None])

    def epochs(seed):
        batches = ShuffledBatches(dataset, 50, torch_generator(seed))
        return [next(iter(batches)).values for _ in range(2)]

    first, again = epochs(0), epochs(0)
    assert not torch.equal(first[0], first[1])
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])


def test_missing_values_are_noticed():
    values = torch.zeros((5, 3))
    assert not TableDataset(values).has_missing
    values[4, 2] = torch.nan
    assert TableDataset(values).has_missing


def test_fixed_batches_have_one_shape():
    values = torch.arange(22, dtype=torch.float32).reshape(11, 2)
    parts = []
    for start, n_rows, batch in fixed_batches(values, 4):
        assert batch.shape == (4, 2)
        assert start == 4 * len(parts)
        parts.append(batch[:n_rows])
    assert torch.equal(torch.cat(parts), values)
