"""What classifier and regressor share: pretrain, teach, fine-tune, predict."""

import math
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral
from typing import ClassVar

import numpy as np
import torch
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_consistent_length

from skmae._base import TrainedEstimator
from skmae._device import resolve_device
from skmae._processes import (
    done_by_all,
    from_first_process,
    n_processes,
    share_bounds,
)
from skmae._random import draw_seeds
from skmae._rows import weighted_rows
from skmae.data.column_names import OF_COLUMNS
from skmae.data.sequences import Sequences
from skmae.data.tables import as_numpy
from skmae.features.transformer import MaskedAutoencoderTransformer
from skmae.semi_supervised.encoder import make_encoder, pretrain
from skmae.semi_supervised.fold_networks import FoldsTask, predict_by_members
from skmae.semi_supervised.rows import rows_of
from skmae.semi_supervised.settings import SEMI_SUPERVISED_CONSTRAINTS
from skmae.semi_supervised.task import FineTuningTask, LabelledRows
from skmae.training.callbacks import FitEvents

# Unlabelled rows that are taught and join the graph, and the share of the visits of
# an epoch that go to labelled ones.
_MAX_UNLABELLED = 10_000
_LABELLED_SHARE = 0.25
# Labelled rows from which a head is solved; training does the rest.
MAX_SOLVED = 5000
_LARGEST_SEED = np.iinfo(np.int32).max


@dataclass(frozen=True)
class RowsToLearn:
    """Rows that take part in fine-tuning, the labelled ones first."""

    values: np.ndarray | Sequences  # (n_rows, n_columns), NaN where missing
    codes: np.ndarray  # (n_rows, n_components)
    cells: np.ndarray  # (n_rows, n_features), see rows.py and sequence_rows.py

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


