"""Progress of a fit: one live line, or a line per epoch."""

from typing import Any

from skorch.callbacks import Callback, PrintLog
from tqdm import tqdm

_FORMAT = "{desc}: {percentage:3.0f}%|{bar:10}| {elapsed}, {remaining} left{postfix}"
_SECONDS = 0.5  # between two updates of the line


class EpochLines(PrintLog):
    """A heading and a line per epoch, where ``verbose`` is 2 or more."""

    def on_epoch_end(self, net, **kwargs):
        """Write a line; before the first one, what is being trained."""
        if net.verbose < 2:
            return
        if self.first_iteration_:
            self._sink(net.label, net.verbose)
        super().on_epoch_end(net, **kwargs)


class ProgressLine(Callback):
    """A line that shows how far training is, and is written over.

    Parameters
    ----------
    label : str
        What is being trained.
    n_epochs, n_batches : int
        Of the training, and of an epoch.
    n_before : int
        Epochs in the history that are not of this training.
    """

    def __init__(self, label, n_epochs, n_batches, n_before):
        self.label = label
        self.n_epochs = n_epochs
        self.n_batches = n_batches
        self.n_before = n_before
        self._line: Any = None

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Open the line, counting the epochs of an earlier fit as done."""
        if self._line is None:
            n_done = len(net.history) - 1 - self.n_before
            self._line = _Line(
                desc=self.label,
                total=self.n_epochs * self.n_batches,
                initial=n_done * self.n_batches,
                bar_format=_FORMAT,
                mininterval=_SECONDS,
                dynamic_ncols=True,
            )

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        """Count a step."""
        self._line.update()

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Show the loss."""
        n_done = len(net.history) - self.n_before
        loss = net.history[-1, "train_loss"]
        text = f"epoch {n_done}/{self.n_epochs}, loss {loss:.4g}"
        self._line.set_postfix_str(text, refresh=False)

    def close(self):
        """End the line."""
        if self._line is not None:
            self._line.close()


class _Line(tqdm):
    """A tqdm bar without a monitoring thread."""

    monitor_interval = 0
