"""Images: inpainting, codes and their decoding, with both architectures.

MNIST: networks are trained on 10,000 images without labels. Of the first 1,000 test
images (of few digits, if the file is sorted by them), cells or 4 x 4 patches are hidden
at random and predicted; the figure is the mean squared error over hidden cells, for
grey values from 0 to 1. Peers are the mean image and the conditional mean of a Gaussian
fitted to the training images (covariance plus 0.01 on the diagonal). Digits: the
variance that decoded codes keep, and the accuracy of LogisticRegression on the codes of
ten labelled images per class, over splits.

Everything runs on one thread; times are CPU-seconds of fitting.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.measure import Clock
from benchmarks.protocols import draw_labels
from benchmarks.run import add_images, add_seeds
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderTransformer

KINDS = [("cells", 0.5), ("cells", 0.75), ("patches", 0.5), ("patches", 0.75)]
MAX_TEST_IMAGES = 1000
N_DRAWS = 3
QUICK = {"images": "digits", "epochs": 1, "seeds": 1}
ERROR = Measure("squared error", 4, "low")
R2, CPU = Measure("R2 of decoded codes"), Measure("CPU-s", 1)
ACCURACY = Measure("accuracy", spread="deviation")
VIEWS = {
    "inpainting": View(("method",), "case", (ERROR,), each=("table",), beside=(CPU,)),
    "codes": View(
        ("method",), "measure", (R2, ACCURACY), each=("table",), beside=(CPU,)
    ),
}


def add_options(parser):
    add_images(parser)
    add_seeds(parser, 3)
    parser.add_argument("--epochs", type=int, default=20, help="with attention")


def hide_half_the_cells(observed, rng):
    """Hide single cells though patches are tokens."""
    return (rng.random(observed.shape) < 0.5) & observed


def hide_most_cells(observed, rng):
    """Hide three quarters of the single cells."""
    return (rng.random(observed.shape) < 0.75) & observed


def draw_mask(kind, ratio, n_rows, images, seed=0):
    """Hide the same number of cells or patches in every image."""
    rng = np.random.default_rng(seed)
    side, patch = images.shape[0], images.patch
    n_across = side if kind == "cells" else side // patch
    n_units = n_across**2
    hidden = rng.random((n_rows, n_units)).argsort(axis=1) < round(ratio * n_units)
    if kind == "cells":
        return hidden
    patches = hidden.reshape(n_rows, n_across, n_across)
    return patches.repeat(patch, axis=1).repeat(patch, axis=2).reshape(n_rows, -1)


def gaussian(train, test, mask):
    """Conditional mean of the hidden cells given the visible ones."""
    mean = train.mean(axis=0)
    covariance = np.cov(train.T) + 0.01 * np.eye(len(mean))
    filled = test.copy()
    for row, hidden in zip(filled, mask, strict=True):
        seen = ~hidden
        weights = np.linalg.solve(covariance[np.ix_(seen, seen)], (row - mean)[seen])
        row[hidden] = mean[hidden] + covariance[np.ix_(hidden, seen)] @ weights
    return filled


def network_settings(patch, n_epochs):
    attention = {"architecture": "attention", "patch_size": patch}
    attention |= {"max_epochs": n_epochs}
    cells = {"loss": "squared_error"}
    return {
        "mlp, cells .5": cells | {"mask_ratio": 0.5},
        "mlp, cells .75": cells | {"mask_ratio": 0.75},
        "mlp, patches .75": {"patch_size": patch},
        "attention, patches .75": attention,
        "attention, cells .5": attention
        | cells
        | {"mask_strategy": hide_half_the_cells},
        "attention, cells .75": attention | cells | {"mask_strategy": hide_most_cells},
    }


def inpainting(run):
    """Errors of hidden cells."""
    name = run.options.images
    images = run.source.images(name)
    train, test = (
        X.reshape(len(X), -1).astype(np.float32) / images.white
        for X in (images.X, images.X_test[:MAX_TEST_IMAGES])
    )

    def note(method, fill):
        for kind, ratio in KINDS:
            mask = draw_mask(kind, ratio, len(test), images)
            filled = np.clip(fill(test, mask), 0, 1)
            error = np.square(filled - test)[mask].mean()
            run.note(name, method, 0, {"squared error": error}, f"{kind} {ratio}")

    note("mean image", lambda rows, mask: np.where(mask, train.mean(axis=0), rows))
    note("Gaussian", lambda rows, mask: gaussian(train, rows, mask))
    settings = network_settings(images.patch, run.options.epochs)
    for method, params in settings.items():
        params = run.network(0) | {"input_shape": images.shape} | params
        with Clock() as clock:
            mae = MaskedAutoencoderTransformer(**params).fit(train)
        note(method, mae.reconstruct)
        run.note(name, method, 0, {"CPU-s": clock.seconds})


def digits(run):
    """How well codes of digits decode and tell classes apart."""
    X, y = run.source.labelled("digits")
    for architecture, params in (("mlp", {}), ("attention", {"patch_size": 2})):
        for seed in run.seeds:
            train, test, y_train, y_test = train_test_split(
                X, y, test_size=0.3, stratify=y, random_state=seed
            )
            mae = MaskedAutoencoderTransformer(
                architecture=architecture,
                input_shape=(8, 8),
                **run.network(seed),
                **params,
            )
            with Clock() as clock:
                mae.fit(train)
            width = mae.n_components_  # not what stands behind the code
            codes, new = (mae.transform(rows)[:, :width] for rows in (train, test))
            decoded = mae.inverse_transform(new)
            r2 = r2_score(test, decoded, multioutput="variance_weighted")
            figures = {R2.name: r2, "CPU-s": clock.seconds}
            run.note("digits", architecture, seed, figures)
            for draw in range(N_DRAWS):
                rows = draw_labels(y_train, 10, draw)
                probe = make_pipeline(
                    StandardScaler(), LogisticRegression(max_iter=2000)
                )
                probe.fit(codes[rows], y_train[rows])
                figures = {"accuracy": probe.score(new, y_test)}
                run.note("digits", architecture, seed, figures, draw=draw)


def run(run):
    digits(run)
    inpainting(run)
