"""Exported as ONNX, answers are nearly the same."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import DBSCAN
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, RobustScaler, StandardScaler

from skmae import (
    DiffusionMap,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderRegressor,
    MaskedAutoencoderTransformer,
)

from .conftest import make_frame, mixed_columns, quick

runtime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from skmae.onnx import export_onnx  # noqa: E402

BRIEF = {"fine_tune_epochs": 2, "device": "cpu", "random_state": 0}


def classifier(**params):
    encoder = quick(max_epochs=2, **params)
    return MaskedAutoencoderClassifier(encoder, calibrate=False, **BRIEF)


def regressor(**params):
    return MaskedAutoencoderRegressor(quick(max_epochs=2, **params), **BRIEF)


def run(path, X):
    """Outputs of a model by name."""
    session = runtime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"X": X}), strict=True))


def opset_of(path):
    (version,) = [o.version for o in onnx.load(path).opset_import if o.domain == ""]
    return version


def assert_says_the_same(estimator, path, *rows):
    """All methods after which outputs are named give what the outputs are."""
    onnx.checker.check_model(onnx.load(path), full_check=True)
    for X in rows:
        for method, said in run(path, X).items():
            expected = getattr(estimator, method)(X)
            assert said.shape == expected.shape
            if method == "predict" and hasattr(estimator, "classes_"):
                assert_array_equal(said, expected)
                continue
            near = 1e-5 * np.abs(expected).max()
            assert_allclose(said, expected, rtol=1e-4, atol=near)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("transform", {"scaling": "asinh", "numerical_embedding": "piecewise_linear"}),
        ("score_samples", {"batch_norm": True, "mask_value": "learned"}),
        ("score_samples", {"mask_ratio": 0, "scaling": "minmax", "loss": "huber"}),
        ("transform", {"passthrough": True, "input_shape": (13,), "channel_axis": 0}),
        ("transform", {"architecture": "attention", "passthrough": False}),
        ("transform", {"architecture": "attention", "pooling": "mean"}),
        ("score_samples", {"architecture": "attention"}),
    ],
)
def test_a_transformer(wine, holey_wine, tmp_path, method, params):
    mae = quick(**params).fit(holey_wine)
    before = mae.transform(wine)
    export_onnx(mae, tmp_path / "model.onnx", method)
    rows = wine, holey_wine, wine[:1], wine * 1e6, np.full((2, 13), np.nan)
    assert list(run(tmp_path / "model.onnx", wine)) == [method]
    assert_says_the_same(mae, tmp_path / "model.onnx", *rows)
    assert_array_equal(mae.transform(wine), before)


def test_the_opset_is_that_asked_for(wine, tmp_path):
    """Below also of pipelines, from the first to the last."""
    mae = quick(architecture="attention", max_epochs=1).fit(wine)
    export_onnx(mae, tmp_path / "model.onnx", opset=22)
    assert opset_of(tmp_path / "model.onnx") == 22
    assert_says_the_same(mae, tmp_path / "model.onnx", wine)


@pytest.mark.parametrize("opset", [17, 23, "20", None, 20.0])
def test_an_opset_that_cannot_be_written_is_refused(wine, tmp_path, opset):
    mae = quick(max_epochs=1).fit(wine)
    with pytest.raises(ValueError, match="opset must be an integer between 18 and 22"):
        export_onnx(mae, tmp_path / "model.onnx", opset=opset)


@pytest.mark.parametrize(
    ("classes", "params"),
    [
        (np.array(["rot", "grün", "weiß"], dtype=object), {"scaling": "asinh"}),
        (np.array([-7, 0, 2**40]), {"architecture": "attention"}),
        (np.array([True, False, True]), {"mask_value": "learned"}),
        (np.array([0.0, 2.0, 4.0]), {}),
    ],
    ids=["strings", "integers", "booleans", "floats"],
)
def test_a_classifier_gives_classes_and_probabilities(
    wine, holey_wine, tmp_path, classes, params
):
    y = classes[np.arange(178) % 3]
    clf = classifier(**params).set_params(missing_label=None).fit(holey_wine, y)
    export_onnx(clf, tmp_path / "model.onnx")
    said = run(tmp_path / "model.onnx", wine)
    assert list(said) == ["predict", "predict_proba"]
    assert said["predict"].dtype == clf.predict(wine).dtype
    rows = wine, holey_wine, wine[:1], wine * 1e6, np.full((2, 13), np.nan)
    assert_says_the_same(clf, tmp_path / "model.onnx", *rows)


@pytest.mark.parametrize("n_outputs", [0, 1, 2])
def test_a_regressor_gives_targets_in_their_units(
    wine, holey_wine, tmp_path, n_outputs
):
    y = 1e4 + 1e3 * (wine[:, :n_outputs] if n_outputs else wine[:, 0])
    reg = regressor().fit(holey_wine, y)
    export_onnx(reg, tmp_path / "model.onnx")
    assert list(run(tmp_path / "model.onnx", wine)) == ["predict"]
    assert_says_the_same(reg, tmp_path / "model.onnx", wine, holey_wine, wine[:1])


@pytest.mark.filterwarnings("ignore:Column 3 of X has no observed value")
def test_categories_that_are_numbers(tmp_path):
    columns = mixed_columns(60)
    shirts = np.array([{"S": 10.0, "M": -3.5, "L": 4.0}[s] for s in columns["shirt"]])
    # one column of nothing, and a column that is numeric between two that are not
    X = np.column_stack([shirts, columns["height"], columns["tall"], [np.nan] * 60])
    X[3, 0] = X[4, 1] = X[5, 2] = np.nan
    mae = quick(categorical_features=[0, 2, 3], scaling="asinh").fit(X)
    export_onnx(mae, tmp_path / "model.onnx")
    unknown = X[:9].copy()
    unknown[:, 0], unknown[:, 3] = 5.0, 1.0
    assert_says_the_same(mae, tmp_path / "model.onnx", X, unknown)
    with pytest.raises(ValueError, match=r"column 0 is categorical"):
        export_onnx(mae, tmp_path / "model.onnx", "score_samples")


# -- pipelines ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pipeline", "opset"),
    [
        (make_pipeline(quick(max_epochs=2), LogisticRegression(max_iter=2000)), 18),
        (make_pipeline(quick(max_epochs=2), StandardScaler(), PCA(3)), 22),
        (make_pipeline(RobustScaler(), classifier()), 20),
        (make_pipeline(StandardScaler(), PCA(5), regressor()), 20),
        (make_pipeline(StandardScaler(), quick(max_epochs=2)), 20),
    ],
    ids=["first", "first of three", "classifier", "regressor", "transformer"],
)
def test_a_pipeline_is_one_model(wine, tmp_path, pipeline, opset):
    pytest.importorskip("skl2onnx")
    y = np.array(["a", "b", "c"], dtype=object)[np.arange(178) % 3]
    if isinstance(pipeline[-1], MaskedAutoencoderRegressor):
        y = wine[:, 0]
    pipeline.fit(wine, y)
    export_onnx(pipeline, tmp_path / "model.onnx", opset=opset)
    methods = {"predict", "predict_proba", "transform"}
    expected = {name for name in methods if hasattr(pipeline, name)}
    assert run(tmp_path / "model.onnx", wine).keys() == expected
    assert opset_of(tmp_path / "model.onnx") == opset
    assert_says_the_same(pipeline, tmp_path / "model.onnx", wine, wine[:1])


def test_strings_become_numbers_in_a_pipeline_that_skl2onnx_exports():
    """Of a frame, with an input for each column; our converters are registered."""
    skl2onnx = pytest.importorskip("skl2onnx")
    frame = pd.DataFrame(mixed_columns(60)).drop(columns=["shoe", "tall"])
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    encode = make_column_transformer((ordinal, ["shirt"]), remainder="passthrough")
    clf = classifier(categorical_features=[0])
    pipeline = make_pipeline(encode, clf).fit(frame, np.arange(60) % 2)
    model = skl2onnx.to_onnx(pipeline, frame, options={id(clf): {"zipmap": False}})
    session = runtime.InferenceSession(model.SerializeToString())
    columns = {name: frame[[name]].to_numpy() for name in frame}
    labels, probabilities = session.run(None, columns)
    assert_array_equal(labels, pipeline.predict(frame))
    assert_allclose(probabilities, pipeline.predict_proba(frame), atol=1e-5)


def test_columns_of_their_own_are_put_side_by_side(wine):
    skl2onnx = pytest.importorskip("skl2onnx")
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    X = np.rint(wine[:, :3])
    mae = quick(max_epochs=1).fit(X)
    inputs = [("a", FloatTensorType([None, 2])), ("b", Int64TensorType([None, 1]))]
    model = skl2onnx.to_onnx(mae, initial_types=inputs)
    session = runtime.InferenceSession(model.SerializeToString())
    rows = {"a": X[:, :2].astype(np.float32), "b": X[:, 2:].astype(np.int64)}
    (codes,) = session.run(None, rows)
    assert codes.dtype == np.float32
    assert_allclose(codes, mae.transform(X), atol=1e-4)


# -- what is refused ---------------------------------------------------------------


def test_what_onnx_cannot_express_is_refused(wine, tmp_path):
    path = tmp_path / "model.onnx"
    mixed = quick(max_epochs=1).fit(make_frame("pandas", mixed_columns(60)))
    with pytest.raises(ValueError, match=r"column 3 holds 'L'. Fit to columns that"):
        export_onnx(mixed, path)
    mae = quick(scaling="quantile", max_epochs=1).fit(wine)
    with pytest.raises(ValueError, match="scaling='quantile'"):
        export_onnx(mae, path)
    with pytest.raises(ValueError, match="method must be one of"):
        export_onnx(quick(max_epochs=1).fit(wine), path, "fit")
    tokens = MaskedAutoencoderTransformer(
        analyzer="char", hidden_layer_sizes=(8,), max_epochs=1
    )
    with pytest.raises(ValueError, match="rows of one length"):
        export_onnx(tokens.fit(["abc", "abd"] * 9), path)
    with pytest.raises(TypeError, match=r"or a Pipeline. Got DiffusionMap"):
        export_onnx(DiffusionMap(), path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (MaskedAutoencoderDetector, "search for the nearest training rows"),
        (MaskedAutoencoderImputer, "solves the linear equations of a Gaussian"),
        (MaskedAutoencoderGenerator, "draws at random"),
    ],
)
def test_roles_that_are_not_exported_say_why(wine, tmp_path, kind, reason):
    pytest.importorskip("skl2onnx")
    estimator = kind(
        hidden_layer_sizes=(8,), max_epochs=1, device="cpu", random_state=0
    ).fit(wine)
    for refused in (estimator, make_pipeline(StandardScaler(), estimator).fit(wine)):
        with pytest.raises(
            TypeError, match=f"does not take a {kind.__name__}.*{reason}"
        ):
            export_onnx(refused, tmp_path / "model.onnx")


def test_steps_that_skl2onnx_does_not_know_are_refused(wine, tmp_path):
    pytest.importorskip("skl2onnx")
    pipeline = make_pipeline(quick(max_epochs=1), DBSCAN()).fit(wine)
    with pytest.raises(ValueError, match=r"a converter for each step.*DBSCAN"):
        export_onnx(pipeline, tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="None for a Pipeline"):
        export_onnx(pipeline, tmp_path / "model.onnx", "transform")
