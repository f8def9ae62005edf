"""Losses and learning rates of a fit."""

import pickle

import numpy as np

from skmae import (
    LossCurveDisplay,
    MaskedAutoencoderClassifier,
)
from tests.conftest import quick, with_encoder

from .helpers import drawn_everywhere


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
