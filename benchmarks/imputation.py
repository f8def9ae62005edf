"""Removed cells of complete tables, filled in by skmae and by its peers.

    python benchmarks/imputation.py --data DIR [--tables iris ...] [--rows 3000]
        [--seeds N] [--first-seed 0]
        [--scenarios mcar.3 mar.3 mnar.3 mcar.7 out.3 self.3]

DIR holds ``imputation/<table>.csv``, whose first column is a row index and whose
last is the target; both are dropped, and duplicate rows too. Tables are cut to
``--rows`` random rows and scaled to [0, 1] while complete. Cells are then removed:

- mcar: each with the same probability;
- mar: by a logistic model in three tenths of the columns, which stay complete;
- mnar: by a logistic model in all columns, the cell's own and other removed ones
  among them;
- self: by a logistic model in the cell's own value alone, so that one tail of each
  column is hardly ever seen;
- out: as mcar, but imputers are fitted on 70 % of the rows and fill the others.

The error is the root mean squared error over removed cells, imputed values clipped
to the observed range. The ratio is to the best peer of each table and seed, and its
mean is geometric. Coverage is the share of removed cells within the 90 % interval
of 100 draws. Runs on one thread; seconds are CPU seconds of fit and transform.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

from skmae import MaskedAutoencoderImputer
from skmae.networks.em import conditional_maps, fit_gaussian

SCENARIOS = ("mcar.3", "mar.3", "mnar.3", "mcar.7", "out.3", "self.3")
OURS = "skmae"


class GaussianImputer:
    """A Gaussian fitted by EM, and its conditional means."""

    def fit(self, X):
        """Fit to the observed cells."""
        self.mean, self.std = np.nanmean(X, axis=0), np.nanstd(X, axis=0)
        self.std[self.std == 0] = 1.0
        self.gaussian = fit_gaussian((X - self.mean) / self.std, seed=0)
        return self

    def transform(self, X):
        """Fill the others."""
        units = (X - self.mean) / self.std
        visible = ~np.isnan(units)
        maps = conditional_maps(self.gaussian.covariance, visible)
        deviations = np.where(visible, units - self.gaussian.mean, 0.0)
        expected = self.gaussian.mean + np.einsum("nij,nj->ni", maps, deviations)
        return np.where(visible, X, expected * self.std + self.mean)


def make_imputers(seed):
    imputers = {
        "mean": SimpleImputer(),
        "knn": KNNImputer(),
        "ice": IterativeImputer(random_state=seed),
        "gauss": GaussianImputer(),
    }
    forest = ExtraTreesRegressor(30, random_state=seed)
    imputers["forest"] = IterativeImputer(forest, max_iter=4, random_state=seed)
    imputers[OURS] = MaskedAutoencoderImputer(random_state=seed, device="cpu")
    return imputers


def load(path, n_rows, seed):
    """A complete table, scaled to [0, 1]."""
    X = pd.read_csv(path).iloc[:, 1:-1].drop_duplicates().to_numpy(dtype=float)
    if len(X) > n_rows:
        rng = np.random.default_rng(seed)
        X = X[rng.choice(len(X), n_rows, replace=False)]
    low, high = X.min(axis=0), X.max(axis=0)
    return (X - low) / np.where(high > low, high - low, 1.0)


def remove(X, kind, share, seed):
    """Cells to remove: a boolean array that leaves every row a cell."""
    rng = np.random.default_rng(1000 + seed)
    n_columns = X.shape[1]
    spread = X.std(axis=0)
    units = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    if kind in ("mcar", "out"):
        chances = np.full(X.shape, share)
    elif kind == "self":
        signs = rng.choice([-1.0, 1.0], size=n_columns)
        chances = np.stack([logistic(c, share) for c in (units * signs).T], axis=1)
    else:
        causes, masked = np.arange(n_columns), np.arange(n_columns)
        if kind == "mar":
            order = rng.permutation(n_columns)
            causes, masked = np.split(order, [max(1, round(0.3 * n_columns))])
        chances = np.zeros(X.shape)
        for j in np.sort(masked):
            score = units[:, causes] @ rng.normal(size=len(causes))
            chances[:, j] = logistic(score / (score.std() + 1e-12), share)
    removed = rng.random(X.shape) < chances
    for row in np.flatnonzero(removed.all(axis=1)):
        removed[row, rng.integers(n_columns)] = False
    return removed


def logistic(score, share):
    """Probabilities that rise with a score and average ``share``."""
    shift = brentq(lambda b: expit(2 * score + b).mean() - share, -60, 60)
    return expit(2 * score + shift)


def run(X, kind, share, seed):
    """Errors, CPU seconds and our coverage on one table."""
    removed = remove(X, kind, share, seed)
    X_missing = np.where(removed, np.nan, X)
    train = test = np.arange(len(X))
    if kind == "out":
        order = np.random.default_rng(seed).permutation(len(X))
        train, test = np.split(order, [round(0.7 * len(X))])
    low, high = np.nanmin(X_missing[train], axis=0), np.nanmax(X_missing[train], axis=0)
    cells = removed[test]
    errors, seconds, coverage = {}, {}, np.nan
    for name, imputer in make_imputers(seed).items():
        start = time.process_time()
        filled = imputer.fit(X_missing[train]).transform(X_missing[test])
        seconds[name] = time.process_time() - start
        miss = np.clip(filled, low, high) - X[test]
        errors[name] = np.sqrt(np.mean(miss[cells] ** 2))
        if name == OURS:
            drawn = imputer.sample(X_missing[test], n_samples=100, random_state=seed)
            bounds = np.quantile(drawn, [0.05, 0.95], axis=0) + [[[-1e-9]], [[1e-9]]]
            inside = (X[test] >= bounds[0]) & (X[test] <= bounds[1])
            coverage = inside[cells].mean()
    return errors, seconds, coverage


def report(scenario, tables, args):
    kind, digits = scenario.split(".")
    share = float("0." + digits)
    names = list(make_imputers(0))
    print(
        f"\n{scenario}, {args.seeds} seed(s) from {args.first_seed}, "
        f"at most {args.rows} rows"
    )
    head = " ".join(f"{name:>7}" for name in names)
    print(f"{'table':<12} {head} {'ratio':>7} {'cover':>6} {'CPU-s':>6}")
    ratios, ranks, all_seconds = [], [], []
    for table in tables:
        results = []
        for seed in range(args.first_seed, args.first_seed + args.seeds):
            path = args.data / "imputation" / f"{table}.csv"
            results.append(run(load(path, args.rows, seed), kind, share, seed))
        errors = np.array([[r[0][name] for name in names] for r in results])
        seconds = np.array([[r[1][name] for name in names] for r in results])
        ratio = errors[:, -1] / errors[:, :-1].min(axis=1)
        ratios += ratio.tolist()
        ranks += errors.argsort(axis=1).argsort(axis=1).tolist()
        all_seconds += seconds.tolist()
        row = " ".join(f"{error:7.4f}" for error in errors.mean(axis=0))
        ratio = np.exp(np.log(ratio).mean())
        coverage = np.mean([r[2] for r in results])
        print(
            f"{table:<12} {row} {ratio:7.3f} {coverage:6.3f} "
            f"{seconds[:, -1].mean():6.1f}",
            flush=True,
        )
    row = " ".join(f"{rank:7.2f}" for rank in 1 + np.mean(ranks, axis=0))
    print(f"{'mean rank':<12} {row} {np.exp(np.mean(np.log(ratios))):7.3f}")
    row = " ".join(f"{s:7.1f}" for s in np.mean(all_seconds, axis=0))
    print(f"{'mean CPU-s':<12} {row}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tables", nargs="+")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--scenarios", nargs="+", default=SCENARIOS, choices=SCENARIOS)
    parser.add_argument("--rows", type=int, default=3000)
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    tables = args.tables or sorted(
        path.stem for path in (args.data / "imputation").glob("*.csv")
    )
    for scenario in args.scenarios:
        report(scenario, tables, args)


if __name__ == "__main__":
    main()
