"""Columns by themselves: numbers that repeat, and a smooth density of the others.

Every number of a column gets a *score*, which is normally distributed over the column:
for a number that lies on the smooth part the normal quantile of its smoothed rank, for
one that repeats the quantile of the middle of the ranks that it takes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.special import ndtr, ndtri
from scipy.stats import norm

_FEW = 64  # numbers of a column that may all be atoms
_MOST_ATOMS = 256  # of a column of more numbers
# Where so many rows have numbers that repeat, all of these may be atoms.
_ENOUGH_ROWS, _MANY_REPEAT = 200, 0.75
# What a number must take of the rows to be frequent.
_LEAST_SHARE = 0.005
_LEAST_ROWS = 5
_N_KNOTS = 512
_N_BEYOND, _MOST_REACHES = 16, 8.0  # knots beyond each end, and how far they go
_BANDWIDTHS = (0.15, 0.25, 0.4, 0.6, 0.8, 1.0, 1.3)  # of Silverman's rule
_MOST_SCORE = 8.0
_FINEST = 1e-3  # part of the mean distance of neighbouring numbers
# Log-likelihood that a fitted parameter adds by chance.
_OF_A_PARAMETER = 1.0
_TIE = 1e-2  # difference of log-probabilities that decides nothing


@dataclass(frozen=True)
class Marginals:
    """The numeric columns of a table, one after the other.

    Attributes
    ----------
    atoms : (n_columns, n_most) float32 array
        Numbers that repeat, in order; infinite where a column has fewer.
    low, middle, high : (n_columns, n_most) float32 array
        Scores of the least, middle and highest rank of each atom.
    shares : (n_columns, n_most + 1) float32 array
        Probability of each atom, and of all other numbers.
    knots, scores : (n_columns, n_knots) float64 array
        Numbers of the smooth part and their scores within it, between which scores
        are linear.
    only_atoms : (n_columns,) bool array
        Columns whose numbers are all atoms. Of others there is a small probability,
        but they are not drawn.
    """

    atoms: np.ndarray
    low: np.ndarray
    middle: np.ndarray
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
                at = np.searchsorted(atoms, column)
                if not self.only_atoms[j]:
                    scores = self._among_all(j, scores, at)
                at = at.clip(max=n_atoms - 1)
                scores = np.where(atoms[at] == column, self.middle[j, at], scores)
            found[:, j] = np.where(np.isnan(column), np.nan, scores)
        return found

    def _among_all(self, j, scores, n_below):
        """Scores of smooth numbers by their ranks among all numbers of a column."""
        below = np.append(0.0, np.cumsum(self.shares[j, :-1]))[n_below]
        return _score(below + self.shares[j, -1] * ndtr(scores))


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
    atoms, low, middle, high = (np.full(shape, np.inf, np.float32) for _ in range(4))
    shares = np.zeros((shape[0], n_most + 1), dtype=np.float32)
    knots, scores = np.empty((2, len(columns), _N_KNOTS))
    only_atoms = np.zeros(len(columns), dtype=bool)
    for j, (a, ranks, masses, rest, (x, z), only) in enumerate(columns):
        atoms[j, : len(a)] = a
        low[j, : len(a)] = _score(ranks - masses / 2)
        middle[j, : len(a)] = _score(ranks)
        high[j, : len(a)] = _score(ranks + masses / 2)
        shares[j, : len(a)], shares[j, -1] = masses, rest
        knots[j], scores[j] = x, z
        only_atoms[j] = only
    return Marginals(atoms, low, middle, high, shares, knots, scores, only_atoms)


def _score(ranks):
    least = ndtr(-_MOST_SCORE)
    return ndtri(np.clip(ranks, least, 1 - least))


def _fit_column(values, weight):
    """Atoms, their middle ranks and masses, the rest's mass, and a smooth curve.

    Which numbers are atoms is what makes each number most likely by the others, at
    the resolution at which the column was recorded.
    """
    if len(values) == 0:
        values, weight = np.zeros(1), np.ones(1)
    distinct, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    total = np.bincount(place, weight / weight.sum())
    resolution = _resolution(distinct)
    best: tuple[Any, ...] = (-np.inf,)
    for is_atom in _candidates(counts):
        # The chance of a number that was never seen is that of those seen once.
        rest = total[~is_atom].sum()
        if is_atom.all():
            rest = (np.sum(counts == 1) + 0.5) / (len(values) + 1)
        smooth = ~is_atom[place]
        if np.sum(~is_atom) < _LEAST_ROWS:  # too few for a curve of their own
            smooth = np.ones(len(place), dtype=bool)
        curve, left_out = _smooth_scores(values[smooth], weight[smooth], resolution)
        likely = np.zeros(len(values))
        likely[smooth] = np.log(rest) + left_out
        repeated = is_atom[place] & (counts[place] > 1)
        alone = 1 - rest if is_atom.all() else 1.0
        chance = alone * (counts - 1) / max(len(values) - 1, 1)
        likely[repeated] = np.log(chance[place][repeated])
        likely = weight @ likely
        if likely > best[0] + _TIE * len(values):
            best = likely, is_atom, rest, curve
    _, is_atom, rest, curve = best
    atoms, masses = distinct[is_atom], total[is_atom]
    masses = masses * (1 - rest) / max(masses.sum(), 1e-300)
    # The middle of the ranks that an atom takes, among all numbers.
    ranks = (np.cumsum(total) - total / 2)[is_atom]
    return atoms, ranks, masses, rest, curve, is_atom.all()


def _resolution(distinct):
    """What lies between neighbouring numbers at least."""
    if len(distinct) == 1:
        return 1.0
    finest = _FINEST * (distinct[-1] - distinct[0]) / len(distinct)
    return max(np.diff(distinct).min(), finest)


def _candidates(counts):
    """Choices of atoms among distinct numbers, those with most atoms first."""
    n_rows = counts.sum()
    every = np.ones(len(counts), dtype=bool)
    # Numbers most of which were seen once are not all that there are.
    few = len(counts) <= _FEW and 2 * np.sum(counts == 1) <= len(counts)
    if few and len(counts) <= max(n_rows / _LEAST_ROWS, 2):
        return [every]
    least = max(2, np.sort(counts)[-_MOST_ATOMS:][0])
    repeated = counts >= least
    if repeated.sum() > _MOST_ATOMS:  # as many again are as frequent
        repeated = counts > least
    frequent = repeated & (counts >= max(_LEAST_ROWS, _LEAST_SHARE * n_rows))
    # Of few rows it is chance which numbers are there twice.
    if n_rows < _ENOUGH_ROWS or counts[repeated].sum() < _MANY_REPEAT * n_rows:
        repeated = frequent
    found = [repeated]
    for is_atom in (frequent, ~every):
        if not (is_atom == found[-1]).all():
            found.append(is_atom)
    return found


def _smooth_scores(values, weight, resolution):
    """Knots and normal scores of a kernel density estimate.

    The estimate is made of numbers compressed by the inverse hyperbolic sine; its
    bandwidth, and whether it is reflected at the ends of the range, are those under
    which each number is most likely by the others. Where a normal distribution is
    more likely, it takes the place of the estimate.

    Returns
    -------
    (knots, scores) : (n_knots,) arrays
    left_out : (n_rows,) array
        Log-probability, by the others, of an interval around each number that is as
        wide as the resolution.
    """
    center = np.median(values)
    low, high = np.quantile(values, [0.25, 0.75])
    unit = (high - low) / 1.35 or values.std() or 1.0
    y = np.arcsinh((values - center) / unit)
    spread = min(y.std(), np.subtract(*np.quantile(y, [0.75, 0.25])) / 1.35 or y.std())
    rule = 0.9 * (spread or 1.0) * len(y) ** -0.2
    gap = (y.max() - y.min()) / len(y)
    ends = [values - resolution / 2, values + resolution / 2]
    low, high = np.arcsinh((np.array(ends) - center) / unit)
    distinct, share = np.unique(y), weight / weight.sum()
    best: tuple[Any, ...] = (-np.inf,)
    for reflect in (False, True):
        # The ends lie half of the resolution beyond the last numbers at least.
        margin = (high - low).max() / 2 if reflect else 4 * rule * max(_BANDWIDTHS)
        n_knots = _N_KNOTS - 2 * _N_BEYOND if reflect else _N_KNOTS
        grid = np.linspace(y.min() - gap - margin, y.max() + gap + margin, n_knots)
        widths = np.maximum(np.multiply(_BANDWIDTHS, rule), 1.5 * (grid[1] - grid[0]))
        # (n_widths, n_knots) and (n_widths, n_rows)
        ranks = _kernel(grid, _binned(y, weight, grid), widths, reflect)
        chance = _between(grid, ranks, high) - _between(grid, ranks, low)
        own = share * _central(high - y, y - low, widths)
        left_out = (chance - own) / np.maximum(1 - share, 1e-9)
        left_out = np.log(np.maximum(left_out, 1e-4 * own))
        if reflect:
            reach = _reach(distinct, gap, rule)
            left_out = _without_last(y, distinct, high - low, left_out, reach)
        likely = left_out @ weight
        at = int(likely.argmax())
        if likely[at] > best[0]:
            knots = _with_tails(grid, ranks[at], reach, len(y)) if reflect else None
            best = likely[at], grid, ranks[at], left_out[at], knots
    likely, grid, ranks, left_out, with_tails = best
    mean = np.average(values, weights=weight)
    std = np.sqrt(np.average((values - mean) ** 2, weights=weight))
    if resolution < std / 2:
        # As likely as if mean and deviation were those of the others.
        log_chance = np.log(resolution) + norm.logpdf(values, mean, std)
        if weight @ log_chance - _OF_A_PARAMETER * 2 * weight.mean() > likely:
            scores = np.linspace(-_MOST_SCORE, _MOST_SCORE, _N_KNOTS)
            return _apart(mean + std * scores, scores), log_chance
    if with_tails is not None:
        grid, ranks = with_tails
    else:
        outside = 0.25 / (len(y) + 1)
        ranks = outside + (1 - 2 * outside) * np.clip(ranks, 0, 1)
    # Strictly increasing, so that there is a way back.
    scores = np.maximum.accumulate(_score(ranks)) + np.linspace(0, 1e-3, len(ranks))
    return _apart(center + unit * np.sinh(grid), scores), left_out


def _between(grid, ranks, y):
    """Ranks of numbers, on lines between the points of a grid: (n_widths, n_rows)."""
    position = ((y - grid[0]) / (grid[1] - grid[0])).clip(0, len(grid) - 1)
    below = np.minimum(position.astype(int), len(grid) - 2)
    part = position - below
    return ranks[:, below] * (1 - part) + ranks[:, below + 1] * part


def _central(above, below, widths):
    """What a kernel around a number has next to it: (n_widths, n_rows)."""
    widths = widths[:, None]
    return ndtr(above / widths) - ndtr(-below / widths)


def _reach(distinct, gap, most):
    """How far an estimate falls beyond its ends.

    About as far as the last numbers are from those before.
    """
    if len(distinct) < 3:
        return max(gap, 1e-9)
    distances = distinct[1] - distinct[0], distinct[-1] - distinct[-2]
    return np.clip(np.mean(distances), max(gap / 2, 1e-9), max(2 * most, gap))


def _without_last(y, distinct, around, left_out, reach):
    """Log-probability of the last numbers, which made the ends, by the others.

    Beyond its ends an estimate falls exponentially.
    """
    if len(distinct) < 3:
        return left_out
    distances = distinct[1] - distinct[0], distinct[-1] - distinct[-2]
    for last, distance in zip((distinct[0], distinct[-1]), distances, strict=True):
        at = np.flatnonzero(y == last)
        if len(at) == 1:
            beyond = around[at] / reach / (len(y) + 1)
            left_out[:, at] = np.log(np.minimum(beyond, 1.0)) - distance / reach
    return left_out


def _with_tails(grid, ranks, reach, n_rows):
    """Points and ranks beyond the ends too, where a next number is once in n + 1."""
    outside = 1 / (n_rows + 1)
    steps = np.linspace(0, _MOST_REACHES, _N_BEYOND + 1)[1:]
    beyond = outside * np.exp(-steps)
    inside = outside + (1 - 2 * outside) * np.clip(ranks, 0, 1)
    return (
        np.concatenate([grid[0] - reach * steps[::-1], grid, grid[-1] + reach * steps]),
        np.concatenate([beyond[::-1], inside, 1 - beyond]),
    )


def _apart(knots, scores):
    """Knots that float32 tells apart, and then as many more along the last line."""
    _, kept = np.unique(knots.astype(np.float32), return_index=True)
    knots_kept, scores_kept = knots[kept], scores[kept]
    last, before = knots_kept[-1], knots_kept[-2]
    # The last two may be next to each other: steps of theirs would be lost to rounding.
    step = max(last - before, 8 * np.spacing(np.float32(abs(last))))
    slope = (scores_kept[-1] - scores_kept[-2]) / (last - before)
    beyond = step * np.arange(1, len(knots) - len(kept) + 1)
    return (
        np.append(knots_kept, last + beyond),
        np.append(scores_kept, scores_kept[-1] + slope * beyond),
    )


def _binned(y, weight, grid):
    """Shares of the weight at the grid's points, split between the next two."""
    step = grid[1] - grid[0]
    position = np.clip((y - grid[0]) / step, 0, len(grid) - 1.001)
    below = position.astype(int)
    part = position - below
    n_points = len(grid)
    binned = np.bincount(below, weight * (1 - part), n_points)
    binned += np.bincount(below + 1, weight * part, n_points)
    return binned / binned.sum()


def _kernel(grid, binned, widths, reflect):
    """Ranks of the points of a grid under Gaussian kernel estimates.

    (n_widths, n_points)
    """
    n_points = len(grid)
    if reflect:  # the points again in the mirrors at both ends
        binned = np.concatenate([binned[:0:-1], binned, binned[-2::-1]])
    reach = np.arange(1 - n_points, n_points) * (grid[1] - grid[0])
    kernels = np.exp(-np.square(reach / widths[:, None]) / 2)
    size = next_fast_len(len(binned) + len(reach) - 1, real=True)
    density = irfft(rfft(kernels, size) * rfft(binned, size), size)
    first = 2 * (n_points - 1) if reflect else n_points - 1
    density = np.maximum(density[:, first : first + n_points], 0.0)
    density /= widths[:, None] * np.sqrt(2 * np.pi)
    steps = (density[:, 1:] + density[:, :-1]) / 2 * (grid[1] - grid[0])
    ranks = np.pad(np.cumsum(steps, axis=1), ((0, 0), (1, 0)))
    if reflect:
        ranks /= np.maximum(ranks[:, -1:], 1e-12)
    return ranks
