"""Finding categorical columns."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from skmae.data.column_kinds import find_categorical
from skmae.data.tables import as_table

NAMES = ["height", "weight", "shoe", "shirt", "tall"]


def test_from_dtype_finds_strings_and_booleans(mixed_frame):
    found = find_categorical(mixed_frame, "from_dtype", 5, NAMES)
    assert found.tolist() == [False, False, False, True, True]


def test_from_dtype_finds_categories():
    frame = pd.DataFrame({"a": pd.Categorical(["x", "y"]), "b": [1, 2]})
    assert find_categorical(frame, "from_dtype", 2, None).tolist() == [True, False]
    frame = pl.DataFrame(
        {"a": pl.Series(["x", "y"], dtype=pl.Categorical), "b": [1, 2]}
    )
    assert find_categorical(frame, "from_dtype", 2, None).tolist() == [True, False]


def test_objects_that_are_all_numbers_are_numeric():
    frame = pd.DataFrame(
        {
            "number": [1.5, np.int64(2), None, pd.NA],
            "money": [Decimal("1.10"), Decimal("2"), None, Decimal("NaN")],
            "flag": [True, np.False_, None, True],
            "nothing": [None] * 4,
            "both": [1, "x", 2, None],
        },
        dtype=object,
    )
    found = find_categorical(frame, "from_dtype", 5, None)
    assert found.tolist() == [False, False, True, True, True]
    numbers = as_table(frame, found).numeric_block(slice(0, 4))
    assert_array_equal(numbers[:, 0], [1.5, 2, np.nan, np.nan])
    assert_array_equal(numbers[:, 1], [1.1, 2, np.nan, np.nan])
    with pytest.raises(ValueError, match="Column 'both' is numeric, but has objects"):
        as_table(frame[["both"]], np.array([False])).numeric_block(slice(0, 4))


@pytest.mark.parametrize(
    "given", [["shoe"], [2], [False, False, True, False, False], np.array([2])]
)
def test_columns_given_by_name_index_or_mask(given):
    found = find_categorical(np.zeros((2, 5)), given, 5, NAMES)
    assert found.tolist() == [False, False, True, False, False]


@pytest.mark.parametrize(
    ("given", "names", "message"),
    [
        (["hat"], NAMES, r"no columns of X: \['hat'\]"),
        (["shoe"], None, "X has no column names"),
        ([5], NAMES, r"must lie in \[0, n_features - 1\] = \[0, 4\]"),
        ([-1], NAMES, r"must lie in"),
        ([True, False], NAMES, r"must have shape \(n_features,\) = \(5,\)"),
        ([0, 0, 1, 0, 1], NAMES, "each column once; a mask must be boolean"),
        ([1.5], NAMES, "must be 'from_dtype', None, or an array-like"),
    ],
)
def test_columns_that_are_not_there(given, names, message):
    with pytest.raises(ValueError, match=message):
        find_categorical(np.zeros((2, 5)), given, 5, names)


def test_text_that_is_not_named_is_refused_by_name(mixed_frame):
    for given in (["tall"], [4]):
        with pytest.raises(ValueError, match="Column 'shirt' has dtype String and is"):
            find_categorical(mixed_frame, given, 5, NAMES)
    found = find_categorical(mixed_frame, ["shirt", "shoe"], 5, NAMES)
    assert found.tolist() == [False, False, True, True, False]


def test_dates_are_refused_by_name():
    frame = pd.DataFrame({"when": pd.to_datetime(["2020-01-01", "2021-01-01"])})
    with pytest.raises(ValueError, match="Column 'when' has dtype Datetime"):
        find_categorical(frame, "from_dtype", 1, None)


def test_nan_in_a_categorical_column_of_polars_is_missing():
    table = as_table(pl.DataFrame({"c": [1.0, float("nan"), None]}), np.array([True]))
    assert table.categorical_column(0)[1].tolist() == [False, True, True]
