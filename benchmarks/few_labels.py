"""Few labels and many rows: from codes, fine-tuned, from scratch, and by others.

    python benchmarks/few_labels.py --data DIR [--sets mnist] [--draws 3] [--umap]
        [--parts features boosting networks]

DIR holds ``mnist/mnist_10k_5k.npz`` and ``imputation/*.csv``; digits, wine, breast
cancer and iris come with scikit-learn. Every method sees all training rows and the
labels of 10, 20 or 100 rows per class (mean over draws, at most what a class has) or
of all; figures are accuracies on rows that nobody saw. Tables are cut to 4,000 rows,
of which 40 % are for testing, split anew for each draw. One thread.
"""

import argparse
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from _common import (
    BUNDLED,
    FILES,
    draw_labels,
    load,
    load_mnist,
    make_nystroem,
    make_umap,
    split_table,
)
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skmae import (
    DiffusionMap,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderTransformer,
)

PARTS = ("features", "boosting", "networks")


@dataclass
class Split:
    """Rows to learn from and to test on, as they are and scaled as flat rows."""

    seed: int
    X: np.ndarray
    X_test: np.ndarray
    y: np.ndarray
    y_test: np.ndarray
    is_mnist: bool

    def __post_init__(self):
        self.flat = self.X.reshape(len(self.X), -1) / 255
        self.flat_test = self.X_test.reshape(len(self.X_test), -1) / 255
        if not self.is_mnist:
            scaler = StandardScaler().fit(self.X)
            self.flat = scaler.transform(self.X)
            self.flat_test = scaler.transform(self.X_test)


def splits(name, data, n_draws, first_seed):
    """Yield splits; pixels of MNIST, which is split already, are fitted only once."""
    if name == "mnist":
        yield Split(first_seed, *load_mnist(data), True)
        return
    for seed in range(first_seed, first_seed + n_draws):
        yield Split(seed, *split_table(*load(name, data), seed), False)


class Record:
    """What every method reached on a set, by labels per class, and in what time."""

    def __init__(self):
        self.accuracies = {}  # {method: {labels per class: list}}
        self.log_losses = {}
        self.seconds = {}

    def judge(self, method, per_class, model, known, unseen):
        """Fit a classifier to what is known, and ask it of the rest."""
        start = time.process_time()
        model.fit(*known)
        X_test, y_test = unseen
        probabilities = model.predict_proba(X_test)
        self.time(method, per_class, start)
        right = model.classes_[probabilities.argmax(axis=1)] == y_test
        loss = log_loss(y_test, probabilities, labels=model.classes_)
        _append(self.accuracies, method, per_class, np.mean(right))
        _append(self.log_losses, method, per_class, loss)

    def time(self, method, per_class, start):
        """Note CPU-seconds since the start."""
        _append(self.seconds, method, per_class, time.process_time() - start)


def _append(kept, method, per_class, figure):
    kept.setdefault(method, {}).setdefault(per_class, []).append(figure)


def make_features(split, encoder, with_umap, record):
    """Features that are learned without labels, by name: (of X, of X_test)."""
    X, X_test = split.flat, split.flat_test
    made = {
        "raw": FunctionTransformer(),
        "PCA": PCA(min(64, X.shape[1], len(X)), random_state=split.seed),
        "Nystroem": make_nystroem(X),
        **neighbour_embeddings(X, split.seed, with_umap),
    }
    features = {
        method: (transformer.fit(X).transform(X), transformer.transform(X_test))
        for method, transformer in made.items()
    }
    codes, codes_test = encoder.transform(split.X), encoder.transform(split.X_test)
    features["codes"] = codes, codes_test
    embeddings = neighbour_embeddings(codes, split.seed, with_umap)
    for method, embedding in embeddings.items():
        start = time.process_time()
        features[f"codes, {method}"] = (
            embedding.fit(codes).transform(codes),
            embedding.transform(codes_test),
        )
        record.time(f"embedding, {method}", None, start)
    return features


def neighbour_embeddings(X, seed, with_umap):
    made = {"diffusion map": DiffusionMap(random_state=seed)}
    if with_umap:
        made["UMAP"] = make_umap(X, seed)
    return made


def untrained(transformer, X):
    """The same network with its first weights."""
    return transformer.set_params(max_epochs=1, lr=1e-30, weight_decay=0).fit(X)


def mark(y, rows):
    marked = np.full(len(y), np.nan)
    marked[rows] = y[rows]
    return marked


