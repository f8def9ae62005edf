"""Outlier detection on ADBench's classical tables, beside the usual detectors.

    python benchmarks/anomaly.py --data DIR [--protocol A|B] [--seeds N] [--sets ...]
        [--missing SHARE]

DIR holds ``anomaly/*.npz`` with X and y, where y = 1 marks an anomaly. Tables are cut
to 10,000 rows by stratified sampling. Protocol A trains on a random half of the
normal rows and tests on the other half and all anomalies; protocol B trains on a
stratified 70 % of all rows, anomalies included, and tests on the others. Nobody sees
a label. Peers get standardised columns; PyOD's autoencoder takes part where PyOD is
installed. With --missing, that share of all cells is removed at random, and peers get
them filled from five neighbours (KNNImputer). Runs on one thread; seconds are CPU
seconds of fit and scoring.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from scipy.stats import rankdata
from sklearn.ensemble import IsolationForest
from sklearn.impute import KNNImputer
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import train_test_split
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmae import MaskedAutoencoderDetector

try:
    from pyod.models.auto_encoder import AutoEncoder
except ImportError:
    AutoEncoder = None

MOST_ROWS = 10_000
TRAINING_DATA = {"A": "clean", "B": "contaminated"}


def split(X, y, protocol, seed):
    """Rows to train on, rows to test on and which of those are anomalies."""
    if len(X) > MOST_ROWS:
        X, _, y, _ = train_test_split(
            X, y, train_size=MOST_ROWS, stratify=y, random_state=seed
        )
    if protocol == "B":
        train, test, _, y_test = train_test_split(
            X, y, train_size=0.7, stratify=y, random_state=seed
        )
        return train, test, y_test
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(y == 0))
    half = len(normal) // 2
    test = np.concatenate([normal[half:], np.flatnonzero(y == 1)])
    return X[normal[:half]], X[test], y[test]


def without_cells(X, share, seed):
    """Remove a share of the cells, each with the same probability."""
    return np.where(np.random.default_rng(seed).random(X.shape) < share, np.nan, X)


def knn(train, test, seed):
    """Distance to the fifth neighbour, as PyOD's KNN has it by default."""
    return NearestNeighbors(n_neighbors=5).fit(train).kneighbors(test)[0][:, -1]


def knn_mean(train, test, seed):
    """Mean distance to five neighbours."""
    return NearestNeighbors(n_neighbors=5).fit(train).kneighbors(test)[0].mean(axis=1)


def lof(train, test, seed):
    return -LocalOutlierFactor(novelty=True).fit(train).score_samples(test)


def gmm(train, test, seed):
    model = GaussianMixture(
        min(10, len(train) // 10), reg_covar=1e-3, random_state=seed
    )
    return -model.fit(train).score_samples(test)


def forest(train, test, seed):
    return -IsolationForest(random_state=seed).fit(train).score_samples(test)


def pyod_autoencoder(train, test, seed):
    # Its batch normalisation cannot take a last batch of a single row.
    batch_size = 32 if len(train) % 32 != 1 else 31
    model = AutoEncoder(batch_size=batch_size, random_state=seed, verbose=0)
    return model.fit(train).decision_function(test)


def scores_of(method, train, test, protocol, seed):
    if method is None:
        detector = MaskedAutoencoderDetector(
            training_data=TRAINING_DATA[protocol], device="cpu", random_state=seed
        )
        return -detector.fit(train).score_samples(test)
    prepare = StandardScaler()
    if np.isnan(train).any():
        prepare = make_pipeline(prepare, KNNImputer())
    return method(prepare.fit_transform(train), prepare.transform(test), seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--protocol", choices=("A", "B"), default="A")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--missing", type=float, default=0.0)
    parser.add_argument("--sets", nargs="+", help="names of tables; default: all")
    parser.add_argument("--only", nargs="+", help="names of methods; default: all")
    args = parser.parse_args()
    torch.set_num_threads(1)

    methods = {
        "kNN": knn,
        "kNN mean": knn_mean,
        "LOF": lof,
        "GMM": gmm,
        "IForest": forest,
    }
    if AutoEncoder is not None:
        methods["PyOD AE"] = pyod_autoencoder
    methods["skmae"] = None
    if args.only:
        methods = {name: methods[name] for name in args.only}
    paths = sorted((args.data / "anomaly").glob("*.npz"))
    paths = [path for path in paths if not args.sets or path.stem in args.sets]

    print(
        f"protocol {args.protocol}, seeds 0 to {args.seeds - 1}, missing "
        f"{args.missing:g}: AUROC / AUPRC in %"
    )
    print(f"{'table':<12}" + "".join(f"{name:>14}" for name in methods), flush=True)
    # (n_tables, n_methods, 3): AUROC, AUPRC, CPU seconds
    results = np.empty((len(paths), len(methods), 3))
    for i, path in enumerate(paths):
        table = np.load(path)
        X, y = table["X"].astype(np.float64), table["y"].astype(int)
        runs = np.empty((args.seeds, len(methods), 3))
        for seed in range(args.seeds):
            train, test, truth = split(X, y, args.protocol, seed)
            if args.missing:
                train = without_cells(train, args.missing, seed)
                test = without_cells(test, args.missing, seed + 1000)
            for j, method in enumerate(methods.values()):
                start = time.process_time()
                scores = scores_of(method, train, test, args.protocol, seed)
                seconds = time.process_time() - start
                auroc = 100 * roc_auc_score(truth, scores)
                auprc = 100 * average_precision_score(truth, scores)
                runs[seed, j] = auroc, auprc, seconds
        results[i] = runs.mean(axis=0)
        cells = [f"{auroc:.1f} / {auprc:.1f}" for auroc, auprc, _ in results[i]]
        print(f"{path.stem:<12}" + "".join(f"{c:>14}" for c in cells), flush=True)

    auroc, auprc, seconds = results.mean(axis=0).T
    ranks = [rankdata(-results[..., k], axis=1).mean(axis=0) for k in (0, 1)]
    for label, first, second, digits in (
        ("mean", auroc, auprc, 1),
        ("mean rank", *ranks, 2),
    ):
        cells = [
            f"{a:.{digits}f} / {b:.{digits}f}"
            for a, b in zip(first, second, strict=True)
        ]
        print(f"{label:<12}" + "".join(f"{c:>14}" for c in cells))
    print(f"{'CPU-s':<12}" + "".join(f"{s:>14.1f}" for s in seconds))


if __name__ == "__main__":
    main()
