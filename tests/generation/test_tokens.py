"""New rows of tokens and their probabilities."""

import itertools
import pickle
from collections import Counter

import numpy as np
import pytest

from skmae import MaskedAutoencoderGenerator


def alternating(n_rows=300, longest=6, seed=0):
    """Strings in which A and B take turns, of lengths from 1 on."""
    rng = np.random.default_rng(seed)
    starts, lengths = rng.integers(2, size=n_rows), rng.integers(1, longest + 1, n_rows)
    return [("AB" * longest)[i : i + n] for i, n in zip(starts, lengths, strict=True)]


def tokens(**params):
    settings = {
        "analyzer": "char",
        "missing_token": "?",
        "hidden_layer_sizes": (32, 32),
        "max_epochs": 60,
        "n_orders": 4,
        "device": "cpu",
        "random_state": 0,
    }
    return MaskedAutoencoderGenerator(**(settings | params))


@pytest.fixture(scope="module")
def turns():
    return tokens().fit(alternating())


def every_string(longest, letters="AB"):
    return [
        "".join(row)
        for n in range(1, longest + 1)
        for row in itertools.product(letters, repeat=n)
    ]


# -- probabilities -----------------------------------------------------------------


def test_probabilities_of_all_strings_add_up_to_one():
    rows = alternating(longest=4)
    generator = tokens(max_length=6, max_epochs=5).fit(rows)
    total = np.exp(generator.score_samples(every_string(6))).sum()
    # The rest is for letters that were not there in fit.
    assert 0.99 < total < 1


def test_a_missing_token_is_integrated_out(turns):
    for row in ("?", "A?", "?BA", "AB?B"):
        both = turns.score_samples([row.replace("?", letter) for letter in "AB"])
        np.testing.assert_allclose(
            turns.score_samples([row])[0], np.logaddexp(*both), atol=0.05
        )


def test_what_goes_together_is_likely(turns):
    of_length = np.exp(turns.score_samples(["ABAB", "BABA", "AAAA", "ABBA"]))
    assert of_length[:2].min() > 10 * of_length[2:].max()
    known, unknown, long = turns.score_samples(["ABA", "ABZ", "AB" * 40])
    assert unknown < known - 3
    assert long == -np.inf


def test_scores_do_not_depend_on_other_rows(turns):
    rows = alternating(40, seed=1)
    scores = turns.score_samples(rows)
    assert np.array_equal(turns.score_samples(rows[7:8]), scores[7:8])
    assert turns.score(rows) == scores.mean()


# -- new rows ----------------------------------------------------------------------


def test_new_rows_are_like_the_old_ones(turns):
    new = turns.sample(400, random_state=0)
    broken = [row for row in new if "AA" in row or "BB" in row]
    assert len(broken) < 0.1 * len(new)
    shares = [
        np.bincount([len(row) for row in rows], minlength=13)[:13] / len(rows)
        for rows in (new, alternating())
    ]
    assert np.abs(shares[0] - shares[1]).sum() < 0.3
    firsts = Counter(row[0] for row in new)
    assert 0.35 < firsts["A"] / len(new) < 0.65
    assert new == turns.sample(400, random_state=0)


def test_missing_tokens_are_drawn_together(turns):
    given = ["A???", "??"]
    new = turns.sample(50, given=given, random_state=0)
    assert [len(row) for row in new] == [4, 2] * 50
    assert np.mean([row == "ABAB" for row in new[::2]]) > 0.85
    pairs = Counter(new[1::2])
    assert pairs["AB"] + pairs["BA"] > 40
    assert min(pairs["AB"], pairs["BA"]) > 10


def test_kinds_of_rows():
    words = tokens(analyzer="word", max_epochs=2).fit(["to be", "or not to be"] * 20)
    assert all(isinstance(row, str) for row in words.sample(3, random_state=0))
    lists = tokens(analyzer=list, missing_token=None, max_epochs=2).fit([[1, 2]] * 20)
    (row,) = lists.sample(random_state=0)
    assert set(row) <= {1, 2}
    (row,) = lists.sample(given=[[1, None]], random_state=0)
    assert row[0] == 1
    assert row[1] in (1, 2)


def test_persistence_and_equal_fits(turns):
    loaded = pickle.loads(pickle.dumps(turns))
    rows = alternating(20, seed=2)
    assert np.array_equal(loaded.score_samples(rows), turns.score_samples(rows))
    assert loaded.sample(5, random_state=1) == turns.sample(5, random_state=1)
    again = [tokens(max_epochs=2).fit(rows).score_samples(rows) for _ in range(2)]
    assert np.array_equal(*again)


def test_weights_count():
    rows = ["A"] * 50 + ["BB"] * 50
    weight = np.repeat([9.0, 1.0], 50)
    generator = tokens().fit(rows, sample_weight=weight)
    share = np.mean([row == "A" for row in generator.sample(300, random_state=0)])
    assert 0.75 < share < 0.98


def test_only_ratios_of_weights_count():
    rows = alternating(60)
    scores = [
        tokens(max_epochs=2).fit(rows, sample_weight=np.full(60, w)).score_samples(rows)
        for w in (1.0, 2.0**-20, 2.0**20)
    ]
    np.testing.assert_allclose(scores[1:], [scores[0]] * 2, rtol=1e-6)


# -- mistakes ----------------------------------------------------------------------


def test_given_rows_that_are_none(turns):
    with pytest.raises(ValueError, match="tokens that were not there in fit, in row 1"):
        turns.sample(given=["A?", "Z?"])
    with pytest.warns(UserWarning, match="given has no missing token"):
        assert turns.sample(given=["AB"]) == ["AB"]
    with pytest.raises(ValueError, match="n_samples must be an integer"):
        turns.sample(0)


def test_what_is_not_there():
    with pytest.raises(ValueError, match="a density of series of unlike lengths"):
        tokens(analyzer=None, missing_token=None, input_shape=(None, 2)).fit(
            [np.zeros((3, 2))] * 4
        )
    with pytest.raises(ValueError, match="'input_shape' parameter has no meaning"):
        tokens(input_shape=(2, 2)).fit(alternating(10))
    with pytest.raises(NotImplementedError, match="novelty measures distances"):
        tokens(max_epochs=1).fit(alternating(20)).novelty(["A"], ["B"])
