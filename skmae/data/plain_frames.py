"""One row of a DataFrame as plain values, which any format can save.

skops refuses DataFrames, and pickles of them depend on the version of their library.
"""

import importlib

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd

_LIBRARIES = ("pandas", "polars")


class PlainRow:
    """A row of pandas or polars as names, dtypes and values.

    Parameters
    ----------
    library : {"pandas", "polars"}
    names : list
        Of the columns.
    dtypes : list of (str, list or None, bool)
        Name of the dtype of each column, categories where it has any, and whether they
        are ordered.
    values : list
        A cell for each column, None where missing.
    """

    def __init__(self, library, names, dtypes, values):
        self.library = library
        self.names = names
        self.dtypes = dtypes
        self.values = values

    def frame(self):
        """The row as a DataFrame again."""
        make = _pandas_frame if self.library == "pandas" else _polars_frame
        return make(importlib.import_module(self.library), self)


def plain_row(frame):
    """A frame of one row as a :class:`PlainRow`.

    Returns
    -------
    row : PlainRow or None
        None of another library, or of dtypes that would not come back as they are.
    """
    native = nw.from_native(frame, eager_only=True)
    library = native.implementation.value
    if library not in _LIBRARIES:
        return None
    values = [_plain(cell) for cell in native.row(0)]
    try:
        if library == "pandas":
            names = [_plain(name) for name in frame.columns]
            dtypes = [_pandas_dtype(dtype) for dtype in frame.dtypes]
        else:
            names = list(frame.columns)
            dtypes = [_polars_dtype(dtype) for dtype in frame.dtypes]
        row = PlainRow(library, names, dtypes, values)
        again = row.frame()
    except (AttributeError, TypeError, ValueError):  # no name by which to find a dtype
        return None
    return row if _is_same(library, frame, again) else None


def _plain(cell):
    if isinstance(cell, np.generic):
        cell = cell.item()
    return None if pd.api.types.is_scalar(cell) and pd.isna(cell) else cell


def _pandas_dtype(dtype):
    if isinstance(dtype, pd.CategoricalDtype):
        categories = [_plain(category) for category in dtype.categories]
        return "category", categories, bool(dtype.ordered)
    return str(dtype), None, False


def _pandas_frame(library, row):
    columns = {}
    for j, ((name, categories, ordered), value) in enumerate(
        zip(row.dtypes, row.values, strict=True)
    ):
        dtype = name
        if categories is not None:
            dtype = library.CategoricalDtype(categories, ordered)
        columns[j] = library.Series([value], dtype=dtype)
    frame = library.DataFrame(columns)
    frame.columns = library.Index(row.names)
    return frame


def _polars_dtype(dtype):
    kind = type(dtype).__name__
    return kind, dtype.categories.to_list() if kind == "Enum" else None, kind == "Enum"


def _polars_frame(library, row):
    series = []
    for name, (kind, categories, _), value in zip(
        row.names, row.dtypes, row.values, strict=True
    ):
        dtype = getattr(library, kind)
        dtype = dtype() if categories is None else dtype(categories)
        series.append(library.Series(name, [value], dtype=dtype))
    return library.DataFrame(series)


def _is_same(library, frame, again):
    if library == "polars":
        return frame.schema == again.schema and frame.equals(again)
    frame = frame.reset_index(drop=True)
    return (
        list(frame.dtypes) == list(again.dtypes)
        and frame.columns.dtype == again.columns.dtype
        and frame.columns.name == again.columns.name
        and frame.equals(again)
    )
