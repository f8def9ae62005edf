"""What torch was told elsewhere changes no bit: default dtype and device, modes."""

import ast
import pickle
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

import skmae
from skmae import (
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderRegressor,
)

from .conftest import make_frame, mixed_columns, quick, with_encoder

N_ROWS = 40
SMALL = {"max_epochs": 2, "device": "cpu", "random_state": 0}
MISSING = {"height": [3], "shirt": [4], "weight": [5], "tall": [6]}


@contextmanager
def default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def default_device():
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def together(*surroundings):
    with ExitStack() as stack:
        for surrounding in surroundings:
            stack.enter_context(surrounding())
        yield


def autocast():
    return torch.autocast("cpu", dtype=torch.bfloat16)


# Two at a time, which have nothing to do with each other.
SURROUNDINGS = {
    "a default dtype in inference mode": (default_dtype, torch.inference_mode),
    "a default device and autocast": (default_device, autocast),
}


def transformer(**params):
    return quick(max_epochs=2, **params)


def imputer(**params):
    settings = {"hidden_layer_sizes": (16, 16), "n_members": 2, **SMALL}
    return MaskedAutoencoderImputer(**(settings | params))


def detector(**params):
    settings = {"hidden_layer_sizes": (16,), "n_members": 2, **SMALL}
    return MaskedAutoencoderDetector(**(settings | params))


def generator(**params):
    settings = {"hidden_layer_sizes": (16,), "n_orders": 2, **SMALL}
    return MaskedAutoencoderGenerator(**(settings | params))


def semi_supervised(kind, **params):
    settings = {"n_components": 8, "hidden_layer_sizes": (16,), "fine_tune_epochs": 2}
    return with_encoder(kind, **(SMALL | settings | params))


ROLES = {
    "transformer": lambda: transformer(
        mask_ratio=(0.1, 0.6), numerical_embedding="piecewise_linear"
    ),
    "transformer, noise": lambda: transformer(
        mask_value="noise", batch_norm=True, early_stopping=True
    ),
    "transformer, swap": lambda: transformer(mask_value="swap", optimizer="sgd"),
    "transformer, other optimiser": lambda: transformer(optimizer=torch.optim.Adam),
    "transformer, bfloat16": lambda: transformer(precision="bfloat16"),
    "transformer, blocks": lambda: transformer(
        input_shape=(3, 3), patch_size=2, norm_pix_loss=True, mask_strategy="block"
    ),
    "transformer, attention": lambda: transformer(architecture="attention"),
    "transformer, patches": lambda: transformer(
        architecture="attention", input_shape=(3, 3), patch_size=2
    ),
    "imputer": imputer,
    "imputer, attention": lambda: imputer(
        architecture="attention", hidden_layer_sizes=(8,)
    ),
    "detector": detector,
    "detector, attention": lambda: detector(architecture="attention", max_epochs=1),
    "generator": generator,
    "generator, attention": lambda: generator(
        architecture="attention", hidden_layer_sizes=(8,)
    ),
    "classifier": lambda: semi_supervised(MaskedAutoencoderClassifier),
    "classifier, attention": lambda: semi_supervised(
        MaskedAutoencoderClassifier,
        architecture="attention",
        reconstruction_weight=0.5,
        early_stopping=True,
        validation_fraction=0.3,
    ),
    "regressor": lambda: semi_supervised(MaskedAutoencoderRegressor),
}
METHODS = (
    "transform",
    "reconstruct",
    "score_samples",  # of which a detector makes all else
    "augment",
    "sample",
    "predict_proba",
)


def rows_for(role):
    """A mixed frame with holes; for patches, numbers alone."""
    if role.endswith(("blocks", "patches")):
        X = np.random.default_rng(0).normal(size=(N_ROWS, 9))
        X[3, 4] = np.nan
        return X
    return make_frame("pandas", mixed_columns(N_ROWS), MISSING)


def fitted(role, X):
    """The role's estimator, fitted: the classes are whether a row's number is even."""
    estimator = ROLES[role]()
    if not role.startswith(("classifier", "regressor")):
        return estimator.fit(X)
    y = (
        np.arange(N_ROWS) % 2
        if role.startswith("classifier")
        else np.arange(float(N_ROWS))
    )
    y[::5] = -1 if role.startswith("classifier") else 0
    if role.startswith("regressor"):
        y[::5] = np.nan
    return estimator.fit(X, y)


def answers(estimator, X):
    """All that one may ask of an estimator, as arrays."""
    given = []
    for name in METHODS:
        if not hasattr(estimator, name):
            continue
        params = {"random_state": 0} if name in ("augment", "sample") else {}
        if name == "sample" and isinstance(estimator, MaskedAutoencoderGenerator):
            given.append(np.asarray(estimator.sample(9, **params)))
            given.append(np.asarray(estimator.sample(2, given=X, **params)))
            continue
        given.append(np.asarray(getattr(estimator, name)(X, **params)))
    if hasattr(estimator, "inverse_transform"):
        given.append(np.asarray(estimator.inverse_transform(given[0])))
    if not hasattr(estimator, "predict"):
        given.append(np.asarray(estimator.score(X)))
    return given or [estimator.predict(X)]


@pytest.fixture(autouse=True)
def short_epochs(monkeypatch):
    """Few batches in an imputer's epoch, too."""
    monkeypatch.setattr("skmae.imputation.task._LEAST_BATCHES", 4)


@pytest.mark.parametrize("role", ROLES)
def test_what_torch_is_told_elsewhere_changes_no_bit(role):
    X = rows_for(role)
    plain = fitted(role, X)
    expected = answers(plain, X)
    saved = pickle.dumps(plain)
    further = None
    if hasattr(plain, "partial_fit"):
        further = pickle.loads(saved).partial_fit(X).transform(X)
    for name, surroundings in SURROUNDINGS.items():
        with together(*surroundings):
            inside = fitted(role, X)
            loaded = pickle.loads(saved)
            found = {"answers": answers(plain, X)}
            if further is not None:
                trained = pickle.loads(saved).partial_fit(X)
        found["a fit"] = answers(inside, X)
        found["a loaded model"] = answers(loaded, X)
        for what, ours in found.items():
            for one, other in zip(ours, expected, strict=True):
                assert_array_equal(one, other, err_msg=f"{what} under {name}")
        if further is not None:
            assert_array_equal(trained.transform(X), further)


# -- the code ----------------------------------------------------------------------

# Functions that make tensors on the default device, and those among them whose
# tensors may be of the default dtype.
ON_A_DEVICE = {"arange", "randint", "randperm"}
OF_A_DTYPE = {
    *("as_tensor", "empty", "eye", "full", "linspace", "normal", "ones", "rand"),
    *("randn", "tensor", "zeros"),
    *("BatchNorm1d", "LayerNorm", "Linear"),
}


def unnamed(path):
    """Calls in a file that leave dtype or device to torch's defaults."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        module, name = node.func.value, node.func.attr
        if not isinstance(module, ast.Name) or module.id not in ("torch", "nn"):
            continue
        given = {keyword.arg for keyword in node.keywords}
        wanted = {"dtype"} if name in OF_A_DTYPE else set()
        wanted |= {"device"} if name in ON_A_DEVICE | OF_A_DTYPE else set()
        if None not in given and not wanted <= given:  # None: **FLOAT32
            yield f"{path}:{node.lineno}: {name} without {wanted - given}"


def test_every_tensor_is_made_of_a_named_dtype_on_a_named_device():
    paths = Path(skmae.__file__).parent.rglob("*.py")
    assert [line for path in paths for line in unnamed(path)] == []
