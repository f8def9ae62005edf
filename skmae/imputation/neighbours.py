"""Missing cells as they are in the rows that are most alike."""

import numpy as np
import torch
from torch import nn

from skmae.networks.weights import zeros

# Rows that are looked through for alike ones, fewer of wide tables.
_MOST_ROWS, _LEAST_ROWS, _MOST_CELLS = 10_000, 100, 250_000
# The nearest of these by a whole row; of them the nearest by a row's other columns.
_N_CANDIDATES = 32
_N_NEIGHBOURS = 5
_LEAST_DISTANCE = 1e-3  # squared: of rows nearer than this none counts for more
_BLOCK = 500_000  # numbers that are compared at once


def n_kept(n_rows, n_values):
    """How many of so many rows are kept to be compared with."""
    return min(n_rows, _MOST_ROWS, max(_LEAST_ROWS, _MOST_CELLS // max(n_values, 1)))


def rows_to_keep(n_rows, n_values, seed):
    """Which of the rows are kept: (n_kept,) int array, in order."""
    wanted = n_kept(n_rows, n_values)
    if wanted == n_rows:
        return np.arange(n_rows)
    rng = np.random.default_rng(seed)
    return np.sort(rng.choice(n_rows, wanted, replace=False))


class Neighbours(nn.Module):
    """Means of cells over the rows of a table that are nearest by their other cells.

    Rows are compared after their missing cells were predicted, column by column, each
    weighing the same. A cell is what the five nearest rows hold in which it was
    observed, weighted by their inverse squared distances, to which its own column
    does not count.

    Parameters
    ----------
    n_rows, n_values : int
        Of the table.
    categories : sequence of slice
        Values that are of one column; every other one is a column.
    """

    rows: torch.Tensor
    known: torch.Tensor
    weight: torch.Tensor

    def __init__(self, n_rows, n_values, categories):
        super().__init__()
        self.categories = list(categories)
        self.register_buffer("rows", zeros(n_rows, n_values))
        known = np.zeros((n_rows, n_values), dtype=bool)
        self.register_buffer("known", torch.from_numpy(known))
        weight = np.ones(n_values, dtype=np.float32)
        for part in self.categories:
            weight[part] /= part.stop - part.start
        self.register_buffer("weight", torch.from_numpy(weight), persistent=False)

    def set_rows(self, rows, known):
        """Take over the table.

        Parameters
        ----------
        rows : (n_rows, n_values) tensor
            Standardised, missing cells predicted.
        known : (n_rows, n_values) bool tensor
            Where they were not missing.
        """
        self.rows.copy_(rows)
        self.known.copy_(known)

    def forward(self, rows, otherwise, own=None):
        """Look for alike rows.

        Parameters
        ----------
        rows : (n_rows, n_values) tensor
            As in :meth:`set_rows`.
        otherwise : (n_rows, n_values) tensor
            What to say of cells that no row alike knows.
        own : (n_rows,) int tensor or None
            Position of each row in the table, where it is not to be found; -1: it is
            not there.

        Returns
        -------
        cells : (n_rows, n_values) tensor
        """
        n_candidates = min(_N_CANDIDATES, len(self.rows))
        scaled = self.rows * self.weight
        lengths = (scaled * self.rows).sum(dim=1)
        distances = lengths - 2 * (rows @ scaled.T)  # less what is the same for all
        if own is not None:
            there = torch.nonzero(own >= 0).ravel()
            distances[there, own[there]] = torch.inf
        nearest = distances.topk(n_candidates, dim=1, largest=False, sorted=False)
        height = max(1, _BLOCK // (n_candidates * rows.shape[1]))
        parts = zip(
            *(x.split(height) for x in (rows, nearest.indices, nearest.values)),
            strict=True,
        )
        cells = torch.cat([self._cells(*part) for part in parts])
        return torch.where(torch.isnan(cells), otherwise, cells)

    def _cells(self, rows, candidates, distances):
        """Means over candidates; NaN where none of them knows the cell."""
        found = self.rows[candidates]  # (n_rows, n_candidates, n_values)
        squared = (found - rows[:, None]).square() * self.weight
        others = squared.sum(dim=2, keepdim=True) - squared
        for part in self.categories:
            own = squared[:, :, part]
            others[:, :, part] += own - own.sum(dim=2, keepdim=True)
        unknown = ~self.known[candidates] | torch.isinf(distances)[:, :, None]
        others = others.clamp(min=0).masked_fill(unknown, torch.inf)
        n_nearest = min(_N_NEIGHBOURS, candidates.shape[1])
        nearest = others.topk(n_nearest, dim=1, largest=False, sorted=False)
        weights = 1 / (nearest.values + _LEAST_DISTANCE)
        values = found.gather(1, nearest.indices)
        return (values * weights).sum(dim=1) / weights.sum(dim=1)
