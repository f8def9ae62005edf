"""MaskedAutoencoderRegressor, as its users see it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, train_test_split

from skmae import MaskedAutoencoderRegressor
from tests.conftest import quick
from tests.test_semi_supervised import small


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
            small("regressor", mae, fine_tune_epochs=100, self_training=taught)
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
                mae,
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
