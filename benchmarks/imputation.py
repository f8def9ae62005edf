"""Removed cells of complete tables, filled in by skmae and by its peers.

The last column of a table is its target and dropped, and duplicate rows too. Tables are
cut to --rows random rows and scaled to [0, 1] while complete. Cells are then removed:

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
of 100 draws. Runs on one thread; CPU-s are of fit and transform.
"""

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

from benchmarks.measure import Clock
from benchmarks.protocols import removed_cells, scaled_rows
from benchmarks.run import add_seeds, add_sets
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderImputer
from skmae.networks.em import conditional_maps, fit_gaussian

SCENARIOS = ("mcar.3", "mar.3", "mnar.3", "mcar.7", "out.3", "self.3")
OURS = "skmae"
QUICK = {"sets": ["iris"], "seeds": 1}
CPU = Measure("CPU-s", 1)
VIEWS = {
    "errors": View(
        lines=("table",),
        columns="method",
        measures=(Measure("RMSE", 4, "low"),),
        each=("case",),
        beside=(
            Measure("ratio", middle="geometric"),
            Measure("cover"),
            Measure("CPU-s", 1, method=OURS),
        ),
        footer=("mean rank", CPU),
        rank_seeds=True,
    )
}


def add_options(parser):
    add_seeds(parser, 1)
    add_sets(parser, None, "names of tables; default: all of DIR/imputation")
    parser.add_argument("--scenarios", nargs="+", default=SCENARIOS, choices=SCENARIOS)
    parser.add_argument("--rows", type=int, default=3000)


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


def make_imputers(seed, params):
    imputers = {
        "mean": SimpleImputer(),
        "knn": KNNImputer(),
        "ice": IterativeImputer(random_state=seed),
        "gauss": GaussianImputer(),
    }
    forest = ExtraTreesRegressor(30, random_state=seed)
    imputers["forest"] = IterativeImputer(forest, max_iter=4, random_state=seed)
    imputers[OURS] = MaskedAutoencoderImputer(**params)
    return imputers


def measure(run, table, scenario, seed):
    kind, digits = scenario.split(".")
    X = scaled_rows(run.source.complete(table), run.options.rows, seed)
    removed = removed_cells(X, kind, float("0." + digits), seed)
    X_missing = np.where(removed, np.nan, X)
    train = test = np.arange(len(X))
    if kind == "out":
        order = np.random.default_rng(seed).permutation(len(X))
        train, test = np.split(order, [round(0.7 * len(X))])
    low, high = np.nanmin(X_missing[train], axis=0), np.nanmax(X_missing[train], axis=0)
    cells = removed[test]
    errors = {}
    for name, imputer in make_imputers(seed, run.network(seed)).items():
        with Clock() as clock:
            filled = imputer.fit(X_missing[train]).transform(X_missing[test])
        miss = np.clip(filled, low, high) - X[test]
        errors[name] = np.sqrt(np.mean(miss[cells] ** 2))
        figures = {"RMSE": errors[name], "CPU-s": clock.seconds}
        if name == OURS:
            drawn = imputer.sample(X_missing[test], n_samples=100, random_state=seed)
            bounds = np.quantile(drawn, [0.05, 0.95], axis=0) + [[[-1e-9]], [[1e-9]]]
            inside = (X[test] >= bounds[0]) & (X[test] <= bounds[1])
            figures["cover"] = inside[cells].mean()
            best = min(error for peer, error in errors.items() if peer != OURS)
            figures["ratio"] = errors[OURS] / best
        run.note(table, name, seed, figures, scenario)


def run(run):
    sets = run.options.sets or run.source.names("imputation", ".csv")
    for scenario in run.options.scenarios:
        for table in sets:
            for seed in run.seeds:
                measure(run, table, scenario, seed)
