"""A layer that reads codes and says what a row is."""

import torch
from torch import nn
from torch.nn import functional as F

from skmae.networks.members import MemberLinear
from skmae.networks.weights import Linear, zeros


class HeadedNetwork(nn.Module):
    """Any network of the package, and a linear head that reads its codes.

    Parameters
    ----------
    body : torch.nn.Module
        With the interface of :class:`~skmae.networks.mlp.MaskedMLP`.
    n_components : int
        Width of its code.
    n_outputs : int
        Classes, or targets of a regression.
    """

    def __init__(self, body, n_components, n_outputs):
        super().__init__()
        self.body = body
        # Without weights no output depends on any cell: a start that favours nothing.
        self.head = Linear(n_components, n_outputs)
        self.head.weight = nn.Parameter(zeros(n_outputs, n_components))
        self.head.bias = nn.Parameter(zeros(n_outputs))

    @property
    def n_tokens(self):
        """Parts of a row that pass through the layers one by one."""
        return self.body.n_tokens

    def set_head(self, weights, biases):
        """Put solved weights (n_outputs, n_components) into the head."""
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(weights))
            self.head.bias.copy_(torch.from_numpy(biases))

    def scale_head(self, factor):
        """Multiply all outputs, from now on, by a factor."""
        with torch.no_grad():
            self.head.weight.mul_(factor)
            self.head.bias.mul_(factor)

    def expect_visible(self, fewest_and_most):
        """Say how many units of rows are visible in training, if the body asks."""
        if hasattr(self.body, "expect_visible"):
            self.body.expect_visible(fewest_and_most)

    def encode(self, values, hidden, replacement=None):
        """Code of rows: (n_rows, n_columns) -> (n_rows, n_components)."""
        return self.body.encode(values, hidden, replacement)

    def decode(self, code):
        """Expanded prediction of cells from codes: -> (n_rows, n_expanded)."""
        return self.body.decode(code)

    def forward(self, values, hidden, replacement=None, with_cells=False):
        """Say what rows are.

        Returns
        -------
        outputs : (n_rows, n_outputs) tensor
        cells : (n_rows, n_expanded) tensor or None
            The prediction of their cells, ``with_cells``.
        """
        code = self.encode(values, hidden, replacement)
        return self.head(code), self.decode(code) if with_cells else None


class HeadedMembers(nn.Module):
    """Several networks side by side, each with a head of its own.

    The rows of the first member come first, as many for each member.

    Parameters
    ----------
    body : torch.nn.Module
        With the interface of :class:`~skmae.networks.mlp.MLPMembers`.
    n_components : int
        Width of its codes.
    n_outputs : int
        Classes, or targets of a regression.
    """

    def __init__(self, body, n_components, n_outputs):
        super().__init__()
        self.body = body
        self.head = MemberLinear(body.n_members, n_components, n_outputs, None)

    @property
    def n_members(self):
        """Networks."""
        return self.body.n_members

    def set_heads(self, heads):
        """Put solved weights (n_outputs, n_components) and biases into the heads."""
        with torch.no_grad():
            for member, (weights, biases) in enumerate(heads):
                self.head.weight[member].copy_(torch.from_numpy(weights.T))
                self.head.bias[member, 0].copy_(torch.from_numpy(biases))

    def forward(self, values, hidden, replacement=None, with_cells=False):
        """Say what rows are.

        Returns
        -------
        outputs : (n_members * n_rows, n_outputs) tensor
        cells : (n_members * n_rows, n_expanded) tensor or None
            The prediction of their cells, ``with_cells``.
        """
        code = self.body.encode(values, hidden, replacement)
        cells = self.body.decode(code) if with_cells else None
        return self.head(code).flatten(0, 1), cells


class HeadedSequences(HeadedNetwork):
    """A network of sequences with such a head.

    Its cells are steps, which are predicted from their neighbours and not from codes.
    """

    def encode(self, values, hidden, replacement=None):
        """Code of rows: (n_rows, length, n_cells) -> (n_rows, n_components)."""
        return self.body.encode(values, hidden)

    def forward(self, values, hidden, replacement=None, with_cells=False):
        """Say what rows are.

        Returns
        -------
        outputs : (n_rows, n_outputs) tensor
        cells : (n_asked, n_expanded) tensor or None
            The prediction of hidden steps, ``with_cells``.
        """
        if not with_cells:
            return self.head(self.encode(values, hidden)), None
        code, cells = self.body.encode_and_predict(values, hidden)
        return self.head(code), cells


class ClassLoss(nn.Module):
    """Cross-entropy with probabilities of classes for targets, weighted by row."""

    def forward(self, outputs, targets, weight):
        """Weighted mean over rows.

        Parameters
        ----------
        outputs : (n_rows, n_classes) tensor
            Logits.
        targets : (n_rows, n_classes) tensor
            Probabilities.
        weight : (n_rows,) tensor
        """
        losses = F.cross_entropy(outputs, targets, reduction="none")
        return (losses * weight).sum() / weight.sum().clamp(min=1e-12)

    @staticmethod
    def row_weight(targets, weight):
        """How much each row counts in the mean: (n_rows,) tensor."""
        return weight


class ValueLoss(nn.Module):
    """Mean squared error over all known values, weighted by row."""

    def forward(self, outputs, targets, weight):
        """Weighted mean over known values.

        Parameters
        ----------
        outputs : (n_rows, n_outputs) tensor
        targets : (n_rows, n_outputs) tensor
            NaN where not known.
        weight : (n_rows,) tensor
        """
        unknown = torch.isnan(targets)
        # Before it is squared: the gradient of NaN times 0 would still be NaN.
        error = (outputs - targets).masked_fill(unknown, 0.0)
        total = (error.square().mean(dim=1) * weight).sum()
        return total / self.row_weight(targets, weight).sum().clamp(min=1e-12)

    @staticmethod
    def row_weight(targets, weight):
        """How much each row counts in the mean: (n_rows,) tensor."""
        known = 1.0 - torch.isnan(targets).float().mean(dim=1)
        return known * weight
