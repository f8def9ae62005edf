"""Rows of tokens: peptides with few labels, and hidden tokens whose optimum is known.

Peptides come with the package modlamp (not imported, only read). 40 % of each set are
kept for testing (stratified). Everything but labels is learned from the other rows;
then LogisticRegression learns from 10, 20 or 100 labels per class, in --draws draws, or
from all, and is judged by the accuracy on the test rows. The methods:

- counts: of 1 to 3 letters, in shares of the largest;
- tf-idf: of 1 to 3 letters, C = 10;
- StringEncoder: skrub's, of 1 to 3 letters, with 256 components;
- codes: of MaskedAutoencoderTransformer(analyzer="char");
- codes, untrained: of the same network before training;
- fine-tuned: MaskedAutoencoderClassifier with the same network, pretrained once;
- fine-tuned, from scratch: the same, not pretrained.

"markov" are rows of 20 to 60 letters from a chain of 20 states, of which each has one
likely successor (probability .78) and a few others. Of 500 test rows 15 % of the
letters are hidden: share of them that is guessed, beside the best possible guess, which
knows the chain (forward and backward probabilities), and the likeliest letter between
the two neighbours by counts of the training rows.

"lengths" tells what a short row costs: seconds of a fit to rows of 16 letters, in
shares of one to rows of 128 letters, divided by their share of the letters.
"""

import importlib.util
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from benchmarks.data import NoData
from benchmarks.measure import Clock
from benchmarks.run import QUICK_ROWS, add_seeds, add_sets
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderClassifier, MaskedAutoencoderTransformer

PEPTIDES = {
    "AMPvsUniProt": "AMPvsUniProt.csv",
    "AMPvsTM": "AMPvsTMset.csv",
    "ACPvsTM": "ACP_CancPPD_vs_TM.csv",
}
LABELS = ("10", "20", "100", "all")
LETTERS = "ACDEFGHIKLMNPQRSTVWY"
QUICK = {"sets": ["markov", "lengths"], "seeds": 1, "draws": 1}
ACCURACY = Measure("accuracy", better="high")
VIEWS = {
    "peptides": View(
        lines=("table", "method"),
        columns="case",
        measures=(ACCURACY,),
        beside=(Measure("CPU-s", 0, first_case=True),),
        omit=("markov", "lengths"),
    ),
    "markov": View(
        lines=("method",),
        columns="measure",
        measures=(Measure("hidden tokens", better="high"), Measure("fit CPU-s", 0)),
    ),
    "lengths": View(("method",), "measure", (Measure("cost of a short row", 2),)),
}


def add_options(parser):
    add_seeds(parser, 1)
    names = [*PEPTIDES, "markov", "lengths"]
    add_sets(parser, names, f"default: {', '.join(names)}")
    parser.add_argument("--draws", type=int, default=5, help="draws of labels")
    parser.add_argument("--methods", nargs="+", help="of peptides; default: all")


# -- peptides ------------------------------------------------------------------------


def peptides(name):
    """Rows and classes of a set of modlamp."""
    found = importlib.util.find_spec("modlamp")
    if found is None:
        raise NoData(f"{name} comes with the package modlamp, which is not installed")
    folder = Path(found.submodule_search_locations[0])
    lines = (folder / "data" / PEPTIDES[name]).read_text().split("\n")[1:]
    cells = [line.split(",") for line in lines if line.strip()]
    return [row.strip() for row, _ in cells], np.array([int(y) for _, y in cells])


def labelled_rows(y, n_labels, draw):
    """Positions of rows whose labels are known."""
    if n_labels == "all":
        return np.arange(len(y))
    rng = np.random.default_rng(draw)
    of_class = [np.flatnonzero(y == label) for label in np.unique(y)]
    n = min(int(n_labels), *map(len, of_class))
    return np.concatenate([rng.choice(rows, n, replace=False) for rows in of_class])


