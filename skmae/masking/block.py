"""Neighbours together: columns side by side, patches close to each other."""

import numpy as np
import torch

from skmae.masking.strategy import Strategy, uniform


class Blocks(Strategy):
    """Hide the units nearest to one unit of each row."""

    def __init__(self, grid, patterns=None):
        super().__init__(grid)
        self.places = torch.from_numpy(grid.places.astype(np.float32))

    def to(self, device):
        """Move the places."""
        self.places = self.places.to(device)
        return self

    def keys(self, n_rows, seen, counts, generator):
        """Distance to a random unit of the row."""
        centres = torch.randint(
            self.n_units, (n_rows,), generator=generator, device=generator.device
        )
        # (n_rows, 1, n_axes) - (n_units, n_axes) -> (n_rows, n_units)
        offsets = self.places[centres][:, None] - self.places
        distance = offsets.abs().amax(dim=2)
        # The jitter picks among equally distant units without reordering others.
        return distance + 0.5 * uniform(distance.shape, generator), counts
