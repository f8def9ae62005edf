"""Reading y: which rows have a label, and which label it is."""

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d

from skmae.data.tables import is_missing

# What numpy makes of missing labels among strings. They could be real labels, too.
_SUSPECT = {"-1", "nan", "None", "<NA>"}


def read_classes(y, chosen):
    """Tell labels from their absence.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        NaN, None and NA mark unlabelled rows; so does -1, unless all that is
        labelled is -1 and 1.
    chosen : slice or (n_rows,) bool array
        Rows that take part.

    Returns
    -------
    classes : (n_classes,) array
    indices : (n_chosen,) int array
        Index of the class, -1 where unlabelled.

    Raises
    ------
    ValueError
        If it is not clear what is unlabelled, or fewer than two classes are left.
    """
    y = _as_array(y)[chosen]
    labelled = ~is_missing(y)
    if y.dtype.kind in "US":
        suspects = sorted(_SUSPECT.intersection(np.unique(y).tolist()))
        if suspects:
            raise ValueError(
                f"y is an array of strings that holds {suspects[0]!r}. Such labels "
                "come about when numpy turns a mark for unlabelled rows into a "
                "string. Pass y with dtype object, where None or -1 marks unlabelled "
                "rows, or rename the label."
            )
    minus_one = np.zeros(len(y), dtype=bool)
    if y.dtype.kind != "b":
        minus_one = np.array([_is_minus_one(label) for label in y], dtype=bool)
    both_marks = minus_one.any() and not labelled.all()
    if minus_one.any() and not _is_a_sign(y[labelled & ~minus_one]):
        if both_marks:
            raise ValueError(
                "y marks unlabelled rows both by -1 and by NaN, None or NA. Use one "
                "of them."
            )
        labelled &= ~minus_one
    if not labelled.any():
        raise ValueError(
            "y has no label: every row is marked as unlabelled, so there are no "
            "classes to learn."
        )
    known = y[labelled]
    if known.dtype.kind == "O":
        known = _of_one_type(known)
    check_classification_targets(known)
    classes, of_known = np.unique(known, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            "The number of classes has to be greater than one; the labels of y hold "
            f"the one class {classes.tolist()[0]!r}."
        )
    indices = np.full(len(y), -1)
    indices[labelled] = of_known
    return classes, indices


def known_labels(y, classes):
    """Which rows have a label, read as in fit: (n_rows,) bool array."""
    y = _as_array(y)
    labelled = ~is_missing(y)
    if not any(_is_minus_one(label) for label in classes):
        labelled &= ~np.array([_is_minus_one(label) for label in y], dtype=bool)
    return labelled


def read_values(y):
    """Check the targets of a regression.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        NaN marks unlabelled rows.

    Returns
    -------
    values : (n_rows, n_outputs) float64 array
    labelled : (n_rows,) bool array

    Raises
    ------
    ValueError
        If no row is labelled, or one in part.
    """
    y = check_array(
        y,
        dtype=np.float64,
        ensure_2d=False,
        ensure_all_finite="allow-nan",
        input_name="y",
    )
    if y.ndim > 2:
        raise ValueError(f"y must have one or two dimensions. Got {y.ndim}.")
    values = y.reshape(len(y), -1)
    missing = np.isnan(values)
    labelled = ~missing.any(axis=1)
    in_part = ~labelled & ~missing.all(axis=1)
    if in_part.any():
        raise ValueError(
            "A row of y must have all of its outputs or none: row "
            f"{np.flatnonzero(in_part)[0]} has some."
        )
    if not labelled.any():
        raise ValueError(
            "y has no label: every row is marked as unlabelled by NaN, so there is "
            "nothing to learn."
        )
    return values, labelled


def _as_array(y):
    # Frames' own types may have a mark that numpy has not: those become objects.
    if hasattr(y, "isna") and np.any(y.isna()):
        y = np.asarray(y, dtype=object)
    return column_or_1d(y, warn=True)


def _is_minus_one(label):
    return not isinstance(label, (str, bytes, type(None))) and bool(
        type(label).__name__ != "NAType" and label == -1
    )


def _is_a_sign(others):
    """Whether -1 is the class beside these: y of signs, as for binary classifiers."""
    return len(others) > 0 and all(
        not isinstance(label, (str, bytes)) and label == 1 for label in others
    )


def _of_one_type(labels):
    """Labels of an object array as numpy types, as if no mark stood among them."""
    kinds = {type(label) for label in labels}
    if any(issubclass(kind, str) for kind in kinds) and len(kinds) > 1:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise ValueError(
            f"The labels of y are of several types ({names}); those of a classifier "
            "must be all strings or all numbers."
        )
    if kinds <= {str}:
        return labels
    return np.asarray(labels.tolist())
