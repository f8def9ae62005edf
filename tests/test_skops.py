"""What skops saves are types of ours that are all listed, and nothing else."""

import importlib
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmae import (
    DiffusionMap,
    GaussianMixtureImputer,
    LabelledKFold,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderRegressor,
    MaskedAutoencoderTransformer,
    SlidingWindows,
    skops_trusted_types,
)
from skmae.data.plain_frames import plain_row

from .conftest import FRAMES, make_frame, mixed_columns, with_encoder

io = pytest.importorskip("skops.io")

TINY = {"hidden_layer_sizes": (8,), "max_epochs": 1, "device": "cpu", "random_state": 0}
ROLES = (
    MaskedAutoencoderTransformer,
    MaskedAutoencoderImputer,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderRegressor,
)


def through_skops(estimator):
    """Saved and loaded with the list of ours alone."""
    return io.loads(io.dumps(estimator), trusted=skops_trusted_types())


def estimator_of(role, **params):
    if role in (MaskedAutoencoderClassifier, MaskedAutoencoderRegressor):
        params |= {"fine_tune_epochs": 1, "self_training": False}
    if role is MaskedAutoencoderClassifier:
        params["calibrate"] = False
    return with_encoder(role, **(TINY | params))


def method_of(estimator):
    return "transform" if hasattr(estimator, "transform") else "score_samples"


def assert_is_the_same(loaded, estimator, X):
    method = "predict" if hasattr(estimator, "predict") else method_of(estimator)
    said, expected = getattr(loaded, method)(X), getattr(estimator, method)(X)
    assert type(said) is type(expected)
    assert_array_equal(np.asarray(said), np.asarray(expected))


def test_every_name_is_of_a_type():
    names = skops_trusted_types()
    assert names == sorted(set(names))
    for name in names:
        module, _, kind = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), kind), type)
    names.clear()
    assert skops_trusted_types()


@pytest.mark.parametrize("kind", ["array", *FRAMES])
@pytest.mark.parametrize("role", ROLES)
def test_all_that_a_role_saves_of_tables_is_listed(role, kind, holey_wine):
    X = holey_wine
    if kind != "array":
        X = make_frame(kind, mixed_columns(60), {"height": [3], "shirt": [4]})
    params = {} if role is not MaskedAutoencoderGenerator else {"n_orders": 2}
    estimator = estimator_of(role, **params).fit(X, np.arange(len(X)) % 3)
    loaded = through_skops(estimator)
    assert_is_the_same(loaded, estimator, X)
    if role is MaskedAutoencoderGenerator:
        new, expected = (e.sample(4, random_state=0) for e in (loaded, estimator))
        assert type(new) is type(expected)
        if kind != "array":
            assert list(new.dtypes) == list(expected.dtypes)
            assert new.equals(expected)


@pytest.mark.parametrize(
    ("role", "rows"),
    [
        (role, rows)
        for role in ROLES
        for rows in ("tokens", "series", "images")
        if role is not MaskedAutoencoderImputer
        and (role, rows) != (MaskedAutoencoderGenerator, "series")
    ],
)
def test_all_that_a_role_saves_of_other_rows_is_listed(role, rows):
    rng = np.random.default_rng(0)
    if rows == "tokens":
        X, params = ["abcab", "acb", "bbac"] * 10, {"analyzer": "char"}
    elif rows == "series":
        X = [rng.normal(size=(n, 2)) for n in rng.integers(5, 9, 30)]
        params = {"input_shape": (None, 2)}
    else:
        X, params = rng.normal(size=(30, 4, 4)), {"input_shape": (4, 4)}
    estimator = estimator_of(role, **params).fit(X, np.arange(30) % 2)
    assert_is_the_same(through_skops(estimator), estimator, X)


