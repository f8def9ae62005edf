"""What classifier and regressor share: pretrain, teach, fine-tune, predict."""

import math
from dataclasses import dataclass, replace
from numbers import Integral
from typing import ClassVar

import numpy as np
import torch
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_consistent_length

from skmae._device import resolve_device
from skmae._docs import DocumentedEstimator
from skmae._persistence import ModelHolder
from skmae._random import draw_seeds
from skmae._rows import RowReader, weighted_rows
from skmae.data.tables import as_numpy
from skmae.features.transformer import MaskedAutoencoderTransformer
from skmae.masking.strategies import needs_patterns
from skmae.semi_supervised.encoder import make_encoder, pretrain
from skmae.semi_supervised.fine_tuning import (
    FineTuningNet,
    LabelledDataset,
    ValidationLoss,
    predict_outputs,
)
from skmae.semi_supervised.settings import (
    SEMI_SUPERVISED_CONSTRAINTS,
    HeadedSpec,
    HeadLoss,
)
from skmae.training.build import build_net
from skmae.training.callbacks import EpochEvents
from skmae.training.model import FittedModel
from skmae.training.parameters import checked_ratio
from skmae.training.schedule import CosineSchedule
from skmae.training.settings import Settings
from skmae.training.user_callbacks import prepared

# Epochs that fine_tune_epochs="auto" trains for at least, and rows that are few.
_LEAST_EPOCHS = 5
_FEW = 1000
# Unlabelled rows that are taught and join the graph, and the share of the visits of
# an epoch that go to labelled ones.
_MAX_UNLABELLED = 10_000
_LABELLED_SHARE = 0.25
_FINE_TUNE_BATCH = 128

# Labelled rows from which a head is solved; training does the rest.
MAX_SOLVED = 5000
_LARGEST_SEED = np.iinfo(np.int32).max


@dataclass(frozen=True)
class RowsToLearn:
    """Rows that take part in fine-tuning, the labelled ones first."""

    encoder: MaskedAutoencoderTransformer
    values: np.ndarray  # (n_rows, n_columns) float32, NaN where missing
    codes: np.ndarray  # (n_rows, n_components)
    cells: np.ndarray  # (n_rows, n_expanded)

    def __len__(self):
        return len(self.values)

    def of(self, rows):
        """Some of the rows."""
        return replace(
            self,
            values=self.values[rows],
            codes=self.codes[rows],
            cells=self.cells[rows],
        )


