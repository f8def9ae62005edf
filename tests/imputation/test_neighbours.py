"""Rows that are most alike, and what they say of missing cells."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skmae import MaskedAutoencoderImputer
from skmae.imputation.neighbours import Neighbours, n_kept, rows_to_keep

# Two numbers, and a category of three values.
COLUMNS = np.array([0, 2, 1, 1, 1])
CATEGORIES = [slice(2, 5)]


def make_table(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_rows, len(COLUMNS))).astype(np.float32)
    known = (rng.random((n_rows, 3)) < 0.6)[:, COLUMNS]
    return rows, known


def reference(table, known, row, place, own=None):
    """The five nearest rows that know a cell, by the other columns."""
    counts = np.bincount(COLUMNS)[COLUMNS]
    others = COLUMNS[place] != COLUMNS
    distances = ((table - row) ** 2 / counts)[:, others].sum(axis=1)
    distances[~known[:, place]] = np.inf
    if own is not None:
        distances[own] = np.inf
    nearest = np.argsort(distances)[:5]
    nearest = nearest[np.isfinite(distances[nearest])]
    return np.average(table[nearest, place], weights=1 / (distances[nearest] + 1e-3))


@pytest.mark.parametrize("n_rows", [30, 7])
def test_means_of_nearest_rows_match_reference(n_rows):
    table, known = make_table(n_rows)
    rows, _ = make_table(9, seed=1)
    rows[3] = table[5]
    own = np.full(9, -1)
    own[3] = 5
    neighbours = Neighbours(n_rows, len(COLUMNS), CATEGORIES)
    neighbours.set_rows(torch.from_numpy(table), torch.from_numpy(known))
    found = neighbours(
        torch.from_numpy(rows), torch.zeros(rows.shape), torch.from_numpy(own)
    )
    for i, place in np.ndindex(rows.shape):
        itself = 5 if i == 3 else None
        expected = reference(table, known, rows[i], place, itself)
        assert_allclose(found[i, place], expected, rtol=1e-4, atol=1e-5)


def test_what_no_row_knows_is_said_otherwise():
    table, known = make_table(4)
    known[:, 0] = False
    neighbours = Neighbours(4, len(COLUMNS), CATEGORIES)
    neighbours.set_rows(torch.from_numpy(table), torch.from_numpy(known))
    rows, otherwise = torch.from_numpy(table), torch.full(table.shape, 7.0)
    found = neighbours(rows, otherwise)
    assert_array_equal(found[:, 0], 7)
    alone = Neighbours(1, len(COLUMNS), CATEGORIES)
    alone.set_rows(rows[:1], torch.ones(1, len(COLUMNS), dtype=torch.bool))
    itself = alone(rows[:1], otherwise[:1], torch.tensor([0]))
    assert_array_equal(itself, otherwise[:1])


def test_of_long_and_wide_tables_some_rows_are_kept():
    assert n_kept(500, 10) == 500
    assert n_kept(50_000, 10) == 10_000
    assert n_kept(50_000, 1000) == 250
    assert n_kept(50_000, 100_000) == 100
    assert_array_equal(rows_to_keep(5, 3, seed=0), np.arange(5))
    kept = rows_to_keep(20_000, 10, seed=0)
    assert_array_equal(kept, rows_to_keep(20_000, 10, seed=0))
    assert len(np.unique(kept)) == 10_000
    assert (np.diff(kept) > 0).all()


def test_rows_that_recur_with_noise_are_found():
    """Nothing smooth to learn, but each row has four others that are like it."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.integers(0, 2, size=(60, 12)) * 2.0 - 1, 5, axis=0)
    X += 0.05 * rng.normal(size=X.shape)
    hidden = rng.random(X.shape) < 0.2
    X_missing = np.where(hidden, np.nan, X)
    imputer = MaskedAutoencoderImputer(max_epochs=1, random_state=0).fit(X_missing)

    def error():
        misses = imputer.transform(X_missing) - X
        return np.sqrt(np.mean(misses[hidden] ** 2))

    with_neighbours = error()
    imputer.model_.module.blend[:, :, 3] = 0
    assert with_neighbours < 0.6 * error()
