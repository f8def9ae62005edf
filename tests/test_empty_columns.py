"""Columns of which fit sees no value, as happens in a fold: passed over, and told."""

import warnings

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.impute import SimpleImputer

from skmae import (
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderRegressor,
    MaskedAutoencoderTransformer,
)

from .conftest import make_frame, mixed_columns, quick, with_encoder

QUICK = {"hidden_layer_sizes": (16,), "max_epochs": 2, "device": "cpu"}
TOLD = "'weight', 'shirt' of X (has|have) no observed value"


def frame_of(kind, empty=("weight", "shirt")):
    """The mixed frame, its dtypes kept, with columns that hold nothing."""
    frame = make_frame(kind, mixed_columns())
    if kind == "polars":
        gone = [pl.lit(None).cast(frame.schema[name]).alias(name) for name in empty]
        return frame.with_columns(gone)
    gone = {name: frame[name].where(frame[name].isna()) for name in empty}
    return frame.assign(**gone)


def cells(X, name):
    return nw.from_native(X, eager_only=True)[name]


def fitted(kind, X, y=None, **params):
    model = with_encoder(kind, **(QUICK | {"random_state": 0} | params))
    with pytest.warns(UserWarning, match="no observed value"):
        return model.fit(X, y)


@pytest.mark.parametrize(
    "kind",
    [
        MaskedAutoencoderTransformer,
        MaskedAutoencoderDetector,
        MaskedAutoencoderGenerator,
        MaskedAutoencoderClassifier,
        MaskedAutoencoderRegressor,
    ],
)
def test_they_are_named_once(kind):
    X = frame_of("pandas")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fine_tuned = "fine_tune_epochs" in kind().get_params()
        params = QUICK | ({"fine_tune_epochs": 1} if fine_tuned else {})
        with_encoder(kind, **params).fit(X, [0, 1, np.nan] * 40)
    assert [w.category for w in caught] == [UserWarning]
    assert "Columns 'weight', 'shirt' of X have no observed value" in str(
        caught[0].message
    )


def test_columns_of_an_array_are_named_by_number(wine):
    X = wine.copy()
    X[:, 4] = np.nan
    with pytest.warns(UserWarning, match="Column 4 of X has no observed value"):
        quick().fit(X)


def test_the_transformer_brings_them_back_as_missing(frame_kind):
    X, full = frame_of(frame_kind), make_frame(frame_kind, mixed_columns())
    mae = fitted(MaskedAutoencoderTransformer, X, n_components=8)
    assert np.isfinite(mae.transform(X)).all()
    # What was not seen in fit says nothing.
    assert_array_equal(mae.transform(full), mae.transform(X))
    errors = mae.reconstruction_error(full, per_feature=True)
    assert np.isnan(errors).all(axis=0).tolist() == [False, True, False, True, False]
    assert np.isfinite(mae.score_samples(full)).all()
    assert np.isfinite(mae.score(full))
    for rows in (X, full):
        for new in (mae.reconstruct(rows), mae.augment(rows, random_state=0)):
            for name in ("weight", "shirt"):
                assert cells(new, name).is_null().all()
            for name in ("height", "shoe", "tall"):
                assert not cells(new, name).is_null().any()
    decoded = mae.inverse_transform(mae.transform(X))
    assert pd.isna(decoded).all(axis=0).tolist() == [False, True, False, True, False]
    # Visible cells stay, damaged ones are lost.
    mask = np.zeros((120, 5), dtype=bool)
    mask[7] = [False, True, False, True, True]
    restored = mae.restore(full, mask)
    for name, j in (("weight", 1), ("shirt", 3)):
        lost = cells(restored, name).is_null().to_numpy()
        assert_array_equal(lost, mask[:, j])
        kept, given = (np.array(cells(X, name).to_list()) for X in (restored, full))
        assert_array_equal(kept[~lost], given[~lost])


