"""Codes of MNIST digits, judged by a linear classifier with few and many labels.

    python benchmarks/mnist_features.py --data DIR

DIR holds ``mnist/mnist_10k_5k.npz`` with X_train (10,000 x 28 x 28 uint8), y_train,
X_test and y_test. Each representation is fitted on all training rows without labels;
LogisticRegression then learns from 10, 20 and 100 labels per class (mean over
draws) and from all. Runs on one thread; seconds are CPU seconds of the fit.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from skmae import MaskedAutoencoderTransformer

LABELS_PER_CLASS = (10, 20, 100, None)


def accuracy(codes, y, codes_test, y_test, per_class, n_draws):
    """Mean test accuracy over draws of the labelled rows."""
    if per_class is None:
        n_draws = 1
    scores = []
    for draw in range(n_draws):
        rng = np.random.default_rng(draw)
        rows = np.arange(len(y))
        if per_class is not None:
            rows = np.concatenate(
                [
                    rng.choice(np.flatnonzero(y == label), per_class, replace=False)
                    for label in np.unique(y)
                ]
            )
        classifier = LogisticRegression(max_iter=2000).fit(codes[rows], y[rows])
        scores.append(classifier.score(codes_test, y_test))
    return np.mean(scores)


def make_nystroem(X):
    """Radial basis functions of the width that scikit-learn calls "scale"."""
    gamma = 1 / (X.shape[1] * X.var())
    return Nystroem(n_components=1000, gamma=gamma, random_state=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", help="run methods whose name contains this")
    args = parser.parse_args()
    torch.set_num_threads(1)

    data = np.load(args.data / "mnist" / "mnist_10k_5k.npz")
    X, X_test = data["X_train"], data["X_test"]
    y, y_test = data["y_train"], data["y_test"]
    flat, flat_test = X.reshape(len(X), -1) / 255, X_test.reshape(len(X_test), -1) / 255

    methods = [
        ("raw / 255", FunctionTransformer(), flat, flat_test),
        ("PCA 64", PCA(64, random_state=0), flat, flat_test),
        ("Nystroem 1000", make_nystroem(flat), flat, flat_test),
    ]
    for seed in range(args.seeds):
        mae = MaskedAutoencoderTransformer(
            input_shape=(28, 28), random_state=seed, device="cpu"
        )
        methods.append((f"skmae, seed {seed}", mae, X, X_test))
    print(f"{'method':<16} {'10':>6} {'20':>6} {'100':>6} {'all':>6} {'fit CPU-s':>10}")
    for name, transformer, train, test in methods:
        if args.only and args.only not in name:
            continue
        start = time.process_time()
        codes = transformer.fit(train).transform(train)
        seconds = time.process_time() - start
        codes_test = transformer.transform(test)
        scores = [
            accuracy(codes, y, codes_test, y_test, per_class, args.draws)
            for per_class in LABELS_PER_CLASS
        ]
        row = " ".join(f"{score:6.4f}" for score in scores)
        print(f"{name:<16} {row} {seconds:10.1f}", flush=True)


if __name__ == "__main__":
    main()
