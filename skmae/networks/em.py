"""Gaussians fitted to rows with holes, by expectation-maximisation.

Columns are standardised beforehand, so that 0 is a good guess of every mean and 1
of every variance. With few columns the whole covariance is estimated; with many, a
few factors and a variance of its own per column, which costs a small matrix per row
where the former costs one as large as the table is wide.

Both are regularised: each column as much as it is noisy, by the errors of its cells
when their row is left out. Columns that are noise are regularised
as if each table had a few rows more, in which columns are independent; columns that
follow exactly from others are not regularised at all, and are found to be exact.
"""

from dataclasses import dataclass

import numpy as np
import torch

# Widest table whose whole covariance is estimated, and factors of a wider one.
MAX_FULL = 48
N_FACTORS = 24
# Pairs of factors, of which a symmetric matrix has an entry each, or two.
_PAIRS = np.tril_indices(N_FACTORS)
_TIMES = 2 - (_PAIRS[0] == _PAIRS[1]).astype(np.float64)
# Rows that the fit looks at, and rows whose matrices are held at once.
_MAX_ROWS = 4000
_BLOCK_CELLS = 2_000_000
_BLOCK_ROWS = 500
_MAX_ITERATIONS = 50
_TOLERANCE = 3e-3  # largest change of a mean or covariance in standardised units
_LOG_TOLERANCE = 0.2  # and of the logarithm of what other columns leave open,
_FINE = 1e-8  # where that variance is larger
# Rows that regularise a column of pure noise: so many for each column of the
# table, or for each factor.
_ROWS_PER_COLUMN = 2.0
_ROWS_PER_FACTOR = 3.0
_LEAST_VARIANCE = 1e-3
_LEAST_NOISE = 1e-10
_MOST_LEVERAGE = 0.99


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


def n_rows_fitted(n_rows):
    """How many of so many rows a fit looks at."""
    return min(n_rows, _MAX_ROWS)


