"""Calibration of class probabilities by a temperature."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skmae.semi_supervised.temperature import fit_temperature


def draw_answers(n_rows, seed, n_classes=3):
    """Log-odds, and labels drawn from just those."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2.0, size=(n_rows, n_classes))
    odds = np.exp(logits)
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    labels = [rng.choice(n_classes, p=p) for p in probabilities]
    return logits, np.array(labels)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("times", [0.5, 1.0, 4.0])
def test_the_temperature_takes_back_what_logits_were_multiplied_by(times, seed):
    logits, labels = draw_answers(3000, seed)
    found = fit_temperature(times * logits, labels, np.ones(3000))
    assert_allclose(found, times, rtol=0.1)


def test_the_temperature_is_the_best_of_many():
    logits, labels = draw_answers(50, 0)
    weight = np.random.default_rng(1).uniform(0.5, 1.5, size=50)

    def regret(temperature):
        odds = np.exp(3 * logits / temperature)
        right = odds[np.arange(50), labels] / odds.sum(axis=1)
        return -np.sum(weight * np.log(right)) + 3 * np.log(temperature) ** 2

    grid = np.geomspace(0.2, 20, 20001)
    best = grid[np.argmin([regret(temperature) for temperature in grid])]
    assert_allclose(fit_temperature(3 * logits, labels, weight), best, rtol=1e-3)


def test_few_rows_are_weak_evidence():
    logits, labels = draw_answers(200, 0)
    much = fit_temperature(5 * logits, labels, np.ones(200))
    little = fit_temperature(5 * logits[:4], labels[:4], np.ones(4))
    assert 1 / 3 < little < 3 < much
