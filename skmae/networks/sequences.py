"""A masked autoencoder of sequences: attention among the visible steps of a row.

Steps know how far apart they are and no place of their own, so that a pattern is the
same wherever it stands in a row; the first and the last step are marked.

References
----------
Shaw, Uszkoreit, Vaswani (2018). Self-Attention with Relative Position
Representations. NAACL. arXiv:1803.02155.

Devlin, Chang, Lee, Toutanova (2019). BERT: Pre-training of Deep Bidirectional
Transformers for Language Understanding. NAACL. arXiv:1810.04805.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from skmae.data.sequences import in_patches
from skmae.networks.attention import Block
from skmae.networks.layers import ACTIVATIONS, InputLayer
from skmae.networks.step_outputs import StepOutputs, asked_steps
from skmae.networks.weights import (
    layer_norm,
    linear,
    normal,
    ones,
    weight_generator,
    zeros,
)

# Steps farther apart than this are all equally far.
_FARTHEST = 64
# Steps on either side whose order filters know.
_REACH = 12
_SCALE = 0.02  # of initial embeddings
# In place of minus infinity, which would make a row without visible steps NaN.
_NEVER = -1e4


class StepEmbedding(nn.Module):
    """Vectors of steps, from their numbers or from a vector for each token.

    A hidden token has a vector of its own; hidden numbers show their mean, beside a
    mark.

    Parameters
    ----------
    layout : Layout
        Of a step.
    width : int
    piecewise_linear : bool
        See :class:`~skmae.networks.layers.InputLayer`.
    generator : torch.Generator or None
    """

    def __init__(self, layout, width, piecewise_linear, generator):
        super().__init__()
        self.n_tokens = sum(layout.cardinalities)
        if self.n_tokens:
            drawn = _SCALE * normal(self.n_tokens + 1, width, generator=generator)
            self.tokens = nn.Parameter(drawn)
        else:
            self.input = InputLayer(layout, "mean", True, piecewise_linear)
            self.linear = linear(self.input.n_out, width, generator)
        self.ends = nn.Parameter(_SCALE * normal(2, width, generator=generator))

    def forward(self, values, hidden, real):
        """Embed: (n_rows, length, n_cells) twice, (n_rows, length) -> (..., width)."""
        gone = hidden | torch.isposinf(values)
        if self.n_tokens:
            index = values[:, :, 0].masked_fill(gone[:, :, 0], self.n_tokens)
            steps = F.embedding(index.long(), self.tokens)
        else:
            inputs = self.input(values.flatten(0, 1), gone.flatten(0, 1))
            steps = self.linear(inputs).unflatten(0, gone.shape[:2])
        # The last step is the one that no step follows.
        follows = F.pad(real[:, 1:], (0, 1))
        is_last = (real & ~follows)[:, :, None].to(steps.dtype)
        is_first = torch.zeros_like(is_last)
        is_first[:, 0] = 1.0
        return steps + is_first * self.ends[0] + is_last * self.ends[1]


class Neighbourhood(nn.Module):
    """Adds to each step what those around it say, by how far off they stand.

    Attention takes long to learn which of a step's neighbours stands where; filters
    know from the start.

    Parameters
    ----------
    width : int
    activation : str
    generator : torch.Generator or None
    """

    def __init__(self, width, activation, generator):
        super().__init__()
        self.norm = layer_norm(width)
        drawn = normal(width, 1, 2 * _REACH + 1, generator=generator)
        self.filters = nn.Parameter(drawn / math.sqrt(2 * _REACH + 1))
        self.activation = ACTIVATIONS[activation]()
        self.linear = linear(width, width, generator)

    def forward(self, steps, real):
        """(n_rows, length, width), (n_rows, length) -> like steps."""
        inputs = (self.norm(steps) * real[:, :, None]).transpose(1, 2)
        around = F.conv1d(
            inputs, self.filters, padding=_REACH, groups=inputs.shape[1]
        ).transpose(1, 2)
        return steps + self.linear(self.activation(around))


class Distances(nn.Module):
    """What attention adds for the distance between two steps, learned for each head.

    Parameters
    ----------
    n_heads : int
    """

    def __init__(self, n_heads):
        super().__init__()
        self.bias = nn.Parameter(zeros(2 * _FARTHEST + 1, n_heads))

    def forward(self, length):
        """Bias of all pairs: (n_heads, length, length)."""
        places = torch.arange(length, device=self.bias.device)
        distance = (places - places[:, None]).clamp(-_FARTHEST, _FARTHEST)
        return self.bias[distance + _FARTHEST].permute(2, 0, 1)


class StepHead(nn.Module):
    """Predictions from encoded steps; tokens share their vectors with the input.

    Parameters
    ----------
    embedding : StepEmbedding
    layout : Layout
    width : int
    activation : str
    generator : torch.Generator or None
    """

    def __init__(self, embedding, layout, width, activation, generator):
        super().__init__()
        self.n_tokens = embedding.n_tokens
        self.inner = linear(width, width, generator)
        self.activation = ACTIVATIONS[activation]()
        self.norm = layer_norm(width)
        if self.n_tokens:
            self.bias = nn.Parameter(zeros(self.n_tokens))
        else:
            self.outer = linear(width, layout.n_expanded, generator)

    def forward(self, steps, tokens):
        """Predict: (n_asked, width) -> (n_asked, n_expanded).

        ``tokens``: (n_tokens + 1, width) vectors of the embedding, or None.
        """
        steps = self.norm(self.activation(self.inner(steps)))
        if self.n_tokens:
            return F.linear(steps, tokens[: self.n_tokens], self.bias)
        return self.outer(steps)


class SequenceNetwork(nn.Module):
    """Masked autoencoder of rows of unlike lengths.

    The code of a row is made of the means, over its steps, of what every layer says of
    them, beside the logarithm of the length. It is standardised by the training rows,
    or cut to their principal components; see :meth:`learn_codes`. Nothing is decoded
    from a code.

    Parameters
    ----------
    layout : Layout
        Of a step.
    n_components : int
        Width of the code: that of all means together, or less.
    widths : sequence of int
        Equal widths, one for each block.
    activation : str
    piecewise_linear : bool
    predicts_all : bool
        In training, predict visible steps too.
    seed : int or None
        Seed of the initial weights; None: they will be loaded.
    patch_size : int
        Steps of numbers that are read and predicted together, and attended to as one.
    """

    # Rows of one batch are longer than those of another.
    fixed_shapes = False

    code_mean: torch.Tensor
    code_axes: torch.Tensor

    def __init__(
        self,
        layout,
        n_components,
        widths,
        activation,
        piecewise_linear,
        predicts_all,
        seed,
        patch_size=1,
    ):
        super().__init__()
        generator = weight_generator(seed)
        width = widths[0]
        self.outputs = StepOutputs(layout)
        self.predicts_all = predicts_all
        self.patch_size = patch_size
        if patch_size > 1:
            layout = layout.repeated(patch_size)
        self.embedding = StepEmbedding(layout, width, piecewise_linear, generator)
        self.neighbourhood = Neighbourhood(width, activation, generator)
        self.blocks = nn.ModuleList(
            [Block(width, activation, generator) for _ in widths]
        )
        self.distances = nn.ModuleList(
            [Distances(block.n_heads) for block in self.blocks]
        )
        self.norm = layer_norm(width)
        self.head = StepHead(self.embedding, layout, width, activation, generator)
        n_pooled = pooled_width(widths)
        self.register_buffer("code_mean", zeros(n_pooled))
        # Scales alone, or axes.
        shape = (n_pooled,) if n_components == n_pooled else (n_pooled, n_components)
        self.register_buffer("code_axes", ones(*shape))

    def forward(self, values, hidden, replacement=None, asked=None):
        """Predict steps from the visible ones.

        Parameters
        ----------
        values : (n_rows, length, n_cells) tensor
            Infinite past the end of a row, NaN where missing.
        hidden : (n_rows, length, n_cells) bool tensor
            Those too.
        asked : (n_rows, length) bool tensor or None
            Steps to predict. None: those with a hidden cell, or all.

        Returns
        -------
        predicted : (n_asked, n_expanded) tensor
        """
        if asked is None:
            asked = asked_steps(values, hidden, self.predicts_all)
        layers, _ = self._layers(values, hidden)
        return self._predicted(layers, asked)

    def means(self, values, hidden, asked=None):
        """Expected numbers, and probabilities of tokens: (n_asked, n_expanded)."""
        return self.outputs.means(self(values, hidden, asked=asked))

    def pooled(self, values, hidden):
        """Means of the layers: (n_rows, length, n_cells) -> (n_rows, n_pooled)."""
        return self._pooled(*self._layers(values, hidden))

    def encode(self, values, hidden):
        """Code of rows: (n_rows, length, n_cells) -> (n_rows, n_components)."""
        return self._code(*self._layers(values, hidden))

    def encode_and_predict(self, values, hidden):
        """Code of rows, and what :meth:`forward` predicts, in one pass."""
        layers, real = self._layers(values, hidden)
        asked = asked_steps(values, hidden, self.predicts_all)
        return self._code(layers, real), self._predicted(layers, asked)

    def side_by_side(self, n_members):
        """See :meth:`~skmae.networks.outputs.CellNetwork.side_by_side`."""
        return None

    def learn_codes(self, pooled):
        """Set what makes codes of means, by those of the training rows.

        Parameters
        ----------
        pooled : (n_rows, n_pooled) float32 tensor
        """
        mean, std = pooled.mean(dim=0), pooled.std(dim=0, correction=0)
        scale = torch.where(std > 1e-6, 1 / std.clamp(min=1e-6), torch.zeros_like(std))
        self.code_mean.copy_(mean)
        if self.code_axes.ndim == 1:
            self.code_axes.copy_(scale)
            return
        n_components = self.code_axes.shape[1]
        standardised = ((pooled - mean) * scale).double()
        _, variances, axes = torch.linalg.svd(standardised, full_matrices=False)
        kept = min(n_components, len(variances))
        self.code_axes.zero_()
        self.code_axes[:, :kept] = scale[:, None] * axes[:kept].T.float()

    def _predicted(self, layers, asked):
        steps = self.norm(layers[-1])
        if self.patch_size > 1:
            return self._in_steps(steps, asked)
        tokens = self.embedding.tokens if self.embedding.n_tokens else None
        return self.head(steps[asked], tokens)

    def _in_steps(self, patches, asked):
        """Predictions of the steps in some patches: -> (n_asked, n_expanded)."""
        by_patch = in_patches(asked[:, :, None], self.patch_size, False)
        # After training all, since a product of another height may differ in bits.
        wanted = by_patch.any(dim=2) | (not self.training)
        predicted = self.head(patches[wanted], None)  # (n_wanted, size * n_cells)
        return predicted.unflatten(1, (self.patch_size, -1))[by_patch[wanted]]

    def _pooled(self, layers, real):
        n_steps = real.sum(dim=1, keepdim=True)
        weight = (real / n_steps)[:, None, :]  # (n_rows, 1, length)
        means = [(weight @ layer)[:, 0] for layer in layers]
        return torch.cat([*means, n_steps.log()], dim=1)

    def _code(self, layers, real):
        centred = self._pooled(layers, real) - self.code_mean
        if self.code_axes.ndim == 1:
            return centred * self.code_axes
        return centred @ self.code_axes

    def _layers(self, values, hidden):
        """What each layer says of all steps, and which of them there are."""
        if self.patch_size > 1:
            values = in_patches(values, self.patch_size, torch.inf)
            hidden = in_patches(hidden, self.patch_size, True)
        real = ~torch.isposinf(values).all(dim=2)
        steps = self.neighbourhood(self.embedding(values, hidden, real), real)
        # A step is looked at as far as anything of it is visible.
        seen = real & ~hidden.all(dim=2)
        # Every step looks at itself too: from how much of it is left beside the visible
        # steps, a hidden one can tell how far away they are.
        itself = torch.eye(real.shape[1], dtype=torch.bool, device=real.device)
        looked_at = seen[:, None, :] | itself  # (n_rows, length, length)
        never = torch.zeros_like(looked_at, dtype=steps.dtype)
        never = never.masked_fill(~looked_at, _NEVER)[:, None]
        layers = [steps]
        for block, distances in zip(self.blocks, self.distances, strict=True):
            bias = distances(real.shape[1]) + never
            steps = block(steps, bias)
            layers.append(steps)
        return layers, real


def pooled_width(widths):
    """Numbers that codes of blocks of some widths are made of."""
    return (len(widths) + 1) * widths[0] + 1