class BaseSemiSupervised(
    CallbackSupportMixin, ModelHolder, RowReader, DocumentedEstimator
):
    """Base of the estimators that learn from rows of which some have labels."""

    _parameter_constraints = SEMI_SUPERVISED_CONSTRAINTS

    # Steps that fine_tune_epochs="auto" makes at least: with few rows, of which a
    # network soon knows all there is to learn, and otherwise.
    _least_steps: ClassVar = {"few": 300, "many": 1500}

    # -- training --------------------------------------------------------------

    def _fit(self, X, y, sample_weight):
        """Pretrain on all rows, then fine-tune on the labelled ones."""
        if y is None:
            raise ValueError(
                f"This {self.__class__.__name__} estimator requires y to be passed, "
                "but the target y is None."
            )
        y, sample_weight = as_numpy(y), as_numpy(sample_weight)
        if self.freeze_encoder and self.reconstruction_weight > 0:
            raise ValueError(
                "freeze_encoder=True leaves the reconstruction nothing to train. Got "
                f"reconstruction_weight={self.reconstruction_weight!r}; it must be 0."
            )
        self._device = resolve_device(self.device)
        seed = self._draw_seed()
        self._seeds = draw_seeds(seed)
        self.encoder_ = encoder = make_encoder(self, seed)
        checked = self._checked_by(encoder, X)
        check_consistent_length(checked, y)
        n_rows = len(checked)
        checked, weight = weighted_rows(checked, sample_weight)
        positive: slice | np.ndarray = slice(None)
        if sample_weight is not None:
            weights = np.asarray(sample_weight, dtype=np.float64)
            positive = np.broadcast_to(weights, n_rows) > 0
        targets, labelled = self._read_targets(y, positive)
        self.n_unlabelled_ = int(np.sum(~labelled))

        context = self._init_callback_context(max_subtasks=2)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        pretraining = context.subcontext(task_name="pretraining")
        pretraining.call_on_fit_task_begin(estimator=self, X=X, y=y)
        values = pretrain(encoder, checked, weight, X, pretraining)
        pretraining.call_on_fit_task_end(estimator=self, X=X, y=y)
        self.model_ = encoder.model_
        self.pretraining_loss_curve_ = list(encoder.loss_curve_)

        train, held_out = self._split(targets, labelled)
        if weight is None:
            weight = np.ones(len(checked))
        self._fine_tune(encoder, values, targets, train, held_out, weight, context)
        context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def _draw_seed(self):
        if isinstance(self.random_state, Integral):
            return self.random_state
        return int(check_random_state(self.random_state).randint(_LARGEST_SEED))

    def _checked_by(self, encoder, X):
        """Rows as the encoder has checked them, which also knows their columns."""
        checked = encoder._validate_X(X, reset=not encoder.__sklearn_is_fitted__())
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(encoder, name):
                setattr(self, name, getattr(encoder, name))
            elif hasattr(self, name):  # of an earlier fit
                delattr(self, name)
        return checked

    def _split(self, targets, labelled):
        """Positions of the rows to learn from, and of those held out, or None."""
        rows = np.flatnonzero(labelled)
        if not self.early_stopping:
            return rows, None
        n_held_out = math.ceil(self.validation_fraction * len(rows))
        train, held_out = self._hold_out(rows, targets, n_held_out)
        return np.sort(train), np.sort(held_out)

    def _fine_tune(self, encoder, values, targets, train, held_out, weight, context):
        """Train head and network on what is known and, perhaps, taught."""
        weight = self._target_weight(targets, train, weight)
        # Weights are relative: penalties and priors are for rows of weight 1.
        weight = weight / weight[train].mean()
        rows = self._rows_to_learn_from(train, held_out, targets)
        codes = encoder.model_.inference().encode(
            [(slice(0, len(rows)), values[rows])], (len(rows), encoder.n_components_)
        )
        learned = RowsToLearn(encoder, values[rows], codes, self._cells(values[rows]))
        head, wanted = self._teach(learned, targets[train], weight[train])
        settings = self._settings_for(encoder, wanted.shape[1], len(train), len(rows))
        scheduled = self.lr_schedule == "cosine"
        own = prepared(self.callbacks, self, held_out is not None, scheduled)
        net = self._build(encoder, settings, head, "fine-tuning", own)

        visits = _visits(len(train), len(rows))
        batch_size = settings.batch_size
        taught = weight[rows] / weight[rows].mean()
        if len(rows) > len(train) and not self.self_training:
            taught[len(train) :] = 0
        dataset = self._dataset(values[rows], wanted, taught, visits)
        n_epochs = self._n_epochs(dataset.n_batches(batch_size), len(rows))
        tuning = context.subcontext(task_name="fine-tuning", max_subtasks=n_epochs)
        tuning.call_on_fit_task_begin(estimator=self)
        callbacks = [EpochEvents(self, tuning)]
        if held_out is not None:
            callbacks.append(
                ValidationLoss(
                    self._tensor(values[held_out]),
                    self._tensor(self._wanted(targets[held_out])),
                    self._tensor(weight[held_out]),
                    self.n_iter_no_change,
                )
            )
        self._train(net, dataset, n_epochs, callbacks)
        judged = None
        if held_out is not None:
            judged = values[held_out], targets[held_out], weight[held_out]
        self._calibrate(net, learned, targets[train], weight[train], judged)
        tuning.call_on_fit_task_end(estimator=self)
        self._keep(net, settings)

    def _rows_to_learn_from(self, train, held_out, targets):
        """Positions of labelled rows, then of the unlabelled ones that take part."""
        if not self.self_training and self.reconstruction_weight == 0:
            return train
        others = np.ones(len(targets), dtype=bool)
        others[train] = False
        if held_out is not None:
            others[held_out] = False
        others = np.flatnonzero(others)
        if len(others) > _MAX_UNLABELLED:
            rng = np.random.default_rng(self._seeds["scoring"])
            others = np.sort(rng.choice(others, _MAX_UNLABELLED, replace=False))
        return np.concatenate([train, others])

    def _cells(self, values):
        """Standardised expanded values, whatever the scaling; 0 where missing."""
        layout = self.model_.layout
        stds = layout.stds[layout.column_of_expanded]
        cells = (layout.expand(values) - layout.means) / stds
        return np.nan_to_num(cells, copy=False, nan=0.0)

    def _settings_for(self, encoder, n_outputs, n_labelled, n_rows):
        shared = vars(encoder.model_.settings)
        ratio = self.fine_tune_mask_ratio
        if isinstance(ratio, str):
            ratio = shared["mask_ratio"]
            highest = ratio[1] if isinstance(ratio, tuple) else ratio
            if self.reconstruction_weight == 0:  # else there is hiding to do for it
                highest *= self._share_to_hide(1 - n_labelled / n_rows)
            ratio = (0.0, highest)
        ratio = checked_ratio(ratio, "fine_tune_mask_ratio")
        strategy = shared["mask_strategy"]
        # Not every strategy, and no callable, knows of the ratio.
        if needs_patterns(strategy) or np.max(ratio) == 0:
            strategy = "random"
        own = {
            "network": HeadedSpec(shared["network"], n_outputs),
            "loss": HeadLoss(self._head_loss),
            "lr": float(self.fine_tune_lr),
            "batch_size": min(shared["batch_size"], _FINE_TUNE_BATCH, n_rows),
            "mask_ratio": ratio,
            "mask_strategy": strategy,
            "precision": self.precision,
            "compile": bool(self.compile),
        }
        return Settings(**(shared | own))

    def _build(self, encoder, settings, head, stage, callbacks=()):
        """A net with the encoder's weights and a solved head."""
        layout, grid = encoder.model_.layout, encoder.model_.grid
        sampler = settings.sampler(grid)
        reconstruction = None
        if self.reconstruction_weight > 0:
            reconstruction = encoder.model_.settings.loss.build(
                layout, grid, sampler.never_hides
            )
        net = build_net(
            settings,
            layout,
            grid,
            sampler,
            self._seeds,
            self._device,
            callbacks=callbacks,
            verbose=int(self.verbose),
            label=f"{type(self).__name__}, {stage}",
            net_class=FineTuningNet,
            reconstruction=reconstruction,
            reconstruction_weight=float(self.reconstruction_weight),
            frozen=bool(self.freeze_encoder),
        ).initialize()
        net.module_.body.load_state_dict(encoder.net_.module_.state_dict())
        net.module_.set_head(*head)
        return net

    def _stand_in(self, learned, labelled, wanted, weight, n_known):
        """Train a network on some labelled rows, as that on all of them is trained.

        Parameters
        ----------
        learned : RowsToLearn
        labelled : (n_labelled,) int array
            Positions of the rows to train on.
        wanted : (n_labelled, n_outputs) array
        weight : (n_labelled,) array
        n_known : int
            Number of all labelled rows.

        Returns
        -------
        net : FineTuningNet
        """
        n_rows = len(labelled)
        settings = self._settings_for(learned.encoder, wanted.shape[1], n_rows, n_rows)
        settings = replace(settings, compile=False)  # that would take longest
        head = self._head(learned.codes[labelled], wanted, weight)
        net = self._build(learned.encoder, settings, head, "on a fold")
        dataset = self._dataset(
            learned.values[labelled], wanted, weight / weight.mean(), np.arange(n_rows)
        )
        n_epochs = self._n_epochs(dataset.n_batches(net.batch_size), n_known)
        self._train(net, dataset, n_epochs)
        if net.interrupt_ is not None:  # what it was cut short for is not complete
            raise net.interrupt_
        return net

    def _calibrate(self, net, learned, targets, weight, judged):
        """Mend what the network says, if there is anything to be mended."""

    def _dataset(self, values, wanted, weight, visits):
        return LabelledDataset(
            self._tensor(values),
            self._tensor(wanted),
            self._tensor(weight),
            torch.from_numpy(visits).to(self._device),
        )

    def _train(self, net, dataset, n_epochs, callbacks=()):
        callbacks = list(callbacks)
        if self.lr_schedule == "cosine":
            n_steps = n_epochs * dataset.n_batches(net.batch_size)
            callbacks.append(CosineSchedule(net.lr, n_steps))
        net.train(dataset, n_epochs, callbacks)

    def _n_epochs(self, n_batches, n_rows):
        if not isinstance(self.fine_tune_epochs, str):
            return int(self.fine_tune_epochs)
        n_steps = self._least_steps["few" if n_rows < _FEW else "many"]
        return max(_LEAST_EPOCHS, math.ceil(n_steps / n_batches))

    def _tensor(self, array):
        return torch.from_numpy(array.astype(np.float32)).to(self._device)

    def _keep(self, net, settings):
        model = self.model_
        self.model_ = FittedModel(
            model.codec, model.grid, settings, self._seeds, net, self._device
        )
        self.n_components_ = settings.network.body.n_components
        epochs = net.history
        self.n_iter_ = len(epochs)
        self.loss_curve_ = [epoch["train_loss"] for epoch in epochs]
        self.validation_loss_curve_ = None
        if "valid_loss" in epochs[-1]:
            self.validation_loss_curve_ = [epoch["valid_loss"] for epoch in epochs]

    # -- rows out --------------------------------------------------------------

    def _row_shape(self):
        return self.model_.settings.rows.input_shape

    def _outputs(self, X):
        """What the network says of checked rows: (n_rows, n_outputs) float64."""
        return np.concatenate(
            [
                self._outputs_of(self.net_, values)
                for _, _, values in self._read_parts(X)
            ]
        )

    def _outputs_of(self, net, values):
        outputs = predict_outputs(net.module_, torch.from_numpy(values), self._device)
        return outputs.cpu().numpy().astype(np.float64)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        encoder = self.encoder
        if encoder is None:
            encoder = MaskedAutoencoderTransformer()
        tags.input_tags = get_tags(encoder).input_tags
        return tags


def _visits(n_labelled, n_rows):
    """Positions to visit in an epoch, of rows that begin with the labelled ones."""
    n_others = n_rows - n_labelled
    wanted = _LABELLED_SHARE / (1 - _LABELLED_SHARE) * n_others
    times = max(1, round(wanted / n_labelled))
    labelled = np.tile(np.arange(n_labelled), times)
    return np.concatenate([labelled, np.arange(n_labelled, n_rows)])
