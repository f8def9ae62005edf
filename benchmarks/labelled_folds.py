"""How far the score of five folds is from the true one, by how folds are assigned.

Ridge regression learns from a few rows of a table that is bundled or made here. The
mean R² of five folds of these rows, assigned at random or by LabelledKFold, is compared
with the R² of ridge regression on all other rows: the root mean square of the
difference over draws of the rows, and its mean.
"""

import numpy as np
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score
from sklearn.preprocessing import StandardScaler

from benchmarks.run import add_seeds
from benchmarks.tables import Measure, View
from skmae import LabelledKFold

QUICK = {"seeds": 2, "rows": [50]}
VIEWS = {
    "error": View(("table", "method"), "case", (Measure("rmse", better="low"),)),
    "bias": View(("table", "method"), "case", (Measure("bias", signed=True),)),
}


def add_options(parser):
    add_seeds(parser, 200)
    parser.add_argument("--rows", type=int, nargs="+", default=[20, 50, 100, 300])


def differences(X, y, n_rows, seed):
    """Score of the folds less the true one, by the kind of folds."""
    rows = np.random.default_rng(seed).choice(len(y), n_rows, replace=False)
    others = np.setdiff1d(np.arange(len(y)), rows)
    model = Ridge(n_rows / 10).fit(X[rows], y[rows])
    true = model.score(X[others], y[others])
    return {
        kind.__name__: cross_val_score(
            model, X[rows], y[rows], cv=kind(5, shuffle=True, random_state=seed)
        ).mean()
        - true
        for kind in (KFold, LabelledKFold)
    }


def run(run):
    tables = {
        "diabetes": load_diabetes(return_X_y=True),
        "friedman1": make_friedman1(2000, noise=1.0, random_state=0),
    }
    for name, (X, y) in tables.items():
        X = StandardScaler().fit_transform(X)
        for n_rows in run.options.rows:
            found = [differences(X, y, n_rows, seed) for seed in run.seeds]
            for kind in found[0]:
                errors = np.array([by_kind[kind] for by_kind in found])
                figures = {"rmse": np.sqrt(np.mean(errors**2)), "bias": errors.mean()}
                run.note(name, kind, run.options.first_seed, figures, f"{n_rows} rows")
