"""The graph of neighbours, and the pools of teachers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes, load_digits
from sklearn.metrics import log_loss, r2_score

from skmae.features.neighbours import NeighbourGraph
from skmae.semi_supervised.teachers import LabelTeachers, logistic_head
from skmae.semi_supervised.value_teachers import ValueTeachers, ridge_head


def dense_spread(codes, labels, k, n_rounds=100, share=0.99):
    """The slow way: full matrices, one neighbour at a time."""
    n = len(codes)
    weights = np.zeros((n, n))
    for i in range(n):
        distance = np.sqrt(np.square(codes - codes[i]).sum(axis=1))
        distance[i] = np.inf
        nearest = np.argsort(distance)[:k]
        reach = distance[nearest[-1]]
        weights[i, nearest] = np.exp(-2 * (distance[nearest] / reach) ** 2)
    weights = np.maximum(weights, weights.T)
    degree = weights.sum(axis=1)
    steps = weights / np.sqrt(np.outer(degree, degree))
    reached = labels.copy()
    for _ in range(n_rounds):
        reached = share * steps @ reached + (1 - share) * labels
    return reached


def test_spread_as_by_full_matrices():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(40, 3))
    labels = np.zeros((40, 2))
    labels[:3, 0] = labels[3:6, 1] = 1
    spread = NeighbourGraph(codes, n_neighbors=4).spread(labels)
    assert_allclose(spread, dense_spread(codes, labels, 4), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("codes", [np.zeros((9, 2)), np.arange(2.0)[:, None]])
def test_equal_rows_and_tiny_tables_spread(codes):
    labels = np.eye(len(codes))[:, :2]
    spread = NeighbourGraph(codes).spread(labels)
    assert np.isfinite(spread).all()


def digits_with_labels(seed, per_class=10):
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    rows = np.concatenate(
        [
            rng.choice(np.flatnonzero(y == d), per_class, replace=False)
            for d in range(10)
        ]
    )
    return X / 16, y, rows


def test_the_pool_beats_its_members_and_is_calibrated():
    X, y, rows = digits_with_labels(0)
    teachers = LabelTeachers(X, X, None, seed=0)
    pooled = teachers.probabilities(rows, y[rows], 10, np.ones(len(rows)))
    assert_allclose(pooled.sum(axis=1), 1)
    others = np.setdiff1d(np.arange(len(X)), rows)
    weights, biases = logistic_head(X[rows], y[rows], 10, np.ones(len(rows)))
    alone = (X[others] @ weights.T + biases).argmax(axis=1)
    assert (pooled[others].argmax(axis=1) == y[others]).mean() > 0.93
    assert (alone == y[others]).mean() < 0.92
    assert log_loss(y[others], pooled[others]) < 0.3


def test_useless_neighbours_are_not_heard():
    X, y, rows = digits_with_labels(1, per_class=30)
    noise = np.random.default_rng(0).normal(size=X.shape)
    teachers = LabelTeachers(noise, X, None, seed=0)
    pooled = teachers.probabilities(rows, y[rows], 10, np.ones(len(rows)))
    codes, cells, neighbours = teachers.pool_weights_
    assert cells > 0.5 > neighbours
    assert codes < 0.3
    assert (pooled.argmax(axis=1) == y).mean() > 0.9


def test_walks_tell_what_images_with_one_label_each_are():
    accuracy = {False: [], True: []}
    for draw in range(4):
        X, y, rows = digits_with_labels(draw, per_class=1)
        for images, right in accuracy.items():
            teachers = LabelTeachers(X, X, None, seed=draw, images=images)
            pooled = teachers.probabilities(rows, y[rows], 10, np.ones(len(rows)))
            right.append((pooled.argmax(axis=1) == y).mean())
    assert np.mean(accuracy[True]) > np.mean(accuracy[False]) + 0.05


@pytest.mark.parametrize("per_class", [30, 120])
def test_networks_are_heard_as_far_as_they_know(per_class):
    X, y, rows = digits_with_labels(2, per_class)
    labels, weight = y[rows], np.ones(len(rows))
    noise = np.random.default_rng(0).normal(size=X.shape)
    knows = np.where(np.eye(10)[y] > 0, 3.0, 0.0)
    guesses = 3 * np.random.default_rng(0).normal(size=(len(y), 10))
    calls = []

    def judged_by(logits):
        def networks(folds):
            calls.append(folds)
            return [logits] * len(folds)

        teachers = LabelTeachers(noise, noise, networks, seed=0)
        taught = teachers.probabilities(rows, labels, 10, weight)
        return (taught.argmax(axis=1) == y).mean(), teachers.pool_weights_

    accuracy, believed = judged_by(knows)
    assert accuracy > 0.99
    assert believed.argmax() == 3
    _, doubted = judged_by(guesses)
    assert doubted[3] < 0.05
    for folds in calls:
        assert len(folds) == (5 if len(rows) < 1000 else 1)
        assert all(len(kept) == 0.8 * len(rows) for kept in folds)


def test_a_head_for_two_classes_has_two_rows():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(50, 4))
    labels = (codes[:, 0] > 0).astype(int)
    weights, biases = logistic_head(codes, labels, 2, np.ones(50))
    assert weights.shape == (2, 4)
    logits = codes @ weights.T + biases
    assert (logits.argmax(axis=1) == labels).mean() > 0.95
    assert_allclose(logits.sum(axis=1), 0, atol=1e-12)


def test_pooled_values():
    X, y = load_diabetes(return_X_y=True)
    y = ((y - y.mean()) / y.std())[:, None]
    rows = np.random.default_rng(0).choice(len(X), 60, replace=False)
    others = np.setdiff1d(np.arange(len(X)), rows)
    noise = np.random.default_rng(0).normal(size=X.shape)
    X = X / X.std(axis=0)
    teachers = ValueTeachers(noise, X, None, seed=0)
    pooled = teachers.values(rows, y[rows], np.ones(60))
    assert r2_score(y[others], pooled[others]) > 0.3
    assert teachers.pool_weights_.sum() <= 1 + 1e-6
    assert teachers.pool_weights_[1] > 0.5
    weights, biases = ridge_head(X[rows], y[rows], np.ones(60))
    assert weights.shape == (1, 10)
    assert biases.shape == (1,)


@pytest.mark.parametrize("n_rows", [200, 1500])
def test_targets_are_believed_as_far_as_networks_are(n_rows):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows + 50, 4))
    truth = np.sin(3 * X[:, :1]) + X[:, 1:2]  # more than a line
    rows = np.arange(n_rows)
    weight = np.ones(n_rows)
    calls = []

    def knows(folds):
        calls.extend(folds)
        return [truth] * len(folds)

    def guesses(folds):
        return rng.normal(size=(len(folds), *truth.shape))

    believed = ValueTeachers(X, X, knows, seed=0)
    taught = believed.values(rows, truth[rows], weight)
    assert believed.pool_weights_[3] > 0.95
    assert_allclose(taught, truth, atol=0.2)
    assert len(calls) == (5 if n_rows < 1000 else 1)
    assert all(len(kept) == 0.8 * n_rows for kept in calls)

    noisy = X[:, 1:2] + rng.normal(size=truth.shape)
    doubted = ValueTeachers(X, X, guesses, seed=0)
    taught = doubted.values(rows, noisy[rows], weight)
    assert doubted.pool_weights_[3] < 0.1
    error = np.square(taught - X[:, 1:2]).mean()
    assert error < 0.1  # of a noise of variance 1
    alone = ValueTeachers(X, X, None, seed=0)
    assert_allclose(alone.values(rows, noisy[rows], weight)[rows], noisy[rows])
    assert len(alone.pool_weights_) == 3


def test_a_head_of_partly_known_values_is_that_of_each_output_alone():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(60, 5))
    values = codes[:, :3] + rng.normal(size=(60, 3))
    values[::2, 0] = values[1::3, 1] = np.nan
    weight = rng.uniform(0.5, 2, 60)
    weights, biases = ridge_head(codes, values, weight)
    for output in range(3):
        known = ~np.isnan(values[:, output])
        alone = ridge_head(codes[known], values[known, output, None], weight[known])
        assert_allclose(weights[output], alone[0][0])
        assert_allclose(biases[output], alone[1][0])


def test_a_head_of_hardly_any_values_is_their_mean():
    values = np.full((4, 3), np.nan)
    values[0] = 1.0, 5.0, np.nan
    values[1] = 2.0, np.nan, np.nan
    weights, biases = ridge_head(np.eye(4), values, np.ones(4))
    assert_array_equal(weights[1:], 0)
    assert_array_equal(biases[1:], [5, 0])


@pytest.mark.parametrize("with_network", [False, True])
def test_partly_known_values_are_taught_where_they_are_not_known(with_network):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 4))
    truth = X[:, :2] + 0.1 * rng.normal(size=(150, 2))
    truth -= truth.mean(axis=0)
    rows = np.arange(100)
    known = truth[rows].copy()
    known[::2, 0] = np.nan
    known[1::4, 1] = np.nan
    whole = ~np.isnan(known).any(axis=1)

    def networks(folds):
        return truth + 0.2 * rng.normal(size=(len(folds), *truth.shape))

    teachers = ValueTeachers(X, X, networks if with_network else None, seed=0)
    taught = teachers.values(rows, known, np.ones(100))
    assert np.isfinite(taught).all()
    assert np.square(taught - truth).mean() < 0.06
    if not with_network:
        given = ~np.isnan(known)
        assert_allclose(taught[rows][given], known[given])
    fewer = ValueTeachers(X, X, None, seed=0)
    of_whole = fewer.values(rows[whole], known[whole], np.ones(whole.sum()))
    unlabelled = slice(100, None)
    errors = [np.square(t - truth)[unlabelled].mean() for t in (taught, of_whole)]
    assert errors[0] < errors[1] * 1.1


def test_an_output_that_a_fold_does_not_know():
    X = np.random.default_rng(0).normal(size=(30, 3))
    values = np.column_stack([X[:, 0], np.full(30, np.nan)])
    values[[4, 9], 1] = 1.0, -1.0
    taught = ValueTeachers(X, X, None, 0).values(np.arange(30), values, np.ones(30))
    assert np.isfinite(taught).all()
    assert abs(taught[:, 1]).max() <= 1
