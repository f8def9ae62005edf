"""Models of MLflow, in the formats of pickle and of skops, and as functions."""

import os

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmae import (
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderRegressor,
    MaskedAutoencoderTransformer,
    skops_trusted_types,
)

from .conftest import make_frame, mixed_columns, with_encoder

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
pytest.importorskip("mlflow")
mlflow_sklearn = pytest.importorskip("mlflow.sklearn")
pyfunc = pytest.importorskip("mlflow.pyfunc")
models = pytest.importorskip("mlflow.models")

# of what MLflow and its packages use, about themselves
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:mlflow"),
]

TINY = {"hidden_layer_sizes": (8,), "max_epochs": 1, "device": "cpu", "random_state": 0}
ROLES = {
    MaskedAutoencoderTransformer: "transform",
    MaskedAutoencoderImputer: "transform",
    MaskedAutoencoderDetector: "predict",
    MaskedAutoencoderGenerator: "score_samples",
    MaskedAutoencoderClassifier: "predict_proba",
    MaskedAutoencoderRegressor: "predict",
}
# Without it MLflow asks a package registry what to require.
REQUIRED = {"pip_requirements": ["skmae"]}


def estimator_of(role):
    params = {"fine_tune_epochs": 1} if hasattr(role(), "encoder") else {}
    return with_encoder(role, **TINY, **params)


@pytest.mark.parametrize("serialization", ["skops", "cloudpickle"])
@pytest.mark.parametrize(("role", "method"), ROLES.items())
def test_each_role_comes_back(role, method, serialization, tmp_path):
    frame = make_frame("pandas", mixed_columns(60), {"height": [3], "shirt": [4]})
    estimator = estimator_of(role).fit(frame, np.arange(60) % 2)
    expected = np.asarray(getattr(estimator, method)(frame))
    trusted = {}
    if serialization == "skops":
        trusted["skops_trusted_types"] = skops_trusted_types()
    mlflow_sklearn.save_model(
        estimator,
        str(tmp_path / "model"),
        serialization_format=serialization,
        pyfunc_predict_fn=method if method.startswith("predict") else "predict",
        **trusted,
        **REQUIRED,
    )
    loaded = mlflow_sklearn.load_model(str(tmp_path / "model"))
    assert type(loaded) is role
    assert_array_equal(np.asarray(getattr(loaded, method)(frame)), expected)
    if method.startswith("predict"):
        function = pyfunc.load_model(str(tmp_path / "model"))
        assert_array_equal(np.asarray(function.predict(frame)), expected)


def test_a_pipeline_with_a_signature(holey_wine, tmp_path):
    X = pd.DataFrame(holey_wine).rename(columns="column {}".format)
    y = np.array(["a", "b"], dtype=object)[np.arange(178) % 2]
    clf = estimator_of(MaskedAutoencoderClassifier)
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), clf)
    pipeline.fit(X, y)
    mlflow_sklearn.save_model(
        pipeline,
        str(tmp_path / "model"),
        serialization_format="skops",
        skops_trusted_types=skops_trusted_types(),
        signature=models.infer_signature(X, pipeline.predict(X)),
        **REQUIRED,
    )
    function = pyfunc.load_model(str(tmp_path / "model"))
    assert_array_equal(function.predict(X), pipeline.predict(X))
    with pytest.raises(Exception, match="column 0"):
        function.predict(X.drop(columns="column 0"))
