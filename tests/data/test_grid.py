"""Grouping cells into patches."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skmae.data.grid import make_grid


def test_columns_are_units_without_a_shape():
    grid = make_grid(5)
    assert grid.one_to_one
    assert_array_equal(grid.unit_of_cell, np.arange(5))


def test_patches_of_an_image():
    grid = make_grid(16, (4, 4), 2)
    expected = np.kron([[0, 1], [2, 3]], np.ones((2, 2)))
    assert_array_equal(grid.unit_of_cell.reshape(4, 4), expected)
    assert_array_equal(grid.coordinates, [[0, 0], [0, 1], [1, 0], [1, 1]])


def test_channels_belong_to_one_patch():
    grid = make_grid(3 * 16, (3, 4, 4), 2)
    channels = grid.unit_of_cell.reshape(3, 16)
    assert grid.n_units == 4
    assert_array_equal(channels[0], channels[1])
    assert_array_equal(channels[0], channels[2])


def test_size_that_does_not_divide():
    grid = make_grid(35, (5, 7), (2, 3))
    assert grid.n_units == 3 * 3
    sizes = np.bincount(grid.unit_of_cell)
    assert sizes.tolist() == [6, 6, 2, 6, 6, 2, 3, 3, 1]


def test_series():
    grid = make_grid(10, (10,), 4)
    assert grid.unit_of_cell.tolist() == [0] * 4 + [1] * 4 + [2] * 2


@pytest.mark.parametrize(
    "patch_size", [5, (1, 5), (0, 1), (1, 1, 1), (), (1.5, 1), ("a", 1)]
)
def test_patch_that_does_not_fit(patch_size):
    with pytest.raises(ValueError, match=r"must fit into input_shape=\(4, 4\)"):
        make_grid(16, (4, 4), patch_size)
