"""Batches of sequences for members that each leave out some rows."""

import numpy as np
import torch

from skmae._random import torch_generator
from skmae.data.member_folds import draw_folds
from skmae.data.sequence_batches import MemberSequences
from skmae.data.sequences import Sequences


def dataset(n_rows=90, n_members=3):
    """Rows whose cells are their own numbers."""
    lengths = np.random.default_rng(0).integers(1, 50, size=n_rows)
    cells = np.repeat(np.arange(n_rows), lengths).astype(np.float32)[:, None]
    folds = draw_folds(n_rows, n_members, seed=0)
    rows = Sequences(cells, lengths)
    return MemberSequences(rows, None, torch.device("cpu"), folds, n_members), folds


def drawn(data, seed=0):
    """Rows of each batch: (n_batches, n_members, n_rows), and the batches."""
    batches = list(data.batches(8, torch_generator(seed)))
    rows = torch.stack([batch.values[:, 0, 0] for batch in batches]).int()
    return rows.unflatten(1, (3, -1)).numpy(), batches


def test_members_go_over_the_rows_of_other_folds():
    data, folds = dataset()
    rows, batches = drawn(data)
    assert len(batches) == data.n_batches(8) == 8  # 60 rows of a member
    for member in range(3):
        others = np.flatnonzero(folds.numpy() != member)
        assert set(rows[:, member].ravel()) == set(others)


def test_rows_of_a_batch_are_of_like_lengths():
    data, _ = dataset(n_rows=400)
    rows, _ = drawn(data)
    lengths = data.sequences.lengths[rows]
    assert np.ptp(lengths, axis=(1, 2)).mean() < 15


def test_epochs_differ_and_can_be_repeated():
    data, _ = dataset()
    first, again, other = (drawn(data, seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
