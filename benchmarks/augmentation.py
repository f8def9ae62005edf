"""A classifier that learns from augmented rows, too, beside one that does not.

    python benchmarks/augmentation.py --data DIR [--seeds 5] [--realism]

DIR holds ``imputation/*.csv``; digits, wine and breast cancer come with scikit-learn.
Tables are cut to 3,000 rows, split in halves anew for each seed. The transformer is
fitted to all training rows without labels; 10 or 50 labelled rows per class (at most
what a class has), or all, are then varied four times. A classifier learns from them
with and without the varied rows. Figures are test accuracies and the mean difference
with its 95 % confidence interval (t distribution, over seeds). One thread.

With ``--realism`` it tells instead how well a random forest and gradient boosting,
cross-validated, tell rows varied once with the default mask ratio from test rows, and
training rows from test rows: AUROC, mean over seeds.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import torch
from _common import draw_labels, load, split_table
from scipy.stats import t
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmae import MaskedAutoencoderTransformer

LABELS_PER_CLASS = (10, 50, None)
MAX_ROWS = 3000
N_COPIES = 4
CLASSIFIERS = {
    "logistic": lambda seed: make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000)
    ),
    "trees": lambda seed: ExtraTreesClassifier(100, random_state=seed),
}
JUDGES = {
    "forest": lambda seed: RandomForestClassifier(200, random_state=seed),
    "boosting": lambda seed: HistGradientBoostingClassifier(random_state=seed),
}


def halves(name, data, seed):
    return split_table(*load(name, data), seed, max_rows=MAX_ROWS, test_size=0.5)


def fitted(X, seed):
    return MaskedAutoencoderTransformer(device="cpu", random_state=seed).fit(X)


def told_apart(judge, some, others, seed):
    """AUROC of a classifier that is to tell two tables apart."""
    origin = np.repeat([0, 1], [len(some), len(others)])
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    of_others = cross_val_predict(
        judge, np.vstack([some, others]), origin, cv=folds, method="predict_proba"
    )[:, 1]
    return roc_auc_score(origin, of_others)


def print_realism(args):
    print(f"{'':10}{'':10}{'varied':>8}{'training':>10}")
    for name in args.sets:
        scores = {judge: [] for judge in JUDGES}
        for seed in range(args.seeds):
            X, X_test, _, _ = halves(name, args.data, seed)
            new = fitted(X, seed).augment(X, random_state=seed)
            for judge, make in JUDGES.items():
                scores[judge].append(
                    [told_apart(make(seed), X_test, rows, seed) for rows in (new, X)]
                )
        for judge, pairs in scores.items():
            varied, training = np.mean(pairs, axis=0)
            print(f"{name:10}{judge:10}{varied:8.2f}{training:10.2f}", flush=True)


def print_gains(args):
    print(f"{'':10}{'':10}{'labels':>7}{'without':>9}{'with':>8}   difference")
    for name in args.sets:
        scores = {}
        for seed in range(args.seeds):
            X, X_test, y, y_test = halves(name, args.data, seed)
            mae = fitted(X, seed)
            for per_class in LABELS_PER_CLASS:
                rows = draw_labels(y, per_class, seed)
                new = mae.augment(X[rows], N_COPIES, args.mask_ratio, random_state=seed)
                more = np.vstack([X[rows], new]), np.tile(y[rows], 1 + N_COPIES)
                for classifier, make in CLASSIFIERS.items():
                    pair = [
                        make(seed).fit(*data).score(X_test, y_test)
                        for data in [(X[rows], y[rows]), more]
                    ]
                    scores.setdefault((per_class, classifier), []).append(pair)
        for (per_class, classifier), pairs in scores.items():
            without, augmented = np.mean(pairs, axis=0)
            gain = np.diff(pairs, axis=1)[:, 0]
            error = gain.std(ddof=1) / np.sqrt(len(gain)) * t.ppf(0.975, len(gain) - 1)
            print(
                f"{name:10}{classifier:10}{per_class or 'all':>7}{without:9.3f}"
                f"{augmented:8.3f}   {gain.mean():+.3f} +- {error:.3f}",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--mask-ratio", type=float, default=0.2)
    parser.add_argument("--realism", action="store_true")
    parser.add_argument(
        "--sets", nargs="+", default=["digits", "wine", "cancer", "sonar", "obesity"]
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")

    if args.realism:
        print_realism(args)
    else:
        print_gains(args)


if __name__ == "__main__":
    main()
