"""A classifier that learns from augmented rows, too, beside one that does not.

Tables are cut to 3,000 rows, split in halves anew for each seed. The transformer is
fitted to all training rows without labels; 10 or 50 labelled rows per class (at most
what a class has), or all, are then varied four times. A classifier learns from them
with and without the varied rows. Figures are test accuracies and the mean difference
with its 95 % confidence interval (t distribution, over seeds). One thread.

With --realism it measures instead how well a random forest and gradient boosting,
cross-validated, tell rows varied once with the default mask ratio from test rows, and
training rows from test rows: AUROC, mean over seeds. "drawn together" are the training
rows with as many cells hidden, drawn by MaskedAutoencoderGenerator, fitted to the same
rows: ``sample(given=)``. CPU-s are of fits and of varying all rows once.
"""

import numpy as np
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.measure import Clock
from benchmarks.protocols import case_of, draw_labels, split_table
from benchmarks.run import add_seeds, add_sets
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderGenerator, MaskedAutoencoderTransformer
from skmae.features.augmentation import draw_masks

LABELS_PER_CLASS = (10, 50, None)
MAX_ROWS = 3000
N_COPIES = 4
CLASSIFIERS = {
    "logistic": lambda seed: make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000)
    ),
    "trees": lambda seed: ExtraTreesClassifier(100, random_state=seed),
}
JUDGES = {
    "forest": lambda seed: RandomForestClassifier(200, random_state=seed),
    "boosting": lambda seed: HistGradientBoostingClassifier(random_state=seed),
}
QUICK = {"sets": ["wine"], "seeds": 1}
VIEWS = {
    "gains": View(
        lines=("table", "method", "case"),
        columns="measure",
        measures=(
            Measure("without"),
            Measure("with"),
            Measure("difference", spread="interval", signed=True),
        ),
        names=("table", "classifier", "labels"),
    ),
    "realism": View(
        lines=("table", "method"),
        columns="measure",
        measures=tuple(
            Measure(rows, 2)
            for rows in ("varied rows", "drawn together", "training rows")
        ),
        names=("table", "judge"),
    ),
    "seconds": View(
        lines=("table", "method"),
        columns="measure",
        measures=(Measure("fit CPU-s", 1), Measure("rows CPU-s", 1)),
    ),
}


def add_options(parser):
    add_seeds(parser, 5)
    add_sets(parser, ["digits", "wine", "cancer", "sonar", "obesity"])
    parser.add_argument("--mask-ratio", type=float, default=0.2)
    parser.add_argument("--realism", action="store_true")


def halves(run, name, seed):
    X, y = run.source.labelled(name)
    return split_table(X, y, seed, max_rows=MAX_ROWS, test_size=0.5)


def fitted(run, X, seed):
    return MaskedAutoencoderTransformer(**run.network(seed)).fit(X)


def told_apart(judge, some, others, seed):
    """AUROC of a classifier that is to tell two tables apart."""
    origin = np.repeat([0, 1], [len(some), len(others)])
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    of_others = cross_val_predict(
        judge, np.vstack([some, others]), origin, cv=folds, method="predict_proba"
    )[:, 1]
    return roc_auc_score(origin, of_others)


def measure_realism(run, name, seed):
    X, X_test, _, _ = halves(run, name, seed)
    with Clock() as fit:
        mae = fitted(run, X, seed)
    with Clock() as varying:
        new = mae.augment(X, random_state=seed)
    note_seconds(run, name, "augment", seed, fit, varying)
    hidden = draw_masks(mae.model_.random_masks(), X, seed)
    with Clock() as fit:
        generator = MaskedAutoencoderGenerator(**run.network(seed)).fit(X)
    with Clock() as varying:
        given = np.where(hidden, np.nan, X)
        drawn = generator.sample(given=given, random_state=seed)
    note_seconds(run, name, "generator", seed, fit, varying)
    kinds = {"varied rows": new, "drawn together": drawn, "training rows": X}
    for judge, make in JUDGES.items():
        figures = {
            kind: told_apart(make(seed), X_test, rows, seed)
            for kind, rows in kinds.items()
        }
        run.note(name, judge, seed, figures)


def note_seconds(run, name, method, seed, fit, varying):
    seconds = {"fit CPU-s": fit.seconds, "rows CPU-s": varying.seconds}
    run.note(name, method, seed, seconds)


def measure_gains(run, name, seed):
    X, X_test, y, y_test = halves(run, name, seed)
    mae, ratio = fitted(run, X, seed), run.options.mask_ratio
    for per_class in LABELS_PER_CLASS:
        rows = draw_labels(y, per_class, seed)
        new = mae.augment(X[rows], N_COPIES, ratio, random_state=seed)
        more = np.vstack([X[rows], new]), np.tile(y[rows], 1 + N_COPIES)
        for classifier, make in CLASSIFIERS.items():
            alone, augmented = (
                make(seed).fit(*known).score(X_test, y_test)
                for known in [(X[rows], y[rows]), more]
            )
            figures = {
                "without": alone,
                "with": augmented,
                "difference": augmented - alone,
            }
            run.note(name, classifier, seed, figures, case_of(per_class))


def run(run):
    for name in run.options.sets:
        for seed in run.seeds:
            if run.options.realism or run.quick:
                measure_realism(run, name, seed)
            if not run.options.realism:
                measure_gains(run, name, seed)
