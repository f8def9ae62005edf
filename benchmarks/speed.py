"""Speed and memory of fit and transform, beside a hand-written torch loop.

    python benchmarks/speed.py [--rows 20000] [--repeats 5] [--peers]

The hand-written loop trains the same module with the same batches, masks of the same
ratio, fused AdamW and cosine rate, on rows that are already scaled; it has nothing
that a loop can do without. 784 columns are taken for 28 x 28 images, with the
larger network that the estimator then chooses. ``--peers`` adds skorch as it comes
(DataLoader, the same module) and, where it is installed, PyOD's AutoEncoder with
layers of the same widths. Everything runs on one thread, in turns within one process;
figures are medians of CPU seconds, and ratios are medians of the ratios of each turn.
The bare encode runs on 100,000 rows that are already scaled. Peak memory is that
of a fresh process which fits, above the same process just before the fit.
"""

import argparse
import math
import resource
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import torch
from skorch import NeuralNetRegressor

from skmae import MaskedAutoencoderTransformer

N_EPOCHS = 10
MASK_RATIO = 0.4
SIZES = [(30, 128), (30, 1024), (784, 128), (784, 1024)]


def make_rows(n_rows, n_columns, seed=0):
    """Correlated rows: a tenth as many factors as columns."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n_rows, max(n_columns // 10, 2)))
    loadings = rng.normal(size=(factors.shape[1], n_columns))
    noise = rng.normal(size=(n_rows, n_columns))
    return (np.tanh(factors @ loadings) + 0.3 * noise).astype(np.float32)


def make_estimator(batch_size, n_columns=None):
    """A transformer for a table, or for 28 x 28 images if there are 784 columns."""
    return MaskedAutoencoderTransformer(
        mask_ratio=MASK_RATIO,
        max_epochs=N_EPOCHS,
        batch_size=batch_size,
        lr=2e-3,
        device="cpu",
        input_shape=(28, 28) if n_columns == 784 else None,
        random_state=0,
    )


def fresh_module(mae):
    """The module of a fitted estimator, with new weights."""
    kind, params = mae._fitted_settings.network(mae._codec.layout_, seed=1)
    return kind(**params)


def tuned_loop(module, rows, batch_size, lr=2e-3):
    """Train as a careful person would by hand."""
    n_batches = math.ceil(len(rows) / batch_size)
    n_steps = N_EPOCHS * n_batches
    warm_up = max(1, round(0.05 * n_steps))
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=lr, betas=(0.9, 0.95), weight_decay=0.05, fused=True
    )
    module.train()
    step = 0
    for _ in range(N_EPOCHS):
        for index in torch.randperm(len(rows)).tensor_split(n_batches):
            values = rows[index]
            hidden = torch.rand(values.shape) < MASK_RATIO
            if step < warm_up:
                factor = (step + 1) / warm_up
            else:
                progress = (step - warm_up) / max(1, n_steps - warm_up)
                factor = 0.5 * (1 + math.cos(math.pi * progress))
            optimizer.param_groups[0]["lr"] = lr * factor
            predicted = module(values, hidden)
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
        return self.module(values, torch.rand(values.shape) < MASK_RATIO)


def default_skorch(module, rows, batch_size):
    """Train with skorch's own DataLoader, split and plain optimiser."""
    net = NeuralNetRegressor(
        RandomlyMasked(module),
        max_epochs=N_EPOCHS,
        batch_size=batch_size,
        lr=2e-3,
        optimizer=torch.optim.AdamW,
        train_split=None,
        verbose=0,
    )
    net.fit(rows, rows)


def pyod_autoencoder(rows, batch_size, widths):
    """Train PyOD's AutoEncoder with the same widths."""
    from pyod.models.auto_encoder import AutoEncoder

    model = AutoEncoder(
        hidden_neuron_list=list(widths),
        epoch_num=N_EPOCHS,
        batch_size=batch_size,
        batch_norm=True,
        dropout_rate=0.0,
        device="cpu",
        verbose=0,
    )
    model.fit(rows)


def bare_encode(module, rows, batch_size=1024):
    """Encode in plain batches into one array, scaling and checks left out."""
    module.eval()
    codes = None
    with torch.inference_mode():
        nothing = torch.zeros((batch_size, rows.shape[1]), dtype=torch.bool)
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            code = module.encode(batch, nothing[: len(batch)]).numpy()
            if codes is None:
                codes = np.empty((len(rows), code.shape[1]), dtype=np.float32)
            codes[start : start + batch_size] = code
    return codes