def features(run, seed):
    """By method: what makes features of rows, and the classifier's C."""
    ngrams = {"analyzer": "char", "ngram_range": (1, 3), "lowercase": False}
    methods = {
        "counts": (make_pipeline(CountVectorizer(**ngrams), MaxAbsScaler()), 1.0),
        "tf-idf": (TfidfVectorizer(**ngrams), 10.0),
    }
    if run.has("StringEncoder"):
        from skrub import StringEncoder

        methods["StringEncoder"] = (
            _Column(StringEncoder(256, ngram_range=(1, 3), analyzer="char")),
            1.0,
        )
    network = run.network(seed) | {"analyzer": "char"}
    untrained = network | {"max_epochs": 1, "lr": 1e-30, "weight_decay": 0.0}
    methods["codes, untrained"] = MaskedAutoencoderTransformer(**untrained), 1.0
    methods["codes"] = MaskedAutoencoderTransformer(**network), 1.0
    return methods


class _Column:
    """A skrub encoder, which takes a column and gives a frame."""

    def __init__(self, encoder):
        self.encoder = encoder

    def fit_transform(self, rows):
        """Fit, and encode the same rows."""
        return self.encoder.fit_transform(_named(rows)).to_numpy()

    def transform(self, rows):
        """Encode rows."""
        return self.encoder.transform(_named(rows)).to_numpy()


def _named(rows):
    import pandas as pd

    return pd.Series(rows, name="sequence")


def judge(run, table, method, seed, y, y_test, seconds, predict):
    """Keep accuracies of ``predict(labelled)`` for each number of labels."""
    for n_labels in LABELS:
        for draw in range(1 if n_labels == "all" else run.options.draws):
            labelled = labelled_rows(y, n_labels, draw)
            with Clock() as clock:
                accuracy = np.mean(predict(labelled) == y_test)
            # The first line has the time of what needs no label too.
            figures = {"accuracy": accuracy, "CPU-s": seconds + clock.seconds}
            run.note(table, method, seed, figures, case=n_labels, draw=draw)


def compare(run, table, seed):
    X, y = peptides(table)
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.4, stratify=y, random_state=seed
    )
    if run.quick:
        X, y = X[:QUICK_ROWS], y[:QUICK_ROWS]
    wanted = run.options.methods
    for method, (encoder, c) in features(run, seed).items():
        tuned = "fine-tuned" + (", from scratch" if "untrained" in method else "")
        if wanted is not None and not {method, tuned} & set(wanted):
            continue
        with Clock() as clock:
            codes = encoder.fit_transform(X)
        codes_test = encoder.transform(X_test)

        def predict(labelled, codes=codes, codes_test=codes_test, c=c):
            linear = LogisticRegression(C=c, max_iter=3000)
            return linear.fit(codes[labelled], y[labelled]).predict(codes_test)

        if wanted is None or method in wanted:
            judge(run, table, method, seed, y, y_test, clock.seconds, predict)
        if method.startswith("codes") and (wanted is None or tuned in wanted):

            def fine_tuned(labelled, encoder=encoder):
                known = np.full(len(y), -1)
                known[labelled] = y[labelled]
                classifier = MaskedAutoencoderClassifier(
                    FrozenEstimator(encoder), **run.fine_tuning(seed)
                )
                return classifier.fit(X, known).predict(X_test)

            judge(run, table, tuned, seed, y, y_test, clock.seconds, fine_tuned)


# -- a chain -------------------------------------------------------------------------


def chain(seed, n_states=20, likely=0.78):
    """Probabilities of each state's successors."""
    rng = np.random.default_rng(seed)
    others = rng.dirichlet(np.full(n_states, 0.3), size=n_states)
    steps = (1 - likely) * others
    steps[np.arange(n_states), rng.permutation(n_states)] += likely
    return steps


def walks(steps, n_rows, rng):
    """Draw rows of 20 to 60 states: list of int arrays."""
    cumulative, rows = steps.cumsum(axis=1), []
    for _ in range(n_rows):
        row = np.empty(rng.integers(20, 61), dtype=int)
        row[0] = rng.integers(len(steps))
        for i in range(1, len(row)):
            drawn = (cumulative[row[i - 1]] < rng.random()).sum()
            row[i] = min(drawn, len(steps) - 1)
        rows.append(row)
    return rows


