"""Gaussians fitted to rows with holes, by expectation-maximisation.

Columns are standardised beforehand, so that 0 is a good guess of every mean and 1
of every variance. With few columns the whole covariance is estimated; with many, a
few factors and a variance of its own per column, which costs a small matrix per row
where the former costs one as large as the table is wide.
"""

from dataclasses import dataclass

import numpy as np

# Widest table whose whole covariance is estimated, and factors of a wider one.
MAX_FULL = 48
N_FACTORS = 24
# Rows that the fit looks at, and rows whose matrices are held at once.
_MAX_ROWS = 4000
_BLOCK_CELLS = 2_000_000
_MAX_ITERATIONS = 50
_TOLERANCE = 3e-3  # largest change of a mean or covariance in standardised units
_LEAST_NOISE = 1e-3


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution with covariance ``loadings @ loadings.T + diag(noise)``.

    Attributes
    ----------
    mean : (n_columns,) array
    loadings : (n_columns, n_factors) array
        With no noise, a square root of the covariance.
    noise : (n_columns,) array
        Zeros where the whole covariance was estimated.
    """

    mean: np.ndarray
    loadings: np.ndarray
    noise: np.ndarray

    @property
    def covariance(self):
        """The covariance: (n_columns, n_columns)."""
        return self.loadings @ self.loadings.T + np.diag(self.noise)


def is_full(n_columns):
    """Whether the whole covariance of so many columns is estimated."""
    return n_columns <= MAX_FULL


def n_loadings(n_columns):
    """Columns of ``Gaussian.loadings`` for a table so wide."""
    return n_columns if is_full(n_columns) else N_FACTORS


def fit_gaussian(values, seed, start=None, n_iterations=_MAX_ITERATIONS):
    """Fit a Gaussian to the observed cells.

    Parameters
    ----------
    values : (n_rows, n_columns) array
        Standardised; NaN where missing.
    seed : int
        Of the choice of rows, where there are very many, and of first factors.
    start : Gaussian or None
        Where to begin; None: at independent columns, or at random factors.
    n_iterations : int
        At most.

    Returns
    -------
    gaussian : Gaussian
    """
    rng = np.random.default_rng(seed)
    if len(values) > _MAX_ROWS:
        values = values[np.sort(rng.choice(len(values), _MAX_ROWS, replace=False))]
    values = np.asarray(values, dtype=np.float64)
    if is_full(values.shape[1]):
        return _fit_full(values, start, n_iterations)
    return _fit_factors(values, rng, start, n_iterations)


# -- the whole covariance ----------------------------------------------------------


def conditional_maps(covariance, visible):
    """Matrices that turn visible deviations into expected deviations of all cells.

    With V the diagonal matrix of a row's visible cells, V S V + (1 - V) is
    invertible and holds the visible block of S and an identity; S V times its
    inverse times V is the regression on the visible cells.

    Parameters
    ----------
    covariance : (n_columns, n_columns) array
    visible : (n_patterns, n_columns) bool array

    Returns
    -------
    maps : (n_patterns, n_columns, n_columns) array
    """
    seen = visible.astype(np.float64)
    both = seen[:, :, None] * seen[:, None, :]
    padded = covariance * both
    diagonal = np.arange(len(covariance))
    padded[:, diagonal, diagonal] += 1 - seen
    return covariance @ (np.linalg.inv(padded) * both)


def _fit_full(values, start, n_iterations):
    n_rows, n_columns = values.shape
    visible = ~np.isnan(values)
    filled = np.where(visible, values, 0.0)
    patterns, pattern_of_row = np.unique(visible, axis=0, return_inverse=True)
    pattern_of_row = pattern_of_row.ravel()
    counts = np.bincount(pattern_of_row, minlength=len(patterns))
    order = np.argsort(pattern_of_row, kind="stable")
    mean = np.zeros(n_columns) if start is None else start.mean
    covariance = np.eye(n_columns) if start is None else start.covariance
    shrinkage = n_columns / (n_rows + n_columns)

    for _ in range(n_iterations):
        # E-step: expected rows, and the sum of the maps over the rows.
        expected = np.empty_like(filled)
        map_sum = np.zeros_like(covariance)
        step = max(1, _BLOCK_CELLS // n_columns**2)
        first_row = 0
        for first in range(0, len(patterns), step):
            block = slice(first, first + step)
            maps = conditional_maps(covariance, patterns[block])
            map_sum += np.tensordot(counts[block].astype(float), maps, axes=1)
            n_block = counts[block].sum()
            rows = order[first_row : first_row + n_block]
            first_row += n_block
            deviations = (filled[rows] - mean) * visible[rows]
            expected[rows] = _map_rows(maps, pattern_of_row[rows] - first, deviations)
        # M-step: the rows' own covariance and what the holes leave uncertain.
        shift = expected.mean(axis=0)
        centred = expected - shift
        uncertain = n_rows * covariance - map_sum @ covariance
        new = (centred.T @ centred + (uncertain + uncertain.T) / 2) / n_rows
        variances = np.maximum(np.diag(new), _LEAST_NOISE)
        new *= 1 - shrinkage
        np.fill_diagonal(new, variances)
        change = max(np.abs(new - covariance).max(), np.abs(shift).max())
        mean, covariance = mean + shift, new
        if change < _TOLERANCE:
            break
    eigenvalues, vectors = np.linalg.eigh(covariance)
    loadings = vectors * np.sqrt(np.maximum(eigenvalues, _LEAST_NOISE**2))
    return Gaussian(mean, loadings, np.zeros(n_columns))


def _map_rows(maps, map_of_row, deviations):
    if len(maps) * 4 < len(deviations):
        # Few patterns: one product for all rows that share one.
        bounds = np.searchsorted(map_of_row, np.arange(len(maps) + 1))
        return np.concatenate(
            [
                deviations[low:high] @ matrix.T
                for matrix, low, high in zip(maps, bounds, bounds[1:], strict=False)
            ]
        )
    return np.einsum("nij,nj->ni", maps[map_of_row], deviations)


# -- factors -----------------------------------------------------------------------


def _fit_factors(values, rng, start, n_iterations):
    n_rows, n_columns = values.shape
    visible = ~np.isnan(values)
    seen = visible.astype(np.float64)
    times_seen = np.maximum(seen.sum(axis=0), 1.0)
    if start is None:
        mean, noise = np.zeros(n_columns), np.ones(n_columns)
        loadings = rng.normal(size=(n_columns, N_FACTORS)) * 0.1
    else:
        mean, loadings, noise = start.mean, start.loadings, start.noise
    # As many made-up rows of pure noise as there are factors keep loadings small.
    prior = N_FACTORS * np.eye(N_FACTORS)

    for _ in range(n_iterations):
        deviations = np.where(visible, values - mean, 0.0)
        scores, score_covariance = _posterior(loadings, noise, deviations, seen)
        # Second moments of the factors over the rows that observe each column.
        moments = scores[:, :, None] * scores[:, None, :] + score_covariance
        moments = seen.T @ moments.reshape(n_rows, -1)
        moments = moments.reshape(n_columns, N_FACTORS, N_FACTORS)
        cross = deviations.T @ scores  # (n_columns, n_factors)
        new = np.linalg.solve(moments + prior, cross[:, :, None])[:, :, 0]
        explained = 2 * (new * cross).sum(axis=1)
        explained -= np.einsum("jr,jrs,js->j", new, moments, new)
        residual = (deviations**2).sum(axis=0) - explained
        # One made-up row of variance 1, so that no column is without noise.
        noise = (residual + 1.0) / (times_seen + 1.0)
        noise = np.maximum(noise, _LEAST_NOISE)
        shift = (deviations - scores @ new.T * seen).sum(axis=0) / (times_seen + 1.0)
        change = max(np.abs(new - loadings).max(), np.abs(shift).max())
        mean, loadings = mean + shift, new
        if change < _TOLERANCE:
            break
    return Gaussian(mean, loadings, noise)


def _posterior(loadings, noise, deviations, seen):
    """Mean and covariance of each row's factors given its visible cells."""
    scaled = loadings / noise[:, None]
    n_factors = loadings.shape[1]
    products = (scaled[:, :, None] * loadings[:, None, :]).reshape(len(loadings), -1)
    precision = (seen @ products).reshape(-1, n_factors, n_factors)
    precision += np.eye(n_factors)
    covariance = np.linalg.inv(precision)
    return np.einsum("nrs,ns->nr", covariance, deviations @ scaled), covariance
