"""Pieces from which networks are built."""

import numpy as np
import torch
from torch import nn

from skmae.networks.piecewise import PiecewiseLinear, bins_between
from skmae.networks.weights import FLOAT32, layer_norm, linear

ACTIVATIONS = {
    "gelu": nn.GELU,
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "identity": nn.Identity,
}
OUTPUT_ACTIVATIONS = {
    "identity": nn.Identity,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}

# Numbers that layer normalisation may take together.
_LEAST_NORM = 8


def dense_block(n_in, n_out, activation, batch_norm, generator):
    """Linear map, normalisation, activation.

    A few numbers normalised together would be left with little to tell, and one with
    nothing: narrow layers are normalised over the batch or not at all.
    """
    norm: nn.Module = layer_norm(n_out) if n_out >= _LEAST_NORM else nn.Identity()
    if batch_norm:
        norm = nn.BatchNorm1d(n_out, **FLOAT32)
    return [linear(n_in, n_out, generator), norm, ACTIVATIONS[activation]()]


class InputLayer(nn.Module):
    """Turn cells and their mask into the numbers that the first layer reads.

    A hidden cell, categorical or numeric, becomes its column's fill value. The
    parts, in order: the expanded values, the piecewise-linear embedding of visible
    numbers, and the mask itself.

    Parameters
    ----------
    layout : Layout
    fill : {"mean", "zero", "learned"}
    indicator : bool
        Append the mask to the input.
    piecewise_linear : bool
    """

    numeric: torch.Tensor
    categorical: torch.Tensor
    fill: torch.Tensor
    embedding: PiecewiseLinear | None

    def __init__(self, layout, fill, indicator, piecewise_linear):
        super().__init__()
        self.cardinalities = layout.cardinalities
        self.places = tuple(layout.categorical)
        self.indicator = indicator
        for name in ("numeric", "categorical"):
            columns = np.array(getattr(layout, name), dtype=np.int64)
            self.register_buffer(name, torch.from_numpy(columns))
        means = np.zeros_like(layout.means) if fill == "zero" else layout.means.copy()
        filled = torch.from_numpy(means)
        if fill == "learned":
            self.fill = nn.Parameter(filled)
        else:
            self.register_buffer("fill", filled)
        self.embedding = None
        if piecewise_linear and layout.numeric:
            column, lower, upper = bins_between(layout.edges)
            self.embedding = PiecewiseLinear(column, lower, upper, open_ended=True)
        self.n_out = layout.n_expanded + indicator * layout.n_columns
        if self.embedding is not None:
            self.n_out += self.embedding.n_out
        self.column_of_input = self._columns(layout)

    def _columns(self, layout):
        """Column that each of the numbers of forward tells of: (n_out,) int array."""
        parts = [layout.column_of_expanded]
        if self.embedding is not None:
            numeric = np.array(layout.numeric)
            parts.append(numeric[self.embedding.column.numpy()])
        if self.indicator:
            parts.append(np.arange(layout.n_columns))
        return np.concatenate(parts).astype(int)

    def forward(self, values, hidden, replacement=None):
        """Prepare a batch.

        Parameters
        ----------
        values : (n_rows, n_columns) tensor
            Where hidden, anything, NaN included.
        hidden : (n_rows, n_columns) bool tensor
        replacement : (n_rows, n_columns) tensor or None
            Cells to show in place of hidden ones; NaN: show the fill value.

        Returns
        -------
        inputs : (n_rows, n_out) tensor
        """
        masked = hidden
        if replacement is not None:
            values = torch.where(hidden, replacement, values)
            masked = hidden & torch.isnan(replacement)
        if self.cardinalities:
            parts = self._mixed(values, masked, hidden)
        else:
            parts = [torch.where(masked, self.fill, values)]
            if self.embedding is not None:
                parts.append(self.embedding(values, hidden))
        if self.indicator:
            parts.append(hidden.to(values.dtype))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def _mixed(self, values, masked, hidden):
        n_numeric = len(self.numeric)
        numbers = values.index_select(1, self.numeric)
        masked_numbers = masked.index_select(1, self.numeric)
        parts = [torch.where(masked_numbers, self.fill[:n_numeric], numbers)]
        start = n_numeric
        for j, size in enumerate(self.cardinalities):
            place = self.places[j]
            masked_cells = masked[:, place][:, None]  # (n_rows, 1)
            indices = values[:, place].masked_fill(masked_cells[:, 0], 0.0)
            one_hot = nn.functional.one_hot(indices.long(), size).to(values.dtype)
            fill = self.fill[start : start + size]
            parts.append(torch.where(masked_cells, fill, one_hot))
            start += size
        if self.embedding is not None:
            hidden_numbers = hidden.index_select(1, self.numeric)
            parts.append(self.embedding(numbers, hidden_numbers))
        return parts
