"""Writing cells into copies of what the user gave."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from skmae.data.writing import append_columns, select_columns, write_cells

from ..conftest import make_frame, mixed_columns

NAMES = ["height", "weight", "shoe", "shirt", "tall"]


def test_only_hidden_cells_change(frame_kind):
    columns = mixed_columns(n_rows=4)
    frame = make_frame(frame_kind, columns, {"shirt": [1], "height": [0]})
    hidden = np.zeros((4, 5), dtype=bool)
    hidden[0, 0] = hidden[1, 3] = hidden[2, 2] = hidden[3, 4] = True
    new = [
        np.full(4, 180.5),
        np.full(4, 1.0),
        np.full(4, 39.6),
        np.array(["S"] * 4, dtype=object),
        np.array([False] * 4),
    ]
    written = write_cells(frame, new, hidden, keep_dtype=True)
    assert type(written) is type(frame)
    assert list(written.columns) == NAMES
    if frame_kind == "polars":
        assert written.schema == frame.schema
        cells = {name: written[name].to_list() for name in NAMES}
    else:
        pd.testing.assert_series_equal(written.dtypes, frame.dtypes)
        cells = {name: written[name].tolist() for name in NAMES}
    expected = {name: list(values) for name, values in columns.items()}
    expected["height"][0], expected["shirt"][1] = 180.5, "S"
    expected["shoe"][2], expected["tall"][3] = 40, False
    assert cells == expected


def test_categories_and_index_survive():
    frame = pd.DataFrame(
        {"size": pd.Categorical(["S", None], categories=["S", "M", "L"], ordered=True)},
        index=["first", "second"],
    )
    written = write_cells(
        frame, [np.array(["M", "M"], dtype=object)], np.array([[0], [1]]) > 0, True
    )
    assert written["size"].dtype == frame["size"].dtype
    assert written["size"].tolist() == ["S", "M"]
    assert written.index.tolist() == ["first", "second"]
    series = pl.Series("size", ["S", None], dtype=pl.Enum(["S", "M"]))
    written = write_cells(
        pl.DataFrame([series]),
        [np.array(["M", "M"], dtype=object)],
        np.array([[0], [1]]) > 0,
        True,
    )
    assert written["size"].dtype == series.dtype
    assert written["size"].to_list() == ["S", "M"]


def test_integer_arrays_are_rounded_and_clipped_or_made_float():
    X = np.array([[1, 2], [3, 4]], dtype=np.uint8)
    new, hidden = [np.array([9.6, 300.0]), np.array([-5.0, 1.0])], np.eye(2) > 0
    kept = write_cells(X, [new[0], new[1]], hidden, keep_dtype=True)
    assert kept.dtype == np.uint8
    assert_array_equal(kept, [[10, 2], [3, 1]])
    everything = np.ones((2, 2), dtype=bool)
    kept = write_cells(X, new, everything, keep_dtype=True)
    assert_array_equal(kept, [[10, 0], [255, 1]])
    free = write_cells(X, new, hidden, keep_dtype=False)
    assert free.dtype == np.float64
    assert free[0, 0] == 9.6
    large = np.array([[2**60 + 1]])  # which no float64 is
    kept = write_cells(np.zeros_like(large), [large[0]], large > 0, keep_dtype=True)
    assert_array_equal(kept, large)


@pytest.mark.parametrize("library", [pd, pl])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_of_frames_keep_their_width(library, dtype):
    frame = library.DataFrame({"a": np.array([1, 2], dtype=dtype)})
    kept = write_cells(frame, [np.array([0.1, 0.1])], np.array([[True], [False]]), True)
    assert kept["a"].dtype == frame["a"].dtype
    assert_array_equal(kept["a"], np.array([0.1, 2], dtype=dtype))


@pytest.mark.parametrize("library", [pd, pl])
def test_narrow_integers_of_frames_are_clipped(library):
    frame = library.DataFrame({"a": np.array([1, 2, 3], dtype=np.uint8)})
    hidden = np.array([[True], [True], [False]])
    kept = write_cells(frame, [np.array([300.0, -5.0, 0.0])], hidden, keep_dtype=True)
    assert kept["a"].to_list() == [255, 0, 3]
    assert kept["a"].dtype == frame["a"].dtype


def test_integer_categories_are_written_as_they_are(frame_kind):
    large = 2**60 + 1  # which no float64 is
    frame = make_frame(frame_kind, {"a": [large, 7, 3], "b": [1, 2, 3]})
    new = [np.array([3, large, 3], dtype=object), np.array([0.6, 0.0, 0.0])]
    hidden = np.array([[True, True], [True, False], [False, False]])
    kept = write_cells(frame, new, hidden, keep_dtype=True)
    assert kept["a"].to_list() == [3, large, 3]
    assert kept["b"].to_list() == [1, 2, 3]
    assert kept["a"].dtype == kept["b"].dtype == frame["a"].dtype


@pytest.mark.parametrize("kind", ["numpy", "pandas", "polars"])
def test_booleans_are_rounded_or_made_float(kind):
    X = np.array([[True, False], [False, True]])
    if kind != "numpy":
        X = {"pandas": pd, "polars": pl}[kind].DataFrame(
            {"a": X[:, 0].copy(), "b": X[:, 1].copy()}
        )
    new, hidden = [np.array([0.2, 0.9]), np.array([0.7, 0.1])], np.eye(2) > 0
    kept = write_cells(X, new, hidden, keep_dtype=True)
    assert np.asarray(kept).dtype == bool
    assert_array_equal(kept, [[False, False], [False, False]])
    free = np.asarray(write_cells(X, new, hidden, keep_dtype=False))
    assert free.dtype == np.float64
    assert_array_equal(free, [[0.2, 0.0], [0.0, 0.1]])


def test_columns_are_selected_by_position(mixed_frame):
    assert list(select_columns(mixed_frame, np.array([4, 1])).columns) == [
        "tall",
        "weight",
    ]
    assert select_columns(mixed_frame, range(5)) is mixed_frame
    array = np.arange(6).reshape(2, 3)
    assert_array_equal(select_columns(array, np.array([2, 0])), [[2, 0], [5, 3]])


def test_columns_are_appended(mixed_frame):
    marks = np.zeros((120, 2), dtype=bool)
    marks[3, 1] = True
    longer = append_columns(mixed_frame, marks, ["p", "q"])
    assert list(longer.columns) == [*NAMES, "p", "q"]
    assert longer["q"].to_list() == marks[:, 1].tolist()
    array = np.ones((2, 1), dtype=np.float32)
    longer = append_columns(array, np.array([[True], [False]]), ["p"])
    assert_array_equal(longer, [[1, 1], [1, 0]])
    assert longer.dtype == np.float32


def test_appended_columns_take_the_index_of_the_frame():
    frame = pd.DataFrame({"a": [1.0, 2.0]}, index=[7, 3])
    longer = append_columns(frame, np.array([[True], [False]]), ["p"])
    assert longer["p"].tolist() == [True, False]
    assert longer.index.tolist() == [7, 3]


@pytest.mark.parametrize("library", [pd, pl])
def test_categories_where_a_column_came_without_any(library):
    hidden = np.ones((2, 1), dtype=bool)
    new = [np.array(["x", "y"], dtype=object)]
    for cells in ([None, None], [np.nan, np.nan]):
        written = write_cells(library.DataFrame({"c": cells}), new, hidden, True)
        assert list(written["c"]) == ["x", "y"]
    numbers = library.DataFrame({"c": [1.5, 2.5]})
    with pytest.raises(ValueError, match="'c' was categorical in fit but is numeric"):
        write_cells(numbers, new, np.array([[True], [False]]), True)
    flags = library.DataFrame({"c": [True, False]})
    with pytest.raises(ValueError, match="'c' was categorical in fit but is boolean"):
        write_cells(flags, new, np.array([[True], [False]]), True)
    new = [np.array([True, False], dtype=object)]
    written = write_cells(numbers, new, np.array([[True], [False]]), True)
    assert list(written["c"]) == [1.0, 2.5]


def test_a_frame_of_which_nothing_changes_is_still_copied(frame_kind):
    frame = make_frame(frame_kind, mixed_columns(n_rows=4))
    new = [np.zeros(4)] * 5
    written = write_cells(frame, new, np.zeros((4, 5), dtype=bool), keep_dtype=True)
    assert written is not frame
    assert type(written) is type(frame)
    assert written.equals(frame)


@pytest.mark.parametrize("dtypes", ["float32", {3: "float32"}, {1: "int64"}])
def test_columns_stay_in_their_order_and_rows_keep_their_index(dtypes):
    frame = pd.DataFrame(np.ones((3, 4)), columns=[3, 1, 0, 2], index=[7, 7, 5])
    frame = frame.astype(dtypes)
    hidden = np.zeros((3, 4), dtype=bool)
    hidden[1, 2] = hidden[2, 0] = True
    columns = list(np.full((4, 3), 9.0))
    written = write_cells(frame, columns, hidden, keep_dtype=True)
    expected = frame.copy()
    expected.iloc[1, 2] = expected.iloc[2, 0] = 9.0
    pd.testing.assert_frame_equal(written, expected)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.int32])
@pytest.mark.parametrize("library", ["numpy", "pandas", "polars"])
def test_the_largest_integer_is_not_passed_beyond(dtype, library):
    """Of 64 bits it is no float, and stands for "no limit" in many tables."""
    last = np.iinfo(dtype).max
    X = np.array([[last, 1], [last, 2], [5, 3]], dtype=dtype)
    if library == "pandas":
        X = pd.DataFrame(X, columns=["limit", "n"])
    if library == "polars":
        X = pl.DataFrame(X, schema=["limit", "n"])
    hidden = np.zeros((3, 2), dtype=bool)
    hidden[:, 0] = True
    new = [np.array([float(last), 2 * float(last), -1e30]), np.zeros(3)]
    written = np.asarray(write_cells(X, new, hidden, keep_dtype=True))
    assert written[:, 0].tolist() == [last, last, np.iinfo(dtype).min]
    assert written[:, 1].tolist() == [1, 2, 3]
