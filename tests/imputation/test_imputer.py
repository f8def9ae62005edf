"""The imputer: what it fills, draws and reports, on every kind of table."""

import pickle
from decimal import Decimal

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.impute import SimpleImputer

from skmae import MaskedAutoencoderImputer
from skmae.networks.em import fit_gaussian

from ..conftest import make_frame, mixed_columns


def quick_imputer(**params):
    """An imputer that trains in a fraction of a second."""
    settings = {
        "hidden_layer_sizes": (32, 32),
        "n_members": 3,
        "max_epochs": 2,
        "device": "cpu",
        "random_state": 0,
    }
    return MaskedAutoencoderImputer(**(settings | params))


def rmse(filled, truth, hidden):
    return np.sqrt(np.mean((filled - truth)[hidden] ** 2))


def standardised(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


def curved(n_rows, seed):
    """Columns that hang together, but not in straight lines."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(-2, 2, size=(2, n_rows))
    columns = [a, b, np.sin(2 * a) + b, a * b, np.abs(a) - b]
    X = np.stack(columns, axis=1) + 0.1 * rng.normal(size=(n_rows, 5))
    return standardised(X)


# -- quality -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted_curved():
    X = curved(900, seed=0)
    hidden = np.random.default_rng(1).random(X.shape) < 0.25
    X_missing = np.where(hidden, np.nan, X)
    imputer = MaskedAutoencoderImputer(
        hidden_layer_sizes=(64, 64), max_epochs=20, device="cpu", random_state=0
    )
    return imputer.fit(X_missing), X, hidden


def test_beats_the_gaussian_where_columns_curve(fitted_curved):
    imputer, X, hidden = fitted_curved
    X_missing = np.where(hidden, np.nan, X)
    error = rmse(imputer.transform(X_missing), X, hidden)
    gaussian = fit_gaussian(X_missing, seed=0)
    expected = np.empty_like(X)
    for row, gaps, out in zip(X_missing, hidden, expected, strict=True):
        seen = ~gaps
        regression = np.linalg.lstsq(
            gaussian.covariance[np.ix_(seen, seen)], gaussian.covariance[seen], None
        )[0]
        out[:] = gaussian.mean + (row[seen] - gaussian.mean[seen]) @ regression
    assert error < 0.8 * rmse(expected, X, hidden)


def test_new_rows_with_holes_in_any_column(fitted_curved):
    imputer, _, _ = fitted_curved
    X = curved(300, seed=5)
    hidden = np.random.default_rng(2).random(X.shape) < 0.25
    error = rmse(imputer.transform(np.where(hidden, np.nan, X)), X, hidden)
    assert error < 0.8


def test_intervals_are_calibrated(fitted_curved):
    imputer, X, hidden = fitted_curved
    X, hidden = X[:300], hidden[:300]  # a third of the time of all, and enough
    X_missing = np.where(hidden, np.nan, X)
    for seed in range(3):
        drawn = imputer.sample(X_missing, n_samples=100, random_state=seed)
        assert drawn.shape == (100, *X.shape)
        low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
        coverage = ((low <= X) & (high >= X))[hidden].mean()
        assert 0.85 < coverage < 0.96
    filled = imputer.transform(X_missing)
    assert rmse(drawn.mean(axis=0), filled, hidden) < 0.15
    assert_array_equal(drawn[:, ~hidden], np.broadcast_to(X, drawn.shape)[:, ~hidden])


def pair(n_rows, n_missing, bend):
    """Columns of which the second follows from the first, and the same with holes."""
    rng = np.random.default_rng(0)
    a = rng.uniform(-2, 2, size=n_rows)
    noise = rng.normal(size=(n_rows, 4))
    X = np.column_stack([a, bend(a), a + noise[:, 0], noise[:, 1:]])
    X_missing = X.copy()
    X_missing[:n_missing, :2] = np.nan
    return X, X_missing


@pytest.mark.parametrize(
    ("bend", "most"), [(lambda a: 3 * a + 1, 1e-6), (np.exp, 0.18), (np.square, 0.55)]
)
def test_cells_that_determine_each_other_are_drawn_to_suit_each_other(bend, most):
    X, X_missing = pair(600, 200, bend)
    imputer = quick_imputer(hidden_layer_sizes=(64, 64), max_epochs=20).fit(X_missing)
    a, b = np.moveaxis(imputer.sample(X_missing, 5, random_state=0)[:, :200], 2, 0)[:2]
    assert np.abs(b - bend(a)).mean() < most * X[:, 1].std()
    # As far from the truth as the third column leaves open.
    assert 0.6 < (a - X[:200, 0]).std() / np.sqrt(2 * 0.57) < 1.4


def test_column_scores_foretell_errors(fitted_curved):
    imputer, X, hidden = fitted_curved
    filled = imputer.transform(np.where(hidden, np.nan, X))
    for j in range(X.shape[1]):
        cells = hidden[:, j]
        truth = X[cells, j]
        found = 1 - np.mean((filled[cells, j] - truth) ** 2) / np.mean(truth**2)
        assert abs(imputer.column_scores_[j] - found) < 0.15


def test_score_of_new_rows(fitted_curved):
    imputer, _, _ = fitted_curved
    assert 0.3 < imputer.score(curved(300, seed=5)) < 0.8
    noise = np.random.default_rng(0).normal(size=(200, 5))
    assert imputer.score(noise) < 0


def test_noise_is_filled_with_the_mean():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(250, 8))
    hidden = rng.random(X.shape) < 0.3
    X_missing = np.where(hidden, np.nan, X)
    imputer = MaskedAutoencoderImputer(max_epochs=8, device="cpu", random_state=0)
    error = rmse(imputer.fit_transform(X_missing), X, hidden)
    mean = SimpleImputer().fit_transform(X_missing)
    assert error < 1.02 * rmse(mean, X, hidden)
    assert np.abs(imputer.column_scores_).max() < 0.15


def test_noise_is_not_flattered():
    scores = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 40))
        X[rng.random(X.shape) < 0.6] = np.nan
        gaussian = quick_imputer(
            mask_ratio=0, n_members=8, max_epochs=1, random_state=seed
        )
        scores.append(gaussian.fit(X).column_scores_.mean())
    assert np.mean(scores) < 0


def exact_table(n_rows=200, seed=0):
    """Three amounts and their total, one length in two units, and noise."""
    rng = np.random.default_rng(seed)
    amounts = np.exp(rng.normal(size=(n_rows, 3)))
    length = rng.normal(170, 10, size=n_rows)
    total = amounts.sum(axis=1)
    return np.column_stack(
        [amounts, total, length, length / 2.54, rng.normal(size=n_rows)]
    )


def test_exact_columns_are_filled_exactly():
    X = exact_table()
    rng = np.random.default_rng(1)
    hidden = np.zeros(X.shape, dtype=bool)
    rows = np.arange(len(X))
    hidden[rows, rng.integers(0, 4, len(X))] = rng.random(len(X)) < 0.3
    hidden[rows, rng.integers(4, 6, len(X))] = rng.random(len(X)) < 0.3
    # the largest, which is beyond all that is seen
    hidden[X[:, 3].argmax(), :4] = [False, False, False, True]
    X_missing = np.where(hidden, np.nan, X)
    imputer = quick_imputer().fit(X_missing)
    filled = imputer.transform(X_missing)
    assert (np.abs(filled - X) / X.std(axis=0)).max() < 1e-3
    drawn = imputer.sample(X_missing, n_samples=3, random_state=0)
    assert (np.abs(drawn - X) / X.std(axis=0)).max() < 1e-3
    again = pickle.loads(pickle.dumps(imputer))
    assert_array_equal(again.transform(X_missing), filled)


def test_a_total_of_missing_amounts_is_not_certain():
    X = exact_table()
    imputer = quick_imputer().fit(X)
    assert imputer.column_scores_[:6].min() > 0.999
    assert imputer.column_scores_[6] < 0.1
    X_missing = X.copy()
    X_missing[:, [0, 3]] = np.nan
    drawn = imputer.sample(X_missing, n_samples=20, random_state=0)
    low, high = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    assert (drawn >= low - 1e-9).all()
    assert (drawn <= high + 1e-9).all()
    assert drawn[:, :, 3].std(axis=0).mean() > 0.1 * X[:, 3].std()


def test_low_rank_is_filled_exactly():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(70, 3)) @ rng.normal(size=(3, 70))
    hidden = rng.random(X.shape) < 0.2
    filled = quick_imputer().fit_transform(np.where(hidden, np.nan, X))
    assert rmse(filled, X, hidden) < 1e-3


def test_when_most_is_missing_the_gaussian_holds():
    X = standardised(load_wine().data)
    rng = np.random.default_rng(0)
    hidden = rng.random(X.shape) < 0.7
    hidden[:, 0] &= ~hidden[:, 1:].all(axis=1)
    X_missing = np.where(hidden, np.nan, X)
    ours = MaskedAutoencoderImputer(max_epochs=15, device="cpu", random_state=0)
    error = rmse(ours.fit_transform(X_missing), X, hidden)
    gaussian = quick_imputer(mask_ratio=0, n_members=8)
    assert error < 1.02 * rmse(gaussian.fit_transform(X_missing), X, hidden)


def test_more_columns_than_rows():
    X = standardised(load_breast_cancer().data[:60])
    X = np.hstack([X, X[:, ::-1] + 0.5, np.roll(X, 1, axis=0)])
    hidden = np.random.default_rng(0).random(X.shape) < 0.3
    X_missing = np.where(hidden, np.nan, X)
    imputer = quick_imputer(max_epochs=4)
    error = rmse(imputer.fit_transform(X_missing), X, hidden)
    mean = SimpleImputer().fit_transform(X_missing)
    assert X.shape[1] > len(X)
    assert error < 0.8 * rmse(mean, X, hidden)


def test_duplicate_rows_missing_at_random():
    X = np.repeat(curved(150, seed=0), 3, axis=0)
    rng = np.random.default_rng(0)
    hidden = rng.random(X.shape) < 1 / (1 + np.exp(-2 * X[:, :1]))
    hidden[:, 0] = False
    X_missing = np.where(hidden, np.nan, X)
    ours = quick_imputer(max_epochs=15).fit_transform(X_missing)
    gaussian = quick_imputer(mask_ratio=0).fit_transform(X_missing)
    assert rmse(ours, X, hidden) < 1.02 * rmse(gaussian, X, hidden)


def test_few_values_are_drawn_as_they_are():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    X = np.stack([x, np.digitize(x, [-1, 0, 1]) * 10.0], axis=1)
    hidden = rng.random(X.shape) < 0.2
    X_missing = np.where(hidden, np.nan, X)
    imputer = quick_imputer(max_epochs=10).fit(X_missing)
    drawn = imputer.sample(X_missing, random_state=0)
    assert set(np.unique(drawn[:, :, 1])) == {0.0, 10.0, 20.0, 30.0}


# -- what goes in and out ----------------------------------------------------------


def test_observed_cells_keep_their_bits(holey_wine):
    filled = quick_imputer().fit_transform(holey_wine)
    observed = ~np.isnan(holey_wine)
    assert_array_equal(filled[observed], holey_wine[observed])
    assert not np.isnan(filled).any()
    low, high = np.nanmin(holey_wine, axis=0), np.nanmax(holey_wine, axis=0)
    assert (filled >= low - 1e-9).all()
    assert (filled <= high + 1e-9).all()


def test_rows_do_not_depend_on_their_neighbours(holey_wine):
    imputer = quick_imputer().fit(holey_wine)
    filled = imputer.transform(holey_wine)
    for k in (1, 5, 100):
        assert_array_equal(imputer.transform(holey_wine[:k]), filled[:k])


def test_a_single_row_is_not_padded_to_hundreds(holey_wine):
    imputer = quick_imputer().fit(holey_wine)
    heights = []
    module = imputer.net_.module_
    hook = module.register_forward_pre_hook(
        lambda _, args: heights.append(len(args[0]))
    )
    imputer.transform(holey_wine[:1])
    hook.remove()
    assert sum(heights) <= 64


def test_fits_are_reproducible_and_nothing_global_moves(holey_wine):
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    numpy_before = np.random.get_state()[1].copy()  # noqa: NPY002
    one = quick_imputer().fit(holey_wine)
    same, other = (quick_imputer(random_state=s).fit(holey_wine) for s in (0, 1))
    assert_array_equal(one.transform(holey_wine), same.transform(holey_wine))
    assert (one.transform(holey_wine) != other.transform(holey_wine)).any()
    drawn = [i.sample(holey_wine, 2, random_state=3) for i in (one, same)]
    assert_array_equal(*drawn)
    assert (one.sample(holey_wine, 2, random_state=4) != drawn[0]).any()
    assert torch.equal(before, torch.random.get_rng_state())
    assert_array_equal(numpy_before, np.random.get_state()[1])  # noqa: NPY002
    assert torch.get_num_threads() == threads


def test_failed_fit_leaves_the_earlier_one(holey_wine):
    imputer = quick_imputer().fit(holey_wine)
    before = imputer.transform(holey_wine)
    state = set(vars(imputer))
    with pytest.raises(ValueError, match="at least one layer"):
        imputer.set_params(hidden_layer_sizes=()).fit(holey_wine[:50])
    imputer.set_params(hidden_layer_sizes=(32, 32), lr=1e30, optimizer="sgd")
    with pytest.raises(ValueError, match="Training diverged"):
        imputer.fit(holey_wine[:50])
    assert_array_equal(imputer.transform(holey_wine), before)
    assert set(vars(imputer)) == state


def test_pickle_holds_numpy_weights_and_fills_alike(holey_wine):
    imputer = quick_imputer().fit(holey_wine)
    data = pickle.dumps(imputer)
    assert b"torch" not in data.replace(b"'torch'", b"").replace(b"\x05torch", b"")
    assert b"skorch" not in data
    again = pickle.loads(data)
    assert_array_equal(again.transform(holey_wine), imputer.transform(holey_wine))
    drawn = [i.sample(holey_wine, 2, random_state=0) for i in (imputer, again)]
    assert_array_equal(*drawn)
    assert again.score(holey_wine) == imputer.score(holey_wine)


def test_float32_and_integers_keep_their_dtype(holey_wine):
    narrow = quick_imputer().fit_transform(holey_wine.astype(np.float32))
    assert narrow.dtype == np.float32
    whole = np.random.default_rng(0).integers(0, 50, size=(40, 3))
    filled = quick_imputer().fit_transform(whole)
    assert filled.dtype == whole.dtype
    assert_array_equal(filled, whole)


def test_frames_of_every_kind(holey_frame, frame_kind):
    imputer = quick_imputer().fit(holey_frame)
    filled = imputer.transform(holey_frame)
    assert type(filled) is type(holey_frame)
    before, after = nw.from_native(holey_frame), nw.from_native(filled)
    complete = make_frame(frame_kind, mixed_columns())
    assert after.columns == before.columns
    for name in before.columns:
        # pandas has no booleans with holes; they are objects there
        assert after[name].dtype == before[name].dtype
        assert not after[name].is_null().any()
        seen = ~before[name].is_null()
        assert after[name].filter(seen).to_list() == before[name].filter(seen).to_list()
    assert after["shirt"][4] in {"S", "M", "L"}
    assert after["tall"][6] in {True, False}
    assert list(complete.columns) == list(imputer.get_feature_names_out())
    assert imputer.column_scores_[3] > 0.4


def test_completions_of_frames_are_frames(holey_frame):
    imputer = quick_imputer().fit(holey_frame)
    drawn = imputer.sample(holey_frame, n_samples=3, random_state=0)
    assert isinstance(drawn, list)
    assert len(drawn) == 3
    before = nw.from_native(holey_frame)
    for completion in drawn:
        assert type(completion) is type(holey_frame)
        after = nw.from_native(completion)
        assert after.schema == before.schema
        for name in before.columns:
            assert not after[name].is_null().any()
            seen = ~before[name].is_null()
            given = before[name].filter(seen).to_list()
            assert after[name].filter(seen).to_list() == given
        assert after["shirt"][4] in {"S", "M", "L"}
    assert len({nw.from_native(completion)["height"][3] for completion in drawn}) == 3
    imputer.set_output(transform="default")
    arrays = imputer.sample(holey_frame, n_samples=3, random_state=0)
    assert arrays.shape == (3, 120, 5)
    assert arrays.dtype == object
    for completion, array in zip(drawn, arrays, strict=True):
        heights = nw.from_native(completion)["height"].to_numpy()
        assert_array_equal(array[:, 0].astype(float), heights)


def test_completions_keep_integers_and_the_index():
    frame = pd.DataFrame({"a": np.arange(60) * 3, "b": np.arange(60.0)})
    frame = frame.astype({"a": "Int64"}).set_index(np.arange(60) + 7)
    frame.iloc[[3, 9], 0] = pd.NA
    drawn = quick_imputer().fit(frame).sample(frame, n_samples=2, random_state=0)
    for completion in drawn:
        assert completion["a"].dtype == "Int64"
        assert completion.index.equals(frame.index)
    bounds = np.quantile([c["a"] for c in drawn], [0.05, 0.95], axis=0)
    assert bounds.shape == (2, 60)


def test_integer_columns_with_holes_stay_integers(frame_kind):
    frame = make_frame(frame_kind, mixed_columns(), {"shoe": [0, 7]})
    filled = nw.from_native(quick_imputer().fit_transform(frame))
    assert filled["shoe"].dtype == nw.from_native(frame)["shoe"].dtype
    if frame_kind != "pandas":  # whose integers with holes are floats
        assert filled["shoe"].dtype == nw.Int64


def test_pandas_categories_and_index_are_kept():
    columns = mixed_columns()
    frame = pd.DataFrame(columns, index=np.arange(120) * 2)
    frame["shirt"] = pd.Categorical(frame["shirt"], ["S", "M", "L", "XL"], ordered=True)
    frame.loc[[4, 8], "shirt"] = None
    filled = quick_imputer().fit_transform(frame)
    assert filled["shirt"].dtype == frame["shirt"].dtype
    assert filled.index.equals(frame.index)
    assert not filled.isna().any(axis=None)


def test_holes_where_training_had_none(mixed_frame, holey_frame):
    filled = nw.from_native(quick_imputer().fit(mixed_frame).transform(holey_frame))
    assert not any(filled[name].is_null().any() for name in filled.columns)


def test_unknown_category_stays(frame_kind):
    columns = mixed_columns()
    imputer = quick_imputer().fit(make_frame(frame_kind, columns))
    columns["shirt"][0] = "XXL"
    filled = nw.from_native(imputer.transform(make_frame(frame_kind, columns)))
    assert filled["shirt"][0] == "XXL"


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
@pytest.mark.parametrize("keep", [False, True])
def test_an_empty_categorical_column_of_an_array_of_numbers(keep):
    X = np.column_stack([np.full(20, np.nan), np.arange(20.0)])
    imputer = quick_imputer(categorical_features=[0], keep_empty_features=keep)
    filled = imputer.fit_transform(X)
    assert_array_equal(filled[:, -1], X[:, 1])
    assert_array_equal(filled[:, :-1], np.zeros((20, int(keep))))


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_a_category_of_fit_that_the_column_does_not_list_is_filled_in(kind):
    def table(cells, categories):
        if kind == "pandas":
            column = pd.Categorical(cells, categories)
            return pd.DataFrame({"letter": column, "number": np.arange(20.0)})
        column = pl.Series(cells, dtype=pl.Enum(categories))
        return pl.DataFrame({"letter": column, "number": np.arange(20.0)})

    imputer = quick_imputer().fit(table(["x"] * 20, ["x"]))
    filled = imputer.transform(table([None, "q"] * 10, ["q"]))["letter"]
    assert list(filled) == ["x", "q"] * 10


def test_array_of_categories():
    columns = mixed_columns()
    X = np.array([columns["height"], columns["shirt"]], dtype=object).T
    X[3, 1] = None
    X[4, 0] = np.nan
    imputer = quick_imputer(categorical_features=[1]).fit(X)
    filled = imputer.transform(X)
    assert filled[3, 1] in {"S", "M", "L"}
    assert isinstance(filled[4, 0], float)
    assert_array_equal(filled[5:], X[5:])


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
@pytest.mark.parametrize("keep", [False, True])
def test_indicator_and_empty_features_as_in_simple_imputer(holey_wine, keep):
    X = holey_wine[:, :5].copy()
    X[:, 2] = np.nan
    params = {"add_indicator": True, "keep_empty_features": keep}
    ours, theirs = quick_imputer(**params).fit(X), SimpleImputer(**params).fit(X)
    X_new = X[:20].copy()
    X_new[:, 4] = np.nan
    filled, expected = ours.transform(X_new), theirs.transform(X_new)
    assert filled.shape == expected.shape
    assert_array_equal(filled[:, -5:], expected[:, -5:])
    assert_array_equal(ours.get_feature_names_out(), theirs.get_feature_names_out())
    assert_array_equal(ours.indicator_.features_, theirs.indicator_.features_)
    assert np.isnan(ours.column_scores_[2])
    assert ours.sample(X_new, 2).shape == (2, 20, 4 + keep)
    if keep:
        assert_array_equal(filled[:, 2], 0)


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
def test_empty_and_indicator_columns_of_frames(frame_kind):
    columns = mixed_columns() | {"nothing": [None] * 120}
    frame = make_frame(frame_kind, columns, {"height": [1], "shirt": [2]})
    if frame_kind == "polars":
        frame = frame.with_columns(pl.col("nothing").cast(pl.String))
    filled = quick_imputer(add_indicator=True).fit_transform(frame)
    expected = [*mixed_columns()] + [
        f"missingindicator_{name}" for name in ("height", "shirt", "nothing")
    ]
    assert list(filled.columns) == expected
    marks = nw.from_native(filled)["missingindicator_shirt"].to_list()
    assert marks == [row == 2 for row in range(120)]
    kept = quick_imputer(keep_empty_features=True).fit_transform(frame)
    assert set(nw.from_native(kept)["nothing"].to_list()) == {"missing_value"}


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_flags_that_were_never_seen_are_filled_with_false(library):
    a = np.random.default_rng(0).normal(size=40)
    frame = pd.DataFrame({"a": a, "b": 2 * a, "flag": pd.array([None] * 40, "boolean")})
    later = frame[:3].assign(flag=pd.array([True, None, False], "boolean"))
    if library == "polars":
        frame, later = pl.from_pandas(frame), pl.from_pandas(later)
    imputer = quick_imputer(keep_empty_features=True).fit(frame)
    for rows, expected in ((frame, [False] * 40), (later, [True, False, False])):
        filled = imputer.transform(rows)
        assert [str(t) for t in filled.dtypes] == [str(t) for t in rows.dtypes]
        (drawn,) = imputer.sample(rows, n_samples=1, random_state=0)
        for flags in (filled["flag"], drawn["flag"]):
            assert flags.to_list() == expected


def decimals(library):
    """Amounts that no float holds, and other numbers, some of both missing."""
    a = np.random.default_rng(0).normal(size=40).round(2)
    cells = [Decimal("12345678901234567.01") + Decimal(str(x)) for x in a]
    cells[3] = None
    if library == "polars":
        return pl.DataFrame({"a": a, "sum": pl.Series(cells, dtype=pl.Decimal(30, 2))})
    if library == "pandas-arrow":
        pyarrow = pytest.importorskip("pyarrow")
        arrow = pyarrow.array(cells, pyarrow.decimal128(30, 2))
        cells = pd.Series(pd.arrays.ArrowExtensionArray(arrow))
    return pd.DataFrame({"a": a, "sum": cells})


@pytest.mark.parametrize("library", ["polars", "pandas-arrow", "pandas-objects"])
def test_decimals_stay_decimals(library):
    frame = decimals(library)
    imputer = quick_imputer().fit(frame)
    (drawn,) = imputer.sample(frame, n_samples=1, random_state=0)
    for filled in (imputer.transform(frame), drawn):
        assert [str(t) for t in filled.dtypes] == [str(t) for t in frame.dtypes]
        for row, (new, given) in enumerate(
            zip(filled["sum"], frame["sum"], strict=True)
        ):
            assert isinstance(new, Decimal)
            assert new.as_tuple().exponent == -2
            assert row == 3 or new == given


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output(holey_wine, container):
    X = holey_wine[:, :4]
    imputer = quick_imputer(add_indicator=True).set_output(transform=container)
    filled = imputer.fit_transform(X)
    assert type(filled).__module__.startswith(container)
    assert list(filled.columns) == list(imputer.get_feature_names_out())
    frame = pd.DataFrame(X, columns=list("abcd"))
    filled = imputer.fit_transform(frame)
    assert type(filled).__module__.startswith(container)
    assert list(filled.columns)[:4] == list("abcd")


def test_arrays_of_frames_where_they_are_asked_for(holey_frame):
    imputer = quick_imputer().fit(holey_frame)
    frame = nw.from_native(imputer.transform(holey_frame))
    filled = imputer.set_output(transform="default").transform(holey_frame)
    assert isinstance(filled, np.ndarray)
    assert filled.dtype == object
    assert filled.tolist() == [list(row) for row in frame.iter_rows()]
    numbers = nw.from_native(holey_frame)[["height", "weight", "shoe"]].to_native()
    imputer = quick_imputer(add_indicator=True).set_output(transform="default")
    filled = imputer.fit_transform(numbers)
    assert filled.dtype == np.float64
    assert filled.shape == (120, 5)
    # the names of another frame
    renamed = pd.DataFrame(filled, columns=list("abcde"))
    assert not renamed.isna().any(axis=None)
    assert imputer.set_output(transform="pandas").transform(numbers).shape == (120, 5)


def test_a_frame_of_float32_gives_an_array_of_float32(holey_wine):
    frame = pd.DataFrame(holey_wine.astype(np.float32))
    filled = quick_imputer().set_output(transform="default").fit_transform(frame)
    assert isinstance(filled, np.ndarray)
    assert filled.dtype == np.float32


def test_tables_of_pyarrow():
    pyarrow = pytest.importorskip("pyarrow")
    columns = mixed_columns()
    columns["height"][3] = None
    table = pyarrow.table({name: columns[name] for name in ("height", "shoe")})
    imputer = quick_imputer(categorical_features=["shoe"], add_indicator=True)
    filled = imputer.fit_transform(table)
    assert filled.column_names == ["height", "shoe", "missingindicator_height"]
    assert filled["height"].null_count == 0


def test_a_row_without_any_value_gets_the_middle(holey_wine):
    imputer = quick_imputer().fit(holey_wine)
    filled = imputer.transform(np.full((1, 13), np.nan))[0]
    mean, std = np.nanmean(holey_wine, axis=0), np.nanstd(holey_wine, axis=0)
    assert (np.abs(filled - mean) < 0.5 * std).all()


def test_one_column_is_filled_with_its_mean():
    X = np.array([[1.0], [2.0], [np.nan], [6.0]])
    imputer = quick_imputer().fit(X)
    assert_allclose(imputer.transform(X), [[1], [2], [3], [6]], atol=1e-2)
    assert imputer.sample(X, 5, random_state=0).shape == (5, 4, 1)


def test_only_categories():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 3, 200)
    X = np.array([a, (a + 1) % 3], dtype=object).T
    X[:20, 1] = None
    imputer = quick_imputer(categorical_features=[0, 1], max_epochs=6).fit(X)
    filled = imputer.transform(X)
    assert np.mean(filled[:20, 1] == (a[:20] + 1) % 3) > 0.9
    assert imputer.column_scores_.min() > 0.9


@pytest.mark.parametrize("scaling", ["minmax", "robust", "quantile", "asinh", None])
def test_scalings_fill_in_the_units_of_the_input(wine, scaling):
    hidden = np.random.default_rng(0).random(wine.shape) < 0.1
    imputer = quick_imputer(scaling=scaling, max_epochs=4)
    filled = imputer.fit_transform(np.where(hidden, np.nan, wine))
    spread = wine.std(axis=0)
    error = rmse(filled / spread, wine / spread, hidden)
    assert error < 0.85


@pytest.mark.parametrize(
    "params",
    [
        {"activation": "relu"},
        {"numerical_embedding": None},
        {"mask_ratio": 0.3},
        {"mask_strategy": "copy"},
        {"mask_strategy": "block"},
        {"hidden_layer_sizes": (24,)},
        {"n_members": 9},
        {"optimizer": torch.optim.RMSprop, "lr": 1e-3},
        {"lr_schedule": "constant"},
        {"batch_size": 16},
        {"weight_decay": 0.5},
        {"early_stopping": False},
        {"precision": "bfloat16"},
    ],
    ids=lambda params: next(iter(params)),
)
def test_parameters_work(holey_wine, params):
    plain = quick_imputer(precision="float32").fit_transform(holey_wine)
    params = {"precision": "float32"} | params
    imputer = quick_imputer(**params).fit(holey_wine)
    filled = imputer.transform(holey_wine)
    assert np.isfinite(filled).all()
    if "early_stopping" not in params:  # whose best epoch may be the last
        assert (filled != plain).any()
    assert (imputer.validation_loss_curve_ is None) == ("early_stopping" in params)


def test_auto_reads_few_bins_of_few_rows_and_many_rows_of_few_columns_deeply():
    rng = np.random.default_rng(0)
    for n_rows, n_columns, sizes, n_edges in (
        (120, 3, (128, 128), 12),
        (600, 3, (128, 128, 128), 48),
        (600, 9, (128, 128), 48),
        (20, 3, (128, 128), 4),
    ):
        X = rng.normal(size=(n_rows, n_columns))
        imputer = MaskedAutoencoderImputer(max_epochs=1, random_state=0, device="cpu")
        network = imputer.fit(X).model_.settings.network
        assert network.hidden_layer_sizes == sizes
        assert len(network.edges[0]) == n_edges * n_columns


def test_early_stopping_stops_and_keeps_the_best():
    X = np.random.default_rng(0).normal(size=(80, 4))
    imputer = quick_imputer(max_epochs=60, n_iter_no_change=3).fit(X)
    curve = imputer.validation_loss_curve_
    warm_up = 3  # of 60 epochs; patience begins then
    assert imputer.n_iter_ == len(curve) == max(np.argmin(curve) + 1, warm_up) + 3
    assert len(imputer.loss_curve_) == imputer.n_iter_


def test_bad_inputs(holey_wine):
    with pytest.raises(ValueError, match="infinity"):
        quick_imputer().fit(np.array([[1.0, np.inf], [2.0, 3.0]]))
    with pytest.raises(ValueError, match="no observed value"):
        quick_imputer().fit(np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match="'n_members' parameter"):
        quick_imputer(n_members=1).fit(holey_wine)
    with pytest.raises(ValueError, match="'mask_ratio' parameter"):
        quick_imputer(mask_ratio=(0.5, 0.1)).fit(holey_wine)
    imputer = quick_imputer().fit(holey_wine)
    with pytest.raises(ValueError, match="n_samples must be an integer"):
        imputer.sample(holey_wine, n_samples=0)
    with pytest.raises(ValueError, match="expecting 13 features"):
        imputer.transform(holey_wine[:, :5])
    with pytest.raises(ValueError, match="infinity"):
        imputer.transform(np.full((1, 13), np.inf))
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        imputer.transform(np.empty((0, 13)))


def test_rows_that_are_n_d_have_to_be_flat():
    with pytest.raises(ValueError, match=r"with dim 3.* X\.reshape\(len\(X\), -1\)"):
        MaskedAutoencoderImputer().fit(np.zeros((9, 4, 4)))
