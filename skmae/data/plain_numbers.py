"""Frames of pandas that hold numpy's numbers alone, by their dtypes.

To go over the columns of pandas takes longer than to apply a network to a row.
"""

import numpy as np
import pandas as pd


def holds_plain_numbers(X):
    """Whether all columns are numpy's numbers, as far as that is seen at once."""
    if not isinstance(X, pd.DataFrame):
        return False
    return all(_is_of(dtype, "fiub") for dtype in set(X.dtypes))


def is_one_block(X):
    """Whether a frame is an array with names: pandas' and of floats of one dtype.

    To write into its columns one by one would take many times as long.
    """
    if not isinstance(X, pd.DataFrame):
        return False
    dtypes = set(X.dtypes)
    return len(dtypes) == 1 and all(_is_of(dtype, "f") for dtype in dtypes)


def _is_of(dtype, kinds):
    return isinstance(dtype, np.dtype) and dtype.kind in kinds
