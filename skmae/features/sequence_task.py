"""What the transformer varies in a fit to sequences."""

import torch

from skmae.data.sequence_batches import SequenceDataset
from skmae.features.task import TransformerTask
from skmae.networks.sequences import pooled_width
from skmae.training.parameters import chosen, settings_of
from skmae.training.sequence_settings import (
    SequenceSpec,
    encode_sequences,
    equal_widths,
    refuse_unused,
    steps_shape,
)
from skmae.training.settings import StepsLoss
from skmae.training.task import as_weight

# What "auto" stands for, found by measurement.
_WIDTHS = (96, 96)
_MASK_RATIO = (0.3, 0.5)
_LR = 3e-3
_BATCH_SIZE = 64
_LEAST_TRAINING = (850, 10)
# What sequences have no use for, with the values that mean so.
_UNUSED = {
    "pooling": "flatten",
    "mask_value": "mean",
    "norm_pix_loss": False,
    "output_activation": "identity",
    "batch_norm": False,
}
_UNUSED_BY_TOKENS = {
    "input_shape": None,
    "channel_axis": None,
    "patch_size": None,
    "scaling": "standard",
    "numerical_embedding": None,
    "categorical_features": "from_dtype",
    "loss": "huber",
}


class SequenceTask(TransformerTask):
    """Train an autoencoder of rows of unlike lengths."""

    kept = ()
    shaping = (
        "n_components",
        "hidden_layer_sizes",
        "activation",
        "numerical_embedding",
    )

    def row_shape(self):
        """Rows have steps."""
        return steps_shape(self.params)

    def least_training(self):
        """Steps and epochs that max_epochs="auto" trains for at least."""
        return _LEAST_TRAINING

    def encode(self, X, seeds):
        """Learn vocabulary or scales, and encode rows: (codec, Sequences)."""
        refuse_unused(self.params, _UNUSED, _UNUSED_BY_TOKENS)
        return encode_sequences(self.params, X, self.n_bins, seeds)

    def settings(self, train, weight, codec, seeds):
        """Check parameters and replace every "auto"."""
        params = self.params
        sizes = equal_widths(params, _WIDTHS)
        n_pooled = pooled_width(sizes)
        n_components = int(chosen(params.n_components, n_pooled))
        if n_components > n_pooled:
            raise ValueError(
                f"The 'n_components' parameter must be at most {n_pooled}, the width "
                f"of what hidden_layer_sizes={sizes!r} says of a row. Got "
                f"{n_components} instead."
            )
        ratio = chosen(params.mask_ratio, _MASK_RATIO)
        visible_weight = float(params.visible_weight)
        if ratio in (0, (0, 0)) and not callable(params.mask_strategy):
            visible_weight = 1.0  # there is nothing else to learn from
        settings = settings_of(
            params,
            SequenceSpec(
                n_components,
                sizes,
                params.activation,
                params.numerical_embedding,
                visible_weight > 0,
                self.row_shape().patch_size or 1,
            ),
            StepsLoss(params.loss, visible_weight),
            self.row_shape(),
            mask_ratio=ratio,
            lr=chosen(params.lr, _LR),
            batch_size=min(chosen(params.batch_size, _BATCH_SIZE), len(train)),
        )
        settings.sampler(None)  # refuses strategies that are not for steps
        return settings if self.before is None else self._as_before(settings)

    def dataset(self, train, weight, settings, layout, seeds, device):
        """Rows padded in batches of like lengths."""
        weight = None if weight is None else as_weight(weight)
        return SequenceDataset(train, weight, device)

    def finish(self, model, train):
        """Learn how codes are standardised, or their principal components."""
        pooled = model.inference().pooled(train)
        model.module.learn_codes(torch.from_numpy(pooled).to(model.device))

    def scoring_masks(self, model):
        """The share of steps to hide at a time when rows are scored."""
        sampler = model.net.sampler
        return None if sampler.never_hides else self.scoring_ratio(sampler)
