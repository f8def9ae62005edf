"""Attribution: two terms in comparable units, split over cells."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmae.detection.attribution import CellAttribution, JudgedRows
from skmae.detection.criteria import Criterion
from skmae.detection.sieve import rows_to_compare_with
from skmae.detection.tails import TailValues
from skmae.detection.weights import weight_of

CELLS = np.array([0, 1, 2])


def make(most_spreads=None):
    return CellAttribution(CELLS, None, Criterion(1, most_spreads), 3, seed=0)


def judged(n_rows=200, seed=0, missing=0.1):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, 3))
    values[rng.random(values.shape) < missing] = np.nan
    signed = 0.3 * rng.normal(size=values.shape) + 0 * values
    observed = ~np.isnan(values)
    expected = np.nan_to_num(values - signed)
    unseen = np.zeros(values.shape, dtype=bool)
    return JudgedRows(
        values, [expected], observed, unseen, [values**2, signed**2], [signed], expected
    )


@pytest.fixture
def attribution():
    model = make()
    model.fit(judged(), judged(60))
    return model


def test_attribution_is_distance_and_half_the_rarity(attribution):
    train, new = judged(), judged(50, seed=1)
    tails = [
        TailValues().fit(a).transform(b) ** 2
        for a, b in zip(train.squared, new.squared, strict=True)
    ]
    rarity = sum(tails) / np.maximum(new.observed.sum(axis=1, keepdims=True), 1)
    filled = np.where(new.observed, new.values, new.expected[0])
    points = attribution.space.points(filled, new.signed[0])
    distance = attribution.neighbours_.distances(points, new.observed)
    units = attribution.units_
    assert_allclose(attribution(new), distance / units[0] + rarity / units[1] / 2)


def test_the_typical_training_row_is_judged_alike_by_both_terms(attribution):
    distance, rarity = attribution._terms(judged())
    assert_allclose(np.median(distance.sum(axis=1)), attribution.units_[0])
    assert_allclose(np.median(rarity.sum(axis=1)), attribution.units_[1])


def test_units_of_rows_that_new_ones_are_unlike():
    rows, known = judged(missing=0.0), judged(missing=0.0)
    for shift, unit_kept in ((0.05, True), (5.0, False)):
        known.signed[0][:] = rows.signed[0] + shift
        model = make()
        as_new = model.fit(rows, known)[1]
        assert_allclose(as_new, model(known))
        kept = np.isclose(model.units_[0], np.median(model._terms(rows)[0].sum(axis=1)))
        assert kept == unit_kept
        if not unit_kept:
            typical = np.median(model._terms(known)[0].sum(axis=1))
            assert_allclose(model.units_[0], typical)


def test_missing_cells_get_no_attribution(attribution):
    new = judged(50, seed=1)
    found = attribution(new)
    assert_array_equal(found[~new.observed], 0)
    assert (found >= 0).all()


def test_unseen_categories_are_as_rare_as_can_be_told(attribution):
    new = judged(1, seed=1, missing=0.0)
    before = attribution._terms(new)[1]
    new.unseen[0, 1] = True
    after = attribution._terms(new)[1]
    assert_allclose(after[0, 1], 2 * np.log(judged().observed[:, 1].sum() + 1) ** 2 / 3)
    assert_array_equal(after[0, [0, 2]], before[0, [0, 2]])


def test_rows_that_are_all_alike():
    rows = judged(20, missing=0.0)
    rows.values[:] = 1.0
    rows.signed[0][:] = 0.0
    for squared in rows.squared:
        squared[:] = 0.0
    model = make(most_spreads=3.0)
    assert np.isfinite(model.fit(rows, rows)[0]).all()
    assert np.isfinite(model(judged())).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_that_are_far_off_are_not_compared_with(weighted):
    rows, new = judged(1500, missing=0.0), judged(50, seed=1)
    odd, known = np.arange(5), np.arange(3, 1500, 7)
    rows.values[odd] += 40.0
    rows.signed[0][odd] += 40.0
    weight = np.random.default_rng(0).uniform(0.5, 1.5, 1500) if weighted else None
    passed = rows_to_compare_with(rows, CELLS, None, 3.0, weight, seed=0)
    assert not set(odd) & set(passed)
    assert len(passed) > 1400
    fewer = rows_to_compare_with(rows, CELLS, None, 2.0, weight, seed=0)
    assert set(fewer) < set(passed)
    model, plain = make(most_spreads=3.0), make()
    model.fit(rows, rows.take(known), weight)
    plain.fit(rows.take(passed), rows.take(known), weight_of(weight, passed))
    # units are those of all rows
    distance, rarity = plain._terms(new)
    assert_allclose(model._terms(new), (distance, rarity))
    assert_allclose(
        model(new), distance / model.units_[0] + rarity / model.units_[1] / 2
    )


def test_rows_that_are_far_off_alone_are_compared_with():
    """As they are outliers that hide no other, or rare rows that are normal."""
    rows = judged(400, missing=0.0)
    group, alone = np.arange(6), np.arange(6, 10)
    corners = np.array([[1, 1, -1], [1, -1, 1], [-1, 1, 1], [-1, -1, -1]])
    for part in (rows.values, rows.signed[0]):
        part[group] += 40.0
        part[alone] += 40.0 * corners
    passed = rows_to_compare_with(rows, CELLS, None, 3.0, None, seed=0)
    assert set(alone) < set(passed)
    assert not set(group) & set(passed)


def test_no_more_than_a_tenth_are_far_off():
    rows = judged(400, missing=0.0)
    for part in (rows.values, rows.signed[0]):
        part[:60] += 100.0
    passed = rows_to_compare_with(rows, CELLS, None, 2.0, None, seed=0)
    assert len(passed) == 360


def test_rows_of_which_most_repeat_are_all_compared_with():
    rows = judged(100, missing=0.0)
    for part in (rows.values, rows.signed[0]):
        part[:80] = part[0]
    passed = rows_to_compare_with(rows, CELLS, None, 3.0, None, seed=0)
    assert_array_equal(passed, np.arange(100))
