"""Images: inpainting, codes and their decoding, with both architectures.

    python benchmarks/images.py --data DIR [--epochs 20]

MNIST: networks are trained on 10,000 images without labels. Of 1,000 test images,
cells or 4 x 4 patches are hidden at random and predicted; the figure is the mean
squared error over hidden cells, for grey values from 0 to 1. Peers are the mean image
and the conditional mean of a Gaussian fitted to the training images (covariance plus
0.01 on the diagonal). Digits: the variance that decoded codes keep, and the accuracy
of LogisticRegression on the codes of ten labelled images per class, over splits.

Everything runs on one thread; times are CPU-seconds of fitting.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from _common import draw_labels
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmae import MaskedAutoencoderTransformer

KINDS = [("cells", 0.5), ("cells", 0.75), ("patches", 0.5), ("patches", 0.75)]


def hide_half_the_cells(observed, rng):
    """Hide single cells though patches are tokens."""
    return (rng.random(observed.shape) < 0.5) & observed


def hide_most_cells(observed, rng):
    """Hide three quarters of the single cells."""
    return (rng.random(observed.shape) < 0.75) & observed


def draw_mask(kind, ratio, n_rows, seed=0):
    """Hide the same number of cells or patches in every image."""
    rng = np.random.default_rng(seed)
    n_units = 784 if kind == "cells" else 49
    hidden = rng.random((n_rows, n_units)).argsort(axis=1) < round(ratio * n_units)
    if kind == "cells":
        return hidden
    patches = hidden.reshape(n_rows, 7, 7).repeat(4, axis=1).repeat(4, axis=2)
    return patches.reshape(n_rows, 784)


def gaussian(train, test, mask):
    """Conditional mean of the hidden cells given the visible ones."""
    mean, covariance = train.mean(axis=0), np.cov(train.T) + 0.01 * np.eye(784)
    filled = test.copy()
    for row, hidden in zip(filled, mask, strict=True):
        seen = ~hidden
        weights = np.linalg.solve(covariance[np.ix_(seen, seen)], (row - mean)[seen])
        row[hidden] = mean[hidden] + covariance[np.ix_(hidden, seen)] @ weights
    return filled


def inpainting(train, test, n_epochs):
    """Print errors of hidden cells."""

    def report(name, fill, cpu=None):
        errors = []
        for kind, ratio in KINDS:
            mask = draw_mask(kind, ratio, len(test))
            filled = np.clip(fill(test, mask), 0, 1)
            errors.append(np.square(filled - test)[mask].mean())
        line = " | ".join(f"{error:.4f}" for error in errors)
        print(f"{name:34} | {line} | {'' if cpu is None else round(cpu)}", flush=True)

    print("MNIST, " + " | ".join(f"{kind} {ratio}" for kind, ratio in KINDS), "| CPU-s")
    report("mean image", lambda rows, mask: np.where(mask, train.mean(axis=0), rows))
    report("Gaussian", lambda rows, mask: gaussian(train, rows, mask))
    attention = {"architecture": "attention", "patch_size": 4, "max_epochs": n_epochs}
    cells = {"loss": "squared_error"}
    settings = {
        "mlp, cells .5": cells | {"mask_ratio": 0.5},
        "mlp, cells .75": cells | {"mask_ratio": 0.75},
        "mlp, patches .75": {"patch_size": 4},
        "attention, patches .75": attention,
        "attention, cells .5": attention
        | cells
        | {"mask_strategy": hide_half_the_cells},
        "attention, cells .75": attention | cells | {"mask_strategy": hide_most_cells},
    }
    for name, params in settings.items():
        start = time.process_time()
        mae = MaskedAutoencoderTransformer(
            input_shape=(28, 28), device="cpu", random_state=0, **params
        ).fit(train)
        report(name, mae.reconstruct, time.process_time() - start)


def digits(n_splits=3, n_draws=3):
    """Print how well codes of digits decode and tell classes apart."""
    X, y = load_digits(return_X_y=True)
    print("\nDigits | R^2 of decoded codes | accuracy, ten labels per class | CPU-s")
    for architecture, params in (("mlp", {}), ("attention", {"patch_size": 2})):
        r2, accuracy, cpu = [], [], []
        for split in range(n_splits):
            train, test, y_train, y_test = train_test_split(
                X, y, test_size=0.3, stratify=y, random_state=split
            )
            start = time.process_time()
            mae = MaskedAutoencoderTransformer(
                architecture=architecture,
                input_shape=(8, 8),
                device="cpu",
                random_state=split,
                **params,
            ).fit(train)
            cpu.append(time.process_time() - start)
            codes, new = mae.transform(train), mae.transform(test)
            decoded = mae.inverse_transform(new)
            r2.append(r2_score(test, decoded, multioutput="variance_weighted"))
            for draw in range(n_draws):
                rows = draw_labels(y_train, 10, draw)
                probe = make_pipeline(
                    StandardScaler(), LogisticRegression(max_iter=2000)
                )
                probe.fit(codes[rows], y_train[rows])
                accuracy.append(probe.score(new, y_test))
        print(
            f"{architecture:9} | {np.mean(r2):.3f} | {np.mean(accuracy):.3f} "
            f"+- {np.std(accuracy):.3f} | {np.mean(cpu):.1f}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=20, help="with attention")
    args = parser.parse_args()
    torch.set_num_threads(1)
    digits()
    mnist = np.load(args.data / "mnist" / "mnist_10k_5k.npz")
    train = mnist["X_train"].reshape(-1, 784).astype(np.float32) / 255
    test = mnist["X_test"][:1000].reshape(-1, 784).astype(np.float32) / 255
    print()
    inpainting(train, test, args.epochs)


if __name__ == "__main__":
    main()
