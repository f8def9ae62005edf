"""The skorch net that trains every network of the package."""

import math
import warnings
from collections.abc import Callable

import torch
from sklearn.exceptions import ConvergenceWarning
from skorch import NeuralNet
from skorch.callbacks import EpochTimer

from skmae._device import autocast, predicting
from skmae._processes import check_alike, n_processes
from skmae._random import torch_generator
from skmae.data.batches import HeldBatch
from skmae.masking.units import EVERY_ROW
from skmae.training.checkpoint import Checkpoint, restore_training
from skmae.training.distributed import Crew
from skmae.training.progress import EpochLines, ProgressLine
from skmae.training.recorded import RecordedSteps
from skmae.training.user_callbacks import asks_to_stop

# Mask units drawn at once: so many that the calls of a draw weigh little. A device
# draws many in the time of a few.
_MASK_UNITS, _MASK_UNITS_ON_DEVICE = 65_536, 2**20
_MASK_CELLS_ON_DEVICE = 2**24  # at most, being several of a unit
_LOOKED_AT = 256  # rows of which predictions must be finite in the end


class _StopTraining(Exception):
    """Ends the loop over epochs in good order."""


class DivergedError(ValueError):
    """The loss or the predictions are no longer finite."""

    def __init__(self, what, rate="lr"):
        super().__init__(
            f"Training diverged: {what}. Lower {rate}, or look for extreme values in X "
            "and for a scaling that tames them."
        )


