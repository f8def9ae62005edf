"""Weighted statistics against repeated rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmae.detection.weights import mean, quantile


@pytest.mark.parametrize("share", [0.0, 0.05, 0.1, 0.25, 0.5, 0.77, 1.0])
@pytest.mark.parametrize("ties", [False, True])
def test_quantile_is_that_of_repeated_numbers(share, ties):
    rng = np.random.default_rng(0)
    for _ in range(20):
        numbers = rng.integers(5, size=12) if ties else rng.normal(size=12)
        weight = rng.integers(1, 5, size=12).astype(float)
        repeated = np.repeat(numbers, weight.astype(int))
        expected = np.quantile(repeated, share, method="averaged_inverted_cdf")
        for scale in (1.0, 0.1, 1 / 3):
            assert_allclose(quantile(numbers, share, scale * weight), expected)


def test_without_weights_it_is_the_usual_quantile():
    numbers = np.random.default_rng(0).normal(size=101)
    assert quantile(numbers, 0.137, None) == np.quantile(numbers, 0.137)
    for half in (numbers, numbers[1:]):
        assert quantile(half, 0.5, np.ones(len(half))) == np.median(half)


def test_mean_is_that_of_repeated_rows():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(30, 3))
    rows[rng.random(rows.shape) < 0.3] = np.nan
    rows[:, 2] = np.nan
    weight = rng.integers(1, 5, size=30)
    repeated = np.repeat(rows, weight, axis=0)
    assert_allclose(mean(rows, weight / 7), mean(repeated, None))
    assert_allclose(mean(rows, None)[:2], np.nanmean(rows[:, :2], axis=0))
    assert_array_equal(mean(rows, None)[2], 0)
