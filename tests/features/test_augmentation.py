"""What augment draws from is learned when it is asked for, and saved."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skmae.training.residuals import LateErrors, Residuals

from ..conftest import quick


def series(n_rows=40, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(5, 12, n_rows)
    return [np.sin(np.arange(n) + rng.normal(size=n)) for n in lengths]


KINDS = {
    "table": (
        lambda: np.random.default_rng(0).normal(size=(60, 5)),
        {"early_stopping": True},
    ),
    "series": (
        series,
        {
            "input_shape": (None,),
            "n_components": "auto",
            "hidden_layer_sizes": (16, 16),
        },
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_errors_are_learned_by_augment_and_not_by_fit(kind, monkeypatch):
    make, params = KINDS[kind]
    X, times = make(), []
    fit = Residuals.fit
    monkeypatch.setattr(
        Residuals, "fit", lambda self, *args: times.append(1) or fit(self, *args)
    )
    mae = quick(**params).fit(X)
    mae.partial_fit(X)
    assert len(times) == 0
    first = mae.augment(X, random_state=0)
    again = mae.augment(X, random_state=0)
    assert len(times) == 1
    for one, two in zip(first, again, strict=True):
        assert_array_equal(one, two)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("saved", ["early", "late"])
def test_a_saved_estimator_augments_alike_and_has_no_rows(kind, saved):
    make, params = KINDS[kind]
    X = make()
    mae = quick(**params).fit(X)
    if saved == "late":
        mae.augment(X[:2])
    state = pickle.dumps(mae)
    of_all = [pickle.loads(state), copy.deepcopy(mae), mae]
    for part in zip(*(one.augment(X, random_state=1) for one in of_all), strict=True):
        assert_array_equal(part[0], part[2])
        assert_array_equal(part[1], part[2])
    rows = mae.model_.encode_to_train(mae._validate_X(X, reset=False))
    for k in range(len(rows)):
        row = rows[k : k + 1]
        row = row if kind == "table" else row.cells
        assert row.tobytes()[:20] not in state


def test_an_object_is_learned_once():
    class Count(LateErrors):
        def _learn(self, model, rows):
            self.n_values = len(rows)

    late = Count(None, [1, 2, 3])
    assert "n_values" not in vars(late)
    assert late.ready().ready().n_values == 3
    assert [1, 2, 3] not in vars(late).values()
