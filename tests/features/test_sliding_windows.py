import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.feature_extraction.image import (
    extract_patches_2d,
    reconstruct_from_patches_2d,
)
from sklearn.pipeline import make_pipeline

from skmae import (
    MaskedAutoencoderDetector,
    MaskedAutoencoderImputer,
    SlidingWindows,
)
from tests.conftest import quick


def starts_of(length, size, step):
    """Where windows start along an axis: the last ends where the signal does."""
    starts = list(range(0, length - size + 1, step))
    return starts if starts[-1] + size == length else [*starts, length - size]


def places_of(shape, window, step, channel_axis=None):
    """The windows of a signal, in row order: an index for each."""
    lengths = list(shape)
    if channel_axis is not None:
        del lengths[channel_axis]
    starts = [starts_of(*axis) for axis in zip(lengths, window, step, strict=True)]
    places = []
    for numbers in np.ndindex(*map(len, starts)):
        index = [
            slice(starts[axis][number], starts[axis][number] + window[axis])
            for axis, number in enumerate(numbers)
        ]
        if channel_axis is not None:
            index.insert(channel_axis % len(shape), slice(None))
        places.append(tuple(index))
    return places


def reference_windows(signals, window, step, channel_axis=None):
    return np.stack(
        [
            signal[place]
            for signal in signals
            for place in places_of(signal.shape, window, step, channel_axis)
        ]
    )


def reference_signal(windows, shape, window, step, channel_axis=None):
    """Mean over windows, cell by cell, NaN left out."""
    said = {cell: [] for cell in np.ndindex(*shape)}
    cells = np.arange(np.prod(shape)).reshape(shape)
    for values, place in zip(
        windows, places_of(shape, window, step, channel_axis), strict=True
    ):
        for cell, value in zip(cells[place].ravel(), values.ravel(), strict=True):
            if not np.isnan(value):
                said[np.unravel_index(cell, shape)].append(value)
    flat = [np.mean(values) if values else np.nan for values in said.values()]
    return np.array(flat).reshape(shape)


@st.composite
def problems(draw):
    """Signals, windows and steps of any number of axes, with and without channels."""
    n_axes = draw(st.integers(1, 3))
    window = tuple(draw(st.integers(1, 4)) for _ in range(n_axes))
    step = tuple(draw(st.integers(1, size)) for size in window)
    channel_axis = draw(st.one_of(st.none(), st.integers(-n_axes - 1, n_axes)))
    shapes = []
    for _ in range(draw(st.integers(1, 3))):
        shape = [size + draw(st.integers(0, 5)) for size in window]
        if channel_axis is not None:
            shape.insert(channel_axis % (n_axes + 1), 2)
        shapes.append(tuple(shape))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    signals = [rng.normal(size=shape) for shape in shapes]
    for signal in signals:
        signal[rng.random(signal.shape) < 0.2] = np.nan
    return signals, window, step, channel_axis


