"""Numbers that are missing for what they are."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.base import clone
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer
from sklearn.linear_model import LogisticRegression

from skmae import MaskedAutoencoderImputer
from skmae.imputation.own_values import Regression, find_variances, fit_tilts

N_ROWS, N_COLUMNS, NOISE = 1500, 6, 0.6


def table(seed=0, n_rows=N_ROWS):
    """Columns that have one thing in common, and what it lets expect of each."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n_rows, 3)) @ rng.normal(size=(3, N_COLUMNS))
    common /= common.std(axis=0)
    return common + NOISE * rng.normal(size=common.shape), common


def tilts(X, expected, chances, n_numeric=N_COLUMNS, seed=1):
    missing = np.random.default_rng(seed).random(X.shape) < chances
    targets = np.where(missing, np.nan, X)
    masks = np.eye(N_COLUMNS, dtype=bool)
    predicted = np.repeat(expected[None], N_COLUMNS, axis=0)
    spread = np.full(predicted.shape, NOISE)
    return fit_tilts(predicted, spread, targets, masks, n_numeric)


def test_missing_cells_lie_as_far_away_as_their_odds_rise_with_them():
    X, common = table()
    slopes = np.array([1.5, -1.5, 1.5, -1.5, 1.5, -1.5])
    chances = expit(slopes * X - 1)
    # Observed cells are a little nearer to 0 than all are, as predictions learn it.
    rises = NOISE**2 * slopes * (chances - chances.mean(axis=0))
    found = tilts(X, common - rises, chances)
    assert_array_equal(np.sign(found), np.sign(slopes))
    assert_allclose(np.abs(found), 1.5, rtol=0.5)


