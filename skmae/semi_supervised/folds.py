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
