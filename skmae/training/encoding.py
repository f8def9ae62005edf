"""How a fit reads rows: codec, encoded rows, and warnings of doubtful columns."""

import warnings

import numpy as np

from skmae.data.channels import scale_groups, warn_of_unlike_channels
from skmae.data.codec import TableCodec, category_counts
from skmae.data.column_kinds import find_categorical, is_text
from skmae.data.column_names import names_of_fit
from skmae.data.doubtful_columns import (
    warn_of_doubtful,
    warn_of_new,
    warn_of_new_tokens,
)
from skmae.data.quoting import quoted_names
from skmae.data.sequence_codec import TokenCodec
from skmae.data.tables import as_table


def encode_table(task, X, seeds):
    """Learn scales and categories, and encode the rows that they are learned from.

    Returns
    -------
    codec : TableCodec
    values : (n_rows, n_columns) float32 array or EncodedRows
    """
    params, rows = task.params, task.row_shape()
    n_columns = params.n_features_in_
    names = names_of_fit(params)
    rows.grid(n_columns)  # refuses patches that do not fit
    codec = TableCodec(
        task.scaling,
        scale_groups(rows.input_shape, rows.channel_axis),
        n_bins=task.n_bins,
        seed=seeds["codec"],
    )
    categorical = find_categorical(X, params.categorical_features, n_columns, names)
    values = codec.fit_encode(as_table(X, categorical), names)
    task.check_encoded(codec, values)
    if task.warns_of_empty:
        _warn_of_empty(codec, names)
    _warn_of_doubtful(codec, X, values, params.categorical_features, names)
    if rows.input_shape and rows.channel_axis is None and not categorical.any():
        warn_of_unlike_channels(values, rows.input_shape, seeds["rows"])
    return codec, values


def encode_further(params, model, X):
    """Encode rows to train a model on that was fitted to others.

    Parameters
    ----------
    params : estimator
    model : FittedModel
    X : array, DataFrame or other checked rows

    Returns
    -------
    values : (n_rows, n_columns) float32 array, EncodedRows or Sequences
    """
    codec, names = model.codec, names_of_fit(params)
    if isinstance(codec, TableCodec):
        new = codec.new_categories(codec.table(X))
        warn_of_new(new, {column: quoted_names([column], names) for column in new})
    elif isinstance(codec, TokenCodec):
        warn_of_new_tokens(codec.new_tokens(X))
    return model.encode_to_train(X)


def _warn_of_empty(codec, names):
    """Warn of columns in which fit sees no value."""
    empty = np.flatnonzero(codec.empty_)
    if len(empty) == 0:
        return
    which, have, them = "Column", "has", "it"
    if len(empty) > 1:
        which, have, them = "Columns", "have", "them"
    warnings.warn(
        f"{which} {quoted_names(empty, names)} of X {have} no observed value: "
        f"nothing can be learned about {them}, and whatever later rows hold there "
        "is passed over.",
        UserWarning,
        stacklevel=2,
    )


def _warn_of_doubtful(codec, X, values, categorical_features, names):
    """Warn of columns that are read as categories and seem to be none."""
    categories = {
        column: encoder.categories_[0] for column, encoder in codec.encoders_.items()
    }
    warn_of_doubtful(
        categories,
        {c: category_counts(values, c, len(categories[c])).sum() for c in categories},
        is_text(X, categorical_features, values.shape[1]),
        {c: quoted_names([c], names) for c in categories},
    )
