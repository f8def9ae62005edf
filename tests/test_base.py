"""What every role promises: clean refusals, nothing lost, nothing global touched."""

import copy
import io
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from skmae._device import resolve_device

from .conftest import make_frame, mixed_columns, quick

# -- bad input ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"mask_ratio": 1.0},
            r"'mask_ratio' parameter .* must be a float in the range",
        ),
        ({"mask_ratio": -0.1}, "'mask_ratio' parameter"),
        ({"mask_ratio": (0.5, 0.2)}, r"'mask_ratio' .* range must be \(low, high\)"),
        ({"mask_ratio": (0.5, 1.0)}, "'mask_ratio' parameter given as a range"),
        ({"mask_ratio": "half"}, "'mask_ratio' parameter"),
        ({"architecture": "gru"}, "'architecture' parameter"),
        ({"activation": "softplus"}, "'activation' parameter"),
        ({"mask_strategy": "rows"}, "'mask_strategy' parameter"),
        ({"mask_value": "median"}, "'mask_value' parameter"),
        ({"scaling": "log"}, "'scaling' parameter"),
        ({"loss": "mse"}, "'loss' parameter"),
        ({"optimizer": "lion"}, "'optimizer' parameter"),
        ({"optimizer": dict}, "subclass of torch.optim.Optimizer"),
        ({"n_components": 0}, "'n_components' parameter"),
        ({"hidden_layer_sizes": (0,)}, "'hidden_layer_sizes' parameter"),
        ({"hidden_layer_sizes": "wide"}, "'hidden_layer_sizes' parameter"),
        ({"lr": 0}, "'lr' parameter"),
        ({"batch_size": 0}, "'batch_size' parameter"),
        ({"validation_fraction": 1.0}, "'validation_fraction' parameter"),
        ({"precision": "float16"}, "'precision' parameter"),
        ({"input_shape": (0, 13)}, "'input_shape' parameter"),
        ({"input_shape": (3, 4)}, r"X has rows of shape \(13,\), but input_shape="),
        ({"input_shape": (13,), "patch_size": 14}, "patch_size must fit into"),
        ({"patch_size": 2}, "Got patch_size=2 and input_shape=None"),
        ({"patch_size": 2, "norm_pix_loss": True}, "and input_shape=None"),
        ({"mask_strategy": "copy"}, "mask_strategy='copy'"),
        ({"output_activation": "sigmoid"}, r"only produces values in \[0, 1\]"),
        ({"output_activation": "tanh"}, r"only produces values in \[-1, 1\]"),
        ({"categorical_features": ["colour"]}, "X has no column names"),
        ({"callbacks": [3]}, "'callbacks' parameter must hold skorch callbacks"),
        ({"device": "cuda:77"}, "'device' parameter is 'cuda:77', but"),
        ({"device": "tpu9"}, "'device' parameter must be 'auto', 'cpu'"),
    ],
)
def test_bad_parameters_are_named(wine, params, message):
    with pytest.raises(ValueError, match=message):
        quick(**params).fit(wine)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[1.0, np.inf], [2.0, 3.0]], "contains infinity"),
        ([[np.nan, np.nan], [np.nan, np.nan]], "X has no observed value: there is not"),
        ([[1.0, 2.0]], "minimum of 2 is required"),
        (np.empty((0, 3)), "minimum of 2 is required"),
        (np.empty((5, 0)), r"0 feature\(s\)"),
        ([1.0, 2.0], "Expected 2D array"),
        (np.zeros((4, 3, 2)), r"Found array with dim 3.* set input_shape=\(3, 2\) of"),
        ([["a", "b"], ["c", "d"]], "such as 'a' in column 0"),
        (np.array([[1 + 2j, 0], [0, 1]]), "Complex data not supported"),
    ],
    ids=str,
)
def test_bad_rows_are_refused_in_fit(X, message):
    with pytest.raises(ValueError, match=message):
        quick().fit(X)


def test_frames_of_another_width_than_input_shape_are_refused(frame_kind):
    frame = make_frame(frame_kind, {"a": [1.0, 2.0, None], "b": [3.0, 4.0, 5.0]})
    with pytest.raises(ValueError, match=r"rows of shape \(2,\), but input_shape=\(3,"):
        quick(input_shape=(3,)).fit(frame)


