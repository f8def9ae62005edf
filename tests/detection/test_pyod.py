"""The adapter to PyOD in the user guide is a detector of PyOD's."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skmae import MaskedAutoencoderDetector

from .test_detector import bound_columns

pytest.importorskip("pyod")
PAGE = Path(__file__).parents[2] / "docs" / "user_guide" / "pyod.md"
QUICK = {"n_members": 2, "max_epochs": 5, "device": "cpu", "random_state": 0}


@pytest.fixture(scope="module")
def adapter():
    """The class that the page defines."""
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL).group(1)
    namespace: dict = {}
    exec(compile(code, PAGE.name, "exec"), namespace)
    return namespace["MaskedAutoencoder"]


@pytest.fixture(scope="module")
def fitted(adapter):
    return adapter(contamination=0.2, **QUICK).fit(bound_columns(100))


def test_scores_are_those_of_the_detector_with_the_sign_of_pyod(fitted):
    X = bound_columns(100)
    detector = MaskedAutoencoderDetector(**QUICK).fit(X)
    assert_array_equal(fitted.decision_scores_, -detector.score_samples(X))
    new = bound_columns(20, seed=1)
    assert_array_equal(fitted.decision_function(new), -detector.score_samples(new))


def test_labels_and_probabilities(fitted):
    far = np.full((1, 6), 30.0)
    assert fitted.labels_.sum() == 20
    assert_array_equal(fitted.predict(far), [1])
    assert_array_equal(fitted.predict_proba(far).round(6), [[0, 1]])
    assert_array_equal(fitted.predict(bound_columns(100)), fitted.labels_)


def test_parameters_are_named(adapter):
    model = adapter(training_data="clean", **QUICK)
    assert clone(model).get_params() == model.get_params()
    assert model.get_params()["training_data"] == "clean"
    model.set_params(n_neighbors=3)
    detector = model.fit(bound_columns(40)).detector_
    parameters = detector.get_params()
    for name, value in model.get_params().items():
        if name != "contamination":
            assert parameters[name] == value


def test_it_stands_among_detectors_of_pyod(adapter, fitted):
    from pyod.models.knn import KNN
    from pyod.utils.utility import standardizer

    X, new = bound_columns(100), np.concatenate([np.zeros((1, 6)), np.full((1, 6), 9)])
    models = [KNN().fit(X), fitted]
    train = np.stack([model.decision_scores_ for model in models], axis=1)
    scores = np.stack([model.decision_function(new) for model in models], axis=1)
    _, scores = standardizer(train, scores)
    assert scores.mean(axis=1).argmax() == 1
