"""Faster arithmetic stays near float32 and is gone once the fit is over."""

import os
import pickle
import shutil

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback

from skmae import (
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
)
from skmae._device import resolve_precision

from ..conftest import quick

HAS_COMPILER = any(
    shutil.which(name) for name in (os.environ.get("CXX", ""), "g++", "clang++", "cl")
)


def test_bfloat16_stays_near_float32(wine):
    exact, fast = (
        quick(max_epochs=30, precision=precision).fit(wine)
        for precision in ("float32", "bfloat16")
    )
    assert fast.loss_curve_ != exact.loss_curve_
    assert_allclose(fast.loss_curve_, exact.loss_curve_, rtol=0.01)
    assert abs(fast.score(wine) - exact.score(wine)) < 0.01
    error = np.abs(fast.transform(wine) - exact.transform(wine)).max()
    assert error < 0.02 * np.abs(exact.transform(wine)).max()


@pytest.mark.skipif(not HAS_COMPILER, reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_training_is_the_same_training(wine):
    plain, compiled = (
        quick(
            max_epochs=5, early_stopping=True, compile=compile, precision="float32"
        ).fit(wine)
        for compile in (False, True)
    )
    assert_allclose(compiled.loss_curve_, plain.loss_curve_, rtol=1e-5)
    assert_allclose(compiled.transform(wine), plain.transform(wine), atol=1e-4)


def has_capabilities(monkeypatch, *names):
    """Have the processor report these instructions, of those that are asked for."""
    capabilities = dict.fromkeys(names, True)
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: capabilities)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["avx2", "avx512_f"], "float32"),
        (["avx512_f", "avx512_bf16"], "bfloat16"),
        (["amx_tile", "amx_bf16"], "bfloat16"),
        ([], "float32"),
    ],
)
def test_auto_asks_the_processor(monkeypatch, names, expected):
    has_capabilities(monkeypatch, *names)
    cpu = torch.device("cpu")
    assert resolve_precision("auto", cpu, ("cpu", "cuda")) == expected
    assert resolve_precision("auto", cpu, ("cuda",)) == "float32"
    for given in ("float32", "bfloat16"):
        assert resolve_precision(given, cpu, ("cpu", "cuda")) == given
    monkeypatch.setattr("torch.backends.mkldnn.is_available", lambda: False)
    assert resolve_precision("auto", cpu, ("cpu", "cuda")) == "float32"


@pytest.mark.parametrize(
    ("generation", "expected"),
    [((7, 5), "float32"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")],
)
def test_auto_asks_the_card(monkeypatch, generation, expected):
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda device: generation)
    assert resolve_precision("auto", torch.device("cuda"), ("cuda",)) == expected
    monkeypatch.setattr("torch.version.hip", "6.0")
    assert resolve_precision("auto", torch.device("cuda"), ("cuda",)) == "float32"


def test_auto_is_float32_on_other_devices(monkeypatch):
    has_capabilities(monkeypatch, "avx512_bf16")
    assert resolve_precision("auto", torch.device("mps"), ("cpu", "cuda")) == "float32"


@pytest.mark.parametrize("names", [["avx512_bf16"], []])
def test_auto_fits_as_what_it_stands_for(wine, monkeypatch, names):
    has_capabilities(monkeypatch, *names)
    auto, again = (quick(precision="auto").fit(wine) for _ in range(2))
    named = quick(precision=auto.precision_).fit(wine)
    assert auto.precision_ == ("bfloat16" if names else "float32")
    assert auto.loss_curve_ == again.loss_curve_ == named.loss_curve_
    assert_array_equal(auto.transform(wine), named.transform(wine))


def test_a_fit_keeps_its_precision_elsewhere(wine, monkeypatch, tmp_path):
    """Where another processor goes on with what this one began."""
    has_capabilities(monkeypatch, "avx512_bf16")
    saved = pickle.dumps(quick(precision="auto").fit(wine))
    further = pickle.loads(saved).partial_fit(wine).transform(wine)

    class Interrupt(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 3:
                raise KeyboardInterrupt

    cut = quick(precision="auto", checkpoint=tmp_path, callbacks=[Interrupt()])
    interrupted = pytest.warns(ConvergenceWarning, match="Interrupted")
    with interrupted, pytest.raises(KeyboardInterrupt):
        cut.fit(wine)

    has_capabilities(monkeypatch)
    loaded = pickle.loads(saved)
    assert loaded.precision_ == "bfloat16"
    assert_array_equal(loaded.partial_fit(wine).transform(wine), further)
    resumed = cut.set_params(callbacks=None).fit(wine)
    assert resumed.precision_ == "bfloat16"
    assert resumed.loss_curve_ == pickle.loads(saved).loss_curve_
    assert quick(precision="auto").fit(wine).precision_ == "float32"


ROLES = {
    "transformer": (quick, {}, "bfloat16"),
    "attention": (quick, {"architecture": "attention"}, "float32"),
    "imputer": (MaskedAutoencoderImputer, {}, "bfloat16"),
    "detector": (MaskedAutoencoderDetector, {}, "bfloat16"),
    "generator": (MaskedAutoencoderGenerator, {}, "bfloat16"),
}


@pytest.mark.parametrize("role", ROLES)
def test_auto_is_bfloat16_where_it_was_measured_to_pay(wine, monkeypatch, role):
    has_capabilities(monkeypatch, "avx512_bf16")
    kind, params, expected = ROLES[role]
    on = {"max_epochs": 1, "device": "cpu", "random_state": 0}
    assert kind(**params, **on).fit(wine[:40]).precision_ == expected


def test_fine_tuning_has_the_precision_of_its_encoder_unless_told(wine, monkeypatch):
    has_capabilities(monkeypatch, "avx512_bf16")
    y, on = np.arange(60) % 3, {"device": "cpu", "random_state": 0}
    for architecture, expected in [("mlp", "bfloat16"), ("attention", "float32")]:
        encoder = quick(max_epochs=1, architecture=architecture)
        fine = MaskedAutoencoderClassifier(encoder, fine_tune_epochs=1, **on)
        assert fine.fit(wine[:60], y).precision_ == expected
    fine.set_params(precision="bfloat16").fit(wine[:60], y)
    assert fine.precision_ == "bfloat16"


def test_tokens_are_trained_in_float32_unless_told(monkeypatch):
    has_capabilities(monkeypatch, "avx512_bf16")
    words = ["abab", "baba", "abba", "aabb"] * 5
    for precision, expected in [("auto", "float32"), ("bfloat16", "bfloat16")]:
        params = {"n_components": "auto", "hidden_layer_sizes": (8, 8)}
        mae = quick(analyzer="char", max_epochs=1, precision=precision, **params)
        assert mae.fit(words).precision_ == expected