METHODS = [
    "transform",
    "reconstruct",
    "restore",
    "reconstruction_error",
    "score_samples",
    "score",
    "augment",
]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_checks_its_rows(wine, method):
    mae = quick()
    with pytest.raises(NotFittedError):
        getattr(mae, method)(wine)
    mae.fit(pd.DataFrame(wine, columns=[f"c{j}" for j in range(13)]))
    call = getattr(mae, method)
    wrong = pd.DataFrame(wine, columns=[f"d{j}" for j in range(13)])
    with pytest.raises(ValueError, match="feature names should match"):
        call(wrong)
    with (
        pytest.warns(UserWarning, match="does not have valid feature names"),
        pytest.raises(ValueError, match="X has 12 features, but"),
    ):
        call(wine[:, :12])
    infinite = pd.DataFrame(wine, columns=[f"c{j}" for j in range(13)])
    infinite.iloc[3, 4] = -np.inf
    with pytest.raises(ValueError, match=r"infinity .*'float64'\)\. .* column 'c4'\."):
        call(infinite)


def test_infinities_beside_categories_are_refused(wine):
    X = np.c_[np.arange(178) % 3, wine[:, :3]]
    mae = quick(categorical_features=[0], max_epochs=1).fit(X)
    X[5, 2] = np.inf
    with pytest.raises(ValueError, match=r"contains infinity .* in column 2\."):
        mae.transform(X)
    with pytest.raises(ValueError, match=r"contains infinity .* in column 2\."):
        mae.fit(X)
    frame = pd.DataFrame({"a": ["x", "y"] * 3, "b": 1.0, "c": [np.inf] * 6})
    with pytest.raises(ValueError, match=r"contains infinity .* in column 'c'\."):
        mae.fit(frame)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (
            np.zeros((178, 12), dtype=bool),
            r"mask must have the shape of X, \(178, 13\)",
        ),
        (np.zeros(178, dtype=bool), "mask must have the shape of X"),
        (np.zeros((178, 13)), "mask must be a boolean array.*float64"),
        (np.zeros((178, 13), dtype=int), "mask must be a boolean array.*int64"),
        (np.ones((178, 13), dtype=bool), "mask hides every observed cell of row 0"),
    ],
)
@pytest.mark.parametrize("method", ["reconstruct", "restore"])
def test_bad_masks_are_refused(wine, method, mask, message):
    mae = quick(max_epochs=1).fit(wine)
    with pytest.raises(ValueError, match=message):
        getattr(mae, method)(wine, mask)


def test_a_frame_as_mask_has_the_columns_of_the_rows(frame_kind):
    frame = make_frame(frame_kind, mixed_columns(20))
    mae = quick(max_epochs=1).fit(frame)
    cells = {name: [False, name < "i"] * 10 for name in mixed_columns()}
    mask = make_frame("polars" if frame_kind == "polars" else "pandas", cells)
    assert_array_equal(
        np.asarray(mae.restore(frame, mask)),
        np.asarray(mae.restore(frame, np.asarray(mask))),
    )
    names = ["weight", "height", "shoe", "shirt", "tall"]
    with pytest.raises(ValueError, match="Got 'weight' in place of 'height'"):
        mae.restore(frame, mask[names])
    with pytest.raises(ValueError, match="Got 4 columns instead of 5"):
        mae.reconstruct(frame, mask[names[:4]])


def test_a_frame_as_mask_of_an_array_has_the_columns_of_fit(wine):
    names = [f"c{j}" for j in range(13)]
    mae = quick(max_epochs=1).fit(pd.DataFrame(wine, columns=names))
    mask = pd.DataFrame(np.eye(178, 13, dtype=bool), columns=names)
    message = "does not have valid feature names"
    with pytest.warns(UserWarning, match=message):
        restored = mae.restore(wine, mask)
    with pytest.warns(UserWarning, match=message):
        assert_array_equal(mae.restore(wine, pd.DataFrame(mask.to_numpy())), restored)
    with (
        pytest.warns(UserWarning, match=message),
        pytest.raises(ValueError, match="Got 'c12' in place of 'c0'"),
    ):
        mae.restore(wine, mask[names[::-1]])


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_a_mask_may_have_a_dtype_that_can_be_missing(backend):
    if backend == "pyarrow":
        pytest.importorskip("pyarrow")
    X = pd.DataFrame(mixed_columns())[["height", "weight"]]
    mae = quick(max_epochs=1).fit(X)
    X = X.convert_dtypes(dtype_backend=backend)
    mask = X.gt({"height": 1000, "weight": 80})
    assert str(mask["weight"].dtype) in ("boolean", "bool[pyarrow]")
    expected = mae.restore(X, mask.to_numpy(bool))
    pd.testing.assert_frame_equal(mae.restore(X, mask), expected)
    X.loc[3, "weight"] = pd.NA
    mask = X.gt({"height": 1000, "weight": 80})
    with pytest.raises(ValueError, match=r"column 'weight' of it has missing values"):
        mae.restore(X, mask)
    assert not mae.restore(X, mask.fillna(False)).isna().any(axis=None)


