"""Weights of rows, and rows that are not in memory."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skmae.data import blocks, encoded_rows, pooled_batches, sliced_rows

from ..conftest import make_frame, mixed_columns
from .helpers import generator


@pytest.fixture
def everything_is_large(monkeypatch):
    """Take small tables for large ones, with blocks and pools to match."""
    monkeypatch.setattr(encoded_rows, "LARGE_CELLS", 1800)
    monkeypatch.setattr(blocks, "_BLOCK_CELLS", 1)
    monkeypatch.setattr(sliced_rows, "_STRETCH_CELLS", 4000)
    monkeypatch.setattr(pooled_batches, "_BLOCK_CELLS", 400)
    monkeypatch.setattr(pooled_batches, "_POOL_CELLS", 4000)


def assert_same(one, other, X):
    assert_array_equal(one.score_samples(X), other.score_samples(X))
    assert_array_equal(
        *(np.asarray(g.sample(30, random_state=0), dtype=object) for g in (one, other))
    )


def test_rows_of_weight_zero_are_as_if_they_were_not_there():
    X = make_frame("pandas", mixed_columns(150))
    weight = np.arange(150) % 3 > 0
    far = X.copy()
    far.loc[~weight, ["height", "weight"]] += 1000.0
    far.loc[~weight, "shirt"] = "XXXL"
    fitted = generator(n_orders=2).fit(far, sample_weight=weight.astype(float))
    assert_same(fitted, generator(n_orders=2).fit(X[weight]), X[weight])
    assert "XXXL" not in set(fitted.sample(200, random_state=0)["shirt"])


def test_only_ratios_of_weights_matter():
    X = make_frame("pandas", mixed_columns(150))
    weight = 1.0 + np.arange(150) % 2
    one = generator(n_orders=2).fit(X, sample_weight=weight)
    assert_same(one, generator(n_orders=2).fit(X, sample_weight=4 * weight), X)
    even = generator(n_orders=2).fit(X, sample_weight=np.full(150, 2.0))
    assert_array_equal(
        even.score_samples(X), generator(n_orders=2).fit(X).score_samples(X)
    )


def test_weights_shift_what_is_drawn():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, 800)
    X = pd.DataFrame(
        {
            "x": 3.0 * group + rng.normal(size=800),
            "of": np.where(group, "right", "left"),
            "count": group + rng.integers(0, 2, 800),
        }
    )
    weight = np.where(group, 4.0, 1.0)
    share = weight[group == 1].sum() / weight.sum()
    new = generator((32,), max_epochs=10).fit(X, sample_weight=weight)
    new = new.sample(2000, random_state=0)
    assert np.mean(new["of"] == "right") == pytest.approx(share, abs=0.04)
    assert new["x"].mean() == pytest.approx(np.average(X["x"], weights=weight), abs=0.2)
    for value in (0, 1, 2):
        expected = weight[X["count"] == value].sum() / weight.sum()
        assert np.mean(new["count"] == value) == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(7), "sample_weight.shape"),
        (-np.ones(60), "[Nn]egative"),
        (np.zeros(60), "at least one non-zero"),
        (np.r_[np.nan, np.ones(59)], "sample_weight contains NaN"),
    ],
)
def test_weights_are_checked(weight, message):
    X = np.random.default_rng(0).normal(size=(60, 2))
    with pytest.raises(ValueError, match=message):
        generator().fit(X, sample_weight=weight)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_large_file_is_learned_and_drawn_from(
    everything_is_large, tmp_path, weighted
):
    rng = np.random.default_rng(0)
    x = rng.normal(5, 2, 1200)
    X = np.c_[x, -x + 0.5 * rng.normal(size=1200), rng.integers(0, 3, 1200)]
    X = X.astype(np.float32)
    weight = np.where(x > 5, 3.0, 1.0) if weighted else None
    weight = weight if weight is None else weight * (np.arange(1200) % 5 > 0)
    np.save(tmp_path / "X.npy", X)
    rows = np.load(tmp_path / "X.npy", mmap_mode="r")
    fitted = generator(n_orders=2).fit(rows, sample_weight=weight)
    new = fitted.sample(2000, random_state=0)
    assert new.dtype == np.float32
    assert set(new[:, 2]) == {0, 1, 2}
    average = np.average(x, weights=weight)
    assert new[:, 0].mean() == pytest.approx(average, abs=0.25)
    assert np.corrcoef(new[:, 0], new[:, 1])[0, 1] < -0.85
    assert_array_equal(fitted.score_samples(rows), fitted.score_samples(X))
    assert_array_equal(fitted.sample(given=rows[:5]), X[:5])
