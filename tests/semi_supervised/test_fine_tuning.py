"""Datasets and steps of fine-tuning."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from skmae._random import torch_generator
from skmae.semi_supervised.base import _visits
from skmae.semi_supervised.fine_tuning import LabelledDataset
from skmae.semi_supervised.heads import ClassLoss, ValueLoss


@pytest.mark.parametrize(
    ("n_labelled", "n_rows", "share"),
    [(10, 1000, 0.25), (100, 150, 100 / 150), (50, 50, 1.0), (1, 40, 0.25)],
)
def test_labelled_rows_get_their_share_of_visits(n_labelled, n_rows, share):
    visits = _visits(n_labelled, n_rows)
    assert set(visits) == set(range(n_rows))
    assert (visits < n_labelled).mean() == pytest.approx(share, abs=0.02)
    times = np.bincount(visits)
    assert len(set(times[:n_labelled])) == 1
    assert (times[n_labelled:] == 1).all()


def test_an_epoch_makes_every_visit_once():
    values = torch.arange(6.0)[:, None]
    dataset = LabelledDataset(
        values, 10 * values, torch.ones(6), torch.tensor([0, 0, 0, 1, 2, 3, 4, 5])
    )
    batches = list(dataset.batches(3, torch_generator(0)))
    assert len(batches) == dataset.n_batches(3) == 3
    seen = torch.cat([batch.values for batch in batches]).flatten()
    assert sorted(seen.tolist()) == [0, 0, 0, 1, 2, 3, 4, 5]
    for batch in batches:
        assert torch.equal(batch.targets, 10 * batch.values)


def test_losses_are_weighted_means():
    generator = torch_generator(0)
    outputs = torch.randn(4, 3, generator=generator)
    targets = torch.rand(4, 3, generator=generator).softmax(dim=1)
    weight = torch.tensor([1.0, 2.0, 0.0, 3.0])
    entropy = -(targets * F.log_softmax(outputs, dim=1)).sum(dim=1)
    expected = (weight * entropy).sum() / 6
    torch.testing.assert_close(ClassLoss()(outputs, targets, weight), expected)
    squares = (outputs - targets).square().mean(dim=1)
    expected = (weight * squares).sum() / 6
    torch.testing.assert_close(ValueLoss()(outputs, targets, weight), expected)
    assert ClassLoss()(outputs, targets, torch.zeros(4)) == 0