def test_settings_of_all_kinds_are_listed(holey_wine):
    mae = MaskedAutoencoderTransformer(
        4,
        architecture="attention",
        numerical_embedding="piecewise_linear",
        mask_strategy="copy",
        scaling="quantile",
        early_stopping=True,
        **TINY,
    ).fit(holey_wine)
    assert_is_the_same(through_skops(mae), mae, holey_wine)
    imputer = MaskedAutoencoderImputer(n_members=2, add_indicator=True, **TINY)
    imputer.fit(holey_wine)
    assert_is_the_same(through_skops(imputer), imputer, holey_wine)
    steps = make_pipeline(mae, DiffusionMap(2)).fit(holey_wine)
    assert_is_the_same(through_skops(steps), steps, holey_wine)
    mixture = GaussianMixtureImputer(2).fit(holey_wine)
    assert_is_the_same(through_skops(mixture), mixture, holey_wine)
    windows = SlidingWindows(4).fit([np.arange(9.0)])
    assert_is_the_same(through_skops(windows), windows, [np.arange(9.0)])


def test_a_frozen_encoder_and_a_splitter(wine):
    encoder = FrozenEstimator(MaskedAutoencoderTransformer(4, **TINY).fit(wine))
    clf = MaskedAutoencoderClassifier(
        encoder, fine_tune_epochs=1, calibrate=False, random_state=0
    )
    pipeline = make_pipeline(StandardScaler(), clf).fit(wine, np.arange(178) % 3)
    assert_is_the_same(through_skops(pipeline), pipeline, wine)
    assert through_skops(LabelledKFold(4)).get_n_splits() == 4


# -- the row that a generator keeps ------------------------------------------------


def pandas_frames():
    index = pd.Index(["a"])
    yield pd.DataFrame({"a": [1], "b": [0.5], "c": ["x"], "d": [True]}, index=index)
    yield pd.DataFrame({"a": [None], "b": [np.nan], 3: [np.int8(4)]})
    yield pd.DataFrame({0: [1.0], 1: [2.0]}).astype("float32")
    yield pd.DataFrame({"a": [1], "b": ["x"], "c": [None]}).convert_dtypes()
    yield pd.DataFrame(
        {
            "a": pd.Categorical(["x"], ["y", "x"], ordered=True),
            "b": pd.Categorical([None], [3, 1]),
        }
    )


def polars_frames():
    yield pl.DataFrame({"a": [1], "b": [0.5], "c": ["x"], "d": [True], "e": [None]})
    yield pl.DataFrame(
        {"a": ["x"], "b": ["y"], "c": [7]},
        schema={"a": pl.Enum(["y", "x"]), "b": pl.Categorical, "c": pl.UInt8},
    )


@pytest.mark.parametrize("frame", [*pandas_frames(), *polars_frames()])
def test_a_row_of_a_frame_comes_back_as_it_was(frame):
    row = through_skops(plain_row(frame))
    again = row.frame()
    assert type(again) is type(frame)
    assert list(again.columns) == list(frame.columns)
    assert list(again.dtypes) == list(frame.dtypes)
    expected = frame.reset_index(drop=True) if hasattr(frame, "index") else frame
    assert again.equals(expected)


def test_what_would_not_come_back_is_no_plain_row():
    named = pd.DataFrame({"a": [1]}).rename_axis(columns="kind")
    assert plain_row(named) is None
    assert plain_row(pd.DataFrame({"a": [(1, 2)]})) is not None
    assert plain_row(pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", 1)])))
    pyarrow = pytest.importorskip("pyarrow")
    assert plain_row(pyarrow.table({"a": [1]})) is None


def test_a_frame_that_is_not_plain_is_pickled():
    frame = pd.DataFrame({k: v for k, v in mixed_columns(60).items() if k != "tall"})
    frame = frame.rename_axis(columns="kind")
    generator = MaskedAutoencoderGenerator(n_orders=2, **TINY).fit(frame)
    loaded = pickle.loads(pickle.dumps(generator))
    assert loaded.sample(3, random_state=0).equals(generator.sample(3, random_state=0))
