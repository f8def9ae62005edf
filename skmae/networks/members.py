"""Layers of several networks of one shape, computed as one batched product.

A batch of members is (n_members, n_rows, n_features). Small networks spend their
time in the overhead of each call, which all members then share.
"""

from itertools import pairwise

import torch
from torch import nn

from skmae.networks.layers import ACTIVATIONS
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


def side_by_side(layers, n_members):
    """Layers of several networks that all begin as copies of one.

    Parameters
    ----------
    layers : torch.nn.Sequential
        Of :func:`~skmae.networks.layers.dense_block`, without batch normalisation,
        and linear layers.
    n_members : int

    Returns
    -------
    members : torch.nn.Sequential
        (n_members, n_rows, n_in) -> (n_members, n_rows, n_out)
    """
    copies: list[nn.Module] = []
    with torch.no_grad():
        for layer in layers:
            if isinstance(layer, nn.Linear):
                linear = MemberLinear(
                    n_members, layer.in_features, layer.out_features, None
                )
                linear.weight.copy_(layer.weight.T)
                linear.bias.copy_(layer.bias)
                copies.append(linear)
            elif isinstance(layer, nn.LayerNorm):
                norm = MemberNorm(n_members, *layer.normalized_shape)
                norm.scale.copy_(layer.weight)
                norm.shift.copy_(layer.bias)
                copies.append(norm)
            else:  # has no weights
                copies.append(layer)
    return nn.Sequential(*copies)


class PlainMembers(nn.Module):
    """Layers one after the other, for each member.

    Parameters
    ----------
    n_members, n_in, n_out : int
    widths : sequence of int
        Of the layers between input and output.
    activation : str
    generator : torch.Generator or None
    """

    def __init__(self, n_members, n_in, n_out, widths, activation, generator):
        super().__init__()
        layers: list[nn.Module] = []
        sizes = [n_in, *widths]
        for n_before, n_after in pairwise(sizes):
            layers.append(MemberLinear(n_members, n_before, n_after, generator))
            layers.append(MemberNorm(n_members, n_after))
            layers.append(ACTIVATIONS[activation]())
        layers.append(MemberLinear(n_members, sizes[-1], n_out, generator))
        self.layers = nn.Sequential(*layers)

    def forward(self, inputs, hidden):
        """(members, rows, n_in) -> (members, rows, n_out)."""
        return self.layers(inputs)


class MemberBlock(nn.Module):
    """A residual block of two layers per member, normalised before."""

    def __init__(self, n_members, n_in, n_out, activation, generator):
        super().__init__()
        self.norm = MemberNorm(n_members, n_in)
        self.inner = MemberLinear(n_members, n_in, n_out, generator)
        self.activation = ACTIVATIONS[activation]()
        self.outer = MemberLinear(n_members, n_out, n_out, generator)
        self.skip: nn.Module = nn.Identity()
        if n_in != n_out:
            self.skip = MemberLinear(n_members, n_in, n_out, generator)

    def forward(self, x):
        """(members, rows, n_in) -> (members, rows, n_out)."""
        inner = self.activation(self.inner(self.norm(x)))
        return self.skip(x) + self.outer(inner)


class ResidualMembers(nn.Module):
    """A layer, residual blocks and a head per member; the first output is zero.

    Parameters
    ----------
    n_members, n_in, n_out, widths, activation, generator :
        See :class:`PlainMembers`; the layers after the first are residual blocks.
    """

    def __init__(self, n_members, n_in, n_out, widths, activation, generator):
        super().__init__()
        width = widths[0]
        self.first = MemberLinear(n_members, n_in, width, generator)
        self.blocks = nn.Sequential()
        for n_next in widths[1:]:
            block = MemberBlock(n_members, width, n_next, activation, generator)
            self.blocks.append(block)
            width = n_next
        self.norm = MemberNorm(n_members, width)
        self.activation = ACTIVATIONS[activation]()
        self.head = MemberLinear(n_members, width, n_out, generator)
        if generator is not None:
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)

    def forward(self, inputs, hidden, outputs=None):
        """(members, rows, n_in) -> (members, rows, n_out).

        ``outputs``: (n_parts, n_outputs) int tensor, those that are asked for of each
        part of the rows, instead of all.
        """
        return self.after(self.first(inputs), outputs)

    def after(self, first, outputs=None):
        """What :meth:`forward` gives, of what the first layer gives."""
        code = self.activation(self.norm(self.blocks(first)))
        if outputs is None:
            return self.head(code)
        # (members, n_parts, width or 1, n_outputs)
        weight, bias = (
            part[:, :, outputs].transpose(1, 2)
            for part in (self.head.weight, self.head.bias)
        )
        parts = code.unflatten(1, (len(outputs), -1)).flatten(0, 1)
        out = torch.baddbmm(bias.flatten(0, 1), parts, weight.flatten(0, 1))
        return out.unflatten(0, (len(code), -1)).flatten(1, 2)
