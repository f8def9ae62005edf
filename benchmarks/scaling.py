"""Rows per second and resident memory as a table on disk grows.

Each size is a float32 file of correlated columns, opened as a read-only
``numpy.memmap`` by a fresh process that fits, scores every row (``score_samples``)
and encodes the first 10,000 rows. Fits take one epoch of batches of 128, so that
seconds per row are comparable; the default of ``max_epochs`` makes more passes over
small tables. Seconds are CPU and wall-clock seconds on one thread. Memory is the
largest resident set of the process, seen every 5 ms, above what it was with everything
imported and a first small fit done; pages of the mapped file count too. --chart needs
matplotlib.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measure import Clock, PeakMemory, resident, set_threads
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderTransformer

N_FACTORS = 5
BLOCK = 50_000
QUICK = {"rows": [2000], "columns": 10}
VIEWS = {
    "sizes": View(
        lines=("table",),
        columns="measure",
        measures=(
            Measure("MB of the file", 0),
            Measure("fit, CPU-s", 1),
            Measure("fit, s", 1),
            Measure("fit, rows/s", 0),
            Measure("score, CPU-s", 1),
            Measure("score, s", 1),
            Measure("score, rows/s", 0),
            Measure("encode, rows/s", 0),
            Measure("memory, MB", 0),
            Measure("memory without the file, MB", 0),
            Measure("R2"),
        ),
        names=("rows",),
    )
}


def add_options(parser):
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--chart", help="file of a picture")


def write_rows(path, n_rows, n_columns):
    """Correlated columns, written block by block; each factor drifts along the file."""
    rng = np.random.default_rng(0)
    loadings = rng.normal(size=(N_FACTORS, n_columns)).astype(np.float32)
    with open(path, "wb") as file:
        for start in range(0, n_rows, BLOCK):
            n_block = min(BLOCK, n_rows - start)
            factors = rng.standard_normal((n_block, N_FACTORS), dtype=np.float32)
            factors += 2 * start / n_rows - 1
            rows = np.tanh(factors @ loadings)
            rows += 0.3 * rng.standard_normal(rows.shape, dtype=np.float32)
            rows.tofile(file)


def measure(path, n_rows, n_columns):
    """Fit and score in this process; print the figures as JSON."""
    set_threads()
    X = np.memmap(path, dtype=np.float32, mode="r", shape=(n_rows, n_columns))
    mae = MaskedAutoencoderTransformer(max_epochs=1, device="cpu", random_state=0)
    few = np.array(X[:1000])
    mae.fit(few).score_samples(few)
    before, before_anon = resident()
    with PeakMemory() as fit_memory, Clock() as fit:
        mae.fit(X)
    with PeakMemory() as score_memory, Clock() as score:
        scores = mae.score_samples(X)
    assert scores.shape == (n_rows,)
    first = X[:10_000]
    with Clock() as encode:
        mae.transform(first)
    peak, peak_anon = map(max, fit_memory.peak, score_memory.peak)
    figures = {
        "MB of the file": X.nbytes / 2**20,
        "fit, CPU-s": fit.cpu,
        "fit, s": fit.wall,
        "fit, rows/s": n_rows / fit.cpu,
        "score, CPU-s": score.cpu,
        "score, s": score.wall,
        "score, rows/s": n_rows / score.cpu,
        "encode, rows/s": len(first) / encode.cpu,
        "memory, MB": peak - before,
        "memory without the file, MB": peak_anon - before_anon,
        "R2": mae.score(np.array(X[:: max(n_rows // 2000, 1)])),
    }
    print(json.dumps(figures))


def draw(figures, path):
    """Rows per second and memory against rows."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = np.array(list(figures))

    def all_sizes(name):
        return [of_size[name] for of_size in figures.values()]

    fig, (speed, memory) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name, label in [("fit", "fit, one epoch"), ("score", "score_samples")]:
        speed.loglog(rows, all_sizes(f"{name}, rows/s"), "o-", label=label)
    speed.set(xlabel="rows", ylabel="rows per CPU second")
    speed.set_ylim(1e3, 1e5)
    speed.legend()
    memory.loglog(rows, all_sizes("memory, MB"), "o-", label="peak resident")
    memory.loglog(rows, all_sizes("MB of the file"), ":", label="the file itself")
    memory.axhline(1500, color="grey", linewidth=1)
    memory.set(xlabel="rows", ylabel="MB above the interpreter")
    memory.legend()
    fig.savefig(path, dpi=120)


def run(run):
    columns = run.options.columns
    figures = {}
    for n_rows in run.options.rows:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "rows.f32")
            write_rows(path, n_rows, columns)
            command = [sys.executable, "-m", "benchmarks.scaling", path]
            command += [str(n_rows), str(columns)]
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            out = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, check=True, env=environment
            )
        figures[n_rows] = json.loads(out.stdout)
        run.note(f"{n_rows:,}", "memmap", 0, figures[n_rows])
    if run.options.chart:
        draw(figures, run.options.chart)


if __name__ == "__main__":
    measure(sys.argv[1], *map(int, sys.argv[2:]))
