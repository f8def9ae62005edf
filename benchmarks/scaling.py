"""Rows per second and resident memory as a table on disk grows.

"memmap" is a float32 file of correlated columns, opened as a read-only
``numpy.memmap``. "parquet" are mixed rows: six numbers, three columns of categories and
a flag, a tenth of the cells missing, in files of 250,000 rows, and the path of their
folder is what the estimator is given. A fresh process fits, scores every row
(``score_samples``) and encodes 10,000 rows. Fits take one epoch of batches of 128, so
that seconds per row are comparable; the default of ``max_epochs`` makes more passes
over small tables. Seconds are CPU and wall-clock seconds on one thread. Memory is the
largest resident set of the process, seen every 5 ms, above what it was with everything
imported and a first small fit done; pages of the mapped file count too. --chart needs
matplotlib.
"""

import itertools
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
FIRST = 10_000  # rows that are encoded
_EDGES = np.linspace(-1.2, 1.2, 7)
KINDS = ("memmap", "parquet")
ROWS_OF_A_FILE = 250_000
QUICK = {"rows": [2000], "columns": 10}
VIEWS = {
    "sizes": View(
        lines=("table",),
        each=("method",),
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
    parser.add_argument("--columns", type=int, default=50, help="of a memmap")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
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


def write_mixed(folder, n_rows, rows_of_a_file=ROWS_OF_A_FILE):
    """Numbers, categories and flags with holes, as a folder of Parquet files."""
    import pandas as pd

    Path(folder).mkdir()
    rng = np.random.default_rng(0)
    loadings = rng.normal(size=(N_FACTORS, 10))
    names = np.array([f"kind {i}" for i in range(8)])
    for number, start in enumerate(range(0, n_rows, rows_of_a_file)):
        n_block = min(rows_of_a_file, n_rows - start)
        scores = np.tanh(rng.normal(size=(n_block, N_FACTORS)) @ loadings)
        scores += 0.3 * rng.normal(size=scores.shape)
        columns = {f"number {j}": scores[:, j] for j in range(6)}
        for j in range(6, 9):
            columns[f"category {j}"] = names[np.digitize(scores[:, j], _EDGES)]
        columns["flag"] = scores[:, 9] > 0
        frame = pd.DataFrame(columns).mask(rng.random(scores.shape) < 0.1)
        frame["flag"] = frame["flag"].astype("boolean")
        frame.to_parquet(Path(folder) / f"{number:05d}.parquet")


def open_rows(kind, path, n_rows, n_columns):
    """What the estimator is given, and its first rows in memory."""
    if kind == "parquet":
        import pandas as pd

        first = pd.read_parquet(min(Path(path).iterdir()))
        return path, first[:FIRST], sum(f.stat().st_size for f in Path(path).iterdir())
    X = np.memmap(path, dtype=np.float32, mode="r", shape=(n_rows, n_columns))
    return X, np.array(X[:FIRST]), X.nbytes


def measure(kind, path, n_rows, n_columns):
    """Fit and score in this process; print the figures as JSON."""
    set_threads()
    X, first, n_bytes = open_rows(kind, path, n_rows, n_columns)
    mae = MaskedAutoencoderTransformer(max_epochs=1, device="cpu", random_state=0)
    mae.fit(first[:1000]).score_samples(first[:1000])
    before, before_anon = resident()
    with PeakMemory() as fit_memory, Clock() as fit:
        mae.fit(X)
    with PeakMemory() as score_memory, Clock() as score:
        scores = mae.score_samples(X)
    assert scores.shape == (n_rows,)
    with Clock() as encode:
        mae.transform(first)
    peak, peak_anon = map(max, fit_memory.peak, score_memory.peak)
    figures = {
        "MB of the file": n_bytes / 2**20,
        "fit, CPU-s": fit.cpu,
        "fit, s": fit.wall,
        "fit, rows/s": n_rows / fit.cpu,
        "score, CPU-s": score.cpu,
        "score, s": score.wall,
        "score, rows/s": n_rows / score.cpu,
        "encode, rows/s": len(first) / encode.cpu,
        "memory, MB": peak - before,
        "memory without the file, MB": peak_anon - before_anon,
        "R2": mae.score(first[:2000]),
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
    for kind, n_rows in itertools.product(run.options.kinds, run.options.rows):
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "rows")
            if kind == "parquet":
                write_mixed(path, n_rows)
            else:
                write_rows(path, n_rows, columns)
            command = [sys.executable, "-m", "benchmarks.scaling", kind, path]
            command += [str(n_rows), str(columns)]
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            out = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, check=True, env=environment
            )
        of_size = json.loads(out.stdout)
        if kind == "memmap":
            figures[n_rows] = of_size
        run.note(f"{n_rows:,}", kind, 0, of_size)
    if run.options.chart:
        draw(figures, run.options.chart)


if __name__ == "__main__":
    measure(*sys.argv[1:3], *map(int, sys.argv[3:]))
