"""Parquet files, queries of polars and frames of Dask: the numbers of a frame."""

from datetime import date, time
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_wine

from skmae import (
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderTransformer,
    write_report,
)
from skmae.data import blocks, encoded_rows, pooled_batches, sliced_rows, stored_frames

from .conftest import quick


def mixed_rows(n_rows=400, seed=0):
    """Wine with categories, flags, whole numbers and holes."""
    wine = load_wine(as_frame=True)
    rng = np.random.default_rng(seed)
    X = wine.data[["alcohol", "ash", "hue", "proline"]].sample(
        n_rows, replace=True, random_state=seed, ignore_index=True
    )
    X = X + 0.01 * rng.normal(size=X.shape)
    strong = X["alcohol"] > 13
    kinds = pd.Series(np.where(strong, "strong", "light"), dtype="str")
    X["kind"] = kinds.mask(rng.random(n_rows) < 0.1)
    X["dark"] = X["hue"] < 0.9
    grade = pd.cut(X["proline"], [0, 600, 900, 1e9], labels=["C", "B", "A"])
    X["grade"] = grade.astype(pd.CategoricalDtype(["C", "B", "A"]))
    X["count"] = pd.Series(rng.integers(0, 9, n_rows), dtype="Int64")
    X.loc[::7, "ash"] = np.nan
    X.loc[::9, "count"] = pd.NA
    return X


@pytest.fixture
def mixed(tmp_path):
    """Mixed rows and a folder that holds them in two files of several row groups."""
    X = mixed_rows()
    X[:150].to_parquet(tmp_path / "a.parquet", row_group_size=64)
    X[150:].reset_index(drop=True).to_parquet(tmp_path / "b.parquet")
    return X, tmp_path


def stored(kind, folder):
    """The folder's rows as one of the sources."""
    if kind == "path":
        return folder
    if kind == "text":
        return str(folder)
    if kind == "dataset":
        return pytest.importorskip("pyarrow.dataset").dataset(folder)
    if kind == "polars":
        return pl.scan_parquet(folder / "*.parquet")
    return pytest.importorskip("dask.dataframe").read_parquet(folder)


@pytest.fixture
def everything_is_large(monkeypatch):
    """Take small tables for large ones, with blocks and pools to match."""
    monkeypatch.setattr(encoded_rows, "LARGE_CELLS", 1000)
    monkeypatch.setattr(blocks, "_BLOCK_CELLS", 1)
    monkeypatch.setattr(sliced_rows, "_STRETCH_CELLS", 800)
    monkeypatch.setattr(pooled_batches, "_BLOCK_CELLS", 400)
    monkeypatch.setattr(pooled_batches, "_POOL_CELLS", 4000)
    monkeypatch.setattr(stored_frames, "_SOURCE_ROWS", 100)


SOURCES = ["path", "text", "dataset", "polars", "dask"]


@pytest.mark.parametrize("kind", SOURCES)
def test_fits_and_scores_are_those_of_the_frame(mixed, kind):
    X, folder = mixed
    rows = stored(kind, folder)
    on_file, in_memory = quick().fit(rows), quick().fit(X)
    for method in ["transform", "score_samples", "reconstruction_error", "score"]:
        expected = getattr(in_memory, method)(X)
        assert_array_equal(getattr(on_file, method)(rows), expected)
        assert_array_equal(getattr(on_file, method)(X), expected)
    assert_array_equal(on_file.feature_names_in_, X.columns)
    for of_file, of_frame in zip(
        on_file.categories_, in_memory.categories_, strict=True
    ):
        assert_array_equal(of_file, of_frame)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("scaling", ["standard", "robust", "quantile", None])
def test_numbers_have_the_bits_of_the_frame(tmp_path, request, dtype, large, scaling):
    if large:
        request.getfixturevalue("everything_is_large")
    X = load_wine(as_frame=True).data.astype(dtype)
    X.iloc[::5, 2] = np.nan
    X.to_parquet(tmp_path / "wine.parquet", row_group_size=50)
    params = {"scaling": scaling, "early_stopping": True}
    on_file = quick(**params).fit(tmp_path / "wine.parquet")
    assert_array_equal(on_file.transform(X), quick(**params).fit(X).transform(X))


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize("kind", ["path", "polars", "dask"])
def test_a_large_mixed_table_is_learned_as_in_memory(mixed, kind):
    X, folder = mixed
    rows = stored(kind, folder)
    params = {"max_epochs": 60, "hidden_layer_sizes": (32,)}
    scores = [quick(**params).fit(given).score(X) for given in (rows, X)]
    assert min(scores) > 0.1
    assert abs(scores[0] - scores[1]) < 0.05


