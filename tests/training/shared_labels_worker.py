"""What one of several processes learns from labels; started by test_shared_labels.py.

python shared_labels_worker.py FOLDER
"""

import sys
from functools import partial
from typing import ClassVar
from unittest.mock import patch

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from skorch.callbacks import Callback
from torch import distributed

from skmae import (
    MaskedAutoencoderClassifier,
    MaskedAutoencoderRegressor,
    MaskedAutoencoderTransformer,
)
from skmae.semi_supervised.fine_tuning import FineTuningNet
from tests.training.processes import leave

BATCH = 48  # of all processes together
# Sums over shares round otherwise than sums over batches, in bfloat16 visibly so.
ALIKE = {"device": "cpu", "precision": "float32", "random_state": 0}


def make_rows(n_columns=6):
    """Correlated columns with holes, classes, and numbers of which some are missing."""
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(251, 3))
    X = np.tanh(factors @ rng.normal(size=(3, n_columns)))
    X = (X + 0.2 * rng.normal(size=X.shape)).astype(np.float32)
    X[rng.random(X.shape) < 0.05] = np.nan
    labels = (factors[:, 0] > 0).astype(int) + (factors[:, 1] > 0.5)
    numbers = factors[:, :2] ** 2
    numbers[::9, 1] = np.nan
    return X, labels, numbers


def encoder(batch_size, **params):
    """A small transformer."""
    settings = {"n_components": 16, "hidden_layer_sizes": (16,), "max_epochs": 2}
    return MaskedAutoencoderTransformer(
        **(settings | params), batch_size=batch_size, **ALIKE
    )


def as_words(X):
    """Rows as strings of three to six words, which say something of their labels."""
    sizes = np.digitize(np.abs(np.nan_to_num(X)), [0.5, 1.0, 1.5])
    return [
        " ".join("abcd"[size] for size in row[: 3 + n % 4])
        for n, row in enumerate(sizes)
    ]


def fits(batch_size):
    """Functions that fit, and rows to predict: {name: (function, rows)}."""
    X, labels, numbers = make_rows()
    some = np.where(np.arange(len(X)) % 3 > 0, labels, -1)
    weight = np.random.default_rng(1).random(len(X))
    attention = encoder(batch_size, architecture="attention")
    mlp = encoder(batch_size)
    images = encoder(batch_size, input_shape=(2, 3))
    classifier, regressor = MaskedAutoencoderClassifier, MaskedAutoencoderRegressor
    on = {"fine_tune_epochs": 2, **ALIKE}
    words = as_words(X)
    text = encoder(batch_size, analyzer="word", architecture="auto")
    functions = {
        "attention": lambda: classifier(attention, **on).fit(
            X, labels, sample_weight=weight
        ),
        "unlabelled": lambda: classifier(attention, **on).fit(X, some),
        "reconstruction": lambda: regressor(
            attention, **on, reconstruction_weight=0.5, early_stopping=True
        ).fit(X, numbers),
        "frozen": lambda: classifier(attention, **on, freeze_encoder=True).fit(
            X, labels
        ),
        "perceptron": lambda: classifier(mlp, **on).fit(X, labels),
        "images": lambda: classifier(images, **on).fit(X, labels),
        "regression": lambda: regressor(mlp, **on).fit(X, numbers),
        "words": lambda: classifier(text, **on).fit(words, labels),
    }
    return {
        name: (function, words if name == "words" else X)
        for name, function in functions.items()
    }


# Heads are solved to a tolerance, and where short of it depends on the last bits.
SOLVED = partial(LogisticRegression, tol=1e-8)


@patch("sklearn.linear_model.LogisticRegression", SOLVED)
def learned(batch_size):
    """What fits learn: {name: array}."""
    found = {}
    for name, (fit, X) in fits(batch_size).items():
        fitted = fit()
        says = getattr(fitted, "predict_proba", fitted.predict)
        found[f"{name} predictions"] = says(X)
        state = fitted.model_.__getstate__()["weights"]
        found[f"{name} weights"] = np.concatenate([w.ravel() for w in state.values()])
        found[f"{name} losses"] = fitted.loss_curve_
        found[f"{name} temperature"] = getattr(fitted, "temperature_", 1.0)
    return found


class Heights(Callback):
    """Keep how many rows of each batch this process was asked about."""

    kept: ClassVar[list[int]] = []  # by all copies

    def on_batch_end(self, net, batch=None, training=None, y_pred=None, **kwargs):
        """Keep it."""
        self.kept.append(len(y_pred))


def work(architecture):
    """Rows of batches, and networks of folds, that this process trained."""
    X, labels, _ = make_rows()
    folds = []
    Heights.kept.clear()
    train = FineTuningNet.train

    def counting(net, dataset, *args, **kwargs):
        if "fold" in net.label:
            folds.append(getattr(net.module_, "n_members", 1))
        return train(net, dataset, *args, **kwargs)

    FineTuningNet.train = counting
    MaskedAutoencoderClassifier(
        encoder(BATCH // distributed.get_world_size(), architecture=architecture),
        fine_tune_epochs=2,
        callbacks=[Heights()],
        **ALIKE,
    ).fit(X, labels)
    FineTuningNet.train = train
    return sum(Heights.kept), sum(folds)


def main(folder):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    rank, n_ranks = distributed.get_rank(), distributed.get_world_size()
    found = learned(BATCH // n_ranks)
    for architecture in ("attention", "mlp"):
        found[f"{architecture} work"] = work(architecture)
    # Seeds that nobody fixed are those of the first process.
    X, labels, _ = make_rows()
    unseeded = MaskedAutoencoderClassifier(encoder(BATCH), fine_tune_epochs=1)
    unseeded.encoder.set_params(random_state=None)
    found["unseeded codes"] = unseeded.fit(X, labels).predict_proba(X)
    np.savez(f"{folder}/{rank}.npz", **found)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
    leave()
