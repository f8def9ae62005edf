"""How new rows are: beside the rows that were learned from, and beside others."""

import numpy as np
from sklearn.utils import Bunch


def novelty(layout, new, train, test):
    """Compare new rows with training rows and with rows held out.

    Parameters
    ----------
    layout : Layout
    new, train, test : (n_rows, n_columns) float32 arrays
        Encoded; NaN where missing.

    Returns
    -------
    report : Bunch
    """
    to_train, to_test = (_nearest(layout, new, rows) for rows in _as_many(train, test))
    closer = np.mean(to_train < to_test) + np.mean(to_train == to_test) / 2
    return Bunch(
        closer_to_train=float(closer),
        copies=float(np.mean(_nearest(layout, new, train) == 0)),
        copies_in_test=float(np.mean(_nearest(layout, test, train) == 0)),
        distance_to_train=float(np.median(to_train)),
        distance_to_test=float(np.median(to_test)),
        n_samples=len(new),
    )


def _as_many(train, test):
    n_rows = min(len(train), len(test))
    return train[:n_rows], test[:n_rows]


def _nearest(layout, rows, others):
    """Distance of each row to the nearest of others, in standardised units."""
    # Here, since with it comes much of scikit-learn.
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=1).fit(_coordinates(layout, others))
    # The search may round what is the same to a little more than 0.
    distance, at = index.kneighbors(_coordinates(layout, rows))
    same = np.array_equal
    exact = [same(row, others[k], True) for row, k in zip(rows, at[:, 0], strict=True)]
    return np.where(exact, 0.0, np.maximum(distance[:, 0], 1e-12))


def _coordinates(layout, values):
    """Numbers in standard deviations, indicators of categories; 0 where missing."""
    columns = list(layout.numeric)
    numbers = values[:, columns] / layout.stds[columns]
    parts = [numbers]
    expanded = layout.expand(values)
    for column, part in layout.category_slices():
        parts.append(expanded[:, part] / layout.stds[column])
    return np.nan_to_num(np.concatenate(parts, axis=1))