class MaskedNet(NeuralNet):
    """Train a network to predict hidden cells.

    It differs from a plain skorch net in what a step is (draw a mask, predict,
    compare), in slicing its batches from one tensor, and in passing keyboard
    interrupts on.

    Parameters
    ----------
    module, criterion, **kwargs :
        As in :class:`skorch.NeuralNet`.
    sampler : MaskSampler
    corruption : CellCorruption or None
        What to show in place of hidden cells, if not the network's fill value.
    decodes_codes : bool
        Have every other row of a batch decoded from its code alone.
    precision : {"float32", "bfloat16"}
    seeds : dict of str to int
        Seeds of "batches" and "masks".
    label : str
        What is being trained, for whoever reads its progress.
    """

    # The parameter of estimators that sets its learning rate, for messages.
    rate = "lr"

    callbacks_: list
    crew_: Crew | None
    step_: Callable
    spare_masks_: torch.Tensor
    interrupt_: KeyboardInterrupt | None
    checkpoint_: Checkpoint | None

    def __init__(
        self,
        module,
        criterion,
        *,
        sampler,
        corruption=None,
        decodes_codes=False,
        precision="float32",
        seeds=None,
        label="",
        **kwargs,
    ):
        self.sampler = sampler
        self.corruption = corruption
        self.decodes_codes = decodes_codes
        self.precision = precision
        self.seeds = seeds
        self.label = label
        super().__init__(module, criterion, **kwargs)

    @property
    def _default_callbacks(self):
        return [("epoch_timer", EpochTimer()), ("print_log", EpochLines())]

    def adopt(self, module):
        """Take over a trained module; :meth:`ready` makes what only training needs."""
        module = self.torch_compile(module.to(self.device), name="module")
        # Past skorch, which takes modules only while it initialises.
        self.__dict__["module_"] = module
        return self.initialize_history()

    def ready(self):
        """Make sure that the net can be trained."""
        return self if self.initialized_ else self.initialize()

    def initialize_module(self):
        """Build the module, if none was adopted."""
        if self.initialized_ or "module_" not in vars(self):
            return super().initialize_module()
        self.module_ = vars(self)["module_"]
        return self

    def initialize(self):
        """Build module, criterion, optimiser and generators."""
        super().initialize()
        self.mask_generator_ = torch_generator(self.seeds["masks"], self.device)
        self.batch_generator_ = torch_generator(self.seeds["batches"])
        self.spare_masks_ = _no_masks()
        self.stopping_ = False
        self.interrupt_ = self.checkpoint_ = None
        return self

    def torch_compile(self, module, name):
        """Compile the module in place, which leaves its weights' names alone."""
        if self.compile and name == "module":
            module.compile()
        return module

    def train(self, dataset, n_epochs, callbacks=(), checkpoint=None):
        """Train for some epochs, beginning with the weights as they are.

        A keyboard interrupt after the first epoch ends training as though these
        had been all epochs; it is left in ``interrupt_``, to be raised by the caller
        once the model is complete. An earlier one passes at once.

        Where the loss is no longer finite, the weights that did best on held-out rows
        are kept, with a warning, if they beat the mean there.

        Parameters
        ----------
        dataset : TableDataset
        n_epochs : int
        callbacks : sequence of skorch.callbacks.Callback
            For this call only, told of everything before the net's own.
        checkpoint : Checkpoint or None
            To go on from, and to write to after epochs.

        Raises
        ------
        DivergedError
            If there are no weights to keep.
        """
        own = self.callbacks_
        temporary = [(type(callback).__name__, callback) for callback in callbacks]
        self.callbacks_ = temporary + own
        self.sampler.to(self.device)
        self.spare_masks_ = _no_masks()
        self.stopping_ = False
        self.interrupt_ = None
        self.checkpoint_ = checkpoint
        self.crew_ = self.make_crew(dataset, n_epochs)
        if hasattr(self.module_, "expect_visible"):
            self.module_.expect_visible(self._visible_range(dataset))
        self.step_ = self._recorded()
        n_before = self.n_whole_epochs_ = len(self.history)
        line = self._progress_line(dataset, n_epochs)
        self.callbacks_ = [*self.callbacks_, *line]
        self.notify("on_train_begin", X=dataset, y=None)
        try:
            if checkpoint is not None:
                self._resume(checkpoint)
            n_left = 0 if self.stopping_ else n_epochs - len(self.history) + n_before
            self.fit_loop(dataset, epochs=n_left)
        except _StopTraining:
            pass
        except KeyboardInterrupt as interrupt:
            if self.n_whole_epochs_ == n_before:
                raise
            self.interrupt_ = interrupt
            del self.history[self.n_whole_epochs_ :]
        except DivergedError as error:
            if checkpoint is not None:
                checkpoint.remove()  # it would lead here again
            if not any(_beats_the_mean(callback) for callback in callbacks):
                raise
            del self.history[self.n_whole_epochs_ :]
            warnings.warn(
                f"{error} The weights that did best on held-out rows are kept.",
                ConvergenceWarning,
                stacklevel=2,
            )
        finally:
            for _, callback in line:
                callback.close()
            if checkpoint is not None:
                checkpoint.write_last()
            self.callbacks_ = own
            self.crew_ = None
            self.step_ = self._gradient  # records take memory
            for group in self.optimizer_.param_groups:
                group["lr"] = self.lr
        for _, callback in temporary + own:
            callback.on_train_end(self, X=dataset, y=None)
        self.n_new_epochs_ = len(self.history) - n_before
        if not self._predicts_numbers():
            # The last steps can ruin weights of which the loss was still finite.
            if self.interrupt_ is not None:
                raise self.interrupt_
            what = "the network predicts values that are not finite"
            raise DivergedError(what, self.rate)
        return self

    def make_crew(self, dataset, n_epochs):
        """How this process trains together with others; None: alone, or as they do."""
        check_alike(rows=len(dataset), epochs=n_epochs, batch_size=self.batch_size)
        return Crew(self.module_) if n_processes() > 1 else None

    def conclude(self):
        """End a fit of which this training was a part, and which is now complete.

        Returns
        -------
        interrupt : KeyboardInterrupt or None
            What cut the training short. The checkpoint is kept then.
        """
        interrupt, self.interrupt_ = self.interrupt_, None
        if interrupt is None and self.checkpoint_ is not None:
            self.checkpoint_.remove()
        self.checkpoint_ = None
        return interrupt

    def _progress_line(self, dataset, n_epochs):
        """Callback that shows progress, beside a name, in a list; or an empty one."""
        if self.verbose != 1 or (self.crew_ is not None and self.crew_.rank > 0):
            return []
        n_batches = dataset.n_batches(self.batch_size)
        line = ProgressLine(self.label, n_epochs, n_batches, len(self.history))
        return [("ProgressLine", line)]

    def stop_after_epoch(self):
        """End training once every callback has seen the end of this epoch."""
        self.stopping_ = True

    def notify(self, method_name, **cb_kwargs):
        """Tell all callbacks; then stop, if one of them asked for it."""
        getattr(self, method_name)(self, **cb_kwargs)
        for _, callback in self.callbacks_:
            try:
                getattr(callback, method_name)(self, **cb_kwargs)
            except KeyboardInterrupt:
                if not asks_to_stop(callback):
                    raise
                self.stop_after_epoch()
        if method_name != "on_epoch_end":
            return
        self.n_whole_epochs_ = len(self.history)
        # The processes of a crew are in the same state: one of them writes.
        if self.checkpoint_ is not None and (
            self.crew_ is None or self.crew_.rank == 0
        ):
            self.checkpoint_.save(self)
        if self._all_stop():
            raise _StopTraining

    def _all_stop(self):
        """Whether to stop; of processes that train together, none goes on alone."""
        if self.crew_ is None:
            return self.stopping_
        return self.crew_.any(self.stopping_, self.device)

    def get_iterator(self, dataset, training=False):
        """Shuffled slices of the dataset."""
        return dataset.batches(self.batch_size, self.batch_generator_)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Take one step per batch; keep the mean loss, not every batch's."""
        if iterator is None:
            return
        self._set_training(True)
        # A tensor of each step, kept till the end, would let the heap grow around it.
        losses = torch.empty(
            iterator.n_batches, dtype=torch.float32, device=self.device
        )
        for i, batch in enumerate(iterator):
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch)
            losses[i] = step["loss"]
            self.notify("on_batch_end", batch=batch, training=training, **step)
        self.last_rows_ = batch.values
        # One look at the end, since every look waits for the device.
        mean = losses.mean()
        mean_loss = mean.item() if self.crew_ is None else self.crew_.total(mean)
        if not math.isfinite(mean_loss):
            what = f"the loss is {mean_loss} in epoch {len(self.history)}"
            raise DivergedError(what, self.rate)
        self.history.record("lr", self.optimizer_.param_groups[0]["lr"])
        name = prefix + "_loss"
        earlier = (epoch[name] for epoch in self.history[:-1])
        self.history.record(name, mean_loss)
        self.history.record(name + "_best", mean_loss < min(earlier, default=math.inf))

    def train_step_single(self, batch, **fit_params):
        """Hide cells, predict them, and compute the gradient of the loss."""
        values = batch.values
        observed = torch.isfinite(values) if self.has_missing_ else None
        own = batch.own if isinstance(batch, HeldBatch) else None
        share = self._share(values, own)
        masked = self._draw_masks(len(values), observed, share)
        replacement = None
        if self.corruption is not None:
            replacement = self.corruption(values, self.mask_generator_, own)
        inputs = (*batch, observed, replacement, self._code_alone(values))
        own_inputs = (None if part is None else part[share] for part in inputs)
        loss, predicted = self.step_(masked, *own_inputs)
        return {"loss": loss, "y_pred": predicted}

    def _share(self, values, own):
        """Rows of a batch that this process trains on."""
        if self.crew_ is None:
            return EVERY_ROW
        return self.crew_.share(len(values), values.device, own)

    def _gradient(self, masked, *inputs):
        """Compute the gradient of a step of which all that is random was drawn.

        Parameters
        ----------
        masked : (n_rows, n_columns) bool tensor
            Observed cells to hide.
        *inputs :
            The tensors of a batch, and these:
        observed : (n_rows, n_columns) bool tensor, or None if all cells are
        replacement : (n_rows, n_columns) tensor or None
            What to show in place of hidden cells.
        alone : (n_rows,) bool tensor or None
            Rows to decode from their codes alone.

        Returns
        -------
        loss : scalar tensor
        predicted : (n_rows, n_out) tensor
        """
        # A batch of which others hold some rows says which are its own.
        values, weight, *_, observed, replacement, alone = inputs
        hidden = masked if observed is None else masked | ~observed
        counted = hidden_from_decoder(masked, alone)
        forward = self.module_
        if self.crew_ is not None:
            cell_weight = self.criterion_.cell_weight(counted, observed, weight)
            factor = self.crew_.loss_factor(cell_weight)
            forward = self.crew_.forward
        # Networks whose decoders have no choice know of no rows to choose.
        chosen = () if alone is None else (alone,)
        with autocast(values.device, self.precision):
            predicted = forward(values, hidden, replacement, *chosen)
        loss = self.criterion_(predicted.float(), values, counted, observed, weight)
        if self.crew_ is None:
            loss.backward()
        else:
            loss = loss * factor
            # The gradients of the shares will be averaged, and are to be added.
            (loss * self.crew_.size).backward()
        return loss.detach(), predicted.detach()

    def _recorded(self):
        """Steps as they are to be computed: one by one, or recorded and replayed."""
        fixed = all(
            getattr(part, "fixed_shapes", True) for part in self.module_.modules()
        )
        if self.device.type != "cuda" or self.crew_ is not None or not fixed:
            return self._gradient
        learned = [weight for _, weight in self.get_all_learnable_params()]
        return RecordedSteps(self._gradient, learned, self.device)

    def _visible_range(self, dataset):
        """Fewest and most units that are visible in a row; None: to be counted.

        Where they are fewer in some rows than in others, only a device that would have
        to be waited for computes on as many as there may be.
        """
        found = self.sampler.visible_range(complete=not dataset.has_missing)
        if found is None or (found[0] < found[1] and self.device.type == "cpu"):
            return None
        return found

    def _code_alone(self, values):
        """Rows of a batch to decode from their codes alone, or None."""
        if not self.decodes_codes:
            return None
        return torch.arange(len(values), device=values.device) % 2 == 1

    def _draw_masks(self, n_rows, observed, wanted):
        """Masks for some rows of a batch; complete ones share the cost of a draw."""
        draw, generator = self.sampler.sample, self.mask_generator_
        alike = observed is None and not callable(self.sampler.strategy)
        if not alike or n_rows >= self._masks_at_once():
            return draw(n_rows, observed, generator, wanted)
        if len(self.spare_masks_) < n_rows:
            self.spare_masks_ = draw(self._masks_at_once(), None, generator)
        masks = self.spare_masks_[:n_rows]
        self.spare_masks_ = self.spare_masks_[n_rows:]
        return masks[wanted]

    def _masks_at_once(self):
        """Rows whose masks are drawn in one go."""
        grid = self.sampler.grid
        if self.mask_generator_.device.type == "cpu":
            return _MASK_UNITS // grid.n_units
        return min(
            _MASK_UNITS_ON_DEVICE // grid.n_units,
            _MASK_CELLS_ON_DEVICE // len(grid.unit_of_cell),
        )

    def get_split_datasets(self, X, y=None, **fit_params):
        """All rows are for training; held-out rows live in a callback."""
        self.has_missing_ = X.has_missing
        return X, None

    def _resume(self, checkpoint):
        state = checkpoint.load(self.device)
        if state is not None:
            restore_training(self, state)
            self.n_whole_epochs_ = len(self.history)
        check_alike(epochs_in_checkpoint=len(self.history))

    def _predicts_numbers(self):
        """Whether predictions of the last batch's rows are finite."""
        if not hasattr(self, "last_rows_"):
            return True
        rows = self.last_rows_
        del self.last_rows_
        self.module_.eval()
        with predicting():
            predicted = self._outputs_of(rows)
        return bool(torch.isfinite(predicted).all())

    def _outputs_of(self, rows):
        # Of an ensemble, some rows of each member.
        n_members = getattr(self.module_, "n_members", 1)
        rows = rows.unflatten(0, (n_members, -1))[:, :_LOOKED_AT].flatten(0, 1)
        # forward, since a call might compile anew
        return self.module_.forward(rows, ~torch.isfinite(rows))


def _no_masks():
    return torch.empty(0, dtype=torch.bool, device="cpu")


def hidden_from_decoder(masked, code_alone):
    """Cells of which the decoder is told nothing: (n_rows, n_columns) bool tensor."""
    return masked if code_alone is None else masked | code_alone[:, None]


def _beats_the_mean(callback):
    """Whether a callback keeps weights that predict held-out rows at all."""
    known_to_be_bad = getattr(callback, "loss_of_the_mean", -math.inf)
    return getattr(callback, "best_loss_", math.inf) < known_to_be_bad
