"""Batched members against one ordinary layer each."""

import torch
from torch import nn

from skmae._random import torch_generator
from skmae.networks.members import MemberLinear, MemberNorm


def test_member_linear_is_a_linear_layer_per_member():
    layer = MemberLinear(3, 5, 4, torch_generator(0))
    x = torch.randn(3, 7, 5, generator=torch_generator(1))
    for k, rows in enumerate(layer(x)):
        expected = nn.functional.linear(x[k], layer.weight[k].T, layer.bias[k, 0])
        torch.testing.assert_close(rows, expected)
    assert not torch.equal(layer.weight[0], layer.weight[1])


def test_member_norm_is_a_layer_norm_per_member():
    norm = MemberNorm(2, 6)
    with torch.no_grad():
        norm.scale.uniform_(generator=torch_generator(0))
        norm.shift.uniform_(generator=torch_generator(1))
    x = torch.randn(2, 9, 6, generator=torch_generator(2))
    for k, rows in enumerate(norm(x)):
        expected = nn.functional.layer_norm(
            x[k], (6,), norm.scale[k, 0], norm.shift[k, 0]
        )
        torch.testing.assert_close(rows, expected)
