"""Losses against plain-numpy references."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from skmae.data.codec import Layout
from skmae.networks.losses import MaskedLoss

CELL_LOSSES = {
    "squared_error": lambda e: e**2,
    "absolute_error": abs,
    "huber": lambda e: 0.5 * e**2 if abs(e) < 1 else abs(e) - 0.5,
}


def loss_by_hand(predicted, values, hidden, layout, loss, visible_weight, row_weight):
    """Reference: cell by cell."""
    total = weight_sum = 0.0
    slices = dict(layout.category_slices())
    for i, j in np.ndindex(values.shape):
        if np.isnan(values[i, j]):
            continue
        weight = (1.0 if hidden[i, j] else visible_weight) * row_weight[i]
        if j in slices:
            logits = predicted[i, slices[j]]
            log_sum = np.log(np.exp(logits).sum())
            cell = log_sum - logits[int(values[i, j])]
        else:
            position = layout.numeric.index(j)
            cell = CELL_LOSSES[loss](predicted[i, position] - values[i, j])
        total += weight * cell
        weight_sum += weight
    return total / weight_sum


def make_layout(mixed):
    if not mixed:
        return Layout(
            (0, 1, 2, 3), (), (), np.zeros(4, np.float32), np.ones(4, np.float32)
        )
    means = np.array([0.0, 0.0, 0.2, 0.8, 0.5, 0.25, 0.25], dtype=np.float32)
    stds = np.array([1.0, 0.5, 2.0, 0.75], dtype=np.float32)
    return Layout((0, 2), (1, 3), (2, 3), means, stds)


def make_batch(layout, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(30, 4)).astype(np.float32)
    for column, size in zip(layout.categorical, layout.cardinalities, strict=True):
        values[:, column] = rng.integers(0, size, 30)
    predicted = rng.normal(size=(30, layout.n_expanded)).astype(np.float32)
    return predicted, values, rng.random((30, 4)) < 0.5, rng.random(30) < 0.3


@pytest.mark.parametrize("mixed", [False, True], ids=["numbers", "mixed"])
@pytest.mark.parametrize("loss", CELL_LOSSES)
@pytest.mark.parametrize("visible_weight", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("with_missing", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_loss_matches_reference(mixed, loss, visible_weight, with_missing, weighted):
    layout = make_layout(mixed)
    predicted, values, hidden, gaps = make_batch(layout)
    observed = None
    if with_missing:
        values[gaps, 1] = values[gaps, 2] = np.nan
        observed = torch.from_numpy(~np.isnan(values))
        hidden &= observed.numpy()
    row_weight = np.linspace(0.5, 2, 30) if weighted else np.ones(30)
    ours = MaskedLoss(layout, loss, visible_weight)(
        torch.from_numpy(predicted),
        torch.from_numpy(values),
        torch.from_numpy(hidden),
        observed,
        torch.from_numpy(row_weight.astype(np.float32)) if weighted else None,
    )
    expected = loss_by_hand(
        predicted, values, hidden, layout, loss, visible_weight, row_weight
    )
    assert_allclose(ours.item(), expected, rtol=1e-5)


def test_missing_targets_give_finite_gradients():
    layout = make_layout(mixed=True)
    predicted, values, hidden, gaps = make_batch(layout)
    values[gaps] = np.nan
    observed = torch.from_numpy(~np.isnan(values))
    predicted = torch.from_numpy(predicted).requires_grad_()
    loss = MaskedLoss(layout, "squared_error", 0.5)(
        predicted,
        torch.from_numpy(values),
        torch.from_numpy(hidden) & observed,
        observed,
    )
    loss.backward()
    assert torch.isfinite(predicted.grad).all()
    assert (predicted.grad[torch.from_numpy(gaps)] == 0).all()
