"""What scikit-learn's imputers have in common, asked of ours."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .test_imputer import quick_imputer


def holey(marker):
    """Four rows of numbers, a marker where a value is missing."""
    return np.array(
        [
            [marker, 4, 7, marker, 1],
            [3, marker, 2, marker, 2],
            [8, 6, marker, marker, 3],
            [2, 5, 9, marker, 4],
        ]
    )


MARKS = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 0, 1]])
EMPTY = pytest.mark.filterwarnings("ignore:Skipping features without any observed")


@EMPTY
@pytest.mark.parametrize("marker", [np.nan, -1, 0])
def test_markers_and_indicators(marker):
    X = holey(marker)
    imputer = quick_imputer(missing_values=marker, add_indicator=True)
    filled = imputer.fit_transform(X)
    assert_array_equal(filled[:, -4:], MARKS)
    assert_array_equal(imputer.indicator_.features_, [0, 1, 2, 3])
    plain = clone(imputer).set_params(add_indicator=False).fit_transform(X)
    assert_array_equal(filled[:, :-4], plain)
    kept = X[:, [0, 1, 2, 4]]
    seen = ~np.isnan(kept) if np.isnan(marker) else kept != marker
    assert_array_equal(plain[seen], kept[seen])
    assert filled.dtype == X.dtype
    assert (plain[~seen] != marker).all()


@EMPTY
def test_a_marker_fills_as_nan_does():
    X = holey(np.nan)
    expected = quick_imputer().fit_transform(X)
    marked = quick_imputer(missing_values=-1)
    assert_array_equal(marked.fit_transform(np.where(np.isnan(X), -1, X)), expected)
    # what is missing in any case stays so
    assert_array_equal(marked.fit_transform(X), expected)
    assert marked.score(X) == marked.score(np.where(np.isnan(X), -1, X))
    drawn = marked.sample(np.where(np.isnan(X), -1.0, X), 2, random_state=0)
    assert_array_equal(drawn, marked.sample(X, 2, random_state=0))


@pytest.mark.parametrize("kind", ["array", "pandas", "polars"])
def test_strings_that_stand_for_missing_values(kind):
    letters = ["a", "b", "?"] * 20
    numbers = np.arange(60) % 3 + 0.5
    if kind == "array":
        X = np.array([letters, numbers], dtype=object).T
    else:
        library = {"pandas": pd, "polars": pl}[kind]
        X = library.DataFrame({"letter": letters, "number": numbers})
    given = [0] if kind == "array" else "from_dtype"
    imputer = quick_imputer(missing_values="?", categorical_features=given)
    simple = SimpleImputer(missing_values="?", strategy="most_frequent")
    filled = np.asarray(imputer.fit_transform(X), dtype=object)
    assert set(filled[:, 0]) == {"a", "b"}
    seen = np.array(letters) != "?"
    expected = simple.fit_transform(np.array([letters], dtype=object).T)
    assert_array_equal(filled[seen, 0], expected[seen, 0])
    assert_array_equal(filled[:, 1].astype(float), numbers)


def test_markers_of_frames_keep_their_dtypes(frame_kind):
    library = pl if frame_kind == "polars" else pd
    cells = {"whole": [1, 2, -1, 4] * 10, "real": [-1.0, 0.5, 2.0, 7.0] * 10}
    frame = library.DataFrame(cells)
    if frame_kind == "pandas-nullable":
        frame = frame.convert_dtypes()
    filled = quick_imputer(missing_values=-1).fit_transform(frame)
    for name in cells:
        assert filled[name].dtype == frame[name].dtype
        assert (filled[name] >= 0).all()
    assert filled["whole"][1] == 2


def test_markers_that_cannot_be_there():
    with pytest.raises(ValueError, match="expected to be both numerical"):
        quick_imputer(missing_values="?").fit(np.ones((4, 2)))
    with pytest.raises(ValueError, match="'missing_values' parameter"):
        quick_imputer(missing_values=["?"]).fit(np.ones((4, 2)))


def test_a_missing_value_where_training_had_none():
    imputer = quick_imputer(add_indicator=True).fit([[1], [2]])
    filled = imputer.transform([[3], [np.nan]])
    assert filled.shape == (2, 1)
    assert np.isfinite(filled).all()


@EMPTY
@pytest.mark.parametrize("add_indicator", [False, True])
def test_integers_with_na(add_indicator):
    X = holey(np.nan)
    imputer = quick_imputer(add_indicator=add_indicator)
    expected = imputer.fit_transform(X)
    frame = pd.DataFrame(X, dtype="Int16", columns=list("abcde"))
    filled = imputer.fit_transform(frame)
    assert (filled.dtypes[:4] == "Int16").all()
    # integers by rounding
    assert_allclose(filled.to_numpy(dtype=float), expected, atol=0.5)
    arrays = imputer.set_output(transform="default").fit_transform(frame)
    assert arrays.dtype == np.float64
    assert_allclose(arrays, expected)


@EMPTY
@pytest.mark.parametrize("add_indicator", [False, True])
def test_names_out(add_indicator):
    frame = pd.DataFrame(holey(np.nan), columns=list("abcde"))
    simple = SimpleImputer(add_indicator=add_indicator).fit(frame)
    ours = quick_imputer(add_indicator=add_indicator).fit(frame)
    assert_array_equal(ours.get_feature_names_out(), simple.get_feature_names_out())


@EMPTY
@pytest.mark.parametrize("keep", [False, True])
def test_empty_features(keep):
    X = np.array([[np.nan, 1], [np.nan, 2], [np.nan, 3]])
    imputer = quick_imputer(keep_empty_features=keep)
    assert imputer.fit_transform(X).shape == (3, 1 + keep)
    assert imputer.transform(X).shape == (3, 1 + keep)


@pytest.mark.parametrize("cell", [np.nan, 1])
def test_the_indicator_is_there_whatever_new_rows_hold(cell):
    imputer = quick_imputer(add_indicator=True).fit(np.array([[0, np.nan], [1, 2]]))
    filled = imputer.transform(np.array([[0, cell], [1, 2]]))
    assert filled.shape == (2, 3)
    assert_array_equal(filled[:, 2], [np.isnan(cell), False])


def test_the_choice_of_output_is_cloned_and_passed_on(holey_wine):
    frame = pd.DataFrame(holey_wine)
    imputer = quick_imputer().set_output(transform="default")
    assert isinstance(clone(imputer).fit_transform(frame), np.ndarray)
    pipeline = make_pipeline(quick_imputer(), StandardScaler())
    pipeline.set_output(transform="default").fit(frame)
    assert isinstance(pipeline[0].transform(frame), np.ndarray)
