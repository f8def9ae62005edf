"""Rows as tokens and back."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skmae._random import torch_generator
from skmae.data.grid import make_grid
from skmae.networks.tokens import TokenLinear, sine_cosine, slots_of


def test_any_shape_in_any_patches_comes_back_exactly():
    rng = np.random.default_rng(0)
    for _ in range(200):
        shape = tuple(rng.integers(1, 9, size=rng.integers(1, 5)).tolist())
        n_sizes = rng.integers(1, len(shape) + 1)
        patch_size = tuple(
            int(rng.integers(1, extent + 1)) for extent in shape[len(shape) - n_sizes :]
        )
        n_cells = int(np.prod(shape))
        grid = make_grid(n_cells, shape, patch_size)
        slots = slots_of(np.arange(n_cells), grid)
        rows = torch.from_numpy(rng.normal(size=(3, n_cells)))
        grouped = slots.group(rows)
        assert grouped.shape == (3, grid.n_units, np.prod(_whole(shape, patch_size)))
        assert torch.equal(slots.ungroup(grouped), rows), (shape, patch_size)
        # whatever is not a cell reads as zero
        assert torch.count_nonzero(grouped) == torch.count_nonzero(rows)


def _whole(shape, patch_size):
    return shape[: len(shape) - len(patch_size)] + patch_size


def test_patches_are_cut_as_with_plain_slicing():
    rng = np.random.default_rng(0)
    image = rng.normal(size=(2, 3, 4, 6))  # rows, channels, height, width
    grid = make_grid(72, (3, 4, 6), (2, 3))
    grouped = slots_of(np.arange(72), grid).group(torch.from_numpy(image).flatten(1))
    assert grouped.shape == (2, 4, 18)
    for i in range(2):
        for j in range(2):
            patch = image[:, :, 2 * i : 2 * i + 2, 3 * j : 3 * j + 3]
            assert_array_equal(grouped[:, 2 * i + j], patch.reshape(2, -1))


def test_a_patch_at_the_border_keeps_its_places():
    grid = make_grid(5, (5,), 3)
    grouped = slots_of(np.arange(5), grid).group(torch.arange(1.0, 6.0)[None])
    assert grouped.tolist() == [[[1, 2, 3], [4, 5, 0]]]


def test_numbers_of_one_column_share_a_token():
    slots = slots_of(np.array([0, 1, 1, 1, 0]), make_grid(2))
    grouped = slots.group(torch.arange(1.0, 6.0)[None])
    assert grouped.tolist() == [[[1, 5, 0], [2, 3, 4]]]


@pytest.mark.parametrize("shape", [(7,), (4, 9), (2, 5, 6), (3, 2, 4, 4)])
def test_every_position_is_its_own(shape):
    grid = make_grid(int(np.prod(shape)), shape, 1)
    positions = sine_cosine(grid.coordinates, 32)
    assert positions.shape == (grid.n_units, 32)
    distance = torch.cdist(positions, positions)
    distance.fill_diagonal_(torch.inf)
    assert distance.min() > 0.1


def test_positions_in_one_dimension():
    positions = sine_cosine(np.arange(8.0)[:, None], 4)
    rates = np.array([1.0, np.pi / 16])
    angles = np.arange(8)[:, None] * rates
    expected = np.hstack([np.sin(angles), np.cos(angles)])
    assert_allclose(positions, expected, atol=1e-6)


def test_positions_where_there_is_nothing_to_tell_apart():
    assert torch.equal(sine_cosine(np.zeros((1, 2)), 8), torch.zeros(1, 8))


def test_each_token_has_a_map_of_its_own():
    layer = TokenLinear(3, 2, 4, torch_generator(0))
    tokens = torch.randn(5, 3, 2, generator=torch_generator(1))
    out = layer(tokens).detach().numpy()
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    for token in range(3):
        expected = tokens[:, token].numpy() @ weight[token] + bias[token]
        assert_allclose(out[:, token], expected, rtol=1e-5, atol=1e-6)
