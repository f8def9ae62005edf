"""Densities are densities: they integrate to 1, in the units of the rows."""

import copy
import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_moons

from skmae.distributions.density import log_density

from ..conftest import make_frame, mixed_columns
from .helpers import generator


def ring(n_rows, seed=0):
    """Points around a circle of radius 1."""
    rng = np.random.default_rng(seed)
    angle, radius = rng.uniform(0, 2 * np.pi, n_rows), rng.normal(1, 0.1, n_rows)
    return np.c_[radius * np.cos(angle), radius * np.sin(angle)]


def moons(n_rows, seed=0):
    return make_moons(n_rows, noise=0.1, random_state=seed)[0]


def middles(low, high, n):
    """Middles of equal intervals, and their width."""
    edges = np.linspace(low, high, n + 1)
    return (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]


def mass(score, values, width):
    """Integral by the midpoint rule of densities whose logarithms are scores."""
    return np.exp(score(values)).sum() * width


@pytest.fixture(scope="module", params=[ring, moons])
def corrected(request):
    """A generator of two columns whose network corrects what the groups say."""
    X = request.param(600)
    fitted = generator((64, 64), max_epochs=20, lr=3e-3, n_orders=2).fit(X)
    assert float(fitted.net_.module_.shrinkage) > 0
    return fitted, request.param


def test_a_density_of_two_columns_integrates_to_one(corrected):
    fitted, rows = corrected
    (x, dx), (y, dy) = (
        middles(column.min() - 0.5, column.max() + 0.5, 220) for column in rows(600).T
    )
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    joint = np.exp(fitted.score_samples(grid)).reshape(220, 220)
    assert joint.sum() * dx * dy == pytest.approx(1, abs=3e-3)
    # Hidden cells are integrated out, up to what the two orders differ in.
    of_x, of_y = joint.sum(axis=1) * dy, joint.sum(axis=0) * dx
    for column, values, width, summed in ((0, x, dx, of_x), (1, y, dy, of_y)):
        rows = np.full((220, 2), np.nan)
        rows[:, column] = values
        alone = np.exp(fitted.score_samples(rows))
        assert alone.sum() * width == pytest.approx(1, abs=3e-3)
        assert np.abs(alone - summed).sum() * width < 0.1


def test_the_network_brings_the_density_closer(corrected):
    fitted, rows = corrected
    groups = copy.deepcopy(fitted)
    groups.net_.module_.shrinkage.fill_(0.0)
    new = rows(500, seed=1)
    assert fitted.score(new) > groups.score(new) + 0.05


@pytest.mark.parametrize("kind", ["normal", "skewed", "bounded", "two peaks"])
def test_a_density_of_one_column_integrates_to_one(kind):
    rng = np.random.default_rng(0)
    X, low, high = {
        "normal": (rng.normal(5, 2, 300), -15, 25),
        "skewed": (rng.lognormal(0, 1, 300), -20, 100),
        "bounded": (rng.random(300), -1, 2),
        "two peaks": (np.r_[rng.normal(-4, 1, 150), rng.normal(4, 0.1, 150)], -20, 20),
    }[kind]
    fitted = generator(n_orders=1).fit(X[:, None])
    values, width = middles(low, high, 20_000)
    found = mass(fitted.score_samples, values[:, None], width)
    assert found == pytest.approx(1, abs=2e-3)


def test_an_atom_has_a_probability_and_the_rest_a_density():
    rng = np.random.default_rng(0)
    x = rng.normal(size=600)
    rain = np.where(x + rng.normal(size=600) > 0, rng.gamma(2, 1, 600), 0.0)
    fitted = generator((32,), max_epochs=30, lr=3e-3, n_orders=2)
    fitted.fit(np.c_[x, rain])
    wet, width = middles(-1, 25, 8_000)

    def share_and_mass(at):
        """Of no rain, and of any, beside a value of x or by itself."""
        here = np.exp(fitted.score_samples([[at, np.nan]]))[0] if at == at else 1.0
        dry = np.exp(fitted.score_samples([[at, 0.0]]))[0]
        rows = np.c_[np.full(len(wet), at), wet]
        return dry / here, mass(fitted.score_samples, rows, width) / here

    dry, rest = share_and_mass(np.nan)
    assert dry == pytest.approx(np.mean(rain == 0), abs=1e-3)
    assert dry + rest == pytest.approx(1, abs=2e-3)
    for at, least, most in ((-1.5, 0.8, 1.0), (1.5, 0.0, 0.2)):
        dry, rest = share_and_mass(at)
        assert least < dry < most
        # exactly in the order that x comes first in, nearly in the other
        assert dry + rest == pytest.approx(1, abs=0.15)


