"""Imputers that ours is compared with.

Those of other packages fill the table that they are fitted to, and no other.
"""

import warnings

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

from skmae.networks.em import conditional_maps, fit_gaussian

N_TREES = 30
N_FITTED_DRAWS = 5


class GaussianImputer:
    """A Gaussian fitted by EM, and its conditional means."""

    def fit(self, X):
        """Fit to the observed cells."""
        self.mean, self.std = np.nanmean(X, axis=0), np.nanstd(X, axis=0)
        self.std[self.std == 0] = 1.0
        self.gaussian = fit_gaussian((X - self.mean) / self.std, seed=0)
        return self

    def transform(self, X):
        """Fill the others."""
        units = (X - self.mean) / self.std
        return np.where(np.isnan(X), self._expected(units) * self.std + self.mean, X)

    def sample(self, X, n_samples, random_state):
        """Draw them, given the visible ones."""
        rng = np.random.default_rng(random_state)
        filled, missing = self.transform(X), np.isnan(X)
        mean, covariance = self.gaussian.mean, self.gaussian.covariance
        draws = []
        for _ in range(n_samples):
            whole = rng.multivariate_normal(mean, covariance, size=len(X))
            # Whole rows less what their visible cells let expect are what those leave.
            left = whole - self._expected(np.where(missing, np.nan, whole))
            draws.append(np.where(missing, filled + left * self.std, X))
        return np.stack(draws)

    def _expected(self, units):
        visible = ~np.isnan(units)
        maps = conditional_maps(self.gaussian.covariance, visible)
        deviations = np.where(visible, units - self.gaussian.mean, 0.0)
        return self.gaussian.mean + np.einsum("nij,nj->ni", maps, deviations)


class PosteriorImputer(IterativeImputer):
    """IterativeImputer, which draws by fits of their own."""

    def fit(self, X):
        """Fit to the observed cells."""
        self.seen = X
        return super().fit(X)

    def sample(self, X, n_samples, random_state):
        """Draw from the posterior, five times at most."""
        n_samples = min(n_samples, N_FITTED_DRAWS)
        seeds = np.random.default_rng(random_state).integers(2**31, size=n_samples)
        fitted = (
            IterativeImputer(sample_posterior=True, random_state=int(seed)).fit(
                self.seen
            )
            for seed in seeds
        )
        return np.stack([imputer.transform(X) for imputer in fitted])


class MiceForest:
    """Means of five completions by boosted trees and predictive mean matching."""

    def __init__(self, seed):
        self.seed = seed

    def fit(self, X):
        """Complete the table, in five rounds."""
        from miceforest import ImputationKernel

        kernel = ImputationKernel(
            frame_of(X), num_datasets=N_FITTED_DRAWS, random_state=self.seed
        )
        kernel.mice(5, num_threads=1)
        tables = [kernel.complete_data(i) for i in range(N_FITTED_DRAWS)]
        self.draws = np.stack([table.to_numpy(dtype=float) for table in tables])
        return self

    def transform(self, X):
        """Give the mean completion."""
        return self.draws.mean(axis=0)

    def sample(self, X, n_samples, random_state):
        """Give the completions."""
        return self.draws


class MissForest:
    """Random forests, column by column, in rounds."""

    def __init__(self, seed):
        self.seed = seed

    def fit(self, X):
        """Complete the table."""
        from missforest import MissForest

        forest = RandomForestRegressor(N_TREES, random_state=self.seed)
        imputer = MissForest(rgr=forest, verbose=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.filled = np.asarray(imputer.fit_transform(frame_of(X)), dtype=float)
        return self

    def transform(self, X):
        """Give the completion."""
        return self.filled


def frame_of(X):
    """A table with names, as some packages want it."""
    return pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])


def forest(seed):
    """Extremely randomised trees, column by column, in rounds."""
    trees = ExtraTreesRegressor(N_TREES, random_state=seed)
    return IterativeImputer(trees, max_iter=4, random_state=seed)


# By the names of methods; each takes a seed.
PEERS = {
    "mean": lambda seed: SimpleImputer(),
    "knn": lambda seed: KNNImputer(),
    "ice": lambda seed: PosteriorImputer(random_state=seed),
    "gauss": lambda seed: GaussianImputer(),
    "forest": forest,
}
OTHERS = {
    "miceforest": MiceForest,
    "missforest": MissForest,
}
