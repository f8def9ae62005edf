"""Estimators of densities and of probabilities.

Each is fitted to rows and returns what gives the log-density of others.
"""

import numpy as np
import pandas as pd
import torch
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, KFold, train_test_split
from sklearn.neighbors import KernelDensity

from benchmarks.generators import fit_mixture, search_mixture
from skmae import MaskedAutoencoderGenerator

BANDWIDTHS = np.geomspace(0.03, 1.0, 12)
FLOW_EPOCHS = 500
FLOW_PATIENCE = 30
PIXEL_COMPONENTS = (1, 5, 10, 20, 40, 80)


def gaussian(X, run, seed):
    """A single Gaussian."""
    return GaussianMixture(1, random_state=seed).fit(X).score_samples


def mixture(X, run, seed):
    """A mixture of Gaussians, of as many as BIC prefers."""
    return fit_mixture(X, seed).score_samples


def validated_mixture(X, run, seed):
    """A mixture of Gaussians that five folds prefer."""
    return search_mixture(X, seed).score_samples


def kernels(X, run, seed):
    """A Gaussian kernel on each row, its width chosen by five folds."""
    folds = KFold(5, shuffle=True, random_state=seed)
    search = GridSearchCV(KernelDensity(), {"bandwidth": BANDWIDTHS}, cv=folds)
    return search.fit(X).score_samples


def vine(X, run, seed):
    """Pyvinecopulib's vine of copulas of pairs, on kernel densities of columns.

    The package's own densities of columns are zero where there were no rows.
    """
    from pyvinecopulib import Vinecop

    columns = [column[:, None] for column in X.T]
    densities = [kernels(column, run, seed) for column in columns]
    widths = [density.__self__.best_params_["bandwidth"] for density in densities]

    def shares(rows):
        parts = [
            norm.cdf((row[:, None] - column.T) / width).mean(axis=1)
            for row, column, width in zip(rows.T, columns, widths, strict=True)
        ]
        return np.stack(parts, axis=1).clip(1e-4, 1 - 1e-4)

    fitted = Vinecop.from_data(shares(X))

    def log_density(rows):
        alone = sum(
            density(row[:, None])
            for density, row in zip(densities, rows.T, strict=True)
        )
        return alone + np.log(fitted.pdf(shares(rows)))

    return log_density


def flow(X, run, seed):
    """A neural spline flow of zuko, with its defaults, stopped early."""
    from zuko.flows import NSF

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = NSF(X.shape[1])
        epochs = 1 if run.quick else FLOW_EPOCHS
        _train(network, torch.tensor(X, dtype=torch.float32), seed, epochs)

    def log_density(X):
        with torch.no_grad():
            return network().log_prob(torch.tensor(X, dtype=torch.float32)).numpy()

    return log_density


def _train(network, X, seed, epochs):
    """Keep the weights that are best on a tenth of the rows."""
    train, held_out = (X[rows] for rows in _tenth(len(X), seed))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    best, kept, since = np.inf, network.state_dict(), 0
    for _ in range(epochs):
        for batch in train[torch.randperm(len(train))].split(64):
            optimizer.zero_grad()
            (-network().log_prob(batch).mean()).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
        with torch.no_grad():
            loss = -network().log_prob(held_out).mean().item()
        if loss < best:
            best, since = loss, 0
            kept = {name: w.clone() for name, w in network.state_dict().items()}
        else:
            since += 1
        if since == FLOW_PATIENCE:
            break
    network.load_state_dict(kept)


def _tenth(n_rows, seed):
    return train_test_split(np.arange(n_rows), test_size=0.1, random_state=seed)


def ours(X, run, seed):
    """The generator with its defaults."""
    return MaskedAutoencoderGenerator(**run.network(seed)).fit(X).score_samples


def independent_pixels(X, run, seed):
    """The share of each pixel that is set."""
    return bernoulli_mixture(X, 1, seed)


def mixed_pixels(X, run, seed):
    """A mixture of independent pixels, its size chosen on a tenth of the rows."""
    train, held_out = (X[rows] for rows in _tenth(len(X), seed))
    counts = PIXEL_COMPONENTS[:2] if run.quick else PIXEL_COMPONENTS
    best = max(counts, key=lambda n: bernoulli_mixture(train, n, seed)(held_out).mean())
    return bernoulli_mixture(X, best, seed)


def bernoulli_mixture(X, n_components, seed, n_rounds=100):
    """Fit by EM; every part counts a set and an unset pixel more than it has."""
    clusters = KMeans(n_components, random_state=seed).fit_predict(X)
    parts = np.eye(n_components)[clusters]

    def joint(X):
        return X @ np.log(chances).T + (1 - X) @ np.log1p(-chances).T + np.log(weights)

    for _ in range(n_rounds):
        size = parts.sum(axis=0)
        weights = (size + 1) / (len(X) + n_components)
        chances = (parts.T @ X + 1) / (size[:, None] + 2)
        logs = joint(X)
        parts = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
    return lambda X: logsumexp(joint(X), axis=1)


def our_pixels(X, run, seed):
    """The generator with its defaults, pixels as categories."""

    def frame(X):
        names = [f"pixel {j}" for j in range(X.shape[1])]
        return pd.DataFrame(X, columns=names).astype("category")

    model = MaskedAutoencoderGenerator(**run.network(seed)).fit(frame(X))
    return lambda X: model.score_samples(frame(X))


METHODS = {
    "Gaussian": gaussian,
    "GMM": mixture,
    "GMM, CV": validated_mixture,
    "KDE": kernels,
    "vine": vine,
    "flow": flow,
    "skmae": ours,
}
PIXELS = {
    "independent": independent_pixels,
    "mixture": mixed_pixels,
    "skmae": our_pixels,
}
