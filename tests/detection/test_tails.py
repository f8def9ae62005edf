"""Tail values against a count done by hand."""

import math

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from skmae.detection.tails import TailValues


def tail_by_hand(error, calibration):
    """Reference: count the errors at least as large; beyond the largest, grow on."""
    known = [e for e in calibration if not math.isnan(e)]
    n_larger = sum(e >= error for e in known)
    tail = math.log((len(known) + 1) / (n_larger + 1))
    largest = max(max(known, default=0.0), 1e-6)
    return tail + (math.log(error / largest) if error > largest else 0.0)


def errors(n_rows, seed, missing=0.1):
    rng = np.random.default_rng(seed)
    drawn = rng.normal(size=(n_rows, 4)).astype(np.float32).astype(float) ** 2
    drawn = drawn.astype(np.float32).astype(float)
    drawn[:, 1] = np.round(drawn[:, 1])  # many ties
    drawn[rng.random(drawn.shape) < missing] = np.nan
    return drawn


def test_tails_match_reference():
    calibration, new = errors(80, 0), errors(50, 1)
    new[:3] = [[1e3] * 4, [0.0] * 4, [1e18] * 4]
    tails = TailValues().fit(calibration).transform(new)
    for row, column in np.ndindex(new.shape):
        expected = 0.0
        if not np.isnan(new[row, column]):
            expected = tail_by_hand(new[row, column], calibration[:, column])
        assert_allclose(tails[row, column], expected, rtol=1e-6, atol=1e-12)


def test_tails_of_calibration_errors_are_exponential():
    """Whatever the errors are, -log(rank) has mean 1 in every column."""
    calibration = errors(4000, 0, missing=0.0)[:, [0, 2, 3]] * [1, 100, 1e-3]
    tails = TailValues().fit(calibration).transform(calibration)
    assert_allclose(tails.mean(axis=0), 1, atol=0.05)


def test_larger_errors_never_have_smaller_tails():
    grid = np.repeat(np.linspace(0, 40, 500)[:, None], 4, axis=1)
    tails = TailValues().fit(errors(80, 0)).transform(grid)
    assert (np.diff(tails, axis=0) >= 0).all()


def test_a_column_that_was_always_right_tells_noise_from_change():
    tails = TailValues().fit(np.zeros((20, 1))).transform(np.array([[1e-9], [1.0]]))
    assert tails[0, 0] < 4 < 10 < tails[1, 0]


def test_weights_are_repetitions():
    calibration, new = errors(80, 0), errors(50, 1)
    weight = np.random.default_rng(2).integers(1, 4, size=80)
    weighted = TailValues().fit(calibration, weight.astype(float))
    repeated = TailValues().fit(np.repeat(calibration, weight, axis=0))
    assert_allclose(weighted.transform(new), repeated.transform(new))
    assert_allclose(weighted.of_unseen(), repeated.of_unseen())


def test_noise_has_no_ranks():
    calibration = 1e-9 * np.random.default_rng(0).random((20, 1))
    tails = TailValues().fit(calibration).transform(np.array([[0.0], [1e-9], [5e-7]]))
    assert_array_equal(tails, 0)


def test_columns_without_an_observed_error():
    tails = TailValues().fit(np.full((5, 2), np.nan))
    assert_array_equal(tails.transform(np.full((1, 2), np.nan)), [[0, 0]])
    assert np.isfinite(tails.transform(np.ones((1, 2)))).all()
    assert_array_equal(tails.of_unseen(), [0, 0])
