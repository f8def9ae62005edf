"""Figures are closed after each test; estimators that many draw are trained once."""

import matplotlib as mpl
import pytest

from skmae import MaskedAutoencoderDetector
from tests.conftest import quick

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def images(digits):
    return quick(input_shape=(8, 8)).fit(digits[0][:200])


@pytest.fixture(scope="session")
def detector(wine):
    return MaskedAutoencoderDetector(
        hidden_layer_sizes=(16,), max_epochs=5, device="cpu", random_state=0
    ).fit(wine)


@pytest.fixture(scope="session")
def image_detector(digits):
    return MaskedAutoencoderDetector(
        input_shape=(8, 8),
        hidden_layer_sizes=(16,),
        max_epochs=5,
        device="cpu",
        random_state=0,
    ).fit(digits[0][:200])
