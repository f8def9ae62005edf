"""Few targets and many rows: from codes, fine-tuned, from scratch, and by others.

Every method sees all training rows and the targets of 20, 50 or 100 of them, drawn at
random, or of all; figures are R² on the 40 % of rows that nobody saw, split anew by
each seed, with the standard error over splits. CPU-s are of a fit with the fewest
targets. One thread.
"""

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler

from benchmarks.data import TARGETS
from benchmarks.measure import Clock
from benchmarks.peers import untrained
from benchmarks.protocols import case_of, mark
from benchmarks.run import add_seeds, add_sets
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderRegressor, MaskedAutoencoderTransformer

PENALTIES = np.logspace(-3, 4, 15)
N_NEIGHBOURS = 5
QUICK = {"sets": ["diabetes"], "seeds": 1, "targets": [20, 0]}
R2 = Measure("R2", better="high", spread="error")
CPU = Measure("CPU-s", 1, first_case=True)
VIEWS = {
    "scores": View(("method",), "case", (R2,), each=("table",), beside=(CPU,)),
    "mean": View(("method",), "case", (R2,)),
}


def add_options(parser):
    add_seeds(parser, 5)
    add_sets(parser, ["diabetes", *TARGETS])
    parser.add_argument(
        "--targets", type=int, nargs="+", default=[20, 50, 100, 0], help="0 is all"
    )


def supervised(seed):
    """What learns from rows with targets alone: {method: (features, model)}."""
    boosting = HistGradientBoostingRegressor(random_state=seed)
    small = HistGradientBoostingRegressor(min_samples_leaf=3, random_state=seed)
    return {
        "raw + ridge": ("raw", RidgeCV(PENALTIES)),
        "raw + kNN": ("raw", KNeighborsRegressor(N_NEIGHBOURS)),
        "boosting": ("raw", boosting),
        "boosting, leaf 3": ("raw", small),
        "codes + ridge": ("codes", RidgeCV(PENALTIES)),
    }


def networks(mae, scratch, run, seed):
    """The same network from scratch and from its pretraining, by name."""
    mae, scratch = FrozenEstimator(mae), FrozenEstimator(scratch)
    alone = {"self_training": False, "fine_tune_mask_ratio": 0.0}
    made = {
        "from scratch": MaskedAutoencoderRegressor(scratch, **alone),
        "fine-tuned, targets only": MaskedAutoencoderRegressor(mae, **alone),
        "fine-tuned": MaskedAutoencoderRegressor(mae),
    }
    return {
        method: model.set_params(**run.fine_tuning(seed))
        for method, model in made.items()
    }


def judge(run, name, X, y, seed):
    train, test, y_train, y_test = train_test_split(
        X, y, test_size=0.4, random_state=seed
    )
    mae = MaskedAutoencoderTransformer(**run.network(seed)).fit(train)
    scratch = MaskedAutoencoderTransformer(**run.network(seed))
    scratch = untrained(scratch, train)
    scaler = StandardScaler().fit(train)
    features = {
        "raw": (scaler.transform(train), scaler.transform(test)),
        "codes": [
            mae.transform(rows)[:, : mae.n_components_] for rows in (train, test)
        ],
    }

    def note(method, count, model, known, unseen):
        with Clock() as clock:
            model.fit(*known)
        figures = {"R2": model.score(unseen, y_test), "CPU-s": clock.seconds}
        run.note(name, method, seed, figures, case_of(count))

    order = np.random.default_rng(seed).permutation(len(train))
    for count in (n or None for n in run.options.targets):
        if count and count >= len(train):
            continue
        rows = order[:count]
        for method, (kind, model) in supervised(seed).items():
            codes, codes_test = features[kind]
            note(method, count, model, (codes[rows], y_train[rows]), codes_test)
        for method, model in networks(mae, scratch, run, seed).items():
            note(method, count, model, (train, mark(y_train, rows)), test)


def run(run):
    for name in run.options.sets:
        X, y = run.source.with_target(name)
        print(f"{name}: {len(X)} rows, {X.shape[1]} columns")
        for seed in run.seeds:
            judge(run, name, X, y, seed)
