"""Draws of removed cells: how near, how wide, and whether they suit each other.

The last column of a table is its target and dropped, and duplicate rows too. Tables are
cut to --rows random rows and scaled to [0, 1] while complete; three tenths of their
cells are then removed at random, as ``imputation`` does in mcar.3. Each method is
fitted to what is left and completes every row --draws times. IterativeImputer draws
from its posterior with a seed for each completion, and is fitted anew each time, which
counts as drawing. Draws of all methods are clipped to the observed range.

All but the share of cells is in standard deviations of the complete column:

- energy: energy score of a row's removed cells together, mean over rows; draws must
  suit each other and the row, and the lowest is best;
- CRPS: continuous ranked probability score of single cells, the same of each alone;
- cover: share of removed cells within the central 90 % interval of their draws, whose
  ends are quantiles j / (draws + 1) of the ordered draws, so that .9 is right;
- RMSE: of the mean of the draws.

Scores are unbiased for the number of draws. Means over tables are geometric, but for
cover. CPU-s are of the fit and of all draws, on one thread.
"""

import numpy as np
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer

from benchmarks.measure import Clock
from benchmarks.protocols import removed_cells, scaled_rows
from benchmarks.run import add_seeds, add_sets
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderGenerator, MaskedAutoencoderImputer

SHARE = 0.3
BUNDLED = ("wine", "cancer", "diabetes")
OF_FOLDER = ("airfoil", "compression", "parkinsons")
QUICK = {"sets": ["iris"], "seeds": 1, "draws": 3}
ENERGY, CRPS, RMSE = (
    Measure(name, better="low", middle="geometric")
    for name in ("energy", "CRPS", "RMSE")
)
COVER = Measure("cover")
SECONDS = (Measure("fit CPU-s", 1), Measure("draw CPU-s", 1))
VIEWS = {
    "means": View(
        lines=("method",),
        columns="measure",
        measures=(ENERGY, CRPS, COVER, RMSE, *SECONDS),
    ),
    "scores": View(("table",), "method", (ENERGY, CRPS)),
    "intervals": View(("table",), "method", (COVER,)),
    "errors": View(("table",), "method", (RMSE,)),
}


def add_options(parser):
    add_seeds(parser, 1)
    names = ", ".join(BUNDLED), ", ".join(OF_FOLDER)
    help = f"names of tables; default: {names[0]}, and of DIR/imputation {names[1]}"
    add_sets(parser, None, help)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=30)


class Generator:
    """MaskedAutoencoderGenerator, its draws by completion."""

    def __init__(self, params):
        self.generator = MaskedAutoencoderGenerator(**params)

    def fit(self, X):
        """Fit to the observed cells."""
        self.generator.fit(X)

    def sample(self, X, n_samples, random_state):
        """Complete each row so many times."""
        rows = self.generator.sample(n_samples, given=X, random_state=random_state)
        return rows.reshape(n_samples, *X.shape)


class Iterative:
    """IterativeImputer, fitted anew for each completion."""

    def fit(self, X):
        """Leave it to the draws."""

    def sample(self, X, n_samples, random_state):
        """Complete each row so many times."""
        seeds = np.random.default_rng(random_state).integers(2**31, size=n_samples)
        imputers = (
            IterativeImputer(sample_posterior=True, random_state=int(seed))
            for seed in seeds
        )
        return np.stack([imputer.fit_transform(X) for imputer in imputers])


def energy_score(draws, X, removed):
    """Mean over rows of the energy score of their removed cells.

    ``draws`` has the shape (n_draws, *X.shape).
    """
    there = removed.any(axis=1)
    errors = np.where(removed, draws - X, 0.0)[:, there]
    # Draw by draw with the next one, the next but one, ...: every pair is met twice.
    apart = [
        np.linalg.norm(errors - np.roll(errors, shift, axis=0), axis=2).mean()
        for shift in range(1, len(draws))
    ]
    return np.linalg.norm(errors, axis=2).mean() - np.mean(apart) / 2


def crps(draws, X, removed):
    """Mean continuous ranked probability score of removed cells."""
    n = len(draws)
    cells = np.sort(draws[:, removed], axis=0)
    # Half the mean distance of two draws, by their ranks.
    ranks = 2 * np.arange(1, n + 1) - n - 1
    half_apart = ranks @ cells / (n * (n - 1))
    return np.mean(np.abs(cells - X[removed]).mean(axis=0) - half_apart)


def judge(draws, X, removed):
    """All measures of completions, in standard deviations of the columns of X."""
    spread = X.std(axis=0)
    unit = np.where(spread > 0, spread, 1.0)
    draws, X = draws / unit, X / unit
    low, high = np.quantile(draws, [0.05, 0.95], axis=0, method="weibull")
    outside = np.maximum(low - X, X - high)
    misses = draws.mean(axis=0) - X
    return {
        "energy": energy_score(draws, X, removed),
        "CRPS": crps(draws, X, removed),
        "cover": np.mean(outside[removed] <= 1e-9),
        "RMSE": np.sqrt(np.mean(misses[removed] ** 2)),
    }


def measure(run, table, seed):
    X = scaled_rows(run.source.complete(table), run.options.rows, seed)
    removed = removed_cells(X, "mcar", SHARE, seed)
    X_missing = np.where(removed, np.nan, X)
    low, high = np.nanmin(X_missing, axis=0), np.nanmax(X_missing, axis=0)
    methods = {
        "IterativeImputer": Iterative(),
        "imputer": MaskedAutoencoderImputer(**run.network(seed)),
        "generator": Generator(run.network(seed)),
    }
    for name, method in methods.items():
        with Clock() as fit:
            method.fit(X_missing)
        with Clock() as drawing:
            draws = method.sample(X_missing, run.options.draws, random_state=seed)
        figures = judge(np.clip(draws, low, high), X, removed)
        seconds = {"fit CPU-s": fit.seconds, "draw CPU-s": drawing.seconds}
        run.note(table, name, seed, figures | seconds)


def run(run):
    of_folder = OF_FOLDER if run.source.folder else ()
    for table in run.options.sets or [*BUNDLED, *of_folder]:
        for seed in run.seeds:
            measure(run, table, seed)