def fit_gaussian(values, seed, parts=(), n_iterations=_MAX_ITERATIONS):
    """Fit a Gaussian to the observed cells.

    Parameters
    ----------
    values : (n_rows, n_columns) array
        Standardised; NaN where missing.
    seed : int
        Of the choice of rows, where there are very many, and of first factors.
    parts : sequence of slice
        Columns that are missing together, as the indicators of one category are, and
        say nothing of each other.
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
        return _fit_full(values, parts, n_iterations)
    return _fit_factors(values, rng, parts, n_iterations)


class LeftOutNoise:
    """Variance of each column's cells around what the rest of their row tells.

    A mean over cells, of errors that were made without their row. Most weight have
    the cells of which most is known: where what determines a cell is missing, too,
    its error says nothing about the column's noise.
    """

    def __init__(self):
        self.total = self.weight = 0.0

    def add(self, errors, precisions):
        """Add the cells of some rows.

        Parameters
        ----------
        errors : (n_rows, n_columns) array
        precisions : (n_rows, n_columns) array
            One over the variances of the cells given their rows; 0 where missing.
        """
        self.total = self.total + ((errors * precisions) ** 2).sum(axis=0)
        self.weight = self.weight + (precisions**2).sum(axis=0)

    def variances(self, most):
        """(n_columns,) array; ``most`` where it is no less, or nothing was seen."""
        observed = self.weight > 0
        found = np.divide(self.total, self.weight, where=observed, out=most.copy())
        return np.clip(found, _LEAST_NOISE, most)


def _given_the_rest(weights, precisions, parts, part_given):
    """Errors of cells given the others of their row, and their precisions.

    Parameters
    ----------
    weights : (n_rows, n_columns) array
        The inverse covariance of a row's visible cells times their deviations.
    precisions : (n_rows, n_columns) array
        The diagonal of that inverse; 0 where missing.
    parts : sequence of slice
    part_given : callable
        Of a part, positions of rows and their weights: errors of its cells and their
        variances, given the other columns; (n_rows, n_part) each.

    Returns
    -------
    errors, precisions : (n_rows, n_columns) arrays
    """
    seen = precisions > 0
    errors = np.divide(weights, precisions, where=seen, out=np.zeros_like(weights))
    precisions = precisions.copy()
    for part in parts:
        # Visible together or not at all.
        rows = np.flatnonzero(seen[:, part.start])
        errors[rows, part], variances = part_given(part, rows, weights[rows, part])
        precisions[rows, part] = 1 / variances
    return errors, precisions


def _by_blocks(blocks, weights):
    """Errors and variances from blocks of inverse covariances."""
    covariances = np.linalg.inv(blocks)
    errors = np.einsum("nij,nj->ni", covariances, weights)
    return errors, np.diagonal(covariances, axis1=1, axis2=2)


def _inverses(matrices):
    """Inverses of positive definite matrices, in half the time that others take."""
    factors, failed = torch.linalg.cholesky_ex(torch.from_numpy(matrices))
    if failed.any():  # for rounding errors
        return np.linalg.inv(matrices)
    return torch.cholesky_inverse(factors).numpy()


def _settled(variances, before):
    """Whether small variances have settled, too, which change little in any case."""
    ratio = np.maximum(variances, _FINE) / np.maximum(before, _FINE)
    return np.abs(np.log(ratio)).max() < _LOG_TOLERANCE


# -- the whole covariance ----------------------------------------------------------


def visible_inverses(covariance, visible):
    """Inverses of the blocks of a covariance that are visible.

    With V the diagonal matrix of a row's visible cells, V S V + (1 - V) is
    invertible and holds the visible block of S and an identity.

    Parameters
    ----------
    covariance : (n_columns, n_columns) array
    visible : (n_patterns, n_columns) bool array

    Returns
    -------
    inverses : (n_patterns, n_columns, n_columns) array
        0 outside the visible blocks.
    """
    seen = visible.astype(np.float64)
    both = seen[:, :, None] * seen[:, None, :]
    padded = covariance * both
    diagonal = np.arange(len(covariance))
    padded[:, diagonal, diagonal] += 1 - seen
    inverses = _inverses(padded)
    inverses *= both
    return inverses


def conditional_maps(covariance, visible):
    """Matrices that turn visible deviations into expected deviations of all cells.

    Parameters
    ----------
    covariance : (n_columns, n_columns) array
    visible : (n_patterns, n_columns) bool array

    Returns
    -------
    maps : (n_patterns, n_columns, n_columns) array
    """
    return covariance @ visible_inverses(covariance, visible)


def _fit_full(values, parts, n_iterations):
    n_rows, n_columns = values.shape
    visible = ~np.isnan(values)
    patterns, pattern_of_row = np.unique(visible, axis=0, return_inverse=True)
    pattern_of_row = pattern_of_row.ravel()
    counts = np.bincount(pattern_of_row, minlength=len(patterns))
    order = np.argsort(pattern_of_row, kind="stable")
    mean, covariance = np.zeros(n_columns), np.eye(n_columns)
    left_open, scale = np.ones(n_columns), np.ones(n_columns)

    for _ in range(n_iterations):
        # E-step: expected rows, and the sum of the inverses over the rows.
        deviations = np.where(visible, values - mean, 0.0)
        expected = np.empty_like(deviations)
        inverse_sum = np.zeros_like(covariance)
        left_out = LeftOutNoise()
        step = max(1, _BLOCK_CELLS // n_columns**2)
        first_row = 0
        for first in range(0, len(patterns), step):
            block = slice(first, first + step)
            inverses = visible_inverses(covariance, patterns[block])
            inverse_sum += np.tensordot(counts[block].astype(float), inverses, axes=1)
            n_block = counts[block].sum()
            rows = order[first_row : first_row + n_block]
            first_row += n_block
            of_row = pattern_of_row[rows] - first
            expected[rows] = _map_rows(inverses, of_row, deviations[rows]) @ covariance
            left_out.add(
                *_left_out_errors(
                    inverses, of_row, deviations[rows], scale, parts, n_rows
                )
            )
        expected = np.where(visible, deviations, expected)
        # M-step: the rows' own covariance and what the holes leave uncertain.
        shift = expected.mean(axis=0)
        centred = expected - shift
        uncertain = n_rows * covariance - covariance @ inverse_sum @ covariance
        new = (centred.T @ centred + (uncertain + uncertain.T) / 2) / n_rows
        variances = np.maximum(np.diag(new), _LEAST_VARIANCE)
        noise = left_out.variances(variances)
        # Made-up rows of nothing but noise, and the variances as they were.
        made_up = np.maximum(
            _ROWS_PER_COLUMN * n_columns / n_rows * noise, _LEAST_NOISE
        )
        np.fill_diagonal(new, variances + made_up)
        scale = np.sqrt(variances / (variances + made_up))
        new *= scale[:, None] * scale
        change = max(np.abs(new - covariance).max(), np.abs(shift).max())
        mean, covariance = mean + shift, new
        before, left_open = left_open, 1 / np.diag(np.linalg.inv(covariance))
        if change < _TOLERANCE and _settled(left_open, before):
            break
    eigenvalues, vectors = np.linalg.eigh(covariance)
    loadings = vectors * np.sqrt(np.maximum(eigenvalues, _LEAST_NOISE))
    return Gaussian(mean, loadings, np.zeros(n_columns))


def _left_out_errors(inverses, of_row, deviations, scale, parts, n_rows):
    """Errors of cells by a fit without their row, and their precisions.

    Taking a row out of a sum of squares changes its inverse by a matrix of rank one,
    so that no other fit is needed. The sum is the covariance before it was scaled.
    """
    weights = _map_rows(inverses, of_row, deviations * scale) * scale

    def part_given(part, rows, weights):
        blocks = inverses[:, part, part] * (scale[part, None] * scale[part])
        return _by_blocks(blocks[of_row[rows]], weights)

    precisions = np.diagonal(inverses, axis1=1, axis2=2)[of_row] * scale**2
    errors, precisions = _given_the_rest(weights, precisions, parts, part_given)
    leverages = (deviations * weights).sum(axis=1, keepdims=True) / n_rows
    own = weights * errors
    for part in parts:
        own[:, part] = own[:, part].sum(axis=1, keepdims=True)
    left = 1 - leverages.clip(0, _MOST_LEVERAGE)
    return errors / (left + own / n_rows), precisions


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


def _fit_factors(values, rng, parts, n_iterations):
    n_rows, n_columns = values.shape
    visible = ~np.isnan(values)
    seen = visible.astype(np.float64)
    times_seen = np.maximum(seen.sum(axis=0), 1.0)
    mean, noise = np.zeros(n_columns), np.ones(n_columns)
    loadings = rng.normal(size=(n_columns, N_FACTORS)) * 0.1
    most = left_out = np.ones(n_columns)

    for _ in range(n_iterations):
        deviations = np.where(visible, values - mean, 0.0)
        scores, score_covariance = _posterior(loadings, noise, deviations, seen)
        # Second moments of the factors over the rows that observe each column.
        products = _products(scores, scores)
        moments = _symmetric(seen.T @ (products + score_covariance[:, *_PAIRS]))
        cross = deviations.T @ scores  # (n_columns, n_factors)
        # Made-up rows of nothing but noise keep loadings small.
        made_up = _ROWS_PER_FACTOR * N_FACTORS * left_out
        inverses = _inverses(moments + made_up[:, None, None] * np.eye(N_FACTORS))
        new = np.einsum("jrs,js->jr", inverses, cross)
        explained = 2 * (new * cross).sum(axis=1)
        explained -= np.einsum("jr,jrs,js->j", new, moments, new)
        residual = (deviations**2).sum(axis=0) - explained

        # Errors of cells by loadings without their row, some rows at a time.
        left_out_noise = LeftOutNoise()
        for first in range(0, n_rows, _BLOCK_ROWS):
            rows = slice(first, first + _BLOCK_ROWS)
            weights = deviations[rows] - scores[rows] @ loadings.T * seen[rows]
            weights /= noise
            precisions, part_given = _precisions(
                loadings, noise, score_covariance[rows], seen[rows]
            )
            errors, precisions = _given_the_rest(weights, precisions, parts, part_given)
            leverages = products[rows] @ (_TIMES * inverses[:, *_PAIRS]).T
            errors /= 1 - leverages.clip(0, _MOST_LEVERAGE)
            left_out_noise.add(errors, precisions)
        left_out = left_out_noise.variances(most)

        # One made-up row, so that no column is without noise.
        before = noise
        noise = np.maximum((residual + left_out) / (times_seen + 1.0), _LEAST_NOISE)
        shift = (deviations - scores @ new.T * seen).sum(axis=0) / (times_seen + 1.0)
        change = max(np.abs(new - loadings).max(), np.abs(shift).max())
        mean, loadings = mean + shift, new
        if change < _TOLERANCE and _settled(noise, before):
            break
    return Gaussian(mean, loadings, noise)


def _precisions(loadings, noise, score_covariance, seen):
    """Diagonals of the inverse covariances of the rows, and what parts follow from."""
    scaled = loadings / noise[:, None]
    unsure = (_TIMES * score_covariance[:, *_PAIRS]) @ _products(scaled, scaled).T

    def part_given(part, rows, weights):
        if part.stop - part.start <= N_FACTORS:
            blocks = scaled[part] @ score_covariance @ scaled[part].T
            return _by_blocks((np.diag(1 / noise[part]) - blocks)[rows], weights)
        # What other columns say of the factors says all that they say of the part.
        others = seen[rows]
        others[:, part] = 0.0
        covariance = _factor_covariance(scaled, loadings, others)
        own = loadings[part]
        errors = np.einsum("nr,nrs->ns", weights @ own, covariance) @ own.T
        unsure = (_TIMES * covariance[:, *_PAIRS]) @ _products(own, own).T
        return errors + weights * noise[part], unsure + noise[part]

    return (1 / noise - unsure) * seen, part_given


def _products(left, right):
    """Products of each pair of factors once: (n_rows, n_pairs)."""
    row, column = _PAIRS
    return left[:, row] * right[:, column]


def _symmetric(pairs):
    """Whole matrices: (n_rows, n_pairs) -> (n_rows, n_factors, n_factors)."""
    row, column = _PAIRS
    whole = np.empty((len(pairs), N_FACTORS, N_FACTORS))
    whole[:, row, column] = whole[:, column, row] = pairs
    return whole


def _posterior(loadings, noise, deviations, seen):
    """Mean and covariance of each row's factors given its visible cells."""
    scaled = loadings / noise[:, None]
    covariance = _factor_covariance(scaled, loadings, seen)
    return np.einsum("nrs,ns->nr", covariance, deviations @ scaled), covariance


def _factor_covariance(scaled, loadings, seen):
    """Covariance of each row's factors given the columns that it is seen in."""
    precision = _symmetric(seen @ _products(scaled, loadings)) + np.eye(N_FACTORS)
    return _inverses(precision)
