"""Several masked autoencoders of one shape, side by side."""

from itertools import pairwise

from torch import nn

from skmae.networks.layers import ACTIVATIONS, InputLayer
from skmae.networks.masked_attention import AttentionMembers
from skmae.networks.members import MemberLinear, MemberNorm
from skmae.networks.weights import weight_generator


class MaskedEnsemble(nn.Module):
    """Members that predict all cells from the visible ones, each by itself.

    Parameters
    ----------
    layout : Layout
    n_members : int
    hidden_layer_sizes : sequence of int
        Widths of the layers between input and output.
    activation : str
    fill, indicator, piecewise_linear :
        See :class:`~skmae.networks.layers.InputLayer`.
    seed : int or None
        Seed of the initial weights; None: they will be loaded.
    """

    def __init__(
        self,
        layout,
        n_members,
        hidden_layer_sizes,
        activation,
        fill,
        indicator,
        piecewise_linear,
        seed,
    ):
        super().__init__()
        generator = weight_generator(seed)
        self.n_members = n_members
        self.input = InputLayer(layout, fill, indicator, piecewise_linear)
        widths = [self.input.n_out, *hidden_layer_sizes]
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(widths):
            layers.append(MemberLinear(n_members, n_in, n_out, generator))
            layers.append(MemberNorm(n_members, n_out))
            layers.append(ACTIVATIONS[activation]())
        layers.append(MemberLinear(n_members, widths[-1], layout.n_expanded, generator))
        self.layers = nn.Sequential(*layers)

    def forward(self, values, hidden, replacement=None):
        """Let each member predict the rows dealt to it.

        The rows of the first member come first, as many for each member:
        (n_members * n_rows, n_columns) -> (n_members * n_rows, n_expanded).
        """
        inputs = self.input(values, hidden, replacement)
        dealt = inputs.unflatten(0, (self.n_members, -1))
        return self.layers(dealt).flatten(0, 1)

    def predict_by_all(self, values, hidden):
        """Let every member predict every row.

        (n_rows, n_columns) -> (n_members, n_rows, n_expanded)
        """
        inputs = self.input(values, hidden)
        return self.layers(inputs.expand(self.n_members, -1, -1))


class AttentionEnsemble(nn.Module):
    """Token autoencoders side by side, with the interface of MaskedEnsemble.

    Parameters
    ----------
    layout : Layout
    grid : UnitGrid
    shared : bool
        See :class:`~skmae.networks.attention.TokenAutoencoder`.
    n_members : int
    hidden_layer_sizes : sequence of int
        Equal widths, one for each block of an encoder.
    activation : str
    piecewise_linear : bool
    seed : int or None
        Seed of the initial weights; None: they will be loaded.
    """

    def __init__(
        self,
        layout,
        grid,
        shared,
        n_members,
        hidden_layer_sizes,
        activation,
        piecewise_linear,
        seed,
    ):
        super().__init__()
        self.n_members = n_members
        self.input = InputLayer(layout, "mean", not grid.one_to_one, piecewise_linear)
        self.body = AttentionMembers(
            n_members,
            self.input.column_of_input,
            layout.column_of_expanded,
            grid,
            shared,
            hidden_layer_sizes,
            activation,
            weight_generator(seed),
        )

    def forward(self, values, hidden, replacement=None):
        """Let each member predict the rows dealt to it; see MaskedEnsemble."""
        dealt = self.input(values, hidden).unflatten(0, (self.n_members, -1))
        hidden = hidden.unflatten(0, (self.n_members, -1))
        return self.body(dealt, hidden).flatten(0, 1)

    def predict_by_all(self, values, hidden):
        """Let every member predict every row; see MaskedEnsemble."""
        every = (self.n_members, -1, -1)
        inputs = self.input(values, hidden)
        return self.body(inputs.expand(every), hidden.expand(every))
