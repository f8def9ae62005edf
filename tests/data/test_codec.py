"""Rows to cells and back: numbers, categories, holes, categories never seen."""

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmae.data.blocks import slices
from skmae.data.codec import Layout, TableCodec
from skmae.data.tables import ArrayTable, FrameTable

from ..conftest import make_frame, mixed_columns

IS_CATEGORICAL = np.array([False, False, False, True, True])


def test_array_round_trip(holey_wine):
    table = ArrayTable(holey_wine, np.zeros(13, dtype=bool))
    codec = TableCodec("standard")
    values = codec.fit_encode(table)
    assert values.dtype == np.float32
    assert_array_equal(np.isnan(values), np.isnan(holey_wine))
    assert_allclose(np.nanmean(values, axis=0), 0, atol=1e-5)
    assert_allclose(np.nanstd(values, axis=0), 1, atol=1e-5)
    decoded = np.column_stack(codec.decode(values))
    assert_allclose(decoded, holey_wine, rtol=1e-5, atol=1e-6)


def test_frame_round_trip(frame_kind):
    columns = mixed_columns()
    frame = make_frame(frame_kind, columns)
    codec = TableCodec("standard")
    values = codec.fit_encode(FrameTable(frame, IS_CATEGORICAL))
    decoded = codec.decode(values)
    assert_allclose(decoded[0], columns["height"], rtol=1e-5)
    assert_allclose(decoded[2], columns["shoe"], rtol=1e-5)
    assert decoded[3].tolist() == columns["shirt"]
    assert decoded[4].tolist() == columns["tall"]


def test_missing_cells_of_every_kind_are_nan(holey_frame):
    table = FrameTable(holey_frame, IS_CATEGORICAL)
    values = TableCodec("standard").fit_encode(table)
    expected = {(3, 0), (4, 3), (5, 1), (6, 4)}
    assert set(zip(*np.nonzero(np.isnan(values)), strict=True)) == expected


def test_category_unseen_in_fit_is_missing(frame_kind):
    columns = mixed_columns()
    codec = TableCodec("standard")
    codec.fit_encode(FrameTable(make_frame(frame_kind, columns), IS_CATEGORICAL))
    columns["shirt"][0] = "XXL"
    frame = make_frame(frame_kind, columns)
    values = codec.encode(FrameTable(frame, IS_CATEGORICAL))
    assert np.isnan(values[0, 3])
    assert np.isnan(values).sum() == 1


def test_layout_describes_the_columns(frame_kind):
    columns = mixed_columns()
    codec = TableCodec("minmax", n_bins=4)
    values = codec.fit_encode(
        FrameTable(make_frame(frame_kind, columns), IS_CATEGORICAL)
    )
    layout = codec.layout_
    assert layout.numeric == (0, 1, 2)
    assert layout.categorical == (3, 4)
    assert layout.cardinalities == (3, 2)
    assert layout.n_columns == 5
    assert layout.n_expanded == 8
    assert_allclose(layout.means[:3], values[:, :3].mean(axis=0), rtol=1e-5)
    assert_allclose(layout.means[3:6].sum(), 1, rtol=1e-6)
    assert_allclose(layout.means[7], np.mean(columns["tall"]), rtol=1e-6)
    assert_allclose(layout.stds[:3], values[:, :3].std(axis=0), rtol=1e-5)
    assert layout.edges.shape == (3, 5)
    assert [part for _, part in layout.category_slices()] == [slice(3, 6), slice(6, 8)]


def test_string_categories_in_an_array():
    X = np.array([[1.5, "a"], [2.5, "b"], [np.nan, None], [0.5, "a"]], dtype=object)
    codec = TableCodec("standard")
    values = codec.fit_encode(ArrayTable(X, np.array([False, True])))
    assert_array_equal(np.isnan(values), [[0, 0], [0, 0], [1, 1], [0, 0]])
    assert_array_equal(values[[0, 1, 3], 1], [0, 1, 0])


def test_a_table_without_a_value_is_refused(wine):
    table = ArrayTable(np.full_like(wine, np.nan), np.zeros(13, dtype=bool))
    with pytest.raises(ValueError, match="X has no observed value: there is nothing"):
        TableCodec("standard").fit_encode(table)


def test_column_too_wide_to_scale_is_named(wine):
    X = wine.copy()
    X[0, 2], X[1, 2] = 1e307, -1e307
    table = ArrayTable(X, np.zeros(13, dtype=bool))
    with pytest.raises(ValueError, match="Column 2 of X holds values larger than"):
        TableCodec("standard").fit_encode(table)


def test_blocks_agree_with_one_block(monkeypatch, holey_wine):
    table = ArrayTable(holey_wine, np.zeros(13, dtype=bool))
    whole = TableCodec("standard").fit_encode(table)
    monkeypatch.setattr(ArrayTable, "blocks", lambda self: slices(self.n_rows, 7))
    assert_allclose(TableCodec("standard").fit_encode(table), whole, atol=1e-6)


def test_far_outliers_stay_finite_in_float32():
    none = np.zeros(1, dtype=bool)
    codec = TableCodec("standard")
    codec.fit_encode(ArrayTable(np.arange(20.0)[:, None], none))
    far = codec.encode(ArrayTable(np.array([[1e300], [-1e300], [np.nan]]), none))
    assert np.isfinite(far[:2] ** 2).all()
    assert far[0, 0] > 0 > far[1, 0]
    assert np.isnan(far[2, 0])


@pytest.mark.parametrize(
    "scaling", ["standard", "minmax", "robust", "quantile", "asinh", None]
)
def test_empty_columns_are_always_missing(frame_kind, scaling):
    missing = {"weight": range(120), "shirt": range(120)}
    frame = make_frame(frame_kind, mixed_columns() | {"weight": [0.0] * 120}, missing)
    # a column of None has no numeric dtype by itself
    if frame_kind == "polars":
        frame = frame.with_columns(pl.col("weight").cast(pl.Float64))
    else:
        dtype = "float64" if frame_kind == "pandas" else "Float64"
        frame["weight"] = frame["weight"].astype(dtype)
    table = FrameTable(frame, IS_CATEGORICAL)
    codec = TableCodec(scaling, n_bins=4)
    values = codec.fit_encode(table)
    assert codec.empty_.tolist() == [False, True, False, True, False]
    assert np.isnan(values[:, [1, 3]]).all()
    assert np.isfinite(codec.layout_.means).all()
    assert np.isfinite(codec.layout_.stds).all()
    assert np.isfinite(codec.layout_.edges).all()
    # values that fit saw none of say nothing
    full = FrameTable(make_frame(frame_kind, mixed_columns()), IS_CATEGORICAL)
    assert np.isnan(codec.encode(full)[:, [1, 3]]).all()
    decoded = codec.decode(np.zeros((2, 5)))
    assert np.isnan(decoded[1]).all()
    assert decoded[3].tolist() == [None] * 2


def test_expanded_values_are_numbers_then_indicators():
    layout = Layout(
        (0, 2), (1,), (3,), means=np.zeros(5, np.float32), stds=np.ones(3, np.float32)
    )
    values = np.array([[1.5, 2, 7], [np.nan, np.nan, 4]], dtype=np.float32)
    expected = [[1.5, 7, 0, 0, 1], [np.nan, 4, np.nan, np.nan, np.nan]]
    assert_array_equal(layout.expand(values), np.float32(expected))
    assert_array_equal(layout.column_of_expanded, [0, 2, 1, 1, 1])
