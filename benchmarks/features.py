"""Features learned without labels, judged by a linear classifier.

Features are learned from all training rows; LogisticRegression then learns from them
with 10, 20 or 100 labels per class (mean over draws; nothing where a class has fewer
rows) and with all. Figures are means over seeds with their standard error, where there
are several, and CPU-seconds of a fit, on one thread:

- mnist: 10,000 images, 5,000 for testing; accuracy; one seed, 3 draws.
- digits: 70 %, the rest for testing, split anew by each of 4 seeds; accuracy; 10 draws.
- tables: 60 % of at most 4,000 rows, the rest for testing, one split for all seeds, so
  that errors tell of a method's own draws alone; balanced accuracy; 2 seeds, 5 draws.
  "digits_table" is digits by this protocol. Those of "chosen" were looked at while
  defaults were chosen, those of "unseen" were not. --sets takes names of tables, too.

The plain autoencoder is the same network with nothing hidden. Both give the visible
cells of tables behind the code, and of images features of random walks; "code alone" is
without them. "image" is told the shape of an image, the others see 64 columns; of MNIST
both are told.
"""

from itertools import chain

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from benchmarks.data import ARCHIVES, FURTHER_ARCHIVES
from benchmarks.measure import Clock
from benchmarks.peers import make_nystroem, make_umap
from benchmarks.protocols import LABELS_PER_CLASS, case_of, draw_labels, split_table
from benchmarks.run import add_sets
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderTransformer

IMAGES = ["mnist", "digits"]
UCI = ["wine", "cancer", "letter", "obesity", "sonar", "climate", "blood"]
# Tables that were looked at while the transformer's defaults were chosen, and others.
CHOSEN = ["digits_table", *UCI, *ARCHIVES]
UNSEEN = ["iris", "parkinsons", *FURTHER_ARCHIVES]
GROUPS = {"tables": [*CHOSEN, *UNSEEN], "chosen": CHOSEN, "unseen": UNSEEN}
N_SEEDS = {"mnist": 1, "digits": 4}  # of tables 2
N_DRAWS = {"mnist": 3, "digits": 10}  # of tables 5

QUICK = {"sets": ["digits", "iris", "wine"], "seeds": 1, "umap": True}
ACCURACY = Measure("accuracy", better="high", spread="error")
BALANCED = Measure("balanced accuracy", better="high", spread="error")
CPU = Measure("CPU-s", 1)
VIEWS = {
    "accuracy": View(("method",), "case", (ACCURACY,), each=("table",), beside=(CPU,)),
    "balanced": View(("method",), "case", (BALANCED,), each=("table",), beside=(CPU,)),
    "mean": View(("method",), "case", (BALANCED,), count_best=True),
    "mean-chosen": View(
        ("method",), "case", (BALANCED,), count_best=True, omit=tuple(UNSEEN)
    ),
    "mean-unseen": View(
        ("method",), "case", (BALANCED,), count_best=True, omit=tuple(CHOSEN)
    ),
    "by-table": View(
        ("table",), "method", (BALANCED,), each=("case",), marked=tuple(CHOSEN)
    ),
}


def add_options(parser):
    add_sets(parser, [*IMAGES, "tables"], f"names, or of {[*GROUPS]}")
    parser.add_argument("--seeds", type=int, help="of each set, in place of its own")
    parser.add_argument("--C", type=float, default=1.0, help="of LogisticRegression")
    parser.add_argument("--umap", action="store_true", help="needs umap-learn")


def split(name, source, seed):
    """X, X_test, y, y_test."""
    if name == "mnist":
        images = source.images(name)
        return images.X, images.X_test, images.y, images.y_test
    X, y = source.labelled(name.removesuffix("_table"))
    if name == "digits":
        return train_test_split(X, y, test_size=0.3, random_state=seed, stratify=y)
    return split_table(X, y, seed=0)


def make_scaler(name):
    """How rows are scaled for all but the autoencoders, which do it themselves."""
    if name in IMAGES:
        white = {"mnist": 255, "digits": 16}[name]
        return FunctionTransformer(lambda X: X.reshape(len(X), -1) / white)
    return StandardScaler()


def make_peers(scaled, seed, with_umap):
    # All components of a table would be its columns again, only turned.
    n_components = 64 if scaled.shape[1] > 64 else 0.95
    peers = {
        "raw": FunctionTransformer(),
        "PCA": PCA(n_components, random_state=seed),
        "Nystroem": make_nystroem(scaled, seed),
    }
    return peers | ({"UMAP": make_umap(scaled, seed)} if with_umap else {})


def make_autoencoders(name, common):
    if name == "mnist":
        common["input_shape"] = (28, 28)
    made = {
        "plain autoencoder": MaskedAutoencoderTransformer(mask_ratio=0, **common),
        "masked autoencoder": MaskedAutoencoderTransformer(**common),
    }
    if name == "digits":
        common["input_shape"] = (8, 8)
        made["plain, image"] = MaskedAutoencoderTransformer(mask_ratio=0, **common)
        made["masked, image"] = MaskedAutoencoderTransformer(**common)
    return made


def score(name, codes, codes_test, y, y_test, per_class, C):
    """Mean over draws of the labelled rows."""
    metric = accuracy_score if name in IMAGES else balanced_accuracy_score
    scores = []
    for draw in range(N_DRAWS.get(name, 5) if per_class else 1):
        rows = draw_labels(y, per_class, draw)
        model = LogisticRegression(C=C, max_iter=2000)
        model.fit(codes[rows], y[rows])
        scores.append(metric(y_test, model.predict(codes_test)))
    return np.mean(scores)


def judge(run, name, seed, with_umap):
    measure = "accuracy" if name in IMAGES else "balanced accuracy"
    X, X_test, y, y_test = split(name, run.source, seed)
    scaler = make_scaler(name).fit(X)
    scaled, scaled_test = scaler.transform(X), scaler.transform(X_test)
    peers = make_peers(scaled, seed, with_umap)
    methods = peers | make_autoencoders(name, run.network(seed))
    for method, transformer in methods.items():
        rows, rows_test = (scaled, scaled_test) if method in peers else (X, X_test)
        with Clock() as clock:
            transformer.fit(rows)
        run.note(name, method, seed, {"CPU-s": clock.seconds})
        features = [transformer.transform(rows), transformer.transform(rows_test)]
        for kind, (codes, codes_test) in variants(transformer, features).items():
            for n in LABELS_PER_CLASS:
                if n is None or np.bincount(y).min() >= n:
                    found = score(name, codes, codes_test, y, y_test, n, run.options.C)
                    figures = {measure: found}
                    run.note(name, method + kind, seed, figures, case_of(n))


def variants(transformer, features):
    """Features as they are and, where more stands behind the code, the code alone."""
    kept = {"": features}
    is_ours = isinstance(transformer, MaskedAutoencoderTransformer)
    if is_ours and features[0].shape[1] > transformer.n_components_:
        width = transformer.n_components_
        kept[", code alone"] = [rows[:, :width] for rows in features]
    return kept


def run(run):
    with_umap = run.options.umap and run.has("UMAP")
    groups = [GROUPS.get(name, [name]) for name in run.options.sets]
    for name in chain.from_iterable(groups):
        for seed in range(run.options.seeds or N_SEEDS.get(name, 2)):
            judge(run, name, seed, with_umap)
