"""How often 95 % intervals of a slope hold the truth, when values are missing.

Least squares of y on x and z, all Gaussian, where the slope of x is 1. Half of x is
missing completely at random ("mcar"), or mostly where y is large ("mar"). Each method
gives a slope, its standard error and an interval, of many simulated tables: the share
of intervals that hold the truth, the mean standard error, and what it should be, the
root mean square of the slopes' errors; and their mean. IterativeImputer and ours are
pooled by Rubin's rules.
"""

import numpy as np
from scipy import stats
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer

from benchmarks.run import add_seeds
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderImputer, pool

LEVEL = 0.95
QUICK = {"seeds": 1, "completions": 2}
VIEWS = {
    "slopes": View(
        ("case", "method"),
        "measure",
        (
            Measure("coverage"),
            Measure("standard error"),
            Measure("error"),
            Measure("mean error", signed=True),
        ),
    )
}


def add_options(parser):
    add_seeds(parser, 50)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--completions", type=int, default=20)


def make_table(n_rows, case, seed):
    """Columns x, z and y, and the same with values of x missing."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n_rows)
    x = 0.5 * z + np.sqrt(0.75) * rng.normal(size=n_rows)
    y = 1 + x + 0.5 * z + rng.normal(size=n_rows)
    share = 0.5 if case == "mcar" else 1 / (1 + np.exp(0.4 - 1.2 * (y - 1)))
    complete = np.column_stack([x, z, y])
    holey = complete.copy()
    holey[rng.random(n_rows) < share, 0] = np.nan
    return complete, holey


def least_squares(rows):
    """The slope of x, and its squared standard error."""
    A = np.column_stack([rows[:, :2], np.ones(len(rows))])
    inverse = np.linalg.inv(A.T @ A)
    coefficients = inverse @ A.T @ rows[:, 2]
    residuals = rows[:, 2] - A @ coefficients
    return coefficients[0], residuals @ residuals / (len(A) - 3) * inverse[0, 0]


def of_one(rows):
    """Slope, standard error and ends of the interval of rows that are complete."""
    slope, variance = least_squares(rows)
    half = stats.t.ppf((1 + LEVEL) / 2, len(rows) - 3) * variance**0.5
    return slope, variance**0.5, slope - half, slope + half


def of_many(completions):
    """The same of several completions, pooled."""
    slopes, variances = zip(*map(least_squares, completions), strict=True)
    pooled = pool(slopes, variances, dof_complete=len(completions[0]) - 3)
    return pooled.estimate, pooled.std_error, *pooled.interval(LEVEL)


def judge(complete, holey, n_completions, params):
    """What each method says of one table."""
    imputer = MaskedAutoencoderImputer(**params).fit(holey)
    seeds = range(n_completions)
    iterative = [
        IterativeImputer(sample_posterior=True, random_state=seed).fit_transform(holey)
        for seed in seeds
    ]
    drawn = imputer.sample(holey, n_completions, random_state=params["random_state"])
    return {
        "nothing missing": of_one(complete),
        "complete rows": of_one(holey[~np.isnan(holey).any(axis=1)]),
        "transform, once": of_one(imputer.transform(holey)),
        "IterativeImputer": of_many(iterative),
        "sample": of_many(drawn),
    }


def run(run):
    options = run.options
    for case in ("mcar", "mar"):
        found = []
        for seed in run.seeds:
            tables = make_table(options.rows, case, seed)
            found.append(judge(*tables, options.completions, run.network(seed)))
        for method in found[0]:
            slopes, errors, low, high = np.array([said[method] for said in found]).T
            figures = {
                "coverage": np.mean((low < 1) & (high > 1)),
                "standard error": errors.mean(),
                "error": np.sqrt(np.mean((slopes - 1) ** 2)),
                "mean error": np.mean(slopes - 1),
            }
            run.note("slopes", method, options.first_seed, figures, case)
