"""New rows are as those of fit: in distribution, in kind and in what stays."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats

from ..conftest import make_frame, mixed_columns
from .helpers import generator

# -- distributions -----------------------------------------------------------------


def related(n_rows, seed=0):
    """Numbers of three kinds that depend on each other."""
    rng = np.random.default_rng(seed)
    x = rng.normal(10, 3, n_rows)
    y = 2 * x + 2 * rng.normal(size=n_rows)
    z = np.exp(0.2 * x + 0.3 * rng.normal(size=n_rows))
    return np.c_[x, y, z]


def test_columns_and_their_relations_are_those_of_the_data():
    X = related(1000)
    new = generator((32, 32), max_epochs=8, lr=3e-3).fit(X).sample(3000, random_state=0)
    assert new.shape == (3000, 3)
    for ours, theirs in zip(new.T, X.T, strict=True):
        assert stats.ks_2samp(ours, theirs).statistic < 0.06
    ranks = stats.spearmanr(new).statistic, stats.spearmanr(X).statistic
    assert_allclose(*ranks, atol=0.05)


def test_draws_given_one_side_of_a_line_have_its_mean_and_spread():
    fitted = generator((32, 32), max_epochs=15, lr=3e-3).fit(related(1000)[:, :2])
    given = np.array([[7.0, np.nan], [10.0, np.nan], [13.0, np.nan]])
    new = fitted.sample(600, given=given, random_state=0).reshape(600, 3, 2)
    assert_array_equal(new[:, :, 0], np.tile(given[:, 0], (600, 1)))
    assert_allclose(new[:, :, 1].mean(axis=0), [14, 20, 26], atol=0.3)
    assert_allclose(new[:, :, 1].std(axis=0), 2, atol=0.3)


def test_draws_given_one_side_of_a_ring_lie_on_both_arcs():
    rng = np.random.default_rng(0)
    angle, radius = rng.uniform(0, 2 * np.pi, 1500), rng.normal(1, 0.05, 1500)
    X = np.c_[radius * np.cos(angle), radius * np.sin(angle)]
    fitted = generator((64, 64), max_epochs=30, lr=3e-3).fit(X)
    new = fitted.sample(500, given=[[0.0, np.nan]], random_state=0)[:, 1]
    assert abs(np.mean(new > 0) - 0.5) < 0.15
    assert np.mean(np.abs(new) < 0.5) < 0.2
    assert np.median(np.abs(new)) == pytest.approx(1, abs=0.1)
    # Rows as a whole are on the ring, too.
    radii = np.hypot(*fitted.sample(1000, random_state=0).T)
    assert np.mean(np.abs(radii - 1) < 0.2) > 0.75


def test_categories_and_numbers_go_together():
    X = make_frame("pandas", mixed_columns(600))
    new = generator((32,), max_epochs=10, lr=3e-3).fit(X).sample(2000, random_state=0)
    shares = X["shirt"].value_counts(normalize=True)
    assert_allclose(
        new["shirt"].value_counts(normalize=True)[shares.index], shares, atol=0.05
    )
    for name in ("shirt", "tall"):
        ours, theirs = new.groupby(name)["height"], X.groupby(name)["height"]
        assert_allclose(ours.mean(), theirs.mean(), atol=2)
        assert_allclose(ours.std(), theirs.std(), atol=2)


def test_a_column_of_zeros_and_amounts_keeps_both():
    rng = np.random.default_rng(0)
    x = rng.normal(size=800)
    rain = np.where(x + 0.5 * rng.normal(size=800) > 0, rng.gamma(2, 1, 800), 0.0)
    fitted = generator((32,), max_epochs=20, lr=3e-3).fit(np.c_[x, rain])
    new = fitted.sample(3000, random_state=0)
    dry = new[:, 1] == 0
    assert dry.mean() == pytest.approx(np.mean(rain == 0), abs=0.03)
    assert stats.ks_2samp(new[~dry, 1], rain[rain > 0]).statistic < 0.06
    given = [[-1.0, np.nan], [1.0, np.nan]]
    never, often = (
        fitted.sample(500, given=given, random_state=0)[:, 1].reshape(500, 2).T > 0
    )
    assert never.mean() < 0.2
    assert often.mean() > 0.8


def test_few_rows_other_than_zero_are_not_drawn_too_rarely():
    rng = np.random.default_rng(0)
    x = np.where(rng.random(600) < 0.08, rng.gamma(2, 1, 600), 0.0)
    X = np.c_[rng.normal(size=600), x]
    fitted = generator().fit(X)
    new = fitted.sample(3000, random_state=0)[:, 1]
    assert np.mean(new == 0) == pytest.approx(np.mean(x == 0), abs=0.02)
    alone = np.exp(fitted.score_samples([[np.nan, 0.0]]))[0]
    assert alone == pytest.approx(np.mean(x == 0), abs=0.01)


# -- kinds of rows -----------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8])
def test_arrays_come_back_in_their_dtype(dtype):
    X = np.rint(related(200)[:, :2] + 20).astype(dtype)
    fitted = generator().fit(X)
    new = fitted.sample(50, random_state=0)
    assert new.dtype == dtype
    assert (new >= X.min(axis=0)).all()
    assert (new <= X.max(axis=0)).all()
    assert_array_equal(new, np.rint(new))


def test_arrays_of_objects_come_back_with_strings_and_numbers():
    columns = mixed_columns(100)
    X = np.array([columns["height"], columns["shirt"]], dtype=object).T
    fitted = generator(categorical_features=[1]).fit(X)
    new = fitted.sample(20, random_state=0)
    assert new.dtype == object
    assert all(isinstance(cell, float) for cell in new[:, 0])
    assert set(new[:, 1]) <= {"S", "M", "L"}
    given = np.array([[170.5, None], [None, "L"]], dtype=object)
    new = fitted.sample(2, given=given, random_state=0)
    assert new[:, 0].tolist()[::2] == [170.5, 170.5]
    assert new[1::2, 1].tolist() == ["L", "L"]


def test_lists_give_arrays():
    rows = [[1.0, "a"], [2.0, "b"], [3.0, "b"], [4.0, "a"]]
    fitted = generator(categorical_features=[1]).fit(rows)
    assert set(fitted.sample(9, random_state=0)[:, 1]) <= {"a", "b"}
    new = generator().fit([[1, 2], [3, 5], [2, 2]]).sample(4, random_state=0)
    assert isinstance(new, np.ndarray)
    assert set(new[:, 1]) <= {2, 3, 4, 5}


def test_frames_come_back_as_they_were(frame_kind):
    X = make_frame(frame_kind, mixed_columns(120))
    fitted = generator().fit(X)
    new = fitted.sample(30, random_state=0)
    assert type(new) is type(X)
    assert list(new.columns) == list(X.columns)
    assert [str(t) for t in new.dtypes] == [str(t) for t in X.dtypes]
    assert set(new["shirt"]) <= {"S", "M", "L"}
    assert set(new["tall"]) <= {True, False}
    if frame_kind != "polars":
        assert new.index.tolist() == list(range(30))
        assert not new.isna().any(axis=None)
    else:
        assert not any(new.null_count().row(0))


def test_categories_that_were_declared_stay_declared():
    X = pd.DataFrame(mixed_columns(80))
    order = pd.CategoricalDtype(["S", "M", "L", "XL"], ordered=True)
    X = X.astype({"shirt": order, "height": "float32", "shoe": "Int16"})
    new = generator().fit(X).sample(40, random_state=0)
    assert (new.dtypes == X.dtypes).all()
    assert set(new["shirt"]) <= {"S", "M", "L"}  # none was of XL
    frame = pl.DataFrame(mixed_columns(80)).with_columns(
        pl.col("shirt").cast(pl.Enum(["S", "M", "L", "XL"])),
        pl.col("shoe").cast(pl.Int8),
    )
    new = generator().fit(frame).sample(40, random_state=0)
    assert new.schema == frame.schema


def test_images_come_back_as_images(digits):
    X = digits[0][:120]
    images = X.reshape(-1, 8, 8)
    fitted = generator(input_shape=(8, 8), max_epochs=1).fit(images)
    assert fitted.sample(3, random_state=0).shape == (3, 8, 8)
    half = images[:2].copy()
    half[:, 4:] = np.nan
    new = fitted.sample(3, given=half, random_state=0)
    assert new.shape == (6, 8, 8)
    assert_array_equal(new[:, :4], np.tile(half, (3, 1, 1))[:, :4])
    assert not np.isnan(new).any()
    flat = generator(input_shape=(8, 8), max_epochs=1).fit(X)
    assert_array_equal(
        flat.sample(3, random_state=0),
        fitted.sample(3, random_state=0).reshape(3, 64),
    )
    assert flat.sample(given=half.reshape(2, 64)).shape == (2, 64)
    assert_array_equal(flat.score_samples(X[:9]), fitted.score_samples(images[:9]))


def test_sparse_rows_and_files_are_the_rows_that_they_hold(tmp_path):
    X = related(150).astype(np.float32)
    X[X < 9] = 0
    expected = generator().fit(X)
    np.save(tmp_path / "X.npy", X)
    for rows in (sparse.csr_array(X), np.load(tmp_path / "X.npy", mmap_mode="r")):
        fitted = generator().fit(rows)
        new = fitted.sample(20, random_state=0)
        assert isinstance(new, np.ndarray)
        assert_array_equal(new, expected.sample(20, random_state=0))
        assert_array_equal(fitted.score_samples(rows), expected.score_samples(X))
    holey = X[:4].copy()
    holey[:, 1] = np.nan
    ours, theirs = (
        fitted.sample(2, given=given, random_state=0)
        for given in (sparse.csr_array(holey), holey)
    )
    assert_array_equal(ours, theirs)


# -- how numbers were recorded -----------------------------------------------------


def test_numbers_are_recorded_as_in_fit():
    rng = np.random.default_rng(0)
    X = np.c_[
        rng.normal(size=300).round(2),  # repeats: on values seen
        rng.choice([0.1, 0.5, 7.0], 300),
        rng.normal(size=300).round(5),
        rng.normal(size=300),
        rng.integers(0, 10_000, 300),
    ]
    new = generator().fit(X).sample(500, random_state=0)
    assert set(new[:, 1]) == {0.1, 0.5, 7.0}
    assert_array_equal(new[:, 0], new[:, 0].round(2))
    assert_array_equal(new[:, 2], new[:, 2].round(5))
    assert_array_equal(new[:, 4], np.rint(new[:, 4]))
    assert (new >= X.min(axis=0)).all()
    assert (new <= X.max(axis=0)).all()
    # Others are new numbers.
    assert len(np.unique(new[:, 3])) > 400
    known = np.isin(new[:, 3], X[:, 3])
    assert set(new[known, 3]) <= {X[:, 3].min(), X[:, 3].max()}
    assert known.mean() < 0.02


def test_numbers_that_are_no_atoms_are_written_as_none():
    """Levels that return, and numbers between them that do not."""
    levels = np.repeat(np.arange(40.0), 6)
    between = np.arange(60) * 2 / 3 + 0.3
    x = np.random.default_rng(0).permutation(np.r_[levels, between])
    X = np.c_[x, np.random.default_rng(1).normal(size=300)]
    new = generator().fit(X).sample(4_000, random_state=0)[:, 0]
    assert np.isin(new, x).all()
    assert np.mean(np.isin(new, levels)) == pytest.approx(0.8, abs=0.03)


def test_integers_too_large_for_float32_stay_integers_within_range():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "id": 2**40 + np.arange(200),
            "time": 1_700_000_000_000 + rng.integers(0, 10**6, 200),
            "x": rng.normal(size=200),
        }
    )
    fitted = generator().fit(X)
    new = fitted.sample(100, random_state=0)
    assert (new.dtypes == X.dtypes).all()
    for name in ("id", "time"):
        assert new[name].between(X[name].min(), X[name].max()).all()
        assert new[name].nunique() > 30
    given = X.iloc[:5].assign(x=np.nan)
    assert_array_equal(
        fitted.sample(given=given)[["id", "time"]], X[["id", "time"]][:5]
    )


# -- given rows --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pandas", "pandas-nullable", "polars"])
def test_visible_cells_stay_to_the_bit_and_rows_in_order(kind):
    missing = {"height": [0, 2], "shirt": [1, 2], "weight": [2], "tall": [3]}
    given = make_frame(kind, {k: v[:5] for k, v in mixed_columns().items()}, missing)
    fitted = generator().fit(make_frame(kind, mixed_columns(150)))
    if kind != "polars":
        given.index = [9, 9, 3, 1, 0]
    new = fitted.sample(3, given=given, random_state=0)
    assert new.shape == (15, 5)
    if kind != "polars":
        assert new.index.tolist() == list(range(15))
    for name in given.columns:
        before, after = given[name].to_list(), new[name].to_list()
        for k in range(15):
            if not pd.isna(before[k % 5]):
                assert after[k] == before[k % 5]
                assert type(after[k]) is type(before[k % 5])
            assert not pd.isna(after[k])
    if kind == "polars":
        assert new.schema == given.schema


def test_float32_and_wide_floats_stay_to_the_bit():
    X = related(200)
    fitted = generator().fit(X)
    for dtype in (np.float32, np.float64):
        given = (X[:10] / 3 + 5).clip(X.min(axis=0), X.max(axis=0)).astype(dtype)
        given[:, 1] = np.nan
        new = fitted.sample(given=given, random_state=0)
        assert new.dtype == dtype
        assert_array_equal(new[:, [0, 2]], given[:, [0, 2]])
    complete = fitted.sample(2, given=X[:5], random_state=0)
    assert_array_equal(complete, np.tile(X[:5], (2, 1)))


def test_the_same_seed_gives_the_same_rows():
    X = make_frame("pandas", mixed_columns(100))
    fitted = generator().fit(X)
    pd.testing.assert_frame_equal(
        fitted.sample(20, random_state=3), fitted.sample(20, random_state=3)
    )
    assert not fitted.sample(20, random_state=4).equals(
        fitted.sample(20, random_state=3)
    )
    again = generator().fit(X)
    pd.testing.assert_frame_equal(
        again.sample(20, random_state=3), fitted.sample(20, random_state=3)
    )
    # A generator of numbers goes on.
    rng = np.random.RandomState(0)
    one, other = (fitted.sample(20, random_state=rng) for _ in range(2))
    assert not one.equals(other)
    given = X.assign(height=np.nan)
    draws = fitted.sample(2, given=given, random_state=0)["height"].to_numpy()
    assert (draws[:100] != draws[100:]).any()


def test_rows_without_any_visible_cell_are_new_rows():
    X = make_frame("pandas", mixed_columns(100))
    fitted = generator().fit(X)
    nothing = X.iloc[:40].assign(**dict.fromkeys(X.columns))
    new = fitted.sample(given=nothing, random_state=0)
    assert len(new) == 40
    assert not new.isna().any(axis=None)
    assert set(new["shirt"]) <= {"S", "M", "L"}


def test_wide_rows_are_drawn_some_columns_of_all_at_a_time():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2)) @ rng.normal(size=(2, 140))
    X += 0.5 * rng.normal(size=X.shape)
    fitted = generator(max_epochs=1).fit(X)
    new = fitted.sample(300, random_state=0)
    inside = np.corrcoef(X.T) - np.corrcoef(new.T)
    assert np.abs(inside).mean() < 0.1
    # Rows with different cells missing keep what is given.
    given = X[:40].copy()
    given[rng.random(given.shape) < 0.2] = np.nan
    given[::2, :100] = np.nan
    filled = fitted.sample(given=given, random_state=0)
    seen = ~np.isnan(given)
    assert_array_equal(filled[seen], X[:40][seen])
    assert np.corrcoef(filled[~seen], X[:40][~seen])[0, 1] > 0.7
