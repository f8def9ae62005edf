"""Measures of new rows, and the models of densities that skmae is compared with."""

import subprocess
import sys
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import (
    density_models,
    draws,
    generators,
    imputation,
    imputers,
    new_rows,
    other_environment,
)
from benchmarks.data import NoData, Source
from benchmarks.protocols import halves, repeats, spread_out
from benchmarks.realism import c2st, correlation_difference, finished, neighbours, tstr

RUN = SimpleNamespace(quick=False)


@pytest.fixture
def rows():
    """Three columns that depend on each other, the last of them a class."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 1))
    near = x + 0.3 * rng.normal(size=(400, 1))
    return np.hstack([x, near, x > 0])


def test_halves_share_no_row_and_drop_what_does_not_vary():
    X = np.column_stack([np.arange(101), np.full(101, 3.0), np.arange(101) % 2])
    train, test = halves(X, 60, 0)
    assert train.shape == test.shape == (30, 2)
    assert not set(train[:, 0]) & set(test[:, 0])
    again = halves(X, 60, 1)
    assert {*train[:, 0], *test[:, 0]} == {*again[0][:, 0], *again[1][:, 0]}
    assert set(train[:, 0]) != set(again[0][:, 0])


def test_new_rows_are_clipped_and_snapped_to_values_that_repeat():
    train = np.column_stack([np.arange(10) / 10, np.repeat([1.0, 2.0, 5.0], [4, 3, 3])])
    new = np.array([[-1.0, 0.0], [0.43, 1.5], [0.5, 3.6], [7.0, 9.0]])
    assert finished(new, train).tolist() == [[0, 1], [0.43, 1], [0.5, 5], [0.9, 5]]


def test_spread_out_values_stay_in_their_cells():
    column = np.repeat([0.0, 1.0, 4.0], 50)
    rows = np.column_stack([column, np.linspace(0, 1, 150)])
    train, test = spread_out(rows[::2], rows[1::2], 0)
    assert [repeats(of) for of in rows[::2].T] == [True, False]
    np.testing.assert_array_equal(test[:, 1], rows[1::2, 1])
    for part, before in [(train, rows[::2, 0]), (test, rows[1::2, 0])]:
        assert len(np.unique(part[:, 0])) == 75
        edges = {0.0: (-0.5, 0.5), 1.0: (0.5, 2.5), 4.0: (2.5, 5.5)}
        for value, (low, high) in edges.items():
            cells = part[before == value, 0]
            assert low <= cells.min() < cells.max() <= high


def test_boosting_tells_shuffled_columns_from_real_rows(rows):
    train, test = rows[:200], rows[200:]
    shuffled = generators.independent(train, None, RUN, 0)(200)
    assert c2st(shuffled, test) > 0.8
    assert 0.4 < c2st(train, test) < 0.6
    assert correlation_difference(shuffled, test) > 0.5
    assert correlation_difference(train, test) < 0.1


def test_boosting_learns_from_new_rows(rows):
    train, test = rows[:200], rows[200:]
    opposite = np.column_stack([train[:, :2], 1 - train[:, 2]])
    assert tstr(train, test, True) > 0.95
    assert tstr(opposite, test, True) < 0.05
    assert tstr(train, test, False) > 0.9
    assert tstr(opposite, test, False) < -1
    one_class = np.column_stack([train[:, :2], np.zeros(200)])
    assert tstr(one_class, test, True) == 0.5


def test_memory_coverage_and_precision(rows):
    train, test = rows[:200], rows[200:]
    copied = neighbours(train, train, test)
    assert copied["copies"] == copied["closer"] == 1
    seen = neighbours(test, train, test)
    assert seen["coverage"] == seen["precision"] == 1
    assert seen["closer"] == seen["copies"] == 0
    far = neighbours(train + 100, train, test)
    assert far["coverage"] == far["precision"] == 0
    one_place = neighbours(np.repeat(test[:1], 200, axis=0), train, test)
    assert one_place["precision"] == 1
    assert one_place["coverage"] < 0.2


@pytest.mark.parametrize("name", ["independent", "GMM", "GMM, CV", "copula"])
def test_peers_draw_rows_of_the_same_kind(rows, name):
    classes = np.array([False, False, True])
    draw = generators.METHODS[name](rows, classes, RUN, 0)
    new = draw(len(rows))
    assert new.shape == rows.shape
    np.testing.assert_allclose(new.mean(axis=0), rows.mean(axis=0), atol=0.2)
    np.testing.assert_allclose(new.std(axis=0), rows.std(axis=0), atol=0.2)
    related = np.corrcoef(new, rowvar=False)[0, 1]
    assert (related > 0.8) == (name != "independent")


@pytest.mark.parametrize("name", ["Gaussian", "GMM", "GMM, CV", "KDE"])
def test_densities_of_peers_integrate_to_one(name):
    X = np.random.default_rng(0).normal(size=(200, 1))
    log_density = density_models.METHODS[name](X, RUN, 0)
    grid = np.linspace(-8, 8, 2001)
    assert np.trapezoid(np.exp(log_density(grid[:, None])), grid) == pytest.approx(1)


def test_probabilities_of_mixed_pixels_sum_to_one():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.random((100, 1)) < 0.5, 3, axis=1).astype(float)
    every = np.array(np.meshgrid(*[[0.0, 1.0]] * 3)).reshape(3, -1).T
    scores = {}
    for n in (1, 2):
        log_probability = density_models.bernoulli_mixture(X, n, 0)
        assert np.exp(log_probability(every)).sum() == pytest.approx(1)
        scores[n] = log_probability(X).mean()
    assert scores[1] == pytest.approx(-3 * np.log(2), abs=0.1)
    assert scores[2] > -1.0


def test_rows_drawn_in_another_environment_are_judged_here(tmp_path, monkeypatch):
    """All it needs of the usual one is what reads and halves tables."""
    drawn = {}

    def doubles(X, is_class, seed):
        assert is_class
        drawn[seed] = 2 * X
        return lambda n: drawn[seed][:n]

    monkeypatch.setitem(other_environment.METHODS, "doubles", doubles)
    argv = ["--out", str(tmp_path), "--methods", "doubles", "--sets", "iris"]
    assert other_environment.main([*argv, "--seeds", "2"]) == 0
    for seed in (0, 1):
        ((method, new, seconds),) = new_rows.read(tmp_path, f"iris-{seed}")
        assert method == "doubles"
        np.testing.assert_array_equal(new, drawn[seed])
        assert set(seconds) == {"fit CPU-s", "draw CPU-s"}
        X, _ = Source().whole("iris")
        np.testing.assert_array_equal(new, 2 * halves(X, 3000, seed)[0])
    assert list(new_rows.read(tmp_path, "iris-2")) == []


def test_other_environment_needs_neither_torch_nor_skmae():
    code = (
        "import sys, benchmarks.other_environment; "
        "assert not {'torch', 'skmae'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_bundled_tables_are_read_whole():
    X, is_class = Source().whole("iris")
    assert X.shape == (149, 5)  # a row occurs twice
    assert is_class
    assert Source().whole("diabetes")[1] is False
    with pytest.raises(NoData, match="peanuts is none of"):
        Source().whole("peanuts")


def test_complete_tables_lose_their_target_alone():
    assert Source().complete("wine").shape[1] == 13
    assert Source().complete("diabetes").shape[1] == 10


@pytest.fixture
def completions():
    """Twelve completions of three columns, a tenth as far apart as they are wide."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3)) * [1, 2, 5]
    removed = rng.random(X.shape) < 0.4
    removed[0] = False
    return X + 0.1 * rng.normal(size=(12, *X.shape)) * removed, X, removed


