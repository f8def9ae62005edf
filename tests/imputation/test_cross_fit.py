"""Members judged on rows left out, and what follows from the judgement."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skmae.data.codec import Layout
from skmae.data.member_folds import draw_folds, fold_of_member
from skmae.imputation.blending import (
    column_scores,
    cross_blend,
    find_exact,
    fit_blend,
)
from skmae.imputation.cross_fit import CrossFit, jackknife_factors
from skmae.imputation.held_out import HeldOutRows
from skmae.networks.gaussian import GaussianMembers
from skmae.training.residuals import Residuals


class Tagging(torch.nn.Module):
    """Each member predicts its own number, plus the cells that it sees."""

    def __init__(self, n_members):
        super().__init__()
        self.n_members = n_members

    def components(self, values, hidden, dealt):
        assert dealt
        rows = values.masked_fill(hidden, 0.0).view(self.n_members, -1, values.shape[1])
        tags = torch.arange(self.n_members)[:, None, None] * 100.0
        return torch.stack([rows + tags, rows, rows], dim=3)


@pytest.mark.parametrize(("n_rows", "n_members"), [(23, 3), (5, 8), (1, 2)])
def test_rows_are_predicted_by_the_members_that_left_them_out(n_rows, n_members):
    values = np.arange(n_rows * 2, dtype=np.float32).reshape(n_rows, 2)
    folds = draw_folds(n_rows, 8, seed=0)
    held_out = HeldOutRows(values, folds, n_members, torch.device("cpu"))
    masks = torch.zeros(len(held_out.covered), 2, dtype=torch.bool)
    masks[:, 1] = True
    components = held_out.components(Tagging(n_members), masks).numpy()
    for row, predicted in zip(held_out.covered.tolist(), components, strict=True):
        members = [
            k for k in range(n_members) if fold_of_member(k, folds) == folds[row]
        ]
        assert members
        assert_allclose(predicted[0, 1], values[row, 0])
        assert_allclose(predicted[1, 1], 0)  # hidden
        assert_allclose(predicted[1, 0], 100 * np.mean(members))


def test_gaussians_know_nothing_of_the_rows_left_out():
    layout = Layout(tuple(range(4)), (), (), np.zeros(4, np.float32), np.ones(4))
    values = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    folds = draw_folds(40, 8, seed=0)
    others = values.copy()
    others[folds.numpy() == 0] += 5
    loadings = []
    for rows in (values, others):
        seeds = {"gaussian": 0, "scoring": 0}
        cross_fit = CrossFit(rows, folds, layout, 2, torch.device("cpu"), seeds)
        module = torch.nn.Module()
        module.gaussian = GaussianMembers(2, 4)
        module.jackknife = torch.zeros(2)
        cross_fit.fit_gaussians(module)
        loadings.append(module.gaussian.loadings)
    assert torch.equal(loadings[0][0], loadings[1][0])
    assert (loadings[0][1] != loadings[1][1]).any()


def test_a_small_lead_counts_where_errors_are_small():
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(200, 1))
    near = targets + 0.02 * rng.normal(size=targets.shape)
    components = np.stack([targets, near, near, near], axis=2)
    blend = fit_blend(components, targets, np.ones(targets.shape, bool), np.zeros(1))
    assert_allclose(blend, [[1, 0, 0, 0]], atol=1e-3)


def test_exact_columns_must_prove_it():
    targets = np.random.default_rng(0).normal(size=(30, 4))
    expected = targets + [1e-4, 0.1, 1e-4, 0.1]
    certain = np.ones(targets.shape, dtype=bool)
    certain[9:, 2] = False  # too few
    certain[:, 3] = False
    assert_array_equal(
        find_exact(expected, targets, certain), [True, False, False, False]
    )


def make_components(n_rows=2000, seed=0):
    """A useful and two useless components, and one that is twice too large."""
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=(n_rows, 3))
    components = np.stack(
        [
            rng.normal(size=targets.shape),
            targets + rng.normal(size=targets.shape),
            2 * targets + 0.5 * rng.normal(size=targets.shape),
            rng.normal(size=targets.shape),
        ],
        axis=2,
    )
    components[:, 2] = rng.normal(size=(n_rows, 4))  # nothing helps in column 2
    return components, targets, rng.random(targets.shape) < 0.5


def test_blend_matches_least_squares():
    components, targets, counted = make_components()
    blend = fit_blend(components, targets, counted, np.arange(3))
    assert (blend >= 0).all()
    for place in range(2):
        cells = counted[:, place]
        expected = np.linalg.lstsq(components[cells, place], targets[cells, place])[0]
        assert_allclose(blend[place], np.maximum(expected, 0), atol=0.04)
    assert blend[2].sum() < 0.1  # the mean


def test_units_of_one_column_share_their_weights():
    components, targets, counted = make_components()
    blend = fit_blend(components, targets, counted, np.array([0, 1, 1]))
    assert_allclose(blend[1], blend[2])
    assert (blend[0] != blend[1]).any()


def test_without_cells_the_network_is_trusted():
    components, targets, counted = make_components(20)
    blend = fit_blend(components, targets, np.zeros_like(counted), np.arange(3))
    assert_allclose(blend, [[0, 1, 0, 0]] * 3, atol=1e-6)


def test_cross_blend_does_not_look_at_its_own_half():
    components, targets, counted = make_components(100)
    half = np.arange(100) % 2 == 0
    before = cross_blend(components, targets, counted, np.arange(3), half)
    targets[half] = 99.0
    after = cross_blend(components, targets, counted, np.arange(3), half)
    assert_allclose(before[half], after[half])


def test_column_scores_match_reference():
    layout = Layout(
        (0, 2), (1,), (2,), np.array([0, 0, 0.5, 0.5], np.float32), np.ones(3)
    )
    mean, std = layout.means, np.array([1, 1, 0.5, 0.5])
    targets = np.array([[1.0, 0, 1, -1], [-1, 0, -1, 1], [2, 0, 1, -1]])
    predicted = np.array([[0.5, 0, 0.2, -0.2], [0, 9, 0.1, -0.1], [2, 0, 1, -1]])
    counted = np.ones(targets.shape, dtype=bool)
    counted[:, 1] = False
    scores = column_scores(predicted, targets, counted, layout, mean, std)
    assert_allclose(scores, [1 - (0.25 + 1) / 6, 2 / 3, np.nan])


def test_residuals_follow_visibility_and_size_of_prediction():
    rng = np.random.default_rng(0)
    predicted = rng.uniform(-1, 1, size=(8000, 1))
    counted = np.ones(predicted.shape, dtype=bool)

    def case(visible, scale):
        noise = rng.normal(size=predicted.shape) * np.where(predicted > 0, 2, 1)
        targets = predicted + scale * noise
        return visible, predicted, targets, counted, np.ones(targets.shape)

    residuals = Residuals().fit([case(0.8, 1.0), case(0.4, 3.0)], 1)
    ranks = rng.random((4000, 1))

    def spread(prediction, visible):
        rows, visible = np.full((4000, 1), prediction), np.full(4000, visible)
        return residuals.at(ranks, rows, visible, np.ones((4000, 1))).std()

    assert_allclose(spread(-0.8, 1.0), 1, atol=0.1)
    assert_allclose(spread(0.8, 1.0), 2, atol=0.2)
    assert_allclose(spread(-0.8, 0.4), 3, atol=0.3)
    assert_allclose(spread(-0.8, 0.6), 2, atol=0.2)
    middle = residuals.at(
        np.full((1, 1), 0.5), np.zeros((1, 1)), np.ones(1), np.ones((1, 1))
    )
    assert abs(middle[0, 0]) < 0.2


def test_errors_of_few_cells_may_be_larger_or_smaller():
    """The posterior of a normal variance: n / chi^2_n, with mean n / (n - 2)."""
    rng = np.random.default_rng(0)
    errors = rng.normal(size=(400, 2))
    counted = np.ones(errors.shape, dtype=bool)
    counted[12:, 0] = False
    ones = np.ones_like(errors)
    cases = [(1.0, np.zeros_like(errors), errors, counted, ones)]
    residuals = Residuals().fit(cases, 2)
    assert_array_equal(residuals.n_cells_, [[12, 400]])
    variances = residuals.draw_scales(50000, rng) ** 2
    assert_allclose(variances.mean(axis=0), [12 / 10, 400 / 398], rtol=0.01)
    assert_allclose(variances[:, 1].std(), np.sqrt(2 / 400), rtol=0.05)
    nothing = Residuals().fit([(1.0, errors, errors, counted & False, ones)], 2)
    assert np.isfinite(nothing.draw_scales(3, rng)).all()


def test_errors_are_of_the_size_that_each_cell_was_thought_to_have():
    rng = np.random.default_rng(0)
    spread = np.exp(rng.uniform(-3, 0, size=(4000, 2)))
    # The first column errs by its spread, the second by one size.
    scale = spread * [[1.0, 0.0]] + [[0.0, 0.5]]
    zeros, errors = np.zeros(spread.shape), scale * rng.normal(size=spread.shape)
    every = np.ones(spread.shape, dtype=bool)
    residuals = Residuals().fit([(0.5, zeros, errors, every, spread)], 2)
    assert_array_equal(residuals.powers_, [1, 0])
    ranks, visible = rng.random((4000, 2)), np.full(4000, 0.5)
    for guess in (0.1, 1.0):
        drawn = residuals.at(ranks, zeros, visible, np.full((4000, 2), guess))
        assert_allclose(drawn.std(axis=0), [guess, 0.5], rtol=0.1)


def test_where_no_error_was_seen_the_other_case_or_a_normal_one_stands_in():
    rng = np.random.default_rng(0)
    zeros, errors = np.zeros((400, 2)), 3 * rng.normal(size=(400, 2))
    seen = np.ones((400, 2), dtype=bool) & [[True, False]]
    ones = np.ones((400, 2))
    cases = [(0.9, zeros, errors, seen & False, ones), (0.5, zeros, errors, seen, ones)]
    residuals = Residuals().fit(cases, 2)
    ranks, spread = rng.random((4000, 2)), np.full((4000, 2), 1.0)
    drawn = residuals.at(ranks, np.zeros((4000, 2)), np.full(4000, 0.9), spread)
    assert_allclose(drawn.std(axis=0), [3, 1], rtol=0.1)


@pytest.mark.parametrize(("n_members", "n_rows"), [(8, 800), (4, 800), (4, 8000)])
def test_fits_are_made_to_vary_as_fits_to_other_rows(n_members, n_rows):
    """Means of rows: of other rows, they would have the variance 1 / n_rows."""
    rng = np.random.default_rng(0)
    factors = jackknife_factors(n_members, 8, n_rows)
    found = []
    for _ in range(1000):
        rows = rng.normal(size=n_rows)
        seen = [np.delete(rows, np.s_[fold::8]) for fold in range(n_members)]
        means = np.array([rng.permutation(part)[:4000].mean() for part in seen])
        found.append(np.sum((factors * (means - means.mean())) ** 2))
    assert_allclose(np.mean(found) * n_rows, 1, atol=0.25)


def test_members_that_leave_out_the_same_count_once():
    factors = jackknife_factors(5, 3, 30)
    assert_allclose(factors, [1, 1, 1, 0, 0])
