"""Text, identifiers, marks for "unknown" and dates: warnings and errors that help."""

import datetime
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline

from skmae import (
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderTransformer,
)

from .conftest import make_frame, mixed_columns, quick, with_encoder

RECIPE = r"TableVectorizer\(low_cardinality='passthrough'\)"


def told(X, **params):
    """What fit warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        quick(max_epochs=1, **params).fit(X)
    assert all(w.category is UserWarning for w in caught)
    return [str(w.message) for w in caught]


# -- lists and arrays --------------------------------------------------------------


def test_a_list_with_strings_keeps_numbers_and_holes():
    nan = np.nan
    rows = [[2.0, nan], [nan, "b"], [1.0, "a"], [3.0, "b"]]
    as_objects = np.array(rows, dtype=object)
    mae = quick(categorical_features=[1]).fit(rows)
    expected = quick(categorical_features=[1]).fit(as_objects)
    assert_array_equal(mae.transform(rows), expected.transform(as_objects))
    assert mae.model_.codec.encoders_[1].categories_[0].tolist() == ["a", "b"]
    restored = mae.restore(rows)
    assert restored[0, 0] == 2.0
    assert restored[0, 1] in ("a", "b")
    assert isinstance(restored[1, 0], float)
    imputer = MaskedAutoencoderImputer(
        categorical_features=[1], n_members=2, max_epochs=1, device="cpu"
    )
    assert imputer.fit_transform(rows)[0, 1] in ("a", "b")


@pytest.mark.parametrize("mark", ["nan", "None", "<NA>"])
def test_an_array_of_strings_that_lost_its_holes_is_refused(mark):
    X = np.array([["2.0", mark], ["nan", "b"], ["1.0", "b"]])
    with pytest.raises(ValueError, match="Column 1 of X, an array of strings, holds"):
        quick(categorical_features=[1]).fit(X)
    # Of numbers alone nothing was lost.
    X[:, 1] = "b"
    restored = quick(categorical_features=[1]).fit(X).restore(X.astype(object))
    assert np.isfinite(restored[:, 0].astype(float)).all()


@pytest.mark.parametrize("kind", ["list", "strings", "objects", "frame"])
def test_strings_among_numbers_are_told_what_to_do(kind):
    rows = [[1.0, "b"], [2.0, "c"]]
    X = {
        "list": rows,
        "strings": np.array(rows),
        "objects": np.array(rows, dtype=object),
        "frame": pd.DataFrame(rows, columns=["p", "q"]),
    }[kind]
    with pytest.raises(ValueError, match=f"'b' in column .*categorical_.*{RECIPE}"):
        quick(categorical_features=None).fit(X)
    if kind != "frame":
        with pytest.raises(ValueError, match=r"'b' in column 1\. Name columns of"):
            quick(categorical_features=[0]).fit(X)
        mae = quick(max_epochs=1).fit([[1.0, 2.0], [2.0, 1.0]])
        with pytest.raises(ValueError, match=r"'b' in column 1\. Name columns of"):
            mae.transform(X)


def test_dates_in_arrays_are_told_what_to_do():
    dates = np.array([["2020-01-01", "2020-01-02"]] * 3, dtype="datetime64[D]")
    with pytest.raises(ValueError, match=f"dates or times, of dtype .*{RECIPE}"):
        quick().fit(dates)
    with pytest.raises(ValueError, match=f"dates or times, of dtype .*{RECIPE}"):
        quick().fit(dates - dates[0, 0])
    rows = [[1.0, datetime.date(2020, 1, day)] for day in (1, 2, 3)]
    for X in (rows, np.array(rows, dtype=object)):
        with pytest.raises(TypeError, match=f"dates or times, such as .*{RECIPE}"):
            quick().fit(X)


# -- frames ------------------------------------------------------------------------


@pytest.mark.parametrize("library", [pd, pl])
def test_dates_in_frames_are_told_what_to_do(library):
    days = [datetime.datetime(2020, 1, day) for day in (1, 2, 3)]
    frame = library.DataFrame({"when": days, "n": [1, 2, 3]})
    with pytest.raises(ValueError, match=f"Column 'when' has dtype Datet.*{RECIPE}"):
        quick().fit(frame)
    mae = quick(max_epochs=1).fit(library.DataFrame({"when": [1, 2], "n": [1, 3]}))
    with pytest.raises(ValueError, match=r"Column 'when' .* dtype Datetime"):
        mae.transform(frame)


DATES = [datetime.datetime(2020, 1, day) for day in (1, 2, 3)]
OBJECTS = {
    "date": [day.date() for day in DATES],
    "time": [day.time() for day in DATES],
    "datetime": DATES,
    "Timestamp": list(pd.to_datetime(DATES)),
    "timedelta": [datetime.timedelta(n) for n in range(3)],
    "Period": list(pd.period_range("2020", periods=3, freq="M")),
    "tuple": [(1, 2), (2, 3), (1, 2)],
    "list": [[1], [2, 3], []],
    "dict": [{"a": 1}, {}, {"b": 2}],
}


@pytest.mark.parametrize("kind", list(OBJECTS))
def test_objects_that_are_no_categories_are_refused(kind):
    cells = [*OBJECTS[kind], None]
    frame = pd.DataFrame({"when": pd.Series(cells, dtype=object), "n": range(4)})
    match = f"Column 'when' has dtype .* cells of type {kind};.*{RECIPE}"
    with pytest.raises(ValueError, match=match):
        quick().fit(frame)


def test_dates_may_be_said_to_be_categories():
    frame = pd.DataFrame({"day": OBJECTS["date"] * 4, "n": range(12)})
    by_name = quick(categorical_features=["day"]).fit(frame)
    by_dtype = quick().fit(frame.astype({"day": "category"}))
    assert len(by_name.categories_[0]) == len(by_dtype.categories_[0]) == 3


def test_mixed_types_in_a_column_are_told_what_to_do():
    frame = pd.DataFrame({"hp": [*range(80), "?", None], "n": 1.0})
    match = "Column 'hp' of X .*80 of type int, 1 of type str.*to_numeric.*astype"
    with pytest.raises(TypeError, match=match):
        quick().fit(frame)


def test_free_text_and_identifiers_are_named(frame_kind):
    columns = mixed_columns() | {
        "id": [f"W{j:05d}" for j in range(120)],
        "text": [f"bottle {j % 70} was good" for j in range(120)],
    }
    (message,) = told(make_frame(frame_kind, columns))
    assert message.startswith(
        "Column 'id' has 120 categories in 120 rows, column 'text' has 70 categories "
        "in 120 rows. Little is learned"
    )
    assert "TableVectorizer(low_cardinality='passthrough')" in message


def test_more_categories_than_a_network_should_have_are_named():
    codes = pd.Series(np.arange(6000) % 1500).map("c{}".format)
    (message,) = told(pd.DataFrame({"code": codes, "n": np.arange(6000.0)}))
    assert message.startswith("Column 'code' has 1500 categories in 6000 rows.")
    (message,) = told(
        np.c_[np.arange(6000) % 1500, np.arange(6000)], categorical_features=[0]
    )
    assert message.startswith("Column 0 has 1500 categories in 6000 rows.")


@pytest.mark.parametrize("mark", ["?", "", "n/a"])
def test_marks_for_unknown_among_numbers_are_named(frame_kind, mark):
    cells = [str(46 + j % 79) for j in range(392)]
    cells[7] = mark
    columns = {"hp": cells, "n": np.arange(392.0)}
    (message,) = told(make_frame(frame_kind, columns))
    assert message.startswith(
        f"All but 1 of 80 categories of 'hp' are numbers (not {mark!r})."
    )
    assert "pandas.to_numeric(X[column], errors='coerce')" in message


@pytest.mark.parametrize("mark", ["nan", "<NA>", "NaT"])
def test_missing_values_that_became_strings_are_named(frame_kind, mark):
    columns = mixed_columns()
    columns["shirt"][::7] = [mark] * len(columns["shirt"][::7])
    (message,) = told(make_frame(frame_kind, columns))
    assert message.startswith(f"Column 'shirt' holds the string '{mark}'. Missing")
    frame = make_frame(frame_kind, columns)
    assert told(frame, categorical_features=["shirt", "tall"]) == []
    columns["shirt"][::7] = ["None"] * len(columns["shirt"][::7])
    assert told(make_frame(frame_kind, columns)) == []


@pytest.mark.parametrize("write", ["{:.2f}", "{:,.0f}", "{:,.1f}"])
def test_numbers_with_commas_are_told_how_to_read_them(write):
    prices = [write.format(1000.0 + 7.5 * j) for j in range(50)]
    if write == "{:.2f}":
        prices = [price.replace(".", ",") for price in prices]
    (message,) = told(pd.DataFrame({"price": prices, "n": np.arange(50.0)}))
    assert message.startswith("All of 50 categories of 'price' are numbers.")
    assert "decimal=',' or thousands=','" in message


def test_a_frame_of_numbers_as_strings_is_named_column_by_column():
    iris = load_iris(as_frame=True).data.set_axis(list("abcd"), axis=1)
    (message,) = told(iris.astype(str))
    assert message.startswith(
        "All of 35 categories of 'a' are numbers, all of 23 categories of 'b' are "
        "numbers, all of 43 categories of 'c' are numbers, all of 22 categories of 'd' "
    )
    wide = pd.concat([iris.astype(str).add_suffix(str(j)) for j in range(5)], axis=1)
    (message,) = told(wide)
    assert ", and likewise 15 more columns." in message


def test_every_role_tells(frame_kind):
    columns = mixed_columns() | {"id": [f"W{j:05d}" for j in range(120)]}
    X = make_frame(frame_kind, columns)
    quickly = {"max_epochs": 1, "device": "cpu", "hidden_layer_sizes": (8,)}
    for model in (
        with_encoder(MaskedAutoencoderClassifier, fine_tune_epochs=1, **quickly),
        MaskedAutoencoderImputer(n_members=2, **quickly),
        MaskedAutoencoderGenerator(**quickly),
    ):
        with pytest.warns(UserWarning, match="Column 'id' has 120 categories"):
            model.fit(X, [0, 1, np.nan] * 40)


def ordinary_columns(n_rows):
    """Columns of categories as tables have them."""
    rng = np.random.default_rng(0)

    def text(values):
        return [str(v) for v in rng.choice(values, n_rows)]

    frequent = np.arange(1, 801)
    return {
        "sex": text(["f", "m"]),
        "class": text([1, 2, 3]),
        "month": text(range(1, 13)),
        "day": text(range(1, 32)),
        "hour": text(range(24)),
        "state": text([f"S{j}" for j in range(51)]),
        "county code": text([f"{j:05d}" for j in range(1, 56)]),
        "grade": text(["1.5", "2.0", "2.5", "3.0", "n/a"]),
        "letter": text(list("abcdefghijklmnopqrstuvwxyz")),
        "range": text([f"{j}-{j + 9}" for j in range(0, 600, 10)]),
        "declared": pd.Categorical(text(range(50))),
        # cities: few are large
        "city": [
            f"city {j}" for j in rng.choice(frequent, n_rows, p=_zipf(len(frequent)))
        ],
    }


def _zipf(n):
    share = 1.0 / np.arange(1, n + 1)
    return share / share.sum()


@pytest.mark.parametrize("n_rows", [100, 400, 3000])
def test_ordinary_categories_are_left_in_peace(n_rows):
    columns = ordinary_columns(n_rows)
    if n_rows < 3000:
        del columns["city"]
    assert told(pd.DataFrame(columns)) == []


def test_what_was_said_to_be_a_category_is_one():
    numbers = [str(j % 50) for j in range(200)]
    frame = pd.DataFrame({"code": numbers, "n": np.arange(200.0)})
    assert len(told(frame)) == 1
    assert told(frame.astype({"code": "category"})) == []
    assert told(frame, categorical_features=["code"]) == []


# -- the way out -------------------------------------------------------------------


@pytest.mark.parametrize("library", [pd, pl])
def test_skrub_hands_over_categories_numbers_and_holes(library):
    TableVectorizer = pytest.importorskip("skrub").TableVectorizer
    rng = np.random.default_rng(0)
    start = datetime.datetime(2019, 3, 1)
    table = {
        "size": [None if j % 9 == 0 else float(j) for j in range(200)],
        "mark": ["?" if j == 7 else str(j) for j in range(200)],
        "colour": rng.choice(["red", "white", "rose"], 200).tolist(),
        "when": [
            start + datetime.timedelta(days=int(d)) for d in rng.integers(0, 900, 200)
        ],
        "id": [f"W{j:05d}" for j in range(200)],
    }
    table = library.DataFrame(table)
    with pytest.raises(ValueError, match=RECIPE):
        quick().fit(table)
    pipeline = make_pipeline(
        TableVectorizer(low_cardinality="passthrough"), quick(max_epochs=1)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        codes = pipeline.fit_transform(table)
    assert codes.shape == (200, len(pipeline[-1].get_feature_names_out()))
    (categories,) = [
        e.categories_[0] for e in pipeline[-1].model_.codec.encoders_.values()
    ]
    assert categories.tolist() == ["red", "rose", "white"]
    assert "when_total_seconds" in pipeline[-1].feature_names_in_


# -- after fit ---------------------------------------------------------------------


def drifted(frame_kind):
    """A frame, cells that have changed their type, and what they were before."""
    columns = mixed_columns()
    changed = {
        "numbers for strings": {"shirt": list(range(120))},
        "strings for booleans": {"tall": [str(cell) for cell in columns["tall"]]},
    }
    return make_frame(frame_kind, columns), {
        name: make_frame(frame_kind, columns | cells) for name, cells in changed.items()
    }


def test_categories_of_another_type_are_named(frame_kind):
    frame, changed = drifted(frame_kind)
    mae = quick(max_epochs=1).fit(frame)
    with pytest.warns(UserWarning, match="Column 'shirt' .* numbers, .* strings in fi"):
        as_numbers = mae.transform(changed["numbers for strings"])
    with pytest.warns(UserWarning, match="Column 'tall' .* strings, .* numbers in fit"):
        mae.score(changed["strings for booleans"])
    holes = make_frame(frame_kind, mixed_columns(), {"shirt": range(120)})
    np.testing.assert_array_equal(as_numbers, mae.transform(holes))


def test_codes_that_became_strings_are_named():
    X = np.column_stack([np.arange(30.0), np.arange(30) % 3])
    mae = quick(max_epochs=1, categorical_features=[1]).fit(X)
    rows = [[1.0, "0"], [2.0, "1"]]
    with pytest.warns(UserWarning, match="Column 1 of X holds strings, such as '0'"):
        mae.transform(rows)


def test_unseen_categories_of_the_same_type_are_no_news(frame_kind, recwarn):
    columns = mixed_columns()
    mae = quick(max_epochs=1).fit(make_frame(frame_kind, columns))
    mae.transform(make_frame(frame_kind, columns | {"shirt": ["XXL"] * 120}))
    mae.transform(make_frame(frame_kind, columns | {"tall": [0, 1] * 60}))
    mae.transform(make_frame(frame_kind, columns, {"shirt": range(120)}))
    mixed = pd.DataFrame(columns | {"shirt": ["S", *range(119)]}, dtype=object)
    mae.transform(mixed.astype({"height": float, "weight": float, "shoe": int}))
    assert not [str(w.message) for w in recwarn if "in fit" in str(w.message)]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["s", "m", "l"], "holds 's', 'm', 'l', and held 'L', 'M', 'S' in fit"),
        ([f"{j}.0" for j in range(5)], "holds '0.0', '1.0', '2.0' and 2 more, and"),
    ],
)
def test_categories_that_are_written_otherwise_are_named(frame_kind, changed, message):
    columns = mixed_columns()
    mae = quick(max_epochs=1).fit(make_frame(frame_kind, columns))
    cells = [changed[j % len(changed)] for j in range(120)]
    with pytest.warns(UserWarning, match=f"Column 'shirt' of X {message}"):
        mae.transform(make_frame(frame_kind, columns | {"shirt": cells}))


def test_tokens_of_which_none_is_known_are_named():
    mae = quick(max_epochs=1, analyzer="char").fit(["ACGT", "GTTA"] * 10)
    with pytest.warns(UserWarning, match="X holds 'a', 'c', 'g' and 1 more, and held"):
        mae.transform(["acgt"] * 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mae.transform(["acgT"] * 5)
        mae.transform(["nn"])


@pytest.mark.parametrize("more", ["partial_fit", "fit"])
def test_training_that_goes_on_tells_of_new_categories(frame_kind, more):
    columns = mixed_columns()
    frame = make_frame(frame_kind, columns)
    mae = quick(max_epochs=1, warm_start=True)
    go_on = getattr(mae, more)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        go_on(frame)
        go_on(frame)
        go_on(make_frame(frame_kind, columns, {"shirt": range(9)}))
    cells = ["XXL", "XS", "XXL", *columns["shirt"][3:]]
    with pytest.warns(
        UserWarning, match=r"'XXL', 'XS' in column 'shirt'\. Such cate.* as missing"
    ):
        go_on(make_frame(frame_kind, columns | {"shirt": cells}))


def test_new_categories_in_arrays_are_told_by_number():
    X = np.column_stack([np.arange(30.0), np.arange(30) % 3])
    mae = quick(categorical_features=[1]).partial_fit(X)
    with pytest.warns(UserWarning, match=r"7\.0 in column 1\. Such categories"):
        mae.partial_fit([[1.0, 7], [2.0, 1]])


# -- columns that are none ---------------------------------------------------------


@pytest.mark.parametrize(
    "role",
    [
        MaskedAutoencoderTransformer,
        MaskedAutoencoderImputer,
        MaskedAutoencoderDetector,
        MaskedAutoencoderGenerator,
        MaskedAutoencoderClassifier,
    ],
)
def test_frames_without_columns_or_with_two_of_a_name_are_refused(role):
    frame = pd.DataFrame(np.zeros((9, 3)), columns=["a", "b", "a"])
    y = np.arange(9) % 2
    with pytest.raises(ValueError, match=r"different names\. .* 'a' 2 times"):
        role().fit(frame, y)
    with pytest.raises(ValueError, match=r"0 feature\(s\) \(shape=\(9, 0\)\) .* of 1"):
        role().fit(frame[[]], y)


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        (pd.arrays.SparseArray([0.0, 1.0, 0.0]), r"Sparse\[.*to_dense"),
        (pd.period_range("2020", periods=3, freq="M"), r"period\[M\]"),
        (pd.interval_range(0, 3), r"interval\[int64"),
        ([1j, 2j, 3j], "complex128"),
    ],
)
def test_types_that_are_neither_are_called_by_their_name(column, dtype):
    frame = pd.DataFrame({"z": column, "n": [1.0, 2.0, 3.0]})
    with pytest.raises(ValueError, match=f"Column 'z' has dtype {dtype}"):
        quick().fit(frame)
