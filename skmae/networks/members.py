"""Layers of several networks of one shape, computed as one batched product.

A batch of members is (n_members, n_rows, n_features). Small networks spend their
time in the overhead of each call, which all members then share.
"""

import torch
from torch import nn

from skmae.networks.weights import blank, draw_uniform, ones, zeros


class MemberLinear(nn.Module):
    """A linear layer per member: (members, rows, n_in) -> (members, rows, n_out).

    Parameters
    ----------
    n_members, n_in, n_out : int
    generator : torch.Generator or None
        Draws torch's usual uniform initialisation.
    """

    def __init__(self, n_members, n_in, n_out, generator):
        super().__init__()
        self.weight = blank(n_members, n_in, n_out)
        self.bias = blank(n_members, 1, n_out)
        draw_uniform(self, n_in, generator)

    def forward(self, x):
        """Apply each member's layer to its own rows."""
        return torch.baddbmm(self.bias, x, self.weight)


class MemberNorm(nn.Module):
    """Layer normalisation with a scale and shift per member."""

    def __init__(self, n_members, width):
        super().__init__()
        self.scale = nn.Parameter(ones(n_members, 1, width))
        self.shift = nn.Parameter(zeros(n_members, 1, width))

    def forward(self, x):
        """Normalise (members, rows, width) over its last axis."""
        normalised = nn.functional.layer_norm(x, x.shape[-1:])
        return torch.addcmul(self.shift, normalised, self.scale)
