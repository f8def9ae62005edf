"""Everything that the pages say of a GPU, in one run of a few minutes.

    python -m benchmarks gpu                    with a CUDA device
    python -m benchmarks gpu --quick            a dry run, on the CPU too

In this order, each part only if --seconds are not yet over:

- tests: those marked "gpu", by pytest, and how many passed;
- roles: seconds of a fit of every role with its defaults on the device and on the CPU,
  and how good it is: score of the transformer, the imputer and the regressor,
  log-likelihood of the generator, AUROC of the detector, accuracy of the classifier;
  and seconds for 2,000 new rows;
- precision: the attention architecture trained in float32 and in bfloat16: scores, and
  accuracies of a logistic regression on codes;
- batches: rows a second of epochs of the default network on 30 columns, and of the
  larger one on 784, by size of batch; on the CPU, one thread, where that takes seconds;
- fits: images a second of epochs of whole fits with attention, on 64 x 64 images with
  patches of 8, width 384, six blocks and batches of 512, 75 % hidden;
- attention: single training steps of that network, in float32 and bfloat16, recorded
  as a CUDA graph or not, compiled or not: images a second, share of the rate of large
  matrix products of the same dtype that they reach, and the same steps by the plain
  formulation of He et al.

Seconds are wall-clock between synchronised points, on the CPU CPU-seconds. Compiling is
not counted.
"""

import re
import subprocess
import sys
import time

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.attention import flops, make_steps, matmul_rate, seconds
from benchmarks.measure import Clock
from benchmarks.run import add_seeds
from benchmarks.speed import make_rows
from benchmarks.tables import Measure, View
from skmae import (
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderRegressor,
    MaskedAutoencoderTransformer,
)

QUICK = {"repeats": 1, "seeds": 1}
IMAGE = {"side": 64, "patch": 8, "width": 384, "n_blocks": 6, "ratio": 0.75}
TINY = {"side": 16, "patch": 4, "width": 16, "n_blocks": 1, "ratio": 0.75}
N_IMAGES = 512
STEPS = [  # precision, compiled, recorded
    ("float32", False, False),
    ("float32", False, True),
    ("bfloat16", False, False),
    ("bfloat16", False, True),
    ("bfloat16", True, True),
]
BATCHES = (128, 1024, 4096, 16_384)
MOST_ON_CPU = 1024
N_STEPS = 40  # of a fit that is timed by size of batch
N_STEPS_CUDA = 160
STEPS_BEFORE = 10  # in which kernels are chosen, and steps recorded
N_DRAWN = 2000
PER_CLASS = 10
RATES = (Measure("images/s", 0), Measure("% of rate", 1))
VIEWS = {
    "tests": View(("table",), "measure", (Measure("passed", 0), Measure("failed", 0))),
    "roles": View(
        lines=("method",),
        columns="case",
        measures=(Measure("fit, s", 1), Measure("quality"), Measure("sample, s", 2)),
    ),
    "precision": View(
        lines=("case",),
        columns="method",
        measures=(Measure("score"), Measure("few labels"), Measure("all labels")),
    ),
    "batches": View(("case",), "method", (Measure("rows/s", 0),)),
    "fits": View(("case",), "method", RATES, omit=("attention",)),
    "attention": View(("case",), "method", RATES, omit=("fits",)),
}


def add_options(parser):
    auto = ["cuda", "cpu"] if torch.cuda.is_available() else ["cpu"]
    text = f"the first of them is the one of interest; default: {' '.join(auto)}"
    parser.add_argument("--devices", nargs="+", default=auto, help=text)
    parser.add_argument("--repeats", type=int, default=10, help="of a training step")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    text = "after which no part begins"
    parser.add_argument("--seconds", type=float, default=450, help=text)
    add_seeds(parser, 3)


def tests(run, devices):
    """Run the tests that need a device."""
    if devices[0].type != "cuda":
        return
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests"]
    command += ["-p", "no:cacheprovider"]
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    last = out.strip().splitlines()[-1] if out.strip() else ""
    found = {word: int(n) for n, word in re.findall(r"(\d+) (\w+)", last)}
    failed = found.get("failed", 0) + found.get("error", 0) + found.get("errors", 0)
    if failed:
        print(out)
    run.note("tests", "pytest", 0, {"passed": found.get("passed", 0), "failed": failed})


