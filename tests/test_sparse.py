"""Sparse rows: the numbers of dense ones, and never dense as a whole."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skmae import (
    AnomalyDisplay,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderRegressor,
    MaskedAutoencoderTransformer,
    ReconstructionDisplay,
    _rows,
)
from skmae.data import blocks, encoded_rows, pooled_batches, sliced_rows

from .conftest import quick, with_encoder

QUICK = {
    "hidden_layer_sizes": (16,),
    "max_epochs": 2,
    "device": "cpu",
    "random_state": 0,
}


def make_rows(n_rows=300, n_columns=8, seed=0, missing=0.0):
    """Rows of which three quarters are zeros."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 1)) + rng.normal(size=(n_rows, n_columns))
    X = np.where(X > 1.0, X, 0.0)
    X[rng.random(X.shape) < missing] = np.nan
    return X


@pytest.fixture(params=[sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def container(request):
    return request.param


def small_parts(monkeypatch):
    """Take a few rows for more than are made dense at once."""
    monkeypatch.setattr(_rows, "_PART_CELLS", 1)
    monkeypatch.setattr(blocks, "_BLOCK_STEP", 64)


def test_the_transformer_reads_them_as_dense_rows(container, monkeypatch):
    X = make_rows(missing=0.05)
    S = container(X)
    mae, dense = quick().fit(S), quick().fit(X)
    small_parts(monkeypatch)
    codes = mae.transform(S)
    assert_array_equal(codes, dense.transform(X))
    assert isinstance(codes, np.ndarray)
    mask = np.random.default_rng(1).random(X.shape) < 0.2
    mask[:, 0] = False
    for method, args in (
        ("score_samples", ()),
        ("reconstruction_error", (True,)),
        ("reconstruct", ()),
        ("reconstruct", (mask,)),
    ):
        found = getattr(mae, method)(S, *args)
        assert isinstance(found, np.ndarray)
        assert_array_equal(found, getattr(dense, method)(X, *args))
    assert mae.score(S) == dense.score(X)
    for args in ((), (mask,)):
        restored = mae.restore(S, *args)
        assert_array_equal(restored.toarray(), dense.restore(X, *args))
        assert isinstance(restored, sparse.sparray) == isinstance(S, sparse.sparray)
        assert restored.format == ("csc" if S.format == "csc" else "csr")
    assert_array_equal(
        mae.partial_fit(S).transform(X), dense.partial_fit(X).transform(X)
    )


def test_new_rows_come_in_the_order_of_the_old_ones(container, monkeypatch):
    X = make_rows()
    S = container(X)
    mae = quick().fit(X)
    whole = mae.augment(S, 2, random_state=0)
    assert_array_equal(whole.toarray(), mae.augment(X, 2, random_state=0))
    assert whole.format == ("csc" if S.format == "csc" else "csr")
    small_parts(monkeypatch)
    new = mae.augment(S, 2, mask_ratio=0.2, random_state=0).toarray()
    assert new.shape == (600, 8)
    same = new == np.tile(X, (2, 1))
    assert 0.7 < same.mean() < 0.95
    # No part repeats the draw of another.
    assert (same[:64] != same[64:128]).any()
    assert (same[:300] != same[300:]).any()


@pytest.mark.parametrize("add_indicator", [False, True])
def test_the_imputer_gives_sparse_rows_for_sparse_rows(
    container, monkeypatch, add_indicator
):
    X = make_rows(missing=0.05)
    X[:, 7] = 1.0
    S = container(X)
    params = QUICK | {"n_members": 2, "add_indicator": add_indicator}
    imputer = MaskedAutoencoderImputer(**params).fit(S)
    dense = MaskedAutoencoderImputer(**params).fit(X)
    small_parts(monkeypatch)
    filled = imputer.transform(S)
    theirs = SimpleImputer(add_indicator=add_indicator).fit(S).transform(S)
    assert sparse.issparse(filled)
    assert filled.shape == theirs.shape
    assert_array_equal(filled.toarray(), dense.transform(X))
    assert_array_equal(filled.toarray()[:, :8][~np.isnan(X)], X[~np.isnan(X)])
    assert_array_equal(imputer.transform(X), filled.toarray())
    draws = imputer.sample(S, 2, random_state=0)
    assert_array_equal(draws, dense.sample(X, 2, random_state=0))
    assert imputer.score(S) == dense.score(X)
    assert_array_equal(imputer.column_scores_, dense.column_scores_)


def test_the_detector_reads_them(container):
    X = make_rows(missing=0.05)
    S = container(X)
    params = QUICK | {"n_members": 2, "contamination": 0.1}
    detector = MaskedAutoencoderDetector(**params).fit(S)
    dense = MaskedAutoencoderDetector(**params).fit(X)
    for method in ("score_samples", "decision_function", "predict", "explain"):
        found = getattr(detector, method)(S)
        assert isinstance(found, np.ndarray)
        assert_array_equal(found, getattr(dense, method)(X))


def test_the_generator_reads_them_and_draws_dense_rows(container, monkeypatch):
    X = make_rows(missing=0.05)
    S = container(X)
    generator, dense = (
        MaskedAutoencoderGenerator(n_orders=2, **QUICK).fit(rows) for rows in (S, X)
    )
    small_parts(monkeypatch)
    assert_array_equal(generator.score_samples(S), dense.score_samples(X))
    new = generator.sample(50, random_state=0)
    assert isinstance(new, np.ndarray)
    assert_array_equal(new, dense.sample(50, random_state=0))
    assert 0.6 < np.mean(new == 0) < 0.9
    assert_array_equal(
        generator.sample(2, given=S, random_state=0),
        dense.sample(2, given=X, random_state=0),
    )
    reports = (
        g.novelty(rows[:200], rows[200:], random_state=0)
        for g, rows in ((generator, container(X).tocsr()), (dense, X))
    )
    assert next(reports) == next(reports)


@pytest.mark.parametrize(
    "kind", [MaskedAutoencoderClassifier, MaskedAutoencoderRegressor]
)
def test_classifier_and_regressor_read_them(kind, container):
    X = make_rows(missing=0.05)
    S = container(X)
    y = (np.nansum(X, axis=1) > 2).astype(float)
    y[::2] = np.nan
    params = QUICK | {"fine_tune_epochs": 1}
    model, dense = (with_encoder(kind, **params).fit(rows, y) for rows in (S, X))
    assert_array_equal(model.predict(S), dense.predict(X))
    assert model.score(S, y) == dense.score(X, y)
    if hasattr(model, "predict_proba"):
        assert_array_equal(model.predict_proba(S), dense.predict_proba(X))
    mae = quick().fit(S)
    head_start = kind(
        FrozenEstimator(mae), fine_tune_epochs=1, device="cpu", random_state=0
    )
    assert_array_equal(head_start.fit(S, y).predict(S), head_start.predict(X))


def test_a_zero_is_no_hole_and_a_stored_nan_is_one():
    S = sparse.csr_array(make_rows())
    S.data[5] = np.nan
    S.data[6] = 0.0  # stored, and a value all the same
    row, column = S.tocoo().coords[0][5], S.tocoo().coords[1][5]
    errors = quick().fit(S).reconstruction_error(S, per_feature=True)
    assert np.isnan(errors).sum() == 1
    assert np.isnan(errors[row, column])
    twice = sparse.csr_array(
        (np.ones(4), np.array([0, 0, 1, 1]), np.array([0, 2, 4])), shape=(2, 2)
    )  # 2 on the diagonal, in two parts each
    assert_array_equal(
        quick(max_epochs=1).fit(twice).restore(twice).toarray(), 2 * np.eye(2)
    )


def test_what_is_refused():
    S = sparse.csr_array(make_rows())
    S.data[5] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        quick().fit(S)
    S.data[5] = 1.0
    mae = quick(max_epochs=1).fit(S)
    with pytest.raises(ValueError, match="X has 7 features, but"):
        mae.transform(S[:, :7])
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        quick().fit(S[:1])
    with pytest.raises(ValueError, match="Complex data not supported"):
        quick().fit(S.astype(complex))
    with pytest.raises(ValueError, match="row 200; at least one must stay visible"):
        mae.restore(S, np.arange(300)[:, None] == np.full(8, 200))
    with pytest.raises(ValueError, match="categorical_features are only read from den"):
        quick(categorical_features=[1]).fit(S)
    assert quick(categorical_features=[], max_epochs=1).fit(S).score(S) is not None
    of_categories = quick(categorical_features=[0], max_epochs=1).fit(np.eye(4))
    with pytest.raises(ValueError, match=r"pass X.toarray\(\) or a DataFrame"):
        of_categories.transform(sparse.eye_array(4, format="csr"))


def test_an_empty_column_of_sparse_rows():
    X = make_rows()
    X[:, 3] = np.nan
    S = sparse.csr_array(X)
    with pytest.warns(UserWarning, match="Column 3 of X has no observed value"):
        mae = quick(max_epochs=1).fit(S)
    assert (
        np.isnan(mae.restore(S).toarray()).all(axis=0).tolist()
        == [False] * 3 + [True] + [False] * 4
    )


def test_images_may_be_sparse(digits):
    X = digits[0][:200]
    params = {"input_shape": (8, 8), "patch_size": 2}
    mae = quick(**params).fit(sparse.csr_array(X))
    assert_array_equal(mae.transform(X), quick(**params).fit(X).transform(X))
    assert mae.restore(sparse.csr_array(X)).shape == X.shape


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool])
def test_numbers_of_every_dtype(dtype):
    X = make_rows().astype(dtype)
    S = sparse.csr_array(X)
    mae = quick(max_epochs=1).fit(S)
    codes = mae.transform(S)
    assert codes.dtype == (np.float32 if dtype == np.float32 else np.float64)
    assert mae.restore(S).dtype == dtype
    assert_array_equal(mae.restore(S).toarray(), X)


