"""Channels: entries of an axis that have scales of their own and are no neighbours."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from skmae import (
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderRegressor,
    MaskedAutoencoderTransformer,
)
from skmae.onnx import export_onnx
from tests.conftest import quick, with_encoder

LENGTH = 24
SCALES = np.array([1.0, 0.01, 20.0])


def waves(n_rows=400, seed=0):
    """Series of three channels that follow each other: sizes 1, .01 and 50 +- 20."""
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 2 * np.pi, (n_rows, 1)) + np.arange(LENGTH) / 3
    channels = [np.sin(phase), np.sin(phase + 1), np.sin(phase + 2)]
    series = np.stack(channels, axis=2) + 0.05 * rng.normal(size=(n_rows, LENGTH, 3))
    return series * SCALES + [0.0, 0.0, 50.0]


def flipped(series):
    """The same, the second channel of every other row turned upside down."""
    strange = np.arange(len(series)) % 2 == 1
    series = series.copy()
    series[strange, :, 1] *= -1
    return series, strange


@pytest.mark.parametrize("axis", [-1, 0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_an_outlier_in_the_smallest_channel_is_found(axis, seed):
    series, strange = flipped(waves(100, seed=100 + seed))
    train, shape = waves(seed=seed), (LENGTH, 3)
    if axis == 0:
        train, series = train.transpose(0, 2, 1), series.transpose(0, 2, 1)
        shape = (3, LENGTH)
    detector = MaskedAutoencoderDetector(
        input_shape=shape,
        channel_axis=axis,
        n_members=2,
        max_epochs=40,
        device="cpu",
        random_state=seed,
    ).fit(train)
    assert roc_auc_score(strange, -detector.score_samples(series)) > 0.99
    blame = detector.explain(series)[strange]
    blame = blame if axis == -1 else blame.transpose(0, 2, 1)
    assert blame.sum(axis=(0, 1)).argmax() == 1


def restored_errors(mae, series, axis):
    """Root mean squared error of a gap in each channel, in standard deviations."""
    holed = series.copy()
    holed[:, 8:14] = np.nan
    if axis == 0:
        restored = mae.restore(holed.transpose(0, 2, 1)).transpose(0, 2, 1)
    else:
        restored = mae.restore(holed)
    assert_array_equal(restored[:, :8], series[:, :8])
    errors = (restored - series)[:, 8:14] / SCALES
    return np.sqrt(np.mean(errors**2, axis=(0, 1)))


@pytest.mark.parametrize(
    ("architecture", "axis"), [("mlp", -1), ("mlp", 0), ("attention", 0)]
)
def test_a_gap_is_filled_in_every_channel(architecture, axis):
    train = waves() if axis == -1 else waves().transpose(0, 2, 1)
    mae = MaskedAutoencoderTransformer(
        architecture=architecture,
        hidden_layer_sizes=(32,) if architecture == "attention" else (64,),
        n_components=64,
        input_shape=train.shape[1:],
        channel_axis=axis,
        patch_size=4,
        mask_ratio=0.5,
        max_epochs=150 if architecture == "attention" else 60,
        lr=6e-3,
        batch_size=64,
        device="cpu",
        random_state=0,
    ).fit(train)
    assert (restored_errors(mae, waves(50, seed=7), axis) < 0.4).all()


def test_scaling_and_errors_are_those_of_each_channel():
    series = waves()
    mae = quick(input_shape=(LENGTH, 3), channel_axis=1, mask_ratio=0.3)
    mae.fit(series)
    # as though all channels had been brought to one scale by hand
    alike = (series - [0.0, 0.0, 50.0]) / SCALES
    by_hand = clone(mae).fit(alike)
    # float32 holds 50 +- 20 less exactly
    assert_allclose(mae.score(series), by_hand.score(alike), atol=0.02)
    errors = mae.reconstruction_error(series, per_feature=True)
    by_channel = errors.reshape(-1, LENGTH, 3).mean(axis=(0, 1))
    assert by_channel.max() < 1.5 * by_channel.min()
    decoded = mae.inverse_transform(mae.transform(series)).reshape(series.shape)
    assert (np.abs(decoded - series).mean(axis=(0, 1)) < 2 * SCALES).all()


@pytest.mark.parametrize("scaling", ["minmax", "robust", "quantile", "asinh"])
def test_every_scaling_has_a_scale_for_each_channel(scaling):
    series = waves()
    mae = quick(input_shape=(LENGTH, 3), channel_axis=-1, scaling=scaling)
    mae.fit(series)
    filled = mae.restore(np.where(np.arange(3) == 1, np.nan, series[:20]))
    assert np.abs(filled[:, :, 1]).max() < 0.1
    assert_array_equal(filled[:, :, 2], series[:20, :, 2])


def test_channels_first_and_last_are_one_model():
    """Patches and scales are the same; only the order of the cells differs."""
    last = quick(input_shape=(LENGTH, 3), channel_axis=-1, patch_size=4)
    first = quick(input_shape=(3, LENGTH), channel_axis=0, patch_size=4)
    last.fit(waves())
    first.fit(waves().transpose(0, 2, 1))
    assert_allclose(
        last.score(waves(50, seed=1)),
        first.score(waves(50, seed=1).transpose(0, 2, 1)),
        atol=0.1,
    )


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_few_labels(kind):
    series = waves(120)
    y = np.arange(120) % 2
    series[y == 1, :, 1] *= -1
    cls = MaskedAutoencoderClassifier
    if kind == "regressor":
        cls = MaskedAutoencoderRegressor
    model = with_encoder(
        cls,
        input_shape=(LENGTH, 3),
        channel_axis=-1,
        n_components=32,
        hidden_layer_sizes=(32,),
        max_epochs=30,
        self_training=False,
        device="cpu",
        random_state=0,
    ).fit(series[:80], y[:80])
    assert model.score(series[80:], y[80:]) > 0.8


def test_a_channel_that_nobody_observes_is_passed_over():
    series = waves(100)
    series[:, :, 1] = np.nan
    mae = quick(input_shape=(LENGTH, 3), channel_axis=1, max_epochs=30)
    with pytest.warns(UserWarning, match="1, 4, 7, .* and 14 others of X"):
        mae.fit(series)
    holed = series.copy()
    holed[:, 8:14, 2] = np.nan
    restored = mae.restore(holed)
    assert np.isnan(restored[:, :, 1]).all()
    assert np.abs(restored - series)[:, :, 2].mean() < 0.5 * SCALES[2]


# -- when it is not said -----------------------------------------------------------


@pytest.mark.parametrize("first", [False, True])
def test_unlike_channels_under_one_scale_are_told_of(first):
    series = waves(100).transpose(0, 2, 1) if first else waves(100)
    mae = quick(input_shape=series.shape[1:], max_epochs=1)
    axis = 0 if first else 1
    with pytest.warns(UserWarning, match=rf"factor of .*channel_axis={axis}"):
        mae.fit(series)
    detector = MaskedAutoencoderDetector(
        input_shape=series.shape[1:], max_epochs=1, device="cpu"
    )
    with pytest.warns(UserWarning, match=f"channel_axis={axis}"):
        detector.fit(series.reshape(100, -1))


def test_channels_that_lie_far_apart_are_told_of():
    far = waves(100)[:, :, :1] + [0.0, 1000.0]
    with pytest.warns(UserWarning, match="channel_axis=1"):
        quick(input_shape=(LENGTH, 2), max_epochs=1).fit(far)


def test_images_with_dark_borders_and_growing_series_are_not_told_of(digits):
    walks = np.cumsum(np.random.default_rng(0).normal(size=(200, 200, 1)), axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick(input_shape=(8, 8), max_epochs=1).fit(digits[0])
        quick(input_shape=(200, 1), max_epochs=1).fit(walks)
        quick(input_shape=(LENGTH, 3), channel_axis=1, max_epochs=1).fit(waves(100))
        # columns of a table have scales of their own anyway
        quick(max_epochs=1).fit(waves(100).reshape(100, -1))


# -- what may be said --------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"channel_axis": 0}, "channel_axis=0 and input_shape=None"),
        (
            {"input_shape": (LENGTH, 3), "channel_axis": 2},
            r"'channel_axis' parameter must be an axis of input_shape=\(24, 3\), "
            r"in \[-2, 1\]. Got 2",
        ),
        ({"input_shape": (LENGTH, 3), "channel_axis": -3}, r"in \[-2, 1\]. Got -3"),
        ({"input_shape": (LENGTH, 3), "channel_axis": 0.5}, "'channel_axis' parameter"),
        (
            {"input_shape": (LENGTH, 3), "channel_axis": 1, "patch_size": (8, 3)},
            r"patch_size must fit into the axes of input_shape=\(24, 3\) other than "
            r"channel_axis=1, \(24,\)",
        ),
        (
            {"input_shape": (72,), "channel_axis": 0, "patch_size": 8},
            "patch_size must fit into",
        ),
    ],
)
def test_wrong_channels_are_refused(params, message):
    X = waves(20).reshape(20, -1)
    with pytest.raises(ValueError, match=message):
        quick(**params).fit(X)


def test_warm_start_keeps_the_channels():
    mae = quick(
        input_shape=(LENGTH, 3), channel_axis=1, warm_start=True, max_epochs=1
    ).fit(waves(50))
    mae.set_params(channel_axis=-1).fit(waves(50))  # the same axis
    with pytest.raises(ValueError, match="channel_axis"):
        mae.set_params(channel_axis=0).fit(waves(50))


def test_onnx_gives_the_same_codes(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    mae = quick(input_shape=(LENGTH, 3), channel_axis=1, patch_size=4, max_epochs=1)
    series = waves(50)
    mae.fit(series)
    export_onnx(mae, tmp_path / "codes.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "codes.onnx")
    (codes,) = session.run(None, {"X": series.reshape(50, -1)})
    assert_allclose(codes, mae.transform(series), atol=1e-4)
