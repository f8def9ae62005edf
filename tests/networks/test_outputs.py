"""What predictions say, against plain-numpy references."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skmae._random import torch_generator
from skmae.networks.bins import Bins, make_bins
from skmae.networks.losses import CELL_LOSSES
from skmae.networks.outputs import Category, Numbers, Outputs

from .test_losses import make_batch, make_layout


def test_outputs_follow_each_other():
    outputs = Outputs(make_layout(mixed=True))
    parts = [outputs.numbers.part, *(c.part for c in outputs.categories)]
    places = [place for part in parts for place in range(part.start, part.stop)]
    assert places == list(range(outputs.n_out)) == list(range(7))
    assert [category.column for category in outputs.categories] == [1, 3]
    assert outputs.numbers.columns.tolist() == [0, 2]


def test_numbers_are_points():
    numbers, absolute = Numbers(make_layout(mixed=True)), CELL_LOSSES["absolute_error"]
    values = torch.tensor([[1.0, 0.0, 3.0, 1.0]])
    out = torch.tensor([[2.0, 5.0]])
    assert numbers.loss(out, values, absolute).tolist() == [[1.0, 2.0]]
    unit = torch.tensor([[2.0, 4.0]])
    assert numbers.loss(out, values, absolute, unit).tolist() == [[0.5, 0.5]]
    assert torch.equal(numbers.mean(out), out)
    assert_array_equal(
        numbers.sample(np.ones((1, 2)), np.array([[0.5, -1]])), [[1.5, 0]]
    )


def test_probabilities_of_a_category_sum_to_one():
    category = Category(1, slice(2, 5))
    logits = torch.randn(4, 3, generator=torch_generator(0))
    log_prob = torch.stack(
        [category.log_prob(logits, torch.full((4, 2), float(k))) for k in range(3)], 1
    )
    assert_allclose(log_prob.exp().sum(dim=1), 1, rtol=1e-6)
    assert_allclose(log_prob.exp(), category.mean(logits), rtol=1e-6)
    values = torch.ones(4, 2)
    assert torch.equal(category.loss(logits, values), -log_prob[:, 1])


def test_categories_are_drawn_as_often_as_they_are_probable():
    mean = np.tile([[0.2, 0.0, 0.7, 0.1]], (20_000, 1))
    drawn = Category(0, slice(0, 4)).sample(mean, np.random.default_rng(0))
    assert_allclose(np.bincount(drawn, minlength=4) / 20_000, mean[0], atol=0.01)


def test_bins_are_drawn_as_often_as_they_are_probable():
    bounds, centers = make_bins(np.array([[0.0, 1.0], [2.0, 1.0], [5.0, 3.0]]), 3)
    bins = Bins(bounds, centers)
    logits = torch.randn(1, 6, generator=torch_generator(0)).expand(20_000, -1)
    drawn = bins.sample(logits, torch_generator(1))
    shares = bins.log_probabilities(logits[:1])[0].exp()
    for column, values in enumerate(([0.0, 2.0, 5.0], [1.0, 3.0])):
        found = [(drawn[:, column] == value).float().mean() for value in values]
        assert_allclose(found, shares[column, : len(values)], atol=0.01)
    assert_allclose(drawn.mean(dim=0), bins.mean(logits[:1])[0], atol=0.05)
    values = torch.tensor([[2.1, 0.0]])
    log_prob = bins.log_prob(logits[:1], values)
    assert_allclose(log_prob.exp(), [[shares[0, 1], shares[1, 0]]], rtol=1e-6)
    assert torch.equal(bins.loss(logits[:1], values), -log_prob)


def test_likeliest_cells_and_drawn_ones():
    outputs = Outputs(make_layout(mixed=True))
    means = np.array([[1.5, -2.0, 0.9, 0.1, 0.2, 0.5, 0.3]], dtype=np.float32)
    assert_array_equal(outputs.likeliest(means), np.float32([[1.5, 0, -2, 1]]))
    many = np.tile(means, (5000, 1))
    cells = outputs.sample(many, many[:, :2] + 1, np.random.default_rng(0))
    assert_allclose(cells[:, [0, 2]], many[:, :2] + 1)
    assert_allclose(np.mean(cells[:, 1] == 0), 0.9, atol=0.02)
    assert_allclose(np.mean(cells[:, 3] == 1), 0.5, atol=0.02)


def test_only_numbers_are_activated():
    outputs = Outputs(make_layout(mixed=True))
    predicted = torch.full((1, 7), 3.0)
    activated = outputs.activated(predicted, torch.nn.Tanh())
    assert_allclose(activated, [[np.tanh(3)] * 2 + [3] * 5], rtol=1e-6)
    assert outputs.activated(predicted, torch.nn.Identity()) is predicted


@pytest.mark.parametrize("mixed", [False, True], ids=["numbers", "mixed"])
def test_standardised_errors_of_the_mean_average_one(mixed):
    layout = make_layout(mixed)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(20000, 4)) * layout.stds
    frequencies = {1: [0.2, 0.8], 3: [0.5, 0.25, 0.25]}
    if mixed:
        for column, share in frequencies.items():
            values[:, column] = rng.choice(len(share), size=20000, p=share)
        # 1 - sum of squared frequencies, as the codec computes it
        layout.stds[1], layout.stds[3] = np.sqrt(0.32), np.sqrt(0.625)
    outputs = Outputs(layout)
    mean = outputs.training_means.expand(20000, -1)
    errors = outputs.errors(mean, torch.from_numpy(values).float())
    assert_allclose(errors.mean(dim=0), 1, atol=0.05)


def test_standardised_errors_match_reference():
    layout = make_layout(mixed=True)
    predicted, values, _, gaps = make_batch(layout)
    values[gaps] = np.nan
    outputs = Outputs(layout)
    shares = outputs.means(torch.from_numpy(predicted))
    errors = outputs.errors(shares, torch.from_numpy(values)).numpy()
    shares = shares.numpy()
    for i, j in np.ndindex(values.shape):
        if np.isnan(values[i, j]):
            assert np.isnan(errors[i, j])
            continue
        if j in layout.categorical:
            part = dict(layout.category_slices())[j]
            assert_allclose(shares[i, part].sum(), 1, rtol=1e-5)
            target = np.eye(part.stop - part.start)[int(values[i, j])]
            expected = ((shares[i, part] - target) ** 2).sum()
        else:
            position = layout.numeric.index(j)
            expected = (predicted[i, position] - values[i, j]) ** 2
        assert_allclose(errors[i, j], expected / layout.stds[j] ** 2, rtol=1e-4)
