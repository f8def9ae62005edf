"""A head on any network."""

import numpy as np
import torch

from skmae.data.codec import Layout
from skmae.networks.mlp import MaskedMLP
from skmae.semi_supervised.heads import HeadedNetwork, ValueLoss

LAYOUT = Layout(
    (0, 1, 2), (), (), means=np.zeros(3, np.float32), stds=np.ones(3, np.float32)
)
BODY = {
    "layout": LAYOUT,
    "n_components": 4,
    "hidden_layer_sizes": (8,),
    "activation": "gelu",
    "output_activation": "identity",
    "batch_norm": False,
    "fill": "mean",
    "indicator": False,
    "piecewise_linear": False,
    "seed": 0,
}


def test_a_head_reads_the_code():
    net = HeadedNetwork(MaskedMLP(**BODY), n_components=4, n_outputs=2)
    values = torch.tensor([[1.0, -2.0, 0.5], [0.0, 1.0, 2.0]])
    hidden = torch.tensor([[False, True, False], [False, False, False]])
    outputs, cells = net(values, hidden)
    assert cells is None
    assert (outputs == 0).all()  # nothing solved yet
    weights, biases = np.arange(8.0).reshape(2, 4), np.array([1.0, -1.0])
    net.set_head(weights, biases)
    outputs, cells = net(values, hidden, with_cells=True)
    code = net.encode(values, hidden)
    expected = code @ torch.tensor(weights.T, dtype=torch.float32) + torch.tensor(
        biases, dtype=torch.float32
    )
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(cells, MaskedMLP(**BODY)(values, hidden))


def test_hidden_cells_are_not_looked_at():
    net = HeadedNetwork(MaskedMLP(**BODY), n_components=4, n_outputs=2)
    net.set_head(np.ones((2, 4)), np.zeros(2))
    hidden = torch.tensor([[True, False, False]])
    first, _ = net(torch.tensor([[torch.nan, 1.0, 2.0]]), hidden)
    second, _ = net(torch.tensor([[5.0, 1.0, 2.0]]), hidden)
    assert torch.equal(first, second)


def test_values_that_are_not_known_cost_nothing():
    outputs = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    targets = torch.tensor([[0.0, torch.nan], [3.0, 2.0], [torch.nan, torch.nan]])
    weight = torch.tensor([2.0, 1.0, 1.0])
    loss = ValueLoss()(outputs, targets, weight)
    # Of the known ones, the weighted mean.
    torch.testing.assert_close(loss.item(), (2 * 1 + 0 + 4) / (2 + 1 + 1))
    loss.backward()
    expected = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    torch.testing.assert_close(outputs.grad, expected)
    nothing = ValueLoss()(outputs, torch.full((3, 2), torch.nan), weight)
    assert nothing.item() == 0
