"""Speed and memory of fit and transform, beside a hand-written torch loop.

The hand-written loop trains the same module with the same batches, masks of the same
ratio, fused AdamW and cosine rate, on rows that are already scaled; it has nothing
that a loop can do without. Both are timed in float32, and in bfloat16 (the loop by
torch.autocast) where precision="auto" stands for it. 784 columns are taken for 28 x 28
images, with the larger network that the estimator then chooses. --peers adds skorch as
it comes (DataLoader, the same module, float32) and, where it is installed, PyOD's
AutoEncoder with layers of the same widths. Everything runs on one thread, in turns
within one process; figures are medians of CPU seconds, and ratios are medians of the
ratios of each turn. The bare encode runs on 60,000 rows that are already scaled. Peak
memory is that of a fresh process which fits, above the same process just before the
fit; it is told for the CPU alone, and so is the time of an import, that of the package
after torch, scikit-learn and skorch, in fresh processes that find all of them compiled
to bytecode, as they are after a first import. Elsewhere seconds are wall-clock between
synchronised points.
"""

import math
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from skorch import NeuralNetRegressor

from benchmarks.measure import Clock, PeakMemory, resident, set_threads
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderTransformer

N_EPOCHS = 10
MASK_RATIO = 0.4
SIZES = [(30, 128), (30, 1024), (784, 256), (784, 1024)]
N_ENCODED = 60_000
MEMORY_SIZES = [(200_000, 100), (50_000, 784)]
QUICK = {"rows": 150, "repeats": 1, "peers": True}
# By precision, what is compared.
FITS = {"float32": "fit, float32", "bfloat16": "fit, bfloat16"}
LOOPS = {"float32": "loop, float32", "bfloat16": "loop, bfloat16"}
SECONDS, OF_FLOAT32, OF_SAME, OF_BARE = (
    Measure(name, 2, middle="median")
    for name in (
        "seconds",
        "of the float32 loop",
        "of the loop in its precision",
        "of the bare encode's speed",
    )
)
MEMORY = (Measure("MB of X", 0), Measure("MB at the peak above X", 0))
IMPORT = tuple(
    Measure(name, 2, middle="median")
    for name in (
        "seconds of torch, scikit-learn, skorch",
        "of the transformer after them",
        "of all else",
    )
)
VIEWS = {
    "seconds": View(("table",), "method", (SECONDS,)),
    "float32": View(("table",), "method", (OF_FLOAT32,)),
    "same": View(("table",), "method", (OF_SAME,)),
    "transform": View(("table",), "measure", (OF_BARE,)),
    "memory": View(("table",), "measure", MEMORY),
    "import": View(("table",), "measure", IMPORT),
}


def add_options(parser):
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--device", default="cpu")


