"""Frames whose columns are named by numbers, or by anything but strings."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skmae import (
    DiffusionMap,
    GaussianMixtureImputer,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    SlidingWindows,
)

from ..conftest import quick

X = np.random.default_rng(0).normal(size=(40, 4)) + 10 * np.arange(4)
Y = (X[:, 0] > 0).astype(int)
OTHER_ORDER = "must be in the same order as they were in fit"


def named(names, rows=X):
    return pd.DataFrame(rows, columns=names)


ROLES = [
    (quick(), "transform"),
    (MaskedAutoencoderImputer(max_epochs=1, random_state=0), "transform"),
    (MaskedAutoencoderDetector(max_epochs=1, random_state=0), "predict"),
    (MaskedAutoencoderGenerator(max_epochs=1, random_state=0), "score_samples"),
    (MaskedAutoencoderClassifier(quick(), fine_tune_epochs=1), "predict"),
    (DiffusionMap(n_components=2), "transform"),
    (GaussianMixtureImputer(n_components=1), "transform"),
    (SlidingWindows(2), "transform"),
]


@pytest.mark.parametrize(("estimator", "method"), ROLES, ids=lambda e: type(e).__name__)
def test_numbered_columns_in_another_order_are_refused(estimator, method):
    estimator.fit(named([0, 1, 2, 3]), Y)
    call = getattr(estimator, method)
    with pytest.raises(ValueError, match=OTHER_ORDER):
        call(named([0, 1, 2, 3])[[3, 1, 2, 0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = call(X)
        assert_array_equal(np.asarray(call(named(range(4)))), expected)
    estimator.fit(X, Y)
    call(named([3, 1, 2, 0]))  # fit saw no names: these are taken as they come


@pytest.mark.parametrize(
    "names",
    [
        [2019, 2020, 2021, 2022],
        list(pd.MultiIndex.from_product([["mean", "std"], ["in", "out"]])),
        list(pd.date_range("2020-01-01", periods=4)),
    ],
    ids=["years", "levels", "days"],
)
def test_all_that_names_columns_is_remembered(names):
    mae = quick(max_epochs=1).fit(named(names))
    assert not hasattr(mae, "feature_names_in_")
    with pytest.raises(ValueError, match=OTHER_ORDER):
        mae.transform(named(names)[names[::-1]])
    with pytest.raises(ValueError, match=OTHER_ORDER):
        mae.partial_fit(named(names)[names[::-1]])
    with pytest.raises(ValueError, match=r"unseen at fit time:\n- 7\n.*now missing"):
        mae.transform(named([*names[:3], 7]))
    with pytest.warns(UserWarning, match="X does not have valid feature names, but"):
        mae.transform(pd.DataFrame(X))


def test_names_of_rows_that_were_not_fitted_by_names():
    mae = quick(max_epochs=1).fit(pd.DataFrame(X))
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        mae.transform(named([10, 20, 30, 40]))
    with pytest.raises(ValueError, match="X has 3 features, but"):
        mae.transform(pd.DataFrame(X[:, :3]))


def test_another_fit_forgets_the_names():
    mae = quick(max_epochs=1).fit(named([4, 5, 6, 7]))
    mae.fit(named(list("abcd")))
    assert mae.feature_names_in_.tolist() == list("abcd")
    mae.fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mae.transform(named([7, 6, 5, 4]))


def test_columns_chosen_by_number_in_a_pipeline():
    frame = named([5, 6, 7, 8])
    pipeline = make_pipeline(quick(max_epochs=1), LogisticRegression()).fit(frame, Y)
    with pytest.raises(ValueError, match=OTHER_ORDER):
        pipeline.predict(frame[[8, 7, 6, 5]])


@pytest.mark.parametrize("names", [list("abc"), [5, 6, 7]])
@pytest.mark.parametrize(
    "estimator",
    [quick(max_epochs=1, input_shape=(None, 3)), SlidingWindows(4, channel_axis=-1)],
    ids=["series", "windows"],
)
def test_series_with_channels_in_another_order_are_refused(estimator, names):
    steps = np.random.default_rng(0).normal(size=(30, 3))
    series = [named(names, steps[start : start + 9]) for start in range(0, 20, 4)]
    with pytest.raises(ValueError, match=f"Row 1 of X: .*\n.*{OTHER_ORDER}"):
        estimator.fit([series[0], series[1][names[::-1]]])
    expected = np.asarray(estimator.fit(series).transform(series[:2]))
    with pytest.raises(ValueError, match=f"Row 0 of X: .*\n.*{OTHER_ORDER}"):
        estimator.transform([series[0][names[::-1]]])
    arrays = [of.to_numpy() for of in series[:2]]
    assert_array_equal(estimator.transform(arrays), expected)
    assert_array_equal(estimator.transform(list(map(pd.DataFrame, arrays))), expected)


# -- messages --------------------------------------------------------------------------

YEARS = [2019, 2020, 2021, 2022]
LEVELS = [(2019, "a"), (2020, "a"), (2021, "a"), (2022, "a")]


def with_third(cells, names=YEARS):
    """Rows whose third column holds other cells."""
    columns = pd.MultiIndex.from_tuples(names) if names is LEVELS else names
    frame = named(columns)
    frame[names[2]] = cells
    return frame


@pytest.mark.parametrize("names", [YEARS, LEVELS], ids=["years", "levels"])
@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (np.inf, "in column {}"),
        (1e200, "Column {} of X holds values larger"),
        (pd.Timestamp("2020-01-01"), "Column {} has dtype"),
        (["a", 1] * 20, "Column {} of X is categorical, and its values cannot"),
    ],
)
def test_errors_name_columns_as_the_frame_does(names, cells, message):
    beside = with_third(cells, names)
    beside[names[0]] = ["x", "y"] * 20  # so that it is read column by column
    wanted = re.escape(message.format(repr(names[2])))
    for frame in (with_third(cells, names), beside):
        with pytest.raises((TypeError, ValueError), match=wanted):
            quick().fit(frame)


def test_warnings_name_columns_as_the_frame_does():
    with pytest.warns(UserWarning, match="Column 2021 of X has no observed value"):
        quick(max_epochs=1).fit(with_third(np.nan))
    with pytest.warns(UserWarning, match="categories of 2021 are numbers"):
        quick(max_epochs=1).fit(with_third([f"{i}.5" for i in range(40)]))
    mae = quick(max_epochs=1).fit(with_third(["a", "b"] * 20))
    with pytest.warns(UserWarning, match="'c' in column 2021"):
        mae.partial_fit(with_third(["a", "c"] * 20))
    with pytest.warns(UserWarning, match="Column 2021 of X holds numbers"):
        mae.transform(with_third(1.0))


def test_imputers_name_columns_as_the_frame_does():
    imputer = MaskedAutoencoderImputer(max_epochs=1, n_members=2, random_state=0)
    imputer.fit(with_third(np.nan))
    for rows in (with_third(np.nan), with_third(np.nan).to_numpy()):
        with pytest.warns(UserWarning, match=r"without any observed values: \[2021\]"):
            imputer.transform(rows)
    with pytest.raises(ValueError, match=r"Columns \[2021\] of X hold no value"):
        GaussianMixtureImputer().fit(with_third(np.nan))


def test_the_generator_names_columns_as_the_frame_does():
    generator = MaskedAutoencoderGenerator(max_epochs=1, n_orders=1, random_state=0)
    generator.fit(with_third(["a", "b"] * 20))
    given = with_third("c")[:1]
    given[2019] = np.nan
    with pytest.raises(ValueError, match="not there in fit, in column 2021"):
        generator.sample(given=given)
    given[2021] = "a"
    given[2020] = 99.0
    with pytest.warns(
        UserWarning, match="outside the range seen in fit, in column 2020"
    ):
        generator.sample(given=given)