@pytest.mark.parametrize("large", [False, True])
def test_every_role_reads_files(mixed, request, large):
    if large:
        request.getfixturevalue("everything_is_large")
    X, folder = mixed
    on = {"max_epochs": 1, "device": "cpu", "random_state": 0}
    detector = MaskedAutoencoderDetector(**on).fit(folder)
    blame = detector.explain(folder)
    assert list(blame.columns) == list(X.columns)
    assert_array_equal(blame, detector.explain(X))
    imputer = MaskedAutoencoderImputer(**on).fit(folder)
    filled = imputer.transform(folder)
    assert not filled.isna().any(axis=None)
    pd.testing.assert_frame_equal(filled, imputer.transform(X))
    generator = MaskedAutoencoderGenerator(**on).fit(folder)
    assert_array_equal(generator.score_samples(folder), generator.score_samples(X))
    assert list(generator.sample(3).columns) == list(X.columns)
    y = np.where(np.arange(len(X)) < 60, X["dark"], -1)
    classifier = MaskedAutoencoderClassifier(
        quick(), fine_tune_epochs=1, random_state=0
    )
    assert_array_equal(classifier.fit(folder, y).predict(folder), classifier.predict(X))


def test_restored_rows_are_a_frame(mixed):
    X, folder = mixed
    mae = quick().fit(folder)
    mask = np.zeros(X.shape, dtype=bool)
    mask[:, 0] = True
    pd.testing.assert_frame_equal(mae.restore(folder, mask), mae.restore(X, mask))
    pd.testing.assert_frame_equal(
        mae.augment(folder, random_state=0), mae.augment(X, random_state=0)
    )


@pytest.mark.parametrize("source", SOURCES)
def test_a_marker_is_a_missing_value_in_files_too(mixed, source):
    X, folder = mixed
    marker = int(X["count"].dropna().mode()[0])
    params = {"missing_values": marker, "n_members": 2, "max_epochs": 1}
    params |= {"hidden_layer_sizes": (8,), "random_state": 0, "add_indicator": True}
    in_memory = MaskedAutoencoderImputer(**params).fit(X)
    expected = in_memory.set_output(transform="pandas").transform(X)
    assert expected["missingindicator_count"].sum() > X["count"].isna().sum()
    rows = stored(source, folder)
    of_file = (
        MaskedAutoencoderImputer(**params).set_output(transform="pandas").fit(rows)
    )
    assert of_file.score(rows) == in_memory.score(X)
    filled = of_file.transform(rows)
    for column in ("count", "ash", "missingindicator_count"):
        assert_array_equal(
            filled[column].to_numpy(float), expected[column].to_numpy(float)
        )


def test_weights_of_zero_leave_rows_out(mixed):
    X, folder = mixed
    weight = np.arange(len(X)) % 3
    fits = [
        quick().fit(rows, sample_weight=weight).transform(X) for rows in (folder, X)
    ]
    assert_array_equal(*fits)


def test_partial_fit_reads_files(mixed):
    X, folder = mixed
    codes = [quick().fit(X).partial_fit(rows).transform(X) for rows in (folder, X)]
    assert_array_equal(*codes)


def test_frames_of_codes(mixed):
    X, folder = mixed
    mae = quick().fit(folder).set_output(transform="pandas")
    pd.testing.assert_frame_equal(mae.transform(str(folder)), mae.transform(X))