def test_a_frame_as_mask_has_the_rows_of_the_rows(wine):
    frame = pd.DataFrame(wine).sample(frac=1, random_state=0)
    mae = quick(max_epochs=1).fit(frame)
    mask = pd.DataFrame(np.eye(178, 13, dtype=bool), index=frame.index)
    restored = mae.restore(frame, mask)
    with pytest.raises(ValueError, match=r"rows of X, in the same order.* mask\.loc"):
        mae.restore(frame, mask[::-1])
    without_index = mask.reset_index(drop=True)
    assert_array_equal(mae.restore(frame, without_index), restored)


def test_codes_of_the_wrong_width_are_refused(wine):
    mae = quick(max_epochs=1).fit(wine)
    with pytest.raises(ValueError, match="expecting n_components_ = 16 features"):
        mae.inverse_transform(np.zeros((2, 15)))


def test_a_numeric_column_that_turned_to_text_is_named():
    columns = mixed_columns()
    mae = quick(max_epochs=1).fit(make_frame("pandas", columns))
    columns["height"] = ["tall"] * 120
    with pytest.raises(ValueError, match="Column 'height' was numeric in fit"):
        mae.transform(make_frame("pandas", columns))


@pytest.mark.parametrize("library", [pd, pl])
def test_numbers_are_not_written_into_text(library):
    frame = library.DataFrame({"a": [1.5, 2.5, None] * 5, "b": [1.0, 2.0, 3.0] * 5})
    mae = quick(max_epochs=1).fit(frame)
    text = library.DataFrame({"a": ["1.5", "2.5", None], "b": [1.0, 2.0, 3.0]})
    with pytest.raises(ValueError, match="Column 'a' was numeric in fit and has dty"):
        mae.restore(text)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(177), "sample_weight.shape"),
        (-np.ones(178), "Negative values"),
        (np.eye(178)[0], "positive for at least 2 samples. Got 1"),
    ],
)
def test_bad_sample_weights_are_refused(wine, weight, message):
    with pytest.raises(ValueError, match=message):
        quick().fit(wine, sample_weight=weight)


def test_rows_without_any_value_are_passed_over(wine):
    X = np.r_[wine, np.full((5, 13), np.nan)]
    assert_array_equal(
        quick().fit(X).transform(wine), quick().fit(wine).transform(wine)
    )
    mae = quick().fit(X)
    assert np.isfinite(mae.transform(X)).all()
    assert np.isfinite(mae.restore(X)).all()
    assert_array_equal(mae.reconstruction_error(X)[-5:], 0)


def test_rows_without_any_value_alone_teach_nothing(wine):
    mae = quick(max_epochs=1, warm_start=True).fit(wine)
    for method in (mae.partial_fit, mae.fit):
        with pytest.raises(ValueError, match="X has no observed value: there is noth"):
            method(np.full((5, 13), np.nan))


def test_a_failed_refit_leaves_the_fit_as_it_was(wine):
    mae = quick().fit(wine)
    before, fitted = mae.transform(wine), dict(vars(mae))
    with pytest.raises(ValueError, match="infinity"):
        mae.fit(np.full((5, 3), np.inf))
    with pytest.raises(ValueError, match="no observed value"):
        mae.fit(np.full((5, 3), np.nan))
    assert vars(mae) == fitted
    assert_array_equal(mae.transform(wine), before)


def test_a_failed_partial_fit_leaves_the_weights_as_they_were(wine):
    def fail_on_second_call(observed, rng, calls=[]):  # noqa: B006
        calls.append(1)
        if len(calls) > 2:
            raise RuntimeError("out of masks")
        return rng.random(observed.shape) < 0.5

    mae = quick(mask_strategy=fail_on_second_call, batch_size=128).partial_fit(wine)
    before = mae.transform(wine)
    with pytest.raises(RuntimeError, match="out of masks"):
        mae.partial_fit(wine)
    assert_array_equal(mae.transform(wine), before)


# -- persistence -------------------------------------------------------------------


def round_trip(mae, how):
    if how == "joblib":
        file = io.BytesIO()
        joblib.dump(mae, file)
        file.seek(0)
        return joblib.load(file)
    return copy.deepcopy(mae) if how == "deepcopy" else pickle.loads(pickle.dumps(mae))


@pytest.mark.parametrize("how", ["pickle", "joblib", "deepcopy"])
def test_a_copy_gives_the_same_numbers(holey_frame, how):
    mae = quick(early_stopping=True).fit(holey_frame)
    again = round_trip(mae, how)
    assert_array_equal(again.transform(holey_frame), mae.transform(holey_frame))
    assert again.score(holey_frame) == mae.score(holey_frame)
    assert again.loss_curve_ == mae.loss_curve_
    assert again.device_ == mae.device_
    again.partial_fit(holey_frame)
    assert again.n_iter_ == mae.n_iter_ + 1


