"""The imputer's network: bins, values, members, blend and loss."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch.nn import functional as F

from skmae._random import torch_generator
from skmae.data.codec import Layout
from skmae.imputation.network import ImputationLoss, ImputationNetwork
from skmae.networks.bins import Bins, make_bins, make_edges
from skmae.networks.em import fit_gaussian
from skmae.networks.piecewise import PiecewiseLinear
from skmae.networks.standardised import standardise, value_stds

MIXED = Layout(
    numeric=(0, 2),
    categorical=(1,),
    cardinalities=(3,),
    means=np.array([3.0, -2.0, 0.2, 0.3, 0.5], dtype=np.float32),
    stds=np.array([1.0, 0.8, 2.0], dtype=np.float32),
)


def mixed_rows(n_rows=40, seed=0):
    rng = np.random.default_rng(seed)
    values = np.empty((n_rows, 3), dtype=np.float32)
    values[:, 0] = 3 + rng.normal(size=n_rows)
    values[:, 1] = rng.integers(0, 3, n_rows)
    values[:, 2] = -2 + 2 * (values[:, 0] - 3) + 0.1 * rng.normal(size=n_rows)
    return values


def make_network(values, n_members=2, architecture="mlp", widths=(16, 12)):
    standard = standardise(values, MIXED)
    bounds, centers = make_bins(standard[:, :2], 8)
    network = ImputationNetwork(
        MIXED,
        architecture,
        bounds,
        centers,
        make_edges(standard[:, :2], 6),
        n_members,
        len(values),
        widths,
        "gelu",
        seed=0,
    )
    for member in range(n_members):
        network.gaussian.set_member(member, fit_gaussian(standard, seed=member))
    rows = torch.from_numpy(standard)
    network.neighbours.set_rows(rows.nan_to_num(), ~torch.isnan(rows))
    return network


def shake(network):
    """Give the head weights, which begin at zero."""
    with torch.no_grad():
        network.body.head.weight.normal_(generator=torch_generator(1)).mul_(0.1)
    return network


# -- values and bins ---------------------------------------------------------------


def test_units_are_standardised_and_keep_holes():
    values = mixed_rows(5)
    values[0, 0] = values[1, 1] = np.nan
    standard = standardise(values, MIXED)
    assert_allclose(standard[1:, 0], values[1:, 0] - 3, rtol=1e-5)
    assert_allclose(standard[:, 1], (values[:, 2] + 2) / 2, rtol=1e-5)
    assert_array_equal(np.isnan(standard[:2]), [[1, 0, 0, 0, 0], [0, 0, 1, 1, 1]])
    assert not np.isnan(standard[2:]).any()
    indicators = standard[2:, 2:] * value_stds(MIXED)[2:] + MIXED.means[2:]
    assert_allclose(indicators, np.eye(3)[values[2:, 1].astype(int)], atol=1e-6)
    assert_array_equal(MIXED.column_of_expanded, [0, 2, 1, 1, 1])


def test_few_values_get_a_bin_each():
    column = np.array([0.0, 2.0, 2.0, 5.0, np.nan])
    bounds, centers = make_bins(column[:, None], 4)
    assert_array_equal(bounds, [[1.0, 3.5, np.inf]])
    assert_array_equal(centers, [[0.0, 2.0, 5.0, np.nan]])


def test_many_values_share_bins_of_equal_weight():
    values = np.random.default_rng(0).normal(size=(1000, 1))
    bounds, centers = make_bins(values, 10)
    index = np.searchsorted(bounds[0], values[:, 0])
    assert_array_equal(np.bincount(index), 100)
    for b in range(10):
        assert_allclose(centers[0, b], values[index == b].mean(), rtol=1e-5)


def test_skewed_column_has_no_empty_bin():
    column = np.r_[np.zeros(900), np.linspace(1, 2, 100)]
    bounds, centers = make_bins(column[:, None], 8)
    n_bins = np.isfinite(bounds).sum() + 1
    assert np.isfinite(centers[0]).sum() == n_bins
    counts = np.bincount(np.searchsorted(bounds[0], column), minlength=n_bins)
    assert counts.min() > 0


def test_expectation_over_bins():
    bounds, centers = make_bins(np.array([[0.0], [2.0], [5.0]]), 4)
    bins = Bins(bounds, centers)
    values = torch.tensor([[-1.0], [0.9], [1.1], [4.0], [9.0]])
    assert_array_equal(bins.index(values).ravel(), [0, 0, 1, 2, 2])
    logits = torch.tensor([[0.0, 0.0, 0.0, 100.0]])  # the last bin is not there
    assert_allclose(bins.mean(logits), [[7 / 3]], rtol=1e-6)


def test_reach_matches_reference():
    values = np.array([[0.0, 1.0], [1.0, 1.0], [4.0, 1.0], [np.nan, 1.0]])
    column, lower, upper = make_edges(values, 5)
    assert_array_equal(column, [0, 0])  # a constant has no bin
    reach = PiecewiseLinear(column, lower, upper, open_ended=False)
    x = torch.tensor([[2.5, 1.0], [-1.0, 1.0], [9.0, 1.0], [2.5, 1.0]])
    hidden = torch.tensor([[False] * 2] * 3 + [[True, False]])
    assert_allclose(reach(x, hidden), [[1, 0.5], [0, 0], [1, 1], [0, 0]])


# -- the network -------------------------------------------------------------------


def test_untrained_network_gives_the_gaussians_expectation():
    values = torch.from_numpy(mixed_rows())
    hidden = torch.zeros(values.shape, dtype=torch.bool)
    hidden[:20, 2] = True
    network = make_network(values.numpy()).eval()
    network.blend[:] = torch.tensor([0.0, 1.0, 0.0, 0.0])
    predicted = network.means(values, hidden)
    # column 2 follows from column 0, which stays visible
    assert (predicted[:20, 1] - values[:20, 2]).abs().mean() < 0.3
    assert torch.isfinite(predicted).all()


def test_rows_are_dealt_out_in_training():
    values = torch.from_numpy(mixed_rows(7))
    hidden = torch.zeros(values.shape, dtype=torch.bool)
    hidden[:, 0] = True
    network = shake(make_network(values.numpy()))
    together = network.train()(values, hidden)
    assert len(together) == 7
    alone = network._predict(*network._inputs(values, hidden, dealt=False))
    expected = torch.cat([alone[0, :4], alone[1, 4:]])
    torch.testing.assert_close(together, expected)


def test_members_differ_and_their_mean_is_blended():
    values = torch.from_numpy(mixed_rows(9))
    hidden = torch.rand(values.shape, generator=torch_generator(0)) < 0.5
    network = shake(make_network(values.numpy())).eval()
    components = network.components(values, hidden, dealt=False)
    assert components.shape == (2, 9, 5, 3)
    assert (components[0] != components[1]).any()
    network.blend[0] = torch.tensor([0.2, 0.3, 0.4, 0.3])
    network.blend[1] = torch.tensor([0.5, 0.0, 0.1, 0.2])
    network.blend_visible[:] = torch.tensor([0.8, 0.2])
    visible = 1 - hidden.float().mean(dim=1)
    share = ((visible - 0.2) / 0.6).clamp(0, 1)[:, None, None]
    blend = share * network.blend[0] + (1 - share) * network.blend[1]
    components = network.with_neighbours(components.mean(dim=0), values, hidden)
    standard = (components * blend).sum(dim=2)
    numbers = standard[:, :2] * network.std[:2] + network.mean[:2]
    torch.testing.assert_close(network.means(values, hidden)[:, :2], numbers)


def test_what_stands_in_hidden_cells_is_not_seen():
    values = torch.from_numpy(mixed_rows(9))
    hidden = torch.rand(values.shape, generator=torch_generator(0)) < 0.5
    network = shake(make_network(values.numpy())).eval()
    with_nan = values.masked_fill(hidden, torch.nan)
    assert torch.equal(network.means(values, hidden), network.means(with_nan, hidden))


def test_ranks_are_uniform_and_hang_together():
    values = mixed_rows(2000)
    network = make_network(values).eval()
    hidden = torch.zeros(values.shape, dtype=torch.bool)
    hidden[:, [0, 2]] = True
    ranks = network.ranks(torch.from_numpy(values), hidden, 3, torch_generator(0))
    assert ranks.shape == (3, 2000, 5)
    for place in (0, 1):
        counts = np.histogram(ranks[:, :, place].numpy(), bins=5, range=(0, 1))[0]
        assert_allclose(counts / 6000, 0.2, atol=0.02)
    assert np.corrcoef(ranks[0, :, 0], ranks[0, :, 1])[0, 1] > 0.9


@pytest.mark.parametrize("with_missing", [False, True])
def test_loss_matches_reference(with_missing):
    values = mixed_rows(12)
    rng = np.random.default_rng(1)
    hidden = rng.random(values.shape) < 0.5
    observed = None
    if with_missing:
        gaps = rng.random(values.shape) < 0.3
        hidden &= ~gaps
        values[gaps] = np.nan
        observed = torch.from_numpy(~gaps)
    standard = standardise(values, MIXED)
    bounds, centers = make_bins(standard[:, :2], 4)
    predicted = torch.from_numpy(rng.normal(size=(12, 5 + 8)).astype(np.float32))
    total = 0.0
    bins = Bins(bounds, centers)
    for i, j in zip(*np.nonzero(hidden), strict=True):
        if j == 1:
            target = torch.tensor(int(values[i, 1]))
            total += F.cross_entropy(predicted[i, 2:5], target)
            continue
        place = 0 if j == 0 else 1
        total += (predicted[i, place] - standard[i, place]) ** 2
        logits = bins.log_probabilities(predicted[i : i + 1, 5:])[0, place]
        chosen = np.searchsorted(bounds[place], standard[i, place])
        total -= 0.2 * logits[chosen]
    loss = ImputationLoss(MIXED, bounds, centers)(
        predicted, torch.from_numpy(values), torch.from_numpy(hidden), observed
    )
    assert_allclose(loss, total / hidden.sum(), rtol=1e-5)


def test_predictions_move_with_the_gaussians():
    """As far as the blend trusts what moves."""
    values = mixed_rows()
    network = shake(make_network(values, n_members=3)).eval()
    for member in range(3):
        part = standardise(values[member * 10 :], MIXED)
        network.gaussian.set_member(member, fit_gaussian(part, seed=0))
    network.blend[0], network.blend[1] = 0.3, 0.2
    hidden = torch.zeros(len(values), 3, dtype=torch.bool)
    hidden[:, 2] = True
    network.jackknife[:] = torch.tensor([0.5, 0.5, 0.0])
    normal = torch.tensor([[1.0, -1.0, 7.0], [0.5, 2.0, -1.0]])
    given = torch.from_numpy(values)
    with torch.no_grad():
        gaussian = network.components(given, hidden, dealt=False)[:, :, 1, 0]
        moves = network.moves(given, hidden)
    shifts = torch.einsum("sm,mnu->snu", normal, moves)
    share = network.visible_share(torch.full((len(values),), 2 / 3))
    trust = 0.8 + share * 0.4
    half = (gaussian[0] - gaussian[1]) / 2
    expected = torch.stack([half, -0.75 * half]) * trust
    assert_allclose(shifts[:, :, 1], expected, atol=1e-5)
    assert shifts[:, :, 1].abs().mean() > 1e-3
