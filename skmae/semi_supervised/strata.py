"""Folds of which each is tested on labelled rows like those of all others.

Rows are sorted by their label or number and assigned to the folds in turn. Of few
numbers that makes far better estimates than folds at random: R² is measured against
the spread of the fold's own targets, which may be tiny where they are few. (Ridge
regression on 50 rows of diabetes, 200 draws: the root mean squared difference of the
score of five folds from that on all other rows is .13, with random folds .22.)
"""

from numbers import Real
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array

from skmae.semi_supervised.targets import (
    as_labels,
    check_missing_label,
    check_type_of_mark,
    find_labelled,
    of_one_type,
    warn_of_a_class,
)

# Floats of which more than this share are different are no classes.
_MOST_CLASSES = 0.2


class Strata(NamedTuple):
    """Rows that may be tested, and what to sort them by."""

    labelled: np.ndarray  # (n_rows,) bool
    ranks: np.ndarray  # (n_labelled,) int, equal for rows of one class
    are_classes: bool


def read_strata(y, missing_label):
    """Find the labelled rows, and rank them.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        Classes or numbers. Of several outputs all must be known.
    missing_label : label, None, NaN, NA or "auto"
        As in :func:`~skmae.semi_supervised.targets.read_classes`; "auto" takes -1 for a
        mark among classes only.
    """
    check_missing_label(missing_label)
    n_dimensions = np.ndim(y)
    if n_dimensions not in (1, 2):
        raise ValueError(f"y must have one or two dimensions. Got {n_dimensions}.")
    if n_dimensions == 2:
        y = y if hasattr(y, "shape") else np.asarray(y)
        if y.shape[1] > 1:
            return _of_several(y, missing_label)
        y = np.asarray(y)[:, 0]
    labels = _numbers_as_such(as_labels(y))
    check_type_of_mark(labels, missing_label)
    if isinstance(missing_label, str) and _has_values(labels):
        labelled = ~pd.isna(labels)
    else:
        labelled = find_labelled(labels, missing_label)
        warn_of_a_class(labels, labelled, missing_label)
    if not labelled.any():
        raise ValueError(
            "y has no label: every row is marked as unlabelled (missing_label="
            f"{missing_label!r}), so there is nothing to test on."
        )
    known = labels[labelled]
    if known.dtype.kind == "O":
        known = of_one_type(known)
    different, ranks = np.unique(known, return_inverse=True)
    are_classes = not _has_values(known) and (
        known.dtype.kind != "f" or len(different) <= _MOST_CLASSES * len(known)
    )
    return Strata(labelled, ranks, are_classes)


def assign_folds(ranks, n_splits, random_state):
    """Assign rows to folds, so that each gets as many of every rank, within one.

    Parameters
    ----------
    ranks : (n_rows,) int array
    n_splits : int
    random_state : int, RandomState or None
        Of the order in which equal ranks are assigned, and of the turns of the folds.
        None: rows of a rank are assigned in blocks, as they stand, and turns alternate,
        so that no fold has always the lowest.

    Returns
    -------
    folds : (n_rows,) int array
    """
    n_rows = len(ranks)
    rng = None if random_state is None else check_random_state(random_state)
    order = np.arange(n_rows) if rng is None else rng.permutation(n_rows)
    order = order[np.argsort(ranks[order], kind="stable")]
    in_order = ranks[order]
    assigned = np.empty(n_rows, dtype=int)
    turn = np.arange(n_splits) if rng is None else rng.permutation(n_splits)
    for start in range(0, n_rows, n_splits):
        # A rank that goes on keeps its turn, and so is spread evenly.
        if start > 0 and in_order[start] != in_order[start - 1]:
            turn = turn[::-1] if rng is None else rng.permutation(n_splits)
        stop = min(start + n_splits, n_rows)
        assigned[start:stop] = turn[: stop - start]
    if rng is None:
        assigned = assigned[np.lexsort((assigned, in_order))]
    folds = np.empty(n_rows, dtype=int)
    folds[order] = assigned
    return folds


def _of_several(y, missing_label):
    """Order rows along the direction in which their targets differ most."""
    values = check_array(
        y, dtype=np.float64, ensure_all_finite="allow-nan", input_name="y", copy=True
    )
    if isinstance(missing_label, Real):
        values[values == missing_label] = np.nan
    labelled = ~np.isnan(values).any(axis=1)
    if not labelled.any():
        raise ValueError(
            "y has no row that has all of its outputs, so there is nothing to test on."
        )
    known = values[labelled] - values[labelled].mean(axis=0)
    scale = known.std(axis=0)
    known /= np.where(scale > 0, scale, 1.0)
    along = known @ np.linalg.svd(known, full_matrices=False)[2][0]
    return Strata(labelled, np.unique(along, return_inverse=True)[1], False)


def _numbers_as_such(labels):
    """An array of objects that are numbers, or missing, as one of floats."""
    if labels.dtype.kind != "O":
        return labels
    missing = pd.isna(labels)
    if missing.all() or not all(
        isinstance(label, Real) and not isinstance(label, (bool, np.bool_))
        for label in labels[~missing]
    ):
        return labels
    numbers = np.full(len(labels), np.nan)
    numbers[~missing] = labels[~missing].astype(np.float64)
    return numbers


def _has_values(labels):
    """Whether floats cannot be classes, so that -1 would be a value among them.

    They may have fractions, or NaN for a mark beside -1.
    """
    if labels.dtype.kind != "f":
        return False
    missing = np.isnan(labels)
    known = labels[~missing]
    return bool((known != np.floor(known)).any() or (missing.any() and -1 in known))
