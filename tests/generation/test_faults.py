"""What is refused or warned of, and tables at the edge of what can be learned."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError

from ..conftest import make_frame, mixed_columns
from .helpers import generator


@pytest.fixture(scope="module")
def mixed():
    """A frame of numbers and categories, and a generator fitted on it."""
    X = make_frame("pandas", mixed_columns(100))
    return X, generator(n_orders=2).fit(X)


# -- errors and warnings -----------------------------------------------------------


@pytest.mark.parametrize("n_samples", [0, -1, 1.5, "3", None, np.nan])
def test_the_number_of_new_rows_is_checked(mixed, n_samples):
    X, fitted = mixed
    for given in (None, X[:2]):
        with pytest.raises(ValueError, match="n_samples must be an integer of at lea"):
            fitted.sample(n_samples, given=given)


def test_integers_of_numpy_are_numbers_of_rows(mixed):
    assert len(mixed[1].sample(np.int64(3))) == 3


def test_categories_that_fit_did_not_see_cannot_be_given(mixed):
    X, fitted = mixed
    given = X[:4].assign(height=np.nan)
    given.loc[2, "shirt"] = "XXL"
    with pytest.raises(ValueError, match=r"not there in fit, in column 'shirt'\."):
        fitted.sample(given=given)
    # A density they have, and a low one.
    seen = fitted.score_samples(X[:4].assign(height=np.nan))
    unseen = fitted.score_samples(given)
    assert_array_equal(np.isfinite(unseen), True)
    assert unseen[2] < seen[2] - 2
    assert_array_equal(unseen[[0, 1, 3]], seen[[0, 1, 3]])


def test_numbers_out_of_range_are_named_and_stay(mixed):
    X, fitted = mixed
    given = X[:3].assign(weight=np.nan)
    given.loc[1, "height"] = 400.0
    with pytest.warns(UserWarning, match="outside the range seen in fit.*'height'"):
        new = fitted.sample(given=given, random_state=0)
    assert new["height"].tolist() == given["height"].tolist()
    assert new["weight"].between(X["weight"].min(), X["weight"].max()).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.sample(given=X[:50].assign(weight=np.nan))


def test_numbers_between_those_that_repeat_are_told_of():
    rng = np.random.default_rng(0)
    grade = rng.integers(1, 6, 80)
    X = np.column_stack([grade, grade + rng.normal(size=80)])
    fitted = generator().fit(X)
    with pytest.warns(UserWarning, match="never occurred in fit, in column 0,"):
        new = fitted.sample(given=[[3.5, np.nan]], random_state=0)
    assert new[0, 0] == 3.5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.sample(given=[[3.0, np.nan], [np.nan, 2.5]])


def test_columns_are_checked(mixed):
    X, fitted = mixed
    for method in (fitted.score_samples, lambda rows: fitted.sample(given=rows)):
        with pytest.raises(ValueError, match="feature names should match"):
            method(X[["height", "weight"]])
    array = generator().fit(np.random.default_rng(0).normal(size=(30, 3)))
    for method in (array.score_samples, lambda rows: array.sample(given=rows)):
        with pytest.raises(ValueError, match="X has 2 features, but"):
            method(np.ones((4, 2)))
        with pytest.raises(ValueError, match="infinity"):
            method([[np.inf, 1.0, 1.0]])


def test_what_is_asked_before_fit():
    for ask in (
        lambda g: g.sample(),
        lambda g: g.score_samples(np.ones((2, 2))),
        lambda g: g.score(np.ones((2, 2))),
        lambda g: g.novelty(np.ones((2, 2)), np.ones((2, 2))),
    ):
        with pytest.raises(NotFittedError):
            ask(generator())


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((20, 3)), "No column of X has two different values"),
        (pd.DataFrame({"a": ["x"] * 9}), "No column of X has two different values"),
        (np.full((9, 3), np.nan), "X has no observed value"),
        (np.array([[1.0, np.inf], [2.0, 1.0]]), "infinity"),
        (np.ones((1, 3)), "minimum of 2 is required"),
        (np.ones((0, 3)), "0 sample"),
        (np.eye(3) * 1e160, "too large for scaling"),
    ],
)
def test_what_cannot_be_learned_is_said_and_an_earlier_fit_stays(X, message):
    before = np.random.default_rng(0).normal(size=(30, 3))
    fitted = generator(n_orders=2).fit(before)
    expected = fitted.sample(5, random_state=0), fitted.score_samples(before)
    with pytest.raises(ValueError, match=message):
        fitted.fit(X)
    assert_array_equal(fitted.sample(5, random_state=0), expected[0])
    assert_array_equal(fitted.score_samples(before), expected[1])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr", 0),
        ("batch_size", 0),
        ("n_orders", 0),
        ("max_epochs", 0),
        ("architecture", "forest"),
        ("hidden_layer_sizes", (0,)),
        ("lr_schedule", "steep"),
    ],
)
def test_parameters_are_checked_by_name(name, value):
    X = np.random.default_rng(0).normal(size=(30, 3))
    with pytest.raises(ValueError, match=name):
        generator().set_params(**{name: value}).fit(X)


def test_a_fit_that_fails_late_loses_nothing(monkeypatch):
    X = np.random.default_rng(0).normal(size=(40, 3))
    fitted = generator(n_orders=2).fit(X)
    new, likely = fitted.sample(5, random_state=0), fitted.score_samples(X)

    def fail(*args):
        raise MemoryError

    for name in ("shrink", "RecordedNumbers"):
        monkeypatch.setattr(f"skmae.generation.generator.{name}", fail)
        with pytest.raises(MemoryError):
            fitted.fit(3 * X[:20])
        monkeypatch.undo()
    assert_array_equal(fitted.sample(5, random_state=0), new)
    assert_array_equal(fitted.score_samples(X), likely)


def test_a_column_without_a_value_stays_missing():
    X = make_frame("pandas", mixed_columns(80)).assign(weight=np.nan)
    with pytest.warns(UserWarning, match="Column 'weight' of X has no observed"):
        fitted = generator(n_orders=2).fit(X)
    new = fitted.sample(20, random_state=0)
    assert new["weight"].isna().all()
    assert not new.drop(columns="weight").isna().any(axis=None)
    likely = fitted.score_samples(X)
    assert np.isfinite(likely).all()
    assert_array_equal(fitted.score_samples(X.assign(weight=3.0)), likely)
    given = X[:5].assign(weight=7.0, height=np.nan)
    completed = fitted.sample(given=given, random_state=0)
    assert completed["weight"].tolist() == [7.0] * 5
    assert completed["height"].notna().all()


# -- tables at the edge ------------------------------------------------------------


def edges():
    """Tables of every kind that a first try may bring."""
    rng = np.random.default_rng(0)
    normal = rng.normal
    words = [f"word {k}" for k in rng.integers(0, 300, 900)]
    holes = normal(size=(60, 3))
    holes[rng.random(holes.shape) < 0.5] = np.nan
    holes[7] = np.nan
    few = normal(size=(60, 3))
    few[1:, 0] = np.nan
    return {
        "2 rows": normal(size=(2, 3)),
        "3 rows": pd.DataFrame({"a": [1.0, 2, 4], "b": ["x", "y", "y"]}),
        "10 rows": normal(size=(10, 3)),
        "a number": normal(size=(100, 1)),
        "a few values": rng.integers(0, 3, (100, 1)),
        "a category": pd.DataFrame({"a": ["x", "y", "z"] * 30}),
        "a constant": np.c_[normal(size=100), np.full(100, 1e9)],
        "a constant word": pd.DataFrame({"a": normal(size=60), "b": ["x"] * 60}),
        "rows again and again": np.tile(normal(size=(5, 3)), (20, 1)),
        "two rows again and again": np.tile(normal(size=(2, 3)), (50, 1)),
        "the same column": np.repeat(normal(size=(100, 1)), 3, axis=1),
        "skewed": rng.lognormal(0, 3, (300, 2)),
        "far too skewed": rng.lognormal(0, 10, (300, 2)),
        "without variance": rng.standard_cauchy((300, 2)),
        "far from zero": 1e9 + normal(size=(200, 2)),
        "far from zero and close": 1e9 + 1e-3 * normal(size=(200, 2)),
        "tiny": 1e-200 * normal(size=(100, 2)),
        "identifiers": np.c_[2**60 + np.arange(200) * 7919, np.arange(200)],
        "an outlier": np.r_[normal(size=(200, 2)), [[1e6, 1e6]]],
        "a single one": np.c_[np.r_[np.zeros(99), 1.0], normal(size=100)],
        "holes": holes,
        "a single value": few,
        "booleans": rng.random((100, 3)) < 0.5,
        "half precision": normal(size=(100, 2)).astype(np.float16),
        "many words": pd.DataFrame({"a": pd.Categorical(words), "x": normal(size=900)}),
        "wide": normal(size=(40, 60)),
    }


@pytest.mark.parametrize("kind", edges())
def test_no_table_gives_nonsense(kind):
    X = edges()[kind]
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        fitted = generator(n_orders=2, max_epochs=2).fit(X)
        new = fitted.sample(40, random_state=0)
        likely = fitted.score_samples(X)
    assert np.isfinite(likely).all()
    new, X = pd.DataFrame(new), pd.DataFrame(X)
    assert (new.dtypes == X.dtypes).all()
    assert not new.isna().any(axis=None)
    for ours, theirs in zip(new.items(), X.items(), strict=True):
        ours, theirs = ours[1], theirs[1].dropna()
        if theirs.dtype.kind in "if":
            assert ours.between(theirs.min(), theirs.max()).all()
        if theirs.nunique() < len(theirs) / 10:
            assert set(ours) <= set(theirs)


@pytest.mark.parametrize("n_rows", [300, 1297])
def test_pixels_that_never_change(digits, n_rows):
    """All pixels have one scale, on which these are far from 0."""
    images = (digits[0].reshape(-1, 8, 8) > 7).astype(float)[:n_rows]
    constant = np.ptp(images, axis=0) == 0
    assert constant.any()
    fitted = generator(input_shape=(8, 8), max_epochs=1, n_orders=1).fit(images)
    assert np.isfinite(fitted.score(images[:10]))
    drawn = fitted.sample(20, random_state=0)
    assert_array_equal(drawn[:, constant], np.repeat(images[:1, constant], 20, axis=0))


def test_a_pixel_that_hardly_changes(digits):
    """By a few of the least steps that there are between float32 numbers."""
    images = digits[0][:300].reshape(-1, 8, 8).copy()
    images[:, 0, 0] = 13 + 3e-6 * np.random.default_rng(0).normal(size=300)
    fitted = generator(input_shape=(8, 8), max_epochs=1, n_orders=1).fit(images)
    assert np.isfinite(fitted.score(images[:10]))
    assert_allclose(fitted.sample(20, random_state=0)[:, 0, 0], 13, atol=1e-3)


def test_few_rows_are_not_drawn_again():
    """New numbers, also where there are no more rows than values of a scale."""
    X = np.random.default_rng(0).normal(size=(50, 3))
    new = generator().fit(X).sample(100, random_state=0)
    assert np.isin(new, X).mean() < 0.1


def test_missing_values_do_not_make_the_others_unlikely():
    X = np.random.default_rng(0).normal(size=(60, 3))
    whole = generator(n_orders=2).fit(X).score(X)
    holey = X.copy()
    holey[:3, 0] = np.nan
    assert generator(n_orders=2).fit(holey).score(X) > whole - 0.5


def test_values_of_two_kinds_in_a_category_are_told_what_to_do():
    X = pd.DataFrame({"a": pd.Categorical([1, "x"] * 30), "b": np.arange(60.0)})
    with pytest.raises(TypeError, match=r"'a' of X is categorical.*order.*astype"):
        generator().fit(X)


def test_given_rows_without_a_missing_cell_are_warned_of(wine):
    fitted = generator().fit(wine)
    with pytest.warns(UserWarning, match="given has no missing cell"):
        assert_array_equal(fitted.sample(given=wine[:3]), wine[:3])
