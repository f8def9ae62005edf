"""Units that are missing in another row."""

import numpy as np
import torch

from skmae.data.encoded_rows import EncodedRows
from skmae.masking.strategy import Strategy, uniform
from skmae.masking.units import observed_units

# Missingness patterns kept.
_MAX_PATTERNS = 4096


class CopiedHoles(Strategy):
    """Hide what a random row with missing values misses."""

    obeys_ratio = False
    needs_patterns = True

    def __init__(self, grid, patterns=None):
        super().__init__(grid)
        if patterns is None:
            patterns = torch.from_numpy(np.zeros((0, len(grid.unit_of_cell)), bool))
        # A unit is missing when it has no observed cell: (n_patterns, n_units)
        unit_of_cell = torch.from_numpy(grid.unit_of_cell)
        self.missing = ~observed_units(~patterns, unit_of_cell, grid)

    def to(self, device):
        """Move the patterns."""
        self.missing = self.missing.to(device)
        return self

    def keys(self, n_rows, seen, counts, generator):
        """Put the units missing in another row first."""
        donors = torch.randint(
            len(self.missing), (n_rows,), generator=generator, device=generator.device
        )
        missing = self.missing[donors]
        keys = uniform(missing.shape, generator) + (~missing).float()
        if seen is not None:
            missing = missing & seen
            available = seen.sum(dim=1)
        else:
            available = torch.full_like(counts, self.n_units)
        wanted = missing.sum(dim=1).clamp(min=1)
        return keys, wanted.minimum((available - 1).clamp(min=0))


def missingness_patterns(values, seed):
    """Patterns for mask_strategy="copy": missing cells of rows that have any.

    Parameters
    ----------
    values : (n_rows, n_columns) float array or EncodedRows
        NaN where missing.
    seed : int

    Returns
    -------
    patterns : (n_patterns, n_columns) bool tensor

    Raises
    ------
    ValueError
        If nothing is missing.
    """
    if isinstance(values, EncodedRows):
        incomplete = np.flatnonzero(values.incomplete)
    else:
        incomplete = np.flatnonzero(np.isnan(values).any(axis=1))
    if len(incomplete) == 0:
        raise ValueError(
            "mask_strategy='copy' hides cells where other rows miss them, but X has no "
            "missing value. Use mask_strategy='random' instead."
        )
    if len(incomplete) > _MAX_PATTERNS:
        rng = np.random.default_rng(seed)
        incomplete = np.sort(rng.choice(incomplete, _MAX_PATTERNS, replace=False))
    return torch.from_numpy(np.isnan(values[incomplete]))
