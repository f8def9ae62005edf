"""Attention among visible units: against plain numpy, and what may never matter."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.special import erf, softmax

from skmae._random import torch_generator
from skmae.data.codec import Layout
from skmae.data.grid import make_grid
from skmae.networks import attention
from skmae.networks.architecture import Reading
from skmae.networks.attention import Block, TokenEncoder
from skmae.networks.masked_attention import AttentionMembers, MaskedAttention

SHAPE, PATCH = (5, 6), (2, 3)  # the lowest patches are cut off
GRID = make_grid(30, SHAPE, PATCH)
IMAGE = Layout(
    numeric=tuple(range(30)),
    categorical=(),
    cardinalities=(),
    means=np.zeros(30, dtype=np.float32),
    stds=np.ones(30, dtype=np.float32),
)
MIXED = Layout(
    numeric=(0, 2),
    categorical=(1,),
    cardinalities=(3,),
    means=np.array([3.0, -2.0, 0.2, 0.3, 0.5], dtype=np.float32),
    stds=np.array([1.0, 0.8, 2.0], dtype=np.float32),
)


def make_net(layout=IMAGE, grid=GRID, **params):
    settings = {
        "layout": layout,
        "grid": grid,
        "shared": layout is IMAGE,
        "n_components": 7,
        "hidden_layer_sizes": (16, 16),
        "pooling": "flatten",
        "activation": "gelu",
        "output_activation": "identity",
        "piecewise_linear": False,
        "seed": 0,
    }
    return MaskedAttention(**(settings | params))


def images(n_rows=8, seed=0):
    """Rows with unequally many hidden patches: values and mask."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, 30)).astype(np.float32)
    units = rng.random((n_rows, GRID.n_units)) < rng.uniform(0.1, 0.9, (n_rows, 1))
    units[:, 0] = False
    return torch.from_numpy(values), torch.from_numpy(units[:, GRID.unit_of_cell])


def test_block_is_pre_norm_attention_in_plain_numpy():
    block = Block(64, "gelu", torch_generator(0)).double()
    tokens = torch.randn(2, 5, 64, generator=torch_generator(1), dtype=torch.float64)
    seen = torch.tensor([[1, 1, 1, 0, 1], [1, 1, 0, 0, 0]], dtype=torch.bool)
    with torch.no_grad():
        out = block(tokens, seen[:, None, None, :]).numpy()

    def weights(layer):
        return layer.weight.detach().numpy().T, layer.bias.detach().numpy()

    def normalised(x):
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(
            x.var(-1, keepdims=True) + 1e-5
        )

    def linear(layer, x):
        weight, bias = weights(layer)
        return x @ weight + bias

    assert block.n_heads == 2
    for row in range(2):
        x = tokens[row].numpy()
        projected = linear(block.queries_keys_values, normalised(x))
        q, k, v = np.split(projected, 3, axis=1)
        heads = []
        for head in (slice(0, 32), slice(32, 64)):
            score = q[:, head] @ k[:, head].T / np.sqrt(32)
            score[:, ~seen[row].numpy()] = -np.inf
            heads.append(softmax(score, axis=1) @ v[:, head])
        x = x + linear(block.mix_heads, np.hstack(heads))
        inner = linear(block.inner, normalised(x))
        inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
        assert_allclose(out[row], x + linear(block.outer, inner), atol=1e-10)


def test_only_visible_tokens_enter_the_blocks():
    net = make_net().train()
    values, hidden = images()
    hidden[:] = hidden[:1]  # equally many everywhere
    n_visible = int((~hidden[0]).numpy()[np.unique(GRID.unit_of_cell, True)[1]].sum())
    shapes = []
    net.tokens.encoder.blocks[0].register_forward_hook(
        lambda module, args, out: shapes.append((tuple(args[0].shape), args[1]))
    )
    net(values, hidden)
    # and one more, that stands for the row
    assert shapes == [((8, 1 + n_visible, 16), None)]


@pytest.mark.parametrize("pooling", ["mean", "flatten"])
@pytest.mark.parametrize("equal", [True, False])
def test_a_range_that_is_known_changes_no_gradient(equal, pooling):
    values, hidden = images()
    if equal:
        hidden[:] = hidden[:1]
    counts = (~hidden)[:, np.unique(GRID.unit_of_cell, True)[1]].sum(dim=1)
    known = (int(counts.min()), int(counts.max()) + (not equal))
    results = []
    for visible_range in (None, known):
        net = make_net(pooling=pooling).train()
        net.expect_visible(visible_range)
        predicted = net(values, hidden, None, torch.arange(8) % 2 == 1)
        predicted.square().sum().backward()
        gradients = [weight.grad.numpy() for weight in net.parameters()]
        results.append([predicted.detach().numpy(), *gradients])
    for counted, expected in zip(*results, strict=True):
        assert_allclose(expected, counted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("pooling", ["mean", "flatten"])
def test_gathering_and_carrying_hidden_tokens_give_the_same(pooling):
    values, hidden = images()
    net = make_net(pooling=pooling)
    with torch.no_grad():
        gathered = net.train().encode(values, hidden)
        carried = net.eval().encode(values, hidden)
        alone = [
            net.train().encode(v[None], h[None])
            for v, h in zip(values, hidden, strict=True)
        ]
    assert_allclose(gathered, carried, atol=1e-5)
    assert_allclose(torch.cat(alone), gathered, atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "flatten"])
@pytest.mark.parametrize("training", [True, False])
def test_what_stands_in_hidden_cells_never_matters(pooling, training):
    values, hidden = images()
    net = make_net(pooling=pooling).train(training)
    one = torch.where(hidden, torch.nan, values)
    other = torch.where(hidden, 1e6, values)
    with torch.no_grad():
        assert torch.equal(net.encode(one, hidden), net.encode(other, hidden))
        assert torch.equal(net(one, hidden), net(other, hidden))
        assert torch.isfinite(net(one, hidden)).all()


