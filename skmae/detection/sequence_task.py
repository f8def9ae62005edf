"""What the detector varies in a fit to sequences."""

from dataclasses import dataclass
from typing import ClassVar

from skmae.data.sequence_batches import MemberSequences
from skmae.detection.network import SequenceEnsemble
from skmae.detection.task import DetectorTask
from skmae.training.parameters import chosen, settings_of
from skmae.training.sequence_settings import (
    encode_sequences,
    equal_widths,
    refuse_unused,
    steps_shape,
)
from skmae.training.settings import StepsLoss
from skmae.training.task import as_weight

# What "auto" stands for, found by measurement.
_WIDTHS = (64, 64)
_BATCH_SIZE = 32
_LEAST_TRAINING = (400, 10)
# Share of the steps that are hidden at a time when rows are judged.
_SCORING_RATIO = 0.1
# What sequences have no use for, with the values that mean so.
_UNUSED = {
    "training_data": "auto",
    "n_neighbors": "auto",
    "mask_value": "mean",
    "patch_size": None,
}
_UNUSED_BY_TOKENS = {
    "input_shape": None,
    "channel_axis": None,
    "scaling": "asinh",
    "numerical_embedding": None,
    "categorical_features": "from_dtype",
    "loss": "squared_error",
}


@dataclass(frozen=True)
class SequenceEnsembleSpec:
    """Members that predict steps."""

    decodes_codes: ClassVar[bool] = False
    bfloat16_on: ClassVar[tuple[str, ...]] = ()

    n_members: int
    hidden_layer_sizes: tuple
    activation: str
    numerical_embedding: str | None

    def build(self, layout, grid, seed):
        """Make the torch module."""
        return SequenceEnsemble(layout, self, seed)


class SequenceDetectorTask(DetectorTask):
    """Train members on rows of unlike lengths, each of which leaves out a fold.

    Parameters
    ----------
    params : MaskedAutoencoderDetector
    """

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
        self.check_training(train)
        settings = settings_of(
            params,
            SequenceEnsembleSpec(
                params.n_members,
                equal_widths(params, _WIDTHS),
                params.activation,
                params.numerical_embedding,
            ),
            StepsLoss(params.loss, 0.0),
            self.row_shape(),
            mask_ratio=params.mask_ratio,
            lr=params.lr,
            batch_size=min(chosen(params.batch_size, _BATCH_SIZE), len(train)),
        )
        settings.sampler(None)  # refuses strategies that are not for steps
        return settings

    def dataset(self, train, weight, settings, layout, seeds, device):
        """Rows drawn for members, each of which leaves out a fold."""
        folds = self.folds(len(train), seeds)
        weight = None if weight is None else as_weight(weight)
        n_members = settings.network.n_members
        return MemberSequences(train, weight, device, folds, n_members)

    def scoring_masks(self, model):
        """The share of steps to hide at a time when rows are scored."""
        return _SCORING_RATIO
