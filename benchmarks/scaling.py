"""Rows per second and resident memory as a table on disk grows.

    python benchmarks/scaling.py [--rows 10000 100000] [--columns 50] [--chart FILE]

Each size is a float32 file of correlated columns, opened as a read-only
``numpy.memmap`` by a fresh process that fits, scores every row (``score_samples``)
and encodes the first 10,000 rows. Fits take one epoch of batches of 128, so that
seconds per row are comparable; the default of ``max_epochs`` makes more passes over
small tables. Seconds are CPU and wall-clock seconds on one thread. Memory is the
largest resident set of the process, seen every 5 ms, above what it was with everything
imported and a first small fit done; pages of the mapped file count too. ``--chart``
needs matplotlib.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

N_FACTORS = 5
BLOCK = 50_000


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


def resident():
    """Resident megabytes of this process: all, and of memory of its own."""
    sizes = {}
    with open("/proc/self/status") as file:
        for line in file:
            name, _, size = line.partition(":")
            if name in ("VmRSS", "RssAnon"):
                sizes[name] = int(size.split()[0]) / 1024
    return sizes["VmRSS"], sizes["RssAnon"]


class Watch:
    """CPU and wall-clock seconds, and largest resident memory, of a block."""

    def __enter__(self):
        self.peak, self.done = (0.0, 0.0), threading.Event()
        self.thread = threading.Thread(target=self._look)
        self.thread.start()
        self.wall, self.cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error):
        self.wall = time.perf_counter() - self.wall
        self.cpu = time.process_time() - self.cpu
        self.done.set()
        self.thread.join()

    def _look(self):
        while not self.done.wait(0.005):
            self.peak = tuple(map(max, self.peak, resident()))


def measure(path, n_rows, n_columns):
    """Fit and score in this process; print the figures as JSON."""
    import torch

    from skmae import MaskedAutoencoderTransformer

    torch.set_num_threads(1)
    X = np.memmap(path, dtype=np.float32, mode="r", shape=(n_rows, n_columns))
    mae = MaskedAutoencoderTransformer(max_epochs=1, device="cpu", random_state=0)
    few = np.array(X[:1000])
    mae.fit(few).score_samples(few)
    before, before_anon = resident()
    with Watch() as fit:
        mae.fit(X)
    with Watch() as score:
        scores = mae.score_samples(X)
    assert scores.shape == (n_rows,)
    first = X[:10_000]
    with Watch() as encode:
        mae.transform(first)
    peak, peak_anon = map(max, fit.peak, score.peak)
    print(
        json.dumps(
            {
                "rows": n_rows,
                "fit_cpu": fit.cpu,
                "fit_wall": fit.wall,
                "score_cpu": score.cpu,
                "score_wall": score.wall,
                "encode_rows_per_s": len(first) / encode.cpu,
                "memory": peak - before,
                "memory_anon": peak_anon - before_anon,
                "r2": mae.score(np.array(X[:: max(n_rows // 2000, 1)])),
            }
        )
    )


def draw(figures, n_columns, path):
    """Rows per second and memory against rows."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = np.array([row["rows"] for row in figures])
    fig, (speed, memory) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name, label in [("fit", "fit, one epoch"), ("score", "score_samples")]:
        seconds = np.array([row[f"{name}_cpu"] for row in figures])
        speed.loglog(rows, rows / seconds, "o-", label=label)
    speed.set(xlabel="rows", ylabel="rows per CPU second")
    speed.set_ylim(1e3, 1e5)
    speed.legend()
    memory.loglog(rows, [row["memory"] for row in figures], "o-", label="peak resident")
    memory.loglog(rows, rows * n_columns * 4 / 2**20, ":", label="the file itself")
    memory.axhline(1500, color="grey", linewidth=1)
    memory.set(xlabel="rows", ylabel="MB above the interpreter")
    memory.legend()
    fig.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--chart", default=None)
    parser.add_argument("--measure", default=None, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args.measure, args.rows[0], args.columns)
        return

    figures = []
    for n_rows in args.rows:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "rows.f32")
            write_rows(path, n_rows, args.columns)
            command = [sys.executable, __file__, "--measure", path]
            command += ["--rows", str(n_rows), "--columns", str(args.columns)]
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            out = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, check=True, env=environment
            )
        row = json.loads(out.stdout)
        figures.append(row)
        print(
            f"{n_rows:>10,} rows: fit {row['fit_cpu']:.1f} CPU-s "
            f"({row['fit_wall']:.1f} s), {n_rows / row['fit_cpu']:,.0f} rows/s; "
            f"score {row['score_cpu']:.1f} CPU-s ({row['score_wall']:.1f} s), "
            f"{n_rows / row['score_cpu']:,.0f} rows/s; "
            f"encode {row['encode_rows_per_s']:,.0f} rows/s; "
            f"memory +{row['memory']:.0f} MB ({row['memory_anon']:.0f} MB without "
            f"pages of the file); R2 {row['r2']:.3f}",
            flush=True,
        )
    if args.chart:
        draw(figures, args.columns, args.chart)


if __name__ == "__main__":
    main()
