"""Schedule, net, callbacks, inference and score on their own."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from skorch.callbacks import Callback, EarlyStopping

from skmae.data.codec import TableCodec
from skmae.data.tables import ArrayTable
from skmae.networks.outputs import CellNetwork
from skmae.training.inference import BATCH_ROWS, Inference
from skmae.training.schedule import cosine_factor
from skmae.training.scoring import PANEL_RATIOS, panel_score, scoring_panel

from ..conftest import quick


def test_cosine_warms_up_then_falls_to_zero():
    factors = np.array([cosine_factor(step, 200) for step in range(200)])
    assert_allclose(factors[:10], np.arange(1, 11) / 10)
    assert (np.diff(factors[10:]) < 0).all()
    assert factors.max() == 1
    assert 0 < factors[-1] < 1e-3
    assert_allclose(factors[105], 0.5, atol=0.01)
    assert cosine_factor(0, 1) == 1


class Recorder(Callback):
    """Remember what was seen."""

    def __init__(self):
        self.rates = []

    def on_batch_end(self, net, **kwargs):
        self.rates.append(net.optimizer_.param_groups[0]["lr"])


def recorded_rates(wine, **params):
    mae = quick(callbacks=[Recorder()], max_epochs=10, **params).fit(wine)
    return dict(mae.net_.callbacks_)["Recorder"].rates


def test_learning_rates_of_a_fit(wine):
    n_steps = 10 * 2
    rates = recorded_rates(wine, lr=0.01)
    assert_allclose(rates, [0.01 * cosine_factor(s, n_steps) for s in range(n_steps)])
    assert_allclose(recorded_rates(wine, lr=0.01, lr_schedule="constant"), 0.01)


class RaisingInterrupt(Callback):
    """As though someone pressed Ctrl-C in the middle of an epoch."""

    def on_batch_end(self, net, **kwargs):
        raise KeyboardInterrupt


def test_keyboard_interrupt_passes(wine):
    with pytest.raises(KeyboardInterrupt):
        quick(callbacks=[RaisingInterrupt()]).fit(wine)


def test_skorch_early_stopping_works(wine):
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=10.0)
    mae = quick(callbacks=[stop], max_epochs=50).fit(wine)
    assert mae.n_iter_ < 10
    assert len(mae.loss_curve_) == mae.n_iter_


def test_callbacks_of_the_user_are_not_changed(wine):
    recorder = Recorder()
    quick(callbacks=[recorder]).fit(wine)
    assert recorder.rates == []
    assert vars(recorder) == {"rates": []}


def test_divergence_is_an_error_and_loses_nothing(wine):
    mae = quick().fit(wine)
    before = mae.transform(wine)
    mae.set_params(lr=1e30, lr_schedule="constant", optimizer="sgd")
    with pytest.raises(ValueError, match="Training diverged: the loss is"):
        mae.fit(wine)
    assert_array_equal(mae.transform(wine), before)


def encode(X):
    codec = TableCodec("standard")
    values = codec.fit_encode(ArrayTable(X, np.zeros(X.shape[1], dtype=bool)))
    return codec.layout_, values


class Oracle(CellNetwork):
    """Predicts the column's mean, or the truth that it was told."""

    def __init__(self, layout, truth=None):
        super().__init__(layout)
        self.truth = truth

    def forward(self, values, hidden):
        if self.truth is None:
            return torch.zeros_like(values)
        rows = torch.cat([self.truth, self.truth[-1:].expand(BATCH_ROWS, -1)])
        return rows[: len(values)]


def test_panel_hides_the_ratios_it_names(wine):
    mae = quick().fit(wine)
    panel = mae.model_.panel()
    for masks, ratio in zip(panel, PANEL_RATIOS, strict=True):
        assert abs(masks.float().mean().item() - ratio) < 0.05
        assert masks.sum(dim=0).unique().numel() == 1


def test_score_is_zero_for_the_mean_and_one_for_the_truth(holey_wine):
    layout, values = encode(holey_wine)
    panel = quick().fit(holey_wine).model_.panel()
    cpu = torch.device("cpu")
    mean = Inference(Oracle(layout), layout, cpu)
    assert abs(panel_score(mean, values, panel)) < 1e-5
    truth = Oracle(layout, torch.from_numpy(np.nan_to_num(values)))
    assert panel_score(Inference(truth, layout, cpu), values, panel) == 1


def test_score_matches_reference(holey_wine):
    """R^2 spelled out: each mask, each cell, both sums."""
    mae = quick().fit(holey_wine)
    values = mae.model_.codec.encode(ArrayTable(holey_wine, np.zeros(13, dtype=bool)))
    expected = []
    for masks in scoring_panel(mae.net_.sampler):
        residual = total = 0.0
        for mask in masks.numpy():
            hidden = np.broadcast_to(mask, values.shape)
            predicted = mae.model_.inference().predict(values, hidden).astype(float)
            cells = hidden & ~np.isnan(values)
            std = np.broadcast_to(mae.model_.layout.stds, values.shape)[cells]
            mean = np.broadcast_to(mae.model_.layout.means, values.shape)[cells]
            residual += (((predicted[cells] - values[cells]) / std) ** 2).sum()
            total += (((mean - values[cells]) / std) ** 2).sum()
        expected.append(1 - residual / total)
    assert_allclose(mae.score(holey_wine), np.mean(expected), rtol=1e-4)


def test_errors_match_reference(holey_wine):
    mae = quick().fit(holey_wine)
    values = mae.model_.codec.encode(ArrayTable(holey_wine, np.zeros(13, dtype=bool)))
    total, times = np.zeros(values.shape), np.zeros(13)
    for mask in mae.model_.scoring_masks:
        hidden = np.broadcast_to(mask, values.shape)
        predicted = mae.model_.inference().predict(values, hidden)
        total[:, mask] += ((predicted - values)[:, mask]) ** 2
        times += mask
    expected = total / times / mae.model_.layout.stds**2
    errors = mae.reconstruction_error(holey_wine, per_feature=True)
    assert_allclose(errors, expected, rtol=1e-3, atol=1e-5)


def test_patience_begins_when_the_learning_rate_is_no_longer_rising():
    X = load_iris().data
    for seed in range(3):
        mae = quick(
            max_epochs=600, early_stopping=True, n_iter_no_change=1, random_state=seed
        ).fit(X)
        assert 30 < mae.n_iter_ < 600
        mae.set_params(lr_schedule="constant").fit(X)
        assert mae.n_iter_ < 30
