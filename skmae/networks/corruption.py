"""What a network is shown in place of a hidden cell, if not a fixed value."""

import numpy as np
import torch


class CellCorruption:
    """Draw a stand-in for every cell of a batch.

    Parameters
    ----------
    kind : {"noise", "swap"}
        "noise" draws numbers from a normal distribution with the column's mean and
        standard deviation, and categories with equal probability; "swap" takes the
        same column of another row of the batch.
    layout : Layout
    """

    def __init__(self, kind, layout):
        self.kind = kind
        n_columns = layout.n_columns
        mean = np.zeros(n_columns, dtype=np.float32)
        mean[list(layout.numeric)] = layout.means[: len(layout.numeric)]
        self._mean = torch.from_numpy(mean)
        self._std = torch.from_numpy(layout.stds.copy())
        self._cardinalities = list(
            zip(layout.categorical, layout.cardinalities, strict=True)
        )

    def __call__(self, values, generator, own=None):
        """Stand-ins for (n_rows, n_columns) values, of the same shape.

        NaN where a swap meets a missing cell, or a batch has one row only.

        Parameters
        ----------
        values : (n_rows, n_columns) tensor
        generator : torch.Generator
        own : (n_rows,) bool tensor or None
            Rows whose values are known, where others are not; these are swapped among
            each other. None: all are.
        """
        if self.kind == "swap":
            return self._swap(values, generator, own)
        like = {"dtype": values.dtype, "device": values.device}
        drawn = torch.randn(values.shape, generator=generator, **like)
        drawn = drawn * self._std.to(values.device) + self._mean.to(values.device)
        for column, size in self._cardinalities:
            drawn[:, column] = torch.randint(
                size, (len(values),), generator=generator, device=values.device
            ).to(drawn.dtype)
        return drawn

    @staticmethod
    def _swap(values, generator, own=None):
        n_rows = len(values)
        if n_rows == 1:
            return torch.full_like(values, torch.nan)
        each = torch.arange(n_rows, device=values.device)[:, None]
        # 1 to n_rows - 1 rows further on is always another row
        steps = torch.randint(
            1, n_rows, values.shape, generator=generator, device=values.device
        )
        if own is None:
            return values.gather(0, (each + steps) % n_rows)
        known, swapped = values[own], torch.full_like(values, torch.nan)
        n_known = len(known)
        if n_known > 1:
            steps = 1 + (steps[own] - 1) % (n_known - 1)
            swapped[own] = known.gather(0, (each[:n_known] + steps) % n_known)
        return swapped
