"""Everything that the pages say of a GPU, in one run of a few minutes.

    python -m benchmarks gpu                    with a CUDA device
    python -m benchmarks gpu --quick            a dry run, on the CPU too

In this order, each part only if --seconds are not yet over:

- tests: those marked "gpu", by pytest, and how many passed;
- attention: training steps of the attention architecture on 64 x 64 images with patches
  of 8, width 384 and batches of 512, 75 % hidden, in float32 and bfloat16, eager and
  compiled: rows a second, share of the rate of large matrix products of the same dtype
  that they reach, and the same steps by the plain formulation of He et al.;
- batches: rows a second of epochs of the default network on 30 columns, and of the
  larger one on 784, by size of batch; beside it the CPU, one thread, where that takes
  seconds;
- roles: seconds of a fit of every role with its defaults on the device and on the CPU,
  and how good it is: score of the transformer and the imputer, log-likelihood of the
  generator, AUROC of the detector, accuracy of the classifier; and seconds for 2,000
  new rows.

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
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from benchmarks.attention import flops, make_steps, matmul_rate, seconds
from benchmarks.measure import Clock
from benchmarks.speed import make_rows
from benchmarks.tables import Measure, View
from skmae import (
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderTransformer,
)

QUICK = {"repeats": 1}
IMAGE = {"side": 64, "patch": 8, "width": 384, "n_blocks": 6, "ratio": 0.75}
N_IMAGES = 512
BATCHES = (128, 1024, 4096, 16_384)
MOST_ON_CPU = 1024
N_STEPS = {"cpu": 40, "cuda": 200}  # of a fit that is timed by size of batch
STEPS_BEFORE = 10  # in which kernels are chosen, and steps recorded
VIEWS = {
    "tests": View(("table",), "measure", (Measure("passed", 0), Measure("failed", 0))),
    "attention": View(
        lines=("case",),
        columns="method",
        measures=(Measure("images/s", 0), Measure("% of rate", 1)),
        omit=("tests", "batches", "roles"),
    ),
    "batches": View(("case",), "method", (Measure("rows/s", 0),)),
    "roles": View(
        lines=("method",),
        columns="case",
        measures=(Measure("fit, s", 1), Measure("quality"), Measure("sample, s", 2)),
    ),
}


def add_options(parser):
    auto = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=auto, help=f"default: {auto}")
    parser.add_argument("--repeats", type=int, default=10, help="of a training step")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument(
        "--seconds", type=float, default=450, help="after which no part begins"
    )


def tests(run, device):
    """Run the tests that need a device."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests"]
    command += ["-p", "no:cacheprovider"]
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    last = out.strip().splitlines()[-1] if out.strip() else ""
    found = {word: int(n) for n, word in re.findall(r"(\d+) (\w+)", last)}
    failed = found.get("failed", 0) + found.get("error", 0) + found.get("errors", 0)
    if failed:
        print(out)
    run.note("tests", "pytest", 0, {"passed": found.get("passed", 0), "failed": failed})


def attention(run, device):
    """Training steps on images."""
    n_rows, size = N_IMAGES, IMAGE
    if run.quick:
        n_rows, size = 8, IMAGE | {"side": 16, "patch": 4, "width": 16, "n_blocks": 1}
    on_cpu, rates = device.type == "cpu", {}
    kinds = [("float32", False, False), ("bfloat16", False, False)]
    if not on_cpu:
        kinds += [
            ("float32", False, True),
            ("bfloat16", False, True),
            ("bfloat16", True, False),
            ("bfloat16", True, True),
        ]
    for precision, jit, recorded in kinds:
        steps = make_steps(
            **size,
            n_rows=n_rows,
            device=device,
            precision=precision,
            jit=jit,
            recorded=recorded,
        )
        del steps["mask tokens"]
        if not on_cpu:
            rates[precision] = matmul_rate(device, getattr(torch, precision))
        for method, t in seconds(steps, device, run.options.repeats).items():
            figures = {"images/s": n_rows / t}
            if method == "visible" and not on_cpu:
                share = flops(**size, n_rows=n_rows) / t / rates[precision]
                figures["% of rate"] = 100 * share
            case = precision + ", compiled" * jit + ", recorded" * recorded
            run.note("attention", method, 0, figures, case)
    fits(run, device, size, rates)


def fits(run, device, size, rates):
    """Whole fits on such images, as a user starts them."""
    side, n_rows = size["side"], 8 if run.quick else 8 * N_IMAGES
    X = np.random.default_rng(0).normal(size=(n_rows, side**2)).astype(np.float32)
    for precision, jit in [("bfloat16", False), ("bfloat16", True)][
        : 1 if run.quick else 2
    ]:
        mae = MaskedAutoencoderTransformer(
            architecture="attention",
            input_shape=(side, side),
            patch_size=size["patch"],
            hidden_layer_sizes=(size["width"],) * size["n_blocks"],
            n_components=256,
            mask_ratio=size["ratio"],
            batch_size=min(N_IMAGES, n_rows),
            precision=precision,
            compile=jit,
            device=str(device),
            random_state=0,
        )
        rate = epochs_of(mae, X, run.quick)
        figures = {"images/s": rate}
        if precision in rates:
            figures["% of rate"] = (
                100 * rate * flops(**size, n_rows=1) / rates[precision]
            )
        case = precision + ", compiled" * jit
        run.note("attention", "fit", 0, figures, case)


