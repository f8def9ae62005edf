"""Rows that are sequences of tokens."""

import pickle
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skmae import MaskedAutoencoderTransformer

LETTERS = "ABCDEF"


def circles(n_rows=300, shortest=5, longest=18, seed=0):
    """Strings that go round the alphabet: any letter tells all others."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n_rows):
        start, length = rng.integers(6), rng.integers(shortest, longest + 1)
        rows.append("".join(LETTERS[(start + i) % 6] for i in range(length)))
    return rows


def tokens(**params):
    settings = {
        "analyzer": "char",
        "missing_token": "?",
        "hidden_layer_sizes": (32, 32),
        "max_epochs": 40,
        "lr": 5e-3,
        "device": "cpu",
        "random_state": 0,
    }
    return MaskedAutoencoderTransformer(**(settings | params))


@pytest.fixture(scope="module")
def circle():
    return tokens().fit(circles())


def hide_one(rows, place):
    return [row[:place] + "?" + row[place + 1 :] for row in rows]


# -- what comes back -----------------------------------------------------------------


def test_missing_tokens_are_restored(circle):
    rows = circles(50, seed=1)
    for place in (0, 2, 4):
        assert circle.restore(hide_one(rows, place)) == rows


def test_masked_tokens_are_restored(circle):
    rows = circles(50, seed=2)
    mask = [np.arange(len(row)) % 3 == 1 for row in rows]
    assert circle.restore(rows, mask) == rows


def test_visible_tokens_stay(circle):
    odd = ["ABDDEF", "AAAAAA", "FEDCBA"]
    assert circle.restore(odd) == odd


def test_reconstruction_sees_a_step_only_through_the_others(circle):
    broken = ["ABCDEFAXCDEFAB".replace("X", "F")]
    assert circle.reconstruct(broken)[0][7] == "B"


def test_probabilities_agree_with_what_is_restored(circle):
    rows = hide_one(circles(20, seed=3), 2)
    found = circle.restore_proba(rows)
    (letters,) = circle.categories_
    assert list(letters) == list(LETTERS)
    for row, restored, probabilities in zip(
        rows, circle.restore(rows), found, strict=True
    ):
        assert probabilities.shape == (len(row), 6)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
        assert "".join(letters[probabilities.argmax(axis=1)]) == restored
        visible = np.array(list(row)) != "?"
        assert (probabilities[visible].max(axis=1) == 1).all()


def test_words_are_replaced_where_they_stand():
    text = ["the cat, the  dog -- the cat!"] * 40 + ["a bird\tand a fish."] * 40
    mae = tokens(analyzer="word", missing_token="[MASK]", max_epochs=150).fit(text)
    damaged = ["the cat, the  dog -- the [MASK]!", "a bird\tand [MASK] fish."]
    assert mae.restore(damaged) == [text[0], text[-1]]


def test_sequences_of_any_tokens():
    rows = [[3, (1, "x"), None, 3, (1, "x"), 3, (1, "x")] for _ in range(60)]
    mae = tokens(analyzer=list, missing_token=None).fit(rows)
    assert mae.restore(rows[:1])[0] == [3, (1, "x"), 3, 3, (1, "x"), 3, (1, "x")] or (
        mae.restore(rows[:1])[0][2] in (3, (1, "x"))
    )
    assert rows[0][2] is None


# -- codes ---------------------------------------------------------------------------


def test_codes_do_not_depend_on_other_rows(circle):
    rows = circles(40, shortest=1, longest=60, seed=4)
    codes = circle.transform(rows)
    assert codes.shape == (40, circle.n_components_)
    assert codes.dtype == np.float32
    for i in (0, 7, 39):
        assert np.array_equal(circle.transform(rows[i : i + 1])[0], codes[i])
    assert np.array_equal(circle.transform(rows[::-1]), codes[::-1])


def test_codes_of_training_rows_are_standardised(circle):
    codes = circle.transform(circles())
    np.testing.assert_allclose(codes.mean(axis=0), 0, atol=1e-3)
    std = codes.std(axis=0)
    assert ((abs(std - 1) < 0.01) | (std < 1e-3)).all()


def test_fewer_components_are_principal(circle):
    mae = tokens(n_components=5).fit(circles())
    codes = mae.transform(circles())
    assert codes.shape == (300, 5)
    covariance = np.cov(codes.T)
    variances = np.diag(covariance)
    assert (np.diff(variances) <= 0).all()
    assert abs(covariance - np.diag(variances)).max() < 1e-2 * variances[0]
    with pytest.raises(ValueError, match="'n_components' parameter must be at most"):
        tokens(n_components=1000).fit(circles(20))


def test_containers(circle):
    rows = circles(12, seed=5)
    codes = circle.transform(rows)
    for same in (
        tuple(rows),
        np.array(rows),
        np.array(rows, dtype=object),
        pd.Series(rows, index=range(5, 17)),
        pd.Series(rows, dtype="string"),
        pl.Series(rows),
    ):
        assert np.array_equal(circle.transform(same), codes)


def test_column_of_a_frame():
    frame = pd.DataFrame({"text": circles(60), "number": np.arange(60.0)})
    both = ColumnTransformer(
        [("codes", tokens(max_epochs=2), "text"), ("rest", "passthrough", ["number"])]
    )
    features = both.fit_transform(frame)
    assert features.shape == (60, 98)
    assert both.get_feature_names_out()[0] == ("codes__maskedautoencodertransformer0")


def test_grid_search_in_a_pipeline():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=80)
    rows = ["".join(rng.permutation(list("AAAB" if label else "ABBB"))) for label in y]
    pipeline = Pipeline(
        [("mae", tokens(max_epochs=3)), ("clf", LogisticRegression(max_iter=1000))]
    )
    search = GridSearchCV(pipeline, {"mae__mask_ratio": [0.2, 0.4]}, cv=2)
    assert search.fit(rows, y).best_score_ > 0.9


# -- scores --------------------------------------------------------------------------


def test_score_is_the_share_of_log_likelihood_explained(circle):
    assert circle.score(circles(100, seed=6)) > 0.8


@pytest.mark.parametrize("seed", range(3))
def test_score_of_independent_tokens_is_about_zero(seed):
    rng = np.random.default_rng(seed)
    rows = ["".join(rng.choice(list("AABC"), rng.integers(4, 12))) for _ in range(600)]
    mae = tokens(random_state=seed, max_epochs=15, lr=2e-3).fit(rows[:400])
    assert -0.05 < mae.score(rows[400:]) < 0.02


def test_a_broken_pattern_is_to_blame(circle):
    rows = ["ABCDEFABFDEFABC", "ABC"]
    errors = circle.reconstruction_error(rows, per_feature=True)
    assert [of_row.shape for of_row in errors] == [(15, 1), (3, 1)]
    assert errors[0].argmax() == 8
    normal, odd = circle.score_samples(["ABCDEFABCDEFABC", "ABCDEFABFDEFABC"])
    assert normal > odd
    np.testing.assert_allclose(-odd, errors[0].mean())


# -- what is not known ---------------------------------------------------------------


def test_unseen_tokens_are_missing_and_stay(circle):
    rows = ["ABCZEF", "ZBCDEF"]
    assert circle.restore(rows) == rows
    as_missing = [row.replace("Z", "?") for row in rows]
    assert np.array_equal(circle.transform(rows), circle.transform(as_missing))
    errors = circle.reconstruction_error(rows, per_feature=True)
    assert np.isnan(errors[0][3])
    assert not np.isnan(errors[0][:3]).any()


@pytest.mark.parametrize("method", ["partial_fit", "fit"])
def test_new_tokens_to_go_on_training_with_are_told(method):
    mae = tokens(max_epochs=1, warm_start=True).fit(circles(50))
    go_on = getattr(mae, method)
    with pytest.warns(UserWarning, match=r"X holds 'Z', 'y'. Such tokens are unknown"):
        go_on([*circles(9), "ABZD?F", "AyZ"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        go_on([*circles(9), "A?C"])
        mae.transform(["ABZD"])  # as of categories, which restore leaves as they are


def test_tokens_left_out_for_max_features_are_not_new():
    mae = tokens(max_epochs=1, max_features=4).fit(circles(50))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mae.partial_fit(circles(50))


def test_rows_of_unseen_tokens_alone_have_a_code(circle):
    assert np.isfinite(circle.transform(["ZZZ", "?"])).all()
    assert np.array_equal(circle.reconstruction_error(["ZZZ", "?"]), [0, 0])


def test_only_the_most_frequent_tokens_are_known():
    rows = ["AAAABBBC", "AAABBC"] * 20
    mae = tokens(max_features=2, max_epochs=1).fit(rows)
    assert list(mae.categories_[0]) == ["A", "B"]
    assert mae.restore(["AC"]) == ["AC"]


def test_long_rows_are_cut_with_a_warning():
    rows = circles(60)
    mae = tokens(max_length=8, max_epochs=2)
    with pytest.warns(UserWarning, match=r"rows of X are longer than max_length=8"):
        mae.fit(rows)
    with pytest.warns(UserWarning, match="1 of 2 rows"):
        restored = mae.restore(["ABCDEFABCDEF??", "AB?D"])
    assert restored[0] == "ABCDEFABCDEF??"  # beyond max_length
    assert "?" not in restored[1]
    with pytest.warns(UserWarning, match="by 6 steps"):
        longer, exact = mae.transform(["ABCDEFABCDEFAB", "ABCDEFAB"])
    assert np.array_equal(longer, exact)


# -- new rows ------------------------------------------------------------------------


def test_augmented_rows_are_like_the_old_ones(circle):
    rows = circles(40, shortest=8, seed=7)
    new = circle.augment(rows, n_copies=2, mask_ratio=0.4, random_state=0)
    assert [len(row) for row in new] == [len(row) for row in rows * 2]
    follows = [
        LETTERS.index(b) == (LETTERS.index(a) + 1) % 6
        for row in new
        for a, b in pairwise(row)
    ]
    assert np.mean(follows) > 0.9
    again = circle.augment(rows, n_copies=2, mask_ratio=0.4, random_state=0)
    assert new == again


# -- fits ----------------------------------------------------------------------------


def test_fits_are_equal_bit_by_bit():
    rows = circles(80)
    first, second = (tokens(max_epochs=3).fit(rows) for _ in range(2))
    assert np.array_equal(first.transform(rows), second.transform(rows))
    assert np.array_equal(first.loss_curve_, second.loss_curve_)


def test_persistence(circle):
    rows = circles(30, seed=8)
    loaded = pickle.loads(pickle.dumps(circle))
    assert np.array_equal(loaded.transform(rows), circle.transform(rows))
    assert loaded.restore(hide_one(rows, 1)) == rows
    more = loaded.partial_fit(rows)
    assert more.n_iter_ == circle.n_iter_ + 1
    assert clone(circle).get_params() == circle.get_params()


def test_partial_fit_keeps_the_vocabulary():
    mae = tokens().partial_fit(circles(40))
    mae.partial_fit(["XYZXYZ", "ABCDEF"])
    assert list(mae.categories_[0]) == list(LETTERS)


def test_early_stopping_and_warm_start():
    rows = circles(200)
    mae = tokens(early_stopping=True, n_iter_no_change=2, max_epochs=60).fit(rows)
    assert mae.n_iter_ < 60
    assert min(mae.validation_loss_curve_) < 0.3
    warm = tokens(warm_start=True, max_epochs=5).fit(rows[:60])
    before = warm.score(rows)
    assert warm.fit(rows[:60]).score(rows) > before


def test_weights_count():
    rows = ["ABAB"] * 40 + ["ACAC"] * 40
    weight = np.repeat([1.0, 0.0], 40)
    mae = tokens(max_epochs=10).fit(rows, sample_weight=weight)
    assert list(mae.categories_[0]) == ["A", "B"]
    heavy = tokens(max_epochs=60, mask_ratio=0.5).fit(
        rows, sample_weight=np.repeat([20.0, 1.0], 40)
    )
    assert heavy.restore(["A?A?"]) == ["ABAB"]


def test_checkpoint_goes_on_to_the_same_result(tmp_path):
    from skorch.callbacks import Callback

    class CutOff(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 3:
                raise RuntimeError("cut off")

    rows = circles(80)
    whole = tokens(max_epochs=5).fit(rows)
    with pytest.raises(RuntimeError, match="cut off"):
        tokens(max_epochs=5, checkpoint=tmp_path, callbacks=[CutOff()]).fit(rows)
    assert list(tmp_path.iterdir())
    resumed = tokens(max_epochs=5, checkpoint=tmp_path).fit(rows)
    assert np.array_equal(resumed.transform(rows), whole.transform(rows))


def test_mask_strategies():
    def every_third(observed, rng):
        return observed & (np.arange(observed.shape[1]) % 3 == rng.integers(3))

    rows = circles(60)
    for strategy in ("block", every_third):
        assert tokens(mask_strategy=strategy, max_epochs=2).fit(rows).n_iter_ == 2
    with pytest.raises(ValueError, match="mask_strategy='copy' cannot be used"):
        tokens(mask_strategy="copy").fit(rows)
    with pytest.raises(ValueError, match="must return a boolean array of shape"):
        tokens(mask_strategy=lambda seen, rng: seen[:1]).fit(rows)


def test_a_fit_to_tokens_forgets_the_columns_of_a_table():
    mae = tokens(analyzer=None, missing_token=None, max_epochs=1)
    mae.fit(np.random.default_rng(0).normal(size=(20, 3)))
    mae.set_params(analyzer="char").fit(circles(20))
    assert not hasattr(mae, "n_features_in_")


# -- mistakes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (
            ["ABC", ""],
            ValueError,
            r"Row 1 of X has no token: ''. 1 of 2 rows are empty",
        ),
        (["ABC", None], TypeError, "row 1 of X is None.*leave it out"),
        (["ABC", np.nan], TypeError, "row 1 of X is nan"),
        (["ABC", pd.NA], TypeError, "row 1 of X is <NA>.*leave it out"),
        (["ABC", b"AB"], TypeError, "row 1 of X is b'AB'.*Decode it first"),
        (["ABC", 3], TypeError, "row 1 of X is 3, of type int"),
        (["ABC", ["A", "B"]], TypeError, "pass a callable, as analyzer=list"),
        ("ABC", ValueError, "X must be an iterable of rows.*Got one str"),
        (5, ValueError, "X must be an iterable of rows. Got int"),
        (np.array([["ABC"], ["AB"]]), ValueError, r"Got shape \(2, 1\)"),
        (["ABC"], ValueError, "Found 1 sample"),
        (["??", "?"], ValueError, "no observed token"),
    ],
)
def test_rows_that_are_none(rows, error, message):
    with pytest.raises(error, match=message):
        tokens(max_epochs=1).fit(rows)


@pytest.mark.parametrize(
    ("missing_token", "row", "words"),
    [
        ("UNK", "UNK to UNKNOWN, UNK.", 4),
        ("[MASK]", "[MASK][MASK] to be", 4),
        ("_", "_ to be_tween", 3),
    ],
)
def test_missing_words_are_whole_words(missing_token, row, words):
    mae = tokens(analyzer="word", missing_token=missing_token, max_epochs=1)
    mae.fit(["to be or not to be"] * 9)
    assert len(mae.restore_proba([row])[0]) == words + row.count(",") + row.count(".")
    (restored,) = mae.restore([row])
    assert missing_token not in restored.split()
    for word in ("UNKNOWN,", "be_tween"):
        assert (word in restored) == (word in row)


@pytest.mark.parametrize("analyzer", ["char", "word"])
def test_a_missing_token_is_not_empty(analyzer):
    with pytest.raises(ValueError, match="'missing_token' parameter must not be empty"):
        tokens(analyzer=analyzer, missing_token="").fit(circles(20))


@pytest.mark.parametrize(
    "missing", [np.nan, np.float32("nan"), pd.NaT, pd.NA, np.datetime64("NaT")]
)
def test_every_missing_value_is_a_missing_token(missing):
    rows = [["a", missing, "b"], ["b", missing]] * 9
    mae = tokens(analyzer=list, missing_token=None, max_epochs=1).fit(rows)
    assert list(mae.categories_[0]) == ["a", "b"]
    assert mae.restore(rows[:1])[0][1] in ("a", "b")


def test_missing_tokens_of_a_list():
    rows = [list(row) for row in circles(50)]
    mae = tokens(analyzer=list, missing_token=None).fit(rows)
    gaps = [[None, *rows[0][1:]], [np.nan, *rows[0][1:]], [pd.NA, *rows[0][1:]]]
    codes = mae.transform(gaps)
    np.testing.assert_array_equal(codes[1], codes[0])
    np.testing.assert_array_equal(codes[2], codes[0])


def test_tokens_that_are_none():
    with pytest.raises(TypeError, match=r"must be hashable.*Row 0 of X holds \['A'\]"):
        tokens(analyzer=list, missing_token=None).fit([[["A"]], ["B"]])
    with pytest.raises(TypeError, match="does not make tokens of row 1"):
        tokens(analyzer=list).fit([["A"], 7])


def test_masks_that_do_not_fit(circle):
    with pytest.raises(ValueError, match="a boolean array for each of the 2 rows"):
        circle.restore(["AB", "ABC"], [[True, False]])
    with pytest.raises(
        ValueError, match=r"mask of row 1 must have.*\(3,\). Got \(2,\)"
    ):
        circle.restore(["AB", "ABC"], [[True, False], [True, False]])
    with pytest.raises(ValueError, match="mask must hold boolean arrays"):
        circle.restore(["AB"], [[1, 0]])
    with pytest.raises(ValueError, match="hides every observed cell of row 1"):
        circle.restore(["AB", "ABC"], [[True, False], [True, True, True]])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"scaling": "robust"}, "'scaling' parameter has no meaning"),
        ({"input_shape": (8, 8)}, "'input_shape' parameter has no meaning"),
        ({"mask_value": "zero"}, "'mask_value' parameter has no meaning"),
        ({"architecture": "mlp"}, "'mlp' needs rows of one length"),
        ({"hidden_layer_sizes": (32, 16)}, "must hold equal widths"),
        ({"analyzer": "letters"}, "The 'analyzer' parameter"),
        ({"analyzer": None}, "'missing_token' parameter.*needs an analyzer"),
    ],
)
def test_parameters_that_make_no_sense(params, message):
    with pytest.raises(ValueError, match=message):
        tokens(**params).fit(circles(20))


def test_codes_are_not_decoded(circle):
    with pytest.raises(NotImplementedError, match="no inverse_transform"):
        circle.inverse_transform(circle.transform(["ABC"]))


def test_a_failed_fit_leaves_the_earlier_one(circle):
    mae = pickle.loads(pickle.dumps(circle))
    with pytest.raises(ValueError, match="no token"):
        mae.fit(["", "A"])
    assert mae.restore(["AB?D"]) == ["ABCD"]


@pytest.mark.parametrize("library", [pd, pl])
def test_a_frame_has_no_rows_of_tokens(library):
    """Iteration goes over its columns, or over their names."""
    texts = circles(20)
    frame = library.DataFrame({"text": texts, "other": texts})
    for X, n_columns in [(frame, 2), (frame[["text"]], 1)]:
        message = rf"one column, such as X\['text'\]. Got .* of {n_columns} column"
        with pytest.raises(ValueError, match=message):
            tokens().fit(X)
    mae = tokens(max_epochs=1).fit(frame["text"])
    with pytest.raises(ValueError, match="Got a DataFrame of 2 col"):
        mae.transform(frame)


@pytest.mark.parametrize("X", [dict.fromkeys(circles(5)), set(circles(5))])
def test_what_has_no_order_has_no_rows(X):
    with pytest.raises(ValueError, match=f"such as a list. Got {type(X).__name__}"):
        tokens().fit(X)