def make_rows(n_rows, n_columns, seed=0):
    """Correlated rows: a tenth as many factors as columns."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n_rows, max(n_columns // 10, 2)))
    loadings = rng.normal(size=(factors.shape[1], n_columns))
    noise = rng.normal(size=(n_rows, n_columns))
    return (np.tanh(factors @ loadings) + 0.3 * noise).astype(np.float32)


def make_estimator(batch_size, n_columns=None, device="cpu", precision="auto"):
    """A transformer for a table, or for 28 x 28 images if there are 784 columns."""
    return MaskedAutoencoderTransformer(
        # The code alone, as in what it is compared with.
        n_components=512 if n_columns == 784 else "auto",
        passthrough=False,
        mask_ratio=MASK_RATIO,
        max_epochs=N_EPOCHS,
        batch_size=batch_size,
        lr=2e-3,
        device=device,
        precision=precision,
        input_shape=(28, 28) if n_columns == 784 else None,
        random_state=0,
    )


def fresh_module(mae):
    """The module of a fitted estimator, with new weights."""
    model = mae.model_
    return model.settings.network.build(model.layout, model.grid, seed=1)


def tuned_loop(module, rows, batch_size, precision, lr=2e-3):
    """Train as a careful person would by hand."""
    autocast = torch.autocast(
        rows.device.type, torch.bfloat16, precision == "bfloat16", cache_enabled=False
    )
    n_batches = math.ceil(len(rows) / batch_size)
    n_steps = N_EPOCHS * n_batches
    warm_up = max(1, round(0.05 * n_steps))
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=lr, betas=(0.9, 0.95), weight_decay=0.05, fused=True
    )
    module.train()
    step = 0
    for _ in range(N_EPOCHS):
        order = torch.randperm(len(rows), device=rows.device)
        for index in order.tensor_split(n_batches):
            values = rows[index]
            hidden = torch.rand(values.shape, device=rows.device) < MASK_RATIO
            if step < warm_up:
                factor = (step + 1) / warm_up
            else:
                progress = (step - warm_up) / max(1, n_steps - warm_up)
                factor = 0.5 * (1 + math.cos(math.pi * progress))
            optimizer.param_groups[0]["lr"] = lr * factor
            with autocast:
                predicted = module(values, hidden)
            predicted = predicted.float()
            weight = hidden.float()
            error = torch.nn.functional.huber_loss(predicted, values, reduction="none")
            loss = (error * weight).sum() / weight.sum()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            step += 1


class RandomlyMasked(torch.nn.Module):
    """The module behind a plain call, for skorch as it comes."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, values):
        """Hide at random while training."""
        hidden = torch.rand(values.shape, device=values.device) < MASK_RATIO
        return self.module(values, hidden)


def default_skorch(module, rows, batch_size, device):
    """Train with skorch's own DataLoader, split and plain optimiser."""
    net = NeuralNetRegressor(
        RandomlyMasked(module),
        max_epochs=N_EPOCHS,
        batch_size=batch_size,
        lr=2e-3,
        optimizer=torch.optim.AdamW,
        train_split=None,
        device=device,
        verbose=0,
    )
    net.fit(rows, rows)


def pyod_autoencoder(rows, batch_size, widths, device):
    """Train PyOD's AutoEncoder with the same widths."""
    from pyod.models.auto_encoder import AutoEncoder

    model = AutoEncoder(
        hidden_neuron_list=list(widths),
        epoch_num=N_EPOCHS,
        batch_size=batch_size,
        batch_norm=True,
        dropout_rate=0.0,
        device=device,
        verbose=0,
    )
    model.fit(rows)


def bare_encode(module, rows, batch_size=1024):
    """Encode in plain batches into one array, scaling and checks left out."""
    module.eval()
    codes = None
    with torch.inference_mode():
        nothing = rows.new_zeros((batch_size, rows.shape[1]), dtype=torch.bool)
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            code = module.encode(batch, nothing[: len(batch)]).cpu().numpy()
            if codes is None:
                codes = np.empty((len(rows), code.shape[1]), dtype=np.float32)
            codes[start : start + batch_size] = code
    return codes


