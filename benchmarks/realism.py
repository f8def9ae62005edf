"""Measures of new rows, beside rows that nobody saw."""

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors

from benchmarks.protocols import repeats

N_NEIGHBOURS = 5


def finished(new, train):
    """Clip every column to the range seen, and snap to the values seen if they repeat.

    Of two values that are equally near, the lower one is taken.
    """
    columns = []
    for column, seen in zip(new.T, train.T, strict=True):
        values = np.unique(seen)
        column = column.clip(values[0], values[-1])
        if repeats(seen):
            middles = (values[1:] + values[:-1]) / 2
            column = values[np.searchsorted(middles, column)]
        columns.append(column)
    return np.stack(columns, axis=1)


def realism(new, train, test, is_class):
    """Return all measures of new rows, which were finished."""
    return {
        "C2ST": c2st(new, test),
        "TSTR": tstr(new, test, is_class),
        **neighbours(new, train, test),
        "correlations": correlation_difference(new, test),
    }


def c2st(new, test):
    """AUROC of boosting that tells new rows from held-out ones, cross-validated."""
    X = np.concatenate([new, test])
    y = np.repeat([0, 1], [len(new), len(test)])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    judge = HistGradientBoostingClassifier(random_state=0)
    chances = cross_val_predict(judge, X, y, cv=folds, method="predict_proba")
    return roc_auc_score(y, chances[:, 1])


def tstr(new, test, is_class):
    """Predict the last column of held-out rows after training on new ones.

    Balanced accuracy if it is a class (.5 if new rows have but one), R2 otherwise.
    """
    X, y, X_test, y_test = new[:, :-1], new[:, -1], test[:, :-1], test[:, -1]
    if not is_class:
        model = HistGradientBoostingRegressor(random_state=0).fit(X, y)
        return r2_score(y_test, model.predict(X_test))
    if len(np.unique(y)) == 1:
        return 1 / len(np.unique(y_test))
    model = HistGradientBoostingClassifier(random_state=0).fit(X, y)
    return balanced_accuracy_score(y_test, model.predict(X_test))


def neighbours(new, train, test):
    """Coverage, precision and memory, by distances of standardised columns."""
    mean, std = train.mean(axis=0), train.std(axis=0)
    new, train, test = ((rows - mean) / std for rows in (new, train, test))
    among_new, among_test = (_nearest(rows) for rows in (new, test))
    radius = among_test.kneighbors(n_neighbors=N_NEIGHBOURS)[0][:, -1]
    to_new = among_new.kneighbors(test, 1)[0][:, 0]
    # A ball around each held-out row; new rows that lie in none are not precise.
    n_inside = [(np.linalg.norm(test - row, axis=1) <= radius).any() for row in new]
    n = min(len(train), len(test))
    to_train = _nearest(train[:n]).kneighbors(new, 1)[0][:, 0]
    to_test = _nearest(test[:n]).kneighbors(new, 1)[0][:, 0]
    closer = (to_train < to_test) + 0.5 * (to_train == to_test)
    return {
        "coverage": np.mean(to_new <= radius),
        "precision": np.mean(n_inside),
        "closer": closer.mean(),
        "copies": np.mean([(train == row).all(axis=1).any() for row in new]),
    }


def correlation_difference(new, test):
    """Mean absolute difference of the correlations of all pairs of columns."""
    pairs = np.triu_indices(test.shape[1], 1)
    both = (_correlations(rows)[pairs] for rows in (new, test))
    return np.abs(np.subtract(*both)).mean()


def _nearest(rows):
    # Distances of trees are of differences, and so 0 for equal rows.
    return NearestNeighbors(algorithm="kd_tree").fit(rows)


def _correlations(rows):
    """Correlations, 0 of a column that does not vary."""
    units = rows - rows.mean(axis=0)
    norms = np.linalg.norm(units, axis=0)
    units = units / np.where(norms > 0, norms, 1.0)
    return units.T @ units