def test_categories_are_left_alone():
    X, common = table()
    found = tilts(X, common, expit(1.5 * X - 1), n_numeric=4)
    assert (found[:4] != 0).all()
    assert (found[4:] == 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_missing_at_random_moves_nothing(seed):
    X, common = table(seed)
    by_another = expit(2 * X[:, :1] - 1) * np.ones(N_COLUMNS)
    by_another[:, 0] = 0.0
    directions = np.random.default_rng(seed).normal(size=(2, N_COLUMNS))
    by_two = expit(X[:, :2] @ directions - 1)
    by_two[:, :2] = 0.0
    for chances in (by_another, by_two, 0.3, 0.0):
        assert (tilts(X, common, chances, seed=seed) == 0).all()


def test_missing_by_what_all_columns_follow_moves_nothing():
    rng = np.random.default_rng(0)
    cause = rng.normal(size=(N_ROWS, 1))
    expected = cause * rng.uniform(0.5, 1.5, size=N_COLUMNS)
    X = expected + NOISE * rng.normal(size=expected.shape)
    X[:, :1] = expected[:, :1] = cause
    chances = expit(2 * cause - 1) * np.ones(N_COLUMNS)
    chances[:, 0] = 0.0
    assert (tilts(X, expected, chances) == 0).all()


def test_missing_where_another_column_is_unusual_moves_nothing():
    rng = np.random.default_rng(0)
    cause = rng.normal(size=(N_ROWS, 1))
    expected = np.abs(cause) * rng.uniform(0.5, 1.5, size=N_COLUMNS)
    expected[:, :1] = cause
    X = expected + NOISE * rng.normal(size=expected.shape)
    X[:, :1] = cause
    chances = expit(2 * np.abs(cause) - 3) * np.ones(N_COLUMNS)
    chances[:, 0] = 0.0
    assert (tilts(X, expected, chances) == 0).all()


def test_a_few_missing_cells_say_nothing():
    X, common = table(n_rows=30)
    assert (tilts(X, common, expit(3 * X - 6)) == 0).all()


def test_slopes_are_those_of_a_penalised_logistic_regression():
    X, common = table()
    missing = np.random.default_rng(0).random(N_ROWS) < expit(X[:, 0] - 1)
    others = X[:, 1:] - X[:, 1:].mean(axis=0)
    own, variances = common[:, 0] - common[:, 0].mean(), np.array([0.3, 0.02])
    slopes = Regression(missing, own, others).climb(variances, 10).slopes
    scales = np.sqrt(variances[[0, 1, 1, 1, 1, 1]])
    inputs = np.column_stack([own, others]) * scales
    reference = LogisticRegression(C=1.0, tol=1e-8).fit(inputs, missing)
    assert_allclose(slopes[1:], reference.coef_[0] * scales, atol=2e-3)


def test_evidence_is_an_integral_over_slopes():
    rng = np.random.default_rng(0)
    own = rng.normal(size=100)
    own -= own.mean()
    missing = rng.random(100) < expit(own)
    level, slope = np.meshgrid(np.linspace(-3, 3, 101), np.linspace(-2, 4, 101))
    scores = level[..., None] + slope[..., None] * own
    likelihood = (scores * missing - np.logaddexp(0, scores)).sum(axis=2)

    def integral(variance):
        prior = -0.5 * (slope**2 / variance + np.log(variance) + level**2 / 100)
        return np.log(np.exp(likelihood + prior).sum())

    regression = Regression(missing, own, np.empty((100, 0)))
    small, large = (
        regression.climb((variance, 1.0), 10).evidence((variance, 1.0))
        for variance in (0.05, 1.0)
    )
    assert_allclose(large - small, integral(1.0) - integral(0.05), atol=0.1)


def test_variances_are_those_of_most_evidence():
    rng = np.random.default_rng(0)
    regressions = []
    for own_slope in (1.5, -1.5, 1.0, -1.0):
        own, others = rng.normal(size=N_ROWS), rng.normal(size=(N_ROWS, 8))
        scores = own_slope * own + others @ rng.normal(scale=0.5, size=8)
        missing = rng.random(N_ROWS) < expit(scores - 1)
        regressions.append(Regression(missing, own, others))
    best, evidence = find_variances(regressions, by_own=True)
    for factors in ((0.5, 1), (2, 1), (1, 0.5), (1, 2)):
        other = best * factors
        assert sum(r.climb(other, 10).evidence(other) for r in regressions) < (
            evidence.sum()
        )


@pytest.fixture(scope="module")
def own_values():
    """An imputer of cells that are missing the likelier the larger they are."""
    X, _ = table(n_rows=400)
    missing = np.random.default_rng(0).random(X.shape) < expit(2.5 * X - 1)
    missing[missing.all(axis=1), 0] = False
    X_missing = np.where(missing, np.nan, X)
    imputer = MaskedAutoencoderImputer(max_epochs=4, random_state=0).fit(X_missing)
    return imputer, X, missing, X_missing


def test_missing_cells_are_moved_towards_the_truth(own_values):
    imputer, X, missing, X_missing = own_values
    regression = IterativeImputer(max_iter=3, tol=1.0).fit_transform(X_missing)
    unmoved = (regression - X)[missing]
    errors = (imputer.transform(X_missing) - X)[missing]
    assert abs(errors.mean()) < 0.6 * abs(unmoved.mean())
    assert np.mean(errors**2) < 0.8 * np.mean(unmoved**2)
    draws = imputer.sample(X_missing, n_samples=3, random_state=0)
    assert abs((draws - X)[:, missing].mean()) < 0.6 * abs(unmoved.mean())


def test_whether_and_what_is_moved_can_be_told(own_values):
    imputer, *_, X_missing = own_values
    assert (imputer.own_value_slopes_ > 0.5).all()
    at_random = clone(imputer).set_params(assume_missing_at_random=True)
    assert (at_random.fit(X_missing).own_value_slopes_ == 0).all()
    moved = imputer.transform(X_missing) - at_random.transform(X_missing)
    assert moved[np.isnan(X_missing)].mean() > 0.1
    few = MaskedAutoencoderImputer(max_epochs=1, random_state=0)
    words = pd.DataFrame(X_missing[:100]).rename(columns=str)
    words.insert(0, "word", pd.Categorical(list("ab" * 50)))
    slopes = few.fit(words).own_value_slopes_
    assert slopes.shape == (N_COLUMNS + 1,)
    assert slopes[0] == 0


def test_cells_that_are_known_but_hidden_are_not_moved(own_values):
    imputer, *_, X_missing = own_values
    values = torch.from_numpy(imputer.model_.encode(X_missing[:20]))
    module, hidden = imputer.model_.module, torch.ones(20, N_COLUMNS, dtype=torch.bool)
    with torch.inference_mode():
        known = torch.isfinite(values)
        moved = module.means(values, hidden)
        all_missing = module.means(torch.full_like(values, torch.nan), hidden)
    # Nothing is visible: all rows are alike but for what is missing.
    gap = (moved - all_missing).numpy()
    assert_allclose(gap[~known.numpy()], 0, atol=1e-5)
    assert (gap[known.numpy()] < -0.1).all()
