"""MaskedAutoencoderClassifier, as its users see it."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.decomposition import PCA
from sklearn.exceptions import DataConversionWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmae import MaskedAutoencoderClassifier, MaskedAutoencoderTransformer
from tests.conftest import quick
from tests.semi_supervised.test_semi_supervised import small


def few(y, per_class, seed, mark=-1):
    """Keep so many labels of each class and lose the others."""
    rng = np.random.default_rng(seed)
    kept = np.concatenate(
        [rng.choice(np.flatnonzero(y == c), per_class, replace=False) for c in set(y)]
    )
    marked = np.full(len(y), mark, dtype=object if mark is None else None)
    marked[kept] = y[kept]
    return marked


@pytest.fixture(scope="module")
def pretrained_digits(digits):
    """Digits in two halves, and a transformer fitted to the first."""
    X, X_test, y, y_test = train_test_split(*digits, test_size=0.5, random_state=0)
    mae = quick(n_components=128, hidden_layer_sizes=(128,), max_epochs=60)
    return mae.fit(X), X, X_test, y, y_test


@pytest.fixture(scope="module")
def compared(pretrained_digits):
    """Accuracy and log-loss over draws of ten labels per class, by method."""
    mae, X, X_test, y, y_test = pretrained_digits
    untrained = quick(
        n_components=128, hidden_layer_sizes=(128,), max_epochs=1, lr=1e-30
    ).fit(X)
    figures = {name: [] for name in ("fine-tuned", "labels only", "scratch", "codes")}
    for draw in range(2):
        y_few = few(y, 10, draw)
        labelled = y_few >= 0

        def note(name, model, X_test):
            proba = model.predict_proba(X_test)
            accuracy = (proba.argmax(axis=1) == y_test).mean()
            figures[name].append((accuracy, log_loss(y_test, proba)))

        for name, encoder, self_training in [
            ("fine-tuned", mae, True),
            ("labels only", mae, False),
            ("scratch", untrained, False),
        ]:
            model = MaskedAutoencoderClassifier(
                FrozenEstimator(encoder),
                self_training=self_training,
                device="cpu",
                random_state=draw,
            )
            note(name, model.fit(X, y_few), X_test)
        model = LogisticRegression(max_iter=2000)
        model.fit(mae.transform(X[labelled]), y[labelled])
        note("codes", model, mae.transform(X_test))
    return {name: np.mean(rows, axis=0) for name, rows in figures.items()}


def test_unlabelled_rows_help_where_labels_are_few(compared):
    assert compared["fine-tuned"][0] > 0.925
    assert compared["fine-tuned"][0] > compared["labels only"][0] + 0.01
    assert compared["fine-tuned"][0] > compared["scratch"][0] + 0.03
    assert compared["fine-tuned"][0] > compared["codes"][0]


def test_probabilities_are_calibrated(compared):
    assert compared["fine-tuned"][1] < 0.75 * compared["scratch"][1]
    assert compared["fine-tuned"][1] < compared["labels only"][1]
    assert compared["fine-tuned"][1] < 0.3


def test_probabilities(wine):
    y = load_wine().target
    clf = small("classifier").fit(wine, few(y, 20, 0))
    proba = clf.predict_proba(wine)
    assert proba.dtype == np.float64
    assert_allclose(proba.sum(axis=1), 1)
    assert_allclose(np.exp(clf.predict_log_proba(wine)), proba)
    assert_array_equal(clf.predict(wine), proba.argmax(axis=1))


# -- labels ------------------------------------------------------------------------


def test_string_labels(wine):
    y = load_wine().target_names[load_wine().target].astype(object)
    by_none = small("classifier").fit(wine, few(y, 20, 0, mark=None))
    assert by_none.classes_.tolist() == ["class_0", "class_1", "class_2"]
    assert set(by_none.predict(wine)) <= set(by_none.classes_)
    y_few = few(y, 20, 0, mark=None)
    y_few[y_few == None] = -1  # noqa: E711
    by_number = small("classifier").fit(wine, y_few)
    assert_array_equal(by_number.predict_proba(wine), by_none.predict_proba(wine))
    assert by_none.score(wine, y) > 0.8


def test_signs_and_all_labels():
    X, y = load_breast_cancer(return_X_y=True)
    clf = small("classifier").fit(X, 2 * y - 1)
    assert_array_equal(clf.classes_, [-1, 1])
    assert clf.score(X, 2 * y - 1) > 0.9
    assert clf.pool_weights_ is None


@pytest.fixture(scope="module")
def exclusive():
    """Rows whose class no linear model finds, and a transformer fitted to them."""
    X = np.random.default_rng(0).normal(size=(1500, 4))
    y = (X[:, 0] > 0) ^ (X[:, 1] > 0)
    mae = quick(hidden_layer_sizes=(32,), max_epochs=2).fit(X[:300])
    return FrozenEstimator(mae), X, y.astype(int)


def test_teaching_costs_nothing_where_only_networks_know(exclusive):
    encoder, X, y = exclusive
    y_few = np.where(np.arange(300) < 100, y[:300], -1)
    accuracy = {}
    for self_training in (True, False):
        clf = MaskedAutoencoderClassifier(
            encoder,
            self_training=self_training,
            calibrate=False,
            missing_label=-1,
            random_state=0,
        ).fit(X[:300], y_few)
        accuracy[self_training] = clf.score(X[300:], y[300:])
    assert accuracy[False] > 0.8
    assert accuracy[True] > accuracy[False] - 0.01


def test_networks_teach_where_they_differ_from_their_codes_and_many_rows(exclusive):
    encoder, X, y = exclusive
    hidden = np.arange(300) % 4 == 0
    y_few = np.where(hidden, -1, y[:300])
    y_most = np.where(np.arange(300) < 20, -1, y[:300])
    for y_known, freeze_encoder, n_teachers in [
        (y_few, False, 4),
        (y_few, True, 3),
        (y_most, False, 3),
    ]:
        clf = small(
            "classifier", encoder, freeze_encoder=freeze_encoder, missing_label=-1
        ).fit(X[:300], y_known)
        assert clf.pool_weights_.shape == (n_teachers,)


def test_networks_do_not_teach_images(exclusive):
    _, X, y = exclusive
    encoder = quick(input_shape=(2, 2), hidden_layer_sizes=(16,), max_epochs=2)
    y_few = np.where(np.arange(300) % 4 == 0, -1, y[:300])
    clf = small("classifier", encoder, missing_label=-1).fit(X[:300], y_few)
    assert clf.pool_weights_.shape == (3,)


def test_score_leaves_unlabelled_rows_out(wine):
    y = load_wine().target
    y_few = few(y, 15, 0)
    clf = small("classifier").fit(wine, y_few)
    known = y_few >= 0
    left_out = r"leaves out 133 of 178 samples.*missing_label='auto'"
    with pytest.warns(UserWarning, match=left_out):
        assert clf.score(wine, y_few) == clf.score(wine[known], y[known])
    weight = np.where(known, np.arange(len(y)), 1e6)
    with pytest.warns(UserWarning, match=left_out):
        assert clf.score(wine, y_few, weight) == pytest.approx(
            clf.score(wine[known], y[known], weight[known])
        )
    by_frame = pd.Series(np.where(known, y, pd.NA), dtype="Int64")
    with pytest.warns(UserWarning, match=left_out):
        assert clf.score(wine, by_frame) == clf.score(wine[known], y[known])
    with pytest.raises(ValueError, match=r"no label.*missing_label='auto'"):
        clf.score(wine, np.full(len(y), -1))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clf.score(wine, y_few, weight[1:])
    with (
        pytest.warns(UserWarning, match=left_out),
        pytest.raises(ValueError, match="at least one non-zero number"),
    ):
        clf.score(wine, y_few, np.where(known, 0, 1))
    with (
        pytest.warns(UserWarning, match=left_out),
        pytest.warns(DataConversionWarning, match="column-vector"),
    ):
        assert clf.score(wine, y_few[:, None]) == clf.score(wine[known], y[known])


@pytest.mark.parametrize("dtype", ["str", "string", "category", object])
def test_series_of_strings(wine, dtype):
    names = load_wine().target_names[load_wine().target]
    unlabelled = np.arange(len(names)) % 3 > 0
    y = pd.Series(names, index=np.arange(len(names)) + 1000).astype(dtype)
    y[unlabelled] = None
    by_none = small("classifier").fit(wine, y)
    assert by_none.classes_.tolist() == ["class_0", "class_1", "class_2"]
    assert by_none.n_unlabelled_ == unlabelled.sum()
    marked = pd.Series(np.where(unlabelled, "-1", names), index=y.index).astype(dtype)
    with pytest.raises(ValueError, match=r"holds the string '-1'.*missing_label"):
        small("classifier").fit(wine, marked)
    with pytest.raises(ValueError, match=r"holds the string '-1'.*missing_label"):
        by_none.score(wine, marked)
    by_string = small("classifier", missing_label="-1").fit(wine, marked)
    assert by_string.classes_.tolist() == by_none.classes_.tolist()
    assert by_string.n_unlabelled_ == unlabelled.sum()
    assert_array_equal(by_string.predict_proba(wine), by_none.predict_proba(wine))
    with pytest.warns(UserWarning, match="missing_label='-1'"):
        score = by_string.score(wine, marked)
    assert score == by_none.score(wine[~unlabelled], names[~unlabelled])


def test_minus_one_is_a_class_if_one_says_so(wine):
    sentiment = load_wine().target - 1
    with pytest.warns(UserWarning, match="59 of 178 labels of y are -1"):
        two = small("classifier").fit(wine, sentiment)
    assert_array_equal(two.classes_, [0, 1])
    assert two.n_unlabelled_ == 59
    with pytest.warns(UserWarning, match=r"leaves out 59 of 178 .*missing_label=None"):
        two.score(wine, sentiment)
    three = small("classifier", missing_label=None).fit(wine, sentiment)
    assert_array_equal(three.classes_, [-1, 0, 1])
    assert three.n_unlabelled_ == 0
    assert set(three.predict(wine)) == {-1, 0, 1}
    right = (three.predict(wine) == sentiment).mean()
    assert three.score(wine, sentiment) == pytest.approx(right)
    weight = np.arange(len(wine)) % 2
    with pytest.warns(UserWarning, match="29 of 89 labels of y are -1"):
        assert two.fit(wine, sentiment, weight).n_unlabelled_ == 29


def test_one_label_per_class_is_enough(wine):
    y = load_wine().target
    clf = small("classifier", max_epochs=20, fine_tune_epochs=20)
    clf.fit(wine, few(y, 1, 0))
    assert clf.score(wine, y) > 0.6


# -- weights -----------------------------------------------------------------------


def noisy_halves(seed):
    """Two classes of which two labels in five are wrong, and which ones."""
    X, y = load_breast_cancer(return_X_y=True)
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(y)) < 0.4
    return X, y, np.where(wrong, 1 - y, y), wrong


def test_sample_weights_count():
    gains = []
    for seed in range(3):
        X, y, noisy, wrong = noisy_halves(seed)
        weight = np.where(wrong, 0.05, 1.0)
        heard = small("classifier", random_state=seed).fit(X, noisy)
        weighed = small("classifier", random_state=seed).fit(X, noisy, weight)
        gains.append(weighed.score(X, y) - heard.score(X, y))
        assert weighed.score(X, y) > 0.9
    assert np.mean(gains) > 0.02


def test_weight_zero_is_absence():
    X, _y, noisy, wrong = noisy_halves(0)
    weight = np.where(wrong, 0.0, 1.0)
    by_weight = small("classifier").fit(X, noisy, weight)
    by_absence = small("classifier").fit(X[~wrong], noisy[~wrong])
    assert_array_equal(by_weight.predict_proba(X), by_absence.predict_proba(X))


def test_repeated_rows_and_weights_agree_on_average():
    X, y = load_breast_cancer(return_X_y=True)
    X = X + np.random.default_rng(0).normal(size=X.shape) * 3 * X.std(axis=0)
    X, X_test, y, _y_test = train_test_split(X, y, random_state=0)
    times = np.where(y == 1, 6, 1)
    rows = np.repeat(np.arange(len(X)), times)
    proba = {"weighted": [], "repeated": [], "plain": []}
    for seed in range(2):
        clf = small("classifier", random_state=seed)
        proba["weighted"].append(clf.fit(X, y, times).predict_proba(X_test))
        proba["repeated"].append(clf.fit(X[rows], y[rows]).predict_proba(X_test))
        proba["plain"].append(clf.fit(X, y).predict_proba(X_test))
    mean = {name: np.mean(p, axis=0)[:, 1] for name, p in proba.items()}
    apart = np.abs(mean["weighted"] - mean["repeated"]).mean()
    assert apart < 0.5 * np.abs(mean["plain"] - mean["repeated"]).mean()


def test_class_weights_move_the_line():
    X, y = load_breast_cancer(return_X_y=True)
    rng = np.random.default_rng(0)
    kept = np.r_[
        rng.choice(np.flatnonzero(y == 1), 200, replace=False),
        rng.choice(np.flatnonzero(y == 0), 10, replace=False),
    ]
    noisy = X + rng.normal(size=X.shape) * 2 * X.std(axis=0)
    shares = {}
    for name, weights in {
        "none": None,
        "balanced": "balanced",
        "dict": {0: 20.0},
        "other dict": {1: 20.0},
    }.items():
        clf = small("classifier", class_weight=weights, max_epochs=20)
        clf.fit(noisy[kept], y[kept])
        shares[name] = (clf.predict(noisy) == 0).mean()
    assert shares["other dict"] <= shares["none"] < shares["balanced"]
    assert shares["none"] < shares["dict"]


def test_class_weights_count_among_few_labels():
    X, y = load_breast_cancer(return_X_y=True)
    noisy = X + np.random.default_rng(0).normal(size=X.shape) * 2 * X.std(axis=0)
    y_few = np.where(np.arange(len(y)) % 4 == 0, y.astype(float), np.nan)
    light, heavy = (
        small("classifier", class_weight={0: weight}).fit(noisy, y_few)
        for weight in (0.1, 10.0)
    )
    assert (light.predict(noisy) == 0).mean() < (heavy.predict(noisy) == 0).mean() - 0.1


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: -1, 1: 1}, "numbers of at least 0. Got -1 for class 0"),
        ({1: np.nan}, "numbers of at least 0. Got nan for class 1"),
        ({2: "heavy"}, "numbers of at least 0. Got 'heavy' for class 2"),
        ({0: 0, 1: 0.0, 2: 0}, r"some class a positive weight. Got 0 .* \[0, 1, 2\]"),
    ],
)
def test_class_weights_that_are_none_are_refused(wine, class_weight, message):
    clf = small("classifier", class_weight=class_weight)
    with pytest.raises(ValueError, match=f"'class_weight' parameter must .*{message}"):
        clf.fit(wine, load_wine().target)


def test_labels_of_another_type_have_no_score(wine):
    y = load_wine().target
    clf = small("classifier").fit(wine, y)
    with pytest.raises(ValueError, match="y holds strings, such as '0', but the class"):
        clf.score(wine, y.astype(str))
    clf.fit(wine, y.astype(str))
    with pytest.raises(ValueError, match="y holds numbers, such as 0, but the classes"):
        clf.score(wine, y)


def test_divergence_names_the_rate_of_fine_tuning(wine):
    clf = small("classifier", fine_tune_lr=1e12)
    with pytest.raises(ValueError, match=r"Training diverged.* Lower fine_tune_lr"):
        clf.fit(wine, load_wine().target)


# -- in company --------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:score leaves out:UserWarning")
def test_grid_search_over_partly_labelled_rows(wine):
    y_few = few(load_wine().target, 20, 0)
    mae = small("classifier").fit(wine, y_few)
    grid = {"fine_tune_mask_ratio": [0.0, 0.4], "freeze_encoder": [True, False]}
    search = GridSearchCV(small("classifier", max_epochs=20), grid, cv=3).fit(
        wine, y_few
    )
    assert search.best_score_ > 0.75
    transformer = MaskedAutoencoderTransformer(
        16, hidden_layer_sizes=(32,), max_epochs=20, device="cpu", random_state=0
    ).fit(wine)
    given = small("classifier", FrozenEstimator(transformer))
    assert cross_val_score(given, wine, y_few, cv=3).mean() > 0.75
    pipeline = make_pipeline(FunctionTransformer(), small("classifier"))
    assert_array_equal(
        pipeline.fit(wine, y_few).predict_proba(wine), mae.predict_proba(wine)
    )


def test_images(digits):
    images, y = digits[0].reshape(-1, 8, 8)[:500], digits[1][:500]
    clf = small("classifier", input_shape=(8, 8), patch_size=2, max_epochs=20)
    clf.set_params(fine_tune_epochs=20).fit(images, few(y, 20, 0))
    assert clf.score(images, y) > 0.8


def test_one_label_for_each_kind_of_image_goes_as_far_as_its_features(digits):
    images, y = digits[0][:800].reshape(-1, 8, 8), digits[1][:800]
    wide = {"n_components": "auto", "hidden_layer_sizes": "auto"}
    encoder = quick(input_shape=(8, 8), max_epochs=40, **wide).fit(images)
    features = encoder.transform(images)
    by_network, by_features = [], []
    for draw in range(3):
        y_few = few(y, 1, draw)
        clf = MaskedAutoencoderClassifier(
            FrozenEstimator(encoder), fine_tune_epochs=8, random_state=0
        )
        by_network.append(clf.fit(images, y_few).score(images, y))
        logistic = LogisticRegression(max_iter=500)
        logistic.fit(features[y_few >= 0], y_few[y_few >= 0])
        by_features.append(logistic.score(features, y))
    assert np.mean(by_network) > np.mean(by_features) - 0.01


def test_images_with_attention(digits):
    images, y = digits[0].reshape(-1, 8, 8)[:500], digits[1][:500]
    clf = small("classifier", input_shape=(8, 8), patch_size=2, max_epochs=20)
    clf.set_params(encoder__architecture="attention", fine_tune_epochs=20)
    clf.fit(images, few(y, 20, 0))
    assert clf.score(images, y) > 0.6
    assert_array_equal(clf.predict_proba(images[:3]), clf.predict_proba(images)[:3])


def test_checkpoints_of_pretraining(digits, tmp_path):
    X, y = digits[0][:200], digits[1][:200]
    clf = small("classifier", checkpoint=tmp_path / "checkpoints").fit(X, y)
    assert not list((tmp_path / "checkpoints").iterdir())  # nothing was cut off
    with pytest.raises(ValueError, match="checkpoint needs a random_state"):
        clf.set_params(random_state=None, encoder__random_state=None).fit(X, y)


def test_early_stopping_needs_labels_of_every_class(wine):
    y_few = few(load_wine().target, 1, 0)
    with pytest.raises(ValueError, match="smallest of which has 1"):
        small("classifier", early_stopping=True, validation_fraction=0.9).fit(
            wine, y_few
        )


# -- calibration -------------------------------------------------------------------


def test_calibration_makes_probabilities_honest_and_changes_no_prediction():
    X, y = load_breast_cancer(return_X_y=True)
    gains = []
    for seed in range(3):
        parts = train_test_split(X, y, train_size=100, stratify=y, random_state=seed)
        X_train, X_test, y_train, y_test = parts
        mae = quick(max_epochs=30, random_state=seed).fit(X_train)
        plain, calibrated = (
            small(
                "classifier",
                FrozenEstimator(mae),
                fine_tune_epochs=300,
                calibrate=calibrate,
            )
            for calibrate in (False, True)
        )
        for clf in plain, calibrated:
            clf.fit(X_train, y_train)
        assert plain.temperature_ == 1
        assert calibrated.temperature_ > 1
        assert_allclose(
            calibrated._outputs(X_test) * calibrated.temperature_,
            plain._outputs(X_test),
            rtol=1e-4,
            atol=1e-4,
        )
        losses = [
            log_loss(y_test, clf.predict_proba(X_test)) for clf in (plain, calibrated)
        ]
        gains.append(losses[0] - losses[1])
    assert min(gains) > 0


def test_networks_that_calibrate_hide_what_the_final_one_hides(digits):
    # One of six columns, since some rows have no label.
    X, y = PCA(6, random_state=0).fit_transform(digits[0]), digits[1]
    y_few = np.where(np.arange(900) % 60 == 0, -1, y[:900])
    wide = {"n_components": 128, "hidden_layer_sizes": (128,)}
    encoder = FrozenEstimator(quick(max_epochs=10, **wide).fit(X[:900]))
    loss = {}
    for calibrate in (True, False):
        clf = MaskedAutoencoderClassifier(
            encoder, fine_tune_epochs=150, calibrate=calibrate, random_state=0
        )
        loss[calibrate] = log_loss(
            y[900:], clf.fit(X[:900], y_few).predict_proba(X[900:])
        )
    assert loss[True] < loss[False]


def test_held_out_rows_calibrate_for_nothing(wine, monkeypatch):
    y = np.repeat([0, 1, 2], [59, 71, 48])

    def refuse(*args):
        raise AssertionError("trained once more")

    monkeypatch.setattr(MaskedAutoencoderClassifier, "_outputs_by_folds", refuse)
    params = {"early_stopping": True, "validation_fraction": 0.3}
    clf = small("classifier", fine_tune_epochs=20, **params).fit(wine, y)
    assert clf.temperature_ != 1
    with pytest.raises(AssertionError, match="trained once more"):
        small("classifier").fit(wine, y)
    small("classifier", calibrate=False).fit(wine, y)


def test_many_labels_calibrate_by_one_more_fine_tuning(digits, monkeypatch):
    X, y = digits
    sizes = []
    outputs_by_folds = MaskedAutoencoderClassifier._outputs_by_folds

    def count(self, learned, wanted, weight, folds, *asked):
        sizes.extend(map(len, folds))
        return outputs_by_folds(self, learned, wanted, weight, folds, *asked)

    monkeypatch.setattr(MaskedAutoencoderClassifier, "_outputs_by_folds", count)
    params = {"max_epochs": 1, "fine_tune_epochs": 1}
    small("classifier", **params).fit(X[:1000], y[:1000])
    assert sizes == [800]
    small("classifier", **params).fit(X[:500], y[:500])
    assert sizes[1:] == [400] * 5


def test_what_learns_from_the_pool_is_left_as_it_is(wine):
    y = np.repeat([0, 1, 2], [59, 71, 48])
    assert small("classifier").fit(wine, few(y, 10, 0)).temperature_ == 1
    alone = small("classifier", self_training=False).fit(wine, few(y, 10, 0))
    assert alone.temperature_ != 1


def test_a_class_of_one_label_can_be_calibrated(wine):
    y = np.repeat([0, 1, 2], [59, 71, 48])
    kept = np.r_[0, 59:130, 130:178]
    clf = small("classifier").fit(wine[kept], y[kept])
    assert clf.temperature_ != 1
    singles = [0, 59, 130]
    assert small("classifier").fit(wine[singles], y[singles]).temperature_ == 1
