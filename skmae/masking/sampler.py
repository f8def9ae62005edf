"""Drawing training masks, row by row.

All strategies hide *units*: columns, or patches of an n-d row. Per row the number
of hidden units is exactly ``round(ratio * n_observed)``, kept between one hidden
and one visible wherever the row has two observed units or more. Missing units are
hidden anyway and never counted.
"""

import numpy as np
import torch

from skmae.masking.strategies import STRATEGIES, obeys_ratio
from skmae.masking.strategy import uniform
from skmae.masking.units import EVERY_ROW, hide_smallest, observed_units


class MaskSampler:
    """Draw training masks, row by row.

    Parameters
    ----------
    ratio : float or (float, float)
        Share of the observed units to hide; a pair is a range from which each row
        draws its own share.
    strategy : str or callable
        A name among :data:`~skmae.masking.strategies.STRATEGIES`, or a function; see
        :class:`skmae.MaskedAutoencoderTransformer`.
    grid : UnitGrid
    patterns : (n_patterns, n_columns) bool tensor or None
        Missingness of training rows, for strategies that need it.
    """

    def __init__(self, ratio, strategy, grid, patterns=None):
        self.low, self.high = ratio if isinstance(ratio, tuple) else (ratio, ratio)
        self.strategy = strategy
        self.grid = grid
        if not callable(strategy):
            self._strategy = STRATEGIES[strategy](grid, patterns)
        self._unit_of_cell = torch.from_numpy(grid.unit_of_cell)

    @property
    def never_hides(self):
        """Whether no cell can ever be hidden: a plain autoencoder."""
        return self.grid.n_units == 1 or (self.high == 0 and obeys_ratio(self.strategy))

    def visible_range(self, complete):
        """Fewest and most units that masks leave visible in a row, or None: any number.

        Parameters
        ----------
        complete : bool
            Whether all units of all rows are observed.
        """
        n_units = self.grid.n_units
        if self.never_hides or not obeys_ratio(self.strategy):
            return (n_units, n_units) if self.never_hides and complete else None
        if complete and self.low == self.high:
            return n_units - self._count, n_units - self._count
        # Shares are rounded in float32 then, which may come to one unit less.
        return 0, min(n_units - self._count + 1, n_units)

    @property
    def _count(self):
        """Units to hide of a complete row, by the least ratio."""
        count = max(round(self.low * self.grid.n_units), int(self.high > 0))
        return min(count, self.grid.n_units - 1)

    def to(self, device):
        """Move what the strategies need to a device."""
        self._unit_of_cell = self._unit_of_cell.to(device)
        if not callable(self.strategy):
            self._strategy.to(device)
        return self

    def sample(self, n_rows, observed, generator, wanted=EVERY_ROW):
        """Draw a mask for a batch.

        Parameters
        ----------
        n_rows : int
        observed : (n_rows, n_columns) bool tensor, or None if all cells are observed
        generator : torch.Generator
        wanted : slice or int tensor
            Rows whose masks to return, which do not depend on what else is wanted.

        Returns
        -------
        hidden : (n_wanted, n_columns) bool tensor
            Observed cells to hide.
        """
        if self.never_hides:
            return torch.zeros(
                (n_rows, len(self._unit_of_cell)),
                dtype=torch.bool,
                device=generator.device,
            )[wanted]
        if callable(self.strategy):
            hidden = self._call(n_rows, observed, generator)
            hidden = hidden if observed is None else hidden & observed
            return hidden[wanted]
        seen = None
        if observed is not None:
            seen = observed_units(observed, self._unit_of_cell, self.grid)
        counts = self._counts(n_rows, seen, generator)
        keys, counts = self._strategy.keys(n_rows, seen, counts, generator)
        keys = keys[wanted]
        if seen is not None:
            keys = keys.masked_fill(~seen[wanted], torch.inf)
        hidden = self.to_cells(hide_smallest(keys, counts[wanted]))
        return hidden if observed is None else hidden & observed[wanted]

    def to_cells(self, units):
        """Spread a mask over units to the cells of each unit."""
        if self.grid.one_to_one:
            return units
        return units.index_select(1, self._unit_of_cell.to(units.device))

    def _counts(self, n_rows, seen, generator):
        """Number of units to hide in each row: (n_rows,)."""
        device = generator.device
        if seen is None and self.low == self.high:
            return torch.full((n_rows,), self._count, dtype=torch.long, device=device)
        if seen is None:
            available = torch.full(
                (n_rows,), self.grid.n_units, dtype=torch.long, device=device
            )
        else:
            available = seen.sum(dim=1)
        ratio = self.low
        if self.low != self.high:
            drawn = uniform((n_rows,), generator)
            ratio = self.low + (self.high - self.low) * drawn
        counts = (ratio * available.float()).round().long()
        return counts.clamp(min=1 if self.high > 0 else 0).minimum(
            (available - 1).clamp(min=0)
        )

    def _call(self, n_rows, observed, generator):
        """Call the user's function, which takes and returns numpy arrays."""
        if observed is None:
            shape = (n_rows, len(self._unit_of_cell))
            seen = np.ones(shape, dtype=bool)
        else:
            # Its own: what it writes there is not to be taken for missing.
            seen = observed.cpu().numpy().copy()
        seed = torch.randint(
            2**31 - 1, (1,), generator=generator, device=generator.device
        )
        rng = np.random.default_rng(int(seed))
        hidden = np.array(self.strategy(seen, rng), order="C")
        if hidden.shape != seen.shape or hidden.dtype != bool:
            raise ValueError(
                "A callable mask_strategy must return a boolean array of shape "
                f"(n_rows, n_features) = {seen.shape}, True where a cell is to be "
                f"hidden. Got dtype {hidden.dtype} and shape {hidden.shape}."
            )
        return torch.from_numpy(hidden).to(generator.device)
