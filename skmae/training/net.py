"""The skorch net that trains every network of the package."""

import math
import traceback

import torch
from skorch import NeuralNet
from skorch.callbacks import EpochTimer, PrintLog

from skmae._device import autocast
from skmae._random import torch_generator


class _StopTraining(Exception):
    """Ends the loop over epochs in good order."""


class MaskedNet(NeuralNet):
    """Train a network to predict hidden cells.

    It differs from a plain skorch net in what a step is (draw a mask, predict,
    compare), in slicing its batches from one tensor, and in letting a keyboard
    interrupt through.

    Parameters
    ----------
    module, criterion, **kwargs :
        As in :class:`skorch.NeuralNet`.
    sampler : MaskSampler
    corruption : CellCorruption or None
        What to show in place of hidden cells, if not the network's fill value.
    precision : {"float32", "bfloat16"}
    seeds : dict of str to int
        Seeds of "batches" and "masks".
    """

    callbacks_: list

    def __init__(
        self,
        module,
        criterion,
        *,
        sampler,
        corruption=None,
        precision="float32",
        seeds=None,
        **kwargs,
    ):
        self.sampler = sampler
        self.corruption = corruption
        self.precision = precision
        self.seeds = seeds
        super().__init__(module, criterion, **kwargs)

    @property
    def _default_callbacks(self):
        return [("epoch_timer", EpochTimer()), ("print_log", PrintLog())]

    def initialize(self):
        """Build module, criterion, optimiser and generators."""
        super().initialize()
        self.mask_generator_ = torch_generator(self.seeds["masks"], self.device)
        self.batch_generator_ = torch_generator(self.seeds["batches"])
        return self

    def torch_compile(self, module, name):
        """Compile the module in place, which leaves its weights' names alone."""
        if self.compile and name == "module":
            module.compile()
        return module

    def train(self, dataset, n_epochs, callbacks=()):
        """Train for some epochs, beginning with the weights as they are.

        A keyboard interrupt ends training quietly only where a skorch callback
        raised it, which is how skorch's EarlyStopping works; one from the keyboard
        passes.

        Parameters
        ----------
        dataset : TableDataset
        n_epochs : int
        callbacks : sequence of skorch.callbacks.Callback
            For this call only, told of everything before the net's own.
        """
        own = self.callbacks_
        temporary = [(type(callback).__name__, callback) for callback in callbacks]
        self.callbacks_ = temporary + own
        self.sampler.to(self.device)
        self.stopping_ = False
        n_before = len(self.history)
        self.notify("on_train_begin", X=dataset, y=None)
        try:
            self.fit_loop(dataset, epochs=n_epochs)
        except _StopTraining:
            pass
        except KeyboardInterrupt as interrupt:
            if not _raised_by_skorch(interrupt):
                raise
        finally:
            self.callbacks_ = own
            for group in self.optimizer_.param_groups:
                group["lr"] = self.lr
        for _, callback in temporary + own:
            callback.on_train_end(self, X=dataset, y=None)
        self.n_new_epochs_ = len(self.history) - n_before
        return self

    def stop_after_epoch(self):
        """End training once every callback has seen the end of this epoch."""
        self.stopping_ = True

    def notify(self, method_name, **cb_kwargs):
        """Tell all callbacks; then stop, if one of them asked for it."""
        super().notify(method_name, **cb_kwargs)
        if method_name == "on_epoch_end" and self.stopping_:
            raise _StopTraining

    def get_iterator(self, dataset, training=False):
        """Shuffled slices of the dataset."""
        return dataset.batches(self.batch_size, self.batch_generator_)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Take one step per batch; keep the mean loss, not every batch's."""
        if iterator is None:
            return
        self._set_training(True)
        losses = []
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch)
            losses.append(step["loss"])
            self.notify("on_batch_end", batch=batch, training=training, **step)
        # One look at the end, since every look waits for the device.
        mean_loss = torch.stack(losses).mean().item()
        if not math.isfinite(mean_loss):
            raise ValueError(
                f"Training diverged: the loss is {mean_loss} in epoch "
                f"{len(self.history)}. Lower lr, or look for extreme values in X "
                "and for a scaling that tames them."
            )
        self.history.record("lr", self.optimizer_.param_groups[0]["lr"])
        self.history.record(prefix + "_loss", mean_loss)

    def train_step_single(self, batch, **fit_params):
        """Hide cells, predict them, and compute the gradient of the loss."""
        values, weight = batch
        observed = ~torch.isnan(values) if self.has_missing_ else None
        masked = self.sampler.sample(len(values), observed, self.mask_generator_)
        hidden = masked if observed is None else masked | ~observed
        replacement = None
        if self.corruption is not None:
            replacement = self.corruption(values, self.mask_generator_)
        with autocast(values.device, self.precision):
            predicted = self.module_(values, hidden, replacement)
        loss = self.criterion_(predicted.float(), values, masked, observed, weight)
        loss.backward()
        return {"loss": loss.detach(), "y_pred": predicted}

    def get_split_datasets(self, X, y=None, **fit_params):
        """All rows are for training; held-out rows live in a callback."""
        self.has_missing_ = X.has_missing
        return X, None


def _raised_by_skorch(error):
    innermost = list(traceback.walk_tb(error.__traceback__))[-1][0]
    return innermost.f_globals.get("__name__", "").startswith("skorch.callbacks")
