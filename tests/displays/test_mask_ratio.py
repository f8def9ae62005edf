"""Scores of a search by mask ratio."""

import matplotlib as mpl
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skmae import (
    MaskRatioDisplay,
)
from tests.conftest import quick

from .helpers import drawn_everywhere, results


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