@given(problems())
def test_windows_and_back(problem):
    signals, window, step, channel_axis = problem
    windows = SlidingWindows(window, step, channel_axis=channel_axis)
    cut = windows.fit_transform(signals)
    expected = reference_windows(signals, window, step, channel_axis)
    np.testing.assert_array_equal(cut, expected)
    assert cut.shape == (windows.n_windows_.sum(), *windows.window_shape_)

    # Bit for bit, whatever the number of windows that a cell lies in.
    for there, back in zip(signals, windows.inverse_transform(cut), strict=True):
        np.testing.assert_array_equal(there, back)

    rng = np.random.default_rng(0)
    changed = cut + rng.normal(size=cut.shape)
    changed[rng.random(cut.shape) < 0.3] = np.nan
    ends = np.cumsum(windows.n_windows_)
    for i, back in enumerate(windows.inverse_transform(changed)):
        part = changed[ends[i] - windows.n_windows_[i] : ends[i]]
        shape = signals[i].shape
        expected = reference_signal(part, shape, window, step, channel_axis)
        np.testing.assert_allclose(back, expected, rtol=1e-12, atol=1e-12)
    flat = changed.reshape(len(changed), -1)
    for one, other in zip(
        windows.inverse_transform(flat),
        windows.inverse_transform(changed),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


@given(problems())
def test_arrays_are_cut_like_lists_of_their_signals(problem):
    signals, window, step, channel_axis = problem
    array = np.stack([signals[0], signals[0] + 1, -signals[0]])
    windows = SlidingWindows(window, step, channel_axis=channel_axis)
    of_list = windows.fit_transform(list(array))
    listed = windows.inverse_transform(of_list * 2)
    assert isinstance(listed, list)
    np.testing.assert_array_equal(windows.fit_transform(array), of_list)
    back = windows.inverse_transform(of_list * 2)
    assert isinstance(back, np.ndarray)
    np.testing.assert_array_equal(back, np.stack(listed))


def test_one_cell_apart_they_are_the_patches_of_scikit_learn():
    photo = np.random.default_rng(0).normal(size=(11, 13, 3))
    windows = SlidingWindows((4, 5), step=1, channel_axis=-1)
    cut = windows.fit_transform([photo])
    np.testing.assert_array_equal(cut, extract_patches_2d(photo, (4, 5)))
    changed = cut + np.arange(len(cut))[:, None, None, None]
    [back] = windows.inverse_transform(changed)
    expected = reconstruct_from_patches_2d(changed, photo.shape)
    np.testing.assert_allclose(back, expected)


def test_the_last_window_is_moved_back():
    windows = SlidingWindows((2, 3), (2, 2))
    photo = np.arange(3 * 6).reshape(3, 6)
    cut = windows.fit_transform([photo])
    corners = [[0, 2, 3], [6, 8, 9]]
    np.testing.assert_array_equal(cut[:, 0, 0], np.ravel(corners))
    np.testing.assert_array_equal(cut[:, -1, -1], np.ravel(corners) + 8)


def test_windows_side_by_side_are_the_default():
    series = np.arange(12.0).reshape(1, 12)
    cut = SlidingWindows(4).fit_transform(series)
    np.testing.assert_array_equal(cut, series.reshape(3, 4))


def test_an_integer_stands_for_all_axes():
    photo = np.random.default_rng(0).normal(size=(9, 10, 3))
    one = SlidingWindows(4, 2, channel_axis=-1).fit_transform([photo])
    two = SlidingWindows((4, 4), (2, 2), channel_axis=2).fit_transform([photo])
    assert one.shape == (4 * 4, 4, 4, 3)
    np.testing.assert_array_equal(one, two)


def test_a_score_of_each_window_becomes_one_of_each_step():
    windows = SlidingWindows(4, 3, channel_axis=-1).fit([np.zeros((10, 2))])
    [score] = windows.inverse_transform([1.0, 2.0, 6.0])
    np.testing.assert_array_equal(score, [1, 1, 1, 1.5, 2, 2, 4, 6, 6, 6])
    [score] = windows.inverse_transform([1.0, np.nan, 6.0])
    np.testing.assert_array_equal(score, [1, 1, 1, 1, np.nan, np.nan, 6, 6, 6, 6])


def test_results_without_channels():
    windows = SlidingWindows(4, 2, channel_axis=0).fit([np.zeros((3, 8))])
    assert windows.window_shape_ == (3, 4)
    [share] = windows.inverse_transform(np.tile(np.arange(4.0), (3, 1)))
    np.testing.assert_array_equal(share, [0, 1, 1, 2, 1, 2, 2, 3])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_keep_their_dtype(dtype):
    signal = np.random.default_rng(0).normal(size=(1, 50)).astype(dtype)
    signal[:, 10:20], signal[:, 20] = -0.0, np.nan
    windows = SlidingWindows(7, 1)
    cut = windows.fit_transform(signal)
    back = windows.inverse_transform(cut)
    assert cut.dtype == back.dtype == dtype
    np.testing.assert_array_equal(back, signal)
    np.testing.assert_array_equal(np.signbit(back), np.signbit(signal))


def test_narrow_floats_do_not_overflow_on_the_way():
    largest = np.finfo("float16").max
    windows = SlidingWindows(2, 1).fit(np.zeros((1, 3)))
    apart = np.array([[0, largest], [-largest, 0]], dtype="float16")
    np.testing.assert_array_equal(windows.inverse_transform(apart), [[0, 0, 0]])


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool"])
def test_integers_and_booleans_become_means(dtype):
    signal = np.array([[0, 1, 1, 0, 1]], dtype=dtype)
    windows = SlidingWindows(3, 2)
    cut = windows.fit_transform(signal)
    assert cut.dtype == dtype
    back = windows.inverse_transform(cut)
    assert back.dtype == np.float64
    np.testing.assert_array_equal(back, signal)
    mean = windows.inverse_transform(np.array([[1, 1, 1], [0, 0, 0]], dtype=dtype))
    np.testing.assert_array_equal(mean, [[1, 1, 0.5, 0, 0]])


def test_signals_of_other_lengths_than_in_fit():
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(40, 2)), rng.normal(size=(25, 2))
    windows = SlidingWindows(8, 4, channel_axis=-1).fit([train])
    cut = windows.transform([test, train])
    with pytest.raises(
        ValueError, match=r"X has 15 windows, but .* fit have 9: .* like"
    ):
        windows.inverse_transform(cut)
    back = windows.inverse_transform(cut, like=[test, train])
    np.testing.assert_array_equal(back[0], test)
    np.testing.assert_array_equal(back[1], train)
    np.testing.assert_array_equal(
        windows.inverse_transform(cut[:6], like=test[None]), test[None]
    )
    with pytest.raises(ValueError, match=r"like\[0\] is a signal of shape \(7, 2\)"):
        windows.inverse_transform(cut, like=[test[:7]])


