"""Weights before training, or before they are loaded.

They come from an explicit generator: torch's own initialisation would draw from, and
so disturb, the generator that the whole process shares. Where there is no generator
nothing is drawn or computed, since what is saved will take the place of it: loading
is then quick, and does not start torch's threads, which no process started by a fork
could use.

dtype and device are named throughout, for others are free to change torch's defaults.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import nn

from skmae._random import torch_generator

# Of whatever a network is made of; the whole is moved to its device afterwards.
FLOAT32: dict[str, Any] = {"dtype": torch.float32, "device": "cpu"}


def weight_generator(seed):
    """Generator of a network's weights.

    Parameters
    ----------
    seed : int or None
        None: the weights will be loaded.

    Returns
    -------
    generator : torch.Generator or None
    """
    return None if seed is None else torch_generator(seed)


def empty(*shape):
    """A tensor of whatever numbers."""
    return torch.empty(shape, **FLOAT32)


def blank(*shape):
    """Weights of whatever numbers."""
    return nn.Parameter(empty(*shape))


def zeros(*shape):
    """A tensor of zeros."""
    return torch.from_numpy(np.zeros(shape, dtype=np.float32))


def ones(*shape):
    """A tensor of ones."""
    return torch.from_numpy(np.ones(shape, dtype=np.float32))


def normal(*shape, generator):
    """Draw a tensor from the standard normal distribution."""
    if generator is None:
        return empty(*shape)
    return torch.randn(shape, generator=generator, **FLOAT32)


def draw_uniform(layer, n_in, generator):
    """Draw weight and bias of a layer by torch's usual uniform initialisation."""
    if generator is None:
        return
    bound = 1 / math.sqrt(max(n_in, 1))
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)


class Linear(nn.Linear):
    """torch's linear layer, its weights left blank."""

    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out, **FLOAT32)

    def reset_parameters(self):
        """Draw nothing."""


def linear(n_in, n_out, generator):
    """Make a linear layer with torch's usual uniform initialisation."""
    layer = Linear(n_in, n_out)
    draw_uniform(layer, n_in, generator)
    return layer


def layer_norm(width):
    """Make a layer normalisation with a scale and shift per feature."""
    return nn.LayerNorm(width, **FLOAT32)
