"""Saved and loaded, the answers are the same bit by bit."""

import os
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skmae import (
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderRegressor,
    MaskedAutoencoderTransformer,
    skops_trusted_types,
)

from .conftest import make_frame, mixed_columns, quick, with_encoder

TINY = {"hidden_layer_sizes": (8,), "max_epochs": 2, "device": "cpu", "random_state": 0}


@pytest.fixture(scope="module")
def fitted():
    """Every role, fitted on a mixed frame with missing cells; and the frame."""
    missing = {"height": [3], "shirt": [4], "weight": [5], "tall": [6]}
    X = make_frame("pandas", mixed_columns(60), missing)
    roles = [
        MaskedAutoencoderTransformer(4, early_stopping=True, **TINY),
        MaskedAutoencoderTransformer(
            4, mask_strategy="copy", scaling="quantile", mask_value="noise", **TINY
        ),
        MaskedAutoencoderImputer(add_indicator=True, n_members=2, **TINY),
        MaskedAutoencoderDetector(**TINY),
        MaskedAutoencoderGenerator(n_orders=2, **TINY),
    ]
    return [estimator.fit(X) for estimator in roles], X


def drawn(estimator, X):
    """Completed rows; of a generator also new ones."""
    if not isinstance(estimator, MaskedAutoencoderGenerator):
        return estimator.sample(X, random_state=0)
    given = estimator.sample(2, given=X, random_state=0)
    new = estimator.sample(9, random_state=0)
    return np.concatenate([np.asarray(rows, dtype=object) for rows in (given, new)])


def answers(estimators, X):
    """What the estimators say, as strings of every bit of their cells."""
    given = []
    for estimator in estimators:
        for name in ("transform", "score_samples", "sample", "score"):
            method = getattr(estimator, name, None)
            if method is not None:
                cells = drawn(estimator, X) if name == "sample" else method(X)
                cells = np.asarray(cells, dtype=object).ravel()
                given.append([repr(cell) for cell in cells])
    return given


FRESH = """
import pickle, sys
import joblib, skops.io, torch
from pathlib import Path
from tests.test_persistence import answers

torch.set_num_threads(int(sys.argv[2]))
folder = Path(sys.argv[1])
X, trusted, expected = joblib.load(folder / "rows.joblib")
for loaded in (
    pickle.loads((folder / "all.pickle").read_bytes()),
    joblib.load(folder / "all.joblib"),
):
    assert answers(loaded, X) == expected
loaded = skops.io.load(folder / "all.skops", trusted=trusted)
assert answers(loaded, X) == expected
"""


def test_a_fresh_process_gives_the_same_bits(fitted, tmp_path):
    skops_io = pytest.importorskip("skops.io")
    estimators, X = fitted
    (tmp_path / "all.pickle").write_bytes(pickle.dumps(estimators))
    joblib.dump(estimators, tmp_path / "all.joblib")
    skops_io.dump(estimators, tmp_path / "all.skops")
    expected = answers(estimators, X)
    joblib.dump((X, skops_trusted_types(), expected), tmp_path / "rows.joblib")
    arguments = [str(tmp_path), str(torch.get_num_threads())]
    subprocess.run([sys.executable, "-c", FRESH, *arguments], check=True)