def test_series_of_another_length_are_given_as_a_list():
    """An array of two axes has features, as everywhere in scikit-learn."""
    windows = SlidingWindows(4).fit(np.zeros((3, 12)))
    assert windows.n_features_in_ == 12
    with pytest.raises(ValueError, match="8 features, but SlidingWindows is expecting"):
        windows.transform(np.zeros((3, 8)))
    assert windows.transform(list(np.zeros((3, 8)))).shape == (6, 4)
    windows.fit(list(np.zeros((3, 8))))
    assert not hasattr(windows, "n_features_in_")
    assert windows.transform(np.zeros((3, 12))).shape == (9, 4)


def test_labels_of_windows():
    windows = SlidingWindows(5).fit([np.zeros(12), np.zeros(5), np.zeros(10)])
    assert windows.shapes_ == [(12,), (5,), (10,)]
    labels = np.repeat(["a", "b", "c"], windows.n_windows_)
    assert "".join(labels) == "aaabcc"


def test_frames_and_tensors():
    rng = np.random.default_rng(0)
    series = rng.normal(size=(20, 2))
    windows = SlidingWindows(6, 3, channel_axis=-1)
    expected = windows.fit_transform([series])
    for kind in (pd.DataFrame, pl.DataFrame, torch.from_numpy, np.ndarray.tolist):
        np.testing.assert_array_equal(windows.fit_transform([kind(series)]), expected)
    [back] = windows.inverse_transform(torch.from_numpy(expected))
    np.testing.assert_array_equal(back, series)
    np.testing.assert_array_equal(
        windows.fit_transform(torch.from_numpy(series)[None]), expected
    )
    with pytest.raises(ValueError, match="not available"):
        make_pipeline(windows, PCA(2)).set_output(transform="pandas")


def test_the_cells_of_windows_have_names():
    windows = SlidingWindows((2, 2)).fit(np.zeros((1, 4, 4)))
    assert list(windows.get_feature_names_out()) == [
        f"slidingwindows{i}" for i in range(4)
    ]


