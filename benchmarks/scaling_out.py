"""Speed-up of two processes over one: of a fit by torch.distributed, of a Dask grid.

    python benchmarks/scaling_out.py [--rows 50000]

One process fits with a batch size; two started by torchrun fit the same batches with
half of it each: 50 columns with the default network, and a tenth as many rows of 784
columns with layers of 1024. Then a grid of four mask ratios by two folds runs on a
Dask cluster of one worker process and of two. Every process has one thread. Wall-clock
seconds tell the speed-up of an idle machine only; the CPU seconds of the busiest
process tell how much of the work was shared out, whatever else the machine does, though
its waiting for the other counts too, since gloo waits busily.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np
import torch

from skmae import MaskedAutoencoderTransformer

# columns, widths of the layers, batch size, rows divided by
CASES = [(50, (256,), 256, 1), (50, (256,), 1024, 1), (784, (1024, 1024), 1024, 10)]
WARM_UP_ROWS = 1000


def make_rows(n_rows, n_columns=50):
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(n_rows, 5))
    X = np.tanh(factors @ rng.normal(size=(5, n_columns)))
    return (X + 0.3 * rng.normal(size=X.shape)).astype(np.float32)


def make_estimator(batch_size, n_epochs=1, widths=(256,)):
    return MaskedAutoencoderTransformer(
        hidden_layer_sizes=widths,
        batch_size=batch_size,
        max_epochs=n_epochs,
        device="cpu",
        random_state=0,
    )


def one_rank(n_rows, case):
    """Fit as one of the processes that torchrun started; print seconds as JSON."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo")
    n_ranks = torch.distributed.get_world_size()
    n_columns, widths, batch_size, _ = CASES[case]
    X = make_rows(n_rows, n_columns)
    mae = make_estimator(batch_size // n_ranks, widths=widths)
    mae.fit(X[:WARM_UP_ROWS])
    torch.distributed.barrier()
    wall, cpu = time.perf_counter(), time.process_time()
    mae.fit(X)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    loss = mae.loss_curve_[-1]
    # In one write, so that the lines of two processes do not mix.
    os.write(1, (json.dumps({"wall": wall, "cpu": cpu, "loss": loss}) + "\n").encode())
    torch.distributed.destroy_process_group()


def fit_by(n_processes, n_rows, case):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(n_processes), __file__]
    command += ["--rows", str(n_rows), "--case", str(case)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    out = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    ranks = [json.loads(line) for line in out.stdout.splitlines()]
    return {name: max(rank[name] for rank in ranks) for name in ranks[0]}


def busy_seconds():
    return time.process_time()


def grid_by(n_workers, n_rows):
    """Seconds of a grid search on a Dask cluster, and CPU seconds of its workers."""
    import joblib
    from distributed import Client, LocalCluster
    from sklearn.model_selection import GridSearchCV

    X = make_rows(n_rows)
    search = GridSearchCV(
        make_estimator(256, n_epochs=4),
        {"mask_ratio": [0.15, 0.3, 0.5, 0.7]},
        cv=2,
        refit=False,
        n_jobs=-1,
    )
    cluster = LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
    )
    with cluster, Client(cluster) as client, joblib.parallel_config(backend="dask"):
        search.fit(X[:WARM_UP_ROWS])  # imports
        before, here = client.run(busy_seconds), busy_seconds()
        wall = time.perf_counter()
        search.fit(X)
        wall = time.perf_counter() - wall
        after, here = client.run(busy_seconds), busy_seconds() - here
    # With one worker joblib does the work itself, in this process.
    cpu = max(here, *(after[worker] - before[worker] for worker in after))
    return {"wall": wall, "cpu": cpu, "scores": search.cv_results_["mean_test_score"]}


def report(name, one, two):
    print(
        f"{name}: one {one['wall']:.1f} s ({one['cpu']:.1f} CPU-s), two "
        f"{two['wall']:.1f} s ({two['cpu']:.1f} CPU-s in the busier); speed-up "
        f"{one['wall'] / two['wall']:.2f} by the clock, "
        f"{one['cpu'] / two['cpu']:.2f} by CPU seconds",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--case", type=int, default=None, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case is not None:
        one_rank(args.rows, args.case)
        return
    torch.set_num_threads(1)
    for case, (n_columns, widths, batch_size, divisor) in enumerate(CASES):
        n_rows = args.rows // divisor
        one, two = (fit_by(n, n_rows, case) for n in (1, 2))
        size = f"{n_rows} x {n_columns}, layers {widths}, batches of {batch_size}"
        report(f"fit, {size}", one, two)
        print(f"    losses {one['loss']:.6f} and {two['loss']:.6f}")
    one, two = (grid_by(n, args.rows) for n in (1, 2))
    report(f"grid of 8 fits, {args.rows} rows", one, two)
    print(f"    scores differ by {np.abs(one['scores'] - two['scores']).max():.1e}")


if __name__ == "__main__":
    main()
