"""Groups of rows with holes, each with a covariance of its own.

Rows fall into groups; within each the cells are jointly normal, with a whole
covariance. Groups are found by expectation-maximisation in which each row counts for
the group that makes its visible cells likeliest. Columns are standardised beforehand.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

# Rows whose matrices are held at once.
_BLOCK_ROWS = 512
# Updates of the one Gaussian that groups begin with, and rows that it is fitted to.
# It settles slowly where most cells are hidden.
_N_BEGINNING = 30
_MOST_BEGINNING = 4096
# Groups that a row may change to; in every fourth update, beginning with the first,
# it may change to any.
_N_CANDIDATES = 4
_ALL_EVERY = 4
# Leading directions of the rows in which groups are sought at first.
_N_DIRECTIONS = 12
# Variance of each cell that no other cell determines.
_LEAST_VARIANCE = 1e-5


@dataclass(frozen=True)
class Groups:
    """Shares of the rows, means and covariances.

    Attributes
    ----------
    log_share : (n_groups,) array
    means : (n_groups, n_columns) array
    covariances : (n_groups, n_columns, n_columns) array
    """

    log_share: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    def expected(self, values):
        """Hidden cells given the visible ones.

        Parameters
        ----------
        values : (n_rows, n_columns) array
            Standardised; NaN where missing.

        Returns
        -------
        filled : (n_rows, n_columns) array
        """
        filled = np.empty(values.shape)
        gaussians = [
            _Gaussian(*each) for each in zip(self.means, self.covariances, strict=True)
        ]
        for block in _blocks(values):
            likely, cells = zip(
                *(gaussian.given(block) for gaussian in gaussians), strict=True
            )
            joint = torch.stack(likely, dim=1) + torch.from_numpy(self.log_share)
            # (n_rows, 1, n_groups) times (n_rows, n_groups, n_columns)
            share = joint.softmax(dim=1).unsqueeze(1)
            filled[block.rows] = (share @ torch.stack(cells, dim=1)).squeeze(1).numpy()
        return filled


def fit_groups(values, n_groups, shrinkage, n_iterations, seed):
    """Find groups of rows.

    Parameters
    ----------
    values : (n_rows, n_columns) array
        Standardised; NaN where missing.
    n_groups : int
    shrinkage : float
        Made-up rows of each group, for each column, that vary as all rows do.
    n_iterations : int
        At most.
    seed : int

    Returns
    -------
    groups : Groups
    n_iterations : int
        Done, at most until no row changed its group.
    """
    n_rows, n_columns = values.shape
    chosen = np.linspace(0, n_rows - 1, min(n_rows, _MOST_BEGINNING)).astype(int)
    blocks = _blocks(values[chosen])
    one = Groups(np.zeros(1), np.zeros((1, n_columns)), np.eye(n_columns)[None].copy())
    same = np.zeros(len(chosen), dtype=int)
    for _ in range(_N_BEGINNING):
        one = _updated(one, blocks, same, None, 0.0)
    common = one.covariances[0]
    groups = Groups(
        np.zeros(n_groups),
        np.repeat(one.means, n_groups, axis=0),
        np.repeat(one.covariances, n_groups, axis=0),
    )
    labels = _first_labels(one, values, n_groups, seed)
    blocks = _blocks(values)
    for n_done in range(1, n_iterations + 1):
        groups = _updated(groups, blocks, labels, common, shrinkage * n_columns)
        every = (n_done - 1) % _ALL_EVERY == 0
        if every:
            joint = _joint(groups, blocks, np.ones((n_rows, n_groups), dtype=bool))
            ranks = (-joint).argsort(axis=1).argsort(axis=1)
            candidates = ranks < _N_CANDIDATES
        else:
            joint = _joint(groups, blocks, candidates)
        before, labels = labels, joint.argmax(axis=1)
        if every and (labels == before).all():
            break
    return groups, n_done


def _first_labels(one, values, n_groups, seed):
    """Rows that deviate in like directions and by like amounts."""
    # Here, since with it comes much of scikit-learn.
    from sklearn.cluster import KMeans

    deviations = one.expected(values) - one.means[0]
    size = np.sqrt(np.mean(deviations**2, axis=1, keepdims=True)) + 1e-3
    _, directions = np.linalg.eigh(one.covariances[0])
    projected = deviations @ directions[:, -_N_DIRECTIONS:]
    projected /= size * np.sqrt(values.shape[1])
    places = np.concatenate([projected, np.log(size) / 2], axis=1)
    return KMeans(n_groups, n_init=1, max_iter=30, random_state=seed).fit_predict(
        places
    )


def _joint(groups, blocks, candidates):
    """Log-density of each row's visible cells in each group that it may be in.

    Parameters
    ----------
    groups : Groups
    blocks : list of _Block
    candidates : (n_rows, n_groups) bool array

    Returns
    -------
    joint : (n_rows, n_groups) array
        Minus infinity for other groups.
    """
    joint = np.full(candidates.shape, -np.inf)
    for group, share in enumerate(groups.log_share):
        gaussian = _Gaussian(groups.means[group], groups.covariances[group])
        for block in blocks:
            part = block.where(candidates[block.rows, group])
            joint[part.rows, group] = gaussian.given(part)[0].numpy() + share
    return joint


def _updated(groups, blocks, labels, common, n_made_up):
    """Groups of these rows, with what their hidden cells leave uncertain."""
    counts, means, covariances = [], [], []
    for group, (mean, covariance) in enumerate(
        zip(groups.means, groups.covariances, strict=True)
    ):
        gaussian = _Gaussian(mean, covariance)
        kept = [block.where(labels[block.rows] == group) for block in blocks]
        kept = [block for block in kept if len(block.rows) > 0]
        count = sum(len(block.rows) for block in kept)
        counts.append(count + 1)
        if count == 0:
            means.append(mean)
            covariances.append(covariance)
            continue
        expected, uncertain = zip(*map(gaussian.given_and_uncertain, kept), strict=True)
        cells = torch.cat(expected).numpy()
        # One more row at the mean of all, which is 0.
        new_mean = cells.sum(axis=0) / (count + 1)
        cells -= new_mean
        moment = cells.T @ cells + sum(uncertain).numpy()
        if common is not None:
            size = np.trace(moment) / count / np.trace(common)
            moment += n_made_up * size * common
        new = (moment + moment.T) / 2 / (count + n_made_up)
        new.flat[:: len(new) + 1] += _LEAST_VARIANCE
        means.append(new_mean)
        covariances.append(new)
    share = np.log(np.array(counts) / sum(counts))
    return Groups(share, np.array(means), np.array(covariances))


# -- rows with holes ---------------------------------------------------------------


@dataclass(frozen=True)
class _Block:
    """Rows with about as many holes.

    Either their visible cells or their hidden ones are listed, whichever are fewer,
    so that matrices are small.

    Attributes
    ----------
    rows : (n_rows,) array
        Where they stand.
    values, visible : (n_rows, n_columns) float64 tensors
        0 where hidden.
    lists_visible : bool
    places : (n_rows, width) tensor
        Columns listed, then numbers from ``n_columns`` on, which are no columns.
    """

    rows: np.ndarray
    values: torch.Tensor
    visible: torch.Tensor
    lists_visible: bool
    places: torch.Tensor

    def where(self, chosen):
        """Some of the rows."""
        if chosen.all():
            return self
        at = torch.from_numpy(np.flatnonzero(chosen))
        return _Block(
            self.rows[chosen],
            self.values[at],
            self.visible[at],
            self.lists_visible,
            self.places[at],
        )


def _blocks(values):
    """Rows by their number of holes."""
    visible = ~np.isnan(values)
    n_visible = visible.sum(axis=1)
    few_visible = n_visible <= values.shape[1] / 2
    blocks = []
    for lists_visible in (True, False):
        chosen = np.flatnonzero(few_visible == lists_visible)
        chosen = chosen[np.argsort(n_visible[chosen], kind="stable")]
        for first in range(0, len(chosen), _BLOCK_ROWS):
            rows = chosen[first : first + _BLOCK_ROWS]
            cells = visible[rows] == lists_visible
            width = cells.sum(axis=1).max()
            places = np.argsort(~cells, axis=1, kind="stable")[:, :width]
            listed = np.take_along_axis(cells, places, axis=1)
            places = np.where(listed, places, values.shape[1] + np.arange(width))
            blocks.append(
                _Block(
                    rows,
                    torch.from_numpy(np.nan_to_num(values[rows].astype(np.float64))),
                    torch.from_numpy(visible[rows].astype(np.float64)),
                    lists_visible,
                    torch.from_numpy(places),
                )
            )
    return blocks


class _Gaussian:
    """What a Gaussian says of rows with holes.

    With S the covariance, v the visible cells and h the hidden ones, that takes the
    inverse of S_vv or, where fewer cells are hidden, that of the block of S^-1 at h,
    which is the covariance of the hidden cells given the visible ones.

    Parameters
    ----------
    mean : (n_columns,) array
    covariance : (n_columns, n_columns) array
    """

    def __init__(self, mean, covariance):
        self.mean = torch.from_numpy(mean)
        self.covariance = torch.from_numpy(covariance)
        factor = torch.linalg.cholesky(self.covariance)
        self.precision = torch.cholesky_inverse(factor)
        self.half_log_det = factor.diagonal().log().sum()
        # Beside them an identity, for places that are no columns.
        more = torch.eye(len(mean), dtype=torch.float64, device="cpu")
        self._beside = {
            True: torch.block_diag(self.covariance, more),
            False: torch.block_diag(self.precision, more),
        }

    def given(self, block):
        """Log-density of the visible cells, and all cells given them.

        Returns
        -------
        log_density : (n_rows,) tensor
        expected : (n_rows, n_columns) tensor
        """
        return self._given(block, self._factor(block))

    def given_and_uncertain(self, block):
        """All cells given the visible ones, and how uncertain hidden ones are.

        Returns
        -------
        expected : (n_rows, n_columns) tensor
        uncertain : (n_columns, n_columns) tensor
            Covariances of hidden cells given visible ones, summed over the rows.
        """
        factor = self._factor(block)
        expected = self._given(block, factor)[1]
        n_columns = len(self.mean)
        inverses = torch.cholesky_inverse(factor)
        total = torch.bincount(
            _flat(block.places, 2 * n_columns).flatten(),
            inverses.flatten(),
            minlength=4 * n_columns**2,
        )
        total = total.view(2 * n_columns, -1)[:n_columns, :n_columns]
        if block.lists_visible:
            explained = self.covariance @ total @ self.covariance
            total = len(block.rows) * self.covariance - explained
        return expected, total

    def _given(self, block, factor):
        n_columns = len(self.mean)
        deviations = (block.values - self.mean) * block.visible
        log_det = factor.diagonal(dim1=1, dim2=2).log().sum(dim=1)
        given = deviations if block.lists_visible else deviations @ self.precision
        # 0 at places that are no columns
        listed = nn.functional.pad(given, (0, n_columns)).gather(1, block.places)
        standard = torch.linalg.solve_triangular(
            factor, listed.unsqueeze(2), upper=False
        )
        weights = torch.linalg.solve_triangular(factor.mT, standard, upper=True)
        distance = standard.square().sum(dim=(1, 2))
        spread = torch.zeros_like(nn.functional.pad(given, (0, n_columns)))
        spread = spread.scatter(1, block.places, weights.squeeze(2))[:, :n_columns]
        if block.lists_visible:
            expected = torch.where(
                block.visible > 0, deviations, spread @ self.covariance
            )
        else:
            distance = (given * deviations).sum(dim=1) - distance
            log_det = log_det + self.half_log_det
            expected = deviations - spread
        n_visible = block.visible.sum(dim=1)
        log_density = -distance / 2 - log_det - n_visible * (np.log(2 * np.pi) / 2)
        return log_density, expected + self.mean

    def _factor(self, block):
        """Cholesky factors of the listed blocks, beside identities."""
        matrix = self._beside[block.lists_visible]
        return torch.linalg.cholesky(matrix.take(_flat(block.places, len(matrix))))


def _flat(places, n_columns):
    """Where all pairs of places are in a flattened matrix: (n_rows, width, width)."""
    return places.unsqueeze(2) * n_columns + places.unsqueeze(1)
