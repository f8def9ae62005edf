"""Columns by themselves: numbers that repeat, and a smooth density of the others.

Every number of a column gets a *score*, which is normally distributed over the column:
for a number that lies on the smooth part the normal quantile of its smoothed rank, for
one that repeats the quantile of the middle of the ranks that it takes.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

# A column of so few numbers has no smooth part, unless many of them are alone.
_FEW = 64
_MOST_ALONE = 0.05  # share of the rows
# What a number must take of the rows to be an atom of a column of more numbers.
_LEAST_SHARE = 0.02
_LEAST_ROWS = 5
# Where so many rows have numbers that repeat, all such numbers are atoms, up to a limit.
_MANY_REPEAT = 0.5
_MOST_ATOMS = 256
_N_KNOTS = 512
_BANDWIDTHS = (0.15, 0.25, 0.4, 0.6, 0.8, 1.0, 1.3)  # of Silverman's rule
_MOST_SCORE = 8.0


@dataclass(frozen=True)
class Marginals:
    """The numeric columns of a table, one after the other.

    Attributes
    ----------
    atoms : (n_columns, n_most) float32 array
        Numbers that repeat, in order; infinite where a column has fewer.
    low, high : (n_columns, n_most) float32 array
        Scores between which the ranks of each atom lie.
    shares : (n_columns, n_most + 1) float32 array
        Probability of each atom, and of all other numbers.
    knots, scores : (n_columns, n_knots) float64 array
        Numbers of the smooth part and their scores, between which scores are linear.
    only_atoms : (n_columns,) bool array
        Columns whose numbers are all atoms. Of others there is a small probability,
        but they are not drawn.
    """

    atoms: np.ndarray
    low: np.ndarray
    high: np.ndarray
    shares: np.ndarray
    knots: np.ndarray
    scores: np.ndarray
    only_atoms: np.ndarray

    def score(self, values):
        """Scores of numbers: (n_rows, n_columns), NaN where missing."""
        found = np.empty(values.shape)
        for j, column in enumerate(values.T):
            scores = np.interp(column, self.knots[j], self.scores[j])
            n_atoms = np.isfinite(self.atoms[j]).sum()
            if n_atoms:
                atoms = self.atoms[j, :n_atoms]
                at = np.searchsorted(atoms, column).clip(max=n_atoms - 1)
                middle = (self.low[j] + self.high[j]) / 2
                scores = np.where(atoms[at] == column, middle[at], scores)
            found[:, j] = np.where(np.isnan(column), np.nan, scores)
        return found


def fit_marginals(values, weight=None):
    """Learn atoms and smooth parts of columns.

    Parameters
    ----------
    values : (n_rows, n_columns) array
        NaN where missing.
    weight : (n_rows,) array or None

    Returns
    -------
    marginals : Marginals
    """
    weight = np.ones(len(values)) if weight is None else weight
    columns = []
    for column in values.T:
        known = ~np.isnan(column)
        columns.append(_fit_column(column[known], weight[known]))
    n_most = max([len(atoms) for atoms, *_ in columns], default=0)
    shape = (len(columns), n_most)
    atoms, low, high = (np.full(shape, np.inf, np.float32) for _ in range(3))
    shares = np.zeros((shape[0], n_most + 1), dtype=np.float32)
    knots, scores = np.empty((2, len(columns), _N_KNOTS))
    only_atoms = np.zeros(len(columns), dtype=bool)
    for j, (a, ranks, masses, rest, (x, z), only) in enumerate(columns):
        atoms[j, : len(a)] = a
        low[j, : len(a)] = _score(ranks - masses / 2)
        high[j, : len(a)] = _score(ranks + masses / 2)
        shares[j, : len(a)], shares[j, -1] = masses, rest
        knots[j], scores[j] = x, z
        only_atoms[j] = only
    return Marginals(atoms, low, high, shares, knots, scores, only_atoms)


def _score(ranks):
    least = ndtr(-_MOST_SCORE)
    return ndtri(np.clip(ranks, least, 1 - least))


def _fit_column(values, weight):
    """Atoms, their middle ranks and masses, the rest's mass, knots and their scores."""
    if len(values) == 0:
        values, weight = np.zeros(1), np.ones(1)
    distinct, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    n_rows = len(values)
    total = np.bincount(place, weight)
    total /= total.sum()
    is_atom = counts >= max(_LEAST_ROWS, _LEAST_SHARE * n_rows)
    if counts[counts > 1].sum() >= _MANY_REPEAT * n_rows:
        least = max(2, np.sort(counts)[-_MOST_ATOMS:][0])
        is_atom = counts >= least
        if is_atom.sum() > _MOST_ATOMS:  # as many again are as frequent
            is_atom = counts > least
    n_alone = np.sum(counts == 1)
    if len(distinct) <= _FEW and n_alone <= _MOST_ALONE * n_rows:
        is_atom[:] = True
    if len(distinct) == 1:
        is_atom[:] = True
    # A number that was never seen is as likely as those seen once are together.
    rest = total[~is_atom].sum()
    if is_atom.any():
        rest = max(rest, (n_alone + 0.5) / (n_rows + 1) if is_atom.all() else rest)
    atoms, masses = distinct[is_atom], total[is_atom]
    masses = masses * (1 - rest) / max(masses.sum(), 1e-300)
    # The middle of the ranks that an atom takes, among all numbers.
    ranks = (np.cumsum(total) - total / 2)[is_atom]
    smooth = ~is_atom[place] if not is_atom.all() else np.ones(n_rows, dtype=bool)
    curve = _smooth_scores(values[smooth], weight[smooth])
    return atoms, ranks, masses, rest, curve, is_atom.all()


