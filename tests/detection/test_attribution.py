"""Attribution: two terms in comparable units, split over cells."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmae.detection.attribution import CellAttribution, JudgedRows, SiftedAttribution
from skmae.detection.criteria import Criterion
from skmae.detection.tails import TailValues

CELLS = np.array([0, 1, 2])
CRITERION = Criterion(n_levels=1, standard=True, neighbors=3, max_reference=500)


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
    model = CellAttribution(CELLS, None, CRITERION, n_neighbors=3)
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
        model = CellAttribution(CELLS, None, CRITERION, n_neighbors=3)
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
    parts = [CellAttribution(CELLS, None, CRITERION, "auto") for _ in range(2)]
    model = SiftedAttribution(*parts, None)
    assert np.isfinite(model.fit(rows, rows)[0]).all()
    assert np.isfinite(model(judged())).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_that_do_not_pass_the_sieve_are_not_compared_with(weighted):
    rows, new = judged(400, missing=0.0), judged(50, seed=1)
    odd, known = np.arange(5), np.arange(3, 400, 7)
    rows.values[odd] += 40.0
    rows.signed[0][odd] += 40.0
    weight = np.random.default_rng(0).uniform(0.5, 1.5, size=400) if weighted else None
    wide = replace(CRITERION, neighbors=1 / 4)
    model = SiftedAttribution(
        CellAttribution(CELLS, None, wide, "auto"),
        CellAttribution(CELLS, None, CRITERION, "auto"),
        np.arange(0, 400, 2),
    )
    of_rows, of_known = model.fit(
        rows, rows.take(known), weight, None if weight is None else weight[known]
    )
    assert not set(odd) & set(model.passed_)
    assert len(model.passed_) > 350
    plain = CellAttribution(CELLS, None, CRITERION, "auto")
    passed = model.passed_
    assert_allclose(plain.fit(rows, rows.take(known), weight, None, passed)[0], of_rows)
    assert_allclose(model(new), plain(new))
    assert_allclose(of_known, of_rows[known])
    assert len(pickle.dumps(model)) < 1.1 * len(pickle.dumps(plain)) + 8 * len(passed)
