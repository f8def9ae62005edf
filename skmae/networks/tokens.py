"""Rows as tokens, one for each mask unit, and back.

A unit is a patch of an n-d row, or a column of a table. All patches are read and
written by one and the same linear map and told apart by their positions; each
column has a map of its own.
"""

import math

import numpy as np
import torch
from torch import nn

from skmae.networks.weights import FLOAT32, blank, draw_uniform, empty


class Slots(nn.Module):
    """Numbers of a flat row arranged by the token that they belong to.

    Tokens have equally many slots. Where a token has fewer numbers than that (a
    patch cut off by the border, a column with fewer categories than another) slots
    stay empty: they read as zero, and nothing is read back from them.

    Parameters
    ----------
    token, slot : (n_numbers,) int array
        Where each number goes; no two may go to the same place.
    n_tokens : int
    """

    position: torch.Tensor
    source: torch.Tensor

    def __init__(self, token, slot, n_tokens):
        super().__init__()
        self.shape = (n_tokens, int(slot.max()) + 1)
        position = token * self.shape[1] + slot
        source = np.full(math.prod(self.shape), len(position))
        source[position] = np.arange(len(position))
        self.in_order = np.array_equal(source, np.arange(len(position)))
        self.register_buffer("position", torch.from_numpy(position))
        self.register_buffer("source", torch.from_numpy(source))

    def group(self, numbers):
        """(n_rows, n_numbers) -> (n_rows, n_tokens, n_slots)."""
        if not self.in_order:
            empty = numbers.new_zeros(numbers.shape[0], 1)
            numbers = torch.cat([numbers, empty], dim=1).index_select(1, self.source)
        return numbers.unflatten(1, self.shape)

    def ungroup(self, slots):
        """(n_rows, n_tokens, n_slots) -> (n_rows, n_numbers)."""
        numbers = slots.flatten(1)
        return numbers if self.in_order else numbers.index_select(1, self.position)


def slots_of(column, grid):
    """Arrange numbers by the mask unit of the column that each tells of.

    Parameters
    ----------
    column : (n_numbers,) int array
        A column may have several numbers; they keep their order.
    grid : UnitGrid

    Returns
    -------
    slots : Slots
    """
    # How many numbers of the same column stand before this one.
    order = np.argsort(column, kind="stable")
    ordered = column[order]
    starts = np.searchsorted(ordered, ordered)
    before = np.empty(len(column), dtype=int)
    before[order] = np.arange(len(column)) - starts
    n_places = int(grid.slot_of_cell.max()) + 1
    slot = before * n_places + grid.slot_of_cell[column]
    return Slots(grid.unit_of_cell[column], slot, grid.n_units)


def sine_cosine(coordinates, width):
    """Sine-cosine positions in any number of dimensions.

    The features are shared out evenly among the axes. Those of an axis are sines
    and cosines of its coordinate, with wavelengths from 2 pi up to four times the
    extent of the axis, so that even few positions differ in all of them.

    Parameters
    ----------
    coordinates : (n_tokens, n_axes) array
    width : int

    Returns
    -------
    positions : (n_tokens, width) float32 tensor

    References
    ----------
    Vaswani et al. (2017). Attention Is All You Need. NeurIPS. arXiv:1706.03762.
    """
    coordinates = torch.from_numpy(np.asarray(coordinates, dtype=np.float32))
    # An axis along which nothing varies tells no positions apart.
    extent = coordinates.amax(dim=0) - coordinates.amin(dim=0) + 1
    coordinates, extent = coordinates[:, extent > 1], extent[extent > 1]
    positions = torch.zeros(len(coordinates), width, **FLOAT32)
    n_axes = coordinates.shape[1]
    n_waves = width // (2 * n_axes) if n_axes else 0
    if n_waves:
        slowest = math.pi / (2 * extent[:, None])
        waves = torch.arange(n_waves, **FLOAT32)
        rates = slowest ** (waves / max(n_waves - 1, 1))
        angles = coordinates[:, :, None] * rates  # (n_tokens, n_axes, n_waves)
        waves = torch.cat([angles.sin(), angles.cos()], dim=2).flatten(1)
        positions[:, : waves.shape[1]] = waves
    return positions


def positions_of(grid, width, generator):
    """:func:`sine_cosine` of a grid, or what it will be loaded into."""
    if generator is None:
        return empty(grid.n_units, width)
    return sine_cosine(grid.coordinates, width)


class TokenLinear(nn.Module):
    """A linear map of tokens: one for all, or one for each.

    Parameters
    ----------
    n_tokens : int or None
        None: all tokens share the map.
    n_in, n_out : int
    generator : torch.Generator or None
    """

    def __init__(self, n_tokens, n_in, n_out, generator):
        super().__init__()
        self.shared = n_tokens is None
        shape = (n_in, n_out) if self.shared else (n_tokens, n_in, n_out)
        self.weight = blank(*shape)
        self.bias = blank(*shape[:-2], n_out)
        draw_uniform(self, n_in, generator)

    def forward(self, tokens):
        """(n_rows, n_tokens, n_in) -> (n_rows, n_tokens, n_out)."""
        if self.shared:
            return tokens @ self.weight + self.bias
        # a product per token: (n_tokens, n_rows, n_in) @ (n_tokens, n_in, n_out)
        return (tokens.transpose(0, 1) @ self.weight).transpose(0, 1) + self.bias
