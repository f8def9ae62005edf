"""Speed-up of two processes over one: of a fit by torch.distributed, of a Dask grid.

One process fits with a batch size; two started by torchrun, and two started by Ray
Train, fit the same batches with half of it each: 50 columns with the default network,
and fewer rows of 784 columns with layers of 1024. Mixed rows are read from Parquet
files of 25,000 rows, twice: held in memory once they are encoded, and drawn from pools,
as those of a larger table are. A classifier of each architecture is fine-tuned on rows
that all have a label, with five networks of folds that calibrate it; its encoder is
fitted before. Then a grid of eight mask ratios by two folds runs on a Dask cluster of
one worker process and of two. Every process has one thread. Wall-clock seconds tell
the speed-up of an idle machine only; the CPU seconds of the busiest process tell how
much of the work was shared out, whatever else the machine does: gloo does not wait
busily.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import Clock, set_threads
from benchmarks.scaling import write_mixed
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderClassifier, MaskedAutoencoderTransformer

# columns, widths of the layers, batch size, rows divided by
CASES = [
    (50, (256,), 256, 1),
    (50, (256,), 1024, 1),
    (784, (1024, 1024), 1024, 10),
    (784, (1024, 1024), 4096, 2),
]
# What Dask's workers do unless told otherwise, to give memory back at once and to see
# every 10 ms what they are at, takes a third of the time of fits.
DASK = {
    "Dask's settings": {},
    "those of the guide": {
        "distributed.worker.profile.enabled": False,
        "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 2**27,
        "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 2**25,
    },
}
WORKS = ("fits", "files", "labels", "launchers", "grid")
WARM_UP_ROWS = 1000
ROWS_OF_A_FILE = 25_000
FILES_ROWS = 200_000
FILES_BATCH = 4096
POOLED_CELLS = 2**17  # so that a smaller table is drawn from pools too
LABELLED = {"attention": 400, "mlp": 400}  # rows
LABELLED_EPOCHS = {"attention": 4, "mlp": 40}
QUICK = {"rows": 200}
VIEWS = {
    "seconds": View(
        lines=("case",),
        columns="method",
        measures=(Measure("s", 1), Measure("CPU-s", 1)),
        names=("work",),
        omit=("launchers",),
    ),
    "speed-up": View(
        lines=("case",),
        columns="measure",
        measures=(
            Measure("by the clock", 2),
            Measure("by CPU seconds of the busier", 2),
            Measure("difference of results", 7),
        ),
        names=("work",),
        omit=("launchers",),
    ),
    "launchers": View(
        lines=("case", "method"),
        columns="measure",
        measures=(Measure("s", 1), Measure("CPU-s", 1)),
        omit=("processes",),
    ),
}


def add_options(parser):
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--epochs", type=int, default=1, help="of the shared fits")
    parser.add_argument("--works", nargs="+", choices=WORKS, default=WORKS)


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


def timed_fit(n_rows, case, n_epochs, n_ranks=1):
    """Fit in this process, as one of so many; return seconds and the last loss."""
    n_columns, widths, batch_size, _ = CASES[case]
    X = make_rows(n_rows, n_columns)
    mae = make_estimator(batch_size // n_ranks, n_epochs, widths)
    mae.fit(X[:WARM_UP_ROWS])
    if torch.distributed.is_initialized():
        torch.distributed.barrier()
    with Clock() as clock:
        mae.fit(X)
    return {"s": clock.wall, "CPU-s": clock.cpu, "result": mae.loss_curve_[-1]}


def timed_files(folder, how, n_ranks=1):
    """Fit to files in this process, as one of so many; seconds and the last loss."""
    from unittest.mock import patch

    import pandas as pd

    from skmae.data import encoded_rows

    mae = make_estimator(FILES_BATCH // n_ranks)
    mae.fit(pd.read_parquet(min(Path(folder).iterdir()))[:WARM_UP_ROWS])
    cells = POOLED_CELLS if how == "pools" else encoded_rows.LARGE_CELLS
    with patch.object(encoded_rows, "LARGE_CELLS", cells), Clock() as clock:
        mae.fit(folder)
    return {"s": clock.wall, "CPU-s": clock.cpu, "result": mae.loss_curve_[-1]}


def timed_labels(architecture, n_ranks=1):
    """Fine-tune in this process, as one of so many; seconds and the temperature."""
    from sklearn.frozen import FrozenEstimator

    X = make_rows(LABELLED[architecture], 30)
    y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)
    encoder = make_estimator(64 // n_ranks)
    encoder.set_params(hidden_layer_sizes="auto", architecture=architecture).fit(X)
    classifier = MaskedAutoencoderClassifier(
        FrozenEstimator(encoder),
        fine_tune_epochs=LABELLED_EPOCHS[architecture],
        device="cpu",
        random_state=0,
    )
    with Clock() as clock:
        classifier.fit(X, y)
    return {"s": clock.wall, "CPU-s": clock.cpu, "result": classifier.temperature_}


def one_rank(kind, *work):
    """Fit as one of the processes that torchrun started; print seconds as JSON."""
    set_threads()
    torch.distributed.init_process_group("gloo")
    n_ranks = torch.distributed.get_world_size()
    if kind == "fit":
        found = timed_fit(*map(int, work), n_ranks)
    else:
        timed = {"files": timed_files, "labels": timed_labels}[kind]
        found = timed(*work, n_ranks)
    # In one write, so that the lines of two processes do not mix.
    os.write(1, (json.dumps(found) + "\n").encode())
    torch.distributed.destroy_process_group()


def fit_by(n_processes, kind, *work):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(n_processes), "-m", "benchmarks.scaling_out"]
    command += [kind, *map(str, work)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    out = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    ranks = [json.loads(line) for line in out.stdout.splitlines()]
    return {name: max(rank[name] for rank in ranks) for name in ranks[0]}


def ray_rank(work):
    """Fit as one of the processes that Ray Train started; report seconds."""
    from ray import train

    set_threads()
    found = timed_fit(**work, n_ranks=torch.distributed.get_world_size())
    with tempfile.TemporaryDirectory() as folder:
        # Figures without a checkpoint are not kept.
        train.report(found, checkpoint=train.Checkpoint.from_directory(folder))


def fit_by_ray(n_processes, n_rows, case, n_epochs):
    """Seconds and the last loss of the first process."""
    import ray
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    paths = os.pathsep.join(path for path in sys.path if path)
    variables = {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    ray.init(
        num_cpus=n_processes,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"env_vars": variables},
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            trainer = TorchTrainer(
                ray_rank,
                train_loop_config={
                    "n_rows": n_rows,
                    "case": case,
                    "n_epochs": n_epochs,
                },
                scaling_config=ScalingConfig(num_workers=n_processes),
                run_config=RunConfig(storage_path=folder),
            )
            return trainer.fit().metrics
    finally:
        ray.shutdown()


def busy_seconds():
    return time.process_time()


def grid_by(n_workers, n_rows, config, processes=True):
    """Seconds of a grid search on a Dask cluster, and CPU seconds of its workers."""
    import dask
    import joblib
    from distributed import Client, LocalCluster
    from sklearn.model_selection import GridSearchCV

    X = make_rows(n_rows)
    search = GridSearchCV(
        make_estimator(256, n_epochs=4),
        {"mask_ratio": [0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75]},
        cv=2,
        refit=False,
        n_jobs=-1,
    )
    with dask.config.set(config):
        cluster = LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=processes,
            dashboard_address=None,
        )
    with cluster, Client(cluster) as client, joblib.parallel_config(backend="dask"):
        search.fit(X[:WARM_UP_ROWS])  # imports
        before = client.run(busy_seconds)
        with Clock() as clock:
            search.fit(X)
        after = client.run(busy_seconds)
    # With one worker joblib does the work itself, in this process.
    cpu = max(clock.cpu, *(after[worker] - before[worker] for worker in after))
    result = search.cv_results_["mean_test_score"]
    return {"s": clock.wall, "CPU-s": cpu, "result": result}


def note(run, case, one, two):
    """Seconds of one process and of two, and how much faster these are."""
    for method, found in {"one process": one, "two processes": two}.items():
        figures = {name: found[name] for name in ("s", "CPU-s")}
        run.note("processes", method, 0, figures, case)
    difference = np.abs(np.subtract(one["result"], two["result"])).max()
    figures = {
        "by the clock": one["s"] / two["s"],
        "by CPU seconds of the busier": one["CPU-s"] / two["CPU-s"],
        "difference of results": difference,
    }
    run.note("processes", "two processes", 0, figures, case)


def files(run, n_rows):
    """Fits to Parquet files."""
    with tempfile.TemporaryDirectory() as folder:
        files = str(Path(folder) / "rows")
        write_mixed(files, n_rows, ROWS_OF_A_FILE)
        for how in ("memory", "pools"):
            one, two = (fit_by(n, "files", files, how) for n in (1, 2))
            note(run, f"fit, {n_rows} rows of files, in {how}", one, two)


def labels(run):
    """Fine-tuning of classifiers."""
    for architecture, n_labelled in LABELLED.items():
        one, two = (fit_by(n, "labels", architecture) for n in (1, 2))
        note(run, f"fine-tuning, {n_labelled} x 30, {architecture}", one, two)


def run(run):
    rows, epochs = run.options.rows, run.options.epochs
    works = run.options.works
    cases = list(enumerate(CASES))[: 1 if run.quick else None]
    if "fits" not in works:
        cases = []
    for case, (n_columns, widths, batch_size, divisor) in cases:
        n_rows = rows // divisor
        size = f"{n_rows} x {n_columns}, layers {widths}, batches of {batch_size}"
        # To start fewer processes is enough to see that all still runs.
        work = n_rows, case, epochs
        one = timed_fit(*work) if run.quick else fit_by(1, "fit", *work)
        note(run, f"fit, {size}", one, fit_by(2, "fit", *work))
    if "files" in works and not run.quick:
        files(run, FILES_ROWS)
    if "labels" in works and not run.quick:
        labels(run)
    if "launchers" in works and run.has("Ray"):
        case, n_rows = len(CASES) - 1, rows // CASES[-1][-1]
        work = n_rows, case, epochs
        one, two = fit_by(2, "fit", *work), fit_by_ray(2, *work)
        for method, found in {"torchrun": one, "Ray Train": two}.items():
            figures = {name: found[name] for name in ("s", "CPU-s")}
            run.note("launchers", method, 0, figures, f"fit of {n_rows} rows")
    if "grid" in works and run.has("Dask"):
        one = grid_by(1, rows, {}, processes=not run.quick)
        for settings, config in DASK.items():
            two = grid_by(2, rows, config, processes=not run.quick)
            note(run, f"grid of 16 fits, {rows} rows, {settings}", one, two)


if __name__ == "__main__":
    one_rank(*sys.argv[1:])
