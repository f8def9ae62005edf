"""Values that stand for missing ones."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from skmae.data.markers import MarkedRows, without_marker


@pytest.mark.parametrize("nothing", [np.nan, float("nan"), None, pd.NA])
def test_what_is_missing_anyway_leaves_X_alone(nothing):
    X = np.array([[1.0, -1.0]])
    assert without_marker(X, nothing) is X


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, object])
def test_numbers_of_arrays(dtype):
    X = np.array([[1, -1], [-1, 3]], dtype=dtype)
    found = without_marker(X, -1).astype(float)
    assert_array_equal(found, [[1, np.nan], [np.nan, 3]])
    assert X[0, 1] == -1
    if dtype == np.float32:
        assert without_marker(X, -1).dtype == np.float32


def test_strings_of_arrays_and_lists():
    expected = [["a", "?"], ["b", "c"]]
    for X in (np.array(expected), np.array(expected, dtype=object), expected):
        found = without_marker(X, "?")
        assert found.tolist()[1] == ["b", "c"]
        assert np.isnan(found[0, 1])


def test_flags_are_no_numbers():
    X = np.array([[True, 1], [False, 0]], dtype=object)
    found = without_marker(X, 0)
    assert found[1, 0] is False
    assert np.isnan(found[1, 1])


def test_a_string_among_numbers_is_refused():
    with pytest.raises(ValueError, match="expected to be both numerical"):
        without_marker(np.ones((2, 2)), "?")


def test_sparse_cells():
    X = sparse.csr_array([[0.0, -1.0], [2.0, 0.0]])
    assert_array_equal(without_marker(X, -1).toarray(), [[0, np.nan], [2, 0]])
    with pytest.raises(ValueError, match="missing_values=0 is not supported"):
        without_marker(X, 0)


def test_rows_on_disk_are_marked_as_they_are_read(tmp_path):
    X = np.memmap(tmp_path / "X", dtype=np.int32, mode="w+", shape=(3, 2))
    X[:] = [[1, 2], [-1, 4], [5, -1]]
    marked = without_marker(X, -1)
    assert isinstance(marked, MarkedRows)
    assert marked.shape == (3, 2)
    assert marked.dtype == np.float64
    assert_array_equal(marked[1:], [[np.nan, 4], [5, np.nan]])


@pytest.mark.parametrize("kind", ["pandas", "pandas-nullable", "polars"])
def test_columns_of_frames(kind):
    cells = {
        "whole": [1, -1, 3],
        "real": [-1.0, 2.0, None],
        "text": ["-1", "?", "c"],
        "flag": [True, False, None],
    }
    frame = pl.DataFrame(cells) if kind == "polars" else pd.DataFrame(cells)
    if kind == "pandas-nullable":
        frame = frame.convert_dtypes()

    def missing(X):
        X = X.to_pandas() if kind == "polars" else X
        return X.isna().to_numpy()

    expected = missing(frame)
    expected[1, 0] = expected[0, 1] = True
    assert_array_equal(missing(without_marker(frame, -1)), expected)
    expected = missing(frame)
    expected[1, 2] = True
    assert_array_equal(missing(without_marker(frame, "?")), expected)
    assert without_marker(frame, 0)["flag"][1] == False  # noqa: E712


def test_categories_and_names_that_are_integers():
    frame = pd.DataFrame({0: pd.Categorical(["a", "?", "b"]), 1: [1, 0, 2]}, [5, 6, 7])
    found = without_marker(frame, "?")
    assert found[0].isna().tolist() == [False, True, False]
    assert isinstance(found[0].dtype, pd.CategoricalDtype)
    assert list(found.columns) == [0, 1]
    assert found.index.tolist() == [5, 6, 7]
    found = without_marker(frame, 0)
    assert found[1].isna().tolist() == [False, True, False]
