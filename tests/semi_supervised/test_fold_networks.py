"""Networks of all folds, trained at once."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skmae import MaskedAutoencoderClassifier, MaskedAutoencoderRegressor
from skmae._random import torch_generator
from skmae.semi_supervised.fold_networks import FoldsDataset
from tests.conftest import with_encoder

SMALL = {
    "n_components": 16,
    "hidden_layer_sizes": (32,),
    "max_epochs": 3,
    "fine_tune_epochs": 10,
    "device": "cpu",
    "precision": "float32",
    "random_state": 0,
}


def make_dataset():
    values = torch.arange(7.0)[:, None]
    targets = torch.stack([10 * values[:, 0], torch.full((7,), torch.nan)], dim=1)
    targets[:3, 1] = 1.0
    weight = torch.tensor([1.0, 2, 3, 1, 1, 1, 1])
    folds = [np.array([0, 1, 2, 3]), np.array([3, 4, 5, 6]), np.array([1, 6])]
    return FoldsDataset(values, targets, weight, folds), folds


def test_each_member_visits_its_own_rows_once_in_an_epoch():
    dataset, folds = make_dataset()
    assert len(dataset) == 4
    for size, n_batches in [(4, 1), (2, 2)]:
        visited = [[] for _ in folds]
        batches = list(dataset.batches(size, torch_generator(0)))
        assert len(batches) == dataset.n_batches(size) == n_batches
        for batch in batches:
            rows = batch.values[:, 0].int().unflatten(0, (3, size))
            assert_array_equal(batch.targets[:, 0], 10 * batch.values[:, 0])
            counted = batch.weight.unflatten(0, (3, size)) > 0
            for member in range(3):
                visited[member] += rows[member, counted[member]].tolist()
        assert [sorted(rows) for rows in visited] == [rows.tolist() for rows in folds]


def test_members_weigh_the_same_and_their_rows_as_they_should():
    dataset, _ = make_dataset()
    (batch,) = dataset.batches(4, torch_generator(0))
    known = (~torch.isnan(batch.targets)).float().mean(dim=1)
    total = (batch.weight * known).unflatten(0, (3, 4)).sum(dim=1)
    assert_allclose(total, 1.0, rtol=1e-6)
    first = dict(zip(batch.values[:4, 0].tolist(), batch.weight[:4], strict=True))
    assert_allclose(first[2.0] / first[0.0], 3.0, rtol=1e-6)


@pytest.mark.parametrize(
    "params", [{}, {"freeze_encoder": True}, {"reconstruction_weight": 0.5}]
)
@pytest.mark.parametrize(
    "kind", [MaskedAutoencoderClassifier, MaskedAutoencoderRegressor]
)
def test_a_network_does_not_know_the_targets_of_its_fold(wine, kind, params):
    """Other targets of some rows change nothing of a network that left them out."""
    X, y = wine[:100], (wine[:100, 0] - wine[:100, 0].mean())[:, None]
    if kind is MaskedAutoencoderClassifier:
        y = np.eye(2)[(y[:, 0] > 0).astype(int)]
    estimator = with_encoder(kind, **SMALL, **params)
    estimator.fit(X, y.argmax(axis=1) if y.shape[1] == 2 else y[:, 0])
    learned = estimator._as_seen(estimator.encoder_.model_.encode(X))
    left_out = [np.arange(50), np.arange(50, 100)]
    folds = left_out[::-1]
    others = y.copy()
    others[:50] = np.roll(y[:50], 7, axis=0)
    before, after = (
        estimator._outputs_by_folds(learned, wanted, np.ones(100), folds, left_out, 0.0)
        for wanted in (y, others)
    )
    assert_array_equal(before[0], after[0])
    assert np.abs(before[1] - after[1]).max() > 1e-3


def test_trained_at_once_they_are_what_they_are_one_after_the_other(wine, monkeypatch):
    """Where an epoch is a single batch, so that no order of rows makes a difference."""
    rows = np.random.default_rng(0).permutation(178)[:121]
    X, y = wine[rows], np.repeat([0, 1, 2], [59, 71, 48])[rows]
    clf = with_encoder(MaskedAutoencoderClassifier, **SMALL).fit(X, y)
    learned = clf._as_seen(clf.encoder_.model_.encode(X))
    left_out = np.array_split(np.arange(121), 5)
    folds = [np.setdiff1d(np.arange(121), rows) for rows in left_out]
    args = learned, np.eye(3)[y], np.ones(121), folds, left_out, 0.0
    at_once = np.concatenate(clf._outputs_by_folds(*args))
    module = type(clf.encoder_.model_.module)
    monkeypatch.setattr(module, "side_by_side", lambda self, n_members: None)
    alone = np.concatenate(clf._outputs_by_folds(*args))
    assert_allclose(at_once, alone, atol=1e-3)


@pytest.mark.parametrize("params", [{"batch_norm": True}, {"mask_value": "learned"}])
def test_networks_that_would_share_something_are_trained_apart(wine, params):
    clf = with_encoder(MaskedAutoencoderClassifier, **SMALL, **params)
    clf.fit(wine[:80], np.arange(80) % 2)
    assert clf.encoder_.model_.module.side_by_side(2) is None
    assert clf.temperature_ != 1