def test_a_patch_partly_hidden_is_read_with_its_holes_marked():
    net = make_net().eval()
    values, hidden = images()
    hidden[:] = False
    hole = hidden.clone()
    hole[:, 0] = True
    with torch.no_grad():
        net.tokens.encoder.embed.weight.normal_(generator=torch_generator(0))
        whole, holed = net.encode(values, hidden), net.encode(values, hole)
        values[:, 0] = 0.0  # what a hole is filled with
        zero = net.encode(values, hidden)
        values[:, 0] = torch.nan
        assert torch.equal(net.encode(values, hole), holed)
    assert not torch.allclose(holed, whole)
    assert not torch.allclose(holed, zero)  # a hole is not a zero


def test_rows_of_which_nothing_is_visible():
    net = make_net().eval()
    values, hidden = images()
    hidden[:2] = True
    with torch.no_grad():
        out = net(values, hidden)
        assert torch.isfinite(out).all()
        assert torch.equal(out[0], out[1])
        assert torch.isfinite(net.train()(values, torch.ones_like(hidden))).all()


@pytest.mark.parametrize("training", [True, False])
def test_rows_may_be_decoded_from_their_codes_alone(training, monkeypatch):
    values, hidden = images()
    net = make_net().train(training)
    monkeypatch.setattr(attention, "_MOST_TOKENS", 3 * GRID.n_units)
    alone = torch.tensor([0, 1, 1, 0, 0, 0, 1, 0], dtype=torch.bool)
    with torch.no_grad():
        out = net(values, hidden, None, alone)
        decoded = net.decode(net.encode(values, hidden))
        assert_allclose(out[~alone], net(values, hidden)[~alone], atol=1e-5)
        net.tokens.decoder.from_tokens.weight.zero_()
        blind = net(values, hidden, None, alone)
    assert_allclose(out[alone], decoded[alone], atol=1e-5)
    assert not torch.allclose(out[~alone], decoded[~alone], atol=1e-3)
    assert_allclose(blind[alone], out[alone], atol=1e-5)


def test_a_row_does_not_depend_on_the_rows_beside_it():
    values, hidden = images(64)
    net = make_net().eval()
    with torch.inference_mode():
        together = net(values, hidden)
        order = torch.randperm(64, generator=torch_generator(0))
        assert torch.equal(net(values[order], hidden[order]), together[order])
        # with entirely other rows beside the first one
        others, mask = images(64, seed=1)
        others[0], mask[0] = values[0], hidden[0]
        assert torch.equal(net(others, mask)[0], together[0])


def test_many_tokens_are_taken_a_few_rows_at_a_time(monkeypatch):
    values, hidden = images(16)
    net = make_net().eval()
    with torch.inference_mode():
        whole, codes = net(values, hidden), net.encode(values, hidden)
        decoded = net.decode(codes)
        monkeypatch.setattr(attention, "_MOST_TOKENS", 5 * GRID.n_units)
        assert_allclose(net(values, hidden), whole, atol=1e-5)
        assert_allclose(net.encode(values, hidden), codes, atol=1e-5)
        assert_allclose(net.decode(codes), decoded, atol=1e-5)


def test_columns_with_categories():
    grid = make_grid(3)
    net = make_net(MIXED, grid).eval()
    rng = np.random.default_rng(0)
    values = torch.from_numpy(rng.normal(size=(6, 3)).astype(np.float32))
    values[:, 1] = torch.tensor([0, 1, 2, 0, 1, 2])
    hidden = torch.zeros(6, 3, dtype=torch.bool)
    with torch.no_grad():
        out = net(values, hidden)
        changed = values.clone()
        changed[:, 1] = (changed[:, 1] + 1) % 3
        assert not torch.allclose(net(changed, hidden), out)
        hidden[:, 1] = True
        assert torch.equal(net(changed, hidden), net(values, hidden))
    assert out.shape == (6, 5)


def test_output_activation_is_for_numbers_only():
    net = make_net(MIXED, make_grid(3), output_activation="sigmoid").eval()
    linear = make_net(MIXED, make_grid(3)).eval()
    values = torch.zeros(4, 3)
    hidden = torch.zeros(4, 3, dtype=torch.bool)
    with torch.no_grad():
        out, logits = net(values, hidden), linear(values, hidden)
    assert_allclose(out[:, :2], logits[:, :2].sigmoid(), rtol=1e-6)
    assert torch.equal(out[:, 2:], logits[:, 2:])


@pytest.mark.parametrize("starts_at_zero", [False, True])
def test_members_are_independent_and_may_start_at_zero(starts_at_zero):
    columns = np.arange(30)
    generator = torch_generator(0)
    reading = Reading(columns, columns, GRID, shared=True)
    members = AttentionMembers(
        2, reading, (16,), "gelu", generator, starts_at_zero
    ).eval()
    values, hidden = images()
    with torch.no_grad():
        first, second = members(
            torch.stack([values, values]), torch.stack([hidden, hidden])
        )
    if starts_at_zero:
        assert torch.count_nonzero(first) == torch.count_nonzero(second) == 0
    else:
        assert not torch.allclose(first, second)


def test_global_generator_is_left_alone():
    before = torch.random.get_rng_state()
    make_net()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_same_seed_gives_the_same_encoder():
    def make():
        columns = np.arange(30)
        return TokenEncoder(columns, GRID, True, (16,), "gelu", torch_generator(3))

    for one, other in zip(make().parameters(), make().parameters(), strict=True):
        assert torch.equal(one, other)
