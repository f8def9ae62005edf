"""Several masked autoencoders of one shape, side by side."""

import torch
from torch import nn

from skmae.networks.architecture import Reading
from skmae.networks.architectures import ARCHITECTURES
from skmae.networks.outputs import CellNetwork
from skmae.networks.sequences import SequenceNetwork, pooled_width
from skmae.networks.weights import weight_generator


class MaskedEnsemble(CellNetwork):
    """Members that predict all cells from the visible ones, each by itself.

    Parameters
    ----------
    layout : Layout
    grid : UnitGrid
    spec : EnsembleSpec
    seed : int or None
        Seed of the initial weights; None: they will be loaded.
    """

    def __init__(self, layout, grid, spec, seed):
        super().__init__(layout)
        architecture = ARCHITECTURES[spec.architecture]
        self.n_members = spec.n_members
        self.n_tokens = architecture.n_tokens(grid)
        self.input = architecture.input_layer(spec, layout, grid)
        of_input, of_output = self.input.column_of_input, layout.column_of_expanded
        self.members = architecture.members(
            spec.n_members,
            Reading(of_input, of_output, grid, spec.shared),
            spec.hidden_layer_sizes,
            spec.activation,
            weight_generator(seed),
            corrects=False,
        )

    def expect_visible(self, fewest_and_most):
        """Say how many units of rows are visible in training, if members ask."""
        if hasattr(self.members, "expect_visible"):
            self.members.expect_visible(fewest_and_most)

    def forward(self, values, hidden, replacement=None):
        """Let each member predict its share of the rows.

        The rows of the first member come first, as many for each member:
        (n_members * n_rows, n_columns) -> (n_members * n_rows, n_expanded).
        """
        inputs = self.input(values, hidden, replacement)
        inputs, hidden = (
            rows.unflatten(0, (self.n_members, -1)) for rows in (inputs, hidden)
        )
        return self.members(inputs, hidden).flatten(0, 1)

    def predict_by_all(self, values, hidden):
        """Let every member predict every row.

        (n_rows, n_columns) -> (n_members, n_rows, n_expanded)
        """
        every = (self.n_members, -1, -1)
        inputs = self.input(values, hidden)
        return self.members(inputs.expand(every), hidden.expand(every))


class SequenceEnsemble(nn.Module):
    """Members that predict steps of rows of unlike lengths, each by itself.

    Parameters
    ----------
    layout : Layout
        Of a step.
    spec : SequenceEnsembleSpec
    seed : int or None
        Seed of the initial weights; None: they will be loaded.
    """

    def __init__(self, layout, spec, seed):
        super().__init__()
        widths = spec.hidden_layer_sizes
        self.n_members = spec.n_members
        self.members = nn.ModuleList(
            SequenceNetwork(
                layout,
                pooled_width(widths),
                widths,
                spec.activation,
                spec.numerical_embedding is not None,
                predicts_all=False,
                seed=None if seed is None else seed + member,
            )
            for member in range(spec.n_members)
        )

    def forward(self, values, hidden, replacement=None):
        """Let each member predict its share of the rows, the first member's first.

        (n_members * n_rows, length, n_cells) -> (n_asked, n_expanded).
        """
        shares = zip(
            self.members,
            values.chunk(self.n_members),
            hidden.chunk(self.n_members),
            strict=True,
        )
        return torch.cat([member(*share) for member, *share in shares])
