"""LabelledKFold, as its users see it."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    BaseCrossValidator,
    GridSearchCV,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmae import LabelledKFold
from tests.conftest import quick
from tests.semi_supervised.test_semi_supervised import small

NAMES = np.array(["class_0", "class_1", "class_2"])


def a_third(mark, names=False):
    """Every third label of wine, and a mark for the others."""
    y = load_wine().target
    labels = (NAMES[y] if names else y).astype(object)
    labels[np.arange(len(y)) % 3 > 0] = mark
    return labels


MARKED = {
    "-1": (np.asarray(a_third(-1), dtype=int), "auto"),
    "list": (a_third(-1).tolist(), "auto"),
    "NaN": (np.asarray(a_third(np.nan), dtype=float), "auto"),
    "-1 and NaN": (np.asarray(a_third(-1), dtype=int) - 1, -2),
    "None": (a_third(None, names=True), "auto"),
    "str": (pd.Series(a_third(None, names=True)).astype("str"), "auto"),
    "category": (pd.Series(a_third("?", names=True), dtype="category"), "?"),
    "shuffled index": (
        pd.Series(a_third(-1), dtype=int).sample(frac=1, random_state=0),
        "auto",
    ),
    "Int64": (pd.Series(a_third(None), dtype="Int64"), "auto"),
    "string": (pd.Series(a_third(None, names=True), dtype="string"), "auto"),
    "polars": (pl.Series(a_third(None, names=True).tolist()), "auto"),
}
# Rows as the pandas Series has them.
ROWS = {"shuffled index": MARKED["shuffled index"][0].index}


@pytest.fixture(params=list(MARKED))
def marked(request):
    """Rows of wine in the order of y, y, its mark, and which rows have a label."""
    rows = np.asarray(ROWS.get(request.param, np.arange(178)))
    return load_wine().data[rows], *MARKED[request.param], rows % 3 == 0


@pytest.mark.parametrize("shuffle", [False, True])
def test_unlabelled_rows_are_trained_on_and_labelled_ones_tested(marked, shuffle):
    X, y, mark, known = marked
    cv = LabelledKFold(4, shuffle=shuffle, missing_label=mark)
    assert cv.get_n_splits(X, y) == 4
    folds = list(cv.split(X, y))
    assert len(folds) == 4
    tested = np.concatenate([test for _, test in folds])
    assert_array_equal(np.sort(tested), np.flatnonzero(known))
    for train, test in folds:
        assert_array_equal(np.sort(np.r_[train, test]), np.arange(len(X)))
        assert np.isin(np.flatnonzero(~known), train).all()
        assert len(test) in (15, 14)


def test_any_scoring_works(marked):
    X, y, mark, _known = marked
    clf = small("classifier", max_epochs=20, fine_tune_epochs=20, missing_label=mark)
    scores = cross_validate(
        clf,
        X,
        y,
        cv=LabelledKFold(3, missing_label=mark),
        scoring=["accuracy", "balanced_accuracy", "roc_auc_ovr", "neg_log_loss"],
        error_score="raise",
    )
    assert scores["test_accuracy"].mean() > 0.8
    assert scores["test_balanced_accuracy"].mean() > 0.8
    assert scores["test_roc_auc_ovr"].mean() > 0.9
    assert scores["test_neg_log_loss"].mean() > -0.6


def test_the_own_score_leaves_no_row_out(wine):
    y = np.asarray(a_third(-1), dtype=int)
    clf, cv = small("classifier"), LabelledKFold(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        own = cross_val_score(clf, wine, y, cv=cv)
    assert_allclose(own, cross_val_score(clf, wine, y, cv=cv, scoring="accuracy"))


def test_scores_of_numbers():
    X, y = load_diabetes(return_X_y=True)
    y_few = np.where(np.arange(len(y)) % 3 == 0, y, np.nan)
    reg = small("regressor", max_epochs=20, fine_tune_epochs=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cv = LabelledKFold(shuffle=True, random_state=0)
        r2 = cross_val_score(reg, X, y_few, cv=cv, scoring="r2")
        assert_allclose(r2, cross_val_score(reg, X, y_few, cv=cv))
        both = np.column_stack([y_few, -y])
        several = cross_val_score(reg, X, both, cv=cv, scoring="r2")
    assert r2.mean() > 0.25
    assert several.mean() > 0.2


def test_numbers_of_a_fold_are_those_of_all():
    y = load_diabetes().target  # whole numbers, all of them
    for shuffle in (False, True):
        for _, test in LabelledKFold(shuffle=shuffle).split(y, y):
            assert abs(y[test].mean() - y.mean()) < 3
            assert abs(y[test].std() / y.std() - 1) < 0.03


def test_searches(wine):
    y = a_third(None, names=True)
    mae = FrozenEstimator(quick(max_epochs=20).fit(wine))
    cv = LabelledKFold(3, shuffle=True, random_state=0)
    grid = {"freeze_encoder": [True, False]}
    search = GridSearchCV(
        small("classifier", mae), grid, cv=cv, scoring="neg_log_loss"
    ).fit(wine, y)
    assert search.best_score_ > -0.6
    assert search.best_estimator_.n_unlabelled_ == 118
    pipeline = make_pipeline(StandardScaler(), small("classifier"))
    cross_val_score(pipeline, wine, y, cv=cv, scoring="f1_macro", error_score="raise")


def test_answers_about_rows_that_were_left_out(wine):
    y = np.asarray(a_third(-1), dtype=int)
    fits = cross_validate(
        small("classifier", max_epochs=20, fine_tune_epochs=20),
        wine,
        y,
        cv=LabelledKFold(),
        return_estimator=True,
        return_indices=True,
    )
    proba = np.full((len(y), 3), np.nan)
    for clf, rows in zip(fits["estimator"], fits["indices"]["test"], strict=True):
        proba[rows] = clf.predict_proba(wine[rows])
    assert_array_equal(np.isnan(proba).all(axis=1), y == -1)
    labelled = y >= 0
    assert (proba.argmax(axis=1) == y)[labelled].mean() > 0.8


def test_partly_known_targets_are_never_tested():
    y = np.random.default_rng(0).normal(size=(40, 2))
    y[::4, 0] = np.nan
    y[1::4] = np.nan
    tested = [test for _, test in LabelledKFold().split(y, y)]
    assert_array_equal(
        np.sort(np.concatenate(tested)), np.flatnonzero(~np.isnan(y).any(axis=1))
    )


def test_random_states():
    y = np.where(np.arange(60) % 2 == 0, np.arange(60) % 3, -1)

    def tested(random_state):
        cv = LabelledKFold(3, shuffle=True, random_state=random_state)
        return [[test.tolist() for _, test in cv.split(y, y)] for _ in range(2)]

    assert tested(0)[0] == tested(0)[1] == tested(0)[0]
    assert tested(0) != tested(1)
    first, second = tested(np.random.RandomState(0))
    assert first != second


def test_a_splitter_in_scikit_learns_manner():
    cv = LabelledKFold(3, missing_label="?")
    assert isinstance(cv, BaseCrossValidator)
    assert repr(cv) == (
        "LabelledKFold(missing_label='?', n_splits=3, random_state=None, shuffle=False)"
    )
    search = clone(GridSearchCV(RandomForestClassifier(), {}, cv=cv))
    assert search.cv.missing_label == "?"
    y = np.array(["a", "b"])[np.arange(12) % 2]
    with pytest.warns(UserWarning, match="groups parameter is ignored"):
        list(cv.split(y, y, groups=y))


def test_small_classes():
    y = np.r_[np.zeros(10), np.ones(3), np.full(5, -1)].astype(int)
    with pytest.warns(UserWarning, match=r"least populated class .* only 3 labelled"):
        folds = list(LabelledKFold().split(y, y))
    assert sum((y[test] == 1).sum() for _, test in folds) == 3
    # As scikit-learn does not, since few labels are what this is for.
    few = np.r_[np.repeat([0, 1, 2], 3), np.full(30, -1)]
    with pytest.warns(UserWarning, match=r"only 3 labelled .* n_splits=4"):
        assert len(list(LabelledKFold(4).split(few, few))) == 4


@pytest.mark.parametrize(
    ("params", "y", "message"),
    [
        ({}, None, "'y' should not be None"),
        ({}, np.full(9, -1), r"no label.*missing_label='auto'"),
        ({}, np.full(9, np.nan), "no label"),
        ({"missing_label": "?"}, ["?"] * 9, r"no label.*missing_label='\?'"),
        ({}, np.r_[[0, 1, 0, 1], np.full(5, -1)], r"n_splits=5 .* 4 labelled"),
        ({}, np.r_[[0.5, 1.1], np.full(7, np.nan)], "n_splits=5 .* 2 labelled"),
        ({"n_splits": 3}, [0, 1, 2, 3] + [-1] * 5, "one labelled member"),
        ({}, ["a", "b", "-1"] * 3, "holds the string '-1'"),
        ({"missing_label": "?"}, np.arange(9), "missing_label='.' is a string"),
        ({}, ["a", "b", -1, None] * 2 + ["a"], "both by -1 and by NaN"),
        ({}, np.full((9, 2), np.nan), "no row that has all"),
        ({}, np.zeros((9, 2, 2)), "one or two dimensions"),
        ({}, ["a", 1, None] * 3, "of several types"),
        ({}, np.arange(8), "inconsistent numbers of samples"),
    ],
)
def test_bad_targets_are_refused(params, y, message):
    with pytest.raises(ValueError, match=message):
        list(LabelledKFold(**params).split(np.zeros((9, 2)), y))


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"n_splits": 1}, ValueError, "n_splits=2 or more"),
        ({"n_splits": 2.0}, ValueError, "Integral"),
        ({"shuffle": "yes"}, TypeError, "shuffle must be True or False"),
        ({"random_state": 0}, ValueError, "shuffle=True"),
        ({"missing_label": [0]}, ValueError, "'missing_label' parameter must be"),
    ],
)
def test_bad_parameters_are_refused(params, error, message):
    with pytest.raises(error, match=message):
        LabelledKFold(**params)
