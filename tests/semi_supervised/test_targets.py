"""Reading y: what is a label and what is the absence of one."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import DataConversionWarning

from skmae.semi_supervised.strata import read_strata
from skmae.semi_supervised.targets import known_labels, read_classes, read_values

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
    classes, codes = read_classes(y, ALL, "auto")
    assert_array_equal(classes, [0, 1, 2])
    assert_array_equal(codes, [0, 1, -1, 2])
    _, labelled = known_labels(y, classes, "auto")
    assert_array_equal(labelled, [True, True, False, True])


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
    classes, codes = read_classes(y, ALL, "auto")
    assert classes.tolist() == ["a", "b"]
    assert_array_equal(codes, [1, 0, -1])


def test_signs_are_two_classes():
    classes, codes = read_classes([-1, 1, 1], ALL, "auto")
    assert_array_equal(classes, [-1, 1])
    assert_array_equal(codes, [0, 1, 1])
    classes, codes = read_classes([-1, 1, np.nan], ALL, "auto")
    assert_array_equal(classes, [-1, 1])
    assert_array_equal(codes, [0, 1, -1])
    assert_array_equal(known_labels([-1, 1, 1], classes, "auto")[1], [True] * 3)


def test_booleans():
    classes, codes = read_classes([True, False], ALL, "auto")
    assert_array_equal(classes, [False, True])
    assert_array_equal(codes, [1, 0])


CONTAINERS = {
    "list": list,
    "U": np.array,
    "object": lambda cells: np.array(cells, dtype=object),
    "str": pd.Series,
    "string": lambda cells: pd.Series(cells, dtype="string"),
    "category": lambda cells: pd.Series(cells, dtype="category"),
    "Series of objects": lambda cells: pd.Series(cells, dtype=object),
    "polars": pl.Series,
}


@pytest.fixture(params=list(CONTAINERS))
def container(request):
    return CONTAINERS[request.param]


@pytest.mark.parametrize("label", ["", "-1", "nan", "NaN", "None", "<NA>"])
def test_strings_that_look_like_lost_marks_are_refused(label, container):
    y = container(["a", "b", label])
    with pytest.raises(ValueError, match=f"holds the string '{label}'.*missing_label"):
        read_classes(y, ALL, "auto")
    with pytest.raises(ValueError, match=f"holds the string '{label}'.*missing_label"):
        known_labels(y, np.array(["a", "b"]), "auto")


@pytest.mark.parametrize("mark", ["", "-1", "nan", "unknown"])
def test_a_string_may_be_the_mark(mark, container):
    y = container(["b", mark, "a", mark])
    classes, codes = read_classes(y, ALL, mark)
    assert classes.tolist() == ["a", "b"]
    assert_array_equal(codes, [1, -1, 0, -1])
    labels, labelled = known_labels(y, classes, mark)
    assert labels[labelled].tolist() == ["b", "a"]


@pytest.mark.parametrize("mark", [None, np.nan, pd.NA])
def test_without_another_mark_every_string_is_a_class(mark, container):
    classes, codes = read_classes(container(["None", "-1", "a"]), ALL, mark)
    assert classes.tolist() == ["-1", "None", "a"]
    assert_array_equal(codes, [1, 0, 2])


@pytest.mark.parametrize("mark", [None, np.nan, pd.NA])
@pytest.mark.parametrize(
    "y",
    [
        [-1, 0, 1, -1],
        np.array([-1, 0, 1, -1]),
        [-1.0, 0.0, 1.0, -1.0],
        pd.Series([-1, 0, 1, -1]),
        pl.Series([-1, 0, 1, -1]),
    ],
)
def test_minus_one_may_be_a_class(y, mark):
    classes, codes = read_classes(y, ALL, mark)
    assert_array_equal(classes, [-1, 0, 1])
    assert_array_equal(codes, [0, 1, 2, 0])
    assert known_labels(y, classes, mark)[1].all()


PROBABLY_CLASSES = {
    "signs": [-1, 0, 1, -1, 0, 1],
    "floats": [-1.0, 0.0, 1.0],
    "Series": pd.Series([-1, 0, 1, 1]),
    "objects": np.array([-1, 0, 1], dtype=object),
    "scale": [-2, -1, 0, 1, 2] + 3 * [-1],
}


@pytest.mark.parametrize("y", PROBABLY_CLASSES.values(), ids=list(PROBABLY_CLASSES))
def test_a_mark_that_is_probably_a_class_is_warned_of(y, recwarn):
    read_classes(y, ALL, -1)
    read_classes(y, ALL, None)
    assert not recwarn
    n_marked = np.sum(np.asarray(y) == -1)
    with pytest.warns(UserWarning, match=f"{n_marked} of {len(y)} .*missing_label=N"):
        read_classes(y, ALL, "auto")
    with pytest.warns(UserWarning, match="count as unlabelled"):
        read_strata(y, "auto")


@pytest.mark.parametrize(
    "y",
    [[0, 1, -1, -1], [0, 1, 2, -1], ["a", "b", -1], [-1, 1, 1], [0, 1, np.nan]],
)
def test_a_mark_that_is_probably_one_is_not_warned_of(y, recwarn):
    read_classes(y, ALL, "auto")
    assert not recwarn


@pytest.mark.parametrize("mark", [-999, -999.0, np.int8(-99), "?"])
def test_any_label_may_be_the_mark(mark):
    y = np.array([-1, mark, 0, None, np.nan, 1], dtype=object)
    classes, codes = read_classes(y, ALL, mark)
    assert_array_equal(classes, [-1, 0, 1])
    assert_array_equal(codes, [0, -1, 1, -1, -1, 2])
    assert classes.dtype.kind == "i"


def test_a_mark_that_nobody_bears_leaves_all_rows_labelled():
    for y, mark in [([0, 1], -7), (["a", "b"], "?"), (["a", "b"], -1)]:
        _, codes = read_classes(y, ALL, mark)
        assert_array_equal(codes, [0, 1])
    # As in the test folds of rows of which a few are marked.
    objects = np.array([0, 1], dtype=object)
    assert_array_equal(read_classes(objects, ALL, "?")[1], [0, 1])
    assert known_labels(np.array([0, 1]), np.array([0, 1]), "?")[1].all()


def test_booleans_are_not_numbers():
    assert_array_equal(read_classes([False, True], ALL, 0)[1], [0, 1])


def test_an_explicit_mark_is_not_a_sign():
    with pytest.raises(ValueError, match="greater than one"):
        read_classes([-1, 1, 1], ALL, -1)
    _, codes = read_classes([-1, 1, 1, 0], ALL, -1)
    assert_array_equal(codes, [-1, 1, 1, 0])


@pytest.mark.parametrize(
    ("y", "mark", "message"),
    [
        ([0, 1, 2], "?", r"missing_label='\?' is a string, but y holds numbers"),
        ([0, 1, -1], "-1", "missing_label='-1' is a string, but y holds numbers"),
        (["a", "b", "-1"], -1, "missing_label=-1 is a number, but .* string '-1'"),
        (np.array(["a", "-1.0"]), -1.0, "missing_label=-1.0 is a number"),
        (
            np.array([0, 1, -1], dtype=object),
            "-1",
            "missing_label='-1' is a string, but .* number -1",
        ),
    ],
)
def test_marks_of_another_type_are_refused(y, mark, message):
    with pytest.raises(ValueError, match=message):
        read_classes(y, ALL, mark)


@pytest.mark.parametrize("mark", [[-1], {-1}, np.array([-1]), True, object(), 1j])
def test_what_is_no_label_is_no_mark(mark):
    with pytest.raises(ValueError, match="'missing_label' parameter must be"):
        read_classes([0, 1, -1], ALL, mark)


def test_marks_of_lists_with_strings_are_not_lost():
    for mark in (-1, None, np.nan, pd.NA):
        classes, codes = read_classes(["a", "b", mark], ALL, "auto")
        assert classes.tolist() == ["a", "b"]
        assert_array_equal(codes, [0, 1, -1])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([-1, np.nan, 0, 2], "both by -1 and by NaN.*missing_label"),
        ([-1, -1], "no label"),
        ([np.nan, np.nan], "no label"),
        ([3, 3, -1], "greater than one"),
        ([0.5, 1.5, 2.5], "Unknown label type"),
        (np.array(["a", 1, None], dtype=object), "of several types"),
    ],
)
def test_nonsense_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        read_classes(y, ALL, "auto")


def test_a_frame_of_one_column_is_read_as_its_column():
    frame = pd.DataFrame({"y": ["a", None, "b"]})
    with pytest.warns(DataConversionWarning):
        classes, codes = read_classes(frame, ALL, "auto")
    assert_array_equal(classes, ["a", "b"])
    assert_array_equal(codes, [0, -1, 1])


def test_only_rows_that_take_part_count():
    classes, codes = read_classes(
        [0, 1, 2, 2], np.array([True, True, False, False]), "auto"
    )
    assert_array_equal(classes, [0, 1])
    assert_array_equal(codes, [0, 1])


def test_values():
    values, labelled = read_values([1.0, np.nan, 3.0])
    assert values.shape == (3, 1)
    assert_array_equal(labelled, [True, False, True])
    values, labelled = read_values([[1.0, 2.0], [np.nan, np.nan]])
    assert_array_equal(labelled, [True, False])
    values, labelled = read_values([[1.0, np.nan], [np.nan, np.nan], [2.0, 3.0]])
    assert_array_equal(labelled, [True, False, True])
    assert_array_equal(values[0], [1.0, np.nan])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([np.nan, np.nan], "no label"),
        ([1.0, np.inf], "infinity"),
        ([1.0, -1e151], r"y holds values larger than 1e\+150"),
        (["a", "b"], "y must hold numbers: could not convert string to float: .*'a'"),
        ([datetime.date(2020, 1, 1)] * 2, r"y must hold numbers: float\(\) argument"),
        (np.array(["2020", "2021"], "M8[D]"), r"y holds dates .* datetime64\[D\]"),
        (pd.Series(pd.to_timedelta([1, 2], "D")), "y holds dates or times, of dtype t"),
        (pl.Series([datetime.date(2020, 1, 1)] * 2), "y holds dates or times"),
    ],
)
def test_bad_values_are_refused(y, message):
    with pytest.raises((TypeError, ValueError), match=message):
        read_values(y)
