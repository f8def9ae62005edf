"""Gaussians fitted to rows with holes, against plain loops."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from skmae._random import torch_generator
from skmae.networks import em
from skmae.networks.em import Gaussian, conditional_maps, fit_gaussian
from skmae.networks.gaussian import GaussianMembers


def make_rows(n_rows=400, n_columns=5, missing=0.3, seed=0):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(n_columns, n_columns))
    complete = rng.normal(size=(n_rows, n_columns)) @ mixing
    complete = (complete - complete.mean(axis=0)) / complete.std(axis=0)
    return complete, np.where(rng.random(complete.shape) < missing, np.nan, complete)


def expected_by_hand(mean, covariance, row):
    """Reference: one row's conditional mean, covariance and nothing clever."""
    seen = ~np.isnan(row)
    expected, uncertain = row.copy(), np.zeros_like(covariance)
    hidden = ~seen
    if hidden.any():
        regression = np.zeros((hidden.sum(), seen.sum()))
        if seen.any():
            inverse = np.linalg.inv(covariance[np.ix_(seen, seen)])
            regression = covariance[np.ix_(hidden, seen)] @ inverse
        expected[hidden] = mean[hidden] + regression @ (row[seen] - mean[seen])
        uncertain[np.ix_(hidden, hidden)] = (
            covariance[np.ix_(hidden, hidden)]
            - regression @ covariance[np.ix_(seen, hidden)]
        )
    return expected, uncertain


def left_out_by_hand(mean, unscaled, values, part):
    """Reference: each cell's variance given its row, by a fit without the row."""
    n_rows, n_columns = values.shape
    together = {k: [k] for k in range(n_columns)}
    if part is not None:
        together |= {k: list(range(part.start, part.stop)) for k in together if k >= 2}
    total, weight = np.zeros(n_columns), np.zeros(n_columns)
    for row in values:
        seen = np.flatnonzero(~np.isnan(row))
        x = (row - mean)[seen]
        whole = unscaled[np.ix_(seen, seen)]
        without = whole - np.outer(x, x) / n_rows
        for k in seen:
            others = ~np.isin(seen, together[k])
            position = list(seen).index(k)
            errors, variances = [], []
            for matrix in (without, whole):
                shared = matrix[np.ix_([position], others)]
                regression = shared @ np.linalg.inv(matrix[np.ix_(others, others)])
                errors.append((x[position] - regression @ x[others])[0])
                variances.append(
                    (matrix[position, position] - regression @ shared.T)[0, 0]
                )
            total[k] += (errors[0] / variances[1]) ** 2
            weight[k] += 1 / variances[1] ** 2
    return total / weight


def em_by_hand(values, n_iterations, part=None):
    """Reference: textbook EM, row by row, held back like ours."""
    n_rows, n_columns = values.shape
    mean, covariance, unscaled = (
        np.zeros(n_columns),
        np.eye(n_columns),
        np.eye(n_columns),
    )
    for _ in range(n_iterations):
        noise = left_out_by_hand(mean, unscaled, values, part)
        moments = [expected_by_hand(mean, covariance, row) for row in values]
        rows = np.stack([expected for expected, _ in moments])
        mean = rows.mean(axis=0)
        covariance = (rows - mean).T @ (rows - mean)
        covariance += sum(uncertain for _, uncertain in moments)
        covariance /= n_rows
        variances = np.diag(covariance)
        made_up = 2 * n_columns / n_rows * np.minimum(noise, variances)
        unscaled = covariance + np.diag(made_up)
        scale = np.sqrt(variances / (variances + made_up))
        covariance = unscaled * scale[:, None] * scale
    return mean, covariance


def test_conditional_maps_match_reference():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    covariance = root @ root.T + np.eye(4)
    visible = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]], dtype=bool)
    row = rng.normal(size=4)
    for matrix, seen in zip(
        conditional_maps(covariance, visible), visible, strict=True
    ):
        expected, _ = expected_by_hand(
            np.zeros(4), covariance, np.where(seen, row, np.nan)
        )
        assert_allclose(matrix @ row, expected, atol=1e-10)


@pytest.mark.parametrize("few_patterns", [False, True])
def test_em_matches_reference(few_patterns):
    complete, values = make_rows(n_rows=60)
    if few_patterns:
        values = complete.copy()
        values[:30, 1] = np.nan
        values[20:40, 3] = np.nan
    gaussian = fit_gaussian(values, seed=0, n_iterations=4)
    mean, covariance = em_by_hand(values, 4)
    assert_allclose(gaussian.mean, mean, atol=1e-10)
    assert_allclose(gaussian.covariance, covariance, atol=1e-8)


def test_indicators_of_a_category_say_nothing_of_each_other():
    rng = np.random.default_rng(0)
    category = rng.integers(0, 3, 60)
    values = np.hstack([rng.normal(size=(60, 2)), np.eye(3)[category] - 1 / 3])
    values[:, 0] += category
    values[:5, 2:] = np.nan
    part = slice(2, 5)
    gaussian = fit_gaussian(values, seed=0, parts=[part], n_iterations=3)
    mean, covariance = em_by_hand(values, 3, part)
    assert_allclose(gaussian.mean, mean, atol=1e-10)
    assert_allclose(gaussian.covariance, covariance, atol=1e-8)


