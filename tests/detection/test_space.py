"""Rows as points: units, categories, missing and constant columns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmae.detection.space import CellSpace

CELLS = np.array([0, 2, 1, 1])  # two numbers, a category of two


def rows(n_rows=500):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(n_rows, 4)) * [100, 1e-3, 1, 1] + [1e6, 0, 0, 0]
    values[:, 2] = rng.random(n_rows) < 0.3
    values[:, 3] = 1 - values[:, 2]
    return values, rng.normal(size=(n_rows, 4)) * [0.5, 0.1, 0.2, 0.2]


def points(values, residuals, groups=None, standard=True):
    return (
        CellSpace(CELLS, groups, standard)
        .fit(values, residuals)
        .points(values, residuals)
    )


def test_weights_are_repetitions():
    values, residuals = rows(60)
    weight = np.random.default_rng(1).integers(1, 4, size=60)
    weighted = CellSpace(CELLS, False, True).fit(values, residuals, weight / 2)
    repeated = CellSpace(CELLS, False, True).fit(
        np.repeat(values, weight, axis=0), np.repeat(residuals, weight, axis=0)
    )
    assert_allclose(
        weighted.points(values, residuals),
        repeated.points(values, residuals),
        atol=1e-9,
    )


def test_every_cell_weighs_alike_whatever_its_unit():
    found = points(*rows())
    cell = CellSpace(CELLS, None, True).cell_of_coordinate
    for block, tolerance in (((0, 4), 0.01), ((4, 8), 0.1), ((8, 12), 0.3)):
        part = slice(*block)
        spread = np.bincount(cell[part], found[:, part].var(axis=0))
        assert_allclose(spread / spread.mean(), 1, atol=tolerance)


def test_coordinates_of_numbers():
    values, residuals = rows()
    found = points(values, residuals)
    standard = (values[:, 0] - values[:, 0].mean()) / values[:, 0].std()
    assert_allclose(found[:, 0], standard / np.sqrt(2), atol=1e-9)
    compressed = np.arcsinh(standard)
    compressed /= np.sqrt((compressed**2).mean())
    assert_allclose(found[:, 4], compressed, atol=1e-9)
    unexpected = residuals[:, 0] / np.sqrt((residuals[:, 0] ** 2).mean())
    assert_allclose(found[:, 8], np.arcsinh(unexpected))


def test_missing_values_stand_at_the_mean():
    values, residuals = rows()
    values[:20, 1] = residuals[:20, 1] = np.nan
    assert_array_equal(points(values, residuals)[:20, [1, 5, 9]], 0)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9])
def test_a_constant_column_has_a_unit(constant):
    values, residuals = rows()
    values[:, 1], residuals[:, 1] = constant, 0.0
    space = CellSpace(CELLS, None, True).fit(values, residuals)
    assert abs(space.points(values, residuals)[:, [1, 5, 9]]).max() < 1e-6
    values[0, 1] += 1
    residuals[0, 1] += 1
    assert space.points(values, residuals)[0, [1, 5, 9]].min() > 0.5


def test_columns_that_nobody_observes():
    values, residuals = rows()
    values[:, 1] = residuals[:, 1] = np.nan
    assert np.isfinite(points(values, residuals)).all()


def test_shared_units():
    values, residuals = rows()
    found = points(values, residuals, groups=np.zeros(3, dtype=int))
    ratio = found[:, 0].std() / found[:, 1].std()
    assert_allclose(ratio, values[:, 0].std() / values[:, 1].std(), rtol=1e-6)


def test_identity_looks_at_values_only():
    assert_array_equal(CellSpace(CELLS, None, True).identity, np.arange(12) < 8)
    assert_array_equal(CellSpace(CELLS, None, False).identity, np.arange(8) < 4)


def test_without_standardised_values():
    expected = points(*rows())[:, 4:]
    assert_array_equal(points(*rows(), standard=False), expected)
    space = CellSpace(CELLS, None, False)
    assert_array_equal(space.cell_of_coordinate, np.tile(CELLS, 2))


@pytest.mark.parametrize("groups", [None, np.zeros(3, dtype=int)])
def test_a_rare_deviation_counts_three_units_at_most(groups):
    """By hand: the root of the mean square of a cell, weighted by itself."""
    values, residuals = rows(1000)
    values[:, 0] = 0.0
    values[:10, 0] = 5.0  # standardised about 10
    space = CellSpace(CELLS, groups, True).fit(values, residuals)
    found = space.points(values, residuals) * np.sqrt(2)
    spread = np.sqrt(pooled_by_hand(values.var(axis=0), groups))
    standard = (values - values.mean(axis=0)) / spread
    square = np.column_stack([standard[:, :2] ** 2, (standard[:, 2:] ** 2).sum(axis=1)])
    usual, typical = square.mean(axis=0), (square**2).mean(axis=0)
    if groups is not None:
        usual, typical = usual.mean(), typical.mean()
    unit = np.maximum(np.sqrt(typical / usual) / 3, 1) * np.ones(3)
    assert_allclose(found[:, :4], standard / unit[CELLS], atol=1e-9)
    if groups is None:
        assert_allclose(found[0, 0], 3, atol=0.1)
        assert_allclose(unit[1:], 1)


def test_rare_deviations_of_rows_with_outliers_count_in_full():
    values, residuals = rows(1000)
    values[:, 0] = 0.0
    values[:10, 0] = 5.0
    found = points(values, residuals, standard=False)
    assert found[0, 0] > 5


def pooled_by_hand(variance, groups):
    """Variance of each expanded value's unit: of a category, of all its indicators."""
    cells = np.bincount(CELLS, variance)
    if groups is not None:
        cells[:] = cells.mean()
    return cells[CELLS]