def test_one_hot_columns_of_a_column_transformer():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"a": rng.normal(size=200), "b": rng.choice(list("pqrstuvwxyz"), 200)}
    )
    columns = make_column_transformer((OneHotEncoder(), ["b"]), remainder="passthrough")
    assert sparse.issparse(columns.fit_transform(frame))
    pipeline = make_pipeline(
        columns, MaskedAutoencoderTransformer(**QUICK, n_components=8)
    )
    assert pipeline.fit_transform(frame).shape == (200, 8 + 12)


def test_displays_draw_them(digits):
    pytest.importorskip("matplotlib")
    X = digits[0][:100]
    S = sparse.coo_array(X)
    mae = quick(input_shape=(8, 8), max_epochs=1).fit(S)
    shown = [
        ReconstructionDisplay.from_estimator(mae, rows, random_state=0).restored
        for rows in (S, X)
    ]
    assert_array_equal(*shown)
    detector = MaskedAutoencoderDetector(input_shape=(8, 8), **QUICK).fit(S)
    shown = [AnomalyDisplay.from_estimator(detector, rows).blame for rows in (S, X)]
    assert_array_equal(*shown)


# -- large -------------------------------------------------------------------------


@pytest.fixture
def everything_is_large(monkeypatch):
    monkeypatch.setattr(encoded_rows, "LARGE_CELLS", 1000)
    monkeypatch.setattr(blocks, "_BLOCK_CELLS", 1)
    monkeypatch.setattr(sliced_rows, "_STRETCH_CELLS", 8000)
    monkeypatch.setattr(pooled_batches, "_BLOCK_CELLS", 400)
    monkeypatch.setattr(pooled_batches, "_POOL_CELLS", 8000)


