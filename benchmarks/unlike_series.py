"""Series of unlike lengths with labels: codes beside simple statistics and DTW.

The sets come with the package aeon, which is not imported, only read, so that
``pip install --no-deps aeon`` will do (it wants an older pandas than the tested one).
JapaneseVowels has 270 + 370 utterances of 9 speakers, 12 channels and 7 to 29 steps,
PickupGestureWiimoteZ 50 + 50 gestures of 10 kinds, one channel and 29 to 361 steps.
Everything but labels is learned from the training rows; the split is the set's own.
Accuracy on test rows of LogisticRegression with 5 labels per class (--draws draws) and
all, on

- statistics: mean, deviation, least and largest value, and mean step, of each channel;
- codes: of MaskedAutoencoderTransformer(input_shape=(None, n_channels));
- codes, untrained: of the same network before training;
- codes and statistics: side by side;

and of DTW, the nearest training row by dynamic time warping, on standardised channels.
"""

import importlib.util
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.data import NoData
from benchmarks.measure import Clock
from benchmarks.run import add_seeds, add_sets
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderTransformer

SETS = ("JapaneseVowels", "PickupGestureWiimoteZ")
QUICK = {"seeds": 1, "draws": 1, "sets": []}
VIEWS = {
    "accuracy": View(
        lines=("table", "method"),
        columns="case",
        measures=(Measure("accuracy", better="high"),),
        beside=(Measure("CPU-s", 0, first_case=True),),
    )
}


def add_options(parser):
    add_seeds(parser, 3)
    add_sets(parser, SETS, f"default: {', '.join(SETS)}")
    parser.add_argument("--draws", type=int, default=5, help="draws of labels")


def read(name, part):
    """Series and labels of a set: list of (n_steps, n_channels) arrays, array."""
    found = importlib.util.find_spec("aeon")
    if found is None:
        raise NoData(f"{name} comes with the package aeon, which is not installed")
    folder = Path(found.submodule_search_locations[0]) / "datasets" / "data" / name
    text = (folder / f"{name}_{part}.ts").read_text()
    lines = text.split("@data", 1)[1].split()
    rows, labels = [], []
    for line in lines:
        *channels, label = line.split(":")
        rows.append(np.array([c.split(",") for c in channels], dtype=float).T)
        labels.append(label)
    return rows, np.array(labels)


def statistics(rows):
    """Five numbers of each channel: (n_rows, 5 * n_channels)."""
    return np.array(
        [
            np.concatenate(
                [
                    row.mean(axis=0),
                    row.std(axis=0),
                    row.min(axis=0),
                    row.max(axis=0),
                    np.abs(np.diff(row, axis=0)).mean(axis=0),
                ]
            )
            for row in rows
        ]
    )


def warped_distances(row, others):
    """Distances by dynamic time warping of a row to others: (n_others,)."""
    lengths = np.array([len(other) for other in others])
    padded = np.zeros((len(others), lengths.max(), row.shape[1]))
    for other, place in zip(others, padded, strict=True):
        place[: len(other)] = other
    before = np.full((len(others), lengths.max() + 1), np.inf)
    before[:, 0] = 0.0
    for step in row:
        cost = np.square(padded - step).sum(axis=2)
        now = np.full_like(before, np.inf)
        for j in range(lengths.max()):
            least = np.minimum(np.minimum(now[:, j], before[:, j]), before[:, j + 1])
            now[:, j + 1] = cost[:, j] + least
        before = now
    return before[np.arange(len(others)), lengths]


def by_warping(rows, y, test_rows):
    """Labels of the nearest training rows."""
    steps = np.concatenate(rows)
    mean, std = steps.mean(axis=0), steps.std(axis=0)
    rows = [(row - mean) / std for row in rows]
    return np.array(
        [y[warped_distances((row - mean) / std, rows).argmin()] for row in test_rows]
    )


def labelled(y, seed, n_labels):
    """Rows with so many labels of each class."""
    if n_labels is None:
        return np.arange(len(y))
    rng = np.random.default_rng(seed)
    of_class = [np.flatnonzero(y == label) for label in np.unique(y)]
    return np.concatenate(
        [rng.choice(rows, min(n_labels, len(rows)), replace=False) for rows in of_class]
    )


def compare(run, name, seed):
    (rows, y), (test, y_test) = read(name, "TRAIN"), read(name, "TEST")

    def codes(**params):
        network = run.network(seed) | params
        shape = (None, rows[0].shape[1])
        mae = MaskedAutoencoderTransformer(input_shape=shape, **network)
        with Clock() as clock:
            encoded = mae.fit_transform(rows)
        return encoded, mae.transform(test), clock.seconds

    found = {"statistics": (statistics(rows), statistics(test), 0.0)}
    untrained = {"max_epochs": 1, "lr": 1e-30, "weight_decay": 0.0}
    found["codes, untrained"] = codes(**untrained)
    found["codes"] = codes()
    encoded, encoded_test, spent = found["codes"]
    found["codes and statistics"] = (
        np.hstack([encoded, statistics(rows)]),
        np.hstack([encoded_test, statistics(test)]),
        spent,
    )
    for case, n_labels in {"5": 5, "all": None}.items():
        for draw in range(run.options.draws if n_labels else 1):
            some = labelled(y, draw, n_labels)
            for method, (features, features_test, spent) in found.items():
                linear = make_pipeline(
                    StandardScaler(), LogisticRegression(max_iter=3000)
                )
                linear.fit(features[some], y[some])
                figures = {
                    "accuracy": linear.score(features_test, y_test),
                    "CPU-s": spent,
                }
                run.note(name, method, seed, figures, case, draw)
            if seed == 0:
                with Clock() as clock:
                    guess = by_warping([rows[i] for i in some], y[some], test)
                figures = {"accuracy": np.mean(guess == y_test), "CPU-s": clock.seconds}
                run.note(name, "DTW", seed, figures, case, draw)


def run(run):
    for name in run.options.sets:
        for seed in run.seeds:
            compare(run, name, seed)
