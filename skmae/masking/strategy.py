"""What a mask strategy is."""

import torch


class Strategy:
    """Keys of the units of rows: the units with the smallest keys are hidden.

    Parameters
    ----------
    grid : UnitGrid
    patterns : (n_patterns, n_columns) bool tensor or None
        Missingness of training rows, for strategies that need it. None: masks are not
        drawn any more.
    """

    # Whether "mask_ratio" says how many units to hide; 0 then hides none.
    obeys_ratio = True
    needs_patterns = False

    def __init__(self, grid, patterns=None):
        self.n_units = grid.n_units

    def to(self, device):
        """Move what it needs to a device."""
        return self

    def keys(self, n_rows, seen, counts, generator):
        """Draw keys for a batch.

        Parameters
        ----------
        n_rows : int
        seen : (n_rows, n_units) bool tensor, or None if all units are observed
        counts : (n_rows,) int tensor
            Units to hide by the ratio.
        generator : torch.Generator

        Returns
        -------
        keys : (n_rows, n_units) float tensor
        counts : (n_rows,) int tensor
            Units to hide.
        """
        raise NotImplementedError


def uniform(shape, generator):
    """Numbers in [0, 1), on the generator's device."""
    return torch.rand(
        shape, generator=generator, dtype=torch.float32, device=generator.device
    )
