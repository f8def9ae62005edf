"""The generator as an estimator among others."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris, make_moons
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..conftest import make_frame, mixed_columns
from .helpers import generator


def test_pickled_and_cloned_it_is_the_same(holey_frame):
    fitted = generator(n_orders=2).fit(holey_frame)
    loaded = pickle.loads(pickle.dumps(fitted))
    again = clone(fitted).fit(holey_frame)
    likely = fitted.score_samples(holey_frame)
    new = np.asarray(fitted.sample(20, random_state=0), dtype=object)
    for other in (loaded, again):
        assert_array_equal(other.score_samples(holey_frame), likely)
        rows = other.sample(20, random_state=0)
        assert_array_equal(np.asarray(rows, dtype=object), new)
        assert type(rows) is type(holey_frame)


def test_a_search_finds_the_learning_rate_that_learns():
    X = make_moons(400, noise=0.1, random_state=0)[0]
    search = GridSearchCV(
        generator((32, 32), max_epochs=10, n_orders=2),
        {"lr": [1e-9, 3e-3], "hidden_layer_sizes": [(32, 32)]},
        cv=2,
    ).fit(X)
    assert search.best_params_["lr"] == 3e-3
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()
    assert len(search.best_estimator_.sample(3)) == 3
    scores = cross_val_score(make_pipeline(StandardScaler(), generator()), X, cv=2)
    assert np.isfinite(scores).all()


def test_the_number_of_orders_may_change_after_a_fit():
    X = load_iris().data
    fitted = generator(n_orders=1).fit(X)
    one = fitted.score_samples(X)
    many = fitted.set_params(n_orders=6).score_samples(X)
    assert (one != many).any()
    assert np.abs(one.mean() - many.mean()) < 0.5
    assert_array_equal(fitted.set_params(n_orders=1).score_samples(X), one)


def test_training_is_recorded():
    X = load_iris().data
    fitted = generator((32,), max_epochs=30, lr=3e-3).fit(X)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 30
    assert np.mean(fitted.loss_curve_[-5:]) < fitted.loss_curve_[0]
    assert fitted.validation_loss_curve_ is None
    assert fitted.n_features_in_ == 4
    assert not hasattr(fitted, "feature_names_in_")
    assert fitted.set_params(max_epochs="auto").fit(X[:, :1]).n_iter_ == 1


# -- novelty -----------------------------------------------------------------------


def test_new_rows_are_as_near_to_rows_held_out_as_to_those_of_fit():
    closer, copies = [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 3))
        fitted = generator((32,), max_epochs=10, random_state=seed).fit(X[:200])
        report = fitted.novelty(X[:200], X[200:], n_samples=400, random_state=seed)
        closer.append(report.closer_to_train)
        copies.append(report.copies)
        assert report.n_samples == 400
        assert 0 < report.distance_to_train < 1
    assert np.mean(closer) == pytest.approx(0.5, abs=0.04)
    # But for the row that is at the ends of all columns, where draws are cut off.
    assert max(copies) <= 1 / 400


def test_rows_of_fit_given_out_as_new_are_found_out(monkeypatch):
    X = pd.DataFrame(make_frame("pandas", mixed_columns(300)))
    train, test = X[:150], X[150:].reset_index(drop=True)
    fitted = generator().fit(train)
    honest = fitted.novelty(train, test, random_state=0)
    assert honest.copies <= 0.02
    monkeypatch.setattr(
        type(fitted), "sample", lambda self, n, random_state=None: train[:n]
    )
    report = fitted.novelty(train, test, random_state=0)
    assert report.closer_to_train == 1
    assert report.copies == 1
    assert report.distance_to_train == 0
    assert report.distance_to_test > 0
    assert report.copies_in_test == honest.copies_in_test == 0
