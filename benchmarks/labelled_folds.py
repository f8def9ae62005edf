"""How far the score of five folds is from the true one, by how folds are dealt.

    python benchmarks/labelled_folds.py [--draws 200]

Ridge regression learns from a few rows of a table that is bundled or made here. The
mean R² of five folds of these rows, dealt at random or by LabelledKFold, is compared
with the R² of ridge regression on all other rows.
"""

import argparse

import numpy as np
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score
from sklearn.preprocessing import StandardScaler

from skmae import LabelledKFold

SIZES = (20, 50, 100, 300)


def differences(X, y, n_rows, n_draws):
    """Score of the folds less the true one: (n_draws, 2), random folds first."""
    found = []
    for draw in range(n_draws):
        rng = np.random.default_rng(draw)
        rows = rng.choice(len(y), n_rows, replace=False)
        others = np.setdiff1d(np.arange(len(y)), rows)
        model = Ridge(n_rows / 10).fit(X[rows], y[rows])
        true = model.score(X[others], y[others])
        found.append(
            [
                cross_val_score(model, X[rows], y[rows], cv=kind).mean() - true
                for kind in (
                    KFold(5, shuffle=True, random_state=draw),
                    LabelledKFold(5, shuffle=True, random_state=draw),
                )
            ]
        )
    return np.array(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=200)
    n_draws = parser.parse_args().draws
    tables = {
        "diabetes": load_diabetes(return_X_y=True),
        "friedman1": make_friedman1(2000, noise=1.0, random_state=0),
    }
    for name, (X, y) in tables.items():
        X = StandardScaler().fit_transform(X)
        for n_rows in SIZES:
            found = differences(X, y, n_rows, n_draws)
            rmse = np.sqrt(np.square(found).mean(axis=0))
            bias = found.mean(axis=0)
            print(
                f"{name:10} {n_rows:4} rows   KFold bias {bias[0]:+.3f} rmse "
                f"{rmse[0]:.3f}   LabelledKFold bias {bias[1]:+.3f} rmse {rmse[1]:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