def boosters(split, per_class):
    """Boosting with its defaults and small leaves, where it does not take minutes."""
    leaves = {"boosting": 20, "boosting, leaf 3": 3}
    if split.is_mnist:
        leaves = {"boosting": 20} if per_class else {}
    return {
        method: HistGradientBoostingClassifier(
            min_samples_leaf=leaf, random_state=split.seed
        )
        for method, leaf in leaves.items()
    }


def networks(encoder, scratch, per_class, draw):
    """The same network from scratch and from its pretraining, by name."""
    made = {
        "from scratch": MaskedAutoencoderClassifier(scratch, self_training=False),
        "fine-tuned, labels only": MaskedAutoencoderClassifier(
            encoder, self_training=False
        ),
        "fine-tuned": MaskedAutoencoderClassifier(encoder),
    }
    if per_class is None:
        del made["fine-tuned, labels only"]  # there are no others
        made["fine-tuned, uncalibrated"] = MaskedAutoencoderClassifier(
            encoder, calibrate=False
        )
    for model in made.values():
        model.set_params(device="cpu", random_state=draw)
    return made


def judge_split(split, draws, labels, parts, with_umap, record):
    params = {"input_shape": (28, 28)} if split.is_mnist else {}
    encoder = MaskedAutoencoderTransformer(
        device="cpu", random_state=split.seed, **params
    )
    scratch = untrained(clone(encoder), split.X)
    start = time.process_time()
    encoder.fit(split.X)
    record.time("pretraining", None, start)
    features = {}
    if "features" in parts:
        features = make_features(split, encoder, with_umap, record)

    y, y_test = split.y, split.y_test
    for per_class in labels:
        for draw in draws if per_class else draws[:1]:
            rows = draw_labels(y, per_class, draw)
            for method, (X, X_test) in features.items():
                model = LogisticRegression(max_iter=2000)
                known, unseen = (X[rows], y[rows]), (X_test, y_test)
                record.judge(method, per_class, model, known, unseen)
            if "boosting" in parts:
                known, unseen = (split.flat[rows], y[rows]), (split.flat_test, y_test)
                for method, model in boosters(split, per_class).items():
                    record.judge(method, per_class, model, known, unseen)
            if "networks" in parts:
                known, unseen = (split.X, mark(y, rows)), (split.X_test, y_test)
                made = networks(encoder, scratch, per_class, draw)
                for method, model in made.items():
                    record.judge(method, per_class, model, known, unseen)


def print_table(figures, labels, seconds=None):
    print(f"{'':26}" + "".join(f"{n or 'all':>8}" for n in labels), end="")
    print("   CPU-s" if seconds else "")
    for method in seconds or figures:
        by_labels = figures.get(method, {})
        cells = "".join(f"{np.mean(by_labels.get(n, [np.nan])):8.3f}" for n in labels)
        if seconds:  # with the fewest labels
            cells += f"{np.mean(next(iter(seconds[method].values()))):8.1f}"
        print(f"{method:26}{cells}", flush=True)


def print_paired(accuracies, labels):
    """How far the head start brings the network, split by split."""
    print("fine-tuned - from scratch, in points, and its standard error")
    for n in labels:
        ahead = np.subtract(accuracies["fine-tuned"][n], accuracies["from scratch"][n])
        error = (
            np.std(ahead, ddof=1) / np.sqrt(len(ahead)) if len(ahead) > 1 else np.nan
        )
        print(f"{n or 'all':>8}: {100 * np.mean(ahead):+.2f} +- {100 * error:.2f}")


def mean_of_tables(tables, labels):
    return {
        method: {
            n: [np.mean([table[method].get(n, [np.nan]) for table in tables])]
            for n in labels
        }
        for method in tables[0]
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=["mnist", *BUNDLED, *FILES])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--labels", type=int, nargs="+", default=[10, 20, 100, 0], help="0 is all"
    )
    parser.add_argument("--umap", action="store_true", help="needs umap-learn")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")

    labels = [n or None for n in args.labels]
    tables = []
    for name in args.sets:
        record = Record()
        for split in splits(name, args.data, args.draws, args.first_seed):
            draws = range(args.draws) if split.is_mnist else [split.seed]
            judge_split(split, draws, labels, args.parts, args.umap, record)
        print(f"\n{name}")
        print_table(record.accuracies, labels, record.seconds)
        if "networks" in args.parts:
            print_paired(record.accuracies, labels)
        print(f"{name}, log loss")
        print_table(record.log_losses, labels)
        if name != "mnist":
            tables.append(record)
    if len(tables) > 1:
        for title, kept in ("", "accuracies"), (", log loss", "log_losses"):
            print(f"\nmean of {len(tables)} tables{title}")
            figures = [getattr(record, kept) for record in tables]
            print_table(mean_of_tables(figures, labels), labels)


if __name__ == "__main__":
    main()
