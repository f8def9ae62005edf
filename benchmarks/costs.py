"""CPU-seconds and memory of every role beside its peers, and one row at a time.

Rows are correlated numbers: a tenth as many factors as columns. Imputers are fitted to
them with a tenth of the cells missing; classes and targets, which every row has, are
made of the factors. Every method has its defaults, and each case a process of its own.
CPU-s are of the fit, on one thread, and of scoring up to 2,000 of the rows, given per
1,000 of them: what is called is in the name of the case. Memory is the largest resident
set during the fit, seen every 10 ms, above what the process had with everything
imported, the rows made and a first small fit done. A case ends after --limit CPU-s, and
then larger ones of the method are not begun: their cells stay empty.

One row at a time is 200 calls (or as many as take 3 CPU-s) by a fitted estimator that
has been called before: milliseconds of CPU in the mean, as a processor's clock may be
coarse, and of wall-clock time in the median.
"""

import argparse
import json
import resource
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass

import numpy as np

from benchmarks.measure import Clock, PeakMemory, resident, set_threads
from benchmarks.tables import Measure, View

SIZES = ("1000x10", "10000x30", "1000x1000", "100000x100")
ONE_ROW_SIZE = (2000, 30)
ONE_ROW = "one-row"
MOST_SCORED = 2000
N_CALLS = 200
MOST_SECONDS_OF_CALLS = 3.0
QUICK = {
    "sizes": ["150x5"],
    "methods": ["transformer", "classifier", "IsolationForest"],
    "limit": 60,
}
FIT, SCORE = Measure("fit, CPU-s", 2), Measure("CPU-s for 1,000 rows", 3)
MEMORY = Measure("MB above the start", 0)
CPU_MS, WALL_MS = Measure("CPU-ms", 1), Measure("wall-clock ms", 1)
VIEWS = {
    "fit": View(("method",), "table", (FIT,)),
    "score": View(("method", "case"), "table", (SCORE,), names=("method", "call")),
    "memory": View(("method",), "table", (MEMORY,)),
    "one-row-cpu": View(("method",), "case", (CPU_MS,)),
    "one-row-wall": View(("method",), "case", (WALL_MS,)),
}


@dataclass(frozen=True)
class Rows:
    """Rows, the same with holes, and their classes and targets."""

    whole: np.ndarray
    holes: np.ndarray
    classes: np.ndarray
    targets: np.ndarray

    @classmethod
    def make(cls, n_rows, n_columns):
        """Draw rows of so many columns."""
        rng = np.random.default_rng(0)
        factors = rng.standard_normal((n_rows, max(n_columns // 10, 2)))
        loadings = rng.standard_normal((factors.shape[1], n_columns))
        whole = np.tanh(factors @ loadings)
        whole += 0.3 * rng.standard_normal(whole.shape)
        holes = whole.copy()
        holes[rng.random(whole.shape) < 0.1] = np.nan
        targets = factors[:, 0] + np.abs(factors[:, 1])
        return cls(whole, holes, (targets > np.median(targets)).astype(int), targets)


class Sampler:
    """A maker of new rows, asked for as many as there are rows to score."""

    def __init__(self, model):
        self.model = model

    def fit(self, X, y=None):
        """Learn from rows."""
        self.model.fit(X)
        return self

    def sample(self, X):
        """As many new rows."""
        return self.model.sample(len(X))

    def score_samples(self, X):
        """The log-density of rows."""
        return self.model.score_samples(X)


def make_ours(name, architecture, epochs):
    """An estimator of the package with its defaults."""
    import skmae

    shared = {"device": "cpu", "random_state": 0}
    own = {"architecture": architecture} | ({"max_epochs": epochs} if epochs else {})
    kind = getattr(skmae, f"MaskedAutoencoder{name}")
    if name in ("Classifier", "Regressor"):
        encoder = skmae.MaskedAutoencoderTransformer(**shared, **own)
        tuning = {"fine_tune_epochs": epochs} if epochs else {}
        return kind(encoder, **shared, **tuning)
    model = kind(**shared, **own)
    return Sampler(model) if name == "Generator" else model


def iterative_imputer(epochs):
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    return IterativeImputer(random_state=0)


def isolation_forest(epochs):
    from sklearn.ensemble import IsolationForest

    return IsolationForest(random_state=0)


def pyod_autoencoder(epochs):
    from pyod.models.auto_encoder import AutoEncoder

    epochs = {"epoch_num": epochs} if epochs else {}
    return AutoEncoder(device="cpu", random_state=0, verbose=0, **epochs)


def umap(epochs):
    from umap import UMAP

    return UMAP(random_state=0)  # with few epochs it cannot embed a single row


def boosting(epochs):
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(random_state=0)


class FrameSampler(Sampler):
    """CTGAN, which wants columns with names."""

    def fit(self, X, y=None):
        """Learn from rows."""
        import pandas as pd

        self.model.fit(pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])]))
        return self


def ctgan(epochs):
    from ctgan import CTGAN

    return FrameSampler(
        CTGAN(enable_gpu=False, **({"epochs": epochs} if epochs else {}))
    )


def _ours(name, architecture):
    return lambda epochs: make_ours(name, architecture, epochs)


@dataclass(frozen=True)
class Method:
    """How an estimator is made, what it is fitted to, and what is asked of it."""

    make: object
    rows: str
    calls: tuple[str, ...]
    y: str | None = None


