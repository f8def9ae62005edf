"""Rubin's rules, and what they make of drawn completions."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skmae import pool


def plain_pool(estimates, variances, dof_complete=None):
    """Rubin (1987) and Barnard & Rubin (1999) for one number, term by term."""
    m = len(estimates)
    mean = sum(estimates) / m
    within = sum(variances) / m
    between = sum((q - mean) ** 2 for q in estimates) / (m - 1)
    total = within + between + between / m
    increase = (1 + 1 / m) * between / within
    dof = (m - 1) * (1 + 1 / increase) ** 2
    fraction = (increase + 2 / (dof + 3)) / (increase + 1)
    if dof_complete is not None:
        share = (1 + 1 / m) * between / total
        observed = (dof_complete + 1) / (dof_complete + 3) * dof_complete * (1 - share)
        dof = 1 / (1 / dof + 1 / observed)
    return {
        "estimate": mean,
        "variance": total,
        "std_error": total**0.5,
        "within": within,
        "between": between,
        "dof": dof,
        "fraction_missing": fraction,
        "relative_efficiency": 1 / (1 + fraction / m),
    }


@pytest.mark.parametrize("dof_complete", [None, 12, 97.5])
@pytest.mark.parametrize("n_imputations", [2, 5, 20])
def test_as_the_rules_say_term_by_term(n_imputations, dof_complete):
    rng = np.random.default_rng(n_imputations)
    estimates = rng.normal(size=(n_imputations, 3, 2))
    variances = rng.uniform(0.1, 2, size=(n_imputations, 3, 2))
    pooled = pool(estimates, variances, dof_complete=dof_complete)
    assert pooled.n_imputations == n_imputations
    for place in np.ndindex(3, 2):
        one = (slice(None), *place)
        plain = plain_pool(list(estimates[one]), list(variances[one]), dof_complete)
        alone = pool(estimates[one], variances[one], dof_complete=dof_complete)
        for name, value in plain.items():
            assert_allclose(getattr(pooled, name)[place], value)
            assert_allclose(getattr(alone, name), value)
            assert isinstance(getattr(alone, name), float)


def test_figures_worked_out_by_hand():
    pooled = pool([1, 2, 3], [1, 1, 1])
    assert_allclose(pooled.estimate, 2)
    assert_allclose(pooled.variance, 7 / 3)
    assert_allclose(pooled.dof, 2 * (7 / 4) ** 2)
    assert_allclose(pooled.fraction_missing, 4 / 7 + 3 / 7 * 2 / (6.125 + 3))
    small = pool([1, 2, 3], [1, 1, 1], dof_complete=10)
    assert_allclose(small.dof, 1 / (1 / 6.125 + 1 / (11 / 13 * 10 * 3 / 7)))
    assert small.fraction_missing == pooled.fraction_missing


def test_interval_is_students():
    pooled = pool([[1, 5], [2, 5], [3, 6]], np.ones((3, 2)), dof_complete=10)
    for level in (0.5, 0.9, 0.99):
        student = stats.t(pooled.dof, pooled.estimate, pooled.std_error)
        assert_allclose(pooled.interval(level), student.interval(level))
    assert_array_equal(pooled.interval(), pooled.interval(level=0.9))


def test_nothing_missing_is_as_one_table():
    pooled = pool([2.0] * 5, [0.25] * 5)
    assert pooled.std_error == 0.5
    assert pooled.dof == np.inf
    assert pooled.fraction_missing == 0
    assert pooled.relative_efficiency == 1
    assert_allclose(pooled.interval(0.95), stats.norm(2, 0.5).interval(0.95))
    assert_allclose(pool([2.0] * 5, [0.25] * 5, dof_complete=9).dof, 10 / 12 * 9)


def test_no_variance_within_tables():
    pooled = pool([[1.0, 4.0], [2.0, 4.0], [3.0, 4.0]], np.zeros((3, 2)))
    assert_allclose(pooled.variance, [4 / 3, 0])
    assert_allclose(pooled.fraction_missing, [1, 0])
    assert_allclose(pooled.dof, [2, np.inf])
    assert_array_equal(np.array(pooled.interval())[:, 1], 4)
    # All that there is to know is missing.
    none = pool([1.0, 2.0, 3.0], [0.0, 0.0, 0.0], dof_complete=10)
    assert none.dof == 0
    assert none.interval() == (-np.inf, np.inf)


def test_reads_what_a_regression_gives():
    series = [pd.Series({"x": q, "z": 1.0}) for q in (1.0, 2.0)]
    pooled = pool(series, [s * 0 + 1 for s in series])
    assert_allclose(pooled.estimate, [1.5, 1.0])
    assert repr(pooled) == (
        "PooledEstimate(estimate=[1.5 1. ], std_error=[1.3229 1.    ], "
        "dof=[5.4444    inf], fraction_missing=[0.5639 0.    ])"
    )


@pytest.mark.parametrize(
    ("estimates", "variances", "message"),
    [
        ([1.0], [1.0], "at least 2 completed tables.* Got 1"),
        (1.0, 1.0, r"estimates must hold one entry .* single number 1\.0"),
        ([1, 2], 1.0, "variances must hold one entry"),
        ([1, 2], [1, 2, 3], r"shape \(3,\) and estimates of shape \(2,\)"),
        ([[1, 2], [3, 4]], [1, 2], r"shape \(2,\) and estimates of shape \(2, 2\)"),
        ([1, 2], [1, -0.5], r"must not be negative\. Got -0\.5 in variances\[1\]"),
        ([1, np.nan], [1, 2], r"estimates must be finite\. Got nan in estimates\[1\]"),
        ([[1, 2]] * 2, [[1, 2], [1, np.inf]], r"Got inf in variances\[1, 1\]"),
        ([[1, 2], [1]], [1, 2], "estimates must be numbers, of the same shape"),
        (["a", "b"], [1, 2], "estimates must be numbers"),
    ],
)
def test_errors_say_what_was_given(estimates, variances, message):
    with pytest.raises(ValueError, match=message):
        pool(estimates, variances)


@pytest.mark.parametrize("dof", [0, -1, np.inf, np.nan, "many", [5]])
def test_dof_must_be_a_positive_number(dof):
    with pytest.raises(ValueError, match="dof_complete must be a positive number"):
        pool([1, 2], [1, 2], dof_complete=dof)


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, "0.9"])
def test_level_must_be_a_share(level):
    with pytest.raises(ValueError, match="level must be a number between 0 and 1"):
        pool([1, 2], [1, 2]).interval(level)


def test_series_are_not_pooled_across_labels():
    a, b = pd.Series([1.0, 9.0], ["x", "z"]), pd.Series([9.1, 1.1], ["z", "x"])
    wrong = r"Got \['z', 'x'\] in estimates\[1\] and \['x', 'z'\] before"
    with pytest.raises(ValueError, match=wrong):
        pool([a, b], [a, a])
    with pytest.raises(ValueError, match=r"in variances\[0\]"):
        pool([a, a], [b, b])
    assert pool([a, b[["x", "z"]]], (a, a)).estimate == pytest.approx([1.05, 9.05])
