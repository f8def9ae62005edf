"""What fine-tuning varies in a fit, and what its "auto" stands for."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from skmae.data.sequences import Sequences
from skmae.features.sequence_task import SequenceSpec
from skmae.features.task import AutoencoderSpec
from skmae.masking.strategies import needs_patterns
from skmae.semi_supervised.fine_tuning import FineTuningNet, ValidationLoss
from skmae.semi_supervised.heads import HeadedNetwork
from skmae.semi_supervised.rows import rows_of
from skmae.training.fit import build, train_model
from skmae.training.parameters import checked_ratio, is_auto, precision_of
from skmae.training.task import Task

# Epochs that fine_tune_epochs="auto" trains for at least, and rows that are few.
_LEAST_EPOCHS = 5
_FEW = 1000
_BATCH_SIZE = 128


@dataclass(frozen=True)
class HeadedSpec:
    """A network with a head.

    Attributes
    ----------
    body : AutoencoderSpec or SequenceSpec
        Of the encoder.
    n_outputs : int
        Classes, or targets of a regression.
    kind : type
        HeadedNetwork or a subclass.
    """

    body: AutoencoderSpec | SequenceSpec
    n_outputs: int
    kind: type = HeadedNetwork

    @property
    def decodes_codes(self):
        """Whether the decoder has to learn apart to do with a code alone."""
        return self.body.decodes_codes

    @property
    def bfloat16_on(self):
        """As of the architecture."""
        return self.body.bfloat16_on

    @property
    def reuses_weights(self):
        """Whether each weight reads several parts of a row."""
        return self.body.reuses_weights

    def build(self, layout, grid, seed):
        """Make the torch module."""
        body = self.body.build(layout, grid, seed)
        return self.kind(body, self.body.n_components, self.n_outputs)


@dataclass(frozen=True)
class HeadLoss:
    """Loss of what the head says."""

    kind: type

    def build(self, layout, grid, never_hides):
        """Make the criterion."""
        return self.kind()


@dataclass(frozen=True)
class LabelledRows:
    """Rows to learn from, and what they should be said to be.

    Attributes
    ----------
    values : (n_rows, n_columns) float32 array or Sequences
        Encoded.
    wanted : (n_rows, n_outputs) array
    weight : (n_rows,) array
    """

    values: np.ndarray | Sequences
    wanted: np.ndarray
    weight: np.ndarray

    def targets(self, device):
        """Targets and weights on a device."""
        wanted, weight = (
            torch.from_numpy(array.astype(np.float32)).to(device)
            for array in (self.wanted, self.weight)
        )
        return wanted, weight


class FineTuningTask(Task):
    """Train a solved head, and the network below it, on labelled rows.

    Parameters
    ----------
    params : MaskedAutoencoderClassifier or MaskedAutoencoderRegressor
    encoder : FittedModel
        Whose weights training begins with.
    head : tuple of arrays
        Weights and biases of the head.
    seeds : dict of str to int
    device : torch.device
    rate_of_hiding : float
        Highest share of cells to hide with fine_tune_mask_ratio="auto", as a share of
        that of the encoder.
    n_rows : int
        Rows that take part in the fit; for a fold, those of which it is one.
    is_fold : bool
        Whether this training only serves to judge or teach another.
    held_out : LabelledRows or None
    apart : bool
        Whether each of several processes trains another network.
    """

    net_class = FineTuningNet

    def __init__(
        self,
        params,
        encoder,
        head,
        seeds,
        device,
        rate_of_hiding,
        n_rows,
        is_fold=False,
        held_out=None,
        apart=False,
    ):
        super().__init__(params)
        self.encoder = encoder
        self.rows = rows_of(encoder)
        self.head = head
        self.seeds = seeds
        self.device = device
        self.rate_of_hiding = rate_of_hiding
        self.n_rows = n_rows
        self.is_fold = is_fold
        self.held_out = held_out
        self.apart = apart

    def train(self, rows, visits, events=None):
        """Train on labelled rows.

        Parameters
        ----------
        rows : LabelledRows
        visits : (n_visits,) int array
            Positions of the rows of an epoch.
        events : object or None
            As :class:`~skmae.training.callbacks.FitEvents`.

        Returns
        -------
        model : FittedModel
        """
        codec = self.encoder.codec
        settings = self.settings(rows, None, codec, self.seeds)
        model = build(self, codec, settings, self.seeds, self.device)
        self.start(model, rows)
        values = self.rows.on_device(rows.values, self.device)
        dataset = self.rows.dataset(values, *rows.targets(self.device), visits)
        train_model(self, model, dataset, self.held_out, events)
        return model

    def settings(self, train, weight, codec, seeds):
        """Settings of the encoder, but for what fine-tuning has of its own."""
        params, shared = self.params, self.encoder.settings
        ratio = params.fine_tune_mask_ratio
        if is_auto(ratio):
            ratio = (0.0, np.max(shared.mask_ratio) * self.rate_of_hiding)
        ratio = checked_ratio(ratio, "fine_tune_mask_ratio")
        strategy = shared.mask_strategy
        # Not every strategy, and no callable, knows of the ratio.
        if needs_patterns(strategy) or np.max(ratio) == 0:
            strategy = "random"
        n_rows, n_outputs = len(train.values), train.wanted.shape[1]
        return replace(
            shared,
            network=self.spec(
                self.rows.body(shared.network, np.max(ratio) == 0), n_outputs
            ),
            loss=HeadLoss(params._head_loss),
            lr=float(params.fine_tune_lr),
            batch_size=min(shared.batch_size, _BATCH_SIZE, n_rows),
            mask_ratio=ratio,
            mask_strategy=strategy,
            precision=precision_of(params, shared.network),
            # For a fold that would take longest.
            compile=bool(params.compile) and not self.is_fold,
        )

    def spec(self, body, n_outputs):
        """What network is trained."""
        return HeadedSpec(body, n_outputs, self.rows.headed)

    def net_params(self, sampler):
        """What is trained beside the head, and how by several processes."""
        reconstruction = None
        if self.params.reconstruction_weight > 0:
            encoder = self.encoder
            reconstruction = encoder.settings.loss.build(
                encoder.layout, encoder.grid, sampler.never_hides
            )
        return {
            "reconstruction": reconstruction,
            "reconstruction_weight": float(self.params.reconstruction_weight),
            "frozen": bool(self.params.freeze_encoder),
            "processes": self._processes(),
        }

    def _processes(self):
        if self.apart:
            return "apart"
        # Otherwise to send a gradient takes as long as to compute it, as batches are
        # small.
        reuses = self.encoder.settings.network.reuses_weights
        return "share" if reuses else "alike"

    def start(self, model, dataset):
        """Begin with the weights of the encoder and the solved head."""
        model.module.body.load_state_dict(self.encoder.module.state_dict())
        model.module.set_head(*self.head)

    def n_epochs(self, n_rows, n_batches):
        """Epochs to train for."""
        if not is_auto(self.params.fine_tune_epochs):
            return int(self.params.fine_tune_epochs)
        n_steps = self.params._least_steps["few" if self.n_rows < _FEW else "many"]
        n_steps = self.rows.least_steps(n_steps)
        return max(_LEAST_EPOCHS, math.ceil(n_steps / n_batches))

    def judges(self, model, dataset, held_out):
        """The loss of held-out rows."""
        if held_out is None:
            return []
        values = self.rows.on_device(held_out.values, self.device)
        wanted, weight = held_out.targets(self.device)
        patience = self.params.n_iter_no_change
        return [ValidationLoss(self.rows.outputs, values, wanted, weight, patience)]

    @property
    def holds_out(self):
        """Whether a loss on held-out rows is recorded in every epoch."""
        return self.held_out is not None

    @property
    def keeps_checkpoints(self):
        """Fine-tuning is short."""
        return False

    @property
    def callbacks(self):
        """Skorch callbacks of the user, who is not told of folds."""
        return None if self.is_fold else self.params.callbacks

    @property
    def label(self):
        """What is being trained."""
        stage = "on a fold" if self.is_fold else "fine-tuning"
        return f"{super().label}, {stage}"
