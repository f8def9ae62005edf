"""Displays show what they claim, wherever they are asked to draw."""

import builtins
import pickle
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import estimator_html_repr

import skmae
from skmae import (
    AnomalyDisplay,
    LossCurveDisplay,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskRatioDisplay,
    NewRowsDisplay,
    ReconstructionDisplay,
)
from skmae._docs import DOC_LINK_TEMPLATE
from tests.conftest import make_frame, mixed_columns, quick, with_encoder

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def images(digits):
    return quick(input_shape=(8, 8)).fit(digits[0][:200])


@pytest.fixture(scope="module")
def detector(wine):
    return MaskedAutoencoderDetector(
        hidden_layer_sizes=(16,), max_epochs=5, device="cpu", random_state=0
    ).fit(wine)


def drawn_everywhere(display):
    """Draw for real, since much goes wrong only then."""
    display.figure_.canvas.draw()
    return display


# -- reconstruction ------------------------------------------------------------


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


# -- loss curve ----------------------------------------------------------------


def test_losses_and_learning_rates_are_those_of_the_fit(wine):
    mae = quick(early_stopping=True).fit(wine)
    display = drawn_everywhere(LossCurveDisplay.from_estimator(mae))
    np.testing.assert_array_equal(display.ax_.lines[0].get_ydata(), mae.loss_curve_)
    np.testing.assert_array_equal(
        display.validation_ax_.lines[0].get_ydata(), mae.validation_loss_curve_
    )
    assert len(display.lr_ax_.lines[0].get_ydata()) == mae.n_iter_


def test_what_a_loaded_estimator_has_forgotten_is_left_out(wine):
    mae = pickle.loads(pickle.dumps(quick().fit(wine)))
    display = drawn_everywhere(LossCurveDisplay.from_estimator(mae))
    assert display.lr_ax_ is None
    assert len(display.ax_.lines[0].get_ydata()) == mae.n_iter_
    # Learning rates of later passes alone would be drawn at the wrong epochs.
    assert LossCurveDisplay.from_estimator(mae.partial_fit(wine)).lr_ax_ is None


def test_training_after_the_last_validation_is_drawn(wine):
    mae = quick(early_stopping=True).fit(wine).partial_fit(wine)
    display = drawn_everywhere(LossCurveDisplay.from_estimator(mae))
    assert len(display.ax_.lines[0].get_ydata()) == 6
    assert len(display.validation_ax_.lines[0].get_ydata()) == 5


def test_a_single_epoch_can_be_seen(wine):
    display = LossCurveDisplay.from_estimator(quick(max_epochs=1).fit(wine))
    assert display.ax_.lines[0].get_marker() == "o"


def test_of_a_classifier_the_fine_tuning_is_drawn(wine):
    y = np.where(np.arange(len(wine)) % 2, -1, np.arange(len(wine)) % 4)
    classifier = with_encoder(
        MaskedAutoencoderClassifier,
        n_components=8,
        hidden_layer_sizes=(16,),
        max_epochs=2,
        fine_tune_epochs=3,
        early_stopping=True,
        device="cpu",
        random_state=0,
    ).fit(wine, y)
    display = drawn_everywhere(LossCurveDisplay.from_estimator(classifier))
    drawn = display.ax_.lines[0].get_ydata()
    np.testing.assert_array_equal(drawn, classifier.loss_curve_)
    assert "fine-tuning" in display.ax_.get_title()
    assert display.validation_ax_.get_ylabel() == "validation loss"


def test_the_detectors_losses_are_drawn(detector):
    drawn_everywhere(LossCurveDisplay.from_estimator(detector))


# -- mask ratio ----------------------------------------------------------------


