"""Rows to which cells are added are read as whole rows with these cells are."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skmae.distributions import growing

from ..conftest import make_frame, mixed_columns
from .helpers import generator


def wide(n_rows, n_columns, seed=0):
    """Columns of three factors, with noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3)) @ rng.normal(size=(3, n_columns))
    return X + rng.normal(size=X.shape)


def narrow_frame(n_rows):
    frame = make_frame("pandas", mixed_columns(n_rows))
    frame["rain"] = np.maximum(frame["height"] - 170, 0)
    return frame


def wide_frame(n_rows):
    return narrow_frame(n_rows).join(make_frame("pandas", numbered(wide(n_rows, 56))))


def numbered(X):
    return {f"x{j}": column for j, column in enumerate(X.T)}


@pytest.mark.parametrize("frame", [narrow_frame, wide_frame])
@pytest.mark.parametrize("alike", [False, True])
def test_what_was_added_is_known_as_in_whole_rows(frame, alike):
    X = frame(150)
    fitted = generator(max_epochs=1).fit(X)
    module, model = fitted.net_.module_, fitted.model_
    module.shrinkage.fill_(1.0)
    draws = torch.Generator().manual_seed(0)
    torch.nn.init.normal_(module.body.head.weight, std=0.1, generator=draws)
    values = torch.from_numpy(model.encode(X.iloc[:20]))
    shirt = X.columns.get_loc("shirt")
    if not alike:
        values[3, shirt] = -1.0  # a category that fit did not see
    n_rows, n_columns = values.shape
    orders = torch.rand(1 if alike else n_rows, n_columns, generator=draws).argsort(1)
    orders = orders.expand(n_rows, -1)
    grown = growing.start_rows(module, n_rows, alike, one_by_one=True)
    assert isinstance(grown, growing.GrowingRows)
    hidden = torch.ones_like(values, dtype=torch.bool)
    every = torch.arange(n_columns)
    for n_seen, n_more in ((0, 3), (3, 1), (4, 1)):
        now = (orders >= n_seen) & (orders < n_seen + n_more)
        columns = torch.nonzero(now.any(dim=0)).ravel()
        grown.add(columns, values[:, columns], now[:, columns])
        hidden &= ~now
        with torch.no_grad():
            found = grown.given(every)
            expected = module.given(values, hidden, every)
        n_numeric = module.cells.n_numeric
        is_number = module.cells.place < n_numeric
        # Of visible cells nobody asks.
        asked = hidden.T & is_number.unsqueeze(1)
        for name in ("mean", "std", "bins", "stray", "choice"):
            of = hidden.T if name == "choice" else asked
            got, wanted = getattr(found, name)[of], getattr(expected, name)[of]
            assert_allclose(got, wanted, rtol=2e-3, atol=2e-4, err_msg=name)


def test_rows_of_which_some_are_added_to_leave_the_others_alone():
    X = wide(100, 60)
    fitted = generator(max_epochs=1).fit(X)
    module, values = fitted.net_.module_, torch.from_numpy(fitted.model_.encode(X[:4]))
    columns, some = torch.tensor([7, 2]), torch.tensor([1, 3])
    shown = torch.ones(2, 2, dtype=torch.bool)
    grown = growing.start_rows(module, 4, alike=False, one_by_one=False)
    whole = growing.WholeRows(module, 4)
    with torch.no_grad():
        for rows in (grown, whole):
            rows.add(columns, values[some][:, columns], shown, some)
        asked = torch.tensor([0, 1, 3])
        found, expected = grown.given(asked), whole.given(asked)
    assert_allclose(found.mean, expected.mean, rtol=1e-4, atol=1e-5)
    assert_allclose(found.mean[:, 0], found.mean[:, 2])


def test_the_density_of_a_wide_row_does_not_depend_on_those_beside_it():
    X = wide(120, 140)
    fitted = generator(max_epochs=1, n_orders=1).fit(X)
    X[5:20, 3] = np.nan
    densities = fitted.score_samples(X)
    assert np.isfinite(densities).all()
    assert_array_equal(fitted.score_samples(X[:8]), densities[:8])