def batches(run, device):
    """Rows a second of fits by size of batch."""
    for n_columns in (30,) if run.quick else (30, 784):
        for batch_size in BATCHES[: 1 if run.quick else None]:
            X = make_rows(2 * batch_size, n_columns)
            case = f"{n_columns} columns, batches of {batch_size}"
            for where in dict.fromkeys([str(device), "cpu"]):
                if where == "cpu" and batch_size > MOST_ON_CPU:
                    continue
                for precision in ("float32", "bfloat16"):
                    rate = rows_a_second(X, batch_size, where, precision, run.quick)
                    method = f"{where}, {precision}"
                    run.note("batches", method, 0, {"rows/s": rate}, case)


def rows_a_second(X, batch_size, device, precision, quick):
    """Rows that epochs take a second, whatever else a fit does."""
    mae = MaskedAutoencoderTransformer(
        batch_size=batch_size,
        device=device,
        precision=precision,
        input_shape=(28, 28) if X.shape[1] == 784 else None,
        random_state=0,
    )
    return epochs_of(mae, X, quick)


def epochs_of(mae, X, quick=False):
    """Rows a second of the epochs of a fit, beyond the first few."""
    n_batches = -(-len(X) // mae.batch_size)
    first = -(-STEPS_BEFORE // n_batches)
    n_more = -(-N_STEPS[torch.device(mae.device).type] // n_batches)
    n_epochs, spent, device = (
        (1, 2) if quick else (first, first + n_more),
        [],
        mae.device,
    )
    mae.set_params(max_epochs=1).fit(X)  # warm
    for n in n_epochs:
        with Clock(device) as clock:
            mae.set_params(max_epochs=n).fit(X)
        spent.append(clock.seconds)
    return len(X) * (n_epochs[1] - n_epochs[0]) / max(spent[1] - spent[0], 1e-9)


def roles(run, device):
    """Fits of every role with its defaults, and how good they are."""
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.float32)
    if run.quick:
        X, y = X[:60, :48], y[:60]
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
    table, table_test = (rows[:, 20:44] for rows in (X, X_test))
    few = np.where(np.arange(len(y)) < 200, y, -1)
    holes = np.random.default_rng(0).random(table.shape) < 0.3
    damaged = np.where(holes, np.nan, table)

    def error(filled):
        mean = np.nanmean(damaged, axis=0)
        return 1 - np.mean((filled - table)[holes] ** 2) / np.mean(
            (mean - table)[holes] ** 2
        )

    cases = {
        "transformer": (
            MaskedAutoencoderTransformer,
            lambda mae: mae.fit(table).score(table_test),
        ),
        "transformer, attention": (
            MaskedAutoencoderTransformer,
            lambda mae: (
                mae.set_params(architecture="attention").fit(table).score(table_test)
            ),
        ),
        "imputer": (
            MaskedAutoencoderImputer,
            lambda mae: error(mae.fit(damaged).transform(damaged)),
        ),
        "detector": (
            MaskedAutoencoderDetector,
            lambda mae: roc_auc_score(
                y_test == 0, -mae.fit(X[y != 0]).score_samples(X_test)
            ),
        ),
        "generator": (
            MaskedAutoencoderGenerator,
            lambda mae: mae.fit(table).score(table_test),
        ),
    }
    for where in dict.fromkeys([str(device), "cpu"]):
        params = run.network(0) | {"device": where}
        for name, (role, quality) in cases.items():
            estimator = role(**params)
            with Clock(where) as clock:
                figures = {"quality": quality(estimator)}
            figures = {"fit, s": clock.seconds} | figures
            if name == "generator":
                with Clock(where) as clock:
                    estimator.sample(10 if run.quick else 2000, random_state=0)
                figures["sample, s"] = clock.seconds
            run.note("roles", name, 0, figures, where)
        encoder = MaskedAutoencoderTransformer(**params)
        tuning = run.fine_tuning(0) | {"device": where}
        classifier = MaskedAutoencoderClassifier(encoder, **tuning)
        with Clock(where) as clock:
            quality = classifier.fit(X, few).score(X_test, y_test)
        figures = {"fit, s": clock.seconds, "quality": quality}
        run.note("roles", "classifier", 0, figures, where)


PARTS = {"tests": tests, "attention": attention, "batches": batches, "roles": roles}


def run(run):
    device = torch.device(run.options.device)
    begin = time.monotonic()
    for name in run.options.parts:
        part = PARTS[name]
        if part is tests and device.type != "cuda":
            continue
        if time.monotonic() - begin > run.options.seconds:
            print(f"{name} is left out: {run.options.seconds:g} s are over")
            continue
        part(run, device)
