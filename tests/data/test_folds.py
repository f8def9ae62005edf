"""Rows dealt to members that each leave out a fold."""

import numpy as np
import pytest
import torch

from skmae._random import torch_generator
from skmae.data.folds import MemberDataset, deal_folds, fold_of_member


@pytest.mark.parametrize("n_rows", [2, 3, 10, 101])
def test_folds_are_of_equal_size(n_rows):
    counts = np.bincount(deal_folds(n_rows, 4, seed=0))
    assert counts.sum() == n_rows
    assert counts.max() - counts.min() <= 1
    assert len(counts) == min(4, n_rows)


def batches(n_rows, batch_size, n_members=4):
    values = torch.arange(n_rows, dtype=torch.float32)[:, None]
    folds = deal_folds(n_rows, n_members, seed=0)
    dataset = MemberDataset(values, folds, n_members, least_batches=1)
    epoch = list(dataset.batches(batch_size, torch_generator(0)))
    assert len(epoch) == dataset.n_batches(batch_size)
    seen = torch.cat([b.values.view(n_members, -1) for b in epoch], dim=1).long()
    return folds, seen


@pytest.mark.parametrize("n_rows", [2, 3, 10, 101])
def test_members_see_all_rows_but_their_fold(n_rows):
    folds, seen = batches(n_rows, batch_size=16)
    for member, rows in enumerate(seen):
        expected = torch.nonzero(folds != fold_of_member(member, folds)).ravel()
        assert torch.equal(rows.unique(), expected)


def test_batches_hold_as_many_rows_of_each_member():
    _, seen = batches(100, batch_size=16)
    assert seen.shape == (4, 5 * 16)
