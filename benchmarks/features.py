"""Features learned without labels, judged by a linear classifier.

    python benchmarks/features.py --data DIR [--sets mnist digits tables] [--umap]
        [--C 100] [--seeds 4]

DIR holds ``mnist/mnist_10k_5k.npz``, ``imputation/*.csv`` and ``anomaly/*.npz``;
digits, wine and breast cancer come with scikit-learn. Features are learned from all
training rows; LogisticRegression then learns from them with 10, 20 or 100 labels per
class (mean over draws; a dash where a class has fewer rows) and with all. Figures are
means over seeds with their standard error, where there are several, and CPU-seconds of
a fit, on one thread:

- mnist: 10,000 images, 5,000 for testing; accuracy; one seed, 3 draws.
- digits: 70 %, the rest for testing, split anew by each of 4 seeds; accuracy; 10 draws.
- tables: 60 % of at most 4,000 rows, the rest for testing, one split for all seeds, so
  that errors tell of a method's own draws alone; balanced accuracy; 2 seeds, 5 draws.
  "digits_table" is digits by this protocol. ``--sets`` takes names of tables, too.

The plain autoencoder is the same network with nothing hidden. "image" is told the
shape of an image, the others see 64 columns; of MNIST both are told.
"""

import argparse
import time
import warnings
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from _common import (
    ARCHIVES,
    draw_labels,
    load,
    load_mnist,
    make_nystroem,
    make_umap,
    split_table,
)
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skmae import MaskedAutoencoderTransformer

IMAGES = ["mnist", "digits"]
UCI = ["wine", "cancer", "letter", "obesity", "sonar", "climate", "blood"]
TABLES = ["digits_table", *UCI, *ARCHIVES]
LABELS_PER_CLASS = (10, 20, 100, None)
N_SEEDS = {"mnist": 1, "digits": 4}  # of tables 2
N_DRAWS = {"mnist": 3, "digits": 10}  # of tables 5


def split(name, data, seed):
    """X, X_test, y, y_test."""
    if name == "mnist":
        return load_mnist(data)
    X, y = load(name.removesuffix("_table"), data)
    if name == "digits":
        return train_test_split(X, y, test_size=0.3, random_state=seed, stratify=y)
    return split_table(X, y, seed=0)


def make_scaler(name):
    """How rows are scaled for all but the autoencoders, which do it themselves."""
    if name in IMAGES:
        white = {"mnist": 255, "digits": 16}[name]
        return FunctionTransformer(lambda X: X.reshape(len(X), -1) / white)
    return StandardScaler()


def make_peers(scaled, seed, with_umap):
    # All components of a table would be its columns again, only turned.
    n_components = 64 if scaled.shape[1] > 64 else 0.95
    peers = {
        "raw": FunctionTransformer(),
        "PCA": PCA(n_components, random_state=seed),
        "Nystroem": make_nystroem(scaled, seed),
    }
    return peers | ({"UMAP": make_umap(scaled, seed)} if with_umap else {})


def make_autoencoders(name, seed):
    common = {"device": "cpu", "random_state": seed}
    if name == "mnist":
        common["input_shape"] = (28, 28)
    made = {
        "plain autoencoder": MaskedAutoencoderTransformer(mask_ratio=0, **common),
        "masked autoencoder": MaskedAutoencoderTransformer(**common),
    }
    if name == "digits":
        common["input_shape"] = (8, 8)
        made["plain, image"] = MaskedAutoencoderTransformer(mask_ratio=0, **common)
        made["masked, image"] = MaskedAutoencoderTransformer(**common)
    return made


