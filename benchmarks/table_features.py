"""Codes of tables, judged by a linear classifier with few and with all labels.

    python benchmarks/table_features.py --data DIR [--seeds 2] [--tables letter sonar]

DIR holds ``imputation/*.csv`` and ``anomaly/*.npz``; digits, wine and breast cancer
come with scikit-learn. Tables are cut to 4,000 rows, of which 40 % are for testing.
Features are learned from the training rows without labels: standardised columns, a
plain autoencoder (the same network, nothing hidden) and a masked one. Figures are
balanced accuracies of LogisticRegression with 10 labels per class (mean of 5 draws)
and with all labels. One thread.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skmae import MaskedAutoencoderTransformer

BUNDLED = {"digits": load_digits, "wine": load_wine, "cancer": load_breast_cancer}
# Column of the class in a file: letter begins with it, the others end with it.
FILES = {"letter": 0, "obesity": -1, "sonar": -1, "climate": -1, "blood": -1}
ARCHIVES = ["satellite", "fault", "annthyroid", "landsat", "campaign", "vowels"]
MAX_ROWS = 4000
N_DRAWS = 5


def load(name, data):
    if name in BUNDLED:
        return BUNDLED[name](return_X_y=True)
    if name in ARCHIVES:
        archive = np.load(data / "anomaly" / f"{name}.npz")
        return archive["X"], archive["y"].astype(int)
    frame = pd.read_csv(data / "imputation" / f"{name}.csv", index_col=0)
    y = frame.pop(frame.columns[FILES[name]])
    return frame.to_numpy(dtype=float), y.to_numpy()


def split(X, y):
    if len(X) > MAX_ROWS:
        rows = np.random.default_rng(0).choice(len(X), MAX_ROWS, replace=False)
        X, y = X[rows], y[rows]
    return train_test_split(X, y, test_size=0.4, random_state=0, stratify=y)


def judge(codes, y, codes_test, y_test, per_class, draw):
    rows = np.arange(len(y))
    if per_class is not None:
        rng = np.random.default_rng(draw)
        by_class = [np.flatnonzero(y == label) for label in np.unique(y)]
        rows = np.concatenate(
            [
                rng.choice(members, min(per_class, len(members)), replace=False)
                for members in by_class
            ]
        )
    model = LogisticRegression(max_iter=1000).fit(codes[rows], y[rows])
    return balanced_accuracy_score(y_test, model.predict(codes_test))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--tables", nargs="+", default=[*BUNDLED, *FILES, *ARCHIVES])
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")

    methods = {
        "standardised": lambda seed: StandardScaler(),
        "plain AE": lambda seed: MaskedAutoencoderTransformer(
            mask_ratio=0, device="cpu", random_state=seed
        ),
        "masked AE": lambda seed: MaskedAutoencoderTransformer(
            device="cpu", random_state=seed
        ),
    }
    print(f"{'10 labels per class / all':26}" + "".join(f"{m:>18}" for m in methods))
    results, seconds = [], np.zeros(len(methods))
    for name in args.tables:
        X, X_test, y, y_test = split(*load(name, args.data))
        row = np.zeros((len(methods), 2))
        for m, make in enumerate(methods.values()):
            for seed in range(args.seeds):
                start = time.process_time()
                transformer = make(seed).fit(X)
                seconds[m] += (time.process_time() - start) / args.seeds
                data = (transformer.transform(X), y, transformer.transform(X_test))
                few = [judge(*data, y_test, 10, draw) for draw in range(N_DRAWS)]
                row[m] += np.array([np.mean(few), judge(*data, y_test, None, 0)])
        results.append(row / args.seeds)
        cells = "".join(f"{few:11.3f} / {full:.3f}"[-18:] for few, full in results[-1])
        print(f"{name:26}{cells}", flush=True)
    mean = np.mean(results, axis=0)
    print(f"{'mean':26}" + "".join(f"{few:10.3f} / {full:.3f}" for few, full in mean))
    print(f"{'CPU-s of all fits':26}" + "".join(f"{s:18.0f}" for s in seconds))


if __name__ == "__main__":
    main()