@pytest.mark.parametrize("dtype", [np.int64, bool, np.float32])
def test_arrays_of_every_dtype_can_say_missing(dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    X[:, 2] = np.nan
    mae = fitted(MaskedAutoencoderTransformer, X, n_components=8)
    new = (10 * rng.normal(size=(9, 3))).astype(dtype)
    for rows in (mae.augment(new, random_state=0), mae.reconstruct(new)):
        assert np.isnan(rows[:, 2].astype(float)).all()
        assert np.isfinite(rows[:, :2].astype(float)).all()
    assert_array_equal(mae.restore(new), new)
    assert mae.restore(new).dtype == dtype


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_integers_and_booleans_of_frames_can_say_missing(library):
    X = pd.DataFrame({"a": np.arange(30.0), "b": np.nan, "c": np.nan})
    mae = fitted(MaskedAutoencoderTransformer, X, n_components=8)
    new = pd.DataFrame({"a": np.arange(4), "b": range(4), "c": [True, False] * 2})
    new = new if library == "pandas" else pl.from_pandas(new)
    for rows in (mae.augment(new, random_state=0), mae.reconstruct(new)):
        assert cells(rows, "b").is_null().all()
        assert cells(rows, "c").is_null().all()
    restored = mae.restore(new)
    assert [str(t) for t in restored.dtypes] == [str(t) for t in new.dtypes]


def test_a_polars_column_without_a_type_is_empty():
    X = pl.DataFrame({"a": np.arange(30.0), "b": [None] * 30})
    mae = fitted(MaskedAutoencoderTransformer, X, n_components=8)
    assert mae.restore(X).equals(X)
    later = X.with_columns(b=pl.Series(["x", "y", "z"] * 10))
    assert_array_equal(mae.transform(later), mae.transform(X))


@pytest.mark.parametrize("training_data", ["auto", "clean", "contaminated"])
def test_the_detector_blames_nothing_on_them(frame_kind, training_data):
    X, full = frame_of(frame_kind), make_frame(frame_kind, mixed_columns())
    detector = fitted(
        MaskedAutoencoderDetector, X, training_data=training_data, n_members=2
    )
    for rows in (X, full):
        blame = nw.from_native(detector.explain(rows)).to_numpy()
        assert_array_equal(blame[:, [1, 3]], 0)
        assert (blame[:, [0, 2, 4]].sum(axis=0) > 0).all()
        assert_array_equal(detector.score_samples(rows), detector.score_samples(X))


def test_the_generator_draws_them_as_missing(frame_kind):
    X, full = frame_of(frame_kind), make_frame(frame_kind, mixed_columns())
    generator = fitted(MaskedAutoencoderGenerator, X, n_orders=2)
    new = generator.sample(20, random_state=0)
    assert [str(t) for t in new.dtypes] == [str(t) for t in X.dtypes]
    for name in ("weight", "shirt"):
        assert cells(new, name).is_null().all()
    for name in ("height", "shoe", "tall"):
        assert not cells(new, name).is_null().any()
    assert_array_equal(generator.score_samples(full), generator.score_samples(X))
    completed = generator.sample(given=full, random_state=0)
    for name in full.columns:
        assert cells(completed, name).to_list() == cells(full, name).to_list()


@pytest.mark.parametrize(
    ("kind", "y"),
    [
        (MaskedAutoencoderClassifier, [0, 1, -1] * 40),
        (MaskedAutoencoderRegressor, [0.0, 1.0, np.nan] * 40),
    ],
)
def test_classifier_and_regressor_pass_over_them(kind, y):
    X, full = frame_of("pandas"), make_frame("pandas", mixed_columns())
    model = fitted(kind, X, y, fine_tune_epochs=1)
    assert np.isfinite(model.predict(X)).all()
    assert_array_equal(model.predict(full), model.predict(X))
    assert np.isfinite(model.score(full, y))


@pytest.mark.parametrize(
    "params",
    [
        *({"scaling": s} for s in ("minmax", "robust", "quantile", "asinh", None)),
        {"scaling": "minmax", "output_activation": "sigmoid"},
        {"numerical_embedding": "piecewise_linear"},
        {"architecture": "attention", "hidden_layer_sizes": (16,)},
        {"mask_strategy": "copy", "mask_value": "swap"},
        {"mask_strategy": "block", "mask_value": "noise", "visible_weight": 1.0},
        {"early_stopping": True},
    ],
    ids=str,
)
def test_every_kind_of_fit_passes_over_them(params, wine):
    X = wine.copy()
    X[:, [3, 7]] = np.nan
    mae = fitted(MaskedAutoencoderTransformer, X, n_components=8, **params)
    assert np.isfinite(mae.transform(X)).all()
    assert np.isfinite(mae.score(X))
    assert np.isnan(mae.reconstruct(X)).all(axis=0).sum() == 2


@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust", "quantile"])
@pytest.mark.parametrize("patch_size", [None, 2])
def test_pixels_that_are_never_seen_do_not_move_the_common_scale(
    digits, scaling, patch_size
):
    X = digits[0][:200] + 100.0
    X[:, [0, 1, 8, 9, 20]] = np.nan  # a patch, and a pixel
    params = {"input_shape": (8, 8), "patch_size": patch_size, "scaling": scaling}
    mae = fitted(MaskedAutoencoderTransformer, X, n_components=8, **params)
    values = mae.model_.encode(X)
    seen = values[~np.isnan(values)]
    alone = fitted(
        MaskedAutoencoderTransformer,
        X,
        n_components=8,
        input_shape=(64,),
        scaling=scaling,
    )
    assert_array_equal(values, alone.model_.encode(X))
    if scaling == "standard":
        assert abs(seen.mean()) < 1e-4
        assert abs(seen.std() - 1) < 1e-4
    if scaling == "minmax":
        assert seen.min() == 0
        assert seen.max() == 1
    assert np.isnan(mae.reconstruct(X)).all(axis=0).sum() == 5


def test_a_single_column_with_values_is_learned_as_one_alone():
    X = np.random.default_rng(0).normal(size=(200, 1))
    alone = quick(max_epochs=60).fit(X)
    with pytest.warns(UserWarning, match="Column 1"):
        beside = quick(max_epochs=60).fit(np.c_[X, np.full(200, np.nan)])
    for mae, rows in ((alone, X), (beside, np.c_[X, np.full(200, np.nan)])):
        error = (mae.reconstruct(rows)[:, 0] - X[:, 0]) ** 2
        assert error.mean() < 0.1 * X.var()


def test_nothing_at_all_is_an_error():
    for kind in (
        MaskedAutoencoderTransformer,
        MaskedAutoencoderImputer,
        MaskedAutoencoderGenerator,
    ):
        for X in (np.full((9, 3), np.nan), pd.DataFrame({"a": [None] * 9})):
            with pytest.raises(ValueError, match="X has no observed value"):
                kind(**QUICK).fit(X)


def test_a_column_stays_unknown_in_later_passes(wine):
    X = wine.copy()
    X[:, 4] = np.nan
    with pytest.warns(UserWarning, match="Column 4"):
        mae = quick(max_epochs=1).partial_fit(X)
    mae.partial_fit(wine)
    assert np.isnan(mae.reconstruct(wine)[:, 4]).all()


def test_a_column_that_one_fold_lacks(frame_kind):
    """Cross-validation goes on, with a warning."""
    from sklearn.model_selection import cross_val_score

    missing = {"shirt": [r for r in range(120) if r >= 40]}
    X = make_frame(frame_kind, mixed_columns(), missing)
    with pytest.warns(UserWarning, match="Column 'shirt' of X has no observed value"):
        scores = cross_val_score(quick(max_epochs=1), X, cv=3)
    assert np.isfinite(scores).all()


def test_onnx_models_pass_over_them(wine, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    from skmae.onnx import export_onnx

    X = wine.copy()
    X[:, 4] = np.nan
    mae = fitted(MaskedAutoencoderTransformer, X, n_components=8)
    for method in ("transform", "score_samples"):
        export_onnx(mae, tmp_path / "model.onnx", method)
        model = runtime.InferenceSession(tmp_path / "model.onnx")
        of_model = model.run(None, {"X": wine})[0]
        expected = getattr(mae, method)(wine)
        np.testing.assert_allclose(of_model, expected, rtol=1e-4, atol=1e-4)


# -- imputer -----------------------------------------------------------------------


@pytest.mark.parametrize("names", [None, list("abc")])
def test_the_imputer_tells_what_it_drops_as_simple_imputer_does(names):
    X = np.random.default_rng(0).normal(size=(40, 3))
    X[:, 1] = np.nan
    X = X if names is None else pd.DataFrame(X, columns=names)
    told = []
    for imputer in (
        SimpleImputer(),
        MaskedAutoencoderImputer(n_members=2, **QUICK),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            imputer.fit(X)
            filled = imputer.transform(X)
        assert filled.shape == (40, 2)
        assert len(caught) == 1
        told.append(str(caught[0].message).split(".")[0])
    assert told[0] == told[1]
    assert told[0].startswith("Skipping features without any observed values")


def test_the_imputer_says_nothing_of_what_it_keeps():
    X = np.random.default_rng(0).normal(size=(40, 3))
    X[:, 1] = np.nan
    imputer = MaskedAutoencoderImputer(n_members=2, keep_empty_features=True, **QUICK)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filled = imputer.fit(X).transform(X)
        # what was seen stays
        full = imputer.transform(np.ones((2, 3)))
    assert_array_equal(filled[:, 1], 0)
    assert_array_equal(full, 1)
