"""The multilayer perceptron and what corrupts its input."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from skmae._random import torch_generator
from skmae.data.codec import Layout
from skmae.networks.corruption import CellCorruption
from skmae.networks.mlp import MaskedMLP

MIXED = Layout(
    numeric=(0, 2),
    categorical=(1,),
    cardinalities=(3,),
    means=np.array([3.0, -2.0, 0.2, 0.3, 0.5], dtype=np.float32),
    stds=np.array([1.0, 0.8, 2.0], dtype=np.float32),
)


def make_mlp(**params):
    settings = {
        "layout": MIXED,
        "n_components": 6,
        "hidden_layer_sizes": (8, 7),
        "activation": "gelu",
        "output_activation": "identity",
        "batch_norm": False,
        "fill": "mean",
        "indicator": True,
        "piecewise_linear": False,
        "seed": 0,
    }
    return MaskedMLP(**(settings | params))


def rows(n_rows=5):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(n_rows, 3)).astype(np.float32)
    values[:, 1] = rng.integers(0, 3, n_rows)
    return torch.from_numpy(values), torch.from_numpy(rng.random((n_rows, 3)) < 0.4)


def test_forward_is_decode_after_encode():
    mlp = make_mlp()
    values, hidden = rows()
    code = mlp.encode(values, hidden)
    assert code.shape == (5, 6)
    assert torch.equal(mlp.decode(code), mlp(values, hidden))
    assert mlp(values, hidden).shape == (5, 5)


def test_decoder_mirrors_the_encoder():
    def widths(part):
        return [
            (m.in_features, m.out_features) for m in part if hasattr(m, "in_features")
        ]

    mlp = make_mlp()
    assert widths(mlp.encoder) == [(8, 8), (8, 7), (7, 6)]
    assert widths(mlp.decoder) == [(6, 7), (7, 8), (8, 5)]


def test_seed_sets_weights_and_nothing_global_moves():
    before = torch.random.get_rng_state()
    one, same, other = make_mlp(), make_mlp(), make_mlp(seed=1)
    values, hidden = rows()
    assert torch.equal(one(values, hidden), same(values, hidden))
    assert not torch.equal(one(values, hidden), other(values, hidden))
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(("name", "low"), [("sigmoid", 0.0), ("tanh", -1.0)])
def test_output_activation_bounds_numbers_only(name, low):
    values, hidden = rows()
    mlp = make_mlp(output_activation=name)
    with torch.no_grad():
        mlp.decoder[-1].weight.mul_(100)
    out = mlp(values, hidden)
    assert out[:, :2].min() >= low
    assert out[:, :2].max() <= 1
    assert out[:, 2:].abs().max() > 1


@pytest.mark.parametrize("batch_norm", [False, True])
def test_normalisation(batch_norm):
    kinds = {
        type(module).__name__ for module in make_mlp(batch_norm=batch_norm).modules()
    }
    assert ("BatchNorm1d" in kinds) == batch_norm
    assert ("LayerNorm" in kinds) != batch_norm


def test_swap_takes_the_column_of_another_row():
    values = torch.arange(12, dtype=torch.float32).reshape(4, 3)
    swapped = CellCorruption("swap", MIXED)(values, torch_generator(0))
    for j in range(3):
        assert set(swapped[:, j].tolist()) <= set(values[:, j].tolist())
    assert (swapped != values).all()
    alone = CellCorruption("swap", MIXED)(values[:1], torch_generator(0))
    assert torch.isnan(alone).all()


def test_noise_has_the_columns_mean_and_spread():
    noise = CellCorruption("noise", MIXED)(torch.zeros(20000, 3), torch_generator(0))
    np.testing.assert_allclose(noise[:, [0, 2]].mean(dim=0), [3, -2], atol=0.06)
    np.testing.assert_allclose(noise[:, [0, 2]].std(dim=0), [1, 2], atol=0.06)
    assert_array_equal(np.unique(noise[:, 1]), [0, 1, 2])


@pytest.mark.parametrize("fill", ["mean", "zero"])
def test_networks_side_by_side_begin_as_copies(fill):
    mlp = make_mlp(fill=fill, hidden_layer_sizes=(8, 9))
    members = mlp.side_by_side(3)
    values, hidden = rows(12)
    code = members.encode(values, hidden)
    assert code.shape == (3, 4, 6)
    torch.testing.assert_close(code.flatten(0, 1), mlp.encode(values, hidden))
    torch.testing.assert_close(members.decode(code), mlp(values, hidden))
    with torch.no_grad():
        for weights in members.parameters():
            weights[1] += 1.0
    other = members.encode(values, hidden)
    torch.testing.assert_close(other[::2], code[::2])
    assert not torch.isclose(other[1], code[1]).all()


@pytest.mark.parametrize("params", [{"batch_norm": True}, {"fill": "learned"}])
def test_networks_that_share_something_are_not_side_by_side(params):
    assert make_mlp(**params).side_by_side(2) is None
