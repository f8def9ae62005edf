"""Few labels and many rows: from codes, fine-tuned, from scratch, and by others.

Every method sees all training rows and the labels of 10, 20 or 100 rows per class
(at most what a class has) or of all; figures are accuracies and log losses on rows that
nobody saw. Tables are cut to 4,000 rows, of which 40 % are for testing, split anew by
each seed. MNIST is split already: there the network is pretrained once, with the first
seed, and labels are drawn with seeds from 0 on. CPU-s are of a fit with the fewest
labels. One thread.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from benchmarks.data import BUNDLED, CLASSES
from benchmarks.measure import Clock
from benchmarks.peers import make_nystroem, make_tabular, make_umap, untrained
from benchmarks.protocols import case_of, draw_labels, mark, split_table
from benchmarks.run import add_seeds, add_sets
from benchmarks.tables import Measure, View
from skmae import (
    DiffusionMap,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderTransformer,
)

PARTS = ("features", "boosting", "self-training", "tabular", "networks")
QUICK = {"sets": ["iris"], "seeds": 1, "labels": [10, 0], "umap": True}
ACCURACY = Measure("accuracy", better="high")
LOSS = Measure("log loss", better="low")
AHEAD = Measure("points ahead", 2, spread="error", signed=True)
CPU = Measure("CPU-s", 1, first_case=True)
IMAGES = ("mnist",)
VIEWS = {
    "accuracy": View(("method",), "case", (ACCURACY,), each=("table",), beside=(CPU,)),
    "log-loss": View(("method",), "case", (LOSS,), each=("table",)),
    "ahead": View(("table",), "case", (AHEAD,)),
    "mean": View(("method",), "case", (ACCURACY,), omit=IMAGES),
    "mean-log-loss": View(("method",), "case", (LOSS,), omit=IMAGES),
    "by-table": View(("method",), "table", (ACCURACY,), each=("case",), omit=IMAGES),
}


def add_options(parser):
    add_seeds(parser, 3)
    add_sets(parser, ["mnist", *BUNDLED, *CLASSES])
    parser.add_argument(
        "--labels", type=int, nargs="+", default=[10, 20, 100, 0], help="0 is all"
    )
    parser.add_argument("--umap", action="store_true", help="needs umap-learn")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)


@dataclass
class Split:
    """Rows to learn from and to test on, as they are and scaled as flat rows."""

    name: str
    seed: int
    X: np.ndarray
    X_test: np.ndarray
    y: np.ndarray
    y_test: np.ndarray

    def __post_init__(self):
        if self.is_mnist:
            self.flat = self.X.reshape(len(self.X), -1) / 255
            self.flat_test = self.X_test.reshape(len(self.X_test), -1) / 255
        else:
            scaler = StandardScaler().fit(self.X)
            self.flat = scaler.transform(self.X)
            self.flat_test = scaler.transform(self.X_test)

    @property
    def is_mnist(self):
        """Whether rows are images of MNIST."""
        return self.name == "mnist"


def splits(name, source, seeds):
    """Yield splits; pixels of MNIST, which is split already, are fitted only once."""
    if name == "mnist":
        images = source.images(name)
        yield Split(name, seeds[0], images.X, images.X_test, images.y, images.y_test)
        return
    for seed in seeds:
        yield Split(name, seed, *split_table(*source.labelled(name), seed))


def make_features(run, split, encoder, with_umap):
    """Features that are learned without labels, by name: (of X, of X_test)."""
    X, X_test = split.flat, split.flat_test
    made = {
        "raw": FunctionTransformer(),
        "PCA": PCA(min(64, X.shape[1], len(X)), random_state=split.seed),
        "Nystroem": make_nystroem(X),
        **neighbour_embeddings(X, split.seed, with_umap),
    }
    features = {
        method: (transformer.fit(X).transform(X), transformer.transform(X_test))
        for method, transformer in made.items()
    }
    both = encoder.transform(split.X), encoder.transform(split.X_test)
    codes, codes_test = (rows[:, : encoder.n_components_] for rows in both)
    features["codes"] = codes, codes_test
    if both[0].shape[1] > codes.shape[1]:
        features["codes and what is behind them"] = both
    embeddings = neighbour_embeddings(codes, split.seed, with_umap)
    for method, embedding in embeddings.items():
        with Clock() as clock:
            features[f"codes, {method}"] = (
                embedding.fit(codes).transform(codes),
                embedding.transform(codes_test),
            )
        seconds = {"CPU-s": clock.seconds}
        run.note(split.name, f"embedding, {method}", split.seed, seconds)
    return features


def neighbour_embeddings(X, seed, with_umap):
    made = {"diffusion map": DiffusionMap(random_state=seed)}
    if with_umap:
        made["UMAP"] = make_umap(X, seed)
    return made


def boosters(split, per_class):
    """Boosting with its defaults and small leaves, where it does not take minutes."""
    leaves = {"boosting": 20, "boosting, leaf 3": 3}
    if split.is_mnist:
        leaves = {"boosting": 20} if per_class else {}
    return {
        method: HistGradientBoostingClassifier(
            min_samples_leaf=leaf, random_state=split.seed
        )
        for method, leaf in leaves.items()
    }


def self_trained(boosters):
    """The same boosting, which learns from its own confident predictions too."""
    return {
        f"{method}, self-trained": SelfTrainingClassifier(booster)
        for method, booster in boosters.items()
    }


def networks(encoder, scratch, per_class, params):
    """The same network from scratch and from its pretraining, by name."""
    encoder, scratch = FrozenEstimator(encoder), FrozenEstimator(scratch)
    made = {
        "from scratch": MaskedAutoencoderClassifier(scratch, self_training=False),
        "fine-tuned, labels only": MaskedAutoencoderClassifier(
            encoder, self_training=False
        ),
        "fine-tuned": MaskedAutoencoderClassifier(encoder),
    }
    if per_class is None:
        del made["fine-tuned, labels only"]  # there are no others
        made["fine-tuned, uncalibrated"] = MaskedAutoencoderClassifier(
            encoder, calibrate=False
        )
    return {method: model.set_params(**params) for method, model in made.items()}


def judge(run, split, draw, case, method, model, known, X_test):
    """Fit a classifier to what is known, ask it of the rest, return its accuracy."""
    with Clock() as clock:
        model.fit(*known)
        probabilities = model.predict_proba(X_test)
    right = model.classes_[probabilities.argmax(axis=1)] == split.y_test
    figures = {
        "accuracy": np.mean(right),
        "log loss": log_loss(split.y_test, probabilities, labels=model.classes_),
        "CPU-s": clock.seconds,
    }
    run.note(split.name, method, draw, figures, case)
    return figures["accuracy"]


def judge_split(run, split, draws, with_umap):
    parts = run.options.parts
    params = {"input_shape": (28, 28)} if split.is_mnist else {}
    encoder = MaskedAutoencoderTransformer(**run.network(split.seed), **params)
    scratch = untrained(clone(encoder), split.X)
    with Clock() as clock:
        encoder.fit(split.X)
    run.note(split.name, "pretraining", split.seed, {"CPU-s": clock.seconds})
    features = {}
    if "features" in parts:
        features = make_features(run, split, encoder, with_umap)

    for per_class in (n or None for n in run.options.labels):
        for draw in draws if per_class else draws[:1]:
            rows = draw_labels(split.y, per_class, draw)
            drawn = run, split, draw, case_of(per_class)
            y = split.y[rows]
            for method, (X, X_test) in features.items():
                model = LogisticRegression(max_iter=2000)
                judge(*drawn, method, model, (X[rows], y), X_test)
            if "boosting" in parts:
                for method, model in boosters(split, per_class).items():
                    judge(*drawn, method, model, (split.flat[rows], y), split.flat_test)
            if "self-training" in parts and per_class and not split.is_mnist:
                known = split.flat, np.nan_to_num(mark(split.y, rows), nan=-1)
                for method, model in self_trained(boosters(split, per_class)).items():
                    judge(*drawn, method, model, known, split.flat_test)
            if "tabular" in parts and not split.is_mnist:
                for method in run.installed(("RealMLP", "TabM")):
                    model = make_tabular(draw)[method]
                    judge(*drawn, method, model, (split.X[rows], y), split.X_test)
            if "networks" in parts:
                made = networks(encoder, scratch, per_class, run.fine_tuning(draw))
                judge_networks(*drawn, made, (split.X, mark(split.y, rows)))


def judge_networks(run, split, draw, case, made, known):
    """Judge each, and how far the head start brings the network."""
    right = {
        method: judge(run, split, draw, case, method, model, known, split.X_test)
        for method, model in made.items()
    }
    ahead = 100 * (right["fine-tuned"] - right["from scratch"])
    run.note(split.name, "fine-tuned", draw, {"points ahead": ahead}, case)


def run(run):
    options = run.options
    with_umap = options.umap and "features" in options.parts and run.has("UMAP")
    for name in options.sets:
        for split in splits(name, run.source, run.seeds):
            draws = range(options.seeds) if split.is_mnist else [split.seed]
            judge_split(run, split, draws, with_umap)
