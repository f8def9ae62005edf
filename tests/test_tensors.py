"""Tensors, masked arrays, and arrays of other libraries."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn import config_context

from skmae import (
    DiffusionMap,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
    MaskedAutoencoderRegressor,
    MaskedAutoencoderTransformer,
    SlidingWindows,
)
from skmae.data.tables import as_numpy

from .conftest import quick, with_encoder

QUICK = {
    "hidden_layer_sizes": (16,),
    "max_epochs": 1,
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture(params=[False, True], ids=["no dispatch", "dispatch"])
def dispatch(request):
    with config_context(array_api_dispatch=request.param):
        yield


@pytest.fixture(scope="module")
def X(holey_wine):
    return holey_wine.astype(np.float32)


class Elsewhere:
    """An array of another library, on a device that numpy cannot read."""

    def __init__(self, X):
        self._X = X
        self.shape, self.dtype, self.ndim = X.shape, X.dtype, X.ndim

    def __array_namespace__(self, api_version=None):
        raise AssertionError("the array is to be converted, not computed with")

    def __array__(self, dtype=None, copy=None):
        raise TypeError("implicit conversion is not allowed")

    def __len__(self):
        return len(self._X)

    def __dlpack__(self, *, dl_device=None, **kwargs):
        assert dl_device is not None
        return self._X.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self._X.__dlpack_device__()


KINDS = {
    "tensor": torch.from_numpy,
    "of a graph": lambda X: torch.from_numpy(X).requires_grad_() * 1,
    "elsewhere": Elsewhere,
}


@pytest.fixture(params=KINDS)
def tensor(request):
    return KINDS[request.param]


def assert_same(found, expected):
    assert isinstance(found, np.ndarray)
    assert_array_equal(found, expected)


def test_transformer(dispatch, tensor, X):
    mae, plain = quick().fit(tensor(X)), quick().fit(X)
    mask = torch.rand(X.shape, generator=torch.Generator().manual_seed(0)) < 0.2
    for method, args in (
        ("transform", ()),
        ("reconstruct", ()),
        ("restore", (mask,)),
        ("reconstruction_error", ()),
        ("score_samples", ()),
        ("augment", (2, None, 0)),
    ):
        found = getattr(mae, method)(tensor(X), *args)
        assert_same(found, getattr(plain, method)(X, *args))
    assert mae.score(tensor(X)) == plain.score(X)
    codes = plain.transform(X)
    assert codes.dtype == np.float32
    assert_same(mae.inverse_transform(tensor(codes)), plain.inverse_transform(codes))
    weight = np.linspace(0, 1, len(X))
    mae.partial_fit(tensor(X), sample_weight=tensor(weight))
    plain.partial_fit(X, sample_weight=weight)
    assert_same(mae.transform(tensor(X)), plain.transform(X))


def test_imputer_and_detector(dispatch, tensor, X):
    for kind, methods in (
        (MaskedAutoencoderImputer, ("transform",)),
        (MaskedAutoencoderDetector, ("score_samples", "predict", "explain")),
    ):
        model, plain = (kind(**QUICK, n_members=2).fit(rows) for rows in (tensor(X), X))
        for method in methods:
            assert_same(getattr(model, method)(tensor(X)), getattr(plain, method)(X))
    imputer = MaskedAutoencoderImputer(**QUICK, n_members=2).fit(X)
    draws = imputer.sample(tensor(X), 2, random_state=0)
    assert_same(draws, imputer.sample(X, 2, random_state=0))
    assert imputer.score(tensor(X)) == imputer.score(X)


def test_generator(dispatch, tensor, X):
    model, plain = (
        MaskedAutoencoderGenerator(n_orders=2, **QUICK).fit(rows)
        for rows in (tensor(X), X)
    )
    assert_same(model.score_samples(tensor(X)), plain.score_samples(X))
    new = model.sample(9, random_state=0)
    assert new.dtype == np.float32
    assert_same(new, plain.sample(9, random_state=0))
    assert_same(
        model.sample(2, given=tensor(X), random_state=0),
        plain.sample(2, given=X, random_state=0),
    )


@pytest.mark.parametrize(
    ("kind", "y"),
    [
        (MaskedAutoencoderClassifier, np.arange(178) % 3 - 1),
        (MaskedAutoencoderRegressor, np.where(np.arange(178) % 3, np.nan, 1.0)),
    ],
)
def test_classifier_and_regressor(dispatch, tensor, X, kind, y):
    params = QUICK | {"fine_tune_epochs": 1}
    weight = np.linspace(0, 1, len(X))
    if y.dtype.kind == "f":
        y = y * np.arange(178)
    as_tensor = torch.from_numpy if y.dtype.kind == "i" else tensor
    model = with_encoder(kind, **params).fit(tensor(X), as_tensor(y), tensor(weight))
    plain = with_encoder(kind, **params).fit(X, y, weight)
    assert_same(model.predict(tensor(X)), plain.predict(X))
    assert model.score(tensor(X), as_tensor(y)) == plain.score(X, y)


def test_diffusion_map(dispatch, tensor, wine):
    features = DiffusionMap(random_state=0).fit(tensor(wine)).transform(tensor(wine))
    assert_same(features, DiffusionMap(random_state=0).fit(wine).transform(wine))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int16])
def test_tensors_of_narrow_types(dispatch, dtype):
    X = (torch.randn(60, 4, generator=torch.Generator().manual_seed(0)) * 9).to(dtype)
    mae = quick(max_epochs=1).fit(X)
    as_array = (X.float() if dtype == torch.bfloat16 else X).numpy()
    assert_same(mae.transform(X), mae.transform(as_array))
    assert mae.restore(X).dtype == as_array.dtype


def test_images_and_bad_tensors(dispatch, digits):
    images = torch.from_numpy(digits[0][:100]).reshape(100, 8, 8)
    mae = quick(input_shape=(8, 8)).fit(images)
    assert mae.restore(images).shape == (100, 8, 8)
    with pytest.raises(ValueError, match="infinity"):
        mae.transform(images / 0.0)
    with pytest.raises(ValueError, match="Expected 2D array"):
        MaskedAutoencoderTransformer().fit(torch.arange(3.0))


# -- masked arrays -----------------------------------------------------------------


def test_masked_cells_are_missing(wine):
    holes = np.random.default_rng(0).random(wine.shape) < 0.1
    masked = np.ma.masked_array(np.where(holes, 1e6, wine), holes)
    holed = np.where(holes, np.nan, wine)
    ours, theirs = quick().fit(masked), quick().fit(holed)
    assert_array_equal(ours.transform(masked), theirs.transform(holed))
    restored = ours.restore(masked)
    assert_array_equal(restored, theirs.restore(holed))
    assert type(restored) is np.ndarray
    assert_array_equal(restored[~holes], wine[~holes])


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "U3", "O"])
def test_masked_cells_of_any_type(dtype):
    cells = np.ma.masked_array(np.array([[1, 0], [0, 1], [1, 1]]).astype(dtype))
    whole = as_numpy(cells)
    assert whole.dtype == dtype
    assert type(whole) is np.ndarray
    cells[1, 0] = np.ma.masked
    holed = as_numpy(cells)
    assert pd.isna(holed).tolist() == [[False] * 2, [True, False], [False] * 2]
    assert_array_equal(holed[[0, 2]], whole[[0, 2]])


def test_masked_steps_are_missing():
    t = np.arange(12.0)
    series = [np.column_stack([np.sin(t + i), np.cos(t + i)]) for i in range(20)]
    masked = [np.ma.masked_greater(row, 0.9) for row in series]
    holed = [row.filled(np.nan) for row in masked]
    params = {"input_shape": (None, 2), "hidden_layer_sizes": (16, 16)}
    ours, theirs = quick(**params).fit(masked), quick(**params).fit(holed)
    for one, other in zip(ours.restore(masked), theirs.restore(holed), strict=True):
        assert_array_equal(one, other)
    (windows,) = SlidingWindows(12, channel_axis=-1).fit_transform(masked[:1])
    assert_array_equal(windows, holed[0])


@pytest.mark.parametrize(
    "kind", [MaskedAutoencoderClassifier, MaskedAutoencoderRegressor]
)
def test_rows_of_which_the_target_is_masked_are_unlabelled(wine, kind):
    y = np.ma.masked_array(wine[:, 0] > 13, np.arange(len(wine)) % 3 > 0)
    model = with_encoder(kind, **QUICK, fine_tune_epochs=1).fit(wine, y)
    assert model.n_unlabelled_ == y.mask.sum()
    with pytest.raises(ValueError, match="sample_weight contains NaN"):
        model.fit(wine, y, sample_weight=y + 1)