FORKED = """
import os, pickle, signal, sys, time
import joblib
from pathlib import Path

# A server's parent process loads, its forked workers answer.
folder = Path(sys.argv[1])
rows = joblib.load(folder / "rows.joblib")
estimators = pickle.loads((folder / "models.pickle").read_bytes())
import torch
assert torch.get_num_threads() == 2
child = os.fork()
if child == 0:
    failed = 1
    try:
        for name, estimator in estimators.items():
            if name == "generator":
                estimator.sample(given=rows[name])
                estimator.score_samples(rows[name])
                continue
            method = "transform" if hasattr(estimator, "transform") else "predict"
            getattr(estimator, method)(rows[name])
        failed = 0
    finally:
        os._exit(failed)
give_up = time.monotonic() + 240  # threads on a busy machine wait for each other
while time.monotonic() < give_up:
    process, status = os.waitpid(child, os.WNOHANG)
    if process:
        sys.exit(os.waitstatus_to_exitcode(status))
    time.sleep(0.05)
os.kill(child, signal.SIGKILL)
sys.exit("the worker hangs")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_worker_uses_a_model_that_its_parent_loaded(
    wine, holey_wine, tmp_path
):
    """Which hangs if loading started torch's threads in the parent."""
    images = np.random.default_rng(0).random((4, 40_000)).astype(np.float32)
    wide = np.tile(holey_wine, (1, 14))
    on = {"max_epochs": 1, "device": "cpu", "random_state": 0}
    small = {"hidden_layer_sizes": (16,), **on}
    y = np.arange(178) % 3
    fits = {
        "transformer": (MaskedAutoencoderTransformer(**on), wine),
        "bins": (
            MaskedAutoencoderTransformer(
                8, numerical_embedding="piecewise_linear", **small
            ),
            images[:, :2500],
        ),
        "images": (
            MaskedAutoencoderTransformer(
                8,
                input_shape=(200, 200),
                patch_size=50,
                norm_pix_loss=True,
                mask_value="noise",
                **small,
            ),
            images,
        ),
        "attention": (
            MaskedAutoencoderTransformer(8, architecture="attention", **small),
            wine,
        ),
        "imputer": (MaskedAutoencoderImputer(n_members=8, **small), wide),
        "detector": (MaskedAutoencoderDetector(n_members=2, **small), wine),
        "generator": (MaskedAutoencoderGenerator(**small), wine),
        "classifier": (
            with_encoder(
                MaskedAutoencoderClassifier, fine_tune_epochs=1, calibrate=False, **on
            ),
            wine,
        ),
        "regressor": (
            with_encoder(
                MaskedAutoencoderRegressor,
                fine_tune_epochs=1,
                early_stopping=True,
                **on,
            ),
            wine,
        ),
    }
    estimators = {
        name: estimator.fit(X, y[: len(X)]) for name, (estimator, X) in fits.items()
    }
    rows = {name: X[:4] for name, (_, X) in fits.items()}
    joblib.dump(rows, tmp_path / "rows.joblib")
    (tmp_path / "models.pickle").write_bytes(pickle.dumps(estimators))
    worker = subprocess.run(
        [sys.executable, "-c", FORKED, str(tmp_path)],
        env=os.environ | {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert worker.returncode == 0, worker.stderr


def test_weights_through_safetensors(fitted, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    estimators, X = fitted
    for estimator in estimators:
        module = estimator.net_.module_
        safetensors.save_file(module.state_dict(), tmp_path / "weights.safetensors")
        # of a generator also the number of groups depends on the seed
        seed = int(not isinstance(estimator, MaskedAutoencoderGenerator))
        other = clone(estimator).set_params(random_state=seed, max_epochs=1).fit(X)
        # what the weights cannot hold: scales, categories, thresholds
        loaded = pickle.loads(pickle.dumps(estimator))
        loaded.net_.module_.load_state_dict(other.net_.module_.state_dict())
        assert answers([loaded], X) != answers([estimator], X)
        weights = safetensors.load_file(tmp_path / "weights.safetensors")
        loaded.net_.module_.load_state_dict(weights)
        assert answers([loaded], X) == answers([estimator], X)


def test_an_estimator_with_a_progress_bar_can_be_saved(wine):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    mae = quick(max_epochs=1).set_callbacks(ProgressBar()).fit(wine)
    loaded = pickle.loads(pickle.dumps(mae))
    assert_array_equal(loaded.transform(wine), mae.transform(wine))
    assert loaded.fit(wine).n_iter_ == 1
