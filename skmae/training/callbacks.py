"""What happens between epochs: validation, early stopping, scikit-learn's events."""

import copy
from typing import Any

from skorch.callbacks import Callback

from skmae.training.averages import MovingAverage
from skmae.training.scoring import panel_score


class BestWeights(Callback):
    """Judge a net after each epoch, keep its best weights, and stop in time.

    Subclasses compute the loss on held-out rows in ``judge``, and may judge and keep
    other weights than those of the last step.

    Parameters
    ----------
    patience : int
        Epochs without improvement after which to stop. Those in which the learning
        rate still rises do not count: small steps bring small improvements.
    """

    def __init__(self, patience):
        self.patience = patience

    def judge(self, net):
        """Loss on held-out rows."""
        raise NotImplementedError

    def judged_weights(self, net):
        """Copy the weights that were judged."""
        return copy.deepcopy(net.module_.state_dict())

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Forget earlier fits."""
        self.best_loss_ = float("inf")
        self.best_weights_ = None
        self.epochs_since_ = 0
        self.rate_ = 0.0

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Record the loss on the held-out rows; stop when it no longer falls."""
        loss = self.judge(net)
        last_rate, self.rate_ = self.rate_, net.optimizer_.param_groups[0]["lr"]
        net.history.record("valid_loss", loss)
        net.history.record("valid_loss_best", loss < self.best_loss_)
        if loss < self.best_loss_:
            self.best_loss_ = loss
            self.best_weights_ = self.judged_weights(net)
            self.epochs_since_ = 0
            return
        if self.rate_ > last_rate:
            return
        self.epochs_since_ += 1
        if self.epochs_since_ >= self.patience:
            net.stop_after_epoch()

    def on_train_end(self, net, X=None, y=None, **kwargs):
        """Go back to the best weights."""
        if self.best_weights_ is not None:
            net.module_.load_state_dict(self.best_weights_)
        self.best_weights_ = None


class ValidationScore(BestWeights):
    """Judge by 1 - R^2 on hidden cells of held-out rows.

    Parameters
    ----------
    values : (n_rows, n_columns) float32 array
        Held-out rows.
    inference : callable
        Gives the :class:`~skmae.training.inference.Inference` of a module.
    panel : list of mask tensors
    patience : int
        See :class:`BestWeights`.
    """

    loss_of_the_mean = 1.0

    def __init__(self, values, inference, panel, patience):
        super().__init__(patience)
        self.values = values
        self.inference = inference
        self.panel = panel

    def judge(self, net):
        """1 - R^2, averaged over the panel."""
        return 1.0 - panel_score(self.inference(net.module_), self.values, self.panel)


class FitEvents:
    """scikit-learn's events of a fit, or of a stage of one.

    Parameters
    ----------
    estimator : estimator being fitted
    make_context : callable
        Gives the callback context for a number of epochs.
    **details :
        What callbacks are given besides the estimator.
    """

    def __init__(self, estimator, make_context, **details):
        self.make_context = make_context
        self.details = {"estimator": estimator, **details}

    def begin(self, n_epochs):
        """Report the start of training; return the callback that reports each epoch."""
        self.context = self.make_context(max_subtasks=n_epochs)
        self.context.call_on_fit_task_begin(**self.details)
        return EpochEvents(self.details["estimator"], self.context)

    def end(self):
        """Report the end of training."""
        self.context.call_on_fit_task_end(**self.details)


class EpochEvents(Callback):
    """Report each epoch to scikit-learn's callbacks.

    Parameters
    ----------
    estimator : estimator being fitted
    context : sklearn.callback.CallbackContext
        Of its fit.
    """

    def __init__(self, estimator, context):
        self.estimator = estimator
        self.context = context

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Open a subtask."""
        self.epoch_ = self.context.subcontext(task_name="epoch")
        self.epoch_.call_on_fit_task_begin(estimator=self.estimator)

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Close it; a callback that returns True ends the training."""
        if self.epoch_.call_on_fit_task_end(estimator=self.estimator):
            net.stop_after_epoch()


class AveragedWeights(Callback):
    """Keep an exponential moving average of the weights over steps.

    Parameters
    ----------
    decay : float
        The most that a step leaves of the average before it.
    """

    average_: Any

    def __init__(self, decay):
        self.decay = decay

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Begin with the weights as they are."""
        self.average_ = MovingAverage(net.module_, self.decay)

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        """Move the average towards the weights after this step."""
        self.average_.update()

    def on_train_end(self, net, X=None, y=None, **kwargs):
        """Keep the average."""
        net.module_.load_state_dict(self.average_.module.state_dict())
        self.average_ = None
