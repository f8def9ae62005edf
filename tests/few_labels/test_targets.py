"""Reading y: what is a label and what is the absence of one."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import DataConversionWarning

from skmae.few_labels.targets import known_labels, read_classes, read_values

ALL = slice(None)


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, -1, 2],
        [0.0, 1.0, -1.0, 2.0],
        [0.0, 1.0, np.nan, 2.0],
        np.array([0, 1, None, 2], dtype=object),
        pd.Series([0, 1, None, 2], dtype="Int64"),
        pl.Series([0, 1, None, 2]),
    ],
    ids=["-1", "-1.0", "NaN", "None", "NA", "null"],
)
def test_marks_of_unlabelled_rows(y):
    classes, codes = read_classes(y, ALL)
    assert_array_equal(classes, [0, 1, 2])
    assert_array_equal(codes, [0, 1, -1, 2])
    assert_array_equal(known_labels(y, classes), [True, True, False, True])


@pytest.mark.parametrize(
    "y",
    [
        np.array(["b", "a", -1], dtype=object),
        np.array(["b", "a", None], dtype=object),
        np.array(["b", "a", np.nan], dtype=object),
        pd.Series(["b", "a", None]),
        pd.Series(["b", "a", None], dtype="string"),
        pd.Series(["b", "a", None], dtype="category"),
    ],
    ids=["-1", "None", "NaN", "str", "string", "category"],
)
def test_strings(y):
    classes, codes = read_classes(y, ALL)
    assert classes.tolist() == ["a", "b"]
    assert_array_equal(codes, [1, 0, -1])


def test_signs_are_two_classes():
    classes, codes = read_classes([-1, 1, 1], ALL)
    assert_array_equal(classes, [-1, 1])
    assert_array_equal(codes, [0, 1, 1])
    classes, codes = read_classes([-1, 1, np.nan], ALL)
    assert_array_equal(classes, [-1, 1])
    assert_array_equal(codes, [0, 1, -1])
    assert_array_equal(known_labels([-1, 1, 1], classes), [True, True, True])


def test_booleans():
    classes, codes = read_classes([True, False], ALL)
    assert_array_equal(classes, [False, True])
    assert_array_equal(codes, [1, 0])


@pytest.mark.parametrize("label", ["-1", "nan", "None", "<NA>"])
def test_strings_that_look_like_lost_marks_are_refused(label):
    with pytest.raises(ValueError, match=f"holds '{label}'.*dtype object"):
        read_classes(np.array(["a", "b", label]), ALL)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([-1, np.nan, 0, 2], "both by -1 and by NaN"),
        ([-1, -1], "no label"),
        ([np.nan, np.nan], "no label"),
        ([3, 3, -1], "greater than one"),
        ([0.5, 1.5, 2.5], "Unknown label type"),
        (np.array(["a", 1, None], dtype=object), "of several types"),
    ],
)
def test_nonsense_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        read_classes(y, ALL)


def test_a_frame_of_one_column_is_read_as_its_column():
    frame = pd.DataFrame({"y": ["a", None, "b"]})
    with pytest.warns(DataConversionWarning):
        classes, codes = read_classes(frame, ALL)
    assert_array_equal(classes, ["a", "b"])
    assert_array_equal(codes, [0, -1, 1])


def test_only_rows_that_take_part_count():
    classes, codes = read_classes([0, 1, 2, 2], np.array([True, True, False, False]))
    assert_array_equal(classes, [0, 1])
    assert_array_equal(codes, [0, 1])


def test_values():
    values, labelled = read_values([1.0, np.nan, 3.0])
    assert values.shape == (3, 1)
    assert_array_equal(labelled, [True, False, True])
    values, labelled = read_values([[1.0, 2.0], [np.nan, np.nan]])
    assert_array_equal(labelled, [True, False])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[1.0, np.nan], [1.0, 2.0]], "all of its outputs or none: row 0"),
        ([np.nan, np.nan], "no label"),
        ([1.0, np.inf], "infinity"),
    ],
)
def test_bad_values_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        read_values(y)
