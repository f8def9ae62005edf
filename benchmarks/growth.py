"""How the CPU-seconds of a fit grow with rows, columns, tokens and members.

Each curve doubles one thing and leaves all else as it is, one epoch per fit; the
exponent is the slope of a line through the logarithms (1: twice the work takes twice as
long). Fits run one after the other in this process, after a small one.

- rows: of 30 columns, MaskedAutoencoderTransformer, batches of 128;
- columns: 1,000 sparse rows with 20 values that are not 0, the same;
- attention: 500 rows of so many columns, each of which is a token;
- tokens: 500 rows of letters, ``analyzer="char"``;
- members: MaskedAutoencoderDetector, 1,000 rows of 30 columns.
"""

import numpy as np
from scipy import sparse

from benchmarks.measure import Clock
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderDetector, MaskedAutoencoderTransformer

SIZES = {
    "rows": (2000, 4000, 8000, 16000, 32000),
    "columns": (625, 1250, 2500, 5000, 10000),
    "attention": (8, 16, 32, 64, 128),
    "tokens": (16, 32, 64, 128, 256),
    "members": (2, 4, 8, 16, 32),
}
N_QUICK = 2
QUICK = {"repeats": 1}
VIEWS = {
    "curves": View(("method",), "case", (Measure("CPU-s", 2),), each=("table",)),
    "exponents": View(("table",), "measure", (Measure("exponent", 2),)),
}


def add_options(parser):
    parser.add_argument("--repeats", type=int, default=3, help="the least time counts")


def correlated(n_rows, n_columns):
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(n_rows, 3))
    X = np.tanh(factors @ rng.normal(size=(3, n_columns)))
    return (X + 0.3 * rng.normal(size=X.shape)).astype(np.float32)


def sparse_rows(n_rows, n_columns):
    return sparse.random_array(
        (n_rows, n_columns), density=20 / n_columns, format="csr", rng=0
    )


def letters(n_rows, length):
    rng = np.random.default_rng(0)
    return ["".join(row) for row in rng.choice(list("ACGT"), size=(n_rows, length))]


def cases(network):
    """By curve: what is fitted, and to what, for a size."""
    once = network | {"max_epochs": 1}
    mlp = MaskedAutoencoderTransformer(**once, batch_size=128)
    attention = MaskedAutoencoderTransformer(**once, architecture="attention")
    tokens = MaskedAutoencoderTransformer(**once, analyzer="char")
    detector = MaskedAutoencoderDetector(**once)
    return {
        "rows": lambda n: (mlp, correlated(n, 30)),
        "columns": lambda n: (mlp, sparse_rows(1000, n)),
        "attention": lambda n: (attention, correlated(500, n)),
        "tokens": lambda n: (tokens, letters(500, n)),
        "members": lambda n: (detector.set_params(n_members=n), correlated(1000, 30)),
    }


def run(run):
    for curve, case in cases(run.network(0)).items():
        sizes = SIZES[curve][: N_QUICK if run.quick else None]
        least = []
        for n in sizes:
            estimator, X = case(n)
            estimator.fit(X[:100])
            seconds = []
            for _ in range(run.options.repeats):
                with Clock() as clock:
                    estimator.fit(X)
                seconds.append(clock.seconds)
            least.append(min(seconds))
            run.note(curve, "fit", 0, {"CPU-s": least[-1]}, f"{n:,}")
        exponent = np.polyfit(np.log(sizes), np.log(least), 1)[0]
        run.note(curve, "fit", 0, {"exponent": exponent})
