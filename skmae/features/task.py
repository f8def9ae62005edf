"""What the transformer varies in a fit, and what its "auto" stands for."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from skmae._processes import n_processes
from skmae._random import torch_generator
from skmae.data.encoded_rows import choose_rows, has_missing, value_range
from skmae.features.walks import N_FEATURES, learn_walks
from skmae.masking.even import even_masks
from skmae.networks.architectures import ARCHITECTURES
from skmae.networks.walks import WalkHead
from skmae.training.callbacks import ValidationScore
from skmae.training.parameters import (
    checked_sizes,
    chosen,
    is_auto,
    is_large,
    row_shape_of,
    settings_of,
)
from skmae.training.scoring import scoring_panel
from skmae.training.settings import CellLoss
from skmae.training.task import Task

# Steps and epochs that max_epochs="auto" trains for at least: (small, large rows).
_LEAST_TRAINING = ((1200, 10), (1800, 20))
_N_BINS = 16  # of a piecewise-linear embedding
_MAX_VALIDATION_ROWS = 2000
# Masks under which rows are scored, and how far their ratio may lie from one half.
_SCORING_PASSES = 8
_SCORING_RATIOS = (0.1, 0.9)
# The values that an output activation can produce.
_OUTPUT_RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}


@dataclass(frozen=True)
class AutoencoderSpec:
    """A network with a code.

    Attributes
    ----------
    shared : bool
        Whether rows are n-d signals, whose patches attention reads alike.
    fill : str
        What the network is shown in place of a hidden cell.
    indicator : bool
        Whether it reads the mask beside the values.
    n_walk_features : int
        Numbers behind the code, which say where a row stands among others.
    """

    architecture: str
    n_components: int
    hidden_layer_sizes: tuple
    pooling: str
    activation: str
    numerical_embedding: str | None
    output_activation: str
    batch_norm: bool
    shared: bool
    fill: str
    indicator: bool
    n_walk_features: int = 0

    @property
    def n_features(self):
        """Width of the code and of what stands behind it."""
        return self.n_components + self.n_walk_features

    @property
    def decodes_codes(self):
        """Whether the decoder has to learn apart to do with a code alone."""
        return ARCHITECTURES[self.architecture].decodes_codes

    @property
    def bfloat16_on(self):
        """As of the architecture."""
        return ARCHITECTURES[self.architecture].bfloat16_on

    @property
    def reuses_weights(self):
        """Whether each weight reads several parts of a row."""
        return ARCHITECTURES[self.architecture].reuses_weights

    def build(self, layout, grid, seed):
        """Make the torch module."""
        architecture = ARCHITECTURES[self.architecture]
        network = architecture.autoencoder(self, layout, grid, seed)
        if self.n_walk_features:
            # Of these the training learns nothing; they are learned once it is over.
            network.walks = WalkHead(self.n_components, self.n_walk_features)
            network.walks.requires_grad_(False)
            if seed is not None:
                network.walks.silence()
        return network


class TransformerTask(Task):
    """Train an autoencoder on all rows, or on those that are not held out.

    Parameters
    ----------
    params : MaskedAutoencoderTransformer
    before : FittedModel or None
        What a warm start goes on from.
    one_pass : bool
        Train for one epoch at a constant rate, with no rows held out.
    walks : bool
        Whether "auto" may give more than the code.
    """

    # Of the network, what a warm start takes from the fit before, whatever the
    # parameters say, and what must be as it was.
    kept: ClassVar[tuple[str, ...]] = ("indicator", "n_walk_features")
    shaping: ClassVar[tuple[str, ...]] = (
        "architecture",
        "n_components",
        "hidden_layer_sizes",
        "pooling",
        "activation",
        "numerical_embedding",
        "batch_norm",
    )

    def __init__(self, params, before=None, one_pass=False, walks=True):
        super().__init__(params)
        self.before = before
        self.one_pass = one_pass
        self.walks = walks
        self.n_bins = None if params.numerical_embedding is None else _N_BINS

    def least_training(self):
        """Steps and epochs that max_epochs="auto" trains for at least."""
        return _LEAST_TRAINING[is_large(self.row_shape())]

    @property
    def holds_out(self):
        """Whether a loss on held-out rows is recorded in every epoch."""
        return bool(self.params.early_stopping) and not self.one_pass

    @property
    def scheduled(self):
        """Whether the learning rate is set in every step."""
        return super().scheduled and not self.one_pass

    @property
    def keeps_checkpoints(self):
        """Whether the state of training is written to a file."""
        return super().keeps_checkpoints and not self.one_pass

    def row_shape(self):
        """Shape of rows and size of patches."""
        return row_shape_of(self.params)

    def check_encoded(self, codec, values):
        """Refuse numbers that the output activation cannot produce."""
        activation = self.params.output_activation
        if activation not in _OUTPUT_RANGES:
            return
        numeric = codec.numeric_
        numeric = numeric[~codec.empty_[numeric]]
        if len(numeric) == 0:
            return
        reachable = _OUTPUT_RANGES[activation]
        low, high = value_range(values, numeric)
        if low < reachable[0] - 1e-6 or high > reachable[1] + 1e-6:
            raise ValueError(
                f"output_activation={activation!r} only produces values in "
                f"[{reachable[0]:g}, {reachable[1]:g}], but with "
                f"scaling={self.params.scaling!r} the targets lie in [{low:.3g}, "
                f"{high:.3g}]. Use scaling='minmax' or output_activation='identity'."
            )

    def split(self, values, weight, seeds):
        """Set rows aside for early stopping: (train, held_out or None, weight)."""
        if not self.holds_out:
            return values, None, weight
        n_rows, share = len(values), self.params.validation_fraction
        n_held_out = min(math.ceil(share * n_rows), _MAX_VALIDATION_ROWS)
        if n_rows - n_held_out < 2:
            raise ValueError(
                f"early_stopping=True with validation_fraction={share} leaves "
                f"{n_rows - n_held_out} of {n_rows} samples to train on; at least 2 "
                "are needed."
            )
        order = np.random.default_rng(seeds["validation"]).permutation(n_rows)
        held_out, train = np.sort(order[:n_held_out]), np.sort(order[n_held_out:])
        weight = None if weight is None else weight[train]
        return choose_rows(values, train), values[held_out], weight

    def settings(self, train, weight, codec, seeds):
        """Check parameters and replace every "auto"."""
        params, rows = self.params, self.row_shape()
        kind = chosen(params.architecture, "mlp")
        architecture = ARCHITECTURES[kind]
        auto = {name: pair[is_large(rows)] for name, pair in architecture.auto.items()}
        sizes = chosen(params.hidden_layer_sizes, auto["hidden_layer_sizes"])
        sizes = checked_sizes(sizes)
        architecture.check(params, sizes, codec.layout_)
        if params.norm_pix_loss and params.patch_size is None:
            raise ValueError(
                "norm_pix_loss=True takes errors in units of their patch's standard "
                "deviation and needs input_shape and patch_size. Got patch_size=None."
            )
        categorical = codec.layout_.categorical
        if params.norm_pix_loss and categorical:
            raise ValueError(
                "norm_pix_loss=True needs numeric columns, but column "
                f"{categorical[0]} of X is categorical."
            )
        if params.batch_norm and n_processes() > 1:
            raise ValueError(
                "batch_norm=True cannot be fitted by several processes, since each of "
                "them would normalise its share of a batch by itself. Set "
                "batch_norm=False."
            )
        corrupts = params.mask_value in ("noise", "swap")
        network = AutoencoderSpec(
            architecture=kind,
            n_components=int(chosen(params.n_components, auto["n_components"])),
            hidden_layer_sizes=sizes,
            pooling=params.pooling,
            activation=params.activation,
            numerical_embedding=params.numerical_embedding,
            output_activation=params.output_activation,
            batch_norm=bool(params.batch_norm),
            shared=rows.input_shape is not None,
            fill="mean" if corrupts else params.mask_value,
            # Where rows come with holes, to know them helps. Where they come whole,
            # the mask would tell rows of training from those to be encoded.
            indicator=rows.input_shape is None and has_missing(train),
            n_walk_features=self._n_walk_features(rows),
        )
        settings = settings_of(
            params,
            network,
            CellLoss(
                params.loss, float(params.visible_weight), bool(params.norm_pix_loss)
            ),
            rows,
            mask_ratio=chosen(params.mask_ratio, auto["mask_ratio"]),
            lr=chosen(params.lr, auto["lr"]),
            batch_size=min(chosen(params.batch_size, auto["batch_size"]), len(train)),
            fill=params.mask_value,
        )
        return settings if self.before is None else self._as_before(settings)

    def _n_walk_features(self, rows):
        """Numbers behind the code: of images, unless it is to have a width."""
        if rows.input_shape is None or not is_auto(self.params.n_components):
            return 0
        return N_FEATURES if self.walks else 0

    def _as_before(self, settings):
        """Keep the shape of the fitted network, or say why that cannot be."""
        fitted = self.before.settings
        network = settings.network
        for name in self.kept:
            network = replace(network, **{name: getattr(fitted.network, name)})
        shaping = {
            name: (getattr(fitted.network, name), getattr(network, name))
            for name in self.shaping
        } | {
            name: (getattr(fitted.rows, name), getattr(settings.rows, name))
            for name in ("input_shape", "channel_axis", "patch_size")
        }
        if self.params.analyzer is None:  # tokens have no scale
            shaping["scaling"] = (self.before.codec.scaling, self.scaling)
        for name, (was, now) in shaping.items():
            if was != now:
                raise ValueError(
                    f"warm_start=True continues a network with {name}={was!r}; got "
                    f"{now!r}. Set warm_start=False to start anew."
                )
        return replace(settings, network=network)

    def n_epochs(self, n_rows, n_batches):
        """Epochs to train for."""
        return 1 if self.one_pass else super().n_epochs(n_rows, n_batches)

    def judges(self, model, dataset, held_out):
        """The score of held-out rows."""
        if held_out is None:
            return []
        return [
            ValidationScore(
                held_out,
                lambda module: model.inference(),
                scoring_panel(model.net.sampler),
                self.params.n_iter_no_change,
            )
        ]

    def finish(self, model, train):
        """Learn where rows stand among each other."""
        learn_walks(model, train)

    def scoring_ratio(self, sampler):
        """About the ratio of training."""
        return float(np.clip((sampler.low + sampler.high) / 2, *_SCORING_RATIOS))

    def scoring_masks(self, model):
        """Masks for scoring rows, at about the ratio of training.

        A network that never hid a cell is scored on what it sees: no mask.
        """
        sampler = model.net.sampler
        if sampler.never_hides:
            return np.zeros((0, model.layout.n_columns), dtype=bool)
        ratio = self.scoring_ratio(sampler)
        generator = torch_generator(model.seeds["scoring"])
        n_groups = round(1 / min(ratio, 1 - ratio))
        n_repeats = max(1, _SCORING_PASSES // n_groups)
        units = even_masks(model.grid.n_units, ratio, generator, n_repeats)
        return sampler.to_cells(units).numpy()