def digits(run, seed=0):
    """Training and test rows, images of 8 x 8: X, X_test, y, y_test."""
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.float32)
    if run.quick:
        X, y = X[:60, :48], y[:60]
    return train_test_split(X, y, test_size=0.3, random_state=seed, stratify=y)


def roles(run, devices):
    """Fits of every role with its defaults, and how good they are."""
    X, X_test, y, y_test = digits(run)
    table, table_test = (rows[:, 20:44] for rows in (X, X_test))
    holes = np.random.default_rng(0).random(table.shape) < 0.3
    damaged = np.where(holes, np.nan, table)
    few = np.where(np.arange(len(y)) < 200, y, -1)

    def restored(imputer):
        filled, mean = imputer.transform(damaged), np.nanmean(damaged, axis=0)
        errors = (np.square((x - table)[holes]).sum() for x in (filled, mean))
        return 1 - next(errors) / next(errors)

    for device in devices:
        params = run.network(0) | {"device": str(device)}
        tuning = run.fine_tuning(0) | {"device": str(device)}
        encoder = MaskedAutoencoderTransformer(**params)
        attentive = MaskedAutoencoderTransformer(architecture="attention", **params)
        cases = {
            "transformer": (encoder, (table,), lambda mae: mae.score(table_test)),
            "transformer, attention": (
                attentive,
                (table,),
                lambda mae: mae.score(table_test),
            ),
            "imputer": (MaskedAutoencoderImputer(**params), (damaged,), restored),
            "detector": (
                MaskedAutoencoderDetector(**params),
                (X[y != 0],),
                lambda mae: roc_auc_score(y_test == 0, -mae.score_samples(X_test)),
            ),
            "generator": (
                MaskedAutoencoderGenerator(**params),
                (table,),
                lambda mae: mae.score(table_test[:100]),
            ),
            "classifier": (
                MaskedAutoencoderClassifier(encoder, **tuning),
                (X, few),
                lambda mae: mae.score(X_test, y_test),
            ),
            "regressor": (
                MaskedAutoencoderRegressor(encoder, **tuning),
                (table, np.where(few < 0, np.nan, X.mean(axis=1))),
                lambda mae: mae.score(table_test, X_test.mean(axis=1)),
            ),
        }
        for name, (estimator, data, quality) in cases.items():
            with Clock(device) as clock:
                estimator.fit(*data)
            figures = {"fit, s": clock.seconds, "quality": quality(estimator)}
            if name == "generator":
                with Clock(device) as clock:
                    estimator.sample(10 if run.quick else N_DRAWN, random_state=0)
                figures["sample, s"] = clock.seconds
            run.note("roles", name, 0, figures, device.type)


def precision(run, devices):
    """How well attention is trained in each precision."""
    device, kinds = str(devices[0]), {"columns": {}, "images": {}}
    kinds["images"] = {"input_shape": (8, 6 if run.quick else 8), "patch_size": 2}
    kinds["images"]["n_components"] = 256  # the code alone
    for seed in run.seeds:
        X, X_test, y, y_test = digits(run, seed)
        few = np.concatenate([np.flatnonzero(y == c)[:PER_CLASS] for c in range(10)])
        for case, params in kinds.items():
            part = slice(20, 44) if case == "columns" else slice(None)
            params = params | run.network(seed) | {"device": device}
            for dtype in ("float32", "bfloat16"):
                mae = MaskedAutoencoderTransformer(
                    architecture="attention", precision=dtype, **params
                ).fit(X[:, part])
                codes, of_test = (
                    mae.transform(X[:, part]),
                    mae.transform(X_test[:, part]),
                )
                figures = {"score": mae.score(X_test[:, part])}
                for name, rows in (("few labels", few), ("all labels", slice(None))):
                    reader = LogisticRegression(max_iter=1000)
                    reader = make_pipeline(StandardScaler(), reader)
                    reader.fit(codes[rows], y[rows])
                    figures[name] = reader.score(of_test, y_test)
                run.note("precision", dtype, seed, figures, case)


