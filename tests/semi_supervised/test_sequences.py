"""Classifier and regressor of rows that are tokens, or series of unlike lengths."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import cross_val_score

from skmae import (
    LabelledKFold,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderRegressor,
    MaskedAutoencoderTransformer,
)
from skmae.data.sequences import Sequences
from skmae.semi_supervised.sequence_rows import LabelledSequences
from skmae.semi_supervised.sequence_summaries import channel_summaries, count_ngrams

LETTERS = "ABCDEF"


def strings(n_rows=160, seed=0):
    """Strings that go round the alphabet, and their classes: in what steps."""
    rng = np.random.default_rng(seed)
    rows, steps = [], rng.integers(2, size=n_rows)
    for step in steps:
        start, length = rng.integers(6), rng.integers(4, 15)
        letters = (start + (step + 1) * np.arange(length)) % 6
        rows.append("".join(LETTERS[i] for i in letters))
    return rows, np.array(["one", "two"], dtype=object)[steps]


def waves(n_rows=120, seed=0):
    """Series of two channels, and how high the wave in one of them lies."""
    rng = np.random.default_rng(seed)
    rows, levels = [], rng.uniform(-1, 1, size=n_rows)
    for level in levels:
        angle = np.arange(rng.integers(12, 30)) * 0.5 + rng.uniform(0, 2 * np.pi)
        rows.append(np.column_stack([level + np.sin(angle), 1000 + 50 * np.cos(angle)]))
    return rows, levels


def tokens(**params):
    settings = {
        "analyzer": "char",
        "missing_token": "?",
        "hidden_layer_sizes": (16, 16),
        "max_epochs": 5,
        "device": "cpu",
        "random_state": 0,
    }
    return MaskedAutoencoderTransformer(**(settings | params))


def series(**params):
    settings = {"input_shape": (None, 2), "channel_axis": -1}
    return tokens(analyzer=None, missing_token=None, **(settings | params))


def classifier(encoder, **params):
    settings = {"fine_tune_epochs": 5, "device": "cpu", "random_state": 0}
    return MaskedAutoencoderClassifier(encoder, **(settings | params))


def regressor(encoder, **params):
    settings = {"fine_tune_epochs": 5, "device": "cpu", "random_state": 0}
    return MaskedAutoencoderRegressor(encoder, **(settings | params))


def hide(y, every=5):
    """Keep one label of ``every`` so many."""
    few = y.copy()
    few[np.arange(len(y)) % every > 0] = None if y.dtype == object else np.nan
    return few


@pytest.fixture(scope="module")
def of_tokens():
    return FrozenEstimator(tokens(max_epochs=30).fit(strings()[0]))


@pytest.fixture(scope="module")
def of_series():
    return FrozenEstimator(series(max_epochs=20).fit(waves()[0]))


@pytest.fixture(scope="module")
def taught(of_tokens):
    """A classifier that learned from few labels, and what it learned from."""
    rows, y = strings()
    return classifier(of_tokens, fine_tune_epochs=10).fit(rows, hide(y))


# -- classes -------------------------------------------------------------------------


def test_few_labels_are_enough(taught):
    rows, y = strings(seed=1)
    assert taught.score(rows, y) > 0.95
    assert taught.n_unlabelled_ == 128
    assert taught.pool_weights_.shape == (3,)
    assert list(taught.classes_) == ["one", "two"]
    probabilities = taught.predict_proba(rows)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert np.array_equal(
        taught.classes_[probabilities.argmax(axis=1)], taught.predict(rows)
    )


def test_an_encoder_is_pretrained_where_it_is_not_frozen():
    rows, y = strings()
    first, second = (classifier(tokens()).fit(rows, hide(y)) for _ in range(2))
    assert len(first.pretraining_loss_curve_) == 5
    assert first.encoder_.transform(rows).shape == (160, first.n_components_)
    assert np.array_equal(first.predict_proba(rows), second.predict_proba(rows))
    assert not hasattr(first, "n_features_in_")


def test_what_is_taught_does_not_change_the_encoder(of_tokens, taught):
    rows, _ = strings()
    before = of_tokens.estimator.transform(rows)
    classifier(of_tokens).fit(*strings())
    assert np.array_equal(of_tokens.estimator.transform(rows), before)
    assert taught.encoder_ is of_tokens.estimator


def test_predictions_do_not_depend_on_the_rows_beside(taught):
    rows, _ = strings(40, seed=2)
    together = taught.predict_proba(rows)
    alone = np.concatenate([taught.predict_proba([row]) for row in rows])
    backwards = taught.predict_proba(rows[::-1])[::-1]
    assert np.array_equal(together, alone)
    assert np.array_equal(together, backwards)


@pytest.mark.parametrize(
    "params",
    [
        {"self_training": False},
        {"freeze_encoder": True},
        {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 2},
        {"reconstruction_weight": 0.5},
        {"reconstruction_weight": 0.5, "fine_tune_mask_ratio": 0},
        {"fine_tune_mask_ratio": (0.1, 0.4)},
        {"fine_tune_mask_ratio": 0},
        {"class_weight": "balanced"},
        {"lr_schedule": "constant", "fine_tune_lr": 2e-3},
        {"calibrate": False},
    ],
    ids=str,
)
def test_every_way_to_fine_tune(of_tokens, params):
    rows, y = strings()
    clf = classifier(of_tokens, fine_tune_epochs=15, **params).fit(rows, hide(y))
    assert clf.score(*strings(seed=1)) > 0.9
    assert np.isfinite(clf.loss_curve_).all()
    body = clf.model_.module.body.state_dict()
    before = of_tokens.estimator.model_.module.state_dict()
    same = all(torch.equal(body[name], before[name]) for name in before)
    assert same == bool(params.get("freeze_encoder", False))
    if "early_stopping" in params:
        assert len(clf.validation_loss_curve_) == clf.n_iter_


def test_reconstruction_is_kept_where_it_has_weight(of_tokens):
    rows, y = strings()
    forgets, keeps = (
        classifier(
            of_tokens,
            fine_tune_epochs=30,
            fine_tune_lr=3e-3,
            reconstruction_weight=w,
            calibrate=False,
        ).fit(rows, y)
        for w in (0.0, 1.0)
    )

    def r2(clf):
        model = clf.model_
        encoder = pickle.loads(pickle.dumps(of_tokens.estimator))
        encoder.model_.module.load_state_dict(model.module.body.state_dict())
        return encoder.score(rows)

    assert r2(keeps) > r2(forgets) + 0.05


def test_all_labels_are_calibrated(of_tokens):
    rows, y = strings()
    clf = classifier(of_tokens).fit(rows, y)
    assert clf.temperature_ != 1
    assert clf.pool_weights_ is None
    assert clf.score(rows, y) > 0.95


def test_rows_of_weight_zero_are_left_out(of_tokens):
    rows, y = strings()
    weight = np.ones(160)
    weight[100:] = 0
    weighted = classifier(of_tokens).fit(rows, hide(y), sample_weight=weight)
    cut = classifier(of_tokens).fit(rows[:100], hide(y)[:100])
    assert np.array_equal(weighted.predict_proba(rows), cut.predict_proba(rows))


def test_unknown_tokens_count_as_missing(taught):
    seen = taught.predict_proba(["ABC?EF", "?????"])
    assert np.array_equal(seen, taught.predict_proba(["ABCZEF", "ZZZZZ"]))
    assert np.isfinite(seen).all()


def test_persistence(taught):
    rows, _ = strings(30, seed=3)
    loaded = pickle.loads(pickle.dumps(taught))
    assert np.array_equal(loaded.predict_proba(rows), taught.predict_proba(rows))
    assert clone(taught).get_params().keys() == taught.get_params().keys()


def test_cross_validation_leaves_unlabelled_rows_out():
    rows, y = strings(80)
    scores = cross_val_score(
        classifier(tokens()), rows, hide(y, 2), cv=LabelledKFold(2)
    )
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()


# -- numbers -------------------------------------------------------------------------


def test_series_are_read(of_series):
    rows, levels = waves()
    reg = regressor(of_series, fine_tune_epochs=30).fit(rows, hide(levels, 3))
    assert reg.score(*waves(seed=1)) > 0.9
    assert reg.pool_weights_.shape == (4,)
    few = waves(20, seed=2)[0]
    alone = np.concatenate([reg.predict([row]) for row in few])
    assert np.array_equal(reg.predict(few), alone)
    loaded = pickle.loads(pickle.dumps(reg))
    assert np.array_equal(loaded.predict(few), alone)


def test_series_in_an_array_are_the_same(of_series):
    rows, levels = waves(60)
    padded = np.full((60, 30, 2), np.nan)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    of_list = regressor(of_series, self_training=False).fit(rows, levels)
    of_array = regressor(of_series, self_training=False).fit(padded, levels)
    assert np.array_equal(of_list.predict(rows), of_array.predict(padded))


@pytest.mark.parametrize(
    "params",
    [
        {"freeze_encoder": True},
        {"early_stopping": True, "validation_fraction": 0.3, "self_training": False},
        {"reconstruction_weight": 0.1, "self_training": False},
    ],
    ids=str,
)
def test_every_way_to_fine_tune_to_numbers(of_series, params):
    rows, levels = waves()
    reg = regressor(of_series, fine_tune_epochs=30, **params).fit(rows, levels)
    assert reg.score(*waves(seed=1)) > 0.8


def test_outputs_that_are_known_in_part(of_series):
    rows, levels = waves()
    lengths = np.array([len(row) for row in rows], dtype=float)
    y = np.column_stack([levels, lengths])
    y[::2, 0] = y[1::3, 1] = np.nan
    y[:10] = np.nan
    reg = regressor(of_series, fine_tune_epochs=20).fit(rows, y)
    assert reg.n_unlabelled_ >= 10
    predicted = reg.predict(rows)
    assert predicted.shape == (120, 2)
    assert np.corrcoef(predicted[:, 1], lengths)[0, 1] > 0.9


def test_a_regressor_of_tokens(of_tokens):
    rows, _ = strings()
    y = np.array([row.count("A") / len(row) for row in rows])
    reg = regressor(of_tokens, fine_tune_epochs=30).fit(rows, hide(y, 2))
    new = strings(seed=1)[0]
    assert reg.score(new, [row.count("A") / len(row) for row in new]) > 0.7


def test_a_classifier_of_series(of_series):
    rows, levels = waves()
    y = np.where(levels > 0, "high", "low").astype(object)
    clf = classifier(of_series, fine_tune_epochs=20).fit(rows, hide(y, 3))
    new, levels = waves(seed=1)
    assert clf.score(new, np.where(levels > 0, "high", "low")) > 0.85


# -- what is read and visited --------------------------------------------------------


def test_ngrams_are_counted_within_rows():
    # AB, A?B and BAB, where A is 0 and B is 1
    cells = np.array([0, 1, 0, np.nan, 1, 1, 0, 1], dtype=np.float32)[:, None]
    counts = count_ngrams(Sequences(cells, [2, 3, 3]))
    # B, A, AB, BA, BAB: seen 4, 3, 2, 1 and 1 times
    assert counts.shape == (3, 5)
    np.testing.assert_array_equal(
        counts > 0,
        [
            [True, True, True, False, False],
            [True, True, False, False, False],
            [True, True, True, True, True],
        ],
    )


def test_summaries_of_channels():
    rng = np.random.default_rng(0)
    cells = rng.normal(size=(30, 2)).astype(np.float32)
    cells[:5, 1] = np.nan  # the first row has nothing of a channel
    cells[7, 0] = np.nan
    found = channel_summaries(Sequences(cells, [5, 10, 1, 14]))
    assert found.shape == (4, 6)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-6)
    means = [np.nanmean(row[:, 0]) for row in np.split(cells, [5, 15, 16])]
    np.testing.assert_allclose(
        found[:, 0], (means - np.mean(means)) / np.std(means), rtol=1e-4
    )
    assert found[0, 1] == 0
    nothing = np.full((6, 1), np.nan, dtype=np.float32)
    assert np.array_equal(
        channel_summaries(Sequences(nothing, [2, 4])), np.zeros((2, 3))
    )


def test_rows_are_visited_as_often_as_asked():
    lengths = np.array([3, 1, 2])
    cells = np.repeat(np.arange(3, dtype=np.float32), lengths)[:, None]
    visits = np.array([0, 1, 1, 1, 2, 0])
    dataset = LabelledSequences(
        Sequences(cells, lengths), torch.arange(3.0)[:, None], torch.ones(3), visits
    )
    assert len(dataset) == 6
    assert dataset.n_batches(2) == 3
    batches = list(dataset.batches(2, torch.Generator().manual_seed(0)))
    visited = []
    for values, targets, weight in batches:
        assert values.shape[1] == lengths[targets.long().flatten()].max()
        assert torch.equal(values[:, 0, 0], targets[:, 0])
        assert len(weight) == 2
        visited += targets.flatten().long().tolist()
    assert sorted(visited) == [0, 0, 1, 1, 1, 2]


# -- mistakes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (["ABC", ""], ValueError, r"Row 1 of X has no token: ''"),
        (["ABC", None], TypeError, "row 1 of X is None"),
        ("ABC", ValueError, "X must be an iterable of rows.*Got one str"),
        (np.ones((2, 3)), TypeError, "reads strings"),
    ],
)
def test_rows_that_are_none(taught, rows, error, message):
    before = taught.predict_proba(["ABC"])
    with pytest.raises(error, match=message):
        taught.predict(rows)
    with pytest.raises(error, match=message):
        taught.fit(rows, ["one", "two"][: len(rows)])
    assert np.array_equal(taught.predict_proba(["ABC"]), before)


def test_labels_that_do_not_fit(of_tokens):
    rows, y = strings(20)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier(of_tokens).fit(rows, y[:-1])
    with pytest.raises(ValueError, match="y has no label"):
        classifier(of_tokens).fit(rows, np.full(20, None, dtype=object))


def test_series_with_other_channels(of_series):
    rows, levels = waves(20)
    reg = regressor(of_series, self_training=False).fit(rows, levels)
    with pytest.raises(ValueError, match=r"Row 0 has shape \(3, 1\)"):
        reg.predict([np.ones((3, 1))])


def test_default_encoders_do_not_read_strings():
    rows, y = strings(20)
    with pytest.raises(ValueError, match="one string a row"):
        MaskedAutoencoderClassifier().fit(rows, y)
