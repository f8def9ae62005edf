"""Neighbour distances against a double loop."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmae.detection.neighbours import CellNeighbours

CELLS = np.array([0, 1, 2, 2, 0, 1, 2, 2])  # two coordinates, one cell of two values
IDENTITY = np.arange(8) < 4


def distances_by_hand(point, seen, reference, n_neighbors):
    """Reference: every distance, sorted; the row itself left out once."""
    squared = []
    for other in reference:
        per_cell = np.zeros(3)
        for coordinate, cell in enumerate(CELLS):
            if seen[cell]:
                per_cell[cell] += (point[coordinate] - other[coordinate]) ** 2
        squared.append(per_cell)
    for i, other in enumerate(reference):
        if all(
            point[c] == other[c] for c in range(8) if IDENTITY[c] and seen[CELLS[c]]
        ):
            squared[i][:] = 0  # whatever its other coordinates
    used = [bool(seen[cell]) and IDENTITY[c] for c, cell in enumerate(CELLS)]
    order = sorted(range(len(reference)), key=lambda i: squared[i].sum())
    for i in order:
        if all(point[c] == reference[i][c] for c in range(8) if used[c]):
            order.remove(i)
            break
    return np.mean([squared[i] for i in order[:n_neighbors]], axis=0) * 3 / sum(seen)


@pytest.fixture
def cloud():
    rng = np.random.default_rng(0)
    return rng.normal(size=(90, 8)).astype(np.float32).astype(float)


def make(reference, n_neighbors=4):
    return CellNeighbours(n_neighbors, CELLS, 3, IDENTITY).fit(reference)


@pytest.mark.parametrize("n_neighbors", [1, 4, 30])
def test_distances_match_reference(cloud, n_neighbors):
    new = np.random.default_rng(1).normal(size=(70, 8)).astype(np.float32).astype(float)
    points = np.concatenate([new, cloud[:5]])
    observed = np.random.default_rng(2).random((75, 3)) < 0.8
    observed[:, 0] = True
    found = make(cloud, n_neighbors).distances(points, observed)
    for i, point in enumerate(points):
        expected = distances_by_hand(point, observed[i], cloud, n_neighbors)
        assert_allclose(found[i], expected, rtol=1e-9, atol=1e-12)
    assert_array_equal(found[~observed], 0)


def test_a_training_row_is_not_its_own_neighbour(cloud):
    everything = np.ones((90, 3), dtype=bool)
    found = make(cloud).distances(cloud, everything)
    for i in (0, 41, 89):
        others = make(np.delete(cloud, i, axis=0))
        alone = others.distances(cloud[[i]], everything[[i]])
        assert_allclose(found[[i]], alone, rtol=1e-12)


def test_a_twin_counts_as_a_neighbour(cloud):
    twins = np.concatenate([cloud, cloud[:1]])
    found = make(twins, 1).distances(cloud[:2], np.ones((2, 3), dtype=bool))
    assert found[0].sum() == 0 < found[1].sum()


def test_rows_of_equal_values_are_no_distance_apart(cloud):
    """However they were judged, and though others are nearer by that."""
    twins = np.tile(cloud[:2], (10, 1))
    twins[:, 4:] = 5 * np.random.default_rng(0).normal(size=(20, 4))
    twins[1::2, :4] = twins[0, :4] + 1
    found = make(twins).distances(twins, np.ones((20, 3), dtype=bool))
    assert_array_equal(found, 0)
    new = twins[:2].copy()
    new[:, 4:] += 1
    assert_array_equal(make(twins).distances(new, np.ones((2, 3), dtype=bool)), 0)


@pytest.mark.parametrize("n_neighbors", [1, 4, 30])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_weights_are_repetitions(cloud, n_neighbors, missing):
    weight = np.random.default_rng(2).integers(1, 6, size=90)
    new = np.random.default_rng(1).normal(size=(30, 8))
    points = np.concatenate([new, cloud[:20]]).astype(np.float32)
    observed = np.random.default_rng(3).random((50, 3)) >= missing
    repeated = make(np.repeat(cloud, weight, axis=0), n_neighbors)
    weighted = CellNeighbours(n_neighbors, CELLS, 3, IDENTITY)
    weighted.fit(cloud, weight.astype(float))
    assert_allclose(
        weighted.distances(points, observed),
        repeated.distances(points, observed),
        rtol=1e-9,
        atol=1e-12,
    )


def test_parts_of_a_neighbour(cloud):
    """Half of a row counts half; the row itself is left out whatever its weight."""
    weight = np.full(90, 0.5)
    everything = np.ones((90, 3), dtype=bool)
    weighted = CellNeighbours(3, CELLS, 3, IDENTITY).fit(cloud, weight)
    twice_as_many = make(cloud, 6)
    assert_allclose(
        weighted.distances(cloud, everything),
        twice_as_many.distances(cloud, everything),
    )


def test_other_rows_do_not_matter(cloud):
    observed = np.ones((90, 3), dtype=bool)
    observed[1::2, 1] = False
    points = np.random.default_rng(3).normal(size=(90, 8))
    found = make(cloud).distances(points, observed)
    for rows in ([7], [7, 8, 30], np.arange(90)[::-1]):
        alone = make(cloud).distances(points[rows], observed[rows])
        assert_array_equal(alone, found[rows])


def test_a_row_that_misses_everything(cloud):
    found = make(cloud).distances(np.zeros((1, 8)), np.zeros((1, 3), dtype=bool))
    assert_array_equal(found, np.zeros((1, 3)))


def test_two_reference_rows(cloud):
    found = make(cloud[:2], 1).distances(cloud[:2], np.ones((2, 3), dtype=bool))
    assert_allclose(found.sum(axis=1), ((cloud[0] - cloud[1]) ** 2).sum())
