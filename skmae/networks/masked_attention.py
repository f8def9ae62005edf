"""The masked autoencoder with attention: its encoder sees only what is visible."""

import torch
from torch import nn

from skmae.networks.architecture import Architecture
from skmae.networks.attention import TokenAutoencoder
from skmae.networks.layers import OUTPUT_ACTIVATIONS, InputLayer
from skmae.networks.outputs import CellNetwork
from skmae.networks.weights import weight_generator


class MaskedAttention(CellNetwork):
    """Masked autoencoder with attention among the visible units of a row.

    The interface is that of :class:`~skmae.networks.mlp.MaskedMLP`.

    Parameters
    ----------
    layout : Layout
    grid : UnitGrid
    shared, n_components, pooling :
        See :class:`TokenAutoencoder`.
    hidden_layer_sizes : sequence of int
        Equal widths, one for each block of the encoder.
    activation, output_activation : str
    piecewise_linear : bool
        See :class:`~skmae.networks.layers.InputLayer`.
    seed : int or None
        Seed of the initial weights; None: they will be loaded.
    """

    column_of_output: torch.Tensor

    def __init__(
        self,
        layout,
        grid,
        shared,
        n_components,
        hidden_layer_sizes,
        pooling,
        activation,
        output_activation,
        piecewise_linear,
        seed,
    ):
        super().__init__(layout)
        self.n_tokens = grid.n_units
        column_of_output = torch.from_numpy(layout.column_of_expanded)
        self.register_buffer("column_of_output", column_of_output, persistent=False)
        # Only a patch can be visible and yet have hidden cells to tell of.
        indicator = not grid.one_to_one
        self.input = InputLayer(layout, "mean", indicator, piecewise_linear)
        self.tokens = TokenAutoencoder(
            self.input.column_of_input,
            layout.column_of_expanded,
            grid,
            shared,
            n_components,
            hidden_layer_sizes,
            pooling,
            activation,
            weight_generator(seed),
        )
        if indicator and seed is not None:
            # Where no training row has a half-hidden patch this weight never learns:
            # such a patch is then read with means in its holes.
            n_places = int(grid.slot_of_cell.max()) + 1
            with torch.no_grad():
                self.tokens.encoder.embed.weight[-n_places:] = 0.0
        self.output_activation = OUTPUT_ACTIVATIONS[output_activation]()

    def expect_visible(self, fewest_and_most):
        """Say how many units of rows of training are visible; see TokenEncoder."""
        self.tokens.encoder.visible_range = fewest_and_most

    def encode(self, values, hidden, replacement=None):
        """Code of rows: (n_rows, n_columns) -> (n_rows, n_components)."""
        return self.tokens.encode(self.input(values, hidden), hidden)

    def decode(self, code):
        """Prediction from codes: -> (n_rows, n_expanded)."""
        return self._activated(self.tokens.decode(code))

    def forward(self, values, hidden, replacement=None, code_alone=None):
        """Predict all cells from the visible ones: -> (n_rows, n_expanded).

        ``code_alone``: (n_rows,) bool tensor, rows to decode from their codes alone.
        """
        inputs = self.input(values, hidden)
        return self._activated(self.tokens(inputs, hidden, code_alone))

    def means_of_all(self, values, hidden, learned_parts):
        """Expected numbers, and probabilities of categories, of visible units too.

        Of a unit whose token the decoder is given, training asks neither what is
        visible nor, unless it hides parts of units, what a hole in it holds. Of the
        code alone it asks all cells.
        """
        by_code = ~hidden
        if not learned_parts:
            encoder = self.tokens.encoder
            by_code = encoder.visible_units(hidden)[:, encoder.unit_of_cell]
        predicted = self.tokens.predict_all(
            self.input(values, hidden), hidden, by_code[:, self.column_of_output]
        )
        return self.outputs.means(self._activated(predicted))

    def _activated(self, out):
        return self.outputs.activated(out, self.output_activation)


