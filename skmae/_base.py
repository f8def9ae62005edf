"""What all roles share: validate, encode, train, predict, persist."""

import math
import os
import warnings
from dataclasses import replace

import numpy as np
import torch
from sklearn.callback import CallbackSupportMixin

from skmae._device import resolve_device
from skmae._docs import DocumentedEstimator
from skmae._persistence import PersistentNet
from skmae._random import draw_seeds, torch_generator
from skmae._rows import RowReader, drop_empty, weighted_rows
from skmae.data.batches import TableDataset
from skmae.data.channels import scale_groups, warn_of_unlike_channels
from skmae.data.codec import TableCodec, quoted_names
from skmae.data.doubtful_columns import warn_of_doubtful
from skmae.data.encoded_rows import EncodedRows, choose_rows, value_range
from skmae.data.grid import make_grid
from skmae.data.pooled_batches import PooledDataset
from skmae.data.tables import as_table, is_frame, is_text
from skmae.data.writing import write_cells
from skmae.masking.copied import missingness_patterns
from skmae.masking.even import even_masks
from skmae.masking.strategies import needs_patterns
from skmae.training.build import build_net, make_sampler
from skmae.training.callbacks import EpochEvents, ValidationScore
from skmae.training.checkpoint import (
    Checkpoint,
    check_folder,
    fit_name,
)
from skmae.training.distributed import (
    check_alike,
    from_first_process,
    n_processes,
)
from skmae.training.inference import Inference
from skmae.training.parameters import (
    PARAMETER_CONSTRAINTS,
    checked_channel_axis,
    checked_shape,
    resolve_epochs,
    resolve_settings,
)
from skmae.training.schedule import CosineSchedule
from skmae.training.scoring import scoring_panel
from skmae.training.user_callbacks import prepared

# Parameters of which the shape of a network depends.
_SHAPING = (
    "architecture",
    "n_components",
    "hidden_layer_sizes",
    "pooling",
    "batch_norm",
    "input_shape",
    "channel_axis",
    "patch_size",
)
_N_BINS = 16  # of a piecewise-linear embedding
_MAX_VALIDATION_ROWS = 2000
# Masks in the scoring bank, and how far its ratio may lie from one half.
_BANK_PASSES = 8
_BANK_RATIOS = (0.1, 0.9)
# Parameters that do not tell one fit from another; device and seeds are resolved.
_NO_PART_OF_A_FIT = ("callbacks", "checkpoint", "device", "random_state", "verbose")
# The values that an output activation can produce.
_OUTPUT_RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}


