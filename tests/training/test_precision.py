"""Faster arithmetic stays near float32 and is gone once the fit is over."""

import os
import shutil

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ..conftest import quick

HAS_COMPILER = any(
    shutil.which(name) for name in (os.environ.get("CXX", ""), "g++", "clang++", "cl")
)


def test_bfloat16_stays_near_float32(wine):
    exact, fast = (
        quick(max_epochs=30, precision=precision).fit(wine)
        for precision in ("float32", "bfloat16")
    )
    assert fast.loss_curve_ != exact.loss_curve_
    assert_allclose(fast.loss_curve_, exact.loss_curve_, rtol=0.01)
    assert abs(fast.score(wine) - exact.score(wine)) < 0.01
    error = np.abs(fast.transform(wine) - exact.transform(wine)).max()
    assert error < 0.02 * np.abs(exact.transform(wine)).max()


@pytest.mark.skipif(not HAS_COMPILER, reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_training_is_the_same_training(wine):
    plain, compiled = (
        quick(max_epochs=5, early_stopping=True, compile=compile).fit(wine)
        for compile in (False, True)
    )
    assert_allclose(compiled.loss_curve_, plain.loss_curve_, rtol=1e-5)
    assert_allclose(compiled.transform(wine), plain.transform(wine), atol=1e-4)
