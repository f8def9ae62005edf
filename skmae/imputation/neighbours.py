"""Missing cells as they are in the rows that are most alike."""

import numpy as np
import torch
from torch import nn

from skmae.networks.weights import zeros

# Rows that are looked through for alike ones, fewer of wide tables.
_MOST_ROWS, _LEAST_ROWS, _MOST_CELLS = 10_000, 100, 1_000_000
# The nearest of these by a whole row; of them the nearest by a row's other columns.
_N_CANDIDATES = 32
_N_NEIGHBOURS = 5
_LEAST_DISTANCE = 1e-3  # squared: of rows nearer than this none counts for more
_BLOCK = 2_000_000  # numbers that are compared at once


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
    n_rows : int
        Of the table.
    column_of_value : (n_values,) int array
    """

    rows: torch.Tensor
    known: torch.Tensor
    column_of_value: torch.Tensor
    weight: torch.Tensor

    def __init__(self, n_rows, column_of_value):
        super().__init__()
        n_values = len(column_of_value)
        self.register_buffer("rows", zeros(n_rows, n_values))
        known = torch.zeros(n_rows, n_values, dtype=torch.bool, device="cpu")
        self.register_buffer("known", known)
        columns, counts = np.unique(
            column_of_value, return_inverse=True, return_counts=True
        )[1:]
        # A category has several values, a number one; known once the layout is.
        for name, values in (
            ("column_of_value", columns.astype(np.int64)),
            ("weight", (1 / counts[columns]).astype(np.float32)),
        ):
            self.register_buffer(name, torch.from_numpy(values), persistent=False)
        self.n_columns = len(counts)

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
        of_columns = squared.new_zeros(*squared.shape[:2], self.n_columns)
        of_columns.index_add_(2, self.column_of_value, squared)
        total = squared.sum(dim=2, keepdim=True)
        others = (total - of_columns).index_select(2, self.column_of_value)
        unknown = ~self.known[candidates] | torch.isinf(distances)[:, :, None]
        others = others.clamp(min=0).masked_fill(unknown, torch.inf)
        n_nearest = min(_N_NEIGHBOURS, candidates.shape[1])
        nearest = others.topk(n_nearest, dim=1, largest=False, sorted=False)
        weights = 1 / (nearest.values + _LEAST_DISTANCE)
        values = found.gather(1, nearest.indices)
        return (values * weights).sum(dim=1) / weights.sum(dim=1)
