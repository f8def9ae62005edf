"""Log-densities of held-out rows, and log-probabilities of binary images.

Tables are halved as for new_rows. Every column is standardised by the half to fit to,
and figures are mean log-densities of rows of the other half, in nats, in these units. A
density and the probability of a value cannot be compared: where fewer than .9 of the
values of a column are distinct, every value is first replaced by a random one of the
cell around it, which reaches half-way to its neighbours, once, and for all methods.

The images are the digits that come with scikit-learn, pixels set where they are over 7
of 16, of those that vary among 1,297 training images; figures are nats of an image, of
500 others. CPU-s are of fit and scoring, on one thread.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from benchmarks.density_models import METHODS, PIXELS
from benchmarks.measure import Clock
from benchmarks.protocols import halves, spread_out
from benchmarks.run import QUICK_ROWS, add_seeds, add_sets
from benchmarks.tables import Measure, View

OURS = "skmae"
DIGITS = "binary digits"
QUICK = {"sets": ["iris"], "seeds": 1}
N_TEST_IMAGES = 500
VIEWS = {
    "densities": View(
        lines=("table",),
        columns="method",
        measures=(Measure("nats", 2, "high"),),
        footer=("mean rank", Measure("CPU-s", 1)),
        omit=(DIGITS,),
    ),
    "images": View(
        lines=("method",),
        columns="measure",
        measures=(Measure("nats of an image", 2, "high"), Measure("images CPU-s", 1)),
    ),
}


def add_options(parser):
    add_seeds(parser, 1)
    add_sets(parser, None, "names of tables; default: all")
    names = list(dict.fromkeys([*METHODS, *PIXELS]))
    parser.add_argument("--methods", nargs="+", choices=names, default=names)
    parser.add_argument("--rows", type=int, default=3000)


def run(run):
    methods = run.installed(run.options.methods)

    def chosen(models):
        return [method for method in methods if method in models]

    for table in run.options.sets or run.source.whole_names():
        X, _ = run.source.whole(table)
        for seed in run.seeds:
            train, test = spread_out(*halves(X, run.options.rows, seed), seed)
            scaler = StandardScaler().fit(train)
            train, test = scaler.transform(train), scaler.transform(test)
            for method in chosen(METHODS):
                nats, seconds = measure(METHODS[method], train, test, run, seed)
                run.note(table, method, seed, {"nats": nats, "CPU-s": seconds})
    for seed in run.seeds:
        train, test = binary_digits(run, seed)
        for method in chosen(PIXELS):
            nats, seconds = measure(PIXELS[method], train, test, run, seed)
            figures = {"nats of an image": nats, "images CPU-s": seconds}
            run.note(DIGITS, method, seed, figures)


def measure(model, train, test, run, seed):
    """Mean log-density of rows to judge by, and the seconds that it took."""
    with Clock() as clock:
        nats = np.mean(model(train, run, seed)(test))
    return nats, clock.seconds


def binary_digits(run, seed):
    """Pixels of images to fit to and of others."""
    X = (load_digits().data > 7).astype(float)
    X = X[np.random.default_rng(seed).permutation(len(X))]
    test, train = np.split(X, [N_TEST_IMAGES])
    if run.quick:
        train, test = train[:QUICK_ROWS], test[:QUICK_ROWS]
    varies = train.min(axis=0) < train.max(axis=0)
    return train[:, varies], test[:, varies]
