"""Attention among the visible units of a row, and back to all of them.

References
----------
He, Chen, Xie, Li, Dollar, Girshick (2022). Masked Autoencoders Are Scalable Vision
Learners. CVPR. arXiv:2111.06377.
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from skmae.networks.layers import ACTIVATIONS, dense_block
from skmae.networks.tokens import TokenLinear, positions_of, slots_of
from skmae.networks.weights import layer_norm, linear, normal, zeros

_HEAD_WIDTH = 32  # features of a head, or a little more
_EXPANSION = 4  # width of a block's hidden layer, in widths of the block
_LEAST_DECODER = 32  # width
# Tokens that are computed on at once after training, to limit memory.
_MOST_TOKENS = 2**15


class VisibleTokens(NamedTuple):
    """Encoded tokens of the visible units.

    Attributes
    ----------
    row : (n_rows, width) tensor
        An additional token that stands for the whole row.
    tokens : (n_rows, n_kept, width) tensor
    units : (n_rows, n_kept) int tensor
        The unit of each token.
    real : (n_rows, n_kept) bool tensor, or None if all are
        False where a row has fewer visible units than others: such tokens are
        padding that no other token has seen.
    """

    row: torch.Tensor
    tokens: torch.Tensor
    units: torch.Tensor
    real: torch.Tensor | None


class Block(nn.Module):
    """Self-attention and a hidden layer, each normalised before and added after.

    Parameters
    ----------
    width : int
    activation : str
    generator : torch.Generator or None
    """

    def __init__(self, width, activation, generator):
        super().__init__()
        self.n_heads = max(width // _HEAD_WIDTH, 1)
        while width % self.n_heads:
            self.n_heads -= 1
        self.norm_attention = layer_norm(width)
        self.queries_keys_values = linear(width, 3 * width, generator)
        self.mix_heads = linear(width, width, generator)
        self.norm_hidden = layer_norm(width)
        self.inner = linear(width, _EXPANSION * width, generator)
        self.activation = ACTIVATIONS[activation]()
        self.outer = linear(_EXPANSION * width, width, generator)

    def forward(self, tokens, seen=None):
        """Let tokens look at each other: (n_rows, n_tokens, width), same out.

        ``seen``: (n_rows, 1, 1, n_tokens) bool tensor, tokens that may be looked at; or
        numbers of shape (n_rows, n_heads, n_tokens, n_tokens) to add where one looks at
        another.
        """
        tokens = tokens + self._attend(self.norm_attention(tokens), seen)
        inner = self.activation(self.inner(self.norm_hidden(tokens)))
        return tokens + self.outer(inner)

    def _attend(self, tokens, seen):
        heads = self.queries_keys_values(tokens).unflatten(2, (3, self.n_heads, -1))
        # (n_rows, n_tokens, 3, n_heads, head) -> 3 of (n_rows, n_heads, n_tokens, head)
        queries, keys, values = heads.permute(2, 0, 3, 1, 4).unbind(0)
        if seen is not None and seen.is_floating_point():
            seen = seen.to(queries.dtype)
        mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=seen)
        return self.mix_heads(mixed.transpose(1, 2).flatten(2))


class TokenEncoder(nn.Module):
    """Encode the visible units of rows; hidden ones are not computed on at all.

    In training the visible tokens of each row are gathered first, and rows with
    fewer of them are filled up with tokens that nobody looks at. Afterwards, so
    that a row's result has the same bits whatever rows stand beside it, all tokens
    are carried along, but those of hidden units are never looked at: the same
    result in exact arithmetic.

    Parameters
    ----------
    column_of_input : (n_inputs,) int array
        See :class:`~skmae.networks.layers.InputLayer`.
    grid : UnitGrid
    shared : bool
        Whether all units are read by the same map, being patches.
    widths : sequence of int
        Equal widths, one for each block.
    activation : str
    generator : torch.Generator or None

    Attributes
    ----------
    visible_range : (int, int) or None
        Fewest and most units that are visible in a row of training, where that is
        known. None: they are counted in each batch.
    """

    unit_of_cell: torch.Tensor
    positions: torch.Tensor

    def __init__(self, column_of_input, grid, shared, widths, activation, generator):
        super().__init__()
        self.visible_range: tuple[int, int] | None = None
        width = widths[0]
        self.n_units = grid.n_units
        self.one_to_one = grid.one_to_one
        self.register_buffer("unit_of_cell", torch.from_numpy(grid.unit_of_cell))
        self.slots = slots_of(column_of_input, grid)
        n_tokens, n_slots = self.slots.shape
        self.embed = TokenLinear(
            None if shared else n_tokens, n_slots, width, generator
        )
        positions = positions_of(grid, width, generator) if shared else zeros()
        self.register_buffer("positions", positions)
        self.row = nn.Parameter(0.02 * normal(width, generator=generator))
        self.blocks = nn.ModuleList(
            [Block(width, activation, generator) for _ in widths]
        )
        self.norm = layer_norm(width)

    @property
    def fixed_shapes(self):
        """Whether what is computed on has a shape known beforehand, in training."""
        return self.visible_range is not None

    def visible_units(self, hidden):
        """Units with a visible cell: (n_rows, n_columns) -> (n_rows, n_units)."""
        if self.one_to_one:
            return ~hidden
        counts = torch.zeros(
            (hidden.shape[0], self.n_units), dtype=torch.int32, device=hidden.device
        )
        return counts.index_add_(1, self.unit_of_cell, (~hidden).int()) > 0

    def forward(self, inputs, hidden):
        """Encode rows.

        Parameters
        ----------
        inputs : (n_rows, n_inputs) tensor
        hidden : (n_rows, n_columns) bool tensor

        Returns
        -------
        visible : VisibleTokens
        """
        tokens = self.embed(self.slots.group(inputs)) + self.positions
        units, real = self._kept(self.visible_units(hidden))
        if units.shape[1] < self.n_units or self.training:
            tokens = take_tokens(tokens, units)  # (n_rows, n_kept, width)

        row = self.row.to(tokens.dtype).expand(tokens.shape[0], 1, -1)
        tokens = torch.cat([row, tokens], dim=1)
        seen = None
        if real is not None:
            seen = F.pad(real, (1, 0), value=True)[:, None, None, :]
        for block in self.blocks:
            tokens = block(tokens, seen)
        tokens = self.norm(tokens)
        return VisibleTokens(tokens[:, 0], tokens[:, 1:], units, real)

    def _kept(self, visible):
        """Units to compute on, and which of them are visible."""
        if not self.training:
            every = torch.arange(self.n_units, device=visible.device)
            return every.expand(visible.shape[0], -1), visible
        counts = visible.sum(dim=1)
        if self.visible_range is None:
            fewest, most = (int(n) for n in counts.aminmax())  # waits for the device
        else:
            fewest, most = self.visible_range
        # The visible units of each row first, in their order.
        order = visible.to(torch.uint8).argsort(dim=1, descending=True, stable=True)
        units = order[:, :most]
        if fewest == most:
            return units, None
        return units, torch.arange(most, device=visible.device) < counts[:, None]


class TokenDecoder(nn.Module):
    """Predict all cells from the encoded visible tokens, or from the code alone.

    Parameters
    ----------
    column_of_output : (n_outputs,) int array
        Column that each predicted number tells of.
    grid : UnitGrid
    shared : bool
    n_in : int
        Width of the encoder's tokens.
    n_components : int or None
        Width of the code; None: there is none.
    activation : str
    generator : torch.Generator or None
    """

    def __init__(
        self,
        column_of_output,
        grid,
        shared,
        n_in,
        n_components,
        activation,
        generator,
    ):
        super().__init__()
        width = max(n_in // 2, _LEAST_DECODER)
        self.from_tokens = linear(n_in, width, generator)
        if n_components is not None:
            self.from_code = linear(n_components, width, generator)
        self.hidden = nn.Parameter(0.02 * normal(width, generator=generator))
        if shared:
            self.register_buffer("positions", positions_of(grid, width, generator))
        else:
            drawn = normal(grid.n_units, width, generator=generator)
            self.positions = nn.Parameter(drawn)
        self.block = Block(width, activation, generator)
        self.norm = layer_norm(width)
        self.slots = slots_of(column_of_output, grid)
        n_tokens, n_slots = self.slots.shape
        self.head = TokenLinear(None if shared else n_tokens, width, n_slots, generator)

    def forward(self, code, visible=None, code_alone=None):
        """Predict rows.

        Parameters
        ----------
        code : (n_rows, n_components) tensor or None
        visible : VisibleTokens or None
            None: decode from the code alone.
        code_alone : (n_rows,) bool tensor or None
            Rows to decode from the code alone though there are tokens.

        Returns
        -------
        predicted : (n_rows, n_outputs) tensor
        """
        source = code if visible is None else visible.tokens
        hidden = self.hidden.to(source.dtype)
        tokens = hidden.expand(source.shape[0], len(self.positions), -1)
        if visible is not None:
            known = self.from_tokens(visible.tokens)
            hidden, tokens = hidden.to(known.dtype), tokens.to(known.dtype)
            real = visible.real
            if code_alone is not None:
                some = torch.ones_like(visible.units, dtype=torch.bool)
                real = (some if real is None else real) & ~code_alone[:, None]
            if real is not None:
                known = torch.where(real[:, :, None], known, hidden)
            index = visible.units[:, :, None].expand_as(known)
            tokens = tokens.scatter(1, index, known)
        tokens = tokens + self.positions
        if code is not None:
            tokens = tokens + self.from_code(code)[:, None]
        tokens = self.block(tokens)
        return self.slots.ungroup(self.head(self.norm(tokens)))


class TokenAutoencoder(nn.Module):
    """Tokens of visible units in, predictions of all cells out.

    The code is made of the encoded tokens, by a mean over them or from all of them
    in order.

    Parameters
    ----------
    column_of_input, column_of_output : int arrays
        Column that each number tells of.
    grid : UnitGrid
    shared : bool
        Whether all units share their maps, being patches.
    n_components : int or None
        Width of the code; None: make none.
    widths : sequence of int
        Equal widths, one for each block of the encoder.
    pooling : {"mean", "flatten"}
    activation : str
    generator : torch.Generator or None
    """

    def __init__(
        self,
        column_of_input,
        column_of_output,
        grid,
        shared,
        n_components,
        widths,
        pooling,
        activation,
        generator,
    ):
        super().__init__()
        self.pooling = pooling
        self.encoder = TokenEncoder(
            column_of_input, grid, shared, widths, activation, generator
        )
        width = widths[0]
        self.has_code = n_components is not None
        if n_components is not None:
            n_pooled = grid.n_units * width if pooling == "flatten" else width
            self.code = nn.Sequential(
                *dense_block(n_pooled, n_components, activation, False, generator)
            )
        self.decoder = TokenDecoder(
            column_of_output, grid, shared, width, n_components, activation, generator
        )

    def encode(self, inputs, hidden):
        """Code of rows: (n_rows, n_inputs) -> (n_rows, n_components)."""
        return self._in_parts(
            lambda *rows: self._pooled(self.encoder(*rows)), inputs, hidden
        )

    def decode(self, code):
        """Prediction from codes alone: -> (n_rows, n_outputs)."""
        return self._in_parts(self.decoder, code)

    def forward(self, inputs, hidden, code_alone=None):
        """Predict all cells from the visible ones: -> (n_rows, n_outputs).

        ``code_alone``: (n_rows,) bool tensor, rows to decode from their codes alone,
        so that the decoder learns to do that too. None: no row.
        """
        rows = (inputs, hidden) if code_alone is None else (inputs, hidden, code_alone)
        return self._in_parts(self._predict, *rows)

    def predict_all(self, inputs, hidden, by_code):
        """As :meth:`forward`, with some outputs decoded from the code alone.

        ``by_code``: (n_rows, n_outputs) bool tensor.
        """
        return self._in_parts(self._predict_all, inputs, hidden, by_code)

    def _predict(self, inputs, hidden, code_alone=None):
        visible = self.encoder(inputs, hidden)
        code = self._pooled(visible) if self.has_code else None
        return self.decoder(code, visible, code_alone)

    def _predict_all(self, inputs, hidden, by_code):
        visible = self.encoder(inputs, hidden)
        code = self._pooled(visible)
        return torch.where(by_code, self.decoder(code), self.decoder(code, visible))

    def _in_parts(self, function, *tensors):
        """Apply a function to a few rows at a time, but in training to all."""
        if self.training or torch.compiler.is_exporting():  # for any number of rows
            return function(*tensors)
        n_rows = max(_MOST_TOKENS // self.encoder.n_units, 1)
        if tensors[0].shape[0] <= n_rows:
            return function(*tensors)
        # A power of two, so that batches of one size have parts of one size.
        parts = [tensor.split(2 ** (n_rows.bit_length() - 1)) for tensor in tensors]
        return torch.cat([function(*part) for part in zip(*parts, strict=True)])

    def _pooled(self, visible):
        tokens = visible.tokens
        if visible.real is not None:
            tokens = tokens.masked_fill(~visible.real[:, :, None], 0.0)
        if self.pooling == "flatten":
            n_rows, _, width = tokens.shape
            every = tokens.new_zeros(n_rows, self.encoder.n_units, width)
            index = visible.units[:, :, None].expand_as(tokens)
            return self.code(every.scatter(1, index, tokens).flatten(1))
        if visible.real is None:
            n_tokens = tokens.shape[1]
        else:
            n_tokens = visible.real.sum(dim=1, keepdim=True)
        # The token of the row counts too: it is there where all else is hidden.
        mean = (tokens.sum(dim=1) + visible.row) / (n_tokens + 1)
        return self.code(mean)


def take_tokens(tokens, units):
    """Tokens of some units: (n_rows, n_units, width) -> (n_rows, n_kept, width)."""
    return tokens.gather(1, units[:, :, None].expand(-1, -1, tokens.shape[2]))
