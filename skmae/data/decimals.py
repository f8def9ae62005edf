"""Columns of decimal numbers, not all of which floats can hold, as amounts of money."""

from decimal import Decimal, localcontext

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd

_DIGITS = 80  # more than any library's decimals have


def holds_decimals(series):
    """Whether a column has a decimal dtype, or objects that are all decimals."""
    if series.dtype == nw.Decimal:
        return True
    cells = _objects(series)
    return len(cells) > 0 and all(isinstance(cell, Decimal) for cell in cells)


def as_decimals(numbers, series):
    """Floats as decimals that a column can hold: (n_numbers,) object array."""
    with localcontext() as context:
        context.prec = _DIGITS
        last_digit = Decimal(1).scaleb(-_scale(series))
        rounded = [Decimal(number).quantize(last_digit) for number in numbers.tolist()]
    return np.array(rounded, dtype=object)


def _scale(series):
    """Digits after the point, of the dtype or of the cell that has most."""
    if series.dtype != nw.Decimal:
        return max(-cell.as_tuple().exponent for cell in _objects(series))
    native = series.to_native()
    dtype = native.dtype if hasattr(native, "dtype") else native.type  # of pyarrow
    return getattr(dtype, "pyarrow_dtype", dtype).scale


def _objects(series):
    """Cells of a column of objects that are not missing."""
    if series.dtype != nw.Object:
        return []
    cells = np.asarray(series.to_numpy(), dtype=object)
    return cells[~pd.isna(cells)].tolist()
