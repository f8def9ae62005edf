"""Data and estimators that many tests share. All data is bundled or made here."""

import os

# Some of scikit-learn's common checks skip themselves without this, and scipy
# reads it once, when it is first imported.
os.environ["SCIPY_ARRAY_API"] = "1"

import hypothesis
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_digits, load_wine

from skmae import MaskedAutoencoderTransformer

hypothesis.settings.register_profile(
    "quick",
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[hypothesis.Phase.generate],
)
hypothesis.settings.register_profile(
    "thorough",
    max_examples=2000,
    deadline=None,
    phases=[
        hypothesis.Phase.generate
    ],  # to shrink a failure takes longer than to read it
)
hypothesis.settings.load_profile("quick")

# Files of tests that take a minute or more, which begin first where two processes share
# them, so that neither waits for the other in the end.
LONGEST = (
    "test_docs.py",
    "test_examples.py",
    "test_sparse.py",
    "test_transformer.py",
    "test_classifier.py",
    "test_imputer.py",
    "test_fuzz.py",
    "test_estimator_checks.py",
    "test_shared_reading.py",
)

FRAMES = ("pandas", "pandas-nullable", "polars")


def pytest_collection_modifyitems(items):
    """Put the longest files of tests first."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


def quick(**params):
    """A small estimator that trains in a fraction of a second."""
    settings = {
        "n_components": 16,
        "hidden_layer_sizes": (32,),
        "max_epochs": 5,
        "device": "cpu",
        "random_state": 0,
    }
    return MaskedAutoencoderTransformer(**(settings | params))


# What classifier and regressor share in name alone with the transformer they hold.
_OWN = {"early_stopping", "validation_fraction", "n_iter_no_change"}


def with_encoder(kind, **params):
    """A classifier or regressor of a transformer; parameters go where they belong.

    Those that both have go to both. An estimator of any other kind is given them all.
    """
    known = kind().get_params(deep=False)
    if "encoder" not in known:
        return kind(**params)
    own = known.keys() & params.keys()
    of_encoder = MaskedAutoencoderTransformer().get_params().keys() & params.keys()
    of_encoder -= _OWN
    assert own | of_encoder == params.keys()
    encoder = MaskedAutoencoderTransformer(
        **{name: params[name] for name in of_encoder}
    )
    return kind(encoder, **{name: params[name] for name in own})


@pytest.fixture(scope="session")
def wine():
    """Wine: (178, 13) numbers in very different units."""
    return load_wine().data


@pytest.fixture(scope="session")
def digits():
    """Digits: (1797, 64) pixels from 0 to 16, and their labels."""
    return load_digits(return_X_y=True)


@pytest.fixture(scope="session")
def holey_wine(wine):
    """Wine with a tenth of its cells missing, the first row complete."""
    X = wine.copy()
    X[1:][np.random.default_rng(0).random(X[1:].shape) < 0.1] = np.nan
    return X


def mixed_columns(n_rows=120, seed=0):
    """Columns that hang together: numbers, an integer, a string and a boolean."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n_rows)
    return {
        "height": 170 + 10 * size + rng.normal(size=n_rows),
        "weight": 70 + 12 * size + rng.normal(size=n_rows),
        "shoe": np.rint(42 + 2 * size).astype(np.int64),
        "shirt": np.where(size < -0.5, "S", np.where(size < 0.5, "M", "L")).tolist(),
        "tall": (size > 0).tolist(),
    }


def make_frame(kind, columns, missing=None):
    """Build a frame; ``missing`` maps columns to rows without a value."""
    cells = {name: list(values) for name, values in columns.items()}
    for name, rows in (missing or {}).items():
        for row in rows:
            cells[name][row] = None
    if kind == "polars":
        return pl.DataFrame(cells)
    frame = pd.DataFrame(cells)
    return frame.convert_dtypes() if kind == "pandas-nullable" else frame


@pytest.fixture(params=FRAMES)
def frame_kind(request):
    """Each kind of DataFrame in turn."""
    return request.param


@pytest.fixture
def mixed_frame(frame_kind):
    """A mixed frame without missing cells."""
    return make_frame(frame_kind, mixed_columns())


@pytest.fixture
def holey_frame(frame_kind):
    """The mixed frame with a missing cell in four of its columns."""
    missing = {"height": [3], "shirt": [4], "weight": [5], "tall": [6]}
    return make_frame(frame_kind, mixed_columns(), missing)