def test_the_pickle_is_weights_and_settings(wine):
    mae = quick().fit(wine)
    n_bytes = sum(p.numel() * 4 for p in mae.net_.module_.parameters())
    state = pickle.dumps(mae)
    # and, for each column, quantiles of its errors by prediction and visible share
    n_bytes += wine.shape[1] * 2 * 4 * 33 * 4
    assert len(state) < n_bytes + 15_000
    assert b"torch" not in state.replace(b'"torch"', b"").split(b"_versions")[0]


def test_clone_is_unfitted(wine):
    mae = quick(mask_ratio=(0.1, 0.5)).fit(wine)
    fresh = clone(mae)
    assert fresh.get_params() == mae.get_params()
    with pytest.raises(NotFittedError):
        fresh.transform(wine)


def test_another_version_warns(wine):
    mae = quick(max_epochs=1).fit(wine)
    state = mae.__getstate__()
    state["_versions"] = {**state["_versions"], "skmae": "0.0.0"}
    with pytest.warns(UserWarning, match="was saved with .*0.0.0"):
        clone(mae).__setstate__(state)


def test_weights_of_another_network_are_not_taken(wine):
    mae = quick(max_epochs=1).fit(wine)
    state = mae.model_.__getstate__()
    state["weights"] = {**state["weights"], "encoder.0.bias": np.zeros(1)}
    with pytest.raises(
        ValueError, match=r"not those of the network .*encoder\.0\.bias"
    ):
        copy.copy(mae.model_).__setstate__(state)


def test_saved_on_a_gpu_loads_where_there_is_none(wine):
    mae = quick(max_epochs=1).fit(wine)
    loaded = copy.deepcopy(mae)
    loaded.model_.__setstate__({**mae.model_.__getstate__(), "device": "cuda:77"})
    assert loaded.device_ == torch.device("cpu")
    assert_array_equal(loaded.transform(wine), mae.transform(wine))


# -- reproducible, alone or in parallel --------------------------------------------


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_parallel_search_equals_serial(wine, backend):
    search = GridSearchCV(quick(), {"mask_ratio": [0.2, 0.5, 0.8]}, cv=2)
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # workers get one; sums differ with their number
    try:
        serial = search.fit(wine).cv_results_["mean_test_score"]
        with joblib.parallel_config(backend, n_jobs=2):
            parallel = search.set_params(n_jobs=2).fit(wine)
    finally:
        torch.set_num_threads(n_threads)
    assert_allclose(parallel.cv_results_["mean_test_score"], serial, atol=1e-9)
    assert len(set(serial)) == 3


def test_the_same_seed_gives_the_same_fit_and_another_one_does_not(wine):
    one, same = quick().fit(wine), quick().fit(wine)
    assert_array_equal(one.transform(wine), same.transform(wine))
    other = quick(random_state=1).fit(wine)
    assert (one.transform(wine) != other.transform(wine)).any()
    instance = quick(random_state=np.random.RandomState(0))
    first = instance.fit(wine).transform(wine)
    assert (first != instance.fit(wine).transform(wine)).any()


def test_silent_unless_asked(wine, capsys):
    quick().fit(wine)
    assert capsys.readouterr().out == ""
    quick(verbose=2, max_epochs=3).fit(wine)
    printed = capsys.readouterr().out
    assert "train_loss" in printed
    assert len(printed.strip().splitlines()) == 3 + 3


def test_import_stays_light():
    """What takes long to import is loaded when it is used."""
    code = (
        "import sys, skmae\n"
        "heavy = {'matplotlib', 'polars', 'scipy.signal', 'sklearn.cluster',\n"
        "         'sklearn.ensemble', 'sklearn.linear_model', 'sklearn.neighbors'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- devices -----------------------------------------------------------------------


def test_devices_by_name():
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")
    assert resolve_device("auto").type in {"cpu", "cuda", "mps"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_gpu_trains_and_its_model_loads_anywhere(wine, precision):
    mae = quick(device="cuda", precision=precision, max_epochs=40).fit(wine)
    assert mae.device_.type == "cuda"
    on_cpu = quick(device="cpu", max_epochs=40).fit(wine)
    assert abs(mae.score(wine) - on_cpu.score(wine)) < 0.1
    state = mae.__getstate__()
    state["device_"] = "cpu"
    moved = clone(mae)
    moved.__setstate__(state)
    assert_allclose(moved.transform(wine), mae.transform(wine), atol=1e-3)
