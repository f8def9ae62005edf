"""Steps recorded on a GPU: the same training, and a warning where that cannot be."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose

from skmae import MaskedAutoencoderClassifier, MaskedAutoencoderGenerator
from skmae.networks.layers import InputLayer
from skmae.training.net import MaskedNet

from ..conftest import quick

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def with_holes(X):
    return np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)


def mixed(X):
    frame = pd.DataFrame(X[:, :6]).rename(columns=str)
    frame["kind"] = pd.Categorical(np.where(X[:, 0] > X[:, 1], "a", "b"))
    return frame


CASES = {
    "numbers": ({}, lambda X: X),
    "batch norm": ({"batch_norm": True}, lambda X: X),
    "holes": ({}, with_holes),
    "categories": ({}, mixed),
    "corruption": ({"mask_value": "swap"}, lambda X: X),
    "bfloat16": ({"precision": "bfloat16"}, lambda X: X),
    "attention": ({"architecture": "attention"}, lambda X: X),
    "attention, holes": ({"architecture": "attention"}, with_holes),
    "attention, ratios": (
        {"architecture": "attention", "mask_ratio": (0.2, 0.8)},
        with_holes,
    ),
}


@pytest.fixture
def one_by_one(monkeypatch):
    """Have no step recorded from here on."""

    def forget():
        monkeypatch.setattr(MaskedNet, "_recorded", lambda self: self._gradient)

    return forget


@pytest.mark.filterwarnings("error::UserWarning")  # what could not be recorded
@pytest.mark.parametrize("case", CASES)
def test_fits_as_one_by_one(wine, one_by_one, case):
    params, make = CASES[case]
    if params.get("architecture") == "attention":
        params = params | {"hidden_layer_sizes": (16, 16)}
    params = {"precision": "float32", "device": "cuda", "max_epochs": 8} | params
    X = make(wine)
    recorded = quick(**params).fit(X)
    one_by_one()
    plain = quick(**params).fit(X)
    assert_allclose(recorded.loss_curve_, plain.loss_curve_, rtol=1e-2)
    assert_allclose(recorded.score(X), plain.score(X), atol=1e-2)


@pytest.mark.filterwarnings("error::UserWarning")
def test_other_roles_are_recorded(wine, one_by_one):
    y = np.where(np.arange(len(wine)) % 4 == 0, np.arange(len(wine)) // 60, -1)

    def densities():
        generator = MaskedAutoencoderGenerator(
            max_epochs=10, device="cuda", precision="float32", random_state=0
        )
        return generator.fit(wine[::2]).score_samples(wine[1::2])

    def probabilities():
        encoder = quick(device="cuda", precision="float32", max_epochs=8)
        classifier = MaskedAutoencoderClassifier(
            encoder, device="cuda", fine_tune_epochs=8, random_state=0
        )
        return classifier.fit(wine, y).predict_proba(wine)

    recorded = densities(), probabilities()
    one_by_one()
    assert_allclose(recorded[0], densities(), rtol=0.02, atol=0.05)
    assert_allclose(recorded[1], probabilities(), atol=0.02)


def test_what_cannot_be_recorded_is_said_and_trained_all_the_same(wine, monkeypatch):
    forward = InputLayer.forward

    def looking(self, values, hidden, replacement=None):
        float(values.sum())
        return forward(self, values, hidden, replacement)

    monkeypatch.setattr(InputLayer, "forward", looking)
    with pytest.warns(UserWarning, match="could not be recorded as a CUDA graph"):
        mae = quick(device="cuda", max_epochs=8).fit(wine)
    assert np.isfinite(mae.transform(wine)).all()
