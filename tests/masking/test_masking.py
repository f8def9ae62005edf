"""Masks: exact counts, each strategy's shape, folds that treat all cells alike."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from skmae._random import torch_generator
from skmae.data.grid import make_grid
from skmae.masking.copied import missingness_patterns
from skmae.masking.even import even_masks
from skmae.masking.sampler import MaskSampler
from skmae.masking.steps import STEP_STRATEGIES, StepSampler
from skmae.masking.strategies import STRATEGIES
from skmae.masking.strategy import Strategy
from skmae.masking.units import hide_smallest
from tests.conftest import quick

RATIOS = [0.0, 0.01, 0.25, 0.3, 0.5, 0.75, 0.9, 1.0, (0.1, 0.7), (0.45, 0.55)]


@pytest.mark.parametrize("strategy", ["random", "block", "copy"])
@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("n_units", [1, 2, 3, 7, 10, 15, 50])
def test_visible_units_lie_in_the_range_that_is_promised(strategy, ratio, n_units):
    grid, rng = make_grid(n_units), np.random.default_rng(0)
    observed = rng.random((400, n_units)) < rng.random((400, 1))
    patterns = torch.from_numpy(~observed[:50])
    sampler = MaskSampler(ratio, strategy, grid, patterns)
    for seen in (None, torch.from_numpy(observed)):
        hidden = sampler.sample(400, seen, torch_generator(0))
        visible = (~hidden if seen is None else ~hidden & seen).sum(dim=1)
        promised = sampler.visible_range(complete=seen is None)
        if promised is not None:
            fewest, most = promised
            assert fewest <= visible.min()
            assert visible.max() <= most <= n_units
        if seen is None and strategy != "copy" and not isinstance(ratio, tuple):
            assert promised == (visible.min(), visible.max())


def sample(ratio, strategy="random", n_columns=10, n_rows=200, observed=None, seed=0):
    sampler = MaskSampler(ratio, strategy, make_grid(n_columns))
    return sampler.sample(n_rows, observed, torch_generator(seed)).numpy()


def hide_smallest_by_hand(keys, counts):
    """Reference: rank each row, mark the first ``counts`` units."""
    hidden = np.zeros(keys.shape, dtype=bool)
    for row, (row_keys, count) in enumerate(zip(keys, counts, strict=True)):
        for unit in sorted(range(len(row_keys)), key=lambda u: row_keys[u])[:count]:
            hidden[row, unit] = True
    return hidden


@pytest.mark.parametrize(
    "levels", [None, 3, 60], ids=["distinct keys", "tied keys", "ties in some rows"]
)
def test_hide_smallest_matches_reference(levels):
    rng = np.random.default_rng(0)
    keys = rng.random((50, 12)).astype(np.float32)
    if levels:
        keys = np.floor(keys * levels).astype(np.float32)
    counts = rng.integers(0, 13, size=50)
    hidden = hide_smallest(torch.from_numpy(keys), torch.from_numpy(counts)).numpy()
    assert_array_equal(hidden, hide_smallest_by_hand(keys, counts))


@pytest.mark.parametrize("strategy", ["random", "block"])
@pytest.mark.parametrize(
    ("ratio", "n_columns", "expected"),
    [(0.5, 10, 5), (0.25, 10, 2), (0.75, 13, 10), (0.01, 10, 1), (0.99, 10, 9)],
)
def test_counts_are_exact(strategy, ratio, n_columns, expected):
    hidden = sample(ratio, strategy, n_columns)
    assert_array_equal(hidden.sum(axis=1), expected)


@pytest.mark.parametrize("strategy", ["random", "block"])
def test_counts_of_observed_cells_are_exact(strategy):
    rng = np.random.default_rng(1)
    observed = rng.random((300, 10)) < 0.6
    hidden = sample(0.5, strategy, n_rows=300, observed=torch.from_numpy(observed))
    assert not (hidden & ~observed).any()
    available = observed.sum(axis=1)
    # torch and numpy both round halves to even
    expected = np.clip(np.rint(0.5 * available), 1, np.maximum(available - 1, 0))
    assert_array_equal(hidden.sum(axis=1), expected)


def test_one_hidden_one_visible_wherever_the_row_allows():
    observed = torch.tensor([[1, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.bool)
    for ratio in (0.01, 0.99, (0.0, 0.99)):
        hidden = sample(ratio, n_columns=3, n_rows=3, observed=observed)
        assert_array_equal(hidden.sum(axis=1), [1, 0, 0])


def test_ratio_zero_hides_nothing():
    assert not sample(0.0).any()


def test_range_draws_a_ratio_per_row():
    counts = sample((0.1, 0.9), n_rows=2000).sum(axis=1)
    assert_array_equal(np.unique(counts), np.arange(1, 10))
    assert abs(counts.mean() - 5) < 0.2


def test_every_cell_is_hidden_equally_often():
    share = sample(0.3, n_rows=20000).mean(axis=0)
    np.testing.assert_allclose(share, 0.3, atol=0.02)


def test_blocks_are_contiguous_in_one_dimension():
    hidden = sample(0.3, "block", n_columns=20)
    starts = (np.diff(hidden.astype(int), axis=1, prepend=0) == 1).sum(axis=1)
    assert_array_equal(starts, 1)


def test_blocks_hang_together_in_two_dimensions():
    grid = make_grid(64, (8, 8))
    sampler = MaskSampler(0.25, "block", grid)
    hidden = sampler.sample(100, None, torch_generator(0)).numpy().reshape(-1, 8, 8)
    assert_array_equal(hidden.sum(axis=(1, 2)), 16)
    rows, columns = hidden.any(axis=2).sum(axis=1), hidden.any(axis=1).sum(axis=1)
    assert np.median(rows * columns) <= 25  # 16 cells in a box hardly larger


def test_patches_are_hidden_as_wholes():
    sampler = MaskSampler(0.5, "random", make_grid(64, (8, 8), 4))
    hidden = sampler.sample(50, None, torch_generator(0)).numpy().reshape(-1, 8, 8)
    patches = hidden.reshape(-1, 2, 4, 2, 4).mean(axis=(2, 4))
    assert set(np.unique(patches)) == {0.0, 1.0}
    assert_array_equal(patches.sum(axis=(1, 2)), 2)


def test_copy_hides_what_other_rows_miss():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 6)).astype(np.float32)
    X[::2, :2] = np.nan  # columns 0 and 1 go missing together
    patterns = missingness_patterns(X, seed=0)
    sampler = MaskSampler(0.5, "copy", make_grid(6), patterns)
    observed = torch.ones((40, 6), dtype=torch.bool)
    hidden = sampler.sample(40, observed, torch_generator(0)).numpy()
    assert_array_equal(hidden, np.tile([1, 1, 0, 0, 0, 0], (40, 1)).astype(bool))


def test_copy_needs_missing_values():
    with pytest.raises(ValueError, match=r"mask_strategy='copy'.*no missing value"):
        missingness_patterns(np.zeros((3, 2), dtype=np.float32), seed=0)


def test_callable_decides():
    def first_two(observed, rng):
        assert observed.shape == (200, 10)
        assert observed.dtype == bool
        assert isinstance(rng, np.random.Generator)
        hidden = np.zeros(observed.shape, dtype=bool)
        hidden[:, :2] = True
        return hidden

    assert_array_equal(sample(0.5, first_two), np.tile(np.arange(10) < 2, (200, 1)))


def test_what_a_callable_writes_to_is_its_own(holey_wine):
    def in_place(observed, rng):
        observed &= rng.random(observed.shape) < 0.4
        return observed

    def in_a_copy(observed, rng):
        return observed & (rng.random(observed.shape) < 0.4)

    def from_the_right(observed, rng):
        return np.flip(np.flip(in_a_copy(observed, rng), axis=1).copy(), axis=1)

    curves = [
        quick(mask_strategy=strategy).fit(holey_wine).loss_curve_
        for strategy in (in_place, in_a_copy, from_the_right)
    ]
    assert curves[0] == curves[1] == curves[2]


@pytest.mark.parametrize(
    "answer", [np.zeros((200, 10)), np.zeros((200, 9), dtype=bool), None]
)
def test_callable_that_answers_nonsense(answer):
    with pytest.raises(ValueError, match="must return a boolean array of shape"):
        sample(0.5, lambda observed, rng: answer)


def test_masks_come_from_the_generator_alone():
    before = torch.random.get_rng_state()
    first, second, other = sample(0.5, seed=3), sample(0.5, seed=3), sample(0.5, seed=4)
    assert_array_equal(first, second)
    assert (first != other).any()
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("ratio", [0.15, 0.3, 0.5, 0.75, 0.9])
@pytest.mark.parametrize("n_units", [2, 3, 13, 64])
def test_folds_hide_every_unit_equally_often(ratio, n_units):
    masks = even_masks(n_units, ratio, torch_generator(0), n_repeats=2).numpy()
    times = masks.sum(axis=0)
    assert times.min() == times.max() > 0
    assert masks.any(axis=1).all()
    assert not masks.all(axis=1).any()  # something is always visible
    if n_units == 64:
        assert abs(masks.mean() - ratio) < 0.05


def test_a_single_unit_is_hidden_by_its_only_fold():
    assert_array_equal(even_masks(1, 0.5, torch_generator(0)).numpy(), [[True]])


def test_a_strategy_takes_a_class_and_a_line_of_the_registry(monkeypatch):
    class FirstUnits(Strategy):
        """Hide the first units of every row."""

        def keys(self, n_rows, seen, counts, generator):
            """Number the units."""
            return torch.arange(self.n_units).float().expand(n_rows, -1).clone(), counts

    monkeypatch.setitem(STRATEGIES, "first", FirstUnits)
    hidden = sample(0.5, "first", n_rows=3)
    n_units = hidden.shape[1]
    assert_array_equal(hidden, np.tile(np.arange(n_units) < n_units // 2, (3, 1)))


@pytest.mark.parametrize("strategy", ["random", "block", "copy", "function"])
@pytest.mark.parametrize("wanted", [slice(7, 20), torch.tensor([3, 1, 29])])
def test_masks_of_some_rows_are_those_that_all_rows_would_have(strategy, wanted):
    def at_random(observed, rng):
        return observed & (rng.random(observed.shape) < 0.5)

    seen = torch.from_numpy(np.random.default_rng(0).random((30, 12)) < 0.8)
    name_or_function = at_random if strategy == "function" else strategy
    sampler = MaskSampler((0.2, 0.7), name_or_function, make_grid(12), ~seen)
    for observed in (seen, None):
        hidden = sampler.sample(30, observed, torch_generator(0))
        some = sampler.sample(30, observed, torch_generator(0), wanted)
        assert_array_equal(some, hidden[wanted])


@pytest.mark.parametrize("strategy", [*STEP_STRATEGIES, "function"])
def test_masks_of_some_sequences_are_those_that_all_would_have(strategy):
    def at_random(observed, rng):
        return observed & (rng.random(observed.shape) < 0.5)

    lengths = torch.arange(30) % 9 + 3
    seen = (torch.arange(11) < lengths[:, None])[:, :, None].expand(-1, -1, 2)
    name_or_function = at_random if strategy == "function" else strategy
    sampler = StepSampler((0.2, 0.7), name_or_function, patch_size=2)
    hidden = sampler.sample(30, seen, torch_generator(0))
    some = sampler.sample(30, seen, torch_generator(0), slice(7, 20))
    assert_array_equal(some, hidden[7:20])