class AttentionMembers(nn.Module):
    """Several token autoencoders of one shape, without codes.

    Parameters
    ----------
    n_members : int
    reading : Reading
    widths, activation, generator :
        See :class:`TokenAutoencoder`.
    starts_at_zero : bool
        Make all first predictions zero.
    """

    def __init__(
        self,
        n_members,
        reading,
        widths,
        activation,
        generator,
        starts_at_zero=False,
    ):
        super().__init__()
        members = [
            TokenAutoencoder(
                reading.column_of_input,
                reading.column_of_output,
                reading.grid,
                reading.shared,
                None,
                widths,
                "mean",
                activation,
                generator,
            )
            for _ in range(n_members)
        ]
        if starts_at_zero and generator is not None:
            for member in members:
                nn.init.zeros_(member.decoder.head.weight)
                nn.init.zeros_(member.decoder.head.bias)
        self.members = nn.ModuleList(members)

    def expect_visible(self, fewest_and_most):
        """Say how many units of rows of training are visible; see TokenEncoder."""
        for member in self.members:
            assert isinstance(member, TokenAutoencoder)
            member.encoder.visible_range = fewest_and_most

    def forward(self, inputs, hidden, outputs=None):
        """Let each member predict its own rows.

        (n_members, n_rows, n_inputs), (n_members, n_rows, n_columns)
        -> (n_members, n_rows, n_outputs)

        ``outputs``: (n_parts, n_outputs) int tensor, those that are asked for of each
        part of the rows, instead of all.
        """
        predicted = torch.stack(
            [member(inputs[i], hidden[i]) for i, member in enumerate(self.members)]
        )
        if outputs is None:
            return predicted
        parts = predicted.unflatten(1, (len(outputs), -1))
        asked = outputs.unsqueeze(1).expand(*parts.shape[:3], -1)
        return parts.gather(3, asked).flatten(1, 2)


class Attention(Architecture):
    """Attention among the visible units of a row."""

    auto = {
        "n_components": (256, 512),
        "hidden_layer_sizes": ((64, 64), (128, 128, 128)),
        "mask_ratio": (0.5, 0.75),
        "lr": (6e-3, 2e-3),
        "batch_size": (64, 128),
    }
    member_sizes = (64, 64)
    decodes_codes = True
    bfloat16_on = ("cuda",)
    reuses_weights = True
    # What an encoder of visible units alone has no use for.
    _only = {"mask_value": "mean", "batch_norm": False}

    def check(self, params, sizes, layout):
        """Refuse unequal widths, what shows hidden units, and patches of categories."""
        if len(set(sizes)) != 1:
            raise ValueError(
                "The 'hidden_layer_sizes' parameter must hold equal widths, one for "
                f"each block, with architecture='attention'. Got {sizes!r} instead."
            )
        for name, value in self._only.items():
            given = getattr(params, name, value)
            if given != value:
                raise ValueError(
                    f"The {name!r} parameter must be {value!r} with "
                    "architecture='attention', whose encoder never sees a hidden unit "
                    f"and normalises token by token. Got {given!r} instead."
                )
        if layout.categorical and getattr(params, "input_shape", None):
            raise ValueError(
                "architecture='attention' with input_shape needs numeric columns, but "
                f"column {layout.categorical[0]} of X is categorical."
            )

    def n_tokens(self, grid):
        """As many as a row has columns or patches."""
        return grid.n_units

    def input_layer(self, spec, layout, grid):
        """Show the mask where a patch can be visible and yet have hidden cells."""
        embeds = spec.numerical_embedding is not None
        return InputLayer(layout, "mean", not grid.one_to_one, embeds)

    def autoencoder(self, spec, layout, grid, seed):
        """Make a :class:`MaskedAttention`."""
        return MaskedAttention(
            layout,
            grid,
            spec.shared,
            spec.n_components,
            spec.hidden_layer_sizes,
            spec.pooling,
            spec.activation,
            spec.output_activation,
            spec.numerical_embedding is not None,
            seed,
        )

    def members(self, n_members, reading, widths, activation, generator, corrects):
        """Make token autoencoders side by side."""
        return AttentionMembers(
            n_members, reading, widths, activation, generator, starts_at_zero=corrects
        )
