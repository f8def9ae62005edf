"""Visible cells behind the code of a row."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmae import MaskedAutoencoderClassifier, MaskedAutoencoderTransformer
from tests.conftest import make_frame, mixed_columns, quick


@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust", None])
def test_numbers_stand_behind_the_code_standardised(wine, scaling):
    X = wine / wine.max(axis=0)  # None does not scale
    mae = quick(scaling=scaling, max_epochs=2).fit(X)
    features = mae.transform(X)
    assert mae.passthrough_ is True
    expected = 2 * StandardScaler().fit_transform(X)
    assert_allclose(features[:, 16:], expected, atol=1e-4)
    alone = quick(scaling=scaling, max_epochs=2, passthrough=False).fit(X)
    assert alone.passthrough_ is False
    assert_array_equal(alone.transform(X), features[:, :16])


@pytest.mark.parametrize(("n_columns", "deviation"), [(1, 2.0), (16, 2.0), (64, 1.0)])
def test_many_numbers_vary_together_as_much_as_a_code(n_columns, deviation):
    X = np.random.default_rng(0).normal(3.0, 5.0, size=(200, n_columns))
    cells = quick(max_epochs=1).fit_transform(X)[:, 16:]
    assert_allclose(cells.std(axis=0), deviation, rtol=1e-5)


def test_missing_numbers_are_the_mean_and_missing_categories_none(holey_frame):
    mae = quick(max_epochs=2).fit(holey_frame)
    cells = mae.transform(holey_frame)[:, 16:]
    names = mae.get_feature_names_out()[16:].tolist()
    assert names == [
        *("height", "weight", "shoe"),
        *("shirt_L", "shirt_M", "shirt_S"),
        *("tall_False", "tall_True"),
    ]
    assert cells[3, 0] == cells[5, 1] == 0
    observed = np.delete(cells[:, 0], 3)
    assert abs(observed.mean()) < 1e-6
    assert abs(observed.std() - 2) < 1e-6
    indicators = cells[:, 3:]
    assert set(np.unique(indicators)) == {0, 1}
    sums = indicators[:, :3].sum(axis=1)
    assert sums[4] == 0
    assert np.delete(sums, 4).all()
    assert_array_equal(np.flatnonzero(indicators[:, 3:].sum(axis=1) == 0), [6])


def test_categories_are_named_as_one_hot_encoder_names_them():
    frame = make_frame("pandas", mixed_columns())
    mae = quick(max_epochs=1).fit(frame)
    encoder = OneHotEncoder(sparse_output=False).fit(frame[["shirt", "tall"]])
    assert_array_equal(
        mae.get_feature_names_out()[-5:], encoder.get_feature_names_out()
    )
    assert_array_equal(
        mae.transform(frame)[:, -5:], encoder.transform(frame[["shirt", "tall"]])
    )


def test_a_category_that_fit_did_not_see_is_none_of_them():
    frame = make_frame("pandas", mixed_columns())
    mae = quick(max_epochs=1).fit(frame)
    later = frame.assign(shirt="XXL")
    assert not mae.transform(later)[:, -5:-2].any()


def test_names_of_arrays_and_names_that_are_given(wine):
    mae = quick(max_epochs=1).fit(wine)
    given = [f"of {j}" for j in range(13)]
    assert mae.get_feature_names_out(given)[16:].tolist() == given
    with pytest.raises(ValueError, match="input_features should have length equal"):
        mae.get_feature_names_out(given[1:])


def test_rows_do_not_depend_on_their_neighbours(holey_frame):
    mae = quick(max_epochs=2).fit(holey_frame)
    features = mae.transform(holey_frame)
    for k in (1, 7, 100):
        assert_array_equal(features[:k], mae.transform(holey_frame[:k]))


def test_only_the_codes_are_decoded(wine):
    mae = quick().fit(wine)
    features = mae.transform(wine)
    decoded = mae.inverse_transform(features)
    assert_array_equal(mae.inverse_transform(features[:, :16]), decoded)
    other = features.copy()
    other[:, 16:] = 7.0
    assert_array_equal(mae.inverse_transform(other), decoded)
    message = "expecting n_components_ = 16 features, or 29 as transform gives them"
    with pytest.raises(ValueError, match=message):
        mae.inverse_transform(features[:, :20])


def test_auto_is_off_for_rows_that_are_no_tables(wine, digits):
    images = quick(input_shape=(8, 8), max_epochs=1).fit(digits[0][:100])
    assert images.passthrough_ is False
    assert images.transform(digits[0][:3]).shape == (3, 16)
    both = quick(input_shape=(8, 8), passthrough=True, max_epochs=1)
    pixels = both.fit_transform(digits[0][:100])[:, 16:]
    # in the one unit that all pixels share
    X = digits[0][:100]
    expected = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0).mean())
    assert_allclose(pixels, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("params", "X"),
    [
        ({"analyzer": "char"}, ["abab", "ba"] * 5),
        ({"input_shape": (None,)}, [np.arange(5.0), np.arange(7.0)] * 5),
    ],
)
def test_rows_of_unlike_lengths_have_no_cells_to_put_there(params, X):
    params = params | {"hidden_layer_sizes": (8,), "n_components": "auto"}
    with pytest.raises(ValueError, match="passthrough=True puts cells"):
        quick(passthrough=True, **params).fit(X)
    mae = quick(max_epochs=1, **params).fit(X)
    assert mae.passthrough_ is False
    assert mae.transform(X).shape == (10, mae.n_components_)


def test_what_is_no_choice_is_refused(wine):
    with pytest.raises(ValueError, match="'passthrough' parameter"):
        quick(passthrough="cells").fit(wine)


def test_a_fitted_transformer_keeps_what_it_was_fitted_with(wine):
    mae = quick(max_epochs=1).fit(wine)
    features = mae.transform(wine)
    mae.set_params(passthrough=False)
    assert_array_equal(mae.transform(wine), features)
    assert_array_equal(pickle.loads(pickle.dumps(mae)).transform(wine), features)
    mae.partial_fit(wine)
    assert mae.transform(wine).shape == (178, 29)
    assert mae.fit(wine).transform(wine).shape == (178, 16)


def test_sparse_rows_and_frames_of_output(wine):
    X = np.where(wine > np.median(wine, axis=0), wine, 0.0)
    mae = quick(max_epochs=1).fit(sparse.csr_array(X))
    assert_array_equal(mae.transform(sparse.csr_array(X)), mae.transform(X))
    frame = mae.set_output(transform="pandas").transform(X)
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns[16:]) == [f"x{j}" for j in range(13)]


def test_a_grid_search_goes_on(wine):
    search = GridSearchCV(
        make_pipeline(quick(max_epochs=1), LogisticRegression()),
        {
            "maskedautoencodertransformer__mask_ratio": [0.2, 0.5],
            "maskedautoencodertransformer__passthrough": [True, False],
        },
        cv=2,
    )
    search.fit(wine, np.arange(178) % 2)
    assert len(search.cv_results_["params"]) == 4


def test_what_a_column_says_by_itself_is_not_lost():
    """Independent columns, of which one is the class: its code is all but lost."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 12))
    y = X[:, 0] > 0
    scores = []
    for passthrough in (False, True):
        mae = MaskedAutoencoderTransformer(
            4, passthrough=passthrough, max_epochs=20, random_state=0
        ).fit(X)
        model = LogisticRegression(max_iter=1000).fit(mae.transform(X[:300]), y[:300])
        scores.append(model.score(mae.transform(X[300:]), y[300:]))
    assert scores[0] < 0.85
    assert scores[1] > 0.95


def test_the_classifier_reads_codes_whatever_its_encoder_gives(wine):
    y = np.where(np.arange(178) % 3 == 0, (wine[:, 0] > 13).astype(int), -1)
    said = [
        MaskedAutoencoderClassifier(
            quick(passthrough=passthrough), fine_tune_epochs=2, random_state=0
        )
        .fit(wine, y)
        .predict_proba(wine)
        for passthrough in (True, False)
    ]
    assert_array_equal(*said)
