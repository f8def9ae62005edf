"""Sequences given where a table is read, and images in another range than in fit."""

import warnings

import numpy as np
import pandas as pd
import pytest

from skmae import (
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderTransformer,
)

from ..conftest import quick

STRINGS = ["MKT", "AYKL", "MM"] * 5
READ_SEQUENCES = [
    MaskedAutoencoderTransformer(),
    MaskedAutoencoderDetector(),
    MaskedAutoencoderGenerator(),
    MaskedAutoencoderClassifier(),
]


@pytest.mark.parametrize("estimator", READ_SEQUENCES, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(
    "column", [list, np.array, pd.Series, lambda X: np.array(X, dtype=object)]
)
def test_strings_want_an_analyzer(estimator, column):
    with pytest.raises(ValueError, match=r"one string a row.* analyzer='char'"):
        estimator.fit(column(STRINGS), [0, 1, 1] * 5)


@pytest.mark.parametrize("estimator", READ_SEQUENCES, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("row", [list, lambda row: np.arange(2.0 * len(row))])
def test_rows_of_unlike_lengths_want_to_be_named(estimator, row):
    rows = [row(text) for text in STRINGS]
    with pytest.raises(
        ValueError, match=r"unlike lengths.* analyzer=list.* input_shape"
    ):
        estimator.fit(rows, [0, 1, 1] * 5)


def test_an_imputer_reads_tables_only():
    with pytest.raises(ValueError, match="Imputer reads tables only"):
        MaskedAutoencoderImputer().fit(STRINGS)


def test_a_fitted_estimator_says_so_too(wine):
    mae = MaskedAutoencoderTransformer(max_epochs=1).fit(wine)
    with pytest.raises(ValueError, match="one string a row"):
        mae.transform(STRINGS)


def test_lists_of_numbers_are_a_table():
    X = [[1.0, 2.0], (3.0, np.nan), np.array([5.0, 6.0])] * 4
    assert MaskedAutoencoderTransformer(max_epochs=1).fit(X).n_features_in_ == 2


IMAGES = np.random.default_rng(0).random((20, 4, 4))
BYTES = (255 * IMAGES).astype(np.uint8)


@pytest.mark.parametrize(
    ("fitted", "given", "advice"),
    [
        (IMAGES, BYTES, r"X / 255\."),
        (2 * IMAGES - 1, BYTES.astype(float), r"X / 255\."),
        (BYTES, IMAGES, r"X \* 255\."),
        (BYTES, IMAGES[:1].astype(np.float32), r"X \* 255\."),
    ],
)
@pytest.mark.parametrize("method", ["transform", "restore"])
def test_images_in_another_range_than_in_fit_are_named(fitted, given, advice, method):
    mae = quick(max_epochs=1, input_shape=(4, 4)).fit(fitted)
    with pytest.warns(UserWarning, match=f"images must be scaled .* by {advice}"):
        getattr(mae, method)(given)
    classifier = MaskedAutoencoderClassifier(mae, fine_tune_epochs=1)
    classifier.fit(fitted, [0, 1] * 10)
    with pytest.warns(UserWarning, match=f"images must be scaled .* by {advice}"):
        classifier.predict(given)


@pytest.mark.parametrize(
    ("fitted", "given"),
    [
        (BYTES, BYTES // 100),  # dark
        (BYTES, np.zeros((3, 16))),
        (BYTES, np.full((3, 16), np.nan)),
        (IMAGES, 3 * IMAGES),
        (IMAGES - 0.5, -IMAGES.reshape(20, 16)),
    ],
)
def test_other_images_are_left_in_peace(fitted, given):
    mae = quick(max_epochs=1, input_shape=(4, 4)).fit(fitted)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mae.transform(given)
