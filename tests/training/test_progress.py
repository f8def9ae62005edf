"""What a fit says of itself: nothing, one live line, or a line per epoch."""

import re

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from skmae import (
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderImputer,
    MaskedAutoencoderRegressor,
)

from ..conftest import quick, with_encoder

SMALL = {
    "hidden_layer_sizes": (8,),
    "max_epochs": 3,
    "device": "cpu",
    "random_state": 0,
}
TUNED = {"n_components": 8, "fine_tune_epochs": 2, **SMALL}
MAKE = {
    "transformer": lambda: quick(max_epochs=3),
    "imputer": lambda: MaskedAutoencoderImputer(n_members=2, **SMALL),
    "detector": lambda: MaskedAutoencoderDetector(n_members=2, **SMALL),
    "classifier": lambda: with_encoder(MaskedAutoencoderClassifier, **TUNED),
    "regressor": lambda: with_encoder(MaskedAutoencoderRegressor, **TUNED),
}
TRANSFORMER = "MaskedAutoencoderTransformer"
STAGES = {
    "transformer": [TRANSFORMER],
    "imputer": ["MaskedAutoencoderImputer"],
    "detector": ["MaskedAutoencoderDetector"],
    "classifier": [
        TRANSFORMER,
        "MaskedAutoencoderClassifier, fine-tuning",
        "MaskedAutoencoderClassifier, on a fold",
    ],
    "regressor": [
        TRANSFORMER,
        "MaskedAutoencoderRegressor, on a fold",
        "MaskedAutoencoderRegressor, fine-tuning",
    ],
}


@pytest.fixture(autouse=True)
def short_epochs(monkeypatch):
    """Few batches in an imputer's epoch, too."""
    monkeypatch.setattr("skmae.imputation.task._LEAST_BATCHES", 4)


def fit(role, wine, **params):
    estimator = MAKE[role]().set_params(**params)
    if hasattr(estimator, "encoder"):
        estimator.encoder.set_params(**params)
    return estimator.fit(wine, np.arange(178) % 3)


@pytest.mark.parametrize("role", MAKE)
def test_verbose_0_is_silent(role, wine, capfd):
    fit(role, wine)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("role", MAKE)
def test_verbose_1_is_one_live_line_for_each_stage(role, wine, capfd):
    estimator = fit(role, wine, verbose=1)
    out, err = capfd.readouterr()
    assert out == ""
    # A line that is written over is ended once.
    shown = [line.rsplit("\r", 1)[-1] for line in err.strip("\n").split("\n")]
    names = list(dict.fromkeys(line.split(":")[0] for line in shown))
    assert names == STAGES[role]
    for line in shown:
        assert "100%" in line
        assert re.search(r"epoch (2/2|3/3), loss \d+\.\d+", line)
    before_the_end = err.split("\r")[1]
    assert re.search(r"\d\d:\d\d|\?", before_the_end)  # time left
    assert estimator.n_iter_ in (2, 3)


@pytest.mark.parametrize("role", MAKE)
def test_verbose_2_is_a_line_per_epoch(role, wine, capfd):
    fit(role, wine, verbose=2)
    out, err = capfd.readouterr()
    assert err == ""
    lines = out.strip().splitlines()
    headings = [line for line in lines if line in STAGES[role]]
    assert list(dict.fromkeys(headings)) == STAGES[role]
    n_tables = out.count("train_loss")
    assert len(headings) == n_tables
    n_epochs = 3 + 2 * (n_tables - 1)
    assert len(lines) == 3 * n_tables + n_epochs


def test_early_ends_and_errors_close_the_line(wine, capfd):
    mae = quick(max_epochs=50, early_stopping=True, n_iter_no_change=1, lr=0.5)
    mae.set_params(lr_schedule="constant", verbose=1).fit(wine)
    assert mae.n_iter_ < 50
    err = capfd.readouterr().err
    assert err.endswith("\n")
    assert f"epoch {mae.n_iter_}/50" in err
    mae.set_params(lr=1e30, optimizer="sgd", early_stopping=False)
    with pytest.raises(ValueError, match="diverged"):
        mae.fit(wine)
    assert capfd.readouterr().err.endswith("\n")


def test_partial_fit_and_a_resumed_fit_say_where_they_are(wine, tmp_path, capfd):
    mae = quick(max_epochs=3).fit(wine)
    mae.set_params(verbose=1).partial_fit(wine)
    assert "epoch 1/1" in capfd.readouterr().err
    mae.set_params(verbose=0).partial_fit(wine)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("verbose", [1, 2])
def test_searches_in_parallel(wine, backend, verbose, capfd):
    search = GridSearchCV(quick(verbose=verbose), {"lr": [1e-3, 1e-2]}, cv=2)
    with joblib.parallel_config(backend, n_jobs=2):
        search.set_params(n_jobs=2).fit(wine)
    assert len(search.cv_results_["mean_test_score"]) == 2