def test_there_and_back_in_a_pipeline():
    photo = np.random.default_rng(0).normal(size=(20, 30, 3))
    tiles = SlidingWindows((4, 4), 2, channel_axis=-1, flatten=True)
    pipeline = make_pipeline(tiles, PCA(48))
    codes = pipeline.fit_transform([photo])
    assert codes.shape == (9 * 14, 48)
    [back] = pipeline.inverse_transform(codes)
    np.testing.assert_allclose(back, photo)
    loaded = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(loaded.inverse_transform(codes)[0], back)


@pytest.fixture
def waves():
    """A series of two channels, with a gap in the first."""
    t = np.arange(600)
    signal = np.column_stack([np.sin(t / 5), np.cos(t / 5)])
    signal[300:310, 0] = np.nan
    return signal


def test_before_a_transformer(waves):
    windows = SlidingWindows(16, 4, channel_axis=-1)
    rows = windows.fit_transform([waves])
    mae = quick(input_shape=windows.window_shape_, channel_axis=-1).fit(rows)
    [restored] = windows.inverse_transform(mae.restore(rows))
    assert restored.shape == waves.shape
    seen = ~np.isnan(waves)
    np.testing.assert_array_equal(restored[seen], waves[seen])
    assert not np.isnan(restored).any()


def test_before_an_imputer(waves):
    windows = SlidingWindows(16, 4, channel_axis=-1, flatten=True)
    imputer = MaskedAutoencoderImputer((16,), max_epochs=1, n_members=2, device="cpu")
    pipeline = make_pipeline(windows, imputer)
    [filled] = windows.inverse_transform(pipeline.fit_transform([waves]))
    seen = ~np.isnan(waves)
    np.testing.assert_array_equal(filled[seen], waves[seen])
    truth = np.sin(np.arange(300, 310) / 5)
    assert np.abs(filled[300:310, 0] - truth).max() < 0.3


def test_before_a_detector(waves):
    strange = waves.copy()
    strange[400:408, 1] *= -1
    windows = SlidingWindows(16, 4, channel_axis=-1)
    train, test = windows.fit([waves[:350]]).transform([waves[:350]]), [strange[350:]]
    detector = MaskedAutoencoderDetector(
        input_shape=windows.window_shape_,
        channel_axis=-1,
        max_epochs=30,
        device="cpu",
        random_state=0,
    ).fit(train)
    scores = detector.score_samples(windows.transform(test))
    [score] = windows.inverse_transform(scores, like=test)
    assert 45 <= score.argmin() <= 62