def test_probabilities_of_categories_add_up_to_one():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    columns = {
        "colour": np.select([x < -0.5, x > 0.5], ["red", "blue"], "green"),
        "large": x + rng.normal(size=300) > 0,
        "count": rng.poisson(1, 300).clip(max=3).astype(float),
    }
    X = pd.DataFrame(columns)
    fitted = generator((32,), max_epochs=10).fit(X)
    every = itertools.product(
        ["red", "green", "blue", "never seen"], [True, False], [0.0, 1.0, 2.0, 3.0]
    )
    rows = pd.DataFrame(list(every), columns=X.columns)
    total = np.exp(fitted.score_samples(rows)).sum()
    # A second unknown value of a boolean, and other counts, take what is left.
    assert 0.99 < total < 1
    alone = X.iloc[:4].assign(large=None, count=np.nan)
    alone["colour"] = ["red", "green", "blue", "never seen"]
    found = np.exp(fitted.score_samples(alone))
    assert found.sum() == pytest.approx(1, abs=1e-5)
    shares = X["colour"].value_counts(normalize=True)
    assert_allclose(found[:3], shares[["red", "green", "blue"]], atol=0.01)
    assert 0 < found[3] < 0.01


def test_categories_beside_numbers_add_up():
    """A density of a number, summed over the categories of its row."""
    X = make_frame("pandas", mixed_columns(200))[["height", "shirt"]]
    fitted = generator((32,), max_epochs=10, n_orders=2).fit(X)
    height, width = middles(100, 240, 4_000)
    total = 0.0
    for shirt in ("S", "M", "L", "XXL"):
        rows = pd.DataFrame({"height": height, "shirt": shirt})
        total += mass(fitted.score_samples, rows, width)
    assert total == pytest.approx(1, abs=3e-3)


def test_gaussian_rows_get_the_density_that_they_have():
    """Mean within .05 nats a row of the truth."""
    lag = abs(np.subtract.outer(range(5), range(5)))
    root = np.linalg.cholesky(0.9**lag)
    short = []
    for seed in range(2):
        X = np.random.default_rng(seed).normal(size=(6_000, 5)) @ root.T
        fitted = generator((32, 32), max_epochs=2, n_orders=2, random_state=seed)
        new = X[5_000:]
        distance = (np.linalg.solve(root, new.T) ** 2).sum(axis=0)
        volume = np.log(np.diag(root)).sum() + 2.5 * np.log(2 * np.pi)
        truth = np.mean(-distance / 2 - volume)
        short.append(truth - fitted.fit(X[:5_000]).score(new))
    assert np.mean(short) < 0.05


def test_densities_are_in_the_units_of_the_rows():
    X = moons(300)
    per = np.array([8.0, 0.25])  # powers of 2, which float32 scales without rounding
    one = generator(n_orders=2).fit(X).score_samples(X)
    other = generator(n_orders=2).fit(X * per).score_samples(X * per)
    assert_allclose(other, one - np.log(per).sum(), atol=1e-3)
    # Of observed cells alone.
    X[:100, 1] = np.nan
    one = generator(n_orders=2).fit(X).score_samples(X)
    other = generator(n_orders=2).fit(X * per).score_samples(X * per)
    assert_allclose(other[:100], one[:100] - np.log(8), atol=1e-3)


def test_hidden_cells_are_integrated_out_and_no_cell_is_certain():
    X = make_frame("pandas", mixed_columns(200))
    fitted = generator(n_orders=4).fit(X)
    nothing = X.iloc[:3].assign(**dict.fromkeys(X.columns))
    assert_array_equal(fitted.score_samples(nothing), 0.0)
    # One cell is what the column by itself says, whatever the order.
    alone = X.assign(**{name: None for name in X.columns if name != "height"})
    by_one = fitted.set_params(n_orders=1).score_samples(alone)
    assert_allclose(fitted.set_params(n_orders=8).score_samples(alone), by_one)


def test_the_density_of_a_row_does_not_depend_on_those_beside_it():
    X = make_frame("pandas", mixed_columns(300))
    X.loc[::7, "shirt"] = None
    X.loc[::5, "height"] = np.nan
    fitted = generator(n_orders=2).fit(X)
    whole = fitted.score_samples(X)
    assert_array_equal(fitted.score_samples(X.iloc[::-1]), whole[::-1])
    assert_array_equal(fitted.score_samples(X.iloc[290:]), whole[290:])
    for row in (0, 7, 255, 256):
        assert fitted.score_samples(X.iloc[[row]])[0] == whole[row]
    assert fitted.score(X) == whole.mean()


