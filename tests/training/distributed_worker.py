"""What one of several processes does; started by test_distributed.py.

    python distributed_worker.py fit|die FOLDER

"fit" fits the same rows as its peers and keeps what it learned, "die" is killed in
the middle of a fit if it is the second one.
"""

import os
import signal
import sys

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import distributed

from skmae import (
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderTransformer,
)
from tests.training.processes import leave

BATCH = 64  # of all processes together
# Sums over shares round otherwise than sums over batches, in bfloat16 visibly so.
ALIKE = {"device": "cpu", "precision": "float32", "random_state": 0}


def rows():
    """Correlated columns with holes; an odd number of rows, so that batches differ."""
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(701, 3))
    X = np.tanh(factors @ rng.normal(size=(3, 10))) + 0.2 * rng.normal(size=(701, 10))
    X[rng.random(X.shape) < 0.1] = np.nan
    return X.astype(np.float32), rng.random(701)


def words(X):
    """Rows as strings of unlike lengths."""
    letters = np.array(list("abcd"))
    codes = np.digitize(np.nan_to_num(X), [-0.5, 0.0, 0.5])
    lengths = 3 + np.arange(len(X)) % 8
    return ["".join(letters[row[:n]]) for row, n in zip(codes, lengths, strict=True)]


def transformer(batch_size, **params):
    """A small transformer."""
    settings = {"n_components": 16, "hidden_layer_sizes": (32,), "max_epochs": 3}
    return MaskedAutoencoderTransformer(
        **(settings | params), batch_size=batch_size, **ALIKE
    )


def fits(batch_size):
    """Fits of every role: {name: fitted estimator}."""
    X, weight = rows()
    on = {"batch_size": batch_size, **ALIKE}
    complete = X[~np.isnan(X).any(axis=1)]
    further = transformer(batch_size).fit(complete)
    return {
        "weighted": transformer(batch_size).fit(X, sample_weight=weight),
        "swap": transformer(
            batch_size, mask_value="swap", visible_weight=0.3, early_stopping=True
        ).fit(X),
        "further": further.partial_fit(complete),
        # Shares of 29 rows: every other row of one is not every other row of both.
        "attention": transformer(batch_size * 31 // 32, architecture="attention").fit(
            X
        ),
        "detector": MaskedAutoencoderDetector(max_epochs=2, **on).fit(X),
        "imputer": MaskedAutoencoderImputer(
            max_epochs=2, hidden_layer_sizes=(32,), **on
        ).fit(X),
        "generator": MaskedAutoencoderGenerator(
            max_epochs=2, hidden_layer_sizes=(32,), **on
        ).fit(X, sample_weight=weight),
        "letters": transformer(batch_size, analyzer="char").fit(words(X)),
        "generated letters": MaskedAutoencoderGenerator(
            max_epochs=2, analyzer="char", hidden_layer_sizes=(32,), **on
        ).fit(words(X)),
    }


def weights(estimator):
    """All weights of a fitted estimator in one array."""
    state = estimator.model_.__getstate__()["weights"]
    return np.concatenate([array.ravel() for array in state.values()])


class Killed(Callback):
    """Kill the second process in the middle of an epoch."""

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        """Die at once, as a machine does."""
        if distributed.get_rank() == 1 and len(net.history) == 2:
            os.kill(os.getpid(), signal.SIGKILL)


def refusal(estimator, X):
    """Why X cannot be fitted."""
    try:
        estimator.fit(X)
    except ValueError as error:
        return str(error)
    return ""


def main(what, folder):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    rank, n_ranks = distributed.get_rank(), distributed.get_world_size()
    X, _ = rows()
    if what == "die":
        transformer(BATCH // n_ranks, max_epochs=500, callbacks=[Killed()]).fit(X)
    else:
        found = {}
        for name, fitted in fits(BATCH // n_ranks).items():
            found[f"{name} weights"] = weights(fitted)
            found[f"{name} losses"] = fitted.loss_curve_
        # Seeds that nobody fixed are those of the first process.
        unseeded = transformer(BATCH // n_ranks).set_params(random_state=None).fit(X)
        found["unseeded weights"] = weights(unseeded)
        images = transformer(BATCH // n_ranks, n_components="auto", input_shape=(2, 5))
        found["images weights"] = weights(images.fit(X))
        found["batch norm"] = refusal(transformer(BATCH, batch_norm=True), X)
        found["other rows"] = refusal(transformer(BATCH), X[rank:])
        found["other epochs"] = refusal(transformer(BATCH, max_epochs=1 + rank), X)
        np.savez(f"{folder}/{rank}.npz", **found)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
    leave()
