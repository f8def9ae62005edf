"""Sequences given where a table is read."""

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
