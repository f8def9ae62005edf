"""Errors of hidden cells against loops over masks, members and rows."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skmae._random import torch_generator
from skmae.data.member_folds import draw_folds
from skmae.detection.errors import EnsembleErrors
from skmae.masking.even import even_masks

from ..networks.test_mlp import MIXED
from .test_network import make_ensemble

CPU = torch.device("cpu")


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 3)).astype(np.float32)
    values[:, 1] = rng.integers(0, 3, 300)
    values[rng.random(values.shape) < 0.1] = np.nan
    return values


@pytest.fixture
def levels():
    generator = torch_generator(0)
    return [
        even_masks(3, 0.1, generator).numpy(),
        even_masks(3, 0.3, generator, 2).numpy(),
    ]


def errors_by_hand(ensemble, members, row, masks):
    """Reference: squared errors of one row, and mean predictions while hidden."""
    values = torch.from_numpy(row[None])
    squared, expected = np.zeros(3), np.zeros(5)
    for member in members:
        for mask in masks:
            hidden = torch.isnan(values) | torch.from_numpy(mask)
            predicted = ensemble.predict_by_all(values, hidden)[member, 0]
            predicted = predicted.detach().numpy().astype(float)
            chances = np.exp(predicted[2:]) / np.exp(predicted[2:]).sum()
            code = 0 if np.isnan(row[1]) else int(row[1])
            category = np.where(np.isnan(row[1]), np.nan, np.eye(3)[code])
            error = np.r_[row[[0, 2]] - predicted[:2], category - chances]
            error /= MIXED.stds[[0, 2, 1, 1, 1]]
            cells = np.r_[error[0], np.linalg.norm(error[2:]), error[1]]
            times = masks.sum(axis=0) * len(members)
            squared += np.where(mask, cells**2 / times, 0)
            seen = np.r_[predicted[:2], chances] / times[[0, 2, 1, 1, 1]]
            expected += np.where(mask[[0, 2, 1, 1, 1]], seen, 0)
    return squared, expected


def test_errors_of_new_rows_match_reference(table, levels):
    ensemble = make_ensemble()
    errors = EnsembleErrors(ensemble, MIXED, CPU, levels).of_new_rows(table)
    for i in (0, 1, 2, 3, 4, 299):
        for level, masks in enumerate(levels, 1):
            squared, expected = errors_by_hand(ensemble, range(3), table[i], masks)
            assert_allclose(errors.squared[level][i], squared, rtol=1e-4, atol=1e-6)
        assert_allclose(errors.expected[-1][i], expected, rtol=1e-4, atol=1e-5)


def test_errors_of_training_rows_come_from_the_member_that_left_them_out(table, levels):
    ensemble = make_ensemble()
    folds = draw_folds(300, 3, seed=1).numpy()
    errors = EnsembleErrors(ensemble, MIXED, CPU, levels).of_training_rows(table, folds)
    for i in (0, 1, 2, 3, 4, 299):
        squared, expected = errors_by_hand(ensemble, [folds[i]], table[i], levels[1])
        assert_allclose(errors.squared[2][i], squared, rtol=1e-4, atol=1e-6)
        assert_allclose(errors.expected[-1][i], expected, rtol=1e-4, atol=1e-5)


def test_first_level_is_the_distance_from_the_mean(table, levels):
    errors = EnsembleErrors(make_ensemble(), MIXED, CPU, levels).of_new_rows(table)
    expected = ((table[:, 0] - MIXED.means[0]) / MIXED.stds[0]) ** 2
    assert_allclose(errors.squared[0][:, 0], expected, rtol=1e-5)


def test_missing_cells_are_nan(table, levels):
    errors = EnsembleErrors(make_ensemble(), MIXED, CPU, levels).of_new_rows(table)
    for squared in errors.squared:
        assert_array_equal(np.isnan(squared), np.isnan(table))
    assert np.isfinite(errors.expected).all()


def test_a_member_without_rows(table, levels):
    folds = np.zeros(300, dtype=int)
    judges = EnsembleErrors(make_ensemble(), MIXED, CPU, levels)
    errors = judges.of_training_rows(table, folds)
    assert_array_equal(np.isnan(errors.squared[2]), np.isnan(table))