def given_the_rest_by_hand(covariance, row, part):
    """Reference: errors of visible cells given the others, and their precisions."""
    seen = np.flatnonzero(~np.isnan(row))
    precision = np.linalg.inv(covariance[np.ix_(seen, seen)])
    weights = precision @ row[seen]
    errors, precisions = np.zeros((2, len(row)))
    for place, column in enumerate(seen):
        block = np.array([place])
        if part.start <= column < part.stop:
            block = np.flatnonzero((seen >= part.start) & (seen < part.stop))
        variances = np.linalg.inv(precision[np.ix_(block, block)])
        own = np.flatnonzero(block == place)[0]
        errors[column] = variances[own] @ weights[block]
        precisions[column] = 1 / variances[own, own]
    return errors, precisions


@pytest.mark.parametrize("width", [10, em.N_FACTORS + 10])
def test_categories_among_many_columns_match_reference(width):
    rng = np.random.default_rng(0)
    n_rows, n_columns, part = 8, 80, slice(30, 30 + width)
    loadings = 0.5 * rng.normal(size=(n_columns, em.N_FACTORS))
    noise = rng.uniform(0.2, 1.0, n_columns)
    seen = (rng.random((n_rows, n_columns)) > 0.2).astype(float)
    seen[:, part] = seen[:, [part.start]]
    assert 0 < seen[:, part.start].sum() < n_rows
    deviations = rng.normal(size=seen.shape) * seen
    scores, uncertain = em._posterior(loadings, noise, deviations, seen)
    weights = (deviations - scores @ loadings.T * seen) / noise
    precisions, part_given = em._precisions(loadings, noise, uncertain, seen)
    found = em._given_the_rest(weights, precisions, [part], part_given)
    covariance = loadings @ loadings.T + np.diag(noise)
    for i, row in enumerate(np.where(seen > 0, deviations, np.nan)):
        errors, precisions = given_the_rest_by_hand(covariance, row, part)
        assert_allclose(found[0][i], errors, atol=1e-10)
        assert_allclose(found[1][i], precisions, atol=1e-10)


def left_out_error(complete, n_fitted, column):
    """Error of one column on rows left out, in standard deviations."""
    complete = (complete - complete.mean(axis=0)) / complete.std(axis=0)
    gaussian = fit_gaussian(complete[:n_fitted], seed=0)
    new = complete[n_fitted:].copy()
    new[:, column] = np.nan
    expected = np.stack(
        [expected_by_hand(gaussian.mean, gaussian.covariance, row)[0] for row in new]
    )
    return rms(expected[:, column] - complete[n_fitted:, column])


def rms(errors):
    return np.sqrt(np.mean(errors**2))


@pytest.mark.parametrize("n_columns", [12, em.MAX_FULL + 20], ids=["full", "factors"])
def test_exact_columns_are_found_and_noise_is_not(n_columns):
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(90, 3)) @ rng.normal(size=(3, n_columns))
    assert left_out_error(mixed, 60, 0) < 1e-4
    errors = [left_out_error(rng.normal(size=(90, n_columns)), 60, 0) for _ in range(5)]
    assert np.mean(errors) < 1.1


def test_an_exact_pair_among_noise():
    rng = np.random.default_rng(0)
    pair = rng.normal(size=(300, 1)) * [1.0, 2.54]
    complete = np.hstack([pair, rng.normal(size=(300, 10))])
    assert left_out_error(complete, 200, 0) < 1e-4
    assert left_out_error(complete, 200, 5) < 1.1


def test_blocks_of_rows_add_up(monkeypatch):
    _, values = make_rows(n_rows=60)
    whole = fit_gaussian(values, seed=0, n_iterations=3)
    monkeypatch.setattr(em, "_BLOCK_CELLS", 175)
    blocks = fit_gaussian(values, seed=0, n_iterations=3)
    assert_allclose(blocks.covariance, whole.covariance, atol=1e-8)


