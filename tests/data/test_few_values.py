"""Values that completions may take."""

import numpy as np
from numpy.testing import assert_array_equal

from skmae.data.few_values import few_valued, nearest, snapped
from skmae.data.tables import ArrayTable


def test_columns_of_few_values_are_found():
    X = np.column_stack([np.arange(40) % 3, np.arange(40), np.full(40, np.nan)])
    X[0, 0] = np.nan
    few = few_valued(ArrayTable(X, np.zeros(3, dtype=bool)), 16)
    assert list(few) == [0]
    assert_array_equal(few[0], [0, 1, 2])


def test_the_nearest_value_is_taken():
    allowed = np.array([0.0, 1.0, 5.0])
    drawn = nearest(np.array([-9.0, 0.4, 0.6, 2.9, 3.1, 9.0]), allowed)
    assert_array_equal(drawn, [0, 0, 1, 1, 5, 5])
    assert_array_equal(nearest(np.array([3.0]), np.array([2.0])), [2])


def test_only_columns_of_few_values_are_snapped():
    columns = [np.array([0.4, 2.0]), np.array([0.4, 2.0])]
    moved = snapped(columns, {1: np.array([0.0, 1.0])})
    assert_array_equal(moved, [[0.4, 2.0], [0.0, 1.0]])
