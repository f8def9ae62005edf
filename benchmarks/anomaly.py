"""Outlier detection on ADBench's classical tables, beside the usual detectors.

Tables are cut to 10,000 rows, or --max-rows, by stratified sampling. Protocol A trains
on a random half of the normal rows and tests on the other half and all anomalies;
protocol B trains on a stratified 70 % of all rows, anomalies included, and tests on the
others. Nobody sees a label. Peers get standardised columns; those of PyOD take part
where it is installed. With --missing, that share of all cells is removed at random, and
peers get them filled from five neighbours (KNNImputer). AUROC and AUPRC are in %; CPU-s
are seconds of fit and scoring, on one thread. Tables that defaults of the detector were
chosen on are marked.
"""

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.impute import KNNImputer
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.measure import Clock
from benchmarks.protocols import (
    MOST_ROWS_WITH_ANOMALIES,
    split_anomalies,
    without_cells,
)
from benchmarks.run import add_seeds, add_sets
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderDetector

# The detector with its default training_data, and with others.
OURS = {
    "skmae": "auto",
    "skmae clean": "clean",
    "skmae contaminated": "contaminated",
}
# Tables by which defaults of the detector were chosen, among them forms of two bundled
# ones. On others figures may be expected to be a little lower.
CHOSEN_ON = {
    *("Pima", "Stamps", "WBC", "Wilt", "annthyroid", "breastw", "campaign", "fault"),
    *("landsat", "musk", "satellite", "satimage-2", "thyroid", "vowels"),
    *("digits", "wine"),
}
CASES = ("chosen on", "new")
QUICK = {"sets": ["cancer", "wine"], "seeds": 1, "missing": 0.1}
SCORES = (Measure("AUROC", 1, "high"), Measure("AUPRC", 1, "high"))
VIEWS = {
    "scores": View(
        lines=("table", "case"),
        columns="method",
        measures=SCORES,
        footer=("mean", "mean rank", Measure("CPU-s", 1)),
        names=("table", "defaults"),
    ),
    # Means over the tables that defaults were chosen on, and over others.
    "means": View(
        lines=("case",), columns="method", measures=SCORES, names=("defaults",)
    ),
}


def knn(train, test, seed):
    """Distance to the fifth neighbour, as PyOD's KNN has it by default."""
    return NearestNeighbors(n_neighbors=5).fit(train).kneighbors(test)[0][:, -1]


def knn_mean(train, test, seed):
    """Mean distance to five neighbours."""
    return NearestNeighbors(n_neighbors=5).fit(train).kneighbors(test)[0].mean(axis=1)


def lof(train, test, seed):
    return -LocalOutlierFactor(novelty=True).fit(train).score_samples(test)


def gmm(train, test, seed):
    model = GaussianMixture(
        min(10, len(train) // 10), reg_covar=1e-3, random_state=seed
    )
    return -model.fit(train).score_samples(test)


def forest(train, test, seed):
    return -IsolationForest(random_state=seed).fit(train).score_samples(test)


def pyod_autoencoder(train, test, seed):
    from pyod.models.auto_encoder import AutoEncoder

    # Its batch normalisation cannot take a last batch of a single row.
    batch_size = 32 if len(train) % 32 != 1 else 31
    model = AutoEncoder(batch_size=batch_size, random_state=seed, verbose=0)
    return model.fit(train).decision_function(test)


def mcd(train, test, seed):
    from pyod.models.mcd import MCD

    return MCD(random_state=seed).fit(train).decision_function(test)


def ecod(train, test, seed):
    from pyod.models.ecod import ECOD

    return ECOD().fit(train).decision_function(test)


def lunar(train, test, seed):
    from pyod.models.lunar import LUNAR

    return LUNAR(random_state=seed).fit(train).decision_function(test)


PEERS = {
    "kNN": knn,
    "kNN mean": knn_mean,
    "LOF": lof,
    "GMM": gmm,
    "IForest": forest,
    "PyOD AE": pyod_autoencoder,
    "MCD": mcd,
    "ECOD": ecod,
    "LUNAR": lunar,
}


def add_options(parser):
    add_seeds(parser, 1)
    add_sets(parser, None, "names of tables; default: all of DIR/anomaly")
    parser.add_argument("--protocol", choices=("A", "B"), default="A")
    parser.add_argument("--missing", type=float, default=0.0)
    parser.add_argument("--max-rows", type=int, default=MOST_ROWS_WITH_ANOMALIES)
    parser.add_argument("--only", nargs="+", choices=[*PEERS, *OURS], metavar="METHOD")


def scores_of(method, train, test, run, seed):
    if method in OURS:
        detector = MaskedAutoencoderDetector(
            training_data=OURS[method], **run.network(seed)
        )
        return -detector.fit(train).score_samples(test)
    prepare = StandardScaler()
    if np.isnan(train).any():
        prepare = make_pipeline(prepare, KNNImputer())
    return PEERS[method](prepare.fit_transform(train), prepare.transform(test), seed)


def run(run):
    options = run.options
    methods = run.installed(options.only or [*PEERS, *OURS])
    for name in options.sets or run.source.names("anomaly", ".npz"):
        X, y = run.source.with_anomalies(name)
        for seed in run.seeds:
            train, test, truth = split_anomalies(
                X, y, options.protocol, seed, options.max_rows
            )
            if options.missing:
                train = without_cells(train, options.missing, seed)
                test = without_cells(test, options.missing, seed + 1000)
            for method in methods:
                with Clock() as clock:
                    scores = scores_of(method, train, test, run, seed)
                figures = {
                    "AUROC": 100 * roc_auc_score(truth, scores),
                    "AUPRC": 100 * average_precision_score(truth, scores),
                    "CPU-s": clock.seconds,
                }
                run.note(name, method, seed, figures, CASES[name not in CHOSEN_ON])