def compare(run, n_columns, batch_size):
    """Seconds by method, in turns, and their quotients to those of a plain loop."""
    n_rows, device = run.options.rows, run.options.device
    X = make_rows(n_rows, n_columns)
    mae = make_estimator(batch_size, n_columns, device).fit(X)
    precisions = dict.fromkeys(["float32", mae.precision_])
    rows = torch.from_numpy(mae.model_.encode(X)).to(device)
    n_encoded = n_rows if run.quick else N_ENCODED
    many = np.concatenate([X] * math.ceil(n_encoded / n_rows))[:n_encoded]
    many_rows = torch.from_numpy(mae.model_.encode(many)).to(device)
    network = mae.model_.settings.network
    widths = (*network.hidden_layer_sizes, network.n_components)
    table = f"{n_columns} columns, batches of {batch_size}"
    with_pyod = run.options.peers and run.has("PyOD AE")

    def fresh():
        return fresh_module(mae).to(device)

    def seconds(function, *args):
        with Clock(device) as clock:
            function(*args)
        return clock.seconds

    for turn in range(run.options.repeats):
        found, loops = {}, {}
        for precision in precisions:
            estimator = make_estimator(batch_size, n_columns, device, precision)
            found[FITS[precision]] = seconds(estimator.fit, X)
            args = fresh(), rows, batch_size, precision
            found[LOOPS[precision]] = loops[precision] = seconds(tuned_loop, *args)
        mae.transform(many)  # so that neither of the two meets cold memory first
        found["transform"] = seconds(mae.transform, many)
        found["bare encode"] = seconds(bare_encode, mae.net_.module_, many_rows)
        if run.options.peers:
            args = rows.cpu().numpy(), batch_size, device
            found["skorch"] = seconds(default_skorch, fresh(), *args)
        if with_pyod:
            args = X, batch_size, widths, device
            found["PyOD AE"] = seconds(pyod_autoencoder, *args)
        for method, value in found.items():
            figures = {"seconds": value}
            if method == "transform":
                figures[OF_BARE.name] = found["bare encode"] / value
            elif method != "bare encode":
                figures[OF_FLOAT32.name] = value / loops["float32"]
            run.note(table, method, turn, figures)
        for precision, loop in loops.items():
            of_same = {OF_SAME.name: found[FITS[precision]] / loop}
            run.note(table, FITS[precision], turn, of_same)


def peak_memory(n_rows, n_columns):
    """Print how many megabytes a fit takes at its peak, besides X."""
    set_threads()
    make_estimator(256).fit(make_rows(500, n_columns))
    X = make_rows_lean(n_rows, n_columns)
    mae = make_estimator(256).set_params(max_epochs=1)
    before, _ = resident()
    with PeakMemory(interval=0.002) as memory:
        mae.fit(X)
    print(memory.peak[0] - before)


def make_rows_lean(n_rows, n_columns):
    """Float32 rows made in place, so that making them sets no peak of its own."""
    X = np.empty((n_rows, n_columns), dtype=np.float32)
    rng = np.random.default_rng(0)
    for start in range(0, n_rows, 1000):
        block = X[start : start + 1000]
        rng.standard_normal(out=block, dtype=np.float32)
        block[:, 1::2] += block[:, ::2][:, : block[:, 1::2].shape[1]]
    return X


def import_seconds(bytecode):
    """CPU-seconds of importing what the package needs, a role, and all others.

    ``bytecode`` is the folder to keep compiled modules in, whatever the environment
    says of them.
    """
    environment = os.environ | {"PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    code = (
        "import time; begin = time.process_time()\n"
        "import torch, sklearn, skorch; needed = time.process_time()\n"
        "from skmae import MaskedAutoencoderTransformer; one = time.process_time()\n"
        "from skmae import *; every = time.process_time()\n"
        "print(needed - begin, one - needed, every - one)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environment,
    )
    return map(float, out.stdout.split())


def run(run):
    for n_columns, batch_size in SIZES[:: 2 if run.quick else 1]:
        compare(run, n_columns, batch_size)
    if run.options.device != "cpu":
        return
    for n_rows, n_columns in [(2000, 30)] if run.quick else MEMORY_SIZES:
        command = [
            sys.executable,
            "-m",
            "benchmarks.speed",
            str(n_rows),
            str(n_columns),
        ]
        out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        figures = {
            "MB of X": n_rows * n_columns * 4 / 2**20,
            "MB at the peak above X": float(out.stdout),
        }
        run.note(f"{n_rows} x {n_columns}", "fit", 0, figures)
    with tempfile.TemporaryDirectory() as bytecode:
        import_seconds(bytecode)  # compiles
        for turn in range(run.options.repeats):
            names = (measure.name for measure in IMPORT)
            figures = dict(zip(names, import_seconds(bytecode), strict=True))
            run.note("import", "skmae", turn, figures)


if __name__ == "__main__":
    peak_memory(*map(int, sys.argv[1:]))
