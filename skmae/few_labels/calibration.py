"""How sure of itself a classifier may be.

A network that knows its labelled rows by heart is surer of others than it is right.
Networks that were trained without some of the rows tell by how much: their logits of
those are divided by the temperature under which the labels are most likely [1]_. That
changes no prediction, only how probable it is said to be.

References
----------
.. [1] Guo, Pleiss, Sun, Weinberger (2017). On Calibration of Modern Neural Networks.
   ICML. arXiv:1706.04599.
"""

import warnings

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.model_selection import StratifiedKFold

_MAX_FOLDS = 5
# Labelled rows from which a single fold is left out: they judge well enough.
_MANY = 1000
_BOUNDS = (0.1, 100.0)
# How strongly a temperature of 1 is believed in.
_PRIOR_STRENGTH = 3.0


def calibration_folds(labels, seed):
    """Split labelled rows into those to train on and those to judge by.

    A class of a single row stays in training; one of fewer rows than folds is left out
    in some of them.

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
    n_folds = min(_MAX_FOLDS, counts.max())
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        split = list(splitter.split(several, labels[several]))
    folds = [
        (np.union1d(several[kept], single), several[left_out])
        for kept, left_out in split
    ]
    return folds[:1] if len(labels) >= _MANY else folds


def fit_temperature(logits, labels, weight):
    """What logits must be divided by for the labels to be most likely.

    Parameters
    ----------
    logits : (n_rows, n_classes) array
        Of rows that were not trained on.
    labels : (n_rows,) int array
    weight : (n_rows,) array
        1 in the mean, or nearly.

    Returns
    -------
    temperature : float
        Above 1 where the logits are too sure. Few rows leave it close to 1.
    """

    def regret(log_temperature):
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        right = np.take_along_axis(scaled, labels[:, None], axis=1)[:, 0]
        return -(weight @ right) + _PRIOR_STRENGTH * log_temperature**2

    found = minimize_scalar(regret, bounds=np.log(_BOUNDS), method="bounded")
    return float(np.exp(found.x))
