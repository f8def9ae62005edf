"""The ensemble: members keep to themselves."""

import torch

from skmae.data.grid import make_grid
from skmae.detection.task import EnsembleSpec

from ..networks.test_mlp import MIXED, rows


def make_ensemble():
    spec = EnsembleSpec(
        architecture="mlp",
        n_members=3,
        hidden_layer_sizes=(8, 7),
        activation="gelu",
        numerical_embedding=None,
        shared=False,
        fill="mean",
        indicator=True,
    )
    return spec.build(MIXED, make_grid(MIXED.n_columns), seed=0)


def test_dealt_rows_are_predicted_by_their_member():
    ensemble = make_ensemble()
    values, hidden = rows(6)
    dealt = ensemble(values, hidden)
    everyone = ensemble.predict_by_all(values, hidden)
    assert dealt.shape == (6, 5)
    assert everyone.shape == (3, 6, 5)
    for k in range(3):
        part = slice(2 * k, 2 * k + 2)
        torch.testing.assert_close(dealt[part], everyone[k, part])


def test_members_differ_and_do_not_touch_each_other():
    ensemble = make_ensemble()
    values, hidden = rows(6)
    ensemble(values, hidden)[:2].sum().backward()
    for name, weight in ensemble.named_parameters():
        if weight.shape[:1] == (3,):
            assert weight.grad[0].abs().sum() > 0, name
            assert weight.grad[1:].abs().sum() == 0, name
    first, second, _ = ensemble.predict_by_all(values, hidden)
    assert (first != second).any()


def test_hidden_cells_are_not_read():
    ensemble = make_ensemble()
    values, hidden = rows()
    other = torch.where(hidden, torch.nan, values)
    first = ensemble.predict_by_all(values, hidden)
    assert torch.equal(first, ensemble.predict_by_all(other, hidden))


def test_weights_come_from_the_seed_alone():
    before = torch.random.get_rng_state()
    first, second = make_ensemble().state_dict(), make_ensemble().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(before, torch.random.get_rng_state())
