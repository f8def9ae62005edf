"""Few targets and many rows: from codes, fine-tuned, from scratch, and by others.

    python benchmarks/few_targets.py --data DIR [--sets diabetes yacht] [--splits 5]

DIR holds ``imputation/*.csv``; diabetes comes with scikit-learn. Every method sees all
training rows and the targets of 20, 50 or 100 of them, drawn at random, or of all;
figures are R² on the 40 % of rows that nobody saw, split anew each time, with the
standard error over splits. One thread.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from few_labels import untrained
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler

from skmae import MaskedAutoencoderRegressor, MaskedAutoencoderTransformer

# The last column is the target of each. Listed: an index, and other measured results.
FILES = {
    "airfoil": [],  # sound pressure
    "compression": [],  # strength of concrete
    "slump": ["No", "SLUMP(cm)", "FLOW(cm)"],  # strength
    "yacht": [],  # resistance
}
PENALTIES = np.logspace(-3, 4, 15)
N_NEIGHBOURS = 5


def load(name, data):
    if name == "diabetes":
        return load_diabetes(return_X_y=True)
    frame = pd.read_csv(data / "imputation" / f"{name}.csv", index_col=0)
    frame = frame.drop(columns=FILES[name])
    return frame.iloc[:, :-1].to_numpy(dtype=float), frame.iloc[:, -1].to_numpy()


def supervised(seed):
    """What learns from rows with targets alone: {method: (features, model)}."""
    boosting = HistGradientBoostingRegressor(random_state=seed)
    small = HistGradientBoostingRegressor(min_samples_leaf=3, random_state=seed)
    return {
        "raw + ridge": ("raw", RidgeCV(PENALTIES)),
        "raw + kNN": ("raw", KNeighborsRegressor(N_NEIGHBOURS)),
        "boosting": ("raw", boosting),
        "boosting, leaf 3": ("raw", small),
        "codes + ridge": ("codes", RidgeCV(PENALTIES)),
    }


def judge(X, y, n_splits, first_seed, counts):
    """R² {method: {number of targets: list}}, and CPU-seconds likewise."""
    scores, seconds = {}, {}

    def note(method, count, model, data, data_test, own_y):
        start = time.process_time()
        model.fit(data, own_y)
        spent = time.process_time() - start
        seconds.setdefault(method, {}).setdefault(count, []).append(spent)
        r2 = model.score(data_test, y_test)
        scores.setdefault(method, {}).setdefault(count, []).append(r2)

    for seed in range(first_seed, first_seed + n_splits):
        train, test, y_train, y_test = train_test_split(
            X, y, test_size=0.4, random_state=seed
        )
        mae = MaskedAutoencoderTransformer(device="cpu", random_state=seed).fit(train)
        scratch = MaskedAutoencoderTransformer(device="cpu", random_state=seed)
        scratch = untrained(scratch, train)
        scaler = StandardScaler().fit(train)
        features = {
            "raw": (scaler.transform(train), scaler.transform(test)),
            "codes": (mae.transform(train), mae.transform(test)),
        }
        order = np.random.default_rng(seed).permutation(len(train))
        for count in counts:
            if count and count >= len(train):
                continue
            rows = order[:count]
            for method, (kind, model) in supervised(seed).items():
                codes, codes_test = features[kind]
                note(method, count, model, codes[rows], codes_test, y_train[rows])
            marked = np.full(len(train), np.nan)
            marked[rows] = y_train[rows]
            alone = {"self_training": False, "fine_tune_mask_ratio": 0.0}
            for method, encoder, own in [
                ("from scratch", scratch, alone),
                ("fine-tuned, targets only", mae, alone),
                ("fine-tuned", mae, {}),
            ]:
                model = MaskedAutoencoderRegressor(
                    encoder, device="cpu", random_state=seed, **own
                )
                note(method, count, model, train, test, marked)
    return scores, seconds


def print_table(scores, seconds, counts):
    print(f"{'':26}" + "".join(f"{n or 'all':>15}" for n in counts) + "   CPU-s")
    for method, by_count in scores.items():
        cells = ""
        for n in counts:
            r2 = by_count.get(n, [np.nan])
            error = np.std(r2, ddof=1) / np.sqrt(len(r2)) if len(r2) > 1 else np.nan
            cells += f"{np.mean(r2):8.3f} ±{error:5.3f}"
        spent = seconds[method][min(n for n in by_count if n)]
        print(f"{method:26}{cells}{np.mean(spent):8.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=["diabetes", *FILES])
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--targets", type=int, nargs="+", default=[20, 50, 100, 0], help="0 is all"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")

    counts = [n or None for n in args.targets]
    for name in args.sets:
        X, y = load(name, args.data)
        scores, seconds = judge(X, y, args.splits, args.first_seed, counts)
        print(f"\n{name}, {len(X)} rows, {X.shape[1]} columns")
        print_table(scores, seconds, counts)


if __name__ == "__main__":
    main()
