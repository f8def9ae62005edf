"""The layout's expanded values, standardised.

Numbers and category indicators alike have mean 0 and variance 1 over the training
rows, whatever the scaling, so that a Gaussian can be fitted to all of them.
"""

import numpy as np
import torch

_LEAST_STD = 1e-3


def value_stds(layout):
    """Standard deviation of each expanded value: (n_values,) float32 array."""
    numbers = layout.stds[list(layout.numeric)]
    frequencies = layout.means[len(layout.numeric) :]
    spread = np.sqrt(frequencies * (1 - frequencies))
    indicators = np.where(spread > _LEAST_STD, spread, 1.0)
    return np.concatenate([numbers, indicators]).astype(np.float32)


def standardise(values, layout):
    """Encoded cells expanded and standardised.

    Parameters
    ----------
    values : (n_rows, n_columns) float32 array
        NaN where missing.
    layout : Layout

    Returns
    -------
    standard : (n_rows, n_values) float32 array
        NaN where missing.
    """
    return (layout.expand(values) - layout.means) / value_stds(layout)


def value_tensors(layout):
    """Means, standard deviations and columns of the values, as tensors."""
    return (
        torch.from_numpy(layout.means.copy()),
        torch.from_numpy(value_stds(layout)),
        torch.from_numpy(layout.column_of_expanded),
    )