def best_guess(steps, row, hidden):
    """The likeliest state of each step, by the visible ones of the row."""
    seen = np.where(hidden[:, None], 1.0, np.eye(len(steps))[row])
    forward, backward = np.empty(seen.shape), np.ones(seen.shape)
    state = np.full(len(steps), 1 / len(steps))
    for i in range(len(row)):
        forward[i] = seen[i] * (state if i == 0 else forward[i - 1] @ steps)
        forward[i] /= forward[i].sum()
    for i in range(len(row) - 2, -1, -1):
        backward[i] = steps @ (seen[i + 1] * backward[i + 1])
        backward[i] /= backward[i].sum()
    return (forward * backward).argmax(axis=1)


def counted_guess(counts, row, hidden):
    """The likeliest state between two neighbours, by counts of pairs."""
    padded = np.concatenate([[-1], np.where(hidden, -1, row), [-1]])
    even = np.ones(len(counts))
    before = [counts[i] if i >= 0 else even for i in padded[:-2]]
    after = [counts[:, i] if i >= 0 else even for i in padded[2:]]
    return (np.array(before) * np.array(after)).argmax(axis=1)


def guess_hidden(run, seed):
    rng = np.random.default_rng(seed)
    steps = chain(seed)
    n_train = QUICK_ROWS if run.quick else 2000
    rows = walks(steps, n_train + 500, rng)
    train, test = rows[:n_train], rows[n_train:]
    masks = [rng.random(len(row)) < 0.15 for row in test]
    counts = np.full(steps.shape, 0.1)
    for row in train:
        np.add.at(counts, (row[:-1], row[1:]), 1)
    counts /= counts.sum(axis=1, keepdims=True)

    def share(guesses):
        hit = [
            (guess == row)[mask]
            for guess, row, mask in zip(guesses, test, masks, strict=True)
        ]
        return {"hidden tokens": np.concatenate(hit).mean()}

    pairs = list(zip(test, masks, strict=True))
    run.note(
        "markov", "best possible", seed, share(best_guess(steps, *p) for p in pairs)
    )
    counted = share(counted_guess(counts, *p) for p in pairs)
    run.note("markov", "counts of pairs", seed, counted)

    letters = np.array(list(LETTERS))
    as_text = ["".join(letters[row]) for row in rows]
    mae = MaskedAutoencoderTransformer(analyzer="char", **run.network(seed))
    with Clock() as clock:
        mae.fit(as_text[:n_train])
    restored = mae.restore(as_text[n_train:], masks)
    guesses = [np.array([LETTERS.index(letter) for letter in row]) for row in restored]
    run.note("markov", "restore", seed, share(guesses) | {"fit CPU-s": clock.seconds})


# -- lengths -------------------------------------------------------------------------


def cost_of_short_rows(run, seed):
    rng = np.random.default_rng(seed)
    epochs = 2 if run.quick else 20
    seconds = {}
    for length in (16, 128):
        rows = ["".join(rng.choice(list(LETTERS), length)) for _ in range(640)]
        mae = MaskedAutoencoderTransformer(
            analyzer="char", batch_size=64, max_epochs=epochs, random_state=seed
        )
        mae.set_params(max_epochs=1).fit(rows)  # warm
        with Clock() as clock:
            mae.set_params(max_epochs=epochs).fit(rows)
        seconds[length] = clock.seconds
    cost = seconds[16] / seconds[128] * 128 / 16
    run.note("lengths", "fit", seed, {"cost of a short row": cost})


def run(run):
    for table in run.options.sets:
        for seed in run.seeds:
            if table == "markov":
                guess_hidden(run, seed)
            elif table == "lengths":
                cost_of_short_rows(run, seed)
            else:
                compare(run, table, seed)
