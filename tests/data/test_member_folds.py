"""Folds of rows, and batches for members that leave one out."""

import torch

from skmae._random import torch_generator
from skmae.data.member_folds import MemberDataset, draw_folds, fold_of_member


def test_rows_bring_their_weights():
    values = torch.arange(20.0)[:, None].repeat(1, 2)
    dataset = MemberDataset(
        values, draw_folds(20, 3, seed=0), 3, 1, weight=10 * values[:, 0]
    )
    for batch in dataset.batches(4, torch.Generator().manual_seed(0)):
        assert torch.equal(batch.weight, 10 * batch.values[:, 0])


def test_folds_are_equal_and_seeded():
    folds = draw_folds(30, 8, seed=0)
    assert set(torch.bincount(folds).tolist()) == {3, 4}
    assert torch.equal(folds, draw_folds(30, 8, seed=0))
    assert not torch.equal(folds, draw_folds(30, 8, seed=1))
    assert draw_folds(3, 8, seed=0).max() == 2


def test_members_never_see_their_fold():
    n_rows, n_members = 50, 3
    values = torch.arange(n_rows, dtype=torch.float32)[:, None]
    folds = draw_folds(n_rows, 5, seed=0)
    dataset = MemberDataset(values, folds, n_members, least_batches=2)
    batches = dataset.batches(8, torch_generator(0))
    assert len(batches) == dataset.n_batches(8) == 5
    seen = [set() for _ in range(n_members)]
    for batch in batches:
        assert batch.values.shape == (n_members * 8, 1)
        for member, part in enumerate(batch.values.view(n_members, 8)):
            seen[member] |= set(part.int().tolist())
    for member, rows in enumerate(seen):
        allowed = torch.nonzero(folds != fold_of_member(member, folds)).ravel()
        assert rows == set(allowed.tolist())


def test_every_epoch_has_another_order_and_few_rows_go_round():
    values = torch.arange(4, dtype=torch.float32)[:, None]
    dataset = MemberDataset(values, draw_folds(4, 2, seed=0), 2, least_batches=6)
    batches = dataset.batches(32, torch_generator(0))
    first, second = (torch.cat([b.values for b in batches]) for _ in range(2))
    assert first.shape == (6 * 2 * 2, 1)
    assert not torch.equal(first, second)


def test_a_single_row_is_not_left_out():
    dataset = MemberDataset(torch.zeros(1, 2), draw_folds(1, 8, seed=0), 2, 1)
    (batch,) = dataset.batches(8, torch_generator(0))
    assert batch.values.shape == (2, 2)