def batches(run, devices):
    """Rows a second of fits by size of batch."""
    for n_columns in (30,) if run.quick else (30, 784):
        for batch_size in BATCHES[: 1 if run.quick else None]:
            X = make_rows(2 * batch_size, n_columns)
            case = f"{n_columns} columns, batches of {batch_size}"
            for device in devices:
                if device.type == "cpu" and batch_size > MOST_ON_CPU:
                    continue
                for dtype in ("float32", "bfloat16"):
                    mae = MaskedAutoencoderTransformer(
                        n_components=512 if n_columns == 784 else "auto",
                        batch_size=batch_size,
                        device=str(device),
                        precision=dtype,
                        input_shape=(28, 28) if n_columns == 784 else None,
                        random_state=0,
                    )
                    rate = rows_a_second(mae, X, run.quick)
                    method = f"{device.type}, {dtype}"
                    run.note("batches", method, 0, {"rows/s": rate}, case)


def rows_a_second(mae, X, quick):
    """Rows that epochs of a fit take a second, whatever else a fit does."""
    n_batches = -(-len(X) // mae.batch_size)
    n_steps = N_STEPS if mae.device == "cpu" else N_STEPS_CUDA
    first = -(-STEPS_BEFORE // n_batches)
    n_epochs = (1, 2) if quick else (first, first + -(-n_steps // n_batches))
    mae.set_params(max_epochs=1).fit(X)  # warm
    spent = []
    for n in n_epochs:
        with Clock(mae.device) as clock:
            mae.set_params(max_epochs=n).fit(X)
        spent.append(clock.seconds)
    return len(X) * (n_epochs[1] - n_epochs[0]) / max(spent[1] - spent[0], 1e-9)


def fits(run, devices):
    """Whole fits on images, as a user starts them."""
    device, on_cpu = devices[0], devices[0].type == "cpu"
    size, n_rows = (TINY, 8) if on_cpu else (IMAGE, 8 * N_IMAGES)
    X = np.random.default_rng(0).normal(size=(n_rows, size["side"] ** 2))
    for dtype in ("float32", "bfloat16"):
        mae = MaskedAutoencoderTransformer(
            architecture="attention",
            input_shape=(size["side"],) * 2,
            patch_size=size["patch"],
            hidden_layer_sizes=(size["width"],) * size["n_blocks"],
            n_components=256,
            mask_ratio=size["ratio"],
            batch_size=min(N_IMAGES, n_rows),
            precision=dtype,
            device=str(device),
            random_state=0,
        )
        rate = rows_a_second(mae, X.astype(np.float32), run.quick)
        note_rate(run, "fits", "fit", dtype, dtype, device, size, 1 / rate)


def attention(run, devices):
    """Training steps on images."""
    device, on_cpu = devices[0], devices[0].type == "cpu"
    size, n_rows = (TINY, 8) if on_cpu else (IMAGE, N_IMAGES)
    for dtype, compiled, recorded in STEPS:
        if on_cpu and (compiled or recorded):
            continue
        steps = make_steps(
            **size,
            n_rows=n_rows,
            device=device,
            precision=dtype,
            jit=compiled,
            recorded=recorded,
        )
        del steps["mask tokens"]
        case = dtype + ", compiled" * compiled + ", recorded" * recorded
        for method, t in seconds(steps, device, run.options.repeats).items():
            note_rate(run, "attention", method, case, dtype, device, size, t / n_rows)


def note_rate(run, table, method, case, dtype, device, size, t):
    """Keep images a second, and the share of the rate of products that they reach."""
    figures = {"images/s": 1 / t}
    if device.type != "cpu" and method != "reference":
        rate = matmul_rate(device, getattr(torch, dtype))
        figures["% of rate"] = 100 * flops(**size, n_rows=1) / t / rate
    run.note(table, method, 0, figures, case)


PARTS = {
    "tests": tests,
    "roles": roles,
    "precision": precision,
    "batches": batches,
    "fits": fits,
    "attention": attention,
}


def run(run):
    devices = [torch.device(name) for name in run.options.devices]
    begin = time.monotonic()
    for name in run.options.parts:
        if time.monotonic() - begin > run.options.seconds:
            print(f"{name} is left out: {run.options.seconds:g} s are over")
            continue
        PARTS[name](run, devices)
