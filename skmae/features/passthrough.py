"""Visible cells of a table, beside the code of each row.

A code says what other columns need to know of a row; what a column says by itself may
be lost in it.
"""

import numpy as np

from skmae.training.parameters import is_auto

# Beyond so many cells, one for each number and each category, they would take far more
# memory than the code, and than the rows themselves where these are sparse.
_MOST_CELLS = 256
# Standard deviation of the numbers, and the most that their variances may add up to:
# about as much as those of a code, the columns of which have a deviation of some .4.
# With 1 for all, fourteen tables lose .010 with all labels, most where columns are
# independent; with 2 for all they lose .003 with ten per class, most where columns are
# many. See the page of this benchmark.
_LARGEST_STD = 2.0
_TOTAL_VARIANCE = 64.0


def stands_beside(passthrough, model):
    """Whether the cells stand beside the code: what ``passthrough`` is by a fit.

    Parameters
    ----------
    passthrough : bool or "auto"
    model : FittedModel
    """
    if not is_auto(passthrough):
        return bool(passthrough)
    is_table = model.settings.rows.input_shape is None
    return is_table and model.layout.n_expanded <= _MOST_CELLS


def number_factors(layout):
    """Factors of centred numbers: (n_numbers,) float32 array."""
    n_numbers = max(len(layout.numeric), 1)
    std = min(_LARGEST_STD, (_TOTAL_VARIANCE / n_numbers) ** 0.5)
    return std / layout.stds[list(layout.numeric)]


def visible_cells(values, layout):
    """Standardised numbers, and an indicator of each category.

    Parameters
    ----------
    values : (n_rows, n_columns) float32 array
        NaN where missing.
    layout : Layout

    Returns
    -------
    cells : (n_rows, n_expanded) float32 array
        In the layout's expanded order; 0 where missing.
    """
    cells = layout.expand(values)
    n_numbers = len(layout.numeric)
    cells[:, :n_numbers] -= layout.means[:n_numbers]
    cells[:, :n_numbers] *= number_factors(layout)
    return np.nan_to_num(cells, copy=False, nan=0.0)


def features_beside_cells(model, X, dtype):
    """Features of checked rows, then their cells: (n_rows, n_features + n_expanded)."""
    n_features = model.settings.network.n_features
    out = np.empty((len(X), n_features + model.layout.n_expanded), dtype=dtype)

    def blocks():
        for rows, values in model.codec.encode_blocks(model.codec.table(X)):
            out[rows, n_features:] = visible_cells(values, model.layout)
            yield rows, values

    model.inference().features(blocks(), out[:, :n_features])
    return out


def names_of_cells(columns, codec):
    """Names of the cells: those of columns, or ``column_category``.

    Parameters
    ----------
    columns : (n_columns,) array of str
    codec : TableCodec

    Returns
    -------
    names : list of str
        In the layout's expanded order.
    """
    names = list(columns[codec.numeric_])
    for column, categories in zip(
        codec.layout_.categorical, codec.categories, strict=True
    ):
        names += [f"{columns[column]}_{category}" for category in categories]
    return names
