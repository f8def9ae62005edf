"""Features of random walks, which stand behind the codes of images."""

import pickle

import numpy as np
import onnxruntime
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from skmae import MaskedAutoencoderClassifier
from skmae.data import encoded_rows
from skmae.features import walks
from skmae.onnx import export_onnx

from ..conftest import quick

WIDTH = 256  # of the code of small images


def images(**params):
    """A transformer of digits that gives what stands behind their codes."""
    return quick(**({"n_components": "auto", "input_shape": (8, 8)} | params))


@pytest.fixture(scope="module")
def few(digits):
    """150 images."""
    return digits[0][:150]


@pytest.fixture(scope="module")
def fitted(few):
    return images().fit(few)


def test_few_labels_go_further_and_many_as_far(digits):
    X, y = digits
    few_labels, all_labels = [], []
    for seed in range(3):
        split = train_test_split(X, y, test_size=0.4, stratify=y, random_state=seed)
        train, test, y_train, y_test = split
        mae = images(max_epochs=80, hidden_layer_sizes="auto", random_state=seed)
        features, new = mae.fit_transform(train), mae.transform(test)
        rng = np.random.default_rng(seed)
        of_classes = [np.flatnonzero(y_train == label) for label in range(10)]
        draws = [
            np.concatenate([rng.choice(rows, 10) for rows in of_classes])
            for _ in range(5)
        ]
        for gains, rows in (
            *((few_labels, rows) for rows in draws),
            (all_labels, np.arange(len(train))),
        ):
            scores = [
                LogisticRegression(max_iter=500)
                .fit(features[rows, :width], y_train[rows])
                .score(new[:, :width], y_test)
                for width in (None, WIDTH)
            ]
            gains.append(scores[0] - scores[1])
    assert np.mean(few_labels) > 0.005
    assert np.mean(all_labels) > -0.005


def test_they_stand_behind_the_code_and_leave_it_alone(few, fitted):
    features = fitted.transform(few)
    assert (fitted.n_components_, fitted.n_walk_features_) == (WIDTH, 64)
    assert features.shape == (150, WIDTH + 64)
    assert len(fitted.get_feature_names_out()) == WIDTH + 64
    alone = images(n_components=WIDTH).fit(few)
    assert alone.n_walk_features_ == 0
    assert_array_equal(alone.transform(few), features[:, :WIDTH])
    assert_array_equal(
        fitted.inverse_transform(features), alone.inverse_transform(features[:, :WIDTH])
    )
    message = "n_components_ = 256 features, or 320 as transform gives them"
    with pytest.raises(ValueError, match=message):
        fitted.inverse_transform(features[:, :300])


def test_they_vary_together_as_much_as_the_code(digits):
    X = digits[0][:600]
    features = images(max_epochs=100).fit_transform(X)
    code, behind = np.split(features.var(axis=0), [WIDTH])
    assert 0.75 < behind.sum() / code.sum() < 1.05


def test_they_do_not_depend_on_other_rows_and_are_saved(few, fitted):
    features = fitted.transform(few)
    for k in (1, 7):
        assert_array_equal(fitted.transform(few[:k]), features[:k])
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).transform(few), features)
    assert_array_equal(images().fit(few).transform(few), features)


def test_cells_stand_behind_them(few):
    mae = images(passthrough=True).fit(few)
    assert mae.transform(few).shape == (150, WIDTH + 64 + 64)
    assert mae.get_feature_names_out()[[WIDTH + 63, WIDTH + 64]].tolist() == [
        "maskedautoencodertransformer319",
        "x0",
    ]


@pytest.mark.parametrize("params", [{}, {"architecture": "attention", "patch_size": 2}])
def test_onnx_has_them(few, tmp_path, params):
    sizes = {"hidden_layer_sizes": (32,)}
    mae = images(**sizes, **params).fit(few)
    export_onnx(mae, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (said,) = session.run(None, {"X": few})
    features = mae.transform(few)
    assert np.ptp(features[:, WIDTH:], axis=0).min() > 0
    near = 1e-5 * np.abs(features).max()
    assert_allclose(said, features, rtol=1e-4, atol=near)


@pytest.mark.parametrize("n_rows", [2, 3, 20])
def test_few_rows(few, n_rows):
    features = images().fit_transform(few[:n_rows])
    assert features.shape == (n_rows, WIDTH + 64)
    assert np.isfinite(features).all()
    assert features[:, WIDTH:].any() == (n_rows > 2)


def test_equal_rows_have_none(few):
    features = images().fit_transform(np.repeat(few[:1], 20, axis=0))
    assert_allclose(features[:, WIDTH:], 0.0, atol=1e-6)


def test_missing_cells(few):
    holey = few.copy()
    holey[np.random.default_rng(0).random(few.shape) < 0.2] = np.nan
    assert np.isfinite(images().fit_transform(holey)).all()


def test_they_are_learned_from_some_of_many_rows(few, monkeypatch):
    seen = []

    class Seen(walks.NeighbourGraph):
        def __init__(self, codes):
            seen.append(len(codes))
            super().__init__(codes)

    monkeypatch.setattr(walks, "NeighbourGraph", Seen)
    monkeypatch.setattr(walks, "_LEAST_ROWS", 100)
    images(max_epochs=1).fit(few)
    in_memory = images(max_epochs=1).fit(few).transform(few)
    assert seen == [100, 100]
    monkeypatch.setattr(encoded_rows, "LARGE_CELLS", 1000)
    stored = images(max_epochs=1).fit(few)
    assert seen == [100, 100, 100]
    assert stored.transform(few).shape == in_memory.shape


def test_further_passes_learn_them_anew(few):
    mae = images().partial_fit(few)
    before = mae.transform(few)
    assert before[:, WIDTH:].any()
    after = mae.partial_fit(few[:100]).transform(few)
    assert not np.allclose(after[:, WIDTH:], before[:, WIDTH:])


def test_a_warm_start_keeps_them(few):
    mae = images(warm_start=True).fit(few)
    assert mae.set_params(n_components=WIDTH).fit(few).n_walk_features_ == 64
    alone = images(warm_start=True, n_components=WIDTH).fit(few)
    assert alone.set_params(n_components="auto").fit(few).n_walk_features_ == 0


def test_a_classifier_does_not_learn_what_it_does_not_read(few, digits, monkeypatch):
    def fail(model, codes, n_steps):
        raise AssertionError("learned")

    monkeypatch.setattr(walks, "_learned", fail)
    classifier = MaskedAutoencoderClassifier(images(), fine_tune_epochs=1)
    classifier.fit(few, digits[1][:150])
    assert classifier.encoder_.n_walk_features_ == 0
    assert classifier.encoder_.transform(few).shape == (150, WIDTH)


def test_a_classifier_begins_with_a_transformer_that_has_them(few, digits, fitted):
    frozen = FrozenEstimator(fitted)
    classifier = MaskedAutoencoderClassifier(frozen, fine_tune_epochs=1)
    classifier.fit(few, digits[1][:150])
    assert classifier.n_components_ == WIDTH
    again = pickle.loads(pickle.dumps(classifier))
    assert_array_equal(again.predict_proba(few), classifier.predict_proba(few))
