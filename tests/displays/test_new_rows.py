"""Drawn rows beside real ones."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError

from skmae import (
    MaskedAutoencoderGenerator,
    NewRowsDisplay,
)
from tests.conftest import make_frame, mixed_columns

from .helpers import drawn_everywhere


def quick_generator():
    return MaskedAutoencoderGenerator(
        hidden_layer_sizes=(16,), max_epochs=2, device="cpu", random_state=0
    )


def points(axes):
    return axes.lines[0].get_xydata()


def heights(axes, kind):
    """Heights of the real (0) and of the new (1) bars or lines of a panel."""
    patches = axes.patches
    steps = [patch.get_data().values for patch in patches]
    assert len(steps) % 2 == 0
    return np.concatenate(steps[kind::2])


def test_real_pairs_stand_below_the_diagonal_and_new_ones_above():
    rng = np.random.default_rng(0)
    X, new = rng.normal(size=(2, 50, 3))
    display = drawn_everywhere(NewRowsDisplay.from_rows(X, new))
    np.testing.assert_array_equal(points(display.axes_[2, 0]), X[:, [0, 2]])
    np.testing.assert_array_equal(points(display.axes_[0, 2]), new[:, [2, 0]])
    for rows, (i, j) in ((X, (2, 1)), (new, (1, 2))):
        title = display.axes_[i, j].get_title(loc="right")
        assert title == f"r = {np.corrcoef(rows.T)[i, j]:.2f}"
    low, high = display.axes_[2, 0].get_xlim()
    assert (low, high) == display.axes_[0, 2].get_ylim()
    both = np.append(X[:, 0], new[:, 0])
    assert low < both.min()
    assert high > both.max()
    assert display.axes_[2, 0].get_xlabel() == "x0"
    assert display.axes_[2, 0].get_ylabel() == "x2"


def test_distributions_are_shares_of_each_kind():
    X = np.repeat([[0.0], [1.0]], [30, 10], axis=0)
    new = np.repeat([[0.0], [1.0]], [100, 300], axis=0)
    display = drawn_everywhere(NewRowsDisplay.from_rows(X, new))
    axes = display.axes_[0, 0]
    real, others = heights(axes, 0), heights(axes, 1)
    np.testing.assert_allclose(real / real.sum(), [0.75, 0.25])
    np.testing.assert_allclose(others / real.sum(), [0.25, 0.75])
    display = NewRowsDisplay.from_rows(np.arange(48.0)[:, None], new)
    axes = display.axes_[0, 0]
    assert len(heights(axes, 0)) == 24
    assert heights(axes, 0).sum() == pytest.approx(heights(axes, 1).sum())


def test_of_more_rows_as_many_of_both_kinds_are_drawn():
    X = np.random.default_rng(0).normal(size=(3000, 2))
    display = drawn_everywhere(NewRowsDisplay.from_rows(X, X[:2000]))
    assert len(points(display.axes_[1, 0])) == len(points(display.axes_[0, 1])) == 1000
    again = NewRowsDisplay.from_rows(X, X[:2000])
    np.testing.assert_array_equal(
        points(display.axes_[1, 0]), points(again.axes_[1, 0])
    )
    few = NewRowsDisplay.from_rows(X, X[:20])
    assert len(points(few.axes_[1, 0])) == len(points(few.axes_[0, 1])) == 20


def test_the_most_correlated_columns_are_drawn():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 9)), columns=list("abcdefghi"))
    X["h"] = X["a"] + 0.1 * rng.normal(size=200)
    X["c"] = np.where(X["e"] > 0, "high", "low")
    X["g"] = 1.0
    X.loc[:50, "a"] = np.nan
    display = drawn_everywhere(NewRowsDisplay.from_rows(X, X[::-1]))
    assert len(display.feature_names) == 5
    assert {"a", "h", "c", "e"} < set(display.feature_names)
    assert "g" not in display.feature_names
    assert display.feature_names == sorted(display.feature_names)
    # Of rows that have both values.
    names = ["h", "a"]
    display = NewRowsDisplay.from_rows(X, X, columns=names)
    assert display.feature_names == names
    r = X["a"].corr(X["h"])
    assert display.axes_[1, 0].get_title(loc="right") == f"r = {r:.2f}"


def test_a_generators_rows_are_drawn_beside_mixed_ones(holey_frame):
    generator = quick_generator().fit(holey_frame)
    display = drawn_everywhere(
        NewRowsDisplay.from_estimator(generator, holey_frame, random_state=0)
    )
    assert display.axes_.shape == (5, 5)
    shirt = list(mixed_columns()).index("shirt")
    ticks = [tick.get_text() for tick in display.axes_[-1, shirt].get_xticklabels()]
    assert ticks == ["L", "M", "S"]
    real = heights(display.axes_[shirt, shirt], 0)
    shirts = [one for i, one in enumerate(mixed_columns()["shirt"]) if i != 4]
    counts = np.array([shirts.count(one) for one in ticks])
    np.testing.assert_allclose(real / real.sum(), counts / counts.sum())
    # Categories are scattered, each closer to its own place than to another.
    places = points(display.axes_[shirt, 0])[:, 1]
    assert len(np.unique(places)) > 100
    assert np.nanmax(np.abs(places - np.rint(places))) <= 0.25
    assert display.axes_[shirt, 0].get_title(loc="right") == ""
    again = NewRowsDisplay.from_estimator(
        generator, holey_frame, n_samples=7, random_state=0
    )
    assert len(again.new) == 7
    new = generator.sample(7, random_state=0)
    weight = np.asarray(new["weight"], dtype=float)
    np.testing.assert_array_equal(again.new[:, 1], weight)


def test_many_categories_are_named_as_others():
    letters = list("abcdefghijklmnop")
    X = make_frame("pandas", {"letter": [*letters, *"aab"], "x": list(range(19))})
    display = drawn_everywhere(NewRowsDisplay.from_rows(X, X))
    ticks = [tick.get_text() for tick in display.axes_[0, 0].get_yticklabels()]
    assert len(ticks) == 10
    assert ticks[0] == "a"
    assert ticks[-1] == "7 others"


def test_categories_of_an_array_may_be_named_and_be_new():
    X = np.array([["a", 1.5], ["b", 2.0], [None, np.nan]], dtype=object)
    new = [["c", 2.5], ["a", 1.0]]
    display = drawn_everywhere(
        NewRowsDisplay.from_rows(X, new, categorical_features=[0])
    )
    assert display.categories == [["a", "b", "c"], None]
    np.testing.assert_array_equal(display.real[:, 0], [0, 1, np.nan])
    np.testing.assert_array_equal(display.new, [[2, 2.5], [0, 1.0]])


def test_columns_without_values_or_without_spread_are_drawn():
    X = pd.DataFrame({"empty": np.nan, "same": 3.0, "x": np.arange(20.0)})
    display = drawn_everywhere(NewRowsDisplay.from_rows(X, X))
    assert display.axes_[0, 2].get_title(loc="right") == "r = 0.00"


def test_sparse_rows_and_lists_are_read_as_arrays_are(wine):
    X = np.where(wine > 2, wine, 0)
    dense = NewRowsDisplay.from_rows(X, X[:50])
    sparse = NewRowsDisplay.from_rows(csr_array(X), X[:50].tolist())
    np.testing.assert_array_equal(dense.real, sparse.real)
    np.testing.assert_array_equal(dense.new, sparse.new)


def test_images_are_compared_pixel_by_pixel(digits):
    X = digits[0][:60].reshape(-1, 8, 8)
    generator = quick_generator().set_params(input_shape=(8, 8)).fit(X)
    display = drawn_everywhere(
        NewRowsDisplay.from_estimator(generator, X, columns=[20, 21], random_state=0)
    )
    np.testing.assert_array_equal(display.real, X.reshape(60, 64)[:, 20:22])
    assert display.feature_names == ["x20", "x21"]


def test_rows_that_cannot_be_compared_are_refused(wine):
    X = pd.DataFrame(wine[:, :3], columns=list("abc"))
    with pytest.raises(ValueError, match=r"same columns. Got 3 and 2 columns"):
        NewRowsDisplay.from_rows(X, X[["a", "b"]])
    with pytest.raises(ValueError, match=r"Column 1 is 'b' in X and 'c' in X_new"):
        NewRowsDisplay.from_rows(X, X[["a", "c", "b"]])
    with pytest.raises(ValueError, match=r"Got 'd'"):
        NewRowsDisplay.from_rows(X, X, columns=["a", "d"])
    with pytest.raises(ValueError, match=r"Got 3\.$"):
        NewRowsDisplay.from_rows(X, X, columns=[0, 3])
    with pytest.raises(ValueError, match="columns must differ"):
        NewRowsDisplay.from_rows(X, X, columns=["a", 0])
    with pytest.raises(ValueError, match=r"1 to 10 columns. Got 0"):
        NewRowsDisplay.from_rows(X, X, columns=[])
    with pytest.raises(TypeError, match=r"list of names or positions. Got 'a'"):
        NewRowsDisplay.from_rows(X, X, columns="a")
    with pytest.raises(ValueError, match="X_new has no rows"):
        NewRowsDisplay.from_rows(X, X[:0])
    with pytest.raises(ValueError, match=r"X must have rows and columns"):
        NewRowsDisplay.from_rows([1.0, 2.0], X)
    with pytest.raises(ValueError, match="contains infinity"):
        NewRowsDisplay.from_rows(wine, np.where(wine == wine[0], np.inf, wine))


def test_only_a_fitted_generator_draws_rows(images, digits, wine):
    with pytest.raises(TypeError, match="use from_rows"):
        NewRowsDisplay.from_estimator(images, digits[0])
    with pytest.raises(NotFittedError):
        NewRowsDisplay.from_estimator(quick_generator(), wine)
    generator = quick_generator().fit(wine)
    with pytest.raises(ValueError, match="X has 3 features"):
        NewRowsDisplay.from_estimator(generator, wine[:, :3])