def cpu_seconds(function, *args):
    start = time.process_time()
    function(*args)
    return time.process_time() - start


def compare(n_rows, n_columns, batch_size, repeats, with_peers):
    """Medians of CPU seconds by method, and of their ratios to ours."""
    X = make_rows(n_rows, n_columns)
    mae = make_estimator(batch_size, n_columns).fit(X)
    rows = torch.from_numpy(mae._encoded(X))
    many = np.concatenate([X] * math.ceil(100_000 / n_rows))[:100_000]
    many_rows = torch.from_numpy(mae._encoded(many))
    settings = mae._fitted_settings
    widths = (*settings.hidden_layer_sizes, settings.n_components)
    seconds: dict = {}

    def note(name, *call):
        seconds.setdefault(name, []).append(cpu_seconds(*call))

    for _ in range(repeats):
        note("fit", make_estimator(batch_size, n_columns).fit, X)
        note("loop", tuned_loop, fresh_module(mae), rows, batch_size)
        mae.transform(many)  # so that neither of the two meets cold memory first
        note("transform", mae.transform, many)
        note("encode", bare_encode, mae.net_.module_, many_rows)
        if with_peers:
            note("skorch", default_skorch, fresh_module(mae), rows.numpy(), batch_size)
            note("pyod", pyod_autoencoder, X, batch_size, widths)
    return {name: np.array(times) for name, times in seconds.items()}


def peak_memory(n_rows, n_columns):
    """Resident megabytes of a process that holds X, and at the peak of its fit."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import speed, torch\n"
        "torch.set_num_threads(1)\n"
        "n, d = int(sys.argv[2]), int(sys.argv[3])\n"
        "speed.make_estimator(256).fit(speed.make_rows(500, d))\n"
        "X = speed.make_rows_lean(n, d)\n"
        "mae = speed.make_estimator(256).set_params(max_epochs=1)\n"
        "print(speed.current_rss(), speed.peak_while(lambda: mae.fit(X)))\n"
    )
    folder = str(__file__).rpartition("/")[0] or "."
    out = subprocess.run(
        [sys.executable, "-c", code, folder, str(n_rows), str(n_columns)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(word) for word in out.stdout.split()]


def make_rows_lean(n_rows, n_columns):
    """Float32 rows made in place, so that making them sets no peak of its own."""
    X = np.empty((n_rows, n_columns), dtype=np.float32)
    rng = np.random.default_rng(0)
    for start in range(0, n_rows, 1000):
        block = X[start : start + 1000]
        rng.standard_normal(out=block, dtype=np.float32)
        block[:, 1::2] += block[:, ::2][:, : block[:, 1::2].shape[1]]
    return X


def peak_while(function):
    """Largest resident megabytes while a function runs, seen every 2 ms.

    The peak that the system reports counts what the parent of a process had used.
    """
    peak, done = [current_rss()], threading.Event()

    def watch():
        while not done.wait(0.002):
            peak[0] = max(peak[0], current_rss())

    watcher = threading.Thread(target=watch)
    watcher.start()
    function()
    done.set()
    watcher.join()
    return peak[0]


def current_rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")

    print(f"{args.rows} rows, {N_EPOCHS} epochs, one thread, {args.repeats} turns")
    for n_columns, batch_size in SIZES:
        seconds = compare(args.rows, n_columns, batch_size, args.repeats, args.peers)
        ours, loop = seconds["fit"], seconds["loop"]
        line = (
            f"{n_columns:4d} columns, batch {batch_size:5d}: "
            f"fit {np.median(ours):6.2f} s = {np.median(ours / loop):.2f} x loop"
        )
        for peer in ("skorch", "pyod"):
            if peer in seconds:
                line += f", {peer} {np.median(seconds[peer] / loop):.2f} x loop"
        bare = np.median(seconds["encode"] / seconds["transform"])
        line += f"; transform reaches {bare:.2f} of the bare encode"
        print(line, flush=True)

    for n_rows, n_columns in [(200_000, 100), (50_000, 784)]:
        now, peak = peak_memory(n_rows, n_columns)
        size = n_rows * n_columns * 4 / 2**20
        print(
            f"memory, {n_rows} x {n_columns} float32 ({size:.0f} MB): fit peaks "
            f"{peak - now:.0f} MB above the process that holds X; one float32 copy is "
            f"{size:.0f} MB of that"
        )


if __name__ == "__main__":
    main()
