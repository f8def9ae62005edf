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

    def __call__(self, values, generator):
        """Stand-ins for (n_rows, n_columns) values, of the same shape.

        NaN where a swap meets a missing cell, or a batch has one row only.
        """
        if self.kind == "swap":
            return self._swap(values, generator)
        like = {"dtype": values.dtype, "device": values.device}
        drawn = torch.randn(values.shape, generator=generator, **like)
        drawn = drawn * self._std.to(values.device) + self._mean.to(values.device)
        for column, size in self._cardinalities:
            drawn[:, column] = torch.randint(
                size, (len(values),), generator=generator, device=values.device
            ).to(drawn.dtype)
        return drawn

    @staticmethod
    def _swap(values, generator):
        n_rows = len(values)
        if n_rows == 1:
            return torch.full_like(values, torch.nan)
        own = torch.arange(n_rows, device=values.device)[:, None]
        # 1 to n_rows - 1 rows further on is always another row
        steps = torch.randint(
            1, n_rows, values.shape, generator=generator, device=values.device
        )
        return values.gather(0, (own + steps) % n_rows)