PEERS = {
    "IterativeImputer": Method(iterative_imputer, "holes", ("transform",)),
    "IsolationForest": Method(isolation_forest, "whole", ("score_samples",)),
    "PyOD AE": Method(pyod_autoencoder, "whole", ("decision_function",)),
    "UMAP": Method(umap, "whole", ("transform",)),
    "HistGradientBoosting": Method(boosting, "whole", ("predict_proba",), "classes"),
    "CTGAN": Method(ctgan, "whole", ("sample",)),
}
ROLES = {
    "Transformer": ("whole", ("transform",), None),
    "Imputer": ("holes", ("transform",), None),
    "Detector": ("whole", ("score_samples",), None),
    "Generator": ("whole", ("sample", "score_samples"), None),
    "Classifier": ("whole", ("predict_proba",), "classes"),
    "Regressor": ("whole", ("predict",), "targets"),
}
OURS = {
    name.lower() + suffix: Method(_ours(name, architecture), rows, calls, y)
    for architecture, suffix in (("mlp", ""), ("attention", ", attention"))
    for name, (rows, calls, y) in ROLES.items()
}
METHODS = OURS | PEERS
# Attention takes minutes where rows are wide or many.
SIZES_OF_ATTENTION = SIZES[:2]


def add_options(parser):
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--sizes", nargs="+", default=list(SIZES))
    parser.add_argument("--limit", type=int, default=300, help="CPU-s of a case")
    parser.add_argument("--no-one-row", action="store_true")


def size_of(text):
    """Rows and columns of a size such as 1000x10."""
    n_rows, _, n_columns = text.partition("x")
    return int(n_rows), int(n_columns)


def fitted(method, rows, epochs):
    """Fit a method to the rows that it is for."""
    model = method.make(epochs)
    X = getattr(rows, method.rows)
    y = None if method.y is None else getattr(rows, method.y)
    model.fit(X) if y is None else model.fit(X, y)
    return model


def measure_size(method, n_rows, n_columns, epochs):
    """Fit and score; print the figures of each as a line of JSON."""
    fitted(method, Rows.make(150, min(n_columns, 30)), 1)
    rows = Rows.make(n_rows, n_columns)
    # Not in the order of fit: UMAP would give back what it kept.
    X = getattr(rows, method.rows)[:MOST_SCORED][::-1].copy()
    before, _ = resident()
    with PeakMemory(interval=0.01) as memory, Clock() as clock:
        model = fitted(method, rows, epochs)
    found = {FIT.name: clock.seconds, MEMORY.name: memory.peak[0] - before}
    print(json.dumps(["fit", found]), flush=True)
    for call in method.calls:
        with Clock() as clock:
            getattr(model, call)(X)
        found = {SCORE.name: 1000 * clock.seconds / len(X)}
        print(json.dumps([call, found]), flush=True)


def measure_one_row(method, epochs):
    """Call with one row, as an array and as a frame; print as above."""
    import pandas as pd

    rows = Rows.make(*ONE_ROW_SIZE)
    model = fitted(method, rows, 1)
    X = getattr(rows, method.rows)
    kinds = {"array": X}
    if not isinstance(model, Sampler):
        # Fitted to columns without names, as these are: neither is warned of.
        kinds["frame"] = pd.DataFrame(X)
    for call in method.calls:
        for kind, of_kind in kinds.items():
            ask, wall = getattr(model, call), []
            ask(of_kind[:1])
            with Clock() as clock:
                begin = time.process_time()
                for row in range(N_CALLS if epochs is None else 3):
                    one = of_kind[row : row + 1]
                    start = time.perf_counter()
                    ask(one)
                    wall.append(1000 * (time.perf_counter() - start))
                    if time.process_time() - begin > MOST_SECONDS_OF_CALLS:
                        break
            cpu = 1000 * clock.cpu / len(wall)
            found = {CPU_MS.name: cpu, WALL_MS.name: np.median(wall)}
            print(json.dumps([f"{call}, {kind}", found]), flush=True)


def in_process(run, name, size):
    """Figures of a case, in a process that may take so many CPU-seconds; None: more."""
    command = [sys.executable, "-m", "benchmarks.costs", name, size]
    command += ["--quick"] if run.quick else []

    def limited():
        if size != ONE_ROW:
            resource.setrlimit(resource.RLIMIT_CPU, (run.options.limit,) * 2)

    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, preexec_fn=limited, check=False
    )
    over = done.returncode in (-signal.SIGXCPU, -signal.SIGKILL)
    if done.returncode and not over:
        raise RuntimeError(f"{name}, {size}: exit status {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines()], over


def run(run):
    sizes = run.options.sizes
    for name in run.options.methods:
        if name in ("PyOD AE", "UMAP", "CTGAN") and not run.has(name):
            continue
        of_method = [
            size
            for size in sizes
            if "attention" not in name or run.quick or size in SIZES_OF_ATTENTION
        ]
        for size in of_method:
            found, over = in_process(run, name, size)
            table = "{:,} x {:,}".format(*size_of(size))
            for case, figures in found:
                run.note(table, name, 0, figures, "" if case == "fit" else case)
            if over:
                print(f"{name}, {table}: over {run.options.limit} CPU-s", flush=True)
                break
        if not run.options.no_one_row:
            for case, figures in in_process(run, name, ONE_ROW)[0]:
                call, _, kind = case.partition(", ")
                run.note("one row", f"{name}, {call}", 0, figures, kind)


def main(argv=None):
    """Measure one case in this process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=METHODS)
    parser.add_argument("size")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(argv)
    set_threads()
    warnings.simplefilter("ignore")
    epochs = 1 if options.quick else None
    method = METHODS[options.name]
    if options.size == ONE_ROW:
        measure_one_row(method, epochs)
    else:
        measure_size(method, *size_of(options.size), epochs)


if __name__ == "__main__":
    main()
