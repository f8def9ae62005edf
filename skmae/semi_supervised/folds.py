"""Folds of labelled rows, to judge what was learned from the other rows."""

import warnings

import numpy as np
from sklearn.model_selection import StratifiedKFold

MAX_FOLDS = 5
# Labelled rows from which networks, which take long, leave out a single fold: it is
# large enough to judge by.
MANY = 1000


def stratified_folds(labels, seed):
    """Split labelled rows into those to learn from and those to judge by.

    A class of a single row is never left out; one of fewer rows than folds is in some
    of them.

    Parameters
    ----------
    labels : (n_labelled,) int array
    seed : int

    Returns
    -------
    folds : list of (kept, left_out)
        Positions; empty if no class has two rows.
    """
    counts = np.bincount(labels)
    single = np.flatnonzero(counts[labels] == 1)
    several = np.flatnonzero(counts[labels] > 1)
    if len(several) == 0:
        return []
    # Not the least: for a class of two, half of all rows would be left out.
    n_folds = min(MAX_FOLDS, counts.max())
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        split = list(splitter.split(several, labels[several]))
    return [
        (np.union1d(several[kept], single), several[left_out])
        for kept, left_out in split
    ]


def about_left_out(folds, rows, say, by_networks):
    """Put together what teachers say of labelled rows that they did not learn from.

    Parameters
    ----------
    folds : list of (kept, left_out)
        Positions among the labelled rows.
    rows : (n_labelled,) int array
        Positions of these among all rows.
    say : callable
        ``say(kept, about)`` lets teachers learn from those kept and judge some of all
        rows: (n_teachers, n_about, n_outputs) array.
    by_networks : list of (n_rows, n_outputs) arrays
        What the network of each fold says of all rows; empty: there are none.

    Returns
    -------
    left_out : (n_left_out,) int array
        Positions among the labelled rows.
    predictions : (n_teachers, n_left_out, n_outputs) array
        Networks last.
    by_network : (n_rows, n_outputs) array or None
        Mean of those of all folds.
    """
    of_folds = []
    for fold, (kept, left_out) in enumerate(folds):
        predictions = say(kept, rows[left_out])
        if by_networks:
            predictions = np.stack([*predictions, by_networks[fold][rows[left_out]]])
        of_folds.append(predictions)
    return (
        np.concatenate([left_out for _, left_out in folds]),
        np.concatenate(of_folds, axis=1),
        np.mean(by_networks, axis=0) if by_networks else None,
    )
