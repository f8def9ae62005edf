"""Blame of steps, by how surprising they are."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from skmae.data.sequences import Sequences
from skmae.detection.steps import JudgedSteps, StepAttribution


def judged(n_rows=600, per_step=True, seed=0):
    """Rows with surprise in every step, or in one step alone."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(5, 100, size=n_rows)
    rows = Sequences(np.zeros((lengths.sum(), 1), np.float32), lengths)
    surprise = rng.exponential(size=(lengths.sum(), 1))
    if not per_step:
        first = np.zeros(len(surprise), dtype=bool)
        first[rows.starts[:-1]] = True
        surprise[~first] = -1.0
    observed = np.ones(surprise.shape, dtype=bool)
    return JudgedSteps(rows, surprise, observed, np.zeros_like(observed))


def totals(rows, blame):
    return rows.sequences.per_row(blame.sum(axis=1))


def test_the_typical_training_row_scores_one():
    rows = judged()
    model = StepAttribution(unseen=5.0)
    blame, again = model.fit(rows, rows)
    assert_allclose(np.median(totals(rows, blame)), 1)
    assert_array_equal(blame, again)
    assert_array_equal(blame, model(rows))


def test_scores_are_divided_by_the_length_as_far_as_they_depend_on_it():
    every, once = judged(), judged(per_step=False)
    of_every, of_once = StepAttribution(5.0), StepAttribution(5.0)
    of_every.fit(every, every)
    of_once.fit(once, once)
    assert of_every.power_ > 0.7
    assert of_once.power_ < 0.2


def test_what_is_expected_counts_nothing():
    rows = judged(per_step=False)
    blame, _ = StepAttribution(5.0).fit(rows, rows)
    assert_array_equal(blame > 0, rows.surprise > 0)


def test_unseen_and_missing_tokens():
    rows = judged()
    model = StepAttribution(5.0)
    model.fit(rows, rows)
    rows.surprise[:3] = np.nan
    rows.unseen[0] = True
    rows.observed[1:3] = False
    blame = model(rows)
    unit = model.unit_ * rows.n_observed[0] ** model.power_
    assert_allclose(blame[:3, 0], [5.0 / unit, 0, 0])


def test_rows_without_surprise():
    rows = judged()
    rows.surprise[:] = -1.0
    blame, _ = StepAttribution(5.0).fit(rows, rows)
    assert_array_equal(blame, 0)


def test_errors_of_numbers_count_by_their_ranks():
    rows = judged()
    blame, _ = StepAttribution(unseen=None).fit(rows, rows)
    larger = rows._replace(surprise=4 * rows.surprise)
    again, _ = StepAttribution(unseen=None).fit(larger, larger)
    assert_allclose(again, blame)
    order = np.argsort(rows.surprise[:, 0])
    assert (blame[order[: len(order) // 2]] == 0).all()
