"""
=======================================
Monitoring and controlling the training
=======================================

Callbacks see every epoch and every batch of a fit. We watch the learning rate, stop
early, show progress through a grid search, and log to TensorBoard where it is
installed.
"""

# %%
# A callback of your own
# ----------------------
# skorch's callbacks go into the parameter ``callbacks``. They are copied in every fit;
# the copies are found in the fitted net, the instances given stay as they are.

import tempfile

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EarlyStopping, TensorBoard

from skmae import MaskedAutoencoderTransformer

X = load_digits().data


class LearningRates(Callback):
    """Remember the learning rate of every step."""

    def on_train_begin(self, net, **kwargs):
        """Begin a new record."""
        self.rates_ = []

    def on_batch_end(self, net, **kwargs):
        """Record the rate of this step."""
        self.rates_.append(net.optimizer_.param_groups[0]["lr"])


mae = MaskedAutoencoderTransformer(
    max_epochs=40, callbacks=[LearningRates()], early_stopping=True, random_state=0
).fit(X)
rates = dict(mae.net_.callbacks_)["LearningRates"].rates_
print(f"{mae.n_iter_} epochs, {len(rates)} steps, highest rate {max(rates):.4f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
left.plot(rates)
left.set(xlabel="step", ylabel="learning rate", title="Warm-up and cosine")
right.plot(mae.loss_curve_, label="hidden cells, training rows")
right.plot(mae.validation_loss_curve_, label="1 - score, held-out rows")
right.set(xlabel="epoch", ylabel="loss", title="Learning")
right.legend()

# %%
# Stopping by another rule
# ------------------------
# skorch's own ``EarlyStopping`` can look at the training loss.

stop = EarlyStopping(monitor="train_loss", patience=3, threshold=0.02)
stopped = MaskedAutoencoderTransformer(
    max_epochs=200, lr_schedule="constant", callbacks=[stop], random_state=0
).fit(X)
print(f"stopped after {stopped.n_iter_} of 200 epochs")

# %%
# Progress through a grid search
# ------------------------------
# scikit-learn's callbacks are handed down to every epoch of every candidate. This one
# only counts; ``sklearn.callback.ProgressBar(max_propagation_depth=None)`` draws
# nested bars, if the package rich is installed.


class CountEpochs:
    """A scikit-learn callback that is handed down to nested estimators."""

    max_propagation_depth = None
    n_epochs = 0

    def setup(self, estimator, context):
        """Nothing to prepare."""

    def on_fit_task_begin(self, estimator, context):
        """Nothing to do yet."""

    def on_fit_task_end(self, estimator, context):
        """Count; returning True would end the training."""
        CountEpochs.n_epochs += context.task_name == "epoch"

    def teardown(self, estimator, context):
        """Nothing to clean up."""


search = GridSearchCV(
    MaskedAutoencoderTransformer(max_epochs=5, random_state=0),
    {"mask_ratio": [0.2, 0.5, 0.8]},
    cv=2,
)
search.set_callbacks(CountEpochs()).fit(X)
print(f"{CountEpochs.n_epochs} epochs, best: {search.best_params_}")

# %%
# TensorBoard
# -----------
# A grid search clones its estimators, and an open file cannot be cloned. So this writer
# opens its files when it is first written to, one folder per fit.


class LateWriter:
    """Opens a TensorBoard writer when it is needed."""

    def __init__(self, folder):
        self.folder, self.writer = folder, None

    def add_scalar(self, *args, **kwargs):
        """Pass a number on."""
        if self.writer is None:
            self.writer = SummaryWriter(tempfile.mkdtemp(dir=self.folder))
        self.writer.add_scalar(*args, **kwargs)

    def close(self):
        """Finish the files."""
        self.writer.close()


try:
    from torch.utils.tensorboard import SummaryWriter
except ImportError:
    print("TensorBoard is not installed: pip install tensorboard")
else:
    logs = tempfile.mkdtemp()
    board = TensorBoard(LateWriter(logs))
    search.set_params(estimator__callbacks=[board]).fit(X)
    print(f"see the curves of all seven fits: tensorboard --logdir {logs}")

plt.show()
