"""Input layer and embeddings against plain-numpy references."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skmae._random import torch_generator
from skmae.data.codec import Layout
from skmae.networks.layers import InputLayer, linear
from skmae.networks.piecewise import PiecewiseLinear, bins_between

NUMBERS = Layout(
    numeric=(0, 1, 2),
    categorical=(),
    cardinalities=(),
    means=np.array([0.5, -1.0, 2.0], dtype=np.float32),
    stds=np.ones(3, dtype=np.float32),
    edges=np.array([[0, 1, 2], [-1, 0, 5], [3, 3, 4]], dtype=np.float32),
)
MIXED = Layout(
    numeric=(0, 2),
    categorical=(1,),
    cardinalities=(3,),
    means=np.array([0.5, 2.0, 0.2, 0.3, 0.5], dtype=np.float32),
    stds=np.ones(3, dtype=np.float32),
    edges=np.array([[0, 1, 2], [3, 3, 4]], dtype=np.float32),
)


def embed_by_hand(x, edges):
    """Reference: one number after the other, one bin after the other."""
    n_rows, n_columns = x.shape
    n_bins = edges.shape[1] - 1
    out = np.zeros((n_rows, n_columns, n_bins))
    for j in range(n_columns):
        real = [t for t in range(n_bins) if edges[j, t + 1] > edges[j, t]]
        for i in range(n_rows):
            for t in real:
                low, high = edges[j, t], edges[j, t + 1]
                reach = (x[i, j] - low) / (high - low)
                if t != real[0]:
                    reach = max(reach, 0.0)
                if t != real[-1]:
                    reach = min(reach, 1.0)
                out[i, j, t] = reach
    return out.reshape(n_rows, -1)


def test_piecewise_linear_embedding_matches_reference():
    rng = np.random.default_rng(0)
    edges = np.sort(rng.normal(size=(4, 7)), axis=1)
    edges[1, 2:4] = edges[1, 2]  # an empty bin inside
    edges[2, :3] = edges[2, 0]  # empty bins at the start
    edges[3, 4:] = edges[3, 4]  # and at the end
    edges = edges.astype(np.float32)
    x = rng.normal(scale=2, size=(50, 4)).astype(np.float32)
    ours = PiecewiseLinear(*bins_between(edges), open_ended=True)(
        torch.from_numpy(x), torch.zeros(x.shape, dtype=torch.bool)
    )
    assert_allclose(ours.numpy(), embed_by_hand(x, edges), rtol=2e-4, atol=1e-4)


def test_embedding_of_a_constant_column_is_zero():
    bins = bins_between(np.full((1, 4), 2.0, dtype=np.float32))
    embedding = PiecewiseLinear(*bins, open_ended=True)
    x = torch.tensor([[1.0], [2.0], [9.0]])
    hidden = torch.zeros(x.shape, dtype=torch.bool)
    assert_array_equal(embedding(x, hidden), np.zeros((3, 3)))


def test_linear_is_torch_s_own_up_to_the_generator():
    layer, peer = linear(40, 30, torch_generator(0)), torch.nn.Linear(40, 30)
    assert_allclose(layer.weight.std().item(), peer.weight.std().item(), rtol=0.1)
    assert layer.weight.abs().max() <= 1 / np.sqrt(40)


@pytest.mark.parametrize("fill", ["mean", "zero", "learned"])
def test_hidden_numbers_become_the_fill(fill):
    values = torch.tensor([[1.0, 2.0, torch.nan], [4.0, 5.0, 6.0]])
    hidden = torch.tensor([[False, True, True], [False, False, True]])
    layer = InputLayer(NUMBERS, fill, indicator=True, piecewise_linear=False)
    out = layer(values, hidden).detach().numpy()
    m = np.zeros(3) if fill == "zero" else NUMBERS.means  # learned begins at the mean
    expected = [[1, m[1], m[2], 0, 1, 1], [4, 5, m[2], 0, 0, 1]]
    assert_allclose(out, expected)
    assert layer.n_out == 6
    assert any(p.requires_grad for p in layer.parameters()) == (fill == "learned")


def test_masked_product_example():
    """Hiding with zeros is the product of row and visibility."""
    layout = Layout((0, 1), (), (), np.zeros(2, np.float32), np.ones(2, np.float32))
    layer = InputLayer(layout, "zero", indicator=False, piecewise_linear=False)
    out = layer(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), ~torch.eye(2, dtype=torch.bool))
    assert_array_equal(out, [[1, 0], [0, 4]])


@pytest.mark.parametrize("fill", ["mean", "zero"])
def test_categories_become_indicators_or_frequencies(fill):
    values = torch.tensor([[1.0, 2.0, 7.0], [4.0, torch.nan, 6.0], [1.0, 0.0, 2.0]])
    hidden = torch.tensor([[0, 0, 0], [0, 1, 0], [1, 1, 0]], dtype=torch.bool)
    layer = InputLayer(MIXED, fill, indicator=False, piecewise_linear=False)
    m = np.zeros(5) if fill == "zero" else MIXED.means
    expected = [[1, 7, 0, 0, 1], [4, 6, *m[2:]], [m[0], 2, *m[2:]]]
    assert_allclose(layer(values, hidden), expected)


@pytest.mark.parametrize("layout", [NUMBERS, MIXED], ids=["numbers", "mixed"])
def test_hidden_cells_cannot_be_seen(layout):
    """Whatever stands in a hidden cell, NaN included, the input is the same."""
    layer = InputLayer(layout, "mean", indicator=True, piecewise_linear=True)
    rng = np.random.default_rng(0)
    values = torch.tensor([[1.0, 2.0, 7.0], [4.0, 1.0, 6.0]])
    hidden = torch.tensor([[False, True, False], [True, False, True]])
    clean = layer(values, hidden)
    assert clean.shape == (2, layer.n_out)
    for other in (rng.integers(0, 3, (2, 3)).astype(np.float32), np.nan):
        changed = torch.where(hidden, torch.as_tensor(other), values)
        assert torch.equal(layer(changed, hidden), clean)


def test_replacement_is_shown_and_its_gaps_filled():
    values = torch.tensor([[1.0, 2.0, 3.0]])
    hidden = torch.tensor([[True, True, False]])
    replacement = torch.tensor([[9.0, torch.nan, 8.0]])
    layer = InputLayer(NUMBERS, "mean", indicator=True, piecewise_linear=False)
    out = layer(values, hidden, replacement)
    assert_allclose(out, [[9, NUMBERS.means[1], 3, 1, 1, 0]])
