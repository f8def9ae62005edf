"""What all roles that learn from rows of unlike lengths do before they train."""

from dataclasses import dataclass

import numpy as np

from skmae.data.channels import warn_of_unlike_channels
from skmae.data.grid import RowShape
from skmae.data.sequence_codec import SeriesCodec, TokenCodec
from skmae.networks.sequences import SequenceNetwork
from skmae.training.parameters import checked_sizes, chosen, row_shape_of


@dataclass(frozen=True)
class SequenceSpec:
    """A network of steps with a code."""

    n_components: int
    hidden_layer_sizes: tuple
    activation: str
    numerical_embedding: str | None
    predicts_all: bool
    patch_size: int
    n_walk_features = 0
    decodes_codes = False
    bfloat16_on = ()
    reuses_weights = True

    @property
    def n_features(self):
        """Width of the code, behind which nothing stands."""
        return self.n_components

    def build(self, layout, grid, seed):
        """Make the torch module."""
        return SequenceNetwork(
            layout,
            self.n_components,
            self.hidden_layer_sizes,
            self.activation,
            self.numerical_embedding is not None,
            self.predicts_all,
            seed,
            self.patch_size,
        )


def steps_shape(params):
    """Rows have steps: RowShape."""
    if params.analyzer is not None:
        return RowShape((None,))
    return row_shape_of(params)


def refuse_unused(params, unused, unused_by_tokens):
    """Refuse values of parameters that sequences have no use for.

    Parameters
    ----------
    params : estimator
    unused, unused_by_tokens : dict of str to value
        The values that mean so, of all sequences and of those with an analyzer.
    """
    what = "series of unlike lengths"
    if params.analyzer is not None:
        what = f"analyzer={params.analyzer!r}"
        unused = unused | unused_by_tokens
    for name, value in unused.items():
        given = getattr(params, name)
        if given is not value and given != value:
            raise ValueError(
                f"The {name!r} parameter has no meaning with {what}: leave it at "
                f"{value!r}. Got {given!r} instead."
            )
    if params.architecture == "mlp":
        raise ValueError(
            "architecture='mlp' needs rows of one length. With an analyzer, or an "
            "input_shape that begins with None, use 'attention' or 'auto'."
        )


def encode_sequences(params, X, n_bins, seeds):
    """Learn vocabulary or scales, and encode rows: (codec, Sequences)."""
    if params.analyzer is not None:
        tokens = TokenCodec(params.max_features)
        return tokens, tokens.fit_encode(X)
    n_channels = X.steps.shape[1]
    one_scale = np.zeros(n_channels, dtype=int)
    groups = one_scale if params.channel_axis is None else None
    codec = SeriesCodec(params.scaling, groups, n_bins, seeds["codec"])
    values = codec.fit_encode(X)
    if groups is not None and n_channels > 1:
        warn_of_unlike_channels(values.cells, (n_channels,), seeds["rows"])
    return codec, values


def equal_widths(params, auto):
    """``hidden_layer_sizes`` as equal widths, one for each block."""
    sizes = checked_sizes(chosen(params.hidden_layer_sizes, auto))
    if len(set(sizes)) != 1:
        raise ValueError(
            "The 'hidden_layer_sizes' parameter must hold equal widths, one for "
            f"each block, for rows of unlike lengths. Got {sizes!r} instead."
        )
    return sizes