@pytest.mark.parametrize(
    ("params", "X", "message"),
    [
        ({"window_shape": 4}, np.zeros(9), r"X is 1-d. .* pass \[X\]"),
        ({"window_shape": 4}, [1.0, 2.0], r"X\[0\] is 1.0. Pass .* as \[signal\]"),
        ({"window_shape": 4}, [], "X is an empty list"),
        (
            {"window_shape": 4},
            [np.zeros(9), np.zeros(3)],
            r"X\[1\] is a signal of shape \(3,\), which is smaller .* \(4,\)",
        ),
        (
            {"window_shape": (4, 4)},
            np.zeros((9, 9)),
            r"X holds signals of n_features=9, but with window_shape=\(4, 4\) and "
            r"channel_axis=None a signal must have 2 axes. If .* pass \[X\]",
        ),
        (
            {"window_shape": (4, 4), "channel_axis": -1},
            np.zeros((9, 9, 3)),
            r"signals of shape \(9, 3\), but .* 3 axes, one being channels. If",
        ),
        (
            {"window_shape": 4, "channel_axis": -1},
            np.zeros((9, 3)),
            r"n_features=3, but .* must have 2 axes, one being channels. If",
        ),
        (
            {"window_shape": 4, "channel_axis": -1},
            [np.zeros((9, 3)), np.zeros((9, 2))],
            r"X\[1\] .*, with 2 channels instead of 3",
        ),
        (
            {"window_shape": 4},
            [np.zeros(9), np.zeros((9, 9))],
            r"X\[1\] is a signal of shape \(9, 9\), but .* 1 axis",
        ),
        (
            {"window_shape": 4, "channel_axis": 2},
            [np.zeros((9, 3))],
            "channel_axis=2 must be one of the 2 axes of a signal, from -2 to 1",
        ),
        (
            {"window_shape": 4, "step": 5},
            np.zeros((1, 9)),
            "step=5 must not be greater than window_shape=4",
        ),
        (
            {"window_shape": (4, 2), "step": 3},
            np.zeros((1, 9, 9)),
            "step=3 must not be greater than",
        ),
        (
            {"window_shape": 4, "step": (1, 1)},
            np.zeros((1, 9)),
            r"step must be an integer .* each of the 1 axes .* Got \(1, 1\)",
        ),
        (
            {"window_shape": (4, 0)},
            np.zeros((1, 9, 9)),
            r"window_shape must be .* Got \(4, 0\)",
        ),
        ({"window_shape": 0}, np.zeros((1, 9)), "'window_shape' parameter"),
        ({"window_shape": 2}, [np.array([1, np.inf, 2])], "infinity"),
        ({"window_shape": 2}, np.full((1, 3, 3), np.inf), "infinity"),
        (
            {"window_shape": 2},
            [np.zeros(3, dtype="datetime64[D]")],
            r"X\[0\] must hold numbers. Got dtype datetime64",
        ),
    ],
)
def test_what_fit_refuses(params, X, message):
    windows = SlidingWindows(2).fit(np.zeros((2, 5)))
    windows.set_params(**params)
    with pytest.raises(ValueError, match=message):
        windows.fit(X)
    # What was fitted is not lost.
    windows.set_params(**SlidingWindows(2).get_params())
    assert windows.transform(np.zeros((2, 5))).shape == (6, 2)
    with pytest.raises(ValueError, match=message):
        clone(windows).set_params(**params).fit(X)


def test_missing_values_of_lists():
    rows = SlidingWindows(2).fit_transform([[1, None, 3]])
    np.testing.assert_array_equal(rows, [[1, np.nan], [np.nan, 3]])
    all_lost = SlidingWindows(2).fit([np.zeros(3)])
    [back] = all_lost.inverse_transform(np.full((2, 2), np.nan))
    np.testing.assert_array_equal(back, [np.nan] * 3)


def test_what_transform_refuses():
    windows = SlidingWindows((4, 4), channel_axis=-1).fit([np.zeros((9, 9, 3))])
    with pytest.raises(ValueError, match=r"X\[0\] .* with 1 channels instead of 3"):
        windows.transform([np.zeros((9, 9, 1))])
    with pytest.raises(ValueError, match=r"X\[0\] .* \(9, 9\), but .* 3 axes"):
        windows.transform([np.zeros((9, 9))])
    with pytest.raises(ValueError, match="smaller than a window"):
        windows.transform(np.zeros((1, 9, 2, 3)))


def test_what_inverse_transform_refuses():
    windows = SlidingWindows(4, channel_axis=-1).fit([np.zeros((8, 3))])
    with pytest.raises(
        ValueError,
        match=r"shape \(5,\); they must have shape \(4, 3\) or \(12,\) or \(4,\), or",
    ):
        windows.inverse_transform(np.zeros((2, 5)))
    with pytest.raises(ValueError, match=r"X has 3 windows, but .* fit have 2"):
        windows.inverse_transform(np.zeros((3, 4, 3)))
    with pytest.raises(ValueError, match="infinity"):
        windows.inverse_transform([np.inf, 0.0])
    for like in (3, "x", np.zeros(8), np.zeros((8, 3))):
        with pytest.raises(ValueError, match=r"like (is|holds) .* [Pp]ass"):
            windows.inverse_transform([1.0, 2.0], like=like)
