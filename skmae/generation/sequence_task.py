"""What the generator varies in a fit to rows of tokens."""

from dataclasses import dataclass

from skmae.data.sequence_batches import SequenceDataset
from skmae.networks.sequences import pooled_width
from skmae.networks.step_outputs import StepLoss
from skmae.training.callbacks import AveragedWeights
from skmae.training.parameters import checked_optimizer, chosen, precision_of
from skmae.training.sequence_settings import (
    SequenceSpec,
    encode_sequences,
    equal_widths,
    refuse_unused,
    steps_shape,
)
from skmae.training.settings import Settings
from skmae.training.task import Task, as_weight

# What "auto" stands for, found by measurement.
_WIDTHS = (96, 96)
_LR = 3e-3
_BATCH_SIZE = 64
_LEAST_TRAINING = (1500, 10)
_DECAY = 0.99  # of the average of the weights over steps
# Every number of hidden tokens is as frequent, from one to all.
_MASK_RATIO = (0.0, 1.0)
_UNUSED_BY_TOKENS = {"input_shape": None, "categorical_features": "from_dtype"}


class OrderLoss(StepLoss):
    """Minus the log-probability of hidden tokens, rows counting alike.

    Its mean over all numbers of hidden tokens is, but for the length of a row, its
    log-probability in a random order.

    References
    ----------
    B. Uria, I. Murray and H. Larochelle (2014). A Deep and Tractable Density
    Estimator. ICML. arXiv:1310.1757.
    """

    def forward(self, predicted, values, hidden, observed=None, row_weight=None):
        """Mean loss of a batch; see :class:`StepLoss`."""
        weight = _per_row(hidden, row_weight)
        return super().forward(predicted, values, hidden, observed, weight)

    def cell_weight(self, hidden, observed=None, row_weight=None):
        """Weight of every cell of a batch in the mean."""
        return super().cell_weight(hidden, observed, _per_row(hidden, row_weight))


def _per_row(hidden, row_weight):
    """Weight of each hidden token of a row, so that they weigh as much as the row."""
    share = 1 / hidden.sum(dim=(1, 2)).clamp(min=1)
    return share if row_weight is None else share * row_weight


@dataclass(frozen=True)
class OrderLossSpec:
    """Loss of tokens, whatever their order."""

    def build(self, layout, grid, never_hides):
        """Make the criterion."""
        return OrderLoss(layout, "squared_error", 0.0)


class TokenGeneratorTask(Task):
    """Train a network to say what hidden tokens may be, however many are hidden.

    Parameters
    ----------
    params : MaskedAutoencoderGenerator
    """

    scaling = "standard"

    def row_shape(self):
        """Rows have steps."""
        return steps_shape(self.params)

    def encode(self, X, seeds):
        """Learn the vocabulary, and encode rows: (codec, Sequences)."""
        refuse_unused(self.params, {}, _UNUSED_BY_TOKENS)
        return encode_sequences(self.params, X, None, seeds)

    def settings(self, train, weight, codec, seeds):
        """Check parameters and replace every "auto"."""
        params = self.params
        sizes = equal_widths(params, _WIDTHS)
        network = SequenceSpec(
            n_components=pooled_width(sizes),
            hidden_layer_sizes=sizes,
            activation=params.activation,
            numerical_embedding=None,
            predicts_all=False,
            patch_size=1,
        )
        return Settings(
            network=network,
            loss=OrderLossSpec(),
            rows=self.row_shape(),
            mask_ratio=_MASK_RATIO,
            mask_strategy="random",
            corruption=None,
            optimizer=checked_optimizer(params.optimizer),
            lr=float(chosen(params.lr, _LR)),
            weight_decay=float(params.weight_decay),
            batch_size=min(int(chosen(params.batch_size, _BATCH_SIZE)), len(train)),
            precision=precision_of(params, network),
            compile=False,
        )

    def least_training(self):
        """Steps and epochs that max_epochs="auto" trains for at least."""
        return _LEAST_TRAINING

    def dataset(self, train, weight, settings, layout, seeds, device):
        """Rows padded in batches of like lengths."""
        weight = None if weight is None else as_weight(weight)
        return SequenceDataset(train, weight, device)

    def judges(self, model, dataset, held_out):
        """The averaged weights are what is kept."""
        return [AveragedWeights(_DECAY)]
