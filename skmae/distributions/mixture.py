"""Groups of rows: normal distributions with one covariance, and frequencies.

Groups differ in the means of their numbers and in the frequencies of their categories.
How many there are, and how much of the correlations within them is noise, is chosen by
the likelihood of rows that were left out.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.linalg import solve_triangular
from torch import nn

from skmae.networks.em import Gaussian, fit_gaussian, is_full
from skmae.networks.gaussian import GaussianMembers, exact, solve_factored

_SIZES = (1, 2, 3, 4, 6, 8)
_LEAST_ROWS = 10  # of a group, in the mean
_SHRINKAGES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
_N_FOLDS = 5
_MAX_ROWS = 3000
_MAX_ITERATIONS = 60
_TOLERANCE = 1e-3
_LEAST_VARIANCE = 1e-3
LEAST_VARIANCE_GIVEN = 1e-6  # of a score that others determine
# Rows with the frequencies of the whole table that are added to each group.
_PRIOR_ROWS = 2.0


@dataclass(frozen=True)
class Mixture:
    """Groups of rows.

    Attributes
    ----------
    log_share : (n_groups,) array
    means : (n_groups, n_numeric) array
    loadings, noise : arrays
        Of the covariance, as in :class:`~skmae.networks.em.Gaussian`.
    log_frequency : (n_groups, n_indicators) array
        Of each category of each column, one after the other.
    unseen : float
        Probability of all categories together that were not seen.
    """

    log_share: np.ndarray
    means: np.ndarray
    loadings: np.ndarray
    noise: np.ndarray
    log_frequency: np.ndarray
    unseen: float


def fit_mixture(scores, codes, cardinalities, weight, seed):
    """Fit groups to rows.

    Parameters
    ----------
    scores : (n_rows, n_numeric) array
        About standard normal; NaN where missing.
    codes : (n_rows, n_categorical) array
        Index of each category; NaN where missing.
    cardinalities : sequence of int
    weight : (n_rows,) array
    seed : int

    Returns
    -------
    mixture : Mixture
    """
    rng = np.random.default_rng(seed)
    if len(scores) > _MAX_ROWS:
        rows = np.sort(rng.choice(len(scores), _MAX_ROWS, replace=False))
        scores, codes, weight = scores[rows], codes[rows], weight[rows]
    table = _Table(_filled(scores, rng, seed), codes, cardinalities, weight)
    size, shrinkage = _choose(table, rng, seed)
    groups = _fit(table, size, seed)
    if is_full(scores.shape[1]):
        covariance = _shrunken(groups.covariance, shrinkage)
        loadings = np.linalg.cholesky(covariance) if covariance.size else covariance
        noise = np.zeros(len(covariance))
    else:
        # A matrix as large for every row would take too long: factors.
        own = np.exp(groups.memberships(table)) @ groups.means
        gaussian = fit_gaussian(scores - own, seed)
        loadings, noise = gaussian.loadings, gaussian.noise
    unseen = 0.5 / (len(table) + 1)
    return Mixture(
        np.log(groups.share),
        groups.means,
        loadings,
        noise,
        groups.log_frequency,
        unseen,
    )


def _filled(scores, rng, seed):
    """Scores without holes: drawn from a Gaussian, given what is visible."""
    missing = np.isnan(scores)
    if not missing.any():
        return scores
    gaussian = GaussianMembers(1, scores.shape[1])
    gaussian.set_member(0, fit_gaussian(scores, seed))
    seen = torch.from_numpy(~missing).double()[None]
    known = torch.from_numpy(np.where(missing, 0.0, scores))[None]
    with torch.no_grad():
        mean = gaussian(known, seen)[0].numpy()
        std = gaussian.conditional_std(seen)[0].numpy()
    drawn = mean + std * rng.standard_normal(scores.shape)
    return np.where(missing, drawn, scores)


class _Table:
    """Rows as groups are fitted to them."""

    def __init__(self, filled, codes, cardinalities, weight):
        self.filled, self.codes, self.weight = filled, codes, weight
        self.cardinalities = cardinalities
        parts = [
            (codes[:, [j]] == np.arange(size)).astype(np.float64)
            for j, size in enumerate(cardinalities)
        ]
        self.moment = (filled * weight[:, None]).T @ filled
        # (n_rows, n_indicators); zeros where missing
        self.indicators = np.concatenate([np.zeros((len(filled), 0)), *parts], axis=1)

    def __len__(self):
        return len(self.filled)

    def rows(self, chosen):
        """Some of the rows."""
        return _Table(
            self.filled[chosen],
            self.codes[chosen],
            self.cardinalities,
            self.weight[chosen],
        )

    def log_frequency(self, counts, prior):
        """Of categories, by column: (n_groups, n_rows) -> (n_groups, n_indicators)."""
        total = counts @ self.indicators + prior
        parts, start = [total[:, :0]], 0
        for size in self.cardinalities:
            part = total[:, start : start + size]
            parts.append(np.log(part / part.sum(axis=1, keepdims=True)))
            start += size
        return np.concatenate(parts, axis=1)


@dataclass
class _Groups:
    share: np.ndarray  # (n_groups,)
    means: np.ndarray  # (n_groups, n_numeric)
    covariance: np.ndarray  # (n_numeric, n_numeric)
    log_frequency: np.ndarray  # (n_groups, n_indicators)

    def joint(self, table, shrinkage=0.0):
        """Log-density of each row in each group: (n_rows, n_groups)."""
        joint = np.log(self.share) + table.indicators @ self.log_frequency.T
        if self.covariance.size == 0:
            return joint
        root = np.linalg.cholesky(_shrunken(self.covariance, shrinkage))
        rows = solve_triangular(root, table.filled.T, lower=True).T
        centers = solve_triangular(root, self.means.T, lower=True).T
        distance = ((rows[:, None, :] - centers) ** 2).sum(axis=2)
        volume = np.log(np.diag(root)).sum() + len(root) * 0.5 * np.log(2 * np.pi)
        return joint - distance / 2 - volume

    def memberships(self, table):
        """Log-probability of each group: (n_rows, n_groups)."""
        joint = self.joint(table)
        return joint - np.logaddexp.reduce(joint, axis=1, keepdims=True)


def _shrunken(covariance, shrinkage):
    """The covariance with its correlations made smaller."""
    return (1 - shrinkage) * covariance + shrinkage * np.diag(np.diag(covariance))


def _choose(table, rng, seed):
    """Number of groups and shrinkage under which rows left out are likeliest."""
    folds = rng.permutation(len(table)) % _N_FOLDS
    best, before = (-np.inf, 1, 1.0), -np.inf
    for size in _SIZES:
        if size > 1 and size * _LEAST_ROWS > len(table):
            break
        likely = np.zeros(len(_SHRINKAGES))
        for fold in range(min(_N_FOLDS, len(table))):
            kept, left = table.rows(folds != fold), table.rows(folds == fold)
            groups = _fit(kept, size, seed)
            for i, shrinkage in enumerate(_SHRINKAGES):
                joint = groups.joint(left, shrinkage)
                likely[i] += left.weight @ np.logaddexp.reduce(joint, axis=1)
        at = int(likely.argmax())
        best = max(best, (likely[at], size, _SHRINKAGES[at]))
        if likely[at] < before:  # more groups would not be better either
            break
        before = likely[at]
    return best[1:]


def _fit(table, size, seed):
    """Groups by expectation-maximisation."""
    overall = np.exp(table.log_frequency(table.weight[None], 1e-3))
    memberships = np.ones((len(table), 1))
    both = np.concatenate([table.filled, table.indicators], axis=1)
    if size > 1:
        # Here, since with it comes much of scikit-learn.
        from sklearn.cluster import KMeans

        size = min(size, len(np.unique(both, axis=0)))
        clusters = KMeans(size, n_init=1, random_state=seed)
        memberships = np.eye(size)[clusters.fit_predict(both, None, table.weight)]
    before = -np.inf
    for _ in range(_MAX_ITERATIONS):
        groups = _maximised(table, memberships, overall)
        joint = groups.joint(table)
        row = np.logaddexp.reduce(joint, axis=1)
        memberships = np.exp(joint - row[:, None])
        likely = table.weight @ row / table.weight.sum()
        if likely - before < _TOLERANCE:
            break
        before = likely
    return groups


def _maximised(table, memberships, overall):
    """The likeliest groups with these members."""
    filled, weight = table.filled, table.weight
    counts = (memberships * weight[:, None]).T  # (n_groups, n_rows)
    mass = np.maximum(counts.sum(axis=1), 1e-9)
    means = counts @ filled / mass[:, None]
    between = (means * mass[:, None]).T @ means
    covariance = (table.moment - between) / mass.sum()
    covariance.flat[:: len(covariance) + 1] += _LEAST_VARIANCE
    frequency = table.log_frequency(counts, _PRIOR_ROWS * overall)
    return _Groups(mass / mass.sum(), means, covariance, frequency)


class MixtureGiven(nn.Module):
    """What groups say of hidden cells, given the visible ones.

    Parameters
    ----------
    mixture : Mixture
    """

    log_share: torch.Tensor
    means: torch.Tensor
    log_frequency: torch.Tensor

    def __init__(self, mixture):
        super().__init__()
        self.n_numeric = mixture.means.shape[1]
        for name, array in (
            ("log_share", mixture.log_share),
            ("means", mixture.means),
            ("log_frequency", mixture.log_frequency),
        ):
            tensor = torch.from_numpy(array.astype(np.float32))
            self.register_buffer(name, tensor, persistent=False)
        # What all groups have in common.
        self.common = GaussianMembers(1, max(self.n_numeric, 1))
        if self.n_numeric:
            mean = np.zeros(self.n_numeric)
            gaussian = Gaussian(mean, mixture.loadings, mixture.noise)
            self.common.set_member(0, gaussian)

    def shared(self, seen):
        """What rows have in common of which the same numbers are visible.

        Parameters
        ----------
        seen : (n_masks, n_numeric) tensor
            1 or True where visible.

        Returns
        -------
        shared : Shared
        """
        seen, common = exact(seen), self.common
        if self.n_numeric == 0:
            return Shared(seen, seen, None, seen)
        if not common.full:
            factor = common.score_factor(seen[None])
            variance = common.variance_given(factor, common.products())
            return Shared(seen, factor[0], None, variance[0])
        covariances = common.covariance()
        factor = common.visible_factor(seen[None], covariances)[0]
        covariance = covariances[0]
        # L^-1 of what visible cells share with all
        right = covariance * seen.unsqueeze(2)
        shares = torch.linalg.solve_triangular(factor, right, upper=False)
        variance = covariance.diagonal() - shares.square().sum(dim=1)
        return Shared(seen, factor, shares, variance)

    def forward(self, scores, seen, indicators, shared=None):
        """Probability of each group, and the scores that it leads to expect.

        Parameters
        ----------
        scores : (n_rows, n_numeric) tensor
            Anything finite where hidden.
        seen : (n_rows, n_numeric) float tensor
            1 where visible, 0 where hidden.
        indicators : (n_rows, n_indicators) float tensor
            Of visible categories, 0 where hidden.
        shared : Shared or None
            Of the masks of the rows, as many rows for each mask, those of the first
            mask first. None: compute it.

        Returns
        -------
        log_group : (n_rows, n_groups) float32 tensor
        mean : (n_rows, n_groups, n_numeric) float32 tensor
        std : (n_rows, n_numeric) float32 tensor
            The same in all groups.
        """
        joint = exact(self.log_share) + exact(indicators) @ exact(self.log_frequency).mT
        if self.n_numeric == 0:
            n_rows, n_groups = joint.shape
            nothing = scores.new_zeros(n_rows, n_groups, 0)
            return joint.log_softmax(dim=1).to(scores), nothing, scores
        means, common = exact(self.means), self.common
        if shared is None:
            # Masks of training are not alike.
            alike = not self.training and bool((seen == seen[:1]).all())
            shared = self.shared(seen[:1] if alike else seen)
        # (n_rows, n_groups, n_numeric)
        deviations = (exact(scores).unsqueeze(1) - means) * exact(seen).unsqueeze(1)
        shape = deviations.shape
        # (n_masks, those of all rows and groups with that mask, n_numeric)
        deviations = deviations.reshape(len(shared.seen), -1, self.n_numeric)
        if common.full:
            # L^-1 of the deviations
            standard = torch.linalg.solve_triangular(
                shared.factor, deviations.mT, upper=False
            )
            expected = standard.mT @ shared.shares
            distance = standard.square().sum(dim=1)
        else:
            loadings, noise = exact(common.loadings[0]), exact(common.noise[0])
            given = (deviations / noise) @ loadings
            factors = solve_factored(shared.factor, given.mT).mT
            expected = factors @ loadings.mT
            distance = (deviations.square() / noise).sum(dim=2)
            distance = distance - (given * factors).sum(dim=2)
        log_group = (joint - distance.reshape(shape[:2]) / 2).log_softmax(dim=1)
        mean = means + expected.reshape(shape)
        std = shared.variance.clamp(min=LEAST_VARIANCE_GIVEN).sqrt()
        std = std.repeat_interleave(len(scores) // len(std), dim=0)
        return log_group.to(scores), mean.to(scores), std.to(scores)


class Shared(NamedTuple):
    """What is computed of masks alone, all in float64.

    Attributes
    ----------
    seen : (n_masks, n_numeric) tensor
    factor : (n_masks, width, width) tensor
        Cholesky factor of the covariance of visible numbers, or of the precision of
        factors where there are these.
    shares : (n_masks, n_numeric, n_numeric) tensor or None
        How visible numbers share in all others; None where there are factors.
    variance : (n_masks, n_numeric) tensor
        Of each hidden number, given the visible ones.
    """

    seen: torch.Tensor
    factor: torch.Tensor
    shares: torch.Tensor | None
    variance: torch.Tensor
