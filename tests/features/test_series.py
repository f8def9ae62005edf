"""Series of unlike lengths."""

import pickle

import numpy as np
import pandas as pd
import pytest

from skmae import MaskedAutoencoderTransformer


def waves(n_rows=200, shortest=15, longest=40, seed=0):
    """Sines and cosines of a phase of their own, beside a channel of other units."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n_rows):
        t = np.arange(rng.integers(shortest, longest + 1)) * 0.5
        angle = t + rng.uniform(0, 2 * np.pi)
        rows.append(np.column_stack([np.sin(angle), 1000 + 50 * np.cos(angle)]))
    return rows


def series(**params):
    settings = {
        "input_shape": (None, 2),
        "channel_axis": -1,
        "hidden_layer_sizes": (32, 32),
        "max_epochs": 60,
        "lr": 5e-3,
        "device": "cpu",
        "random_state": 0,
    }
    return MaskedAutoencoderTransformer(**(settings | params))


@pytest.fixture(scope="module")
def wave():
    return series().fit(waves())


def padded(rows):
    out = np.full((len(rows), max(map(len, rows)), 2), np.nan)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


def test_gaps_are_restored(wave):
    rows = waves(40, seed=1)
    damaged = [row.copy() for row in rows]
    for row in damaged:
        row[5:7] = np.nan
    restored = wave.restore(damaged)
    error = np.concatenate(
        [new[5:7] - old[5:7] for new, old in zip(restored, rows, strict=True)]
    )
    assert abs(error).mean(axis=0)[0] < 0.15
    assert abs(error).mean(axis=0)[1] < 0.15 * 50
    for new, old in zip(restored, damaged, strict=True):
        seen = ~np.isnan(old)
        assert np.array_equal(new[seen], old[seen])


def test_masked_cells_are_restored_from_the_other_channel(wave):
    rows = waves(20, seed=2)
    mask = [np.zeros(row.shape, dtype=bool) for row in rows]
    for cells in mask:
        cells[8, 0] = True
    restored = wave.restore(rows, mask)
    error = [new[8, 0] - old[8, 0] for new, old in zip(restored, rows, strict=True)]
    assert np.abs(error).mean() < 0.15
    assert all(
        np.array_equal(new[~cells], old[~cells])
        for new, old, cells in zip(restored, rows, mask, strict=True)
    )


def test_padded_arrays_are_the_same_as_lists(wave):
    rows = waves(20, seed=3)
    stacked = padded(rows)
    assert np.array_equal(wave.transform(stacked), wave.transform(rows))
    restored = wave.restore(stacked)
    assert np.array_equal(restored, stacked, equal_nan=True)
    hole = stacked.copy()
    hole[:, 4] = np.nan
    filled = wave.restore(hole)
    assert np.array_equal(np.isnan(filled), np.isnan(stacked))


def test_codes_do_not_depend_on_other_rows(wave):
    rows = waves(30, shortest=1, longest=100, seed=4)
    codes = wave.transform(rows)
    assert np.array_equal(wave.transform(rows[4:5])[0], codes[4])


def test_one_channel():
    rows = [row[:, 0] for row in waves(100)]
    mae = series(input_shape=(None,), channel_axis=None, max_epochs=5).fit(rows)
    (restored,) = mae.restore([np.array([0.1, np.nan, 0.9])])
    assert restored.shape == (3,)
    assert np.isfinite(restored).all()
    (new,) = mae.augment(rows[:1], random_state=0)
    assert new.shape == rows[0].shape


def test_scores(wave):
    assert wave.score(waves(50, seed=5)) > 0.8
    odd = waves(1, shortest=30, longest=30, seed=6)[0]
    odd[12, 0] += 2
    (errors,) = wave.reconstruction_error([odd], per_feature=True)
    assert np.unravel_index(errors.argmax(), errors.shape) == (12, 0)
    with pytest.raises(ValueError, match="no categorical column"):
        wave.restore_proba([odd])


def test_new_rows(wave):
    rows = waves(20, seed=7)
    new = wave.augment(rows, mask_ratio=0.3, random_state=0)
    assert all(a.shape == b.shape for a, b in zip(new, rows, strict=True))
    cells = np.concatenate(new)
    assert (cells[:, 0] ** 2 + ((cells[:, 1] - 1000) / 50) ** 2).std() < 0.5
    seen = np.concatenate(waves())
    # but for rounding to float32
    assert (cells <= seen.max(axis=0) + 1e-3).all()
    assert (cells >= seen.min(axis=0) - 1e-3).all()


def test_integers_stay_integers():
    rng = np.random.default_rng(0)
    rows = [rng.integers(5, size=(rng.integers(3, 9), 2)) for _ in range(30)]
    mae = series(max_epochs=2).fit(rows)
    mask = [np.arange(len(row)) == 1 for row in rows]
    assert all(row.dtype == rows[0].dtype for row in mae.restore(rows, mask))


def test_persistence(wave):
    rows = waves(10, seed=8)
    loaded = pickle.loads(pickle.dumps(wave))
    assert np.array_equal(loaded.transform(rows), wave.transform(rows))


def test_unlike_channels_that_share_a_scale_are_warned_of():
    with pytest.warns(UserWarning, match="channel"):
        series(channel_axis=None, max_epochs=1).fit(waves(40))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([np.zeros((4, 2)), np.zeros((4, 3))], r"Row 1 has shape \(4, 3\)"),
        (
            [np.zeros((4, 2)), np.zeros(4)],
            r"shape \(length, 2\). Row 1 has shape \(4,\)",
        ),
        ([np.zeros((4, 2)), np.zeros((0, 2))], "Row 1 of X has no step"),
        ([np.zeros((4, 2)), np.full((4, 2), np.inf)], "Row 1 of X contains infinity"),
        ([np.zeros((4, 2)), np.array([["a", "b"]])], "Row 1 of X is no series"),
        ([np.full((4, 2), np.nan)] * 2, "no observed value"),
    ],
)
def test_rows_that_are_none(rows, message):
    with pytest.raises(ValueError, match=message):
        series(max_epochs=1).fit(rows)


def test_a_warm_start_with_other_channels_is_refused():
    mae = series(max_epochs=1, warm_start=True).fit(waves(9))
    mae.set_params(input_shape=(None, 3))
    with pytest.raises(
        ValueError, match=r"same kind.*\(None, 3\) read rows of another"
    ):
        mae.fit([np.zeros((4, 3))] * 4)


def test_shapes_that_are_none():
    with pytest.raises(ValueError, match="'input_shape' parameter must hold integers"):
        series(input_shape=(None, 2, 3)).fit(waves(5))
    with pytest.raises(ValueError, match="'patch_size' parameter must be an integer"):
        series(patch_size=(2, 2)).fit(waves(5))


def test_patches():
    mae = series(patch_size=4).fit(waves())
    rows = waves(40, seed=1)
    damaged = [row.copy() for row in rows]
    for row in damaged:
        row[6:9] = np.nan
    restored = mae.restore(damaged)
    error = [new[6:9] - old[6:9] for new, old in zip(restored, rows, strict=True)]
    assert abs(np.concatenate(error))[:, 0].mean() < 0.15
    codes = mae.transform(rows)
    assert np.array_equal(mae.transform(rows[3:4])[0], codes[3])
    assert mae.score(rows) > 0.7
    new = mae.augment(rows[:3], random_state=0)
    assert [row.shape for row in new] == [row.shape for row in rows[:3]]


def test_a_frame_is_no_list_of_series():
    with pytest.raises(ValueError, match=r"a list of arrays. Got a DataFrame of 2 col"):
        series().fit(pd.DataFrame(waves(1)[0]))


@pytest.mark.parametrize("dtype", ["complex128", "M8[D]", "m8[s]"])
def test_what_is_no_number_is_no_series(dtype):
    rows = [np.zeros((5, 2), dtype=dtype)] * 4
    with pytest.raises(ValueError, match=r"Row 0 of X is no series .* it has dtype"):
        series().fit(rows)