def test_means_are_right_though_high_values_are_missing():
    """Missing at random: column 1 is missing where column 0 is high."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=3000)
    y = 0.9 * x + 0.3 * rng.normal(size=3000)
    values = np.stack([x, np.where(x > 0.3, np.nan, y)], axis=1)
    gaussian = fit_gaussian(values, seed=0)
    assert np.nanmean(values[:, 1]) < -0.4
    assert abs(gaussian.mean[1] - y.mean()) < 0.05


def test_factors_explain_a_wide_table():
    rng = np.random.default_rng(0)
    n_columns = em.MAX_FULL + 20
    loadings = rng.normal(size=(n_columns, 3))
    complete = rng.normal(size=(300, 3)) @ loadings.T
    complete += 0.3 * rng.normal(size=complete.shape)
    complete = (complete - complete.mean(axis=0)) / complete.std(axis=0)
    hidden = rng.random(complete.shape) < 0.3
    gaussian = fit_gaussian(np.where(hidden, np.nan, complete), seed=0)
    assert gaussian.loadings.shape == (n_columns, em.N_FACTORS)
    errors = [
        (expected_by_hand(gaussian.mean, gaussian.covariance, row)[0] - truth)[gaps]
        for row, truth, gaps in zip(
            np.where(hidden, np.nan, complete), complete, hidden, strict=True
        )
    ]
    assert np.mean(np.concatenate(errors) ** 2) < 0.12


def test_unobserved_column_stays_standard():
    _, values = make_rows()
    values[:, 2] = np.nan
    gaussian = fit_gaussian(values, seed=0)
    assert_allclose(gaussian.mean[2], 0)
    assert_allclose(gaussian.covariance[2], np.eye(5)[2], atol=1e-6)


def random_gaussian(n_columns, seed):
    rng = np.random.default_rng(seed)
    n_factors, noise = em.n_loadings(n_columns), np.full(n_columns, 0.5)
    if em.is_full(n_columns):
        noise[:] = 0.0
    loadings = rng.normal(size=(n_columns, n_factors)) / np.sqrt(n_factors)
    loadings[:, :n_columns] += np.eye(n_columns)[:, :n_factors]
    return Gaussian(rng.normal(size=n_columns), loadings, noise)


@pytest.mark.parametrize("n_columns", [6, em.MAX_FULL + 2], ids=["full", "factors"])
def test_members_match_reference(n_columns):
    gaussians = [random_gaussian(n_columns, seed) for seed in range(2)]
    members = GaussianMembers(2, n_columns)
    for k, gaussian in enumerate(gaussians):
        members.set_member(k, gaussian)
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(2, 7, n_columns)).astype(np.float32)
    visible = rng.random(rows.shape) < 0.6
    visible[0, 0] = False
    shown = torch.from_numpy(visible).float()
    expected = members(torch.from_numpy(rows), shown).numpy()
    std = members.conditional_std(shown).numpy()
    for k, i in np.ndindex(2, 7):
        row = np.where(visible[k, i], rows[k, i], np.nan)
        by_hand, uncertain = expected_by_hand(
            gaussians[k].mean, gaussians[k].covariance, row
        )
        hidden = ~visible[k, i]
        assert_allclose(expected[k, i][hidden], by_hand[hidden], atol=2e-4)
        assert_allclose(
            std[k, i][hidden], np.sqrt(np.diag(uncertain)[hidden]), atol=1e-3
        )


def test_draws_have_mean_and_covariance():
    gaussian = random_gaussian(3, seed=0)
    members = GaussianMembers(2, 3)
    for k in range(2):
        members.set_member(k, gaussian)
    rows = members.draw(20000, torch_generator(0)).flatten(0, 1).double()
    assert_allclose(rows.mean(dim=0), gaussian.mean, atol=0.05)
    assert_allclose(rows.T.cov(), gaussian.covariance, atol=0.1)


def test_a_mask_that_rows_have_in_common_changes_no_bit():
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(60, 4)) @ rng.normal(size=(4, 6))).astype(np.float32)
    rows += 0.1 * rng.normal(size=rows.shape).astype(np.float32)
    members = GaussianMembers(2, 6)
    for member in range(2):
        members.set_member(member, random_gaussian(6, seed=member))
    values = torch.from_numpy(rows).expand(2, -1, -1)
    alike = torch.tensor([1.0, 0, 1, 1, 0, 1]).expand(2, 60, -1)
    unlike = alike.clone()
    unlike[:, -1, 0] = 0.0
    for ask in (lambda seen: members(values, seen), members.conditional_std):
        assert torch.equal(ask(alike)[:, :-1], ask(unlike)[:, :-1])


@pytest.mark.parametrize("n_columns", [5, em.MAX_FULL + 2])
def test_what_steps_share_is_of_the_gaussians_as_they_are(n_columns):
    first, second = (
        fit_gaussian(make_rows(n_columns=n_columns, seed=seed)[1], seed=0)
        for seed in (0, 1)
    )
    generator = torch_generator(0)
    values = torch.randn(1, 7, n_columns, generator=generator)
    visible = (torch.rand(1, 7, n_columns, generator=generator) > 0.5).float()
    members = GaussianMembers(1, n_columns).train()
    members.set_member(0, first)
    of_first = members(values, visible)
    assert torch.equal(members(values, visible), of_first)
    members.set_member(0, second)
    of_second = members(values, visible)
    assert not torch.allclose(of_second, of_first)
    members.eval()
    torch.testing.assert_close(members(values, visible), of_second)
    members.load_state_dict(GaussianMembers(1, n_columns).state_dict())
    assert not torch.allclose(members(values, visible), of_second)


def test_matrices_without_a_factor_are_inverted_all_the_same():
    covariance = np.array([[1.0, 2.0], [2.0, 1.0]])  # as only rounding errors make it
    visible = np.array([[True, True], [True, False]])
    maps = conditional_maps(covariance, visible)
    assert_allclose(maps[0], np.eye(2), atol=1e-12)
    assert_allclose(maps[1], [[1, 0], [2, 0]], atol=1e-12)
