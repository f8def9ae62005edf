"""Threads that share one fitted estimator, and what a whole process shares."""

import pickle
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from skmae import (
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
)

from .conftest import quick

TINY = {"hidden_layer_sizes": (8,), "max_epochs": 2, "device": "cpu", "random_state": 0}
ROLES = {
    "transformer": lambda: quick(early_stopping=True, mask_value="swap"),
    "imputer": lambda: MaskedAutoencoderImputer(n_members=2, **TINY),
    "detector": lambda: MaskedAutoencoderDetector(**TINY),
    "generator": lambda: MaskedAutoencoderGenerator(n_orders=2, **TINY),
}
METHODS = {
    "transformer": ("transform", "restore", "score_samples", "augment"),
    "imputer": ("transform", "sample"),
    "detector": ("score_samples", "predict", "explain"),
    "generator": ("score_samples", "sample"),
}


def ask(estimator, method, X):
    if isinstance(estimator, MaskedAutoencoderGenerator) and method == "sample":
        return estimator.sample(2, given=X, random_state=0)
    params = {"random_state": 0} if method in ("augment", "sample") else {}
    return getattr(estimator, method)(X, **params)


@pytest.mark.parametrize("role", ROLES)
def test_ten_threads_get_the_serial_answers(holey_wine, role):
    estimator = ROLES[role]().fit(holey_wine)
    jobs = [
        (method, holey_wine[start : start + 60])
        for start in range(0, 100, 10)
        for method in METHODS[role]
    ]
    serial = [ask(estimator, *job) for job in jobs]
    with ThreadPoolExecutor(10) as pool:
        threaded = list(pool.map(lambda job: ask(estimator, *job), jobs))
    for ours, theirs in zip(threaded, serial, strict=True):
        assert_array_equal(ours, theirs)


@pytest.mark.parametrize("role", ROLES)
def test_fit_and_use_touch_no_state_of_the_process(holey_wine, role):
    def shared():
        kind, keys, *rest = np.random.get_state()  # noqa: NPY002
        return (
            torch.random.get_rng_state().tolist(),
            (kind, keys.tolist(), *rest),
            random.getstate(),
            torch.get_num_threads(),
            torch.get_num_interop_threads(),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
        )

    before = shared()
    estimator = ROLES[role]().fit(holey_wine)
    for method in METHODS[role]:
        ask(estimator, method, holey_wine)
    assert shared() == before


def test_modes_of_torch_around_a_fit_do_not_matter(wine):
    plain = quick().fit(wine)
    with torch.no_grad():
        without = quick().fit(wine)
    with torch.inference_mode():
        inferring = quick().fit(wine)
        loaded = pickle.loads(pickle.dumps(plain))
    for mae in (without, inferring, loaded):
        assert_array_equal(mae.transform(wine), plain.transform(wine))
        mae.partial_fit(wine)


def test_ctrl_c_while_a_mode_changes_does_not_leave_it_changed(wine, monkeypatch):
    enter = torch.inference_mode.__enter__

    def interrupted(self):
        enter(self)
        if self.mode:
            raise KeyboardInterrupt

    monkeypatch.setattr(torch.inference_mode, "__enter__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        quick(early_stopping=True).fit(wine)
    assert not torch.is_inference_mode_enabled()
    assert torch.is_grad_enabled()
