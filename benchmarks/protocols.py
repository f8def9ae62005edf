"""Splits, rows whose labels are known, and cells that are removed."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.model_selection import train_test_split

LABELS_PER_CLASS = (10, 20, 100, None)
MOST_ROWS_WITH_ANOMALIES = 10_000
MOST_DISTINCT = 0.9


def case_of(count):
    """How so many labels or targets are called; None is all."""
    return str(count or "all")


def split_table(X, y, seed, max_rows=4000, test_size=0.4):
    """X, X_test, y, y_test of at most so many rows."""
    if len(X) > max_rows:
        rows = np.random.default_rng(seed).choice(len(X), max_rows, replace=False)
        X, y = X[rows], y[rows]
    return train_test_split(X, y, test_size=test_size, random_state=seed, stratify=y)


def draw_labels(y, per_class, seed):
    """Rows whose labels are known: so many per class, at most what it has, or all."""
    if per_class is None:
        return np.arange(len(y))
    rng = np.random.default_rng(seed)
    by_class = [np.flatnonzero(y == label) for label in np.unique(y)]
    return np.concatenate(
        [
            rng.choice(rows, min(per_class, len(rows)), replace=False)
            for rows in by_class
        ]
    )


def mark(y, rows):
    """Targets of some rows, and NaN for the others."""
    marked = np.full(len(y), np.nan)
    marked[rows] = y[rows]
    return marked


def split_anomalies(X, y, protocol, seed, max_rows=MOST_ROWS_WITH_ANOMALIES):
    """Rows to train on, rows to test on and which of those are anomalies.

    Protocol A trains on a random half of the normal rows and tests on the other half
    and all anomalies; protocol B trains on a stratified 70 % of all rows, anomalies
    included, and tests on the others.
    """
    if len(X) > max_rows:
        X, _, y, _ = train_test_split(
            X, y, train_size=max_rows, stratify=y, random_state=seed
        )
    if protocol == "B":
        train, test, _, y_test = train_test_split(
            X, y, train_size=0.7, stratify=y, random_state=seed
        )
        return train, test, y_test
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(y == 0))
    half = len(normal) // 2
    test = np.concatenate([normal[half:], np.flatnonzero(y == 1)])
    return X[normal[:half]], X[test], y[test]


def without_cells(X, share, seed):
    """Remove a share of the cells, each with the same probability."""
    return np.where(np.random.default_rng(seed).random(X.shape) < share, np.nan, X)


def drawn_rows(n_rows, max_rows, seed):
    """Which of so many rows take part, at most ``max_rows``."""
    if n_rows <= max_rows:
        return np.arange(n_rows)
    return np.random.default_rng(seed).choice(n_rows, max_rows, replace=False)


def scaled_rows(X, max_rows, seed):
    """At most so many rows, scaled to [0, 1]."""
    X = X[drawn_rows(len(X), max_rows, seed)]
    low, high = X.min(axis=0), X.max(axis=0)
    return (X - low) / np.where(high > low, high - low, 1.0)


def halves(X, max_rows, seed):
    """Rows to train on and as many to judge by, without columns of a single value.

    Every seed halves the same rows, at most so many.
    """
    X = X[np.random.default_rng(7).permutation(len(X))[:max_rows]]
    order = np.random.default_rng(seed).permutation(len(X))
    train, test = np.split(X[order], [len(X) // 2])
    varies = train.min(axis=0) < train.max(axis=0)
    return train[:, varies], test[:, varies]


def repeats(column):
    """Whether a column is a list of values: few of them occur only once."""
    return len(np.unique(column)) < MOST_DISTINCT * len(column)


def spread_out(train, test, seed):
    """Spread values of columns that repeat them evenly over the cells around them.

    A cell reaches half-way to the next lower and higher value of the table. A density
    of what is returned gives probabilities of values, over the width of their cells.
    """
    rng = np.random.default_rng(seed)
    rows = np.concatenate([train, test])
    for j in np.flatnonzero([repeats(column) for column in train.T]):
        values, at = np.unique(rows[:, j], return_inverse=True)
        middles = (values[1:] + values[:-1]) / 2
        first, last = 2 * values[0] - middles[0], 2 * values[-1] - middles[-1]
        edges = np.concatenate([[first], middles, [last]])
        rows[:, j] = rng.uniform(edges[at], edges[at + 1])
    return np.split(rows, [len(train)])


def removed_cells(X, kind, share, seed):
    """Cells to remove: a boolean array that leaves every row a cell.

    - mcar, out: each with the same probability;
    - mar: by a logistic model in three tenths of the columns, which stay complete;
    - mnar: by a logistic model in all columns, the cell's own and other removed ones
      among them;
    - self: by a logistic model in the cell's own value alone, so that one tail of each
      column is hardly ever seen.
    """
    rng = np.random.default_rng(1000 + seed)
    n_columns = X.shape[1]
    spread = X.std(axis=0)
    units = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    if kind in ("mcar", "out"):
        chances = np.full(X.shape, share)
    elif kind == "self":
        signs = rng.choice([-1.0, 1.0], size=n_columns)
        chances = np.stack([_logistic(c, share) for c in (units * signs).T], axis=1)
    else:
        causes, masked = np.arange(n_columns), np.arange(n_columns)
        if kind == "mar":
            order = rng.permutation(n_columns)
            causes, masked = np.split(order, [max(1, round(0.3 * n_columns))])
        chances = np.zeros(X.shape)
        for j in np.sort(masked):
            score = units[:, causes] @ rng.normal(size=len(causes))
            chances[:, j] = _logistic(score / (score.std() + 1e-12), share)
    removed = rng.random(X.shape) < chances
    for row in np.flatnonzero(removed.all(axis=1)):
        removed[row, rng.integers(n_columns)] = False
    return removed


def _logistic(score, share):
    """Probabilities that rise with a score and average ``share``."""
    shift = brentq(lambda b: expit(2 * score + b).mean() - share, -60, 60)
    return expit(2 * score + shift)