def test_a_pipelines_mask_ratio_is_found(wine):
    pipeline = Pipeline([("mae", quick(max_epochs=1)), ("clf", LogisticRegression())])
    y = np.arange(len(wine)) % 2
    grid = {"mae__mask_ratio": [0.8, 0.2], "clf__C": [0.1, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(wine, y)
    display = drawn_everywhere(MaskRatioDisplay.from_estimator(search))
    assert display.mask_ratios == [0.2, 0.8]  # in their order, not that of the grid
    assert display.labels == ["C=0.1", "C=1.0"]
    for params, score in zip(
        search.cv_results_["params"],
        search.cv_results_["mean_test_score"],
        strict=True,
    ):
        line = display.labels.index(f"C={params['clf__C']}")
        at = display.mask_ratios.index(params["mae__mask_ratio"])
        assert display.lines_[line].get_ydata()[at] == score
    labels = display.ax_.get_legend_handles_labels()[1]
    assert any(f"{search.best_score_:.3f}" in label for label in labels)


def results(ratios, parameter="mask_ratio"):
    return {
        "params": [{parameter: ratio} for ratio in ratios],
        "mean_test_score": np.arange(len(ratios), dtype=float),
        "std_test_score": np.full(len(ratios), 0.1),
    }


def test_a_search_of_many_combinations_stays_readable():
    many = results(np.linspace(0.1, 0.8, 20))
    for seed, params in enumerate(many["params"]):
        params["random_state"] = seed
    display = drawn_everywhere(MaskRatioDisplay.from_cv_results(many))
    assert len(display.lines_) == 20
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    # Scores rise, so that the best combination is the last one.
    assert legend[:2] == ["19 other combinations", "random_state=19"]
    assert len(legend) == 4  # and its band, and the best score
    colours = [line.get_color() for line in display.lines_]
    assert colours.index("C0") == 19
    assert len(set(colours)) == 2


@pytest.mark.parametrize("n_lines", [2, 4, 8])
def test_names_of_some_combinations_cover_no_line(n_lines):
    some = results([0.2, 0.6] * n_lines)
    for i, params in enumerate(some["params"]):
        params["hidden_layer_sizes"] = (2 ** (5 + i // 2), 256)
    display = drawn_everywhere(MaskRatioDisplay.from_cv_results(some))
    legend = display.ax_.get_legend()
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[:n_lines] == [line.get_label() for line in display.lines_]
    box = legend.get_window_extent()
    for line in display.lines_:
        (start, end) = display.ax_.transData.transform(line.get_xydata())
        assert not any(
            box.contains(*(start + share * (end - start)))
            for share in np.linspace(0, 1, 50)
        )
    height = display.figure_.bbox.height
    assert box.y0 >= 0
    assert display.ax_.get_window_extent().height > height / 2
    # Bands of many lines would hide each other.
    assert len(display.ax_.collections) == (2 if n_lines == 2 else 1)
    colour = display.lines_[-1].get_color()
    band = display.ax_.collections[-1]
    assert mpl.colors.same_color(band.get_facecolor()[0, :3], colour)


def test_the_best_of_many_combinations_may_be_the_first():
    many = results(np.linspace(0.1, 0.8, 20))
    for seed, params in enumerate(many["params"]):
        params["random_state"] = seed
    many["mean_test_score"] = many["mean_test_score"][::-1]
    display = MaskRatioDisplay.from_cv_results(many)
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert set(legend[:2]) == {"19 other combinations", "random_state=0"}
    assert display.lines_[0].get_color() == "C0"
    scores = np.arange(10.0)[:, None]
    display = MaskRatioDisplay(mask_ratios=[0.5], scores=scores, spreads=scores).plot()
    assert display.lines_[9].get_label() == "best combination"


def test_ranges_and_auto_stand_beside_numbers():
    display = drawn_everywhere(
        MaskRatioDisplay.from_cv_results(results([0.5, (0.1, 0.4), "auto"]))
    )
    names = [tick.get_text() for tick in display.ax_.get_xticklabels()]
    assert names == ["0.5", "0.1 to 0.4", "auto"]


def test_a_search_without_mask_ratio_is_refused():
    with pytest.raises(ValueError, match="ends in 'mask_ratio'"):
        MaskRatioDisplay.from_cv_results(results([1, 2], "n_components"))
    with pytest.raises(ValueError, match="searched over"):
        MaskRatioDisplay.from_cv_results(results([0.1]), parameter="lr")
    with pytest.raises(ValueError, match="mean_test_f1"):
        MaskRatioDisplay.from_cv_results(results([0.1]), metric="f1")
    with pytest.raises(NotFittedError, match="pass a search, such as GridSearchCV"):
        MaskRatioDisplay.from_estimator(quick())


# -- anomalies -----------------------------------------------------------------


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


@pytest.fixture(scope="module")
def image_detector(digits):
    return MaskedAutoencoderDetector(
        input_shape=(8, 8),
        hidden_layer_sizes=(16,),
        max_epochs=5,
        device="cpu",
        random_state=0,
    ).fit(digits[0][:200])


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


# -- new rows ------------------------------------------------------------------


def quick_generator():
    return MaskedAutoencoderGenerator(
        hidden_layer_sizes=(16,), max_epochs=2, device="cpu", random_state=0
    )


def points(axes):
    return axes.lines[0].get_xydata()


def heights(axes, kind):
    """Heights of the real (0) and of the new (1) bars or lines of a panel."""
    patches = axes.patches
    steps = [patch.get_data().values for patch in patches]
    assert len(steps) % 2 == 0
    return np.concatenate(steps[kind::2])


def test_real_pairs_stand_below_the_diagonal_and_new_ones_above():
    rng = np.random.default_rng(0)
    X, new = rng.normal(size=(2, 50, 3))
    display = drawn_everywhere(NewRowsDisplay.from_rows(X, new))
    np.testing.assert_array_equal(points(display.axes_[2, 0]), X[:, [0, 2]])
    np.testing.assert_array_equal(points(display.axes_[0, 2]), new[:, [2, 0]])
    for rows, (i, j) in ((X, (2, 1)), (new, (1, 2))):
        title = display.axes_[i, j].get_title(loc="right")
        assert title == f"r = {np.corrcoef(rows.T)[i, j]:.2f}"
    low, high = display.axes_[2, 0].get_xlim()
    assert (low, high) == display.axes_[0, 2].get_ylim()
    both = np.append(X[:, 0], new[:, 0])
    assert low < both.min()
    assert high > both.max()
    assert display.axes_[2, 0].get_xlabel() == "x0"
    assert display.axes_[2, 0].get_ylabel() == "x2"


def test_distributions_are_shares_of_each_kind():
    X = np.repeat([[0.0], [1.0]], [30, 10], axis=0)
    new = np.repeat([[0.0], [1.0]], [100, 300], axis=0)
    display = drawn_everywhere(NewRowsDisplay.from_rows(X, new))
    axes = display.axes_[0, 0]
    real, others = heights(axes, 0), heights(axes, 1)
    np.testing.assert_allclose(real / real.sum(), [0.75, 0.25])
    np.testing.assert_allclose(others / real.sum(), [0.25, 0.75])
    display = NewRowsDisplay.from_rows(np.arange(48.0)[:, None], new)
    axes = display.axes_[0, 0]
    assert len(heights(axes, 0)) == 24
    assert heights(axes, 0).sum() == pytest.approx(heights(axes, 1).sum())


def test_of_more_rows_as_many_of_both_kinds_are_drawn():
    X = np.random.default_rng(0).normal(size=(3000, 2))
    display = drawn_everywhere(NewRowsDisplay.from_rows(X, X[:2000]))
    assert len(points(display.axes_[1, 0])) == len(points(display.axes_[0, 1])) == 1000
    again = NewRowsDisplay.from_rows(X, X[:2000])
    np.testing.assert_array_equal(
        points(display.axes_[1, 0]), points(again.axes_[1, 0])
    )
    few = NewRowsDisplay.from_rows(X, X[:20])
    assert len(points(few.axes_[1, 0])) == len(points(few.axes_[0, 1])) == 20


def test_the_most_correlated_columns_are_drawn():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 9)), columns=list("abcdefghi"))
    X["h"] = X["a"] + 0.1 * rng.normal(size=200)
    X["c"] = np.where(X["e"] > 0, "high", "low")
    X["g"] = 1.0
    X.loc[:50, "a"] = np.nan
    display = drawn_everywhere(NewRowsDisplay.from_rows(X, X[::-1]))
    assert len(display.feature_names) == 5
    assert {"a", "h", "c", "e"} < set(display.feature_names)
    assert "g" not in display.feature_names
    assert display.feature_names == sorted(display.feature_names)
    # Of rows that have both values.
    names = ["h", "a"]
    display = NewRowsDisplay.from_rows(X, X, columns=names)
    assert display.feature_names == names
    r = X["a"].corr(X["h"])
    assert display.axes_[1, 0].get_title(loc="right") == f"r = {r:.2f}"


def test_a_generators_rows_are_drawn_beside_mixed_ones(holey_frame):
    generator = quick_generator().fit(holey_frame)
    display = drawn_everywhere(
        NewRowsDisplay.from_estimator(generator, holey_frame, random_state=0)
    )
    assert display.axes_.shape == (5, 5)
    shirt = list(mixed_columns()).index("shirt")
    ticks = [tick.get_text() for tick in display.axes_[-1, shirt].get_xticklabels()]
    assert ticks == ["L", "M", "S"]
    real = heights(display.axes_[shirt, shirt], 0)
    shirts = [one for i, one in enumerate(mixed_columns()["shirt"]) if i != 4]
    counts = np.array([shirts.count(one) for one in ticks])
    np.testing.assert_allclose(real / real.sum(), counts / counts.sum())
    # Categories are scattered, each closer to its own place than to another.
    places = points(display.axes_[shirt, 0])[:, 1]
    assert len(np.unique(places)) > 100
    assert np.nanmax(np.abs(places - np.rint(places))) <= 0.25
    assert display.axes_[shirt, 0].get_title(loc="right") == ""
    again = NewRowsDisplay.from_estimator(
        generator, holey_frame, n_samples=7, random_state=0
    )
    assert len(again.new) == 7
    new = generator.sample(7, random_state=0)
    weight = np.asarray(new["weight"], dtype=float)
    np.testing.assert_array_equal(again.new[:, 1], weight)


def test_many_categories_are_named_as_others():
    letters = list("abcdefghijklmnop")
    X = make_frame("pandas", {"letter": [*letters, *"aab"], "x": list(range(19))})
    display = drawn_everywhere(NewRowsDisplay.from_rows(X, X))
    ticks = [tick.get_text() for tick in display.axes_[0, 0].get_yticklabels()]
    assert len(ticks) == 10
    assert ticks[0] == "a"
    assert ticks[-1] == "7 others"


def test_categories_of_an_array_may_be_named_and_be_new():
    X = np.array([["a", 1.5], ["b", 2.0], [None, np.nan]], dtype=object)
    new = [["c", 2.5], ["a", 1.0]]
    display = drawn_everywhere(
        NewRowsDisplay.from_rows(X, new, categorical_features=[0])
    )
    assert display.categories == [["a", "b", "c"], None]
    np.testing.assert_array_equal(display.real[:, 0], [0, 1, np.nan])
    np.testing.assert_array_equal(display.new, [[2, 2.5], [0, 1.0]])


def test_columns_without_values_or_without_spread_are_drawn():
    X = pd.DataFrame({"empty": np.nan, "same": 3.0, "x": np.arange(20.0)})
    display = drawn_everywhere(NewRowsDisplay.from_rows(X, X))
    assert display.axes_[0, 2].get_title(loc="right") == "r = 0.00"


def test_sparse_rows_and_lists_are_read_as_arrays_are(wine):
    X = np.where(wine > 2, wine, 0)
    dense = NewRowsDisplay.from_rows(X, X[:50])
    sparse = NewRowsDisplay.from_rows(csr_array(X), X[:50].tolist())
    np.testing.assert_array_equal(dense.real, sparse.real)
    np.testing.assert_array_equal(dense.new, sparse.new)


def test_images_are_compared_pixel_by_pixel(digits):
    X = digits[0][:60].reshape(-1, 8, 8)
    generator = quick_generator().set_params(input_shape=(8, 8)).fit(X)
    display = drawn_everywhere(
        NewRowsDisplay.from_estimator(generator, X, columns=[20, 21], random_state=0)
    )
    np.testing.assert_array_equal(display.real, X.reshape(60, 64)[:, 20:22])
    assert display.feature_names == ["x20", "x21"]


def test_rows_that_cannot_be_compared_are_refused(wine):
    X = pd.DataFrame(wine[:, :3], columns=list("abc"))
    with pytest.raises(ValueError, match=r"same columns. Got 3 and 2 columns"):
        NewRowsDisplay.from_rows(X, X[["a", "b"]])
    with pytest.raises(ValueError, match=r"Column 1 is 'b' in X and 'c' in X_new"):
        NewRowsDisplay.from_rows(X, X[["a", "c", "b"]])
    with pytest.raises(ValueError, match=r"Got 'd'"):
        NewRowsDisplay.from_rows(X, X, columns=["a", "d"])
    with pytest.raises(ValueError, match=r"Got 3\.$"):
        NewRowsDisplay.from_rows(X, X, columns=[0, 3])
    with pytest.raises(ValueError, match="columns must differ"):
        NewRowsDisplay.from_rows(X, X, columns=["a", 0])
    with pytest.raises(ValueError, match=r"1 to 10 columns. Got 0"):
        NewRowsDisplay.from_rows(X, X, columns=[])
    with pytest.raises(TypeError, match=r"list of names or positions. Got 'a'"):
        NewRowsDisplay.from_rows(X, X, columns="a")
    with pytest.raises(ValueError, match="X_new has no rows"):
        NewRowsDisplay.from_rows(X, X[:0])
    with pytest.raises(ValueError, match=r"X must have rows and columns"):
        NewRowsDisplay.from_rows([1.0, 2.0], X)
    with pytest.raises(ValueError, match="contains infinity"):
        NewRowsDisplay.from_rows(wine, np.where(wine == wine[0], np.inf, wine))


def test_only_a_fitted_generator_draws_rows(images, digits, wine):
    with pytest.raises(TypeError, match="use from_rows"):
        NewRowsDisplay.from_estimator(images, digits[0])
    with pytest.raises(NotFittedError):
        NewRowsDisplay.from_estimator(quick_generator(), wine)
    generator = quick_generator().fit(wine)
    with pytest.raises(ValueError, match="X has 3 features"):
        NewRowsDisplay.from_estimator(generator, wine[:, :3])


# -- all -----------------------------------------------------------------------


def test_displays_draw_on_the_callers_axes(
    images, digits, detector, image_detector, wine
):
    figure, axes = plt.subplots(3, 4)
    display = ReconstructionDisplay.from_estimator(images, digits[0], n_rows=4, ax=axes)
    assert display.figure_ is figure
    assert (display.axes_ == axes).all()
    figure, ax = plt.subplots()
    assert LossCurveDisplay.from_estimator(images, ax=ax).ax_ is ax
    assert MaskRatioDisplay.from_cv_results(results([0.1]), ax=ax).ax_ is ax
    figure, axes = plt.subplots(1, 2)
    assert LossCurveDisplay.from_estimator(images, ax=axes).lr_ax_ is axes[1]
    display = AnomalyDisplay.from_estimator(detector, wine, ax=axes)
    assert display.figure_ is figure
    figure, axes = plt.subplots(2)
    display = AnomalyDisplay.from_estimator(image_detector, digits[0][:50], ax=axes)
    assert (display.axes_[:, 0] == axes).all()
    figure, axes = plt.subplots(2, 2)
    display = NewRowsDisplay.from_rows(wine, wine, columns=[0, 5], ax=axes)
    assert display.figure_ is figure
    assert (display.axes_ == axes).all()
    with pytest.raises(ValueError, match=r"draws on 2 axes here. Got ax with 1"):
        AnomalyDisplay.from_estimator(detector, wine, ax=axes[0, 0])


def test_plot_returns_the_display(images):
    display = LossCurveDisplay(train_loss=[1.0, 0.5])
    assert display.plot() is display


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    real_import = builtins.__import__

    def without_matplotlib(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    with pytest.raises(ImportError, match=r"LossCurveDisplay.plot requires matplotlib"):
        LossCurveDisplay(train_loss=[1.0]).plot()


@pytest.mark.parametrize(
    "name", [n for n in skmae.__all__ if n.startswith("MaskedAutoencoder")]
)
def test_the_html_repr_links_to_the_documentation(name):
    link = DOC_LINK_TEMPLATE.format(estimator_module="skmae", estimator_name=name)
    assert link in estimator_html_repr(getattr(skmae, name)())