class BaseMaskedAutoencoder(
    CallbackSupportMixin, PersistentNet, RowReader, DocumentedEstimator
):
    """Base of all masked-autoencoder estimators."""

    _parameter_constraints = PARAMETER_CONSTRAINTS
    # See resolve_epochs.
    _least_training: tuple[int, int] | None = None
    checkpoint: str | os.PathLike | None

    # -- training --------------------------------------------------------------

    def _fit_rows(self, X, sample_weight=None, one_pass=False):
        """Learn codec and network from X.

        Parameters
        ----------
        X, sample_weight :
            As in fit.
        one_pass : bool
            Train for one epoch at a constant rate, with no rows held out.

        Returns
        -------
        values : (n_rows, n_columns) float32 array or EncodedRows
            Held-out rows where there are any, else the training rows.
        """
        warm = self.warm_start and hasattr(self, "net_")
        device = resolve_device(self.device)
        keeps_checkpoints = self.checkpoint is not None and not one_pass
        if keeps_checkpoints:
            check_folder(self.checkpoint, self.random_state)
        checked = self._validate_X(X, reset=not warm)
        checked, weight = weighted_rows(checked, sample_weight)
        self._seeds = from_first_process(draw_seeds(self.random_state))
        values = self._to_train(checked) if warm else self._fit_codec(checked)

        values, weight = drop_empty(values, weight)
        train, held_out, weight = self._split(values, weight, one_pass)
        settings = self._settings_for(train)
        if self._sees_one_unit():
            # Of which nothing can be hidden.
            settings = replace(settings, mask_ratio=0.0, mask_strategy="random")
        if warm:
            settings = self._check_warm(settings)
        settings = self._together(settings, len(train))
        dataset = self._dataset(train, weight, device, settings)
        n_batches = dataset.n_batches(settings.batch_size)
        n_epochs = resolve_epochs(self, len(dataset), n_batches, self._least_training)
        if one_pass:
            n_epochs = 1
        scheduled = self.lr_schedule == "cosine" and not one_pass
        judged = bool(self.early_stopping) and not one_pass
        callbacks = prepared(self.callbacks, self, judged, scheduled)
        context = self._init_callback_context(max_subtasks=n_epochs)
        context.call_on_fit_task_begin(estimator=self, X=X)

        sampler = self._make_sampler(settings, train)
        net = build_net(
            settings,
            self._codec.layout_,
            sampler,
            self._seeds,
            device,
            callbacks=callbacks,
            verbose=int(self.verbose),
            label=type(self).__name__,
        )
        if warm:
            net.module_.load_state_dict(self.net_.module_.state_dict())
        for_this_fit = [EpochEvents(self, context)]
        if scheduled:
            for_this_fit.append(CosineSchedule(settings.lr, n_epochs * n_batches))
        if held_out is not None:
            validation = ValidationScore(
                held_out,
                lambda module: Inference(module, self._codec.layout_, device),
                scoring_panel(sampler),
                self.n_iter_no_change,
            )
            for_this_fit.append(validation)
        for_this_fit += self._before_training(net, train)
        if keeps_checkpoints:
            self._checkpoint = self._checkpoint_of(net, values, weight)
        net.train(dataset, n_epochs, for_this_fit, vars(self).get("_checkpoint"))

        self.n_iter_, self.loss_curve_, self.validation_loss_curve_ = 0, [], None
        self._keep(net, settings, device)
        self._bank = self._make_bank(sampler)
        context.call_on_fit_task_end(estimator=self, X=X)
        return train if held_out is None else held_out

    def _partial_fit_rows(self, X, sample_weight=None):
        """Pass once over X with the fitted network, at a constant rate."""
        checked = self._validate_X(X, reset=False)
        checked, weight = weighted_rows(checked, sample_weight)
        values, weight = drop_empty(self._to_train(checked), weight)
        self.net_.set_params(
            sampler=self._make_sampler(self._fitted_settings, values),
            verbose=int(self.verbose),
            label=type(self).__name__,
        )
        self.net_.train(_dataset(values, weight, self.device_), n_epochs=1)
        self._keep(self.net_, self._fitted_settings, self.device_)
        return values

    def _together(self, settings, n_rows):
        """Settings of a fit by several processes, whose batches make a larger one."""
        if n_processes() == 1:
            return settings
        if settings.batch_norm:
            raise ValueError(
                "batch_norm=True cannot be fitted by several processes, since each of "
                "them would normalise its share of a batch by itself. Set "
                "batch_norm=False."
            )
        layout = self._codec.layout_
        check_alike(means=layout.means.tolist(), stds=layout.stds.tolist())
        return replace(
            settings, batch_size=min(settings.batch_size * n_processes(), n_rows)
        )

    def _checkpoint_of(self, net, values, weight):
        """The file of this fit, which data and parameters name."""
        params = {
            name: value
            for name, value in self.get_params(deep=False).items()
            if name not in _NO_PART_OF_A_FIT
        }
        return Checkpoint(
            self.checkpoint,
            fit_name(
                type(self),
                params,
                self._seeds,
                net.device,
                dict(net.module_.state_dict()),
                values,
                weight,
            ),
        )

    def _settings_for(self, train):
        """Resolved settings of a fit to these encoded rows."""
        return resolve_settings(self, train)

    def _dataset(self, train, weight, device, settings):
        """What the net draws its batches from."""
        return _dataset(train, weight, device)

    def _before_training(self, net, train):
        """Prepare a fresh net; return a role's own callbacks for the fit."""
        return []

    def _fit_codec(self, X):
        names = getattr(self, "feature_names_in_", None)
        shape = checked_shape(self.input_shape)
        channel_axis = checked_channel_axis(self)
        self._grid = make_grid(
            self.n_features_in_, shape, self.patch_size, channel_axis
        )
        self._codec = self._make_codec()
        categorical = self._find_categorical(X, self.n_features_in_, names)
        values = self._codec.fit_encode(as_table(X, categorical), names)
        self._check_output_range(values)
        self._tell_of_empty(names)
        self._tell_of_doubtful(X, values, names)
        if shape is not None and channel_axis is None and not categorical.any():
            warn_of_unlike_channels(values, shape, self._seeds["codec"])
        return values

    def _tell_of_doubtful(self, X, values, names):
        """Warn of columns that are read as categories and seem to be none."""
        categories = {
            column: encoder.categories_[0]
            for column, encoder in self._codec.encoders_.items()
        }
        warn_of_doubtful(
            categories,
            {c: np.count_nonzero(~np.isnan(values[:, c])) for c in categories},
            is_text(X, self.categorical_features, self.n_features_in_),
            {c: quoted_names([c], names) for c in categories},
        )

    def _tell_of_empty(self, names):
        """Warn of columns in which fit sees no value."""
        empty = np.flatnonzero(self._codec.empty_)
        if len(empty) == 0:
            return
        which, have, them = "Column", "has", "it"
        if len(empty) > 1:
            which, have, them = "Columns", "have", "them"
        warnings.warn(
            f"{which} {quoted_names(empty, names)} of X {have} no observed value: "
            f"nothing can be learned about {them}, and whatever later rows hold there "
            "is passed over.",
            UserWarning,
            stacklevel=2,
        )

    def _sees_one_unit(self):
        """Whether all but one of several mask units are empty."""
        unit_of_cell = self._grid.unit_of_cell
        seen = np.unique(unit_of_cell[~self._codec.empty_])
        return self._grid.n_units > 1 and len(seen) == 1

    def _to_train(self, X):
        """Encode checked rows by the fitted codec: an array, or rows yet to be read."""
        return self._codec.encode_to_train(as_table(X, self._codec.categorical_))

    def _make_codec(self):
        return TableCodec(
            self.scaling,
            scale_groups(checked_shape(self.input_shape), checked_channel_axis(self)),
            n_bins=_N_BINS if self.numerical_embedding is not None else None,
            seed=self._seeds["codec"],
        )

    def _check_output_range(self, values):
        if self.output_activation not in _OUTPUT_RANGES:
            return
        numeric = self._codec.numeric_
        numeric = numeric[~self._codec.empty_[numeric]]
        if len(numeric) == 0:
            return
        reachable = _OUTPUT_RANGES[self.output_activation]
        low, high = value_range(values, numeric)
        if low < reachable[0] - 1e-6 or high > reachable[1] + 1e-6:
            raise ValueError(
                f"output_activation={self.output_activation!r} only produces values in "
                f"[{reachable[0]:g}, {reachable[1]:g}], but with "
                f"scaling={self.scaling!r} the targets lie in [{low:.3g}, {high:.3g}]. "
                "Use scaling='minmax' or output_activation='identity'."
            )

    def _split(self, values, weight, one_pass):
        """Set rows aside for validation: (train, held_out or None, train weight)."""
        if one_pass or not self.early_stopping:
            return values, None, weight
        n_rows = len(values)
        n_held_out = math.ceil(self.validation_fraction * n_rows)
        n_held_out = min(n_held_out, _MAX_VALIDATION_ROWS)
        if n_rows - n_held_out < 2:
            raise ValueError(
                f"early_stopping=True with validation_fraction="
                f"{self.validation_fraction} leaves {n_rows - n_held_out} of {n_rows} "
                "samples to train on; at least 2 are needed."
            )
        order = np.random.default_rng(self._seeds["validation"]).permutation(n_rows)
        held_out, train = np.sort(order[:n_held_out]), np.sort(order[n_held_out:])
        weight = None if weight is None else weight[train]
        return choose_rows(values, train), values[held_out], weight

    def _check_warm(self, settings):
        """Keep the shape of the fitted network, or say why that cannot be."""
        fitted = self._fitted_settings
        for name in _SHAPING:
            if getattr(settings, name) != getattr(fitted, name):
                raise ValueError(
                    f"warm_start=True continues a network with {name}="
                    f"{getattr(fitted, name)!r}; got {getattr(settings, name)!r}. Set "
                    "warm_start=False to start anew."
                )
        return replace(
            settings,
            activation=fitted.activation,
            numerical_embedding=fitted.numerical_embedding,
            indicator=fitted.indicator,
        )

    def _make_sampler(self, settings, values):
        patterns = None
        if needs_patterns(settings.mask_strategy):
            patterns = missingness_patterns(values, self._seeds["masks"])
        return make_sampler(settings, self._grid, patterns)

    def _make_bank(self, sampler):
        """Masks for scoring rows, at about the ratio of training.

        A network that never hid a cell is scored on what it sees: an empty bank.
        """
        if sampler.never_hides:
            return np.zeros((0, self.n_features_in_), dtype=bool)
        ratio = float(np.clip((sampler.low + sampler.high) / 2, *_BANK_RATIOS))
        generator = torch_generator(self._seeds["scoring"])
        n_groups = round(1 / min(ratio, 1 - ratio))
        n_repeats = max(1, _BANK_PASSES // n_groups)
        units = even_masks(self._grid.n_units, ratio, generator, n_repeats)
        return sampler.to_cells(units).numpy()

    def _keep(self, net, settings, device):
        self.net_ = net
        self._fitted_settings = settings
        self.device_ = device
        self.n_components_ = settings.n_components
        new = net.history[-net.n_new_epochs_ :]
        self.n_iter_ += len(new)
        self.loss_curve_ = self.loss_curve_ + [epoch["train_loss"] for epoch in new]
        if "valid_loss" in new[-1]:
            self.validation_loss_curve_ = [epoch["valid_loss"] for epoch in new]

    # -- rows out --------------------------------------------------------------

    def _inference(self):
        return Inference(self.net_.module_, self._codec.layout_, self.device_)

    def _panel(self):
        return scoring_panel(make_sampler(self._fitted_settings, self._grid))

    def _errors_while_hidden(self, values):
        return self._inference().errors_while_hidden(
            values, torch.from_numpy(self._bank)
        )

    def _missing(self, X, values):
        """Cells without a value; not those that fit knows nothing of.

        Such are categories unseen in fit, and all cells of a column empty in fit.
        """
        missing = np.isnan(values)
        table = as_table(X, self._codec.categorical_)
        for column in self._codec.encoders_:
            missing[:, column] = table.categorical_column(column)[1]
        empty = self._codec.empty_[self._codec.numeric_]
        if empty.any():
            numbers = table.numeric_block(slice(0, table.n_rows))[:, empty]
            missing[:, self._codec.numeric_[empty]] = np.isnan(numbers)
        return missing

    def _as_cells(self, predicted):
        """Expanded predictions to cells: numbers, and the likeliest category."""
        layout = self._codec.layout_
        if not layout.categorical:
            return predicted
        cells = np.empty((len(predicted), layout.n_columns), dtype=np.float32)
        cells[:, list(layout.numeric)] = predicted[:, : len(layout.numeric)]
        for column, part in layout.category_slices():
            cells[:, column] = predicted[:, part].argmax(axis=1)
        return cells

    def _written(self, X_given, X, cells, hidden, keep_dtype, mend=None):
        """Copy the user's X with hidden cells replaced by decoded ones.

        ``mend`` may change the list of decoded columns first.
        """
        columns = self._codec.decode(cells)
        if mend is not None:
            columns = mend(columns)
        if is_frame(X_given):
            return write_cells(X_given, columns, hidden, keep_dtype)
        written = write_cells(X, columns, hidden, keep_dtype)
        return written.reshape(np.shape(X_given))


def _dataset(values, weight, device):
    if weight is not None:
        weight = torch.from_numpy((weight / weight.mean()).astype(np.float32))
    if isinstance(values, EncodedRows):
        return PooledDataset(values, weight, device)
    weight = None if weight is None else weight.to(device)
    return TableDataset(torch.from_numpy(values).to(device), weight)