def score(name, codes, codes_test, y, y_test, per_class, C):
    """Mean over draws of the labelled rows; NaN where a class has too few."""
    if per_class and np.bincount(y).min() < per_class:
        return np.nan
    metric = accuracy_score if name in IMAGES else balanced_accuracy_score
    scores = []
    for draw in range(N_DRAWS.get(name, 5) if per_class else 1):
        rows = draw_labels(y, per_class, draw)
        model = LogisticRegression(C=C, max_iter=2000)
        model.fit(codes[rows], y[rows])
        scores.append(metric(y_test, model.predict(codes_test)))
    return np.mean(scores)


def judge(name, data, n_seeds, with_umap, C):
    """By method, arrays (seeds, labels per class) of scores, and CPU-s of the fits."""
    scores, seconds = {}, {}
    for seed in range(n_seeds):
        X, X_test, y, y_test = split(name, data, seed)
        scaler = make_scaler(name).fit(X)
        scaled, scaled_test = scaler.transform(X), scaler.transform(X_test)
        peers = make_peers(scaled, seed, with_umap)
        for method, transformer in (peers | make_autoencoders(name, seed)).items():
            rows, rows_test = (scaled, scaled_test) if method in peers else (X, X_test)
            start = time.process_time()
            transformer.fit(rows)
            seconds.setdefault(method, []).append(time.process_time() - start)
            codes = transformer.transform(rows)
            codes_test = transformer.transform(rows_test)
            scores.setdefault(method, []).append(
                [
                    score(name, codes, codes_test, y, y_test, n, C)
                    for n in LABELS_PER_CLASS
                ]
            )
    return {method: np.array(found) for method, found in scores.items()}, seconds


def cell(by_seed):
    if np.isnan(by_seed).any():
        return "-"
    if len(by_seed) == 1:
        return f"{by_seed[0]:.3f}"
    error = np.std(by_seed, ddof=1) / np.sqrt(len(by_seed))
    return f"{np.mean(by_seed):.3f} ±{error:.3f}"


def print_table(title, scores, seconds):
    counts = "".join(f"{n or 'all':>14}" for n in LABELS_PER_CLASS)
    print(f"\n{title}\n{'labels per class':20}{counts}{'CPU-s':>8}")
    for method, found in scores.items():
        cells = "".join(f"{cell(by_seed):>14}" for by_seed in found.T)
        print(f"{method:20}{cells}{np.mean(seconds[method]):8.1f}", flush=True)


def print_summary(tables):
    """The mean of tables and, of each method, on how many it is the best."""
    means = np.array([[found.mean(axis=0) for found in t.values()] for t in tables])
    n_tables = np.count_nonzero(~np.isnan(means[:, 0]), axis=0)
    best = np.sum(means == means.max(axis=1, keepdims=True), axis=0)
    counts = "".join(f"{n or 'all':>14}" for n in LABELS_PER_CLASS)
    print(f"\nmean of tables (on how many the best)\n{'labels per class':20}{counts}")
    print(f"{'number of tables':20}" + "".join(f"{n:14}" for n in n_tables))
    for m, method in enumerate(tables[0]):
        cells = zip(np.nanmean(means[:, m], axis=0), best[m], strict=True)
        print(f"{method:20}" + "".join(f"{mean:9.3f} ({n:2})" for mean, n in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=[*IMAGES, "tables"])
    parser.add_argument("--seeds", type=int, help="of each set, in place of its own")
    parser.add_argument("--C", type=float, default=1.0, help="of LogisticRegression")
    parser.add_argument("--umap", action="store_true", help="needs umap-learn")
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")

    tables = []
    groups = [TABLES if name == "tables" else [name] for name in args.sets]
    for name in chain.from_iterable(groups):
        n_seeds = args.seeds or N_SEEDS.get(name, 2)
        scores, seconds = judge(name, args.data, n_seeds, args.umap, args.C)
        metric = "accuracy" if name in IMAGES else "balanced accuracy"
        print_table(f"{name}, {metric}, seeds: {n_seeds}", scores, seconds)
        if name in TABLES:
            tables.append(scores)
    if len(tables) > 1:
        print_summary(tables)


if __name__ == "__main__":
    main()
