"""The worst rows, and the cells that are to blame."""

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from skmae import (
    AnomalyDisplay,
    MaskedAutoencoderDetector,
)

from .helpers import drawn_everywhere


def test_the_worst_rows_and_their_cells_are_named(detector, wine):
    X = wine.copy()
    X[17, 3] = 1000.0
    display = drawn_everywhere(AnomalyDisplay.from_estimator(detector, X, n_rows=4))
    scores, heat = display.axes_[:, 0]
    assert heat.get_yticklabels()[0].get_text() == "row 17"
    shown = heat.images[0].get_array()
    assert shown.shape == (4, 13)
    assert shown[0].argmax() == 3
    assert heat.get_xticklabels()[3].get_text() == "x3"
    n_outliers = (detector.predict(X) == -1).sum()
    legend = [text.get_text() for text in scores.get_legend().get_texts()]
    assert f"threshold, passed by {n_outliers} of {len(X)}" in legend


def test_known_classes_are_told_apart(detector, wine):
    y = np.where(np.arange(len(wine)) < 50, "early", "late")
    display = AnomalyDisplay.from_estimator(detector, wine, y)
    legend = display.axes_[0, 0].get_legend().get_texts()
    assert {"early", "late"} < {text.get_text() for text in legend}


def test_of_many_columns_the_most_blamed_are_drawn(digits):
    detector = MaskedAutoencoderDetector(
        hidden_layer_sizes=(16,), max_epochs=1, device="cpu", random_state=0
    ).fit(digits[0][:200])
    display = drawn_everywhere(AnomalyDisplay.from_estimator(detector, digits[0][:50]))
    assert "most blamed of 64 columns" in display.axes_[1, 0].get_title()


def test_the_blame_of_an_image_is_an_image_below_it(image_detector, digits):
    X = digits[0][200:230].reshape(-1, 8, 8).copy()
    X[17, 0, 7] = 1000.0  # in the upper right corner
    X[17, 7, 0] = np.nan
    display = drawn_everywhere(
        AnomalyDisplay.from_estimator(image_detector, X, n_rows=3)
    )
    axes = display.axes_[1, 0]
    row, blame = axes.images[:2]
    np.testing.assert_array_equal(row.get_array(), X[17])
    assert mpl.colors.same_color(row.cmap.get_bad(), "tab:orange")
    at = np.unravel_index(np.argmax(blame.get_array()), (8, 8))
    assert at == (0, 7)
    left, right, bottom, top = row.get_extent()
    assert (left, right) == tuple(blame.get_extent()[:2])
    assert top > bottom >= blame.get_extent()[3]
    assert len(axes.images) == 6
    ticks = [tick.get_text() for tick in axes.get_yticklabels()]
    assert ticks == ["blame", "row"]
    assert axes.get_xticklabels()[0].get_text() == "row 17"
    flat = AnomalyDisplay.from_estimator(image_detector, X.reshape(30, 64), n_rows=3)
    for one, other in zip(axes.images, flat.axes_[1, 0].images, strict=True):
        np.testing.assert_array_equal(one.get_array(), other.get_array())


def test_a_pixel_has_the_blame_of_its_colours(digits):
    X = digits[0][:60, :48].reshape(-1, 3, 4, 4) / 16
    detector = MaskedAutoencoderDetector(
        input_shape=(3, 4, 4), hidden_layer_sizes=(8,), max_epochs=1, device="cpu"
    ).fit(X)
    display = drawn_everywhere(AnomalyDisplay.from_estimator(detector, X, n_rows=2))
    worst = detector.score_samples(X).argmin()
    row, blame = display.axes_[1, 0].images[:2]
    np.testing.assert_allclose(row.get_array(), X[worst].transpose(1, 2, 0))
    assert blame.get_array().shape == (4, 4)
    total = -detector.score_samples(X)[worst]
    assert blame.get_array().sum() == pytest.approx(total)


def test_names_of_many_images_do_not_run_into_each_other(image_detector, digits):
    X = pd.DataFrame(digits[0][:60]).set_axis(
        [f"a rather long name {i}" for i in range(60)]
    )
    display = drawn_everywhere(
        AnomalyDisplay.from_estimator(image_detector, X, n_rows=10)
    )
    labels = display.axes_[1, 0].get_xticklabels()
    boxes = [label.get_window_extent() for label in labels]
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))
    display = AnomalyDisplay.from_estimator(image_detector, X, n_rows=30)
    assert display.axes_[1, 0].get_xticklabels()[0].get_rotation() == 45


@pytest.mark.parametrize("kind", ["columns", "images"])
def test_colours_end_two_powers_of_ten_below_the_worst_cell(
    kind, detector, image_detector, wine, digits
):
    fitted, X = (detector, wine) if kind == "columns" else (image_detector, digits[0])
    X = X[:40].copy()
    X[3, 5] = 1e6  # beside this cell no other would have a colour on a linear scale
    display = drawn_everywhere(AnomalyDisplay.from_estimator(fitted, X))
    worst = np.max(display.blame)
    for image in display.axes_[1, 0].images[1 if kind == "images" else 0 :: 2]:
        assert image.get_clim() == pytest.approx((worst / 100, worst))
        # Less than the least is drawn pale, not left out.
        assert image.norm(worst / 1e4) == 0.0
    halfway = image.norm(worst / 10)
    assert halfway == pytest.approx(0.5)


def test_rows_without_any_blame_are_drawn():
    X = np.ones((30, 3))
    detector = MaskedAutoencoderDetector(
        hidden_layer_sizes=(8,), max_epochs=1, device="cpu", random_state=0
    ).fit(X)
    drawn_everywhere(AnomalyDisplay.from_estimator(detector, X))


def test_classes_are_of_all_rows(detector, wine):
    with pytest.raises(ValueError, match=r"numbers of samples: \[178, 3\]"):
        AnomalyDisplay.from_estimator(detector, wine, [0, 1, 1])


def test_only_what_explains_can_be_explained(images, digits):
    with pytest.raises(TypeError, match="'explain'"):
        AnomalyDisplay.from_estimator(images, digits[0])