def test_energy_score_is_that_of_all_pairs_of_draws(completions):
    drawn, X, removed = completions
    scores = []
    for i in np.flatnonzero(removed.any(axis=1)):
        cells, truth = drawn[:, i, removed[i]], X[i, removed[i]]
        pairs = [np.linalg.norm(a - b) for a, b in combinations(cells, 2)]
        near = np.linalg.norm(cells - truth, axis=1).mean()
        scores.append(near - np.mean(pairs) / 2)
    assert draws.energy_score(drawn, X, removed) == pytest.approx(np.mean(scores))


def test_crps_is_the_energy_score_of_single_cells(completions):
    drawn, X, removed = completions
    single = np.flatnonzero(removed)[:, None] == np.arange(X.size)
    one_by_one = [
        draws.energy_score(drawn, X, cell.reshape(X.shape)) for cell in single
    ]
    assert draws.crps(drawn, X, removed) == pytest.approx(np.mean(one_by_one))


def test_draws_from_the_distribution_itself_are_best_and_cover_nine_tenths():
    rng = np.random.default_rng(0)
    covariance = [[1, 0.9], [0.9, 1]]

    def rows(*shape):
        return rng.multivariate_normal([0, 0], covariance, size=shape)

    X, removed = rows(3000), np.ones((3000, 2), dtype=bool)
    right = rows(30, 3000)
    found = draws.judge(right, X, removed)
    assert found["cover"] == pytest.approx(0.9, abs=0.015)
    assert found["RMSE"] == pytest.approx(1, abs=0.05)
    # Each column drawn by itself: single cells are as good, rows are not.
    alone = np.stack([right[..., 0], np.roll(right[..., 1], 1, axis=1)], axis=2)
    apart = draws.judge(alone, X, removed)
    assert apart["CRPS"] == pytest.approx(found["CRPS"], abs=0.01)
    assert apart["energy"] > found["energy"] + 0.02
    # Scaled about the truth by a unit, nothing changes.
    scaled = draws.judge(right * [3, 7], X * [3, 7], removed)
    assert scaled == pytest.approx(found)
    assert draws.judge(np.stack([X] * 5), X, removed)["energy"] == pytest.approx(0)


def test_draws_of_the_gaussian_peer_vary_as_its_cells_do():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 2))
    X[:, 1] += X[:, 0]
    hidden = np.zeros(X.shape, dtype=bool)
    hidden[:1500, 1] = True
    X_missing = np.where(hidden, np.nan, X)
    imputer = imputers.GaussianImputer().fit(X_missing)
    draws = imputer.sample(X_missing, 20, random_state=0)
    np.testing.assert_array_equal(draws[:, ~hidden], X[None][:, ~hidden].repeat(20, 0))
    left = draws[:, hidden] - X[:1500, 0]
    assert left.std() == pytest.approx(1, abs=0.05)
    assert left.mean() == pytest.approx(0, abs=0.05)


def test_tables_are_as_useful_as_their_columns():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    for y in (X @ [1.0, 2.0, 0.0], np.where(X[:, 0] > 0, "yes", "no")):
        assert imputation.usefulness(X, y, seed=0) > 0.9
        assert imputation.usefulness(rng.permutation(X), y, seed=0) < 0.6
    assert imputation.is_class(np.array(["a", "b"]))
    assert imputation.is_class(np.array([1, 2, 1]))
    assert not imputation.is_class(np.array([0.5, 1.0]))


def test_targets_stay_beside_their_rows():
    X, y = Source().complete_with_target("iris")
    assert len(X) == len(y) < 150  # rows that occur twice
    assert imputation.usefulness(X, y, seed=0) > 0.9
