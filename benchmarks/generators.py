"""Makers of new rows: each is fitted and returns what draws n rows.

``classes`` says of each column whether its numbers stand for classes; it is handed to
those that take categorical columns.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.preprocessing import StandardScaler

from skmae import MaskedAutoencoderGenerator

MOST_CATEGORIES = 20
COMPONENTS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
LEAST_VARIANCES = (1e-6, 1e-3, 1e-1)


def training_rows(X, classes, run, seed):
    """The training rows themselves."""
    return lambda n: X[:n]


def independent(X, classes, run, seed):
    """Each column of the training rows shuffled."""
    rng = np.random.default_rng(seed)
    return lambda n: rng.permuted(X, axis=0)[:n]


def mixture(X, classes, run, seed):
    """A mixture of Gaussians, of as many as BIC prefers."""
    scaler = StandardScaler()
    fitted = fit_mixture(scaler.fit_transform(X), seed)
    return lambda n: scaler.inverse_transform(fitted.sample(n)[0])


def fit_mixture(X, seed):
    """Fit mixtures of full covariances and return that of the lowest BIC."""
    counts = [n for n in COMPONENTS if n <= len(X) // 2]
    mixtures = [GaussianMixture(n, random_state=seed).fit(X) for n in counts]
    return min(mixtures, key=lambda mixture: mixture.bic(X))


def validated_mixture(X, classes, run, seed):
    """A mixture of Gaussians that five folds prefer."""
    scaler = StandardScaler()
    fitted = search_mixture(scaler.fit_transform(X), seed)
    return lambda n: scaler.inverse_transform(fitted.sample(n)[0])


def search_mixture(X, seed):
    """Choose the number of Gaussians and their least variance by five folds."""
    counts = [n for n in COMPONENTS if n <= len(X) // 2]
    search = GridSearchCV(
        GaussianMixture(random_state=seed),
        {"n_components": counts, "reg_covar": LEAST_VARIANCES},
        cv=KFold(5, shuffle=True, random_state=seed),
    )
    return search.fit(X).best_estimator_


def copula(X, classes, run, seed):
    """Columns as they are distributed, joined by correlations of normal scores."""
    rng = np.random.default_rng(seed)
    scores = norm.ppf((rankdata(X, axis=0) - 0.5) / len(X))
    covariance = np.corrcoef(scores, rowvar=False)
    centre = np.zeros(len(covariance))

    def sample(n):
        shares = norm.cdf(rng.multivariate_normal(centre, covariance, size=n))
        columns = zip(X.T, shares.T, strict=True)
        return np.stack([np.quantile(column, at) for column, at in columns], axis=1)

    return sample


def vine(X, classes, run, seed):
    """Pyvinecopulib's vine of copulas of pairs, on kernel densities of columns."""
    from pyvinecopulib import Vinedist

    scaler = StandardScaler()
    fitted = Vinedist.from_data(scaler.fit_transform(X))
    return lambda n: scaler.inverse_transform(fitted.sample(n, seeds=[seed + 1]))


def tvae(X, classes, run, seed):
    """The variational autoencoder of the package ctgan."""
    from ctgan import TVAE

    return _synthesizer(TVAE, X, classes, run, seed)


def ctgan(X, classes, run, seed):
    """The generative adversarial network of the package ctgan."""
    from ctgan import CTGAN

    return _synthesizer(CTGAN, X, classes, run, seed)


def _synthesizer(kind, X, classes, run, seed):
    params = {"epochs": 1} if run.quick else {}
    model = kind(enable_gpu=False, **params)
    model.set_random_state(seed)
    frame = _frame(X)
    # By C2ST both are as good or better so than with the class alone.
    discrete = classes | (frame.nunique() <= MOST_CATEGORIES).to_numpy()
    model.fit(frame, list(frame.columns[discrete]))
    return lambda n: model.sample(n).to_numpy(dtype=float)


def ours(X, classes, run, seed):
    """The generator with its defaults."""
    frame = _frame(X)
    categories = dict.fromkeys(frame.columns[classes], "category")
    model = MaskedAutoencoderGenerator(**run.network(seed))
    model.fit(frame.astype(categories))
    return lambda n: np.asarray(model.sample(n, random_state=seed + 1), dtype=float)


def _frame(X):
    return pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])


METHODS = {
    "real": training_rows,
    "independent": independent,
    "GMM": mixture,
    "GMM, CV": validated_mixture,
    "copula": copula,
    "vine": vine,
    "TVAE": tvae,
    "CTGAN": ctgan,
    "skmae": ours,
}