@pytest.mark.parametrize("architecture", ["mlp", "attention"])
def test_some_columns_are_read_as_all_are(architecture):
    """What a pass needs, of all that the network could say."""
    X = make_frame("pandas", mixed_columns(200))
    X["rain"] = np.maximum(X["height"] - 170, 0)
    fitted = generator((16, 16), architecture=architecture).fit(X)
    module, model = fitted.net_.module_, fitted.model_
    module.shrinkage.fill_(1.0)
    values = torch.from_numpy(model.encode(X))
    hidden = torch.rand(values.shape, generator=torch.Generator().manual_seed(0)) < 0.5
    cells = module.cells
    with torch.no_grad():
        said = module.correct(values, hidden)
        every = cells.every(*said)
        for columns in ([3], [5, 0, 4], list(range(6))):
            columns = torch.tensor(columns)
            some = module.given(values, hidden, columns)
            places = cells.place[columns]
            for name in ("choice", "bins", "mean", "std", "cumulative"):
                found, expected = getattr(some, name), getattr(every, name)[places]
                assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
            of_one = cells.single(*said, places[:1].expand(len(values)))
            assert_allclose(of_one.choice[:, 0], some.choice[0], rtol=1e-4, atol=1e-6)
        columns = torch.tensor([2, 5, 0, 4])
        parts = module.parts(values, hidden, columns)
        for i, place in enumerate(cells.place[columns].tolist()):
            rows = slice(50 * i, 50 * (i + 1))
            for name in ("choice", "bins", "mean", "std", "cumulative"):
                found, expected = getattr(parts, name)[i], getattr(every, name)[place]
                assert_allclose(found, expected[rows], rtol=1e-4, atol=1e-6)


def log_density_by_hand(model, values):
    """Reference for two columns: both orders, each cell given the one before it."""
    module = model.module
    cells, columns = module.cells, torch.arange(2)
    missing = torch.isnan(values)
    filled, totals = values.nan_to_num(0.0), []
    for order in ([0, 1], [1, 0]):
        hidden, total = torch.ones_like(missing), torch.zeros(len(values))
        for column in order:
            with torch.no_grad():
                given = cells.every(*module.correct(filled, hidden | missing))
            found = cells.log_density(given, cells.in_order(filled))
            of_column = found[cells.place[columns[column]]]
            total += torch.where(missing[:, column], 0.0, of_column)
            hidden[:, column] = False
        totals.append(total)
    return torch.stack(totals).logsumexp(dim=0) - np.log(2)


@pytest.mark.parametrize(
    "columns", [["height", "shirt"], ["height", "weight"], ["shirt", "tall"]]
)
def test_a_density_is_that_of_the_chain_rule(columns):
    missing = {columns[0]: range(0, 300, 7), columns[1]: range(0, 300, 5)}
    X = make_frame("pandas", mixed_columns(300), missing)[columns]
    fitted = generator(n_orders=2).fit(X)
    values = fitted.model_.encode(X)
    found = log_density(fitted.model_, values, 2)
    expected = log_density_by_hand(fitted.model_, torch.from_numpy(values))
    assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_corrections_that_are_not_believed_change_nothing():
    X = make_frame("pandas", mixed_columns(200))
    fitted = generator(n_orders=2).fit(X)
    module = fitted.net_.module_
    module.shrinkage.fill_(1e-30)
    densities, new = fitted.score_samples(X), fitted.sample(20, random_state=0)
    module.shrinkage.fill_(0.0)
    module.body.requires_grad_(False)
    for weight in module.body.parameters():
        weight.fill_(np.nan)  # they are not even looked at
    assert_array_equal(fitted.score_samples(X), densities)
    pd.testing.assert_frame_equal(fitted.sample(20, random_state=0), new)


@pytest.mark.parametrize("n_columns", [8, 60])
def test_rows_with_the_same_cells_hidden_have_one_covariance(n_columns):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)) @ rng.normal(size=(3, n_columns))
    X += rng.normal(size=X.shape)
    module = generator(max_epochs=1).fit(X).net_.module_
    scores = torch.from_numpy(X[:20].astype(np.float32))
    seen = torch.zeros(20, n_columns)
    seen[:, ::3] = 1.0
    nothing = torch.zeros(20, 0)
    group, mean, std = module.mixture(scores, seen, nothing)
    # Beside a row with others hidden each is solved by itself.
    scores, seen = torch.cat([scores, scores[:1]]), torch.cat([seen, 1 - seen[:1]])
    apart = module.mixture(scores, seen, torch.zeros(21, 0))
    for found, expected in zip((group, mean, std), apart, strict=True):
        assert_allclose(found, expected[:20], rtol=1e-5, atol=1e-6)


def test_an_outlier_is_unlikely_and_finite():
    X = moons(300)
    fitted = generator(n_orders=2).fit(X)
    with np.errstate(all="raise"):
        far = fitted.score_samples([[1e3, 0.0], [1e9, -1e9], [0.5, 0.25]])
    assert np.isfinite(far).all()
    assert far[0] < X.shape[1] * -10 < far[2]
    assert far[1] < fitted.score_samples(X).min()


def test_a_row_alone_is_as_likely_as_among_others():
    mixing = np.random.default_rng(1).normal(size=(30, 30))
    X = np.random.default_rng(0).normal(size=(300, 30)) @ mixing
    X *= np.linspace(0.3, 3000, 30)
    fitted = generator(max_epochs=2, n_orders=2).fit(X)
    alone = [fitted.score_samples(X[i : i + 1])[0] for i in range(20)]
    assert_array_equal(alone, fitted.score_samples(X[:50])[:20])
