"""Rows encoded on demand: the same numbers as those of an array in memory."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmae.data import encoded_rows
from skmae.data.codec import TableCodec
from skmae.data.encoded_rows import (
    EncodedRows,
    choose_rows,
    empty_rows,
    has_missing,
    in_memory,
    sample_of,
    value_range,
)
from skmae.data.tables import ArrayTable


def make_table(n_rows=5000):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 4)).cumsum(axis=1) * [1, 10, 0.1, 5] + 3
    X[rng.random(X.shape) < 0.1] = np.nan
    X[17] = np.nan
    return ArrayTable(X.astype(np.float32), np.zeros(4, dtype=bool))


def fit(monkeypatch, table, large, scaling="standard", n_bins=None):
    monkeypatch.setattr(encoded_rows, "LARGE_CELLS", 1 if large else 10**9)
    codec = TableCodec(scaling, n_bins=n_bins)
    return codec, codec.fit_encode(table)


@pytest.mark.parametrize("scaling", ["standard", "minmax", "asinh", None])
def test_encoded_rows_are_those_of_an_array(monkeypatch, scaling):
    table = make_table()
    small, values = fit(monkeypatch, table, False, scaling)
    large, rows = fit(monkeypatch, table, True, scaling)
    assert isinstance(rows, EncodedRows)
    assert rows.shape == values.shape
    assert_array_equal(large.layout_.means, small.layout_.means)
    assert_array_equal(large.layout_.stds, small.layout_.stds)
    assert_array_equal(rows[:], values)
    assert_array_equal(rows[np.array([9, 4000, 2])], values[[9, 4000, 2]])
    for part, block in rows.blocks():
        assert_array_equal(block, values[part])
    chosen = np.array([0, 17, 30])
    assert_array_equal(choose_rows(rows, chosen)[:], choose_rows(values, chosen))
    assert_array_equal(empty_rows(rows), empty_rows(values))
    assert np.flatnonzero(empty_rows(choose_rows(rows, chosen))).tolist() == [1]
    assert has_missing(rows)
    assert not has_missing(choose_rows(rows, np.flatnonzero(~rows.incomplete)))
    assert value_range(rows, slice(None)) == value_range(values, slice(None))


@pytest.mark.parametrize("scaling", ["robust", "quantile"])
def test_statistics_of_all_rows_come_from_a_sample(monkeypatch, scaling):
    monkeypatch.setattr(encoded_rows, "_SAMPLE_ROWS", 2500)
    table = make_table()
    small, values = fit(monkeypatch, table, False, scaling, n_bins=8)
    large, rows = fit(monkeypatch, table, True, scaling, n_bins=8)
    near = np.abs(values) < 2  # tails are as far out as those of the sample
    assert_allclose(rows[:][near], values[near], atol=0.25)
    assert np.mean(np.abs(rows[:] - values)[near]) < 0.03
    edges = [codec.layout_.edges[:, 1:-1] for codec in (large, small)]
    assert_allclose(*edges, atol=0.2)
    _, again = fit(monkeypatch, table, True, scaling)
    assert_array_equal(again[:], rows[:])


def test_samples_are_rows_at_random():
    rows = sample_of(10**9, 10, seed=0)
    assert 99_000 < len(rows) <= 100_000
    assert (np.diff(rows) > 0).all()
    assert_allclose(rows.mean(), 0.5e9, rtol=0.02)
    assert len(sample_of(10**9, 10**4, seed=0)) < 2000


def test_as_many_rows_as_go_into_memory(monkeypatch):
    table = make_table()
    _, rows = fit(monkeypatch, table, True)
    monkeypatch.setattr(encoded_rows, "LARGE_CELLS", 400)
    kept, weight = in_memory(rows, np.arange(len(rows)), seed=0)
    assert_array_equal(kept, rows[weight])
    assert kept.shape == (100, 4)
    values = np.nan_to_num(rows[:], nan=-99)
    assert all(
        (row == values).all(axis=1).any() for row in np.nan_to_num(kept, nan=-99)
    )
    assert in_memory(kept, None, seed=0)[0] is kept
