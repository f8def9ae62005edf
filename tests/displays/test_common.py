"""Displays draw where they are asked to, and say what they need."""

import builtins

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.utils import estimator_html_repr

import skmae
from skmae import (
    AnomalyDisplay,
    LossCurveDisplay,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderTransformer,
    MaskRatioDisplay,
    NewRowsDisplay,
    ReconstructionDisplay,
)
from skmae._docs import DOC_LINK_TEMPLATE

from .helpers import results


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


SEQUENCES = {
    "tokens": ({"analyzer": "char"}, ["ab", "abc", "ca"] * 9),
    "lists": ({"analyzer": list}, [[1, 2], [2, 1, 3]] * 9),
    "series": ({"input_shape": (None, 2)}, [np.ones((2, 2)), np.zeros((3, 2))] * 9),
}


DRAWN_BY = {
    MaskedAutoencoderTransformer: ReconstructionDisplay,
    MaskedAutoencoderDetector: AnomalyDisplay,
    MaskedAutoencoderGenerator: NewRowsDisplay,
}


@pytest.mark.parametrize(
    ("kind", "estimator"),
    [
        (kind, estimator)
        for kind in SEQUENCES
        for estimator in DRAWN_BY
        # Generators read tokens, and no series of unlike lengths.
        if (kind, estimator) != ("series", MaskedAutoencoderGenerator)
    ],
)
def test_sequences_are_not_drawn(kind, estimator):
    display = DRAWN_BY[estimator]
    params, X = SEQUENCES[kind]
    fitted = estimator(
        hidden_layer_sizes=(8,), max_epochs=1, device="cpu", random_state=0, **params
    ).fit(X)
    name = display.__name__
    with pytest.raises(ValueError, match=f"{name} needs rows of one length, not tok"):
        display.from_estimator(fitted, X)


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