@pytest.mark.usefixtures("everything_is_large")
def test_nothing_is_left_of_the_encoded_file(mixed, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    quick().fit(mixed[1])
    assert list(scratch.iterdir()) == []


def test_a_report_reads_files(mixed, tmp_path_factory):
    pytest.importorskip("matplotlib")
    X, folder = mixed
    mae = quick().fit(folder)
    out = tmp_path_factory.mktemp("reports")  # apart from the rows
    pages = [out / name for name in ("of_file.html", "of_frame.html")]
    for rows, page in zip((folder, X), pages, strict=True):
        write_report(mae, rows, page, random_state=0)
    for page in pages:
        assert "400" in page.read_text(encoding="utf-8")
        assert "proline" in page.read_text(encoding="utf-8")


# -- mistakes ------------------------------------------------------------------------


def test_what_is_no_file():
    with pytest.raises(
        ValueError, match=r"X is 'rows\.parquet', which is read as the path"
    ):
        quick().fit("rows.parquet")


def test_columns_of_a_file_are_checked(mixed, tmp_path):
    X, folder = mixed
    path = tmp_path / "other" / "X.parquet"
    path.parent.mkdir()
    mae = quick().fit(X)
    X[["alcohol", "ash"]].to_parquet(path)
    with pytest.raises(ValueError, match="feature names should match"):
        mae.transform(path)
    X.assign(day=pd.Timestamp("2020-01-01")).to_parquet(path)
    with pytest.raises(ValueError, match="Column 'day' has dtype Datetime"):
        quick().fit(path)
    with pytest.raises(
        ValueError, match="Column 'kind' has dtype String and is not am"
    ):
        quick(categorical_features=None).fit(folder)
    X[:1].to_parquet(path)
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        quick().fit(path)
    numbers = X[["alcohol", "hue"]].copy()
    numbers.iloc[300, 1] = np.inf
    numbers.to_parquet(path)
    with pytest.raises(ValueError, match="Input X contains infinity"):
        quick().fit(path)
    with pytest.raises(ValueError, match="input_shape"):
        quick(input_shape=(1, 2)).fit(path)


@pytest.mark.parametrize("columns", [["alcohol", "kind", "price"], ["ash", "price"]])
def test_decimals_of_a_file_are_numbers(mixed, tmp_path, columns):
    """pandas has them as objects, of which no column tells before it is read."""
    X, path = mixed[0], tmp_path / "other.parquet"
    prices = [Decimal(int(n)) / 4 for n in X["alcohol"] * 10]
    X = X.assign(price=prices)[columns]
    X.loc[::5, "price"] = None
    X.to_parquet(path)
    assert X["price"].dtype == object
    in_memory, of_file = quick().fit(X), quick().fit(path)
    assert len(of_file.categories_) == len(columns) - 2
    assert_array_equal(of_file.transform(path), in_memory.transform(X))
    assert_array_equal(in_memory.transform(path), in_memory.transform(X))
    assert of_file.restore(path)["price"].map(type).eq(Decimal).all()


@pytest.mark.parametrize(
    ("cell", "kind"),
    [(date(2020, 1, 1), "Date"), (time(9, 30), "Time"), ([1, 2], "List")],
    ids=lambda value: str(value),
)
def test_dates_and_lists_of_a_file_are_refused(mixed, tmp_path, cell, kind):
    path = tmp_path / "other.parquet"
    mixed[0].assign(when=[cell] * 400).to_parquet(path)
    with pytest.raises(ValueError, match=f"Column 'when' has dtype {kind}"):
        quick().fit(path)


def test_rows_that_change_while_they_are_read(mixed):
    _, folder = mixed
    rng = np.random.default_rng(0)
    some = pl.scan_parquet(folder / "*.parquet").filter(
        pl.col("alcohol").map_batches(
            lambda column: pl.Series(rng.random(len(column)) < 0.5),
            return_dtype=pl.Boolean,
        )
    )
    with pytest.raises(ValueError, match="gives other rows each time"):
        quick().fit(some)


def test_the_estimator_of_the_guide_takes_columns_of_a_query(mixed):
    """A query chooses columns without reading the others."""
    _, folder = mixed
    query = pl.scan_parquet(folder / "*.parquet").select("alcohol", "grade")
    mae = MaskedAutoencoderTransformer(max_epochs=1, random_state=0).fit(query)
    assert_array_equal(mae.feature_names_in_, ["alcohol", "grade"])


def test_rows_varied_need_no_file_any_more(mixed):
    X, folder = mixed
    mae, other = quick().fit(folder), quick().fit(folder)
    expected = other.augment(X, random_state=0)
    for path in folder.glob("*.parquet"):
        path.unlink()
    pd.testing.assert_frame_equal(mae.augment(X, random_state=0), expected)