class BaseSemiSupervised(TrainedEstimator):
    """Base of the estimators that learn from rows of which some have labels."""

    _own_constraints = SEMI_SUPERVISED_CONSTRAINTS

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
        resolve_device(self.device)  # or an error before anything is trained
        seed = from_first_process(self._draw_seed())
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
        told = {"estimator": self, "X": X, "y": y}
        context.call_on_fit_task_begin(**told)
        values = pretrain(encoder, checked, weight, context, told)
        self.pretraining_loss_curve_ = list(encoder.loss_curve_)

        train, held_out = self._split(targets, labelled)
        if weight is None:
            weight = np.ones(len(checked))
        self._fine_tune(values, targets, train, held_out, weight, context)
        context.call_on_fit_task_end(**told)
        return self

    def _draw_seed(self):
        if isinstance(self.random_state, Integral):
            return self.random_state
        return int(check_random_state(self.random_state).randint(_LARGEST_SEED))

    def _checked_by(self, encoder, X):
        """Rows as the encoder has checked them, which also knows their columns."""
        checked = encoder._validate_X(X, reset=not encoder.__sklearn_is_fitted__())
        for name in OF_COLUMNS:
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

    def _fine_tune(self, values, targets, train, held_out, weight, context):
        """Train head and network on what is known and, perhaps, taught."""
        weight = self._target_weight(targets, train, weight)
        # Weights are relative: penalties and priors are for rows of weight 1.
        weight = weight / weight[train].mean()
        rows = self._rows_to_learn_from(train, held_out, targets)
        learned = self._as_seen(values[rows])
        head, wanted = self._teach(learned, targets[train], weight[train])
        taught = weight[rows] / weight[rows].mean()
        if len(rows) > len(train) and not self.self_training:
            taught[len(train) :] = 0
        judged = None
        if held_out is not None:
            judged = LabelledRows(
                values[held_out], self._wanted(targets[held_out]), weight[held_out]
            )
        share_taught = 1 - len(train) / len(rows)
        task = self._task(head, share_taught, len(rows), held_out=judged)
        model = task.train(
            LabelledRows(values[rows], wanted, taught),
            _visits(len(train), len(rows)),
            FitEvents(self, partial(context.subcontext, task_name="fine-tuning")),
        )
        of_judged = None if held_out is None else targets[held_out]
        self._calibrate(
            model, learned, targets[train], weight[train], judged, of_judged
        )
        self._keep(model)

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
            rng = np.random.default_rng(self._seeds["rows"])
            others = np.sort(rng.choice(others, _MAX_UNLABELLED, replace=False))
        return np.concatenate([train, others])

    def _as_seen(self, values):
        """Encoded rows beside what simple teachers read of them."""
        model = self.encoder_.model_
        rows = rows_of(model)
        return RowsToLearn(values, rows.codes(model, values), rows.cells(model, values))

    def _task(
        self,
        head,
        share_taught,
        n_rows,
        is_fold=False,
        held_out=None,
        kind=FineTuningTask,
        apart=False,
    ):
        share = 1.0  # with reconstruction there is hiding to do for it
        if self.reconstruction_weight == 0:
            share = self._share_to_hide(share_taught)
        return kind(
            self,
            self.encoder_.model_,
            head,
            self._seeds,
            resolve_device(self.device),
            share,
            n_rows,
            is_fold,
            held_out,
            apart,
        )

    def _outputs_by_folds(self, learned, wanted, weight, folds, asked, share_taught):
        """What networks say that learned from some of the labelled rows each.

        Parameters
        ----------
        learned : RowsToLearn
        wanted : (n_labelled, n_outputs) array
        weight : (n_labelled,) array
        folds : list of (n_kept,) int array
            Positions of labelled rows, a network for each entry.
        asked : list of (n_asked,) int array
            Positions of the rows to ask each network of.
        share_taught : float
            Share of unlabelled rows to hide cells by as if they were taught.

        Returns
        -------
        outputs : list of (n_asked, n_outputs) array
        """
        known, n_folds = (learned, wanted, weight), len(folds)
        if n_folds == 1:
            return [self._by_stand_in(*known, folds[0], asked[0], share_taught)]
        # Several processes train some of the networks each.
        apart = n_processes() > 1
        own = range(*share_bounds(n_folds))
        if self.encoder_.model_.module.side_by_side(n_folds) is not None:
            outputs = done_by_all(
                lambda: self._by_members(*known, folds, asked, share_taught, own, apart)
            )
        else:
            outputs = done_by_all(
                lambda: [
                    self._by_stand_in(*known, folds[k], asked[k], share_taught, apart)
                    for k in own
                ]
            )
        return [of_fold for of_process in outputs for of_fold in of_process]

    def _by_members(
        self, learned, wanted, weight, folds, asked, share_taught, own, apart
    ):
        """What the networks of this process, trained at once, say of rows."""
        if len(own) == 0:  # of more processes than folds
            return []
        heads = [
            self._head(learned.codes[folds[k]], wanted[folds[k]], weight[folds[k]])
            for k in own
        ]
        n_labelled = len(wanted)
        task = self._task(
            heads, share_taught, n_labelled, is_fold=True, kind=FoldsTask, apart=apart
        )
        rows = LabelledRows(learned.values[:n_labelled], wanted, weight)
        model = _completed(task.train_folds(rows, folds, own.start))
        asked = [asked[k] for k in own]
        of_any = np.unique(np.concatenate(asked))
        values = torch.from_numpy(learned.values[of_any])
        outputs = predict_by_members(model.module, values, model.device)
        return [
            of_member[np.searchsorted(of_any, rows)]
            for of_member, rows in zip(outputs, asked, strict=True)
        ]

    def _network_predictions(self, learned, known, weight, folds):
        """What networks that learned from some labelled rows each say of all."""
        asked = [np.arange(len(learned))] * len(folds)
        return self._outputs_by_folds(learned, known, weight, folds, asked, 0.0)

    def _by_stand_in(
        self, learned, wanted, weight, kept, asked, share_taught, apart=False
    ):
        """What a network says of rows that learned from some labelled ones.

        It is trained as that on all of them is.
        """
        head = self._head(learned.codes[kept], wanted[kept], weight[kept])
        task = self._task(head, share_taught, len(wanted), is_fold=True, apart=apart)
        relative = weight[kept] / weight[kept].mean()
        rows = LabelledRows(learned.values[kept], wanted[kept], relative)
        model = _completed(task.train(rows, np.arange(len(kept))))
        return self._outputs_of(model, learned.values[asked])

    def _calibrate(self, model, learned, targets, weight, judged, of_judged):
        """Calibrate the outputs, where that makes sense."""

    def _keep(self, model):
        self.model_ = model
        self.n_components_ = model.settings.network.body.n_components
        epochs = model.net.history
        self.n_iter_ = len(epochs)
        self.loss_curve_ = [epoch["train_loss"] for epoch in epochs]
        self.validation_loss_curve_ = None
        if "valid_loss" in epochs[-1]:
            self.validation_loss_curve_ = [epoch["valid_loss"] for epoch in epochs]

    # -- rows out --------------------------------------------------------------

    def _row_shape(self):
        return self.model_.settings.rows.input_shape

    def _sequence_reader(self):
        return self.encoder_._sequence_reader()

    def _outputs(self, X):
        """What the network says of checked rows: (n_rows, n_outputs) float64."""
        return self._judged_by(
            X, lambda _, values: self._outputs_of(self.model_, values)
        )

    @staticmethod
    def _outputs_of(model, values):
        rows = rows_of(model)
        values = rows.on_device(values, model.device)
        outputs = rows.outputs(model.module, values, model.device)
        return outputs.cpu().numpy().astype(np.float64)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        encoder = self.encoder
        if encoder is None:
            encoder = MaskedAutoencoderTransformer()
        tags.input_tags = get_tags(encoder).input_tags
        return tags


def _completed(model):
    """A model of folds, whose training was not cut short."""
    if model.net.interrupt_ is not None:
        raise model.net.interrupt_  # what it was cut short for is not complete
    return model


def _visits(n_labelled, n_rows):
    """Positions to visit in an epoch, of rows that begin with the labelled ones."""
    n_others = n_rows - n_labelled
    wanted = _LABELLED_SHARE / (1 - _LABELLED_SHARE) * n_others
    times = max(1, round(wanted / n_labelled))
    labelled = np.tile(np.arange(n_labelled), times)
    return np.concatenate([labelled, np.arange(n_labelled, n_rows)])
