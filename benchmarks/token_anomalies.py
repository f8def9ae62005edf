"""Changed letters in a motif of DNA: which rows are broken, and where.

Rows are strings of A, C, G and T: a motif of 12 letters, drawn once for a seed, between
flanks of 10 to 40 random letters. In every row each place of the motif has its letter
with probability .95. Broken rows have 2 or 3 places of it changed besides, to a letter
that is not the motif's. Methods learn from normal rows. "letters" is the AUROC of what
they blame in broken rows, over all letters of these, the changed ones being 1; "rows"
that of scores, broken rows against as many normal ones. IsolationForest and
LocalOutlierFactor see counts of 1 to 3 letters, and blame nothing; a Markov chain knows
how often each letter follows each other, and blames a letter for its surprise. CPU-s
are of a fit, scores and blame.
"""

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor

from benchmarks.measure import Clock
from benchmarks.run import add_seeds
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderDetector

LETTERS = np.array(list("ACGT"))
N_PLACES = 12
INTACT = 0.95
QUICK = {"seeds": 1, "rows": 40, "test_rows": 10}
VIEWS = {
    "scores": View(
        lines=("method",),
        columns="measure",
        measures=(
            Measure("letters", 3, "high", spread="error"),
            Measure("rows", 3, "high", spread="error"),
            Measure("CPU-s", 1),
        ),
    )
}


class MarkovChain:
    """Surprise of letters after the one before."""

    def fit(self, rows):
        """Count what follows what."""
        counts = np.ones((5, 4))  # the first letter follows none
        for row in rows:
            letters = numbers(row)
            np.add.at(counts, (np.append(4, letters[:-1]), letters), 1)
        self.surprise_ = -np.log(counts / counts.sum(axis=1, keepdims=True))
        return self

    def explain(self, rows):
        """Return the surprise of each letter."""
        letters = [numbers(row) for row in rows]
        return [self.surprise_[np.append(4, of[:-1]), of] for of in letters]

    def score_samples(self, rows):
        """Return mean log-likelihoods."""
        return -np.array([surprise.mean() for surprise in self.explain(rows)])


class OfCounts:
    """A detector of tables, of counts of 1 to 3 letters."""

    def __init__(self, detector):
        self.detector = detector
        self.counts = CountVectorizer(
            analyzer="char", ngram_range=(1, 3), lowercase=False
        )

    def fit(self, rows):
        """Learn which counts there are, and fit to them."""
        self.detector.fit(self.counts.fit_transform(rows).astype(float))
        return self

    def score_samples(self, rows):
        """Return scores of the counts."""
        return self.detector.score_samples(self.counts.transform(rows).astype(float))


METHODS = {
    "IForest": lambda run, seed: OfCounts(IsolationForest(random_state=seed)),
    "LOF": lambda run, seed: OfCounts(LocalOutlierFactor(novelty=True)),
    "Markov chain": lambda run, seed: MarkovChain(),
    "skmae": lambda run, seed: MaskedAutoencoderDetector(
        analyzer="char", **run.network(seed)
    ),
}


def numbers(row):
    return np.searchsorted(LETTERS, list(row))


def draw_rows(n_rows, motif, rng, broken=False):
    """Rows, and which of their letters were changed: two lists."""
    rows, changed = [], []
    for _ in range(n_rows):
        before, after = rng.integers(10, 41, size=2)
        letters = rng.integers(4, size=before + N_PLACES + after)
        another = (motif + rng.integers(1, 4, size=N_PLACES)) % 4
        inner = np.where(rng.random(N_PLACES) < INTACT, motif, another)
        where = np.zeros(len(letters), dtype=bool)
        if broken:
            places = rng.choice(N_PLACES, rng.integers(2, 4), replace=False)
            inner[places] = another[places]
            where[before + places] = True
        letters[before : before + N_PLACES] = inner
        rows.append("".join(LETTERS[letters]))
        changed.append(where)
    return rows, changed


def add_options(parser):
    add_seeds(parser, 3)
    parser.add_argument("--rows", type=int, default=2000, help="to train on")
    parser.add_argument("--test-rows", type=int, default=300, help="of either kind")
    parser.add_argument("--only", nargs="+", choices=METHODS, metavar="METHOD")


def run(run):
    options = run.options
    for seed in run.seeds:
        rng = np.random.default_rng(seed)
        motif = rng.integers(4, size=N_PLACES)
        train, _ = draw_rows(options.rows, motif, rng)
        normal, _ = draw_rows(options.test_rows, motif, rng)
        broken, changed = draw_rows(options.test_rows, motif, rng, broken=True)
        is_broken = np.repeat([0, 1], options.test_rows)
        for name in options.only or METHODS:
            figures = {}
            with Clock() as clock:
                method = METHODS[name](run, seed).fit(train)
                scores = method.score_samples(normal + broken)
                blame = method.explain(broken) if hasattr(method, "explain") else None
            if blame is not None:
                figures["letters"] = roc_auc_score(
                    np.concatenate(changed), np.concatenate(blame)
                )
            figures["rows"] = roc_auc_score(is_broken, -scores)
            run.note("motif", name, seed, figures | {"CPU-s": clock.seconds})
