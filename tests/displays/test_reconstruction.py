"""Rows, what is hidden of them and what is restored: pictures and tables."""

from itertools import pairwise

import numpy as np
import pytest

from skmae import (
    AnomalyDisplay,
    MaskedAutoencoderDetector,
    MaskedAutoencoderImputer,
    ReconstructionDisplay,
)
from tests.conftest import mixed_columns, quick

from .helpers import drawn_everywhere


def test_a_mask_of_another_shape_is_refused(images, digits):
    with pytest.raises(ValueError, match="mask must have the shape of X"):
        ReconstructionDisplay.from_estimator(
            images, digits[0][:5], mask=np.ones((4, 64), dtype=bool)
        )


def test_images_show_the_original_what_is_hidden_and_what_is_restored(images, digits):
    X = digits[0][:20]
    mask = np.zeros(X.shape, dtype=bool)
    mask[:, :32] = True
    display = drawn_everywhere(
        ReconstructionDisplay.from_estimator(images, X, mask=mask, n_rows=20)
    )
    original, hidden, restored = (
        axes[3].images[0].get_array() for axes in display.axes_
    )
    np.testing.assert_array_equal(original, X[3].reshape(8, 8))
    assert np.ma.getmaskarray(np.ma.masked_invalid(hidden))[:4].all()
    np.testing.assert_array_equal(hidden[4:], X[3].reshape(8, 8)[4:])
    np.testing.assert_array_equal(restored, images.restore(X, mask)[3].reshape(8, 8))
    assert [a.get_ylabel() for a in display.axes_[:, 0]] == [
        "original",
        "hidden",
        "restored",
    ]


def test_the_mask_is_as_large_as_in_training_and_seeded(images, digits):
    X = digits[0][:50]
    first, again, other = (
        ReconstructionDisplay.from_estimator(images, X, random_state=seed)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.mask, again.mask)
    np.testing.assert_array_equal(first.original, again.original)
    assert (first.mask != other.mask).any()
    assert first.mask.mean() == pytest.approx(0.4, abs=0.03)


def test_a_plain_autoencoder_is_shown_half_of_the_cells(digits):
    mae = quick(mask_ratio=0.0, max_epochs=1).fit(digits[0][:100])
    display = ReconstructionDisplay.from_estimator(mae, digits[0][:5], random_state=0)
    assert display.mask.mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("shape", [(3, 4, 4), (2, 4, 8)], ids=["colour", "other"])
def test_n_d_rows_are_drawn(shape, digits):
    X = digits[0][:60, : np.prod(shape)].reshape(-1, *shape)
    if np.prod(shape) > 48:
        X = digits[0][:60].reshape(-1, *shape)
    mae = quick(input_shape=shape, patch_size=2, max_epochs=1).fit(X)
    display = drawn_everywhere(
        ReconstructionDisplay.from_estimator(mae, X, n_rows=3, random_state=0)
    )
    assert display.axes_.shape == (3, 3)


@pytest.mark.parametrize("axis", [0, -1])
def test_channels_first_and_last_are_drawn_alike(axis, digits):
    """Three channels of an image are colours, wherever their axis is."""
    X = np.moveaxis(digits[0][:60, :48].reshape(-1, 3, 4, 4), 1, axis % 3 + 1)
    mae = quick(input_shape=X.shape[1:], channel_axis=axis, max_epochs=1).fit(X)
    display = drawn_everywhere(
        ReconstructionDisplay.from_estimator(mae, X[:3], random_state=0)
    )
    drawn = display.axes_[0, 0].images[0].get_array()
    colours = np.moveaxis(X[0], axis, 2)
    np.testing.assert_allclose(drawn, colours / X[:3].max())
    detector = MaskedAutoencoderDetector(
        input_shape=X.shape[1:],
        channel_axis=axis,
        hidden_layer_sizes=(8,),
        max_epochs=1,
        device="cpu",
    ).fit(X)
    display = drawn_everywhere(AnomalyDisplay.from_estimator(detector, X, n_rows=2))
    row, blame = display.axes_[1, 0].images[:2]
    assert row.get_array().shape == (4, 4, 3)
    assert blame.get_array().shape == (4, 4)


@pytest.mark.parametrize("axis", [0, -1])
def test_channels_of_a_series_stand_below_each_other_in_ranges_of_their_own(axis):
    series = np.random.default_rng(0).random((40, 2, 12)) * [[[1.0], [1000.0]]]
    X = np.moveaxis(series, 1, axis % 2 + 1)
    mae = quick(input_shape=X.shape[1:], channel_axis=axis, max_epochs=1).fit(X)
    display = drawn_everywhere(
        ReconstructionDisplay.from_estimator(mae, X, n_rows=40, random_state=0)
    )
    drawn = np.stack([axes.images[0].get_array() for axes in display.axes_[0]])
    np.testing.assert_allclose(drawn.min(axis=(0, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(drawn.max(axis=(0, 2)), 1)
    assert drawn.shape == (40, 2, 12)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_tables_with_categories_and_holes_are_written_out(holey_frame):
    mae = quick().fit(holey_frame)
    mask = np.zeros((len(holey_frame), 5), dtype=bool)
    mask[4, [0, 2]] = True
    display = drawn_everywhere(
        ReconstructionDisplay.from_estimator(
            mae, holey_frame[3:6], mask=mask[3:6], random_state=0
        )
    )
    original, hidden, restored = (texts(axes) for axes in display.axes_[:, 0])
    assert original[0] == "?"  # missing
    assert "?" not in restored
    assert hidden[5] == hidden[7] == "?"
    assert original[5] != "?"
    names = [tick.get_text() for tick in display.axes_[-1, 0].get_xticklabels()]
    assert names == list(mixed_columns())


def test_what_an_imputer_filled_can_be_drawn(holey_wine):
    imputer = MaskedAutoencoderImputer(
        hidden_layer_sizes=(16,), n_members=2, max_epochs=1, device="cpu"
    ).fit(holey_wine)
    with pytest.raises(TypeError, match="needs an estimator with 'restore'"):
        ReconstructionDisplay.from_estimator(imputer, holey_wine)
    rows = holey_wine[:4]
    display = drawn_everywhere(
        ReconstructionDisplay.from_predictions(
            rows, np.isnan(rows), imputer.transform(rows)
        )
    )
    assert "?" not in texts(display.axes_[2, 0])


def test_wide_tables_are_coloured_only(digits):
    X = np.hstack([digits[0][:80], digits[0][80:160]])
    display = drawn_everywhere(
        ReconstructionDisplay.from_estimator(quick().fit(X), X, random_state=0)
    )
    assert texts(display.axes_[0, 0]) == []


def test_names_of_many_columns_do_not_run_into_each_other(digits):
    display = ReconstructionDisplay.from_predictions(
        digits[0][:3, :60],
        np.zeros((3, 60), dtype=bool),
        digits[0][:3, :60],
        feature_names=[f"a rather long name {j}" for j in range(60)],
    )
    drawn_everywhere(display)
    labels = display.axes_[-1, 0].get_xticklabels()
    boxes = [label.get_window_extent() for label in labels]
    assert len(boxes) == 60
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))
