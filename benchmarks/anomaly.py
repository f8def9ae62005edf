"""Outlier detection on ADBench's classical tables, beside the usual detectors.

Tables are cut to 10,000 rows by stratified sampling. Protocol A trains on a random
half of the normal rows and tests on the other half and all anomalies; protocol B
trains on a stratified 70 % of all rows, anomalies included, and tests on the others.
Nobody sees a label. Peers get standardised columns; PyOD's autoencoder takes part where
PyOD is installed. With --missing, that share of all cells is removed at random, and
peers get them filled from five neighbours (KNNImputer). AUROC and AUPRC are in %;
CPU-s are seconds of fit and scoring, on one thread.
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
from benchmarks.protocols import split_anomalies, without_cells
from benchmarks.run import add_seeds, add_sets
from benchmarks.tables import Measure, View
from skmae import MaskedAutoencoderDetector

TRAINING_DATA = {"A": "clean", "B": "contaminated"}
OURS = "skmae"
QUICK = {"sets": ["cancer", "wine"], "seeds": 1, "missing": 0.1}
VIEWS = {
    "scores": View(
        lines=("table",),
        columns="method",
        measures=(Measure("AUROC", 1, "high"), Measure("AUPRC", 1, "high")),
        footer=("mean", "mean rank", Measure("CPU-s", 1)),
    )
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


PEERS = {
    "kNN": knn,
    "kNN mean": knn_mean,
    "LOF": lof,
    "GMM": gmm,
    "IForest": forest,
    "PyOD AE": pyod_autoencoder,
}


def add_options(parser):
    add_seeds(parser, 1)
    add_sets(parser, None, "names of tables; default: all of DIR/anomaly")
    parser.add_argument("--protocol", choices=("A", "B"), default="A")
    parser.add_argument("--missing", type=float, default=0.0)
    parser.add_argument("--only", nargs="+", choices=[*PEERS, OURS], metavar="METHOD")


def scores_of(method, train, test, run, seed):
    if method == OURS:
        detector = MaskedAutoencoderDetector(
            training_data=TRAINING_DATA[run.options.protocol], **run.network(seed)
        )
        return -detector.fit(train).score_samples(test)
    prepare = StandardScaler()
    if np.isnan(train).any():
        prepare = make_pipeline(prepare, KNNImputer())
    return PEERS[method](prepare.fit_transform(train), prepare.transform(test), seed)


def run(run):
    options = run.options
    methods = options.only or [*PEERS, OURS]
    if "PyOD AE" in methods and not run.has("PyOD AE"):
        methods.remove("PyOD AE")
    for name in options.sets or run.source.names("anomaly", ".npz"):
        X, y = run.source.with_anomalies(name)
        for seed in run.seeds:
            train, test, truth = split_anomalies(X, y, options.protocol, seed)
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
                run.note(name, method, seed, figures)