def test_large_sparse_rows_are_learned_as_large_dense_ones(everything_is_large):
    X = make_rows(3000, missing=0.05)
    S = sparse.csr_array(X)
    weight = np.arange(3000) % 3
    fits = [quick(max_epochs=2).fit(rows, sample_weight=weight) for rows in (S, X)]
    assert_array_equal(*[fit.transform(S) for fit in fits])
    assert fits[0].score(S) == fits[1].score(X)
    y = np.where(np.arange(3000) % 9, np.nan, X[:, 0] > 0)
    models = [
        with_encoder(MaskedAutoencoderClassifier, **QUICK, fine_tune_epochs=1).fit(
            rows, y
        )
        for rows in (S, X)
    ]
    assert_array_equal(*[model.predict_proba(S) for model in models])


MEMORY = """
import numpy as np
from scipy import sparse
from skmae import {kind} as Kind
from skmae.data import encoded_rows, pooled_batches
from tests.conftest import with_encoder

def resident():
    with open("/proc/self/status") as file:
        sizes = dict(line.split(":", 1) for line in file)
    return [int(sizes[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")]

encoded_rows.LARGE_CELLS = 2**20
pooled_batches._POOL_CELLS = 2**20
# 160 MB as dense float32
X = sparse.random_array((80_000, 500), density=0.01, dtype=np.float32, rng=0)
X = X.tocsr()
X.data[::50] = np.nan
row = np.arange(80_000)
y = np.where(row % 100, np.nan, row // 100 % 2)
params = dict(hidden_layer_sizes=(8,), max_epochs=1, device="cpu", random_state=0)
model = with_encoder(Kind, **params, **{params})
model.fit(X[:300], y[:300])
before = resident()[0]
model.fit(X, y)
for method in ("transform", "restore", "predict"):
    if hasattr(model, method):
        assert getattr(model, method)(X[:{n_read}]).shape[0] == {n_read}
if hasattr(model, "score_samples"):
    model.score_samples(X[:8000])
print(resident()[1] - before)
"""


# What is freed goes back to the system at once. Otherwise the peak depends on how the
# heap happens to be laid out, from 98 to 174 MB for one and the same fit.
TIDY_MALLOC = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("kind", "n_read", "params"),
    [
        (
            "MaskedAutoencoderTransformer",
            40_000,
            {"n_components": 4, "batch_size": 2000},
        ),
        ("MaskedAutoencoderImputer", 4500, {"n_members": 2, "batch_size": 100}),
        (
            "MaskedAutoencoderClassifier",
            40_000,
            {
                "n_components": 4,
                "batch_size": 2000,
                "fine_tune_epochs": 1,
                "self_training": False,
                "calibrate": False,
            },
        ),
    ],
)
def test_memory_stays_below_the_size_of_the_dense_rows(kind, n_read, params):
    run = subprocess.run(
        [sys.executable, "-c", MEMORY.format(kind=kind, n_read=n_read, params=params)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **TIDY_MALLOC},
    )
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 120  # of 160 that the dense rows would take
