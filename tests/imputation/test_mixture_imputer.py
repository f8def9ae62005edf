import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.interpolate import griddata
from sklearn.base import clone
from sklearn.datasets import load_sample_image

from skmae import GaussianMixtureImputer, SlidingWindows

N_COLUMNS = 6
COVARIANCE = 0.8 ** np.abs(
    np.subtract.outer(np.arange(N_COLUMNS), np.arange(N_COLUMNS))
)


def correlated(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    return 5 + 3 * rng.multivariate_normal(np.zeros(N_COLUMNS), COVARIANCE, n_rows)


def reference(row, mean, covariance):
    """Expected hidden cells of a row under one Gaussian."""
    hidden, seen = np.isnan(row), ~np.isnan(row)
    weights = np.linalg.solve(covariance[np.ix_(seen, seen)], (row - mean)[seen])
    filled = row.copy()
    filled[hidden] = mean[hidden] + covariance[np.ix_(hidden, seen)] @ weights
    return filled


@pytest.mark.parametrize("n_hidden", range(N_COLUMNS + 1))
def test_one_component_fills_with_conditional_means(n_hidden):
    X, new = correlated(5000), correlated(40, seed=1)
    for i, row in enumerate(new):
        row[(np.arange(n_hidden) * 5 + i) % N_COLUMNS] = np.nan
    assert (np.isnan(new).sum(axis=1) == n_hidden).all()
    filled = GaussianMixtureImputer(1).fit(X).transform(new)
    mean, covariance = X.mean(axis=0), np.cov(X.T)
    expected = [reference(row, mean, covariance) for row in new]
    assert_allclose(filled, expected, atol=0.01)
    assert_array_equal(filled[~np.isnan(new)], new[~np.isnan(new)])


def test_holes_are_no_obstacle_to_learning():
    X, rng = correlated(4000), np.random.default_rng(1)
    hidden = rng.random(X.shape) < 0.5
    holed = np.where(hidden, np.nan, X)
    filled = GaussianMixtureImputer(1).fit_transform(holed)
    # the best there is, with the covariance that was drawn from
    best = [reference(row, np.full(N_COLUMNS, 5.0), 9 * COVARIANCE) for row in holed]
    error, least = (np.square(cells - X)[hidden].mean() for cells in (filled, best))
    assert error < 1.02 * least


def test_groups_vary_each_in_its_way():
    rng = np.random.default_rng(0)
    # pairs that are equal in one half of the rows, and of opposite sign in the other
    first = rng.normal(size=(2000, 3))
    sign = np.where(np.arange(2000) % 2, 1.0, -1.0)[:, None]
    X = np.hstack([first, sign * first + 0.05 * rng.normal(size=first.shape)])
    holed = X.copy()
    holed[np.arange(2000), rng.integers(6, size=2000)] = np.nan
    hidden = np.isnan(holed)
    errors = {}
    for n in (1, 2):
        imputer = GaussianMixtureImputer(n, max_iter=30, random_state=0)
        errors[n] = np.square(imputer.fit_transform(holed) - X)[hidden].mean()
    assert errors[1] > 0.8
    assert errors[2] < 0.1
    assert_allclose(imputer.weights_, [0.5, 0.5], atol=0.05)


def test_half_a_photo():
    """Better than straight lines between the pixels that are left."""
    photo = load_sample_image("china.jpg")[100:260, 200:360, 1] / 255.0
    photo = photo.reshape(80, 2, 80, 2).mean(axis=(1, 3))[:56, :56]
    lost = np.random.default_rng(0).random(photo.shape) < 0.5
    damaged = np.where(lost, np.nan, photo)
    tiles = SlidingWindows((5, 5), step=1, flatten=True).fit([damaged])
    imputer = GaussianMixtureImputer(8, random_state=0)
    filled = imputer.fit_transform(tiles.transform([damaged]))
    restored = tiles.inverse_transform(filled)[0]
    assert_array_equal(restored[~lost], photo[~lost])
    places, left = np.argwhere(lost), np.argwhere(~lost)
    lines = griddata(left, photo[~lost], places, "linear")
    lines = np.where(
        np.isnan(lines), griddata(left, photo[~lost], places, "nearest"), lines
    )
    error = np.square(restored - photo)[lost].mean()
    assert error < 0.8 * np.square(lines - photo[lost]).mean()


def test_rows_do_not_depend_on_those_beside_them():
    X, rng = correlated(600), np.random.default_rng(2)
    X[rng.random(X.shape) < 0.3] = np.nan
    imputer = GaussianMixtureImputer(3, random_state=0).fit(X)
    filled = imputer.transform(X)
    one_by_one = np.concatenate([imputer.transform(row[None]) for row in X[:50]])
    assert_allclose(one_by_one, filled[:50], rtol=1e-10)
    again = clone(imputer).fit(X).transform(X)
    assert_array_equal(again, filled)


def test_few_rows_have_few_groups():
    imputer = GaussianMixtureImputer().fit(correlated(3 * 2 * N_COLUMNS))
    assert imputer.n_components_ == len(imputer.weights_) == 3
    assert GaussianMixtureImputer().fit(correlated(1)).n_components_ == 1
    many = GaussianMixtureImputer(max_samples=2 * 2 * N_COLUMNS).fit(correlated(500))
    assert many.n_components_ == 2


def test_units_and_constant_columns():
    X = correlated(300)
    X[:, 0] *= 1e-9
    X[:, 1] = 1e6 + 1e3 * X[:, 1]
    X[:, 2] = 7.0
    holed = X.copy()
    holed[np.arange(300), np.arange(300) % N_COLUMNS] = np.nan
    filled = GaussianMixtureImputer(2, random_state=0).fit_transform(holed)
    assert_allclose(filled[:, 2], 7.0)
    for column in (0, 1, 3):
        hidden = np.isnan(holed[:, column])
        error = (filled - X)[hidden, column].std()
        assert error < 0.8 * X[:, column].std()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_and_frames(dtype):
    X = correlated(100).astype(dtype)
    X[::3, 1] = np.nan
    imputer = GaussianMixtureImputer(1)
    filled = imputer.fit_transform(X)
    assert filled.dtype == dtype
    frame = pd.DataFrame(X).add_prefix("pixel ")
    imputer = GaussianMixtureImputer(1).set_output(transform="pandas")
    of_frame = imputer.fit_transform(frame)
    assert list(of_frame) == list(frame)
    assert_array_equal(of_frame.to_numpy(), filled)


def test_bad_input_leaves_an_earlier_fit():
    X = correlated(50)
    imputer = GaussianMixtureImputer(1).fit(X)
    before = imputer.transform(X[:1] * [[np.nan, 1, 1, 1, 1, 1]])
    frame = pd.DataFrame(X).add_prefix("pixel ")
    frame["pixel 3"] = np.nan
    with pytest.raises(ValueError, match=r"Columns \['pixel 3'\] of X hold no value"):
        imputer.fit(frame)
    with pytest.raises(ValueError, match="infinity"):
        imputer.fit(np.where(X > 5, np.inf, X))
    with pytest.raises(ValueError, match="'n_components' parameter"):
        GaussianMixtureImputer(0).fit(X)
    after = imputer.transform(X[:1] * [[np.nan, 1, 1, 1, 1, 1]])
    assert_array_equal(after, before)


def test_extreme_numbers_make_no_missing_ones():
    X = np.random.default_rng(0).normal(size=(60, 3))
    imputer = GaussianMixtureImputer(n_components=1, random_state=0).fit(X)
    for extreme in (1e155, -1e300):
        assert np.isfinite(imputer.transform([[extreme, np.nan, 0.0]])).all()
    X[3, 0] = np.nan
    with pytest.raises(ValueError, match=r"Column 0, 1, 2 of X holds values larger"):
        imputer.fit(1e200 * X)
    large = imputer.fit_transform(1e140 * X)
    assert_allclose(large, 1e140 * imputer.fit_transform(X))
