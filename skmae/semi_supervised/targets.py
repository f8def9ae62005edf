"""Reading y: which rows have a label, and which label it is."""

import warnings
from numbers import Real

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d

# What becomes of marks that are turned into strings. They could be real labels, too.
_SUSPECT = {"", "-1", "nan", "NaN", "None", "<NA>"}
# Squares of larger targets overflow.
_LARGEST = 1e150


def read_classes(y, chosen, missing_label):
    """Separate labels from marks of their absence.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        NaN, None and NA always mark unlabelled rows.
    chosen : slice or (n_rows,) bool array
        Rows that take part.
    missing_label : label, None, NaN, NA or "auto"
        What else marks them: this label; nothing else (None, NaN, NA); or -1, unless
        the labels are -1 and 1 only ("auto").

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
    check_missing_label(missing_label)
    labels = as_labels(y)[chosen]
    check_type_of_mark(labels, missing_label)
    labelled = find_labelled(labels, missing_label)
    warn_of_a_class(labels, labelled, missing_label)
    if not labelled.any():
        raise ValueError(
            "y has no label: every row is marked as unlabelled (missing_label="
            f"{missing_label!r}), so there are no classes to learn."
        )
    known = labels[labelled]
    if known.dtype.kind == "O":
        known = of_one_type(known)
    check_classification_targets(known)
    classes, of_known = np.unique(known, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            "The number of classes has to be greater than one; the labels of y hold "
            f"the one class {classes.tolist()[0]!r}."
        )
    indices = np.full(len(labels), -1)
    indices[labelled] = of_known
    return classes, indices


def known_labels(y, classes, missing_label):
    """Separate labels from marks of their absence, the classes being known.

    Parameters
    ----------
    y, missing_label :
        As in :func:`read_classes`. With "auto", -1 is a label if it is a class.
    classes : (n_classes,) array

    Returns
    -------
    labels : (n_rows,) array
    labelled : (n_rows,) bool array
    """
    check_missing_label(missing_label)
    labels = as_labels(y)
    if _is_auto(missing_label) and any(_equals(label, -1) for label in classes):
        _refuse_look_alikes(labels)
        return labels, ~pd.isna(labels)
    return labels, find_labelled(labels, missing_label)


def find_labelled(labels, missing_label):
    """Which rows have a label: (n_rows,) bool array.

    Parameters
    ----------
    labels : (n_rows,) array
        By :func:`as_labels`.
    missing_label :
        As in :func:`read_classes`, and checked.
    """
    labelled = ~pd.isna(labels)
    if _is_auto(missing_label):
        _refuse_look_alikes(labels)
        minus_one = _marked_by(labels, -1)
        if not minus_one.any() or _all_plus_one(labels[labelled & ~minus_one]):
            return labelled
        if not labelled.all():
            raise ValueError(
                "y marks unlabelled rows both by -1 and by NaN, None or NA. Use one "
                "of them, or pass missing_label=-1 if both are marks and "
                "missing_label=None if -1 is a class."
            )
        return ~minus_one
    if _is_missing_value(missing_label):
        return labelled
    marked = _marked_by(labels, missing_label)
    if not marked.any():
        _refuse_other_type(labels[labelled], missing_label)
    return labelled & ~marked


def warn_of_a_class(labels, labelled, missing_label):
    """Warn where -1 was taken for a mark and is probably a class.

    So it is beside other negative labels, and beside 0 and 1 where it has no more rows
    than one of them: those with a mark are mostly many.
    """
    if not _is_auto(missing_label) or labelled.all() or not labelled.any():
        return
    n_marked = np.count_nonzero(_marked_by(labels[~labelled], -1))
    if n_marked == 0:
        return
    counts = pd.Series(labels[labelled]).value_counts()
    known = [label for label in counts.index if _is_number(label)]
    is_sign = set(known) == {0, 1} and n_marked <= counts.max()
    if is_sign or any(label < 0 for label in known):
        others = ", ".join(str(label) for label in sorted(known)[:5])
        warnings.warn(
            f"{n_marked} of {len(labels)} labels of y are -1 and count as unlabelled "
            "(missing_label='auto'), though -1 may be a class beside the other "
            f"labels, {others}. Pass missing_label=None if it is a "
            "class, and missing_label=-1 if it marks unlabelled samples.",
            UserWarning,
            stacklevel=2,
        )


def check_missing_label(missing_label):
    """Refuse a mark that is neither a label nor a missing value."""
    if not (
        _is_number(missing_label)
        or _is_text(missing_label)
        or _is_missing_value(missing_label)
    ):
        raise ValueError(
            "The 'missing_label' parameter must be a string or number that marks "
            "unlabelled rows, None, NaN or NA if nothing else does, or 'auto'. Got "
            f"{missing_label!r} instead."
        )


def check_type_of_mark(labels, missing_label):
    """Refuse a string as the mark in an array of numbers, which holds no strings."""
    is_string = _is_text(missing_label) and not _is_auto(missing_label)
    if is_string and labels.dtype.kind in "iuf":
        raise ValueError(
            f"missing_label={missing_label!r} is a string, but y holds numbers, none "
            "of which it can mark. Pass the number that marks unlabelled rows, or "
            "None if only NaN does."
        )


def check_class_weight(class_weight, classes):
    """Refuse weights of classes, a dict, that are no weights, or all 0."""
    for label, weight in class_weight.items():
        if not (isinstance(weight, Real) and 0 <= float(weight) < np.inf):
            raise ValueError(
                "The 'class_weight' parameter must map classes to finite numbers of "
                f"at least 0. Got {weight!r} for class {label!r}."
            )
    if not any(class_weight.get(label, 1) for label in classes.tolist()):
        raise ValueError(
            "The 'class_weight' parameter must give some class a positive weight. Got "
            f"0 for all of {classes.tolist()}."
        )


def check_type_of_labels(labels, classes):
    """Refuse strings where all classes are numbers, and numbers where none is."""
    are_text = _is_text(classes.tolist()[0])
    if any(_is_text(label) == are_text for label in labels.tolist()):
        return
    kinds = ("numbers", "strings") if are_text else ("strings", "numbers")
    raise ValueError(
        f"y holds {kinds[0]}, such as {labels.tolist()[0]!r}, but the classes of fit "
        f"are {kinds[1]}, such as {classes.tolist()[0]!r}: none could be right."
    )


def as_labels(y):
    """Read y as a 1-D array, in which marks are what they were.

    Data frames have types with a mark that numpy lacks, and numpy turns a list with
    strings into an array of strings: those become objects.
    """
    if hasattr(y, "isna") and np.any(y.isna()):
        y = np.asarray(y, dtype=object)
    elif isinstance(y, (list, tuple)) and any(_is_text(label) for label in y):
        labels = np.empty(len(y), dtype=object)
        labels[:] = y
        return labels
    return column_or_1d(y, warn=True)


def read_values(y):
    """Check the targets of a regression.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        NaN where a target is not known.

    Returns
    -------
    values : (n_rows, n_outputs) float64 array
        NaN where not known.
    labelled : (n_rows,) bool array
        Rows of which some output is known.

    Raises
    ------
    ValueError
        If no row is labelled, or y holds no numbers, or too large ones.
    """
    dtype = np.asarray(y).dtype
    if dtype.kind in "mM":
        raise ValueError(
            f"y holds dates or times, of dtype {dtype}, and must hold numbers, such as "
            "days since the first."
        )
    try:
        y = check_array(
            y,
            dtype=np.float64,
            ensure_2d=False,
            ensure_all_finite="allow-nan",
            input_name="y",
        )
    except (TypeError, ValueError) as error:
        if "could not convert" not in str(error) and "float()" not in str(error):
            raise
        raise type(error)(f"y must hold numbers: {error}.") from error
    if y.ndim > 2:
        raise ValueError(f"y must have one or two dimensions. Got {y.ndim}.")
    if (np.abs(y) > _LARGEST).any():
        raise ValueError(
            f"y holds values larger than {_LARGEST:g}, which cannot be standardised. "
            "Divide it by a constant first."
        )
    values = y.reshape(len(y), -1)
    labelled = ~np.isnan(values).all(axis=1)
    if not labelled.any():
        raise ValueError(
            "y has no label: every row is marked as unlabelled by NaN, so there is "
            "nothing to learn."
        )
    return values, labelled


def of_one_type(labels):
    """Labels of an object array as numpy types, as if no mark stood among them."""
    kinds = {type(label) for label in labels}
    if any(issubclass(kind, str) for kind in kinds) and len(kinds) > 1:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise ValueError(
            f"The labels of y are of several types ({names}); those of a classifier "
            "must be all strings or all numbers. Rows without a label are marked by "
            "NaN, None or NA, or by what missing_label says."
        )
    if kinds <= {str}:
        return labels
    return np.asarray(labels.tolist())


def _is_auto(missing_label):
    return _is_text(missing_label) and missing_label == "auto"


def _is_missing_value(missing_label):
    return pd.api.types.is_scalar(missing_label) and bool(pd.isna(missing_label))


def _is_text(label):
    return isinstance(label, (str, bytes))


def _is_number(label):
    return isinstance(label, Real) and not isinstance(label, (bool, np.bool_))


def _marked_by(labels, mark):
    """Which labels are the mark: (n_rows,) bool array."""
    if labels.dtype.kind in "iuf" and _is_number(mark):
        return labels == mark
    return np.array([_equals(label, mark) for label in labels], dtype=bool)


def _equals(label, mark):
    """Whether two are the same string, or the same number."""
    if _is_text(mark):
        return _is_text(label) and bool(label == mark)
    return _is_number(label) and bool(label == mark)


def _refuse_look_alikes(labels):
    """Refuse strings that may be converted marks, unless missing_label names them."""
    if labels.dtype.kind not in "USO":
        return
    texts = {label for label in labels.tolist() if isinstance(label, str)}
    suspects = sorted(_SUSPECT & texts)
    if suspects:
        raise ValueError(
            f"y holds the string {suspects[0]!r}. Such labels come about when a mark "
            "for unlabelled rows is turned into a string. Pass "
            f"missing_label={suspects[0]!r} if it marks unlabelled rows, and "
            "missing_label=None if it is a class, so that only NaN, None and NA do."
        )


def _refuse_other_type(labels, mark):
    """Refuse a mark that no row has if the same value of another type is there."""
    if labels.dtype.kind not in "USO":
        return
    for label in set(labels.tolist()):
        if _is_text(mark) and _is_number(label):
            kinds = "string", "number"
        elif _is_number(mark) and _is_text(label):
            kinds = "number", "string"
        else:
            continue
        if _number_in(label) == _number_in(mark):
            raise ValueError(
                f"missing_label={mark!r} is a {kinds[0]}, but y holds the {kinds[1]} "
                f"{label!r}. Pass missing_label={label!r} if it marks unlabelled rows."
            )


def _number_in(label):
    """A label as a number; NaN, which equals nothing, if it is none."""
    try:
        return float(label)
    except ValueError:
        return np.nan


def _all_plus_one(others):
    """Whether all other labels are 1: then -1 is the other class of a binary y."""
    return len(others) > 0 and all(
        not isinstance(label, (str, bytes)) and label == 1 for label in others
    )