def _smooth_scores(values, weight):
    """Knots and normal scores of a kernel density estimate.

    The estimate is made of numbers compressed by the inverse hyperbolic sine; its
    bandwidth, and whether it is reflected at the ends of the range, are those under
    which each number is most likely by the others.
    """
    center = np.median(values)
    low, high = np.quantile(values, [0.25, 0.75])
    unit = (high - low) / 1.35 or values.std() or 1.0
    y = np.arcsinh((values - center) / unit)
    spread = min(y.std(), np.subtract(*np.quantile(y, [0.75, 0.25])) / 1.35 or y.std())
    rule = 0.9 * (spread or 1.0) * len(y) ** -0.2
    gap = (y.max() - y.min()) / len(y)
    best = (-np.inf, None)
    for reflect in (False, True):
        ends = y.min() - gap, y.max() + gap
        margin = 0.0 if reflect else 4 * rule * max(_BANDWIDTHS)
        grid = np.linspace(ends[0] - margin - 1e-9, ends[1] + margin + 1e-9, _N_KNOTS)
        binned = _binned(y, weight, grid)
        for factor in _BANDWIDTHS:
            width = max(factor * rule, 1.5 * (grid[1] - grid[0]))
            density, ranks = _kernel(grid, binned, width, reflect)
            own = weight / weight.sum() / (width * np.sqrt(2 * np.pi))
            left_out = np.interp(y, grid, density) - own
            likely = weight @ np.log(np.maximum(left_out, 1e-4 * own))
            if likely > best[0]:
                best = likely, (grid, ranks)
    grid, ranks = best[1]
    outside = 0.25 / (len(y) + 1)
    ranks = outside + (1 - 2 * outside) * np.clip(ranks, 0, 1)
    scores = _score(ranks)
    # Strictly increasing, so that there is a way back.
    scores = np.maximum.accumulate(scores) + np.linspace(0, 1e-3, len(scores))
    return center + unit * np.sinh(grid), scores


def _binned(y, weight, grid):
    """Shares of the weight at the grid's points, dealt to the two next to a number."""
    step = grid[1] - grid[0]
    position = np.clip((y - grid[0]) / step, 0, len(grid) - 1.001)
    below = position.astype(int)
    part = position - below
    n_points = len(grid)
    binned = np.bincount(below, weight * (1 - part), n_points)
    binned += np.bincount(below + 1, weight * part, n_points)
    return binned / binned.sum()


def _kernel(grid, binned, width, reflect):
    """Density and ranks of a Gaussian kernel estimate at the points of a grid."""
    distance = (grid[:, None] - grid) / width
    density = np.exp(-(distance**2) / 2) @ binned
    ranks = ndtr(distance) @ binned
    if reflect:
        for end in (grid[0], grid[-1]):
            mirrored = (grid[:, None] - (2 * end - grid)) / width
            density += np.exp(-(mirrored**2) / 2) @ binned
            ranks += ndtr(mirrored) @ binned
        ranks -= ranks[0]
        density /= max(ranks[-1], 1e-12)
        ranks = ranks / max(ranks[-1], 1e-12)
    return density / (width * np.sqrt(2 * np.pi)), ranks
