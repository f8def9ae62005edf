"""MaskedAutoencoderRegressor, as its users see it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, train_test_split

from skmae import MaskedAutoencoderRegressor
from tests.conftest import quick
from tests.semi_supervised.test_semi_supervised import small


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


def some(y, n_kept, seed):
    kept = np.random.default_rng(seed).choice(len(y), n_kept, replace=False)
    marked = np.full(y.shape, np.nan)
    marked[kept] = y[kept]
    return marked


def test_taught_rows_help_where_targets_are_few(diabetes):
    X, X_test, y, y_test = train_test_split(*diabetes, test_size=0.4, random_state=0)
    scores = []
    for seed in range(3):
        mae = quick(n_components=64, max_epochs=40, random_state=seed).fit(X)
        y_few = some(y, 50, seed)
        taught, alone = (
            small(
                "regressor",
                FrozenEstimator(mae),
                fine_tune_epochs=100,
                self_training=taught,
            )
            .fit(X, y_few)
            .score(X_test, y_test)
            for taught in (True, False)
        )
        scores.append((taught, alone))
    taught, alone = np.mean(scores, axis=0)
    assert taught > 0.25
    assert taught > alone + 0.02


def test_noise_of_targets_is_not_fitted(diabetes):
    X, X_test, y, y_test = train_test_split(*diabetes, test_size=0.4, random_state=0)
    scores = []
    for seed in range(3):
        mae = quick(n_components=64, max_epochs=40, random_state=seed).fit(X)
        drawn_in, as_given = (
            small(
                "regressor",
                FrozenEstimator(mae),
                fine_tune_epochs=200,
                fine_tune_mask_ratio=0.0,
                self_training=taught,
            )
            .fit(X, y)
            .score(X_test, y_test)
            for taught in (True, False)
        )
        scores.append((drawn_in, as_given))
    drawn_in, as_given = np.mean(scores, axis=0)
    ridge = RidgeCV(np.logspace(-3, 3, 7)).fit(X, y).score(X_test, y_test)
    assert drawn_in > ridge - 0.02
    assert drawn_in > as_given + 0.1


def test_curves_without_noise_are():
    X, y = make_friedman1(400, noise=0.0, random_state=0)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
    ridge = RidgeCV(np.logspace(-3, 3, 7)).fit(X, y).score(X_test, y_test)
    for seed in range(3):
        reg = MaskedAutoencoderRegressor(device="cpu", random_state=seed).fit(X, y)
        assert reg.pool_weights_[3] > 0.5
        assert reg.score(X_test, y_test) > ridge + 0.05


def test_units_do_not_matter(diabetes):
    X, y = diabetes
    plain = small("regressor").fit(X, y).predict(X)
    moved = small("regressor").fit(X, 1e6 * y - 1e9).predict(X)
    assert_allclose(moved, 1e6 * plain - 1e9, rtol=1e-3)


def test_several_targets(diabetes):
    X, y = diabetes
    both = np.column_stack([y, 1000 - 3 * y])
    reg = small("regressor", max_epochs=30, fine_tune_epochs=30)
    reg.fit(X, some(both, 150, 0))
    predicted = reg.predict(X)
    assert predicted.shape == both.shape
    assert reg.n_outputs_ == 2
    assert_allclose(predicted[:, 1], 1000 - 3 * predicted[:, 0], rtol=0.1)
    assert reg.score(X, both) > 0.35
    column = small("regressor").fit(X, y[:, None]).predict(X)
    assert column.shape == (len(X), 1)
    assert_array_equal(column[:, 0], small("regressor").fit(X, y).predict(X))


def two_targets(seed, n_rows=400):
    """Rows, and two targets of which each row has one, in other units."""
    X, y = make_friedman1(n_rows, noise=0.5, random_state=seed)
    both = np.column_stack([y, 1000 + 50 * (X[:, 0] - X[:, 4])])
    partly = both.copy()
    partly[np.arange(n_rows), np.arange(n_rows) % 2] = np.nan
    return X, both, partly


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"self_training": False},
        {"freeze_encoder": True},
        {"reconstruction_weight": 0.5},
        {"early_stopping": True, "validation_fraction": 0.2},
    ],
    ids=lambda params: ", ".join(params) or "default",
)
def test_partly_known_targets_are_learned_from(params):
    X, both, partly = two_targets(0)
    partly[300:] = np.nan
    settings = {"max_epochs": 20, "fine_tune_epochs": 60, **params}
    reg = small("regressor", **settings).fit(X, partly)
    assert reg.n_unlabelled_ == 100
    assert reg.n_outputs_ == 2
    assert np.isfinite(reg.loss_curve_).all()
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X))
    weighed = small("regressor", **settings).fit(X, partly, weight)
    for model in (reg, weighed):
        assert (
            r2_score(both[300:], model.predict(X[300:]), multioutput="raw_values") > 0.3
        ).all()


@pytest.mark.parametrize("self_training", [True, False])
def test_a_row_counts_as_far_as_it_is_known(self_training):
    """It is worth more than nothing, and less than with all outputs."""
    scores = []
    for seed in range(2):
        X, y = make_friedman1(600, noise=0.5, random_state=seed)
        x = X.T
        other = np.sin(np.pi * x[2] * x[3]) + 2 * (x[0] - 0.5) ** 2 + x[4] + x[1] / 2
        both = np.column_stack([y, 1000 - 500 * other])
        rows = np.arange(150)
        in_part = rows % 5 > 0
        whole, partly, everything = (both[:150].copy() for _ in range(3))
        whole[in_part] = np.nan
        partly[rows[in_part], rows[in_part] % 2] = np.nan
        reg = small(
            "regressor",
            max_epochs=20,
            fine_tune_epochs=60,
            random_state=seed,
            self_training=self_training,
        )
        scores.append(
            [
                reg.fit(X[:150], targets).score(X[150:], both[150:])
                for targets in (whole, partly, everything)
            ]
        )
    of_whole, of_partly, of_everything = np.mean(scores, axis=0)
    assert of_whole + 0.02 < of_partly < of_everything


def test_of_many_partly_known_targets(monkeypatch):
    monkeypatch.setattr("skmae.semi_supervised.regressor.MAX_SOLVED", 50)
    X, both, partly = two_targets(0)
    for n_labelled in (300, 400):
        few = np.where(np.arange(400)[:, None] < n_labelled, partly, np.nan)
        reg = small("regressor", max_epochs=20, fine_tune_epochs=40).fit(X, few)
        assert np.isfinite(reg.loss_curve_).all()
        assert reg.score(X, both) > 0.4


def test_score_of_partly_known_targets():
    X, both, partly = two_targets(0, 100)
    reg = small("regressor").fit(X, partly)
    predicted = reg.predict(X)
    odd, even = np.arange(1, 100, 2), np.arange(0, 100, 2)
    weight = np.random.default_rng(0).uniform(0.5, 2, 100)
    for weights in (None, weight):

        def r2(rows, output, weights=weights):
            return r2_score(
                both[rows, output],
                predicted[rows, output],
                sample_weight=None if weights is None else weights[rows],
            )

        expected = np.mean([r2(odd, 0), r2(even, 1)])
        assert reg.score(X, partly, weights) == pytest.approx(expected)
    partly[:10] = np.nan
    with pytest.warns(UserWarning, match="leaves out 10 of 100 samples"):
        reg.score(X, partly)
    partly[:, 1] = np.nan
    with (
        pytest.warns(UserWarning, match="leaves out 55 of 100 samples"),
        pytest.raises(ValueError, match="no target of output 1"),
    ):
        reg.score(X, partly)


def test_too_few_targets_of_an_output():
    X, _, partly = two_targets(0, 40)
    partly[2:, 1] = np.nan
    with pytest.raises(ValueError, match=r"fewer than 2 targets of output 1 .*Got 1"):
        small("regressor").fit(X, partly)
    _, _, partly = two_targets(0, 40)
    partly[6:, 1] = np.nan
    with pytest.raises(ValueError, match=r"validation_fraction=0.9.*output 1"):
        small("regressor", early_stopping=True, validation_fraction=0.9).fit(X, partly)


def test_a_constant_target_is_learned(diabetes):
    X, y = diabetes
    reg = small("regressor").fit(X, np.full(len(y), 7.0))
    assert_allclose(reg.predict(X), 7.0, atol=0.05)


def test_score_leaves_unlabelled_rows_out(diabetes):
    X, y = diabetes
    y_few = some(y, 100, 0)
    known = ~np.isnan(y_few)
    reg = small("regressor").fit(X, y_few)
    assert reg.n_unlabelled_ == len(y) - 100
    with pytest.warns(UserWarning, match="leaves out 342 of 442 samples"):
        assert reg.score(X, y_few) == pytest.approx(reg.score(X[known], y[known]))
    weight = np.where(known, np.arange(len(y)), 1e6)
    with pytest.warns(UserWarning, match="leaves out 342 of 442 samples"):
        assert reg.score(X, y_few, weight) == pytest.approx(
            reg.score(X[known], y[known], weight[known])
        )


def test_sample_weights_count(diabetes):
    X, y = diabetes
    gains = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        wrong = rng.random(len(y)) < 0.5
        noisy = np.where(wrong, rng.permutation(y), y)
        weight = np.where(wrong, 0.02, 1.0)
        heard = small("regressor", random_state=seed).fit(X, noisy)
        weighed = small("regressor", random_state=seed).fit(X, noisy, weight)
        gains.append(weighed.score(X, y) - heard.score(X, y))
        absent = small("regressor", random_state=seed).fit(X, noisy, ~wrong * 1.0)
        without = small("regressor", random_state=seed).fit(X[~wrong], noisy[~wrong])
        assert_array_equal(absent.predict(X), without.predict(X))
    assert np.mean(gains) > 0.02


@pytest.mark.filterwarnings("ignore:score leaves out:UserWarning")
def test_grid_search(diabetes):
    X, y = diabetes
    search = GridSearchCV(
        small("regressor", max_epochs=20), {"self_training": [True, False]}, cv=3
    ).fit(X, some(y, 150, 0))
    assert search.best_score_ > 0.2


def test_too_few_targets(diabetes):
    X, y = diabetes
    with pytest.raises(ValueError, match="fewer than 2 targets"):
        small("regressor").fit(X, some(y, 1, 0))


def test_bad_input_of_score_is_named(diabetes):
    X, y = diabetes
    reg = small("regressor").fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        reg.score(X, y[:-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        reg.score(X, y, np.ones(3))
    with pytest.raises(ValueError, match=r"y has 2 outputs, but .* fitted with 1"):
        reg.score(X, np.column_stack([y, y]))


@pytest.mark.parametrize("weight", [np.ones(3), np.ones((442, 2))])
def test_bad_sample_weights_are_refused(diabetes, weight):
    with pytest.raises(ValueError, match=r"(?i)sample[_ ]?weight"):
        small("regressor").fit(*diabetes, weight)
