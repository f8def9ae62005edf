"""Removed cells of complete tables, filled in by skmae and by its peers.

The last column of a table is its target and left out, and duplicate rows too. Tables
are cut to --rows random rows and scaled to [0, 1] while complete. Cells are then
removed:

- mcar: each with the same probability;
- mar: by a logistic model in three tenths of the columns, which stay complete;
- mnar: by a logistic model in all columns, the cell's own and other removed ones
  among them;
- self: by a logistic model in the cell's own value alone, so that one tail of each
  column is hardly ever seen;
- out: as mcar, but imputers are fitted on 70 % of the rows and fill the others.

Imputed values of all methods are clipped to the observed range, and judged by

- RMSE: root mean squared error over removed cells; the ratio is to the best peer of
  each table and seed, and its mean is geometric;
- energy: energy score of a row's removed cells together, in standard deviations of the
  complete column: of 30 draws of skmae and of the Gaussian, of 5 of IterativeImputer
  from its posterior, each of which is a fit of its own, and of a single filling of
  methods that do not draw, of which it is the mean distance. Means over tables are
  geometric;
- downstream: balanced accuracy of a logistic regression, or R2 of a ridge regression,
  that predicts the target from the filled rows, in 5 shuffled folds. "complete" are the
  rows before cells were removed;
- cover: share of removed cells within the central 90 % of draws of skmae, as in draws.

Runs on one thread; CPU-s are of fit and transform.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.draws import energy_score
from benchmarks.imputers import OTHERS, PEERS
from benchmarks.measure import Clock
from benchmarks.protocols import drawn_rows, removed_cells, scaled_rows
from benchmarks.run import add_seeds, add_sets
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderImputer

SCENARIOS = ("mcar.3", "mar.3", "mnar.3", "mcar.7", "out.3", "self.3")
OURS = "skmae"
# Others are measured where they are asked for.
USUAL = (*PEERS, OURS)
N_DRAWS = 30
MOST_CLASSES = 16
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
    ),
    "energy": View(
        lines=("case",),
        columns="method",
        measures=(Measure("energy", better="low", middle="geometric"),),
    ),
    "downstream": View(
        lines=("case",),
        columns="method",
        measures=(Measure("downstream"),),
    ),
    "downstream by table": View(
        lines=("table",),
        columns="method",
        measures=(Measure("downstream"),),
        each=("case",),
    ),
    "peers": View(
        lines=("method",),
        columns="measure",
        measures=(
            Measure("RMSE", 4, "low", middle="geometric"),
            Measure("energy", better="low", middle="geometric"),
            Measure("downstream", better="high"),
            CPU,
        ),
        each=("case",),
    ),
}


def add_options(parser):
    add_seeds(parser, 1)
    add_sets(parser, None, "names of tables; default: all of DIR/imputation")
    parser.add_argument("--scenarios", nargs="+", default=SCENARIOS, choices=SCENARIOS)
    parser.add_argument("--rows", type=int, default=3000)
    methods = (*PEERS, *OTHERS, OURS)
    parser.add_argument("--methods", nargs="+", default=USUAL, choices=methods)


def make_imputer(name, run, seed):
    """Make the imputer of a name."""
    if name == OURS:
        return MaskedAutoencoderImputer(**run.network(seed))
    return (PEERS | OTHERS)[name](seed)


def usefulness(X, y, seed):
    """How well a linear model predicts the target: balanced accuracy or R2."""
    if is_class(y):
        model, scoring = LogisticRegression(max_iter=1000), "balanced_accuracy"
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    else:
        model, scoring = RidgeCV(np.logspace(-3, 3, 13)), "r2"
        folds = KFold(5, shuffle=True, random_state=seed)
    model = make_pipeline(StandardScaler(), model)
    return cross_val_score(model, X, y, cv=folds, scoring=scoring).mean()


def is_class(y):
    """Whether a target is a class: words, or few whole numbers."""
    if y.dtype.kind not in "iuf":
        return True
    return len(np.unique(y)) <= MOST_CLASSES and np.array_equal(y, np.round(y))


def measure(run, table, scenario, seed):
    kind, digits = scenario.split(".")
    X, y = run.source.complete_with_target(table)
    y = y[drawn_rows(len(X), run.options.rows, seed)]
    X = scaled_rows(X, run.options.rows, seed)
    removed = removed_cells(X, kind, float("0." + digits), seed)
    X_missing = np.where(removed, np.nan, X)
    train = test = np.arange(len(X))
    if kind == "out":
        order = np.random.default_rng(seed).permutation(len(X))
        train, test = np.split(order, [round(0.7 * len(X))])
    train, X_missing = X_missing[train], X_missing[test]
    X, y, cells = X[test], y[test], removed[test]
    low, high = np.nanmin(train, axis=0), np.nanmax(train, axis=0)
    spread = np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    run.note(table, "complete", seed, {"downstream": usefulness(X, y, seed)}, scenario)
    errors: dict[str, float] = {}
    for name in run.installed(run.options.methods):
        imputer = make_imputer(name, run, seed)
        with Clock() as clock:
            filled = np.clip(imputer.fit(train).transform(X_missing), low, high)
        errors[name] = np.sqrt(np.mean((filled - X)[cells] ** 2))
        # Twice the same, where there are no draws.
        draws = np.stack([filled, filled])
        if hasattr(imputer, "sample"):
            draws = imputer.sample(X_missing, n_samples=N_DRAWS, random_state=seed)
        within = np.clip(draws, low, high)
        figures = {
            "RMSE": errors[name],
            "CPU-s": clock.seconds,
            "energy": energy_score(within / spread, X / spread, cells),
            "downstream": usefulness(filled, y, seed),
        }
        if name == OURS:
            bounds = np.quantile(draws, [0.05, 0.95], axis=0, method="weibull")
            outside = np.maximum(bounds[0] - X, X - bounds[1])
            # Cells that follow exactly from others are exact to float32.
            figures["cover"] = np.mean(outside[cells] <= 1e-6)
            peers = [error for peer, error in errors.items() if peer != OURS]
            if peers:
                figures["ratio"] = errors[OURS] / min(peers)
        run.note(table, name, seed, figures, scenario)


def run(run):
    sets = run.options.sets or run.source.names("imputation", ".csv")
    for scenario in run.options.scenarios:
        for table in sets:
            for seed in run.seeds:
                measure(run, table, scenario, seed)
