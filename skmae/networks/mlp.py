"""The masked autoencoder as a multilayer perceptron."""

import copy
from itertools import pairwise

from torch import nn

from skmae.networks.architecture import Architecture
from skmae.networks.layers import (
    OUTPUT_ACTIVATIONS,
    InputLayer,
    dense_block,
)
from skmae.networks.members import PlainMembers, ResidualMembers, side_by_side
from skmae.networks.outputs import CellNetwork
from skmae.networks.weights import linear, weight_generator


class MaskedMLP(CellNetwork):
    """Encoder and mirrored decoder over whole rows.

    Parameters
    ----------
    layout : Layout
    n_components : int
        Width of the code, which is the output of the last encoder layer.
    hidden_layer_sizes : sequence of int
        Widths of the encoder's layers before the code; mirrored in the decoder.
    activation : str
    output_activation : str
        For numeric columns.
    batch_norm : bool
        Batch instead of layer normalisation.
    fill, indicator, piecewise_linear :
        See :class:`~skmae.networks.layers.InputLayer`.
    seed : int or None
        Seed of the initial weights; None: they will be loaded.
    """

    def __init__(
        self,
        layout,
        n_components,
        hidden_layer_sizes,
        activation,
        output_activation,
        batch_norm,
        fill,
        indicator,
        piecewise_linear,
        seed,
    ):
        super().__init__(layout)
        generator = weight_generator(seed)
        self.input = InputLayer(layout, fill, indicator, piecewise_linear)

        widths = [self.input.n_out, *hidden_layer_sizes, n_components]
        encoder = []
        for n_in, n_out in pairwise(widths):
            encoder += dense_block(n_in, n_out, activation, batch_norm, generator)
        self.encoder = nn.Sequential(*encoder)

        mirrored = [n_components, *reversed(hidden_layer_sizes)]
        decoder = []
        for n_in, n_out in pairwise(mirrored):
            decoder += dense_block(n_in, n_out, activation, batch_norm, generator)
        decoder.append(linear(mirrored[-1], layout.n_expanded, generator))
        self.decoder = nn.Sequential(*decoder)
        self.output_activation = OUTPUT_ACTIVATIONS[output_activation]()

    def encode(self, values, hidden, replacement=None):
        """Code of rows: (n_rows, n_columns) -> (n_rows, n_components)."""
        return self.encoder(self.input(values, hidden, replacement))

    def decode(self, code):
        """Prediction from codes: -> (n_rows, n_expanded)."""
        out = self.decoder(code)
        return self.outputs.activated(out, self.output_activation)

    def forward(self, values, hidden, replacement=None):
        """Predict all cells from the visible ones: -> (n_rows, n_expanded)."""
        return self.decode(self.encode(values, hidden, replacement))

    def side_by_side(self, n_members):
        """Several such networks, copies of this one, to be trained at once.

        Returns
        -------
        members : MLPMembers or None
            None where members would not be independent of each other.
        """
        shares = any(isinstance(layer, nn.BatchNorm1d) for layer in self.encoder)
        if shares or isinstance(self.input.fill, nn.Parameter):
            return None
        return MLPMembers(self, n_members)


class MLPMembers(nn.Module):
    """Several :class:`MaskedMLP` of one shape, side by side, each with rows of its own.

    The rows of the first member come first, as many for each member.

    Parameters
    ----------
    mlp : MaskedMLP
        Whose weights all of them begin with.
    n_members : int
    """

    def __init__(self, mlp, n_members):
        super().__init__()
        self.n_members = n_members
        self.input = copy.deepcopy(mlp.input)
        self.encoder = side_by_side(mlp.encoder, n_members)
        self.decoder = side_by_side(mlp.decoder, n_members)
        self.outputs = mlp.outputs
        self.output_activation = mlp.output_activation

    def encode(self, values, hidden, replacement=None):
        """Codes: (n_members * n_rows, n_columns) -> (n_members, n_rows, n_codes)."""
        inputs = self.input(values, hidden, replacement)
        return self.encoder(inputs.unflatten(0, (self.n_members, -1)))

    def decode(self, code):
        """Prediction from codes: -> (n_members * n_rows, n_expanded)."""
        out = self.decoder(code).flatten(0, 1)
        return self.outputs.activated(out, self.output_activation)


class Perceptron(Architecture):
    """Multilayer perceptrons over whole rows."""

    auto = {
        "n_components": (256, 512),
        "hidden_layer_sizes": ((256,), (512, 512)),
        "mask_ratio": (0.4, 0.75),
        "lr": (4e-3, 2e-3),
        "batch_size": (128, 256),
    }
    member_sizes = (128, 128, 128)
    bfloat16_on = ("cpu", "cuda")

    def autoencoder(self, spec, layout, grid, seed):
        """Make a :class:`MaskedMLP`."""
        return MaskedMLP(
            layout,
            spec.n_components,
            spec.hidden_layer_sizes,
            spec.activation,
            spec.output_activation,
            spec.batch_norm,
            spec.fill,
            spec.indicator,
            spec.numerical_embedding is not None,
            seed,
        )

    def members(self, n_members, reading, widths, activation, generator, corrects):
        """Make perceptrons side by side."""
        kind = ResidualMembers if corrects else PlainMembers
        n_in, n_out = len(reading.column_of_input), len(reading.column_of_output)
        return kind(n_members, n_in, n_out, widths, activation, generator)
