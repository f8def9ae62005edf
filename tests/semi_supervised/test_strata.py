"""Which rows may be tested, and how they are assigned to folds."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from skmae.semi_supervised.strata import assign_folds, read_strata

CODES = [0, 1] * 5  # of two classes
WORDS = ["a", "b"] * 5


# As one is often a class beside 0 and 1.
@pytest.mark.filterwarnings("ignore:.*labels of y are -1:UserWarning")
@pytest.mark.parametrize(
    "y",
    [
        [*CODES, -1],
        np.array([*CODES, -1.0]),
        [*CODES, np.nan],
        np.array([*CODES, None], dtype=object),
        np.array([*CODES, pd.NA], dtype=object),
        [*WORDS, None],
        [*WORDS, -1],
        np.array([*WORDS, np.nan], dtype=object),
        pd.Series([*WORDS, None], index=np.arange(11) % 4),
        pd.Series([*WORDS, None], dtype="string"),
        pd.Series([*WORDS, None], dtype="category"),
        pd.Series([*CODES, None], dtype="Int64"),
        pl.Series([*WORDS, None]),
        pl.Series([*CODES, None]),
        np.array([*CODES, np.nan])[:, None],
        [*([False, True] * 5), None],
        [*([-1, 1] * 5), None],
    ],
)
def test_classes(y):
    strata = read_strata(y, "auto")
    assert_array_equal(strata.labelled, [True] * 10 + [False])
    assert_array_equal(strata.ranks, CODES)
    assert strata.are_classes


@pytest.mark.parametrize("container", [list, np.array, pd.Series, pl.Series])
def test_numbers(container):
    y = container([0.5, np.nan, -1.0, 7.0, 7.0])
    strata = read_strata(y, "auto")
    assert_array_equal(strata.labelled, [True, False, True, True, True])
    assert_array_equal(strata.ranks, [1, 0, 2, 2])
    assert not strata.are_classes
    assert_array_equal(read_strata(y, 7)[0], [True, False, True, False, False])


def test_many_whole_numbers_are_no_classes():
    y = np.array([3.0, -1.0, np.nan, 14.0, 15.0])
    y = np.concatenate([y, np.arange(20.0)])
    strata = read_strata(y, "auto")
    assert not strata.are_classes
    assert strata.labelled.sum() == len(y) - 1
    assert read_strata(np.arange(20) % 3, "auto").are_classes
    assert read_strata(np.arange(20.0) % 3, "auto").are_classes
    assert not read_strata(np.arange(20.0), "auto").are_classes


def test_rows_with_all_of_several_targets():
    y = np.array([[1.0, 9.0], [2.0, np.nan], [np.nan, np.nan], [3.0, 2.0], [2.0, 5.0]])
    strata = read_strata(y, "auto")
    assert_array_equal(strata.labelled, [True, False, False, True, True])
    # Along the line on which they lie, in one of its directions.
    assert strata.ranks.tolist() in ([0, 2, 1], [2, 0, 1])
    assert not strata.are_classes
    assert_array_equal(read_strata(y, 9)[0], [False, False, False, True, True])
    constant = np.column_stack([np.arange(3.0), np.ones(3)])
    assert sorted(read_strata(constant, "auto").ranks) == [0, 1, 2]


@pytest.mark.parametrize("seed", [None, 0, 1])
@pytest.mark.parametrize("n_splits", [2, 3, 5, 7])
@pytest.mark.parametrize("sizes", [(40,), (2, 30, 3), (7, 7, 7, 7), (1, 2, 3, 4, 50)])
def test_classes_are_spread_evenly(sizes, n_splits, seed):
    ranks = np.random.default_rng(0).permutation(np.repeat(range(len(sizes)), sizes))
    folds = assign_folds(ranks, n_splits, seed)
    counts = np.bincount(folds, minlength=n_splits)
    assert counts.max() - counts.min() <= 1
    for rank in set(ranks.tolist()):
        counts = np.bincount(folds[ranks == rank], minlength=n_splits)
        assert counts.max() - counts.min() <= 1
        if seed is None:  # neighbours stay together
            assert (np.diff(folds[ranks == rank]) >= 0).all()


@pytest.mark.parametrize("seed", [None, 0])
def test_numbers_are_spread_evenly(seed):
    ranks = np.random.default_rng(0).permutation(43)
    by_rank = assign_folds(ranks, 5, seed)[np.argsort(ranks)]
    for start in range(0, 40, 5):
        assert sorted(by_rank[start : start + 5]) == [0, 1, 2, 3, 4]
    assert len(set(by_rank[40:].tolist())) == 3
    # No fold has the lowest of each five.
    assert len(set(by_rank[:40:5].tolist())) > 1


def test_shuffling_deals_numbers_and_classes_anew():
    for ranks in (np.arange(30), np.arange(30) % 3):
        first, again, other = (
            assign_folds(ranks, 5, 0),
            assign_folds(ranks, 5, 0),
            assign_folds(ranks, 5, 1),
        )
        assert_array_equal(first, again)
        together = first[:, None] == first
        assert (together != (other[:, None] == other)).any()
