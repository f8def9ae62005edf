"""Outliers among rows of tokens and series of unlike lengths, and what to blame."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from skmae import MaskedAutoencoderDetector

LETTERS = "ABCDEF"


def circles(n_rows, shortest=6, longest=20, seed=0):
    """Rows that go round through the letters, from any of them."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(6, size=n_rows)
    lengths = rng.integers(shortest, longest + 1, size=n_rows)
    return [
        "".join(LETTERS[(start + i) % 6] for i in range(length))
        for start, length in zip(starts, lengths, strict=True)
    ]


def broken(rows, seed=0):
    """Rows with a letter changed, and where."""
    rng = np.random.default_rng(seed)
    places = [int(rng.integers(1, len(row) - 1)) for row in rows]
    changed = []
    for row, place in zip(rows, places, strict=True):
        letter = LETTERS[(LETTERS.index(row[place]) + int(rng.integers(1, 6))) % 6]
        changed.append(row[:place] + letter + row[place + 1 :])
    return changed, places


def waves(n_rows, shortest=15, longest=30, seed=0):
    """Sines and cosines of a phase of their own, in channels of unlike units."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n_rows):
        t = np.arange(rng.integers(shortest, longest + 1)) * 0.5
        angle = t + rng.uniform(0, 2 * np.pi)
        rows.append(np.column_stack([np.sin(angle), 1000 + 50 * np.cos(angle)]))
    return rows


def detector(**params):
    settings = {
        "n_members": 2,
        "hidden_layer_sizes": (32, 32),
        "lr": 5e-3,
        "device": "cpu",
        "random_state": 0,
    }
    return MaskedAutoencoderDetector(**(settings | params))


def of_tokens(**params):
    settings = {"analyzer": "char", "missing_token": "?", "max_epochs": 25}
    return detector(**(settings | params))


def of_series(**params):
    settings = {"input_shape": (None, 2), "channel_axis": -1, "max_epochs": 40}
    return detector(**(settings | params))


@pytest.fixture(scope="module")
def circle():
    return of_tokens().fit(circles(300))


@pytest.fixture(scope="module")
def wave():
    return of_series().fit(waves(150))


# -- what is found -------------------------------------------------------------------


def test_a_changed_letter_is_to_blame(circle):
    rows, places = broken(circles(60, seed=1))
    blame = circle.explain(rows)
    assert [len(of_row) for of_row in blame] == [len(row) for row in rows]
    found = [of_row.argmax() for of_row in blame]
    assert np.mean(np.equal(found, places)) > 0.9


def test_broken_rows_score_below_normal_ones(circle):
    rows = circles(60, seed=2)
    scores = circle.score_samples(rows + broken(rows)[0])
    assert roc_auc_score(np.repeat([1, 0], 60), scores) > 0.95
    assert (circle.predict(broken(rows)[0]) == -1).mean() > 0.9


def test_a_wrong_cell_of_a_series_is_to_blame(wave):
    (row,) = waves(1, 25, 25, seed=3)
    row[12, 1] += 100
    (blame,) = wave.explain([row])
    assert blame.shape == row.shape
    assert np.unravel_index(blame.argmax(), blame.shape) == (12, 1)
    assert wave.predict([row]) == -1


@pytest.mark.parametrize("kind", ["circle", "wave"])
def test_about_a_twentieth_of_new_normal_rows_are_called_outliers(kind, request):
    model = request.getfixturevalue(kind)
    rows = {"circle": circles, "wave": waves}[kind](300, seed=4)
    assert (model.predict(rows) == -1).mean() < 0.12


def test_expected_letters(circle):
    rows = circles(40, seed=3)
    changed, places = broken(rows)
    blame, expected = circle.explain(iter(changed), return_expected=True)
    for found, again in zip(blame, circle.explain(changed), strict=True):
        assert_array_equal(found, again)
    assert [len(row) for row in expected] == [len(row) for row in rows]
    right = [
        e[at] == row[at] for e, row, at in zip(expected, rows, places, strict=True)
    ]
    assert np.mean(right) > 0.8


def test_expected_cells_of_series(wave):
    rows = waves(20, seed=3)
    changed = [row.copy() for row in rows]
    for row in changed:
        row[5, 1] = 1100
    blame, expected = wave.explain(changed, return_expected=True)
    assert [found.shape for found in blame] == [row.shape for row in rows]
    assert [found.shape for found in expected] == [row.shape for row in rows]
    off = [abs(e[5, 1] - row[5, 1]) for e, row in zip(expected, rows, strict=True)]
    assert np.median(off) < 30


def test_scores_do_not_depend_on_length(circle):
    short = circle.score_samples(circles(100, 6, 8, seed=5))
    long = circle.score_samples(circles(100, 17, 20, seed=5))
    outliers = [(scores < circle.offset_).mean() for scores in (short, long)]
    assert max(outliers) < 0.15


# -- scores and blame ----------------------------------------------------------------


def test_blame_sums_to_the_score(circle, wave):
    for model, rows in (
        (circle, broken(circles(30, seed=6))[0]),
        (wave, waves(20, seed=6)),
    ):
        blame = model.explain(rows)
        assert all((of_row >= 0).all() for of_row in blame)
        sums = [of_row.sum() for of_row in blame]
        scores = model.score_samples(rows)
        assert_allclose(sums, -scores)
        assert_array_equal(model.decision_function(rows), scores - model.offset_)
        assert_array_equal(model.predict(rows), np.where(scores < model.offset_, -1, 1))


def test_scores_do_not_depend_on_other_rows(circle, wave):
    for model, rows in (
        (circle, broken(circles(70, 3, 40, seed=7))[0]),
        (wave, waves(40, 2, 60, seed=7)),
    ):
        scores, blame = model.score_samples(rows), model.explain(rows)
        for i in (0, 5, 33):
            assert model.score_samples(rows[i : i + 1])[0] == scores[i]
            assert_array_equal(model.explain(rows[i : i + 1])[0], blame[i])


def test_missing_tokens_have_no_blame(circle):
    rows, _ = broken(circles(5, seed=8))
    rows = [row[:3] + "?" + row[4:] for row in rows]
    assert all(blame[3] == 0 for blame in circle.explain(rows))
    assert circle.score_samples(["???"]) == 0


def test_unseen_tokens_are_abnormal(circle):
    row = circles(1, 12, 12, seed=9)[0]
    odd = row[:5] + "Z" + row[6:]
    (blame,) = circle.explain([odd])
    assert blame.argmax() == 5
    assert circle.score_samples([odd]) < circle.score_samples([row])
    assert circle.predict([odd]) == -1


def test_tokens_left_out_in_fit_are_as_abnormal_as_they_are_rare():
    rows = ["ABAB" * 3 + "C"] * 20 + ["ABAB" * 3] * 20
    few = of_tokens(max_features=2, max_epochs=2).fit(rows)
    none = of_tokens(max_features=2, max_epochs=2).fit(["ABAB" * 3] * 40)
    shares = [
        model.explain(["ABCAB"])[0][2] * model._attribution.unit_
        for model in (few, none)
    ]
    assert shares[0] < shares[1]


def test_missing_cells_of_series_have_no_blame(wave):
    (row,) = waves(1, seed=10)
    row[4, 0] = row[7] = np.nan
    (blame,) = wave.explain([row])
    assert_array_equal(blame[np.isnan(row)], 0)
    assert np.isfinite(blame).all()


def test_padded_arrays_are_explained_in_their_shape(wave):
    rows = waves(5, seed=11)
    stacked = np.full((5, 30, 2), np.nan)
    for i, row in enumerate(rows):
        stacked[i, : len(row)] = row
    blame = wave.explain(stacked)
    assert blame.shape == stacked.shape
    assert_array_equal(blame[np.isnan(stacked)], 0)
    assert_array_equal(blame[2][: len(rows[2])], wave.explain(rows)[2])


def test_one_channel():
    rows = [row[:, 0] for row in waves(60)]
    model = of_series(input_shape=(None,), channel_axis=None, max_epochs=3).fit(rows)
    blame = model.explain(rows[:2])
    assert [of_row.shape for of_row in blame] == [row.shape for row in rows[:2]]


def test_what_is_beyond_max_length_has_no_blame():
    model = of_tokens(max_length=8, max_epochs=2).fit(circles(60, 4, 8))
    with pytest.warns(UserWarning, match="longer than max_length=8"):
        (blame,) = model.explain(["ABCDEFABCDEF"])
    assert blame.shape == (12,)
    assert_array_equal(blame[8:], 0)


# -- fits ----------------------------------------------------------------------------


def test_fits_are_equal_bit_by_bit():
    rows = circles(60)
    first, second = (of_tokens(max_epochs=2).fit(rows) for _ in range(2))
    assert_array_equal(first.score_samples(rows), second.score_samples(rows))
    assert first.offset_ == second.offset_
    other = of_tokens(max_epochs=2, random_state=1).fit(rows)
    assert not np.array_equal(first.score_samples(rows), other.score_samples(rows))


def test_members_differ_and_leave_out_rows_of_their_own(circle):
    first, second = circle.net_.module_.members
    assert not np.array_equal(
        first.head.inner.weight.detach(), second.head.inner.weight.detach()
    )


def test_persistence(circle, wave):
    for model, rows in ((circle, circles(9, seed=12)), (wave, waves(9, seed=12))):
        loaded = pickle.loads(pickle.dumps(model))
        assert_array_equal(loaded.score_samples(rows), model.score_samples(rows))
        assert_array_equal(loaded.predict(rows), model.predict(rows))
        assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize("weighted", [False, True])
def test_contamination_is_the_share_of_outliers(weighted):
    rows = circles(100)
    weight = np.ones(100) if weighted else None
    if weighted:
        weight[::2] = 0
    model = of_tokens(contamination=0.1, max_epochs=2)
    model.fit(iter(rows), sample_weight=weight)
    kept = rows[1::2] if weighted else rows
    assert (model.predict(kept) == -1).sum() == pytest.approx(0.1 * len(kept), abs=1)


def test_weights_count():
    rows = ["AB"] * 40 + ["AC"] * 40
    weight = np.repeat([1.0, 0.05], 40)
    model = of_tokens(max_epochs=30).fit(rows, sample_weight=weight)
    usual, rare = model.score_samples(["AB", "AC"])
    assert usual > rare
    ignored = of_tokens(max_epochs=2).fit(rows, sample_weight=np.repeat([1.0, 0], 40))
    assert list(ignored.model_.codec.categories[0]) == ["A", "B"]


def test_sequences_of_any_tokens():
    rows = [[0, 1, 2] * 3, (0, 1, 2, 0), [1, 2, None]] * 10
    model = of_tokens(analyzer=list, missing_token=None, max_epochs=2).fit(rows)
    assert [len(blame) for blame in model.explain(rows[:3])] == [9, 4, 3]


@pytest.mark.parametrize("shortest", [1, 2])
def test_short_and_equal_rows(shortest):
    rows = ["A" * shortest, "ABCA"] * 10
    model = of_tokens(max_epochs=2).fit(rows)
    assert np.isfinite(model.score_samples([*rows, "A" * 100])).all()
    alike = of_tokens(max_epochs=2).fit(["AAA"] * 10)
    assert np.isfinite(alike.score_samples(["AAA", "A", "ZZ"])).all()


def test_a_fit_to_tokens_after_one_to_a_table():
    model = detector(max_epochs=1).fit(np.random.default_rng(0).normal(size=(20, 3)))
    model.set_params(analyzer="char").fit(circles(20))
    assert not hasattr(model, "n_features_in_")
    assert len(model.explain(["ABC"])[0]) == 3


# -- mistakes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_neighbors": 3}, "'n_neighbors' parameter has no meaning"),
        ({"training_data": "contaminated"}, "'training_data' parameter has no meaning"),
        ({"scaling": "standard"}, "'scaling' parameter has no meaning"),
        ({"mask_value": "zero"}, "'mask_value' parameter has no meaning"),
        ({"architecture": "mlp"}, "'mlp' needs rows of one length"),
        ({"hidden_layer_sizes": (32, 16)}, "must hold equal widths"),
        ({"mask_strategy": "copy"}, "mask_strategy='copy' cannot be used"),
        ({"mask_ratio": (0, 0)}, "must reach above 0"),
        ({"analyzer": "letters"}, "The 'analyzer' parameter"),
    ],
)
def test_parameters_that_make_no_sense(params, message):
    with pytest.raises(ValueError, match=message):
        of_tokens(**params).fit(circles(20))


def test_rows_that_are_none(circle):
    with pytest.raises(ValueError, match=r"Row 1 of X has no token"):
        circle.predict(["ABC", ""])
    with pytest.raises(ValueError, match="a minimum of 2 is required"):
        of_tokens(max_epochs=1).fit(["ABC", "???"])


def test_a_failed_fit_leaves_the_earlier_one(circle):
    model = pickle.loads(pickle.dumps(circle))
    with pytest.raises(ValueError, match="no token"):
        model.fit(["", "A"])
    assert_array_equal(model.score_samples(["ABC"]), circle.score_samples(["ABC"]))


def test_nothing_is_warned_of(circle):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        circle.explain(circles(3))
