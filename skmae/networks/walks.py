"""Where a row stands among others, told from its code."""

import torch
from torch import nn

from skmae.networks.layers import dense_block
from skmae.networks.weights import linear


class WalkHead(nn.Module):
    """Predict what random walks over neighbouring rows say of a row, from its code.

    It is no part of the training of the network: nothing of it asks for a gradient, and
    it gives zeros until it has learned. See :mod:`skmae.features.walks`.

    Parameters
    ----------
    n_components : int
        Width of the code.
    n_features : int
        Width of what is predicted.
    generator : torch.Generator or None
        None: the weights will be loaded, or are those of a head that says nothing yet.
    """

    def __init__(self, n_components, n_features, generator=None):
        super().__init__()
        self.n_features = n_features
        block = dense_block(n_components, n_components, "gelu", False, generator)
        last = linear(n_components, n_features, generator)
        self.layers = nn.Sequential(*block, last)

    def silence(self):
        """Give zeros, and ask for no gradient."""
        with torch.no_grad():
            for weights in self.parameters():
                weights.zero_()
        return self.requires_grad_(False)

    def forward(self, code):
        """Features of rows: (n_rows, n_components) -> (n_rows, n_features)."""
        return self.layers(code)
