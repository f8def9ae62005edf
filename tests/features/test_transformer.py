"""The transformer as its users meet it."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    train_test_split,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline

from skmae import MaskedAutoencoderImputer, MaskedAutoencoderTransformer

from ..conftest import make_frame, mixed_columns, quick

SCALINGS = ["standard", "minmax", "robust", "quantile", "asinh", None]


@pytest.fixture(scope="module")
def split_digits(digits):
    X, y = digits
    return train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)


@pytest.fixture(scope="module")
def trained(split_digits):
    """The default estimator, trained on digits."""
    return MaskedAutoencoderTransformer(device="cpu", random_state=0).fit(
        split_digits[0]
    )


@pytest.fixture(scope="module")
def fitted(holey_wine):
    return quick(max_epochs=30).fit(holey_wine)


# -- codes -------------------------------------------------------------------------


def test_codes_of_few_labels_beat_raw_pixels(split_digits, trained):
    X, X_test, y, y_test = split_digits
    codes, codes_test = trained.transform(X), trained.transform(X_test)
    raw_scores, code_scores = [], []
    for draw in range(5):
        rng = np.random.default_rng(draw)
        rows = np.concatenate(
            [rng.choice(np.flatnonzero(y == k), 10, replace=False) for k in range(10)]
        )
        model = LogisticRegression(max_iter=2000)
        raw = model.fit(X[rows] / 16, y[rows]).score(X_test / 16, y_test)
        raw_scores.append(raw)
        code_scores.append(model.fit(codes[rows], y[rows]).score(codes_test, y_test))
    assert np.mean(code_scores) > 0.915
    assert np.mean(code_scores) > np.mean(raw_scores) + 0.015


def test_decoded_codes_look_like_the_rows(split_digits, trained):
    X_test = split_digits[1]
    decoded = trained.inverse_transform(trained.transform(X_test))
    assert r2_score(X_test, decoded, multioutput="variance_weighted") > 0.8


def test_a_pipeline_searches_the_mask_ratio(wine):
    y = np.arange(len(wine)) // 60  # the cultivars stand in blocks
    pipeline = Pipeline([("mae", quick()), ("clf", LogisticRegression(max_iter=1000))])
    search = GridSearchCV(pipeline, {"mae__mask_ratio": [0.0, 0.25, 0.5]}, cv=3)
    search.fit(wine, y)
    assert search.cv_results_["mean_test_score"].min() > 0.7
    assert search.predict(wine[:2]).shape == (2,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_codes_keep_the_dtype_and_do_not_depend_on_their_neighbours(
    fitted, wine, dtype
):
    X = wine.astype(dtype)
    codes = fitted.transform(X)
    assert codes.dtype == dtype
    assert codes.shape == (178, fitted.n_components_ + 13) == (178, 29)
    for k in (1, 7, 150):
        assert_array_equal(codes[:k], fitted.transform(X[:k]))


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output_names_the_codes(wine, container):
    mae = quick().set_output(transform=container).fit(wine)
    codes = mae.transform(wine)
    assert type(codes).__module__.startswith(container)
    names = [f"maskedautoencodertransformer{j}" for j in range(16)]
    names += [f"x{j}" for j in range(13)]  # of the cells
    assert list(codes.columns) == names == mae.get_feature_names_out().tolist()


def test_missing_cells_do_not_reach_the_code(fitted, wine):
    """A missing cell is a hidden one: its code is that of the mean with a flag."""
    X = wine.copy()
    X[:, 3] = np.nan
    assert np.isfinite(fitted.transform(X)).all()
    assert (fitted.transform(X) != fitted.transform(wine)).any(axis=1).all()


def test_sample_weight_draws_the_net_to_the_heavy_rows():
    """Rows of two kinds that contradict each other: weights decide who is right."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=400)
    X = np.c_[a, np.where(np.arange(400) < 200, a, -a)]
    for seed in range(3):
        slopes = []
        for heavy in (slice(0, 200), slice(200, 400)):
            weight = np.ones(400)
            weight[heavy] = 20.0
            mae = quick(max_epochs=40, random_state=seed).fit(X, sample_weight=weight)
            hide_second = np.zeros(X.shape, dtype=bool)
            hide_second[:, 1] = True
            slopes.append(np.polyfit(a, mae.reconstruct(X, hide_second)[:, 1], 1)[0])
        assert slopes[0] > 0.5
        assert slopes[1] < -0.5


def test_rows_of_weight_zero_are_as_if_they_were_not_there(wine):
    weight = np.ones(len(wine))
    weight[100:] = 0
    with_zeros = quick().fit(wine, sample_weight=weight).transform(wine)
    assert_array_equal(with_zeros, quick().fit(wine[:100]).transform(wine))


# -- rows back ---------------------------------------------------------------------


@pytest.mark.parametrize("scaling", SCALINGS)
def test_output_speaks_the_units_of_the_input(wine, scaling):
    mae = quick(scaling=scaling, mask_ratio=0, max_epochs=300, n_components=32)
    X = wine / wine.std(axis=0)  # without scaling, units must be alike
    decoded = mae.fit(X).inverse_transform(mae.transform(X))
    assert r2_score(X, decoded) > 0.8


def test_restore_leaves_visible_cells_bit_for_bit(fitted, holey_wine):
    mask = np.random.default_rng(1).random(holey_wine.shape) < 0.3
    restored = fitted.restore(holey_wine, mask)
    visible = ~mask & ~np.isnan(holey_wine)
    assert_array_equal(restored[visible], holey_wine[visible])
    assert np.isfinite(restored).all()
    error = (restored - holey_wine)[mask & ~np.isnan(holey_wine)]
    assert np.abs(error).max() > 0


def test_hidden_cells_are_not_looked_at(fitted, wine):
    mask = np.random.default_rng(1).random(wine.shape) < 0.3
    nonsense = np.where(mask, 12345.0, wine)
    assert_array_equal(
        fitted.reconstruct(wine, mask), fitted.reconstruct(nonsense, mask)
    )
    as_missing = np.where(mask, np.nan, wine)
    assert_array_equal(fitted.restore(as_missing), fitted.restore(wine, mask))


def test_restoring_beats_the_mean(trained, split_digits):
    X, X_test = split_digits[:2]
    mask = np.random.default_rng(0).random(X_test.shape) < 0.4
    restored = trained.restore(X_test, mask)
    mean_error = ((X_test - X.mean(axis=0))[mask] ** 2).mean()
    assert ((X_test - restored)[mask] ** 2).mean() < 0.5 * mean_error


def test_frames_come_back_as_frames(holey_frame):
    mae = quick(max_epochs=30).fit(holey_frame)
    restored = mae.restore(holey_frame)
    assert type(restored) is type(holey_frame)
    assert list(restored.columns) == list(holey_frame.columns)
    shirts = restored["shirt"].to_list()
    assert set(shirts) == {"S", "M", "L"}
    assert shirts[4] in {"S", "M", "L"}
    reconstructed = mae.reconstruct(holey_frame)
    assert type(reconstructed) is type(holey_frame)
    # three numbers, three shirts and two answers to "tall" behind the code
    assert mae.transform(holey_frame).shape == (120, 16 + 8)


def test_categories_are_learned():
    columns = mixed_columns(300)
    frame = make_frame("pandas", columns)
    mae = quick(max_epochs=60).fit(frame)
    mask = np.zeros(frame.shape, dtype=bool)
    mask[:, 3] = True
    guessed = mae.restore(frame, mask)["shirt"]
    assert (guessed == frame["shirt"]).mean() > 0.8
    decoded = mae.inverse_transform(mae.transform(frame))
    assert decoded.dtype == object
    assert (decoded[:, 3] == frame["shirt"]).mean() > 0.8


def test_categories_unseen_in_fit_are_kept_by_restore(frame_kind):
    mae = quick().fit(make_frame(frame_kind, mixed_columns()))
    columns = mixed_columns()
    columns["shirt"][0] = "XXL"
    restored = mae.restore(make_frame(frame_kind, columns))
    assert restored["shirt"].to_list()[0] == "XXL"


def test_n_d_rows_keep_their_shape(digits):
    images = digits[0][:200].reshape(-1, 8, 8)
    mae = quick(input_shape=(8, 8), patch_size=2).fit(images)
    assert mae.n_features_in_ == 64
    mask = np.zeros(images.shape, dtype=bool)
    mask[:, 2:4, 2:4] = True
    restored = mae.restore(images, mask)
    assert restored.shape == images.shape
    assert_array_equal(restored[~mask], images[~mask])
    flat = images.reshape(200, 64)
    assert_array_equal(mae.transform(images), mae.transform(flat))
    assert_array_equal(
        mae.restore(flat, mask.reshape(200, 64)), restored.reshape(200, 64)
    )
    assert mae.reconstruction_error(images, per_feature=True).shape == (200, 64)


# -- scores ------------------------------------------------------------------------


def test_damaged_rows_score_lower_and_the_cell_is_named(trained, split_digits):
    X_test = split_digits[1]
    damaged = X_test.copy()
    rng = np.random.default_rng(0)
    cells = rng.integers(18, 46, size=len(X_test))
    rows = np.arange(len(X_test))
    damaged[rows, cells] = 16 - damaged[rows, cells]
    changed = np.abs(damaged - X_test).max(axis=1) > 8
    lower = trained.score_samples(damaged) < trained.score_samples(X_test)
    assert lower[changed].mean() > 0.8
    errors = trained.reconstruction_error(damaged, per_feature=True)
    assert errors.dtype == np.float64
    rank = (errors > errors[rows, cells][:, None]).sum(axis=1)
    assert np.median(rank[changed]) <= 3  # of 64 cells


def test_error_of_a_row_is_the_mean_over_its_observed_cells(fitted, holey_wine):
    errors = fitted.reconstruction_error(holey_wine, per_feature=True)
    assert_array_equal(np.isnan(errors), np.isnan(holey_wine))
    rows = fitted.reconstruction_error(holey_wine)
    assert_allclose(rows, np.nanmean(errors, axis=1))
    assert_array_equal(fitted.score_samples(holey_wine), -rows)


def test_score_does_not_ask_what_the_mask_ratio_says_now(fitted, wine):
    before = fitted.score(wine)
    fitted.set_params(mask_ratio=0.9)
    assert fitted.score(wine) == before
    fitted.set_params(mask_ratio="auto")


def test_rows_without_any_value_have_no_score(wine):
    nothing = np.full((3, wine.shape[1]), np.nan)
    constant = quick(max_epochs=1).fit(np.ones((20, 3)))
    imputer = MaskedAutoencoderImputer(max_epochs=1, n_members=2, device="cpu")
    texts = quick(analyzer="char", missing_token="?", hidden_layer_sizes=(8, 8))
    for model, X in [
        (quick(max_epochs=1).fit(wine), nothing),
        (imputer.fit(wine), nothing),
        (texts.fit(["ABAB", "BABA"] * 9), ["???", "?"]),
    ]:
        with pytest.raises(ValueError, match="no observed value: there is nothing"):
            model.score(X)
    assert constant.score(np.ones((3, 3))) in (0.0, 1.0)


def test_score_of_independent_columns_is_about_zero():
    rng = np.random.default_rng(0)
    X, X_test = rng.normal(size=(2000, 10)), rng.normal(size=(1000, 10))
    for seed in range(3):
        assert abs(quick(random_state=seed).fit(X).score(X_test)) < 0.08


def test_score_rises_with_training(split_digits):
    X, X_test = split_digits[:2]
    for seed in range(3):
        scores = [
            quick(max_epochs=n, random_state=seed).fit(X).score(X_test)
            for n in (1, 5, 25)
        ]
        assert scores[0] < scores[1] < scores[2] < 1


def test_a_network_that_never_hid_a_cell_scores_worse(split_digits, trained):
    X, X_test = split_digits[:2]
    plain = clone(trained).set_params(mask_ratio=0).fit(X).score(X_test)
    assert trained.score(X_test) > plain + 0.2


def test_early_stopping_keeps_the_best_weights(wine):
    mae = quick(early_stopping=True, max_epochs=200, n_iter_no_change=3, lr=0.02)
    mae.fit(wine)
    curve = mae.validation_loss_curve_
    assert len(curve) == mae.n_iter_ == len(mae.loss_curve_) < 200
    assert mae.n_iter_ == np.argmin(curve) + 4
    longer = quick(max_epochs=mae.n_iter_, lr=0.02)
    assert not hasattr(longer, "validation_loss_curve_")
    assert longer.fit(wine).validation_loss_curve_ is None


# -- more training -----------------------------------------------------------------


def test_warm_start_goes_on(wine):
    mae = quick(warm_start=True, max_epochs=20).fit(wine)
    first = mae.score(wine)
    mae.fit(wine)
    assert mae.score(wine) > first
    assert mae.n_iter_ == 20
    mae.set_params(n_components=8)
    with pytest.raises(ValueError, match="warm_start=True continues a network with"):
        mae.fit(wine)
    assert mae.transform(wine).shape == (178, 16 + 13)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("activation", "relu"),
        ("numerical_embedding", "piecewise_linear"),
        ("scaling", "minmax"),
    ],
)
@pytest.mark.parametrize("input_shape", [None, (None, 13)], ids=["table", "series"])
def test_a_warm_start_refuses_what_it_cannot_change(wine, input_shape, name, value):
    mae = MaskedAutoencoderTransformer(
        input_shape=input_shape, hidden_layer_sizes=(8,), max_epochs=1, warm_start=True
    )
    X = wine if input_shape is None else [wine[:5], wine[5:12], wine[12:30]]
    mae.fit(X).set_params(**{name: value})
    with pytest.raises(ValueError, match=f"continues a network with {name}=.*{value}"):
        mae.fit(X)
    mae.set_params(**{name: MaskedAutoencoderTransformer().get_params()[name]}).fit(X)


def test_partial_fit_in_blocks_learns(split_digits):
    X, X_test = split_digits[:2]
    mae = quick()
    scores = []
    for _ in range(6):
        for start in range(0, len(X), 400):
            mae.partial_fit(X[start : start + 400])
        scores.append(mae.score(X_test))
    assert scores[0] < scores[-1]
    assert scores[-1] > 0.1
    assert mae.n_iter_ == len(mae.loss_curve_) == 6 * 4


def test_partial_fit_refuses_other_columns(wine):
    mae = quick().partial_fit(wine)
    with pytest.raises(ValueError, match="X has 12 features, but"):
        mae.partial_fit(wine[:, :12])


# -- new rows ----------------------------------------------------------------------


def test_augmented_rows_vary_within_the_observed_range(wine):
    mae = quick(max_epochs=30).fit(wine)
    new = mae.augment(wine, n_copies=3, mask_ratio=0.5, random_state=0)
    assert new.shape == (3 * 178, 13)
    assert (new >= wine.min(axis=0) - 1e-9).all()
    assert (new <= wine.max(axis=0) + 1e-9).all()
    kept = (new == np.tile(wine, (3, 1))).mean()
    assert 0.4 < kept < 0.65  # 6 of 13 are redrawn, a few to the old value
    assert_array_equal(new, mae.augment(wine, 3, 0.5, random_state=0))
    assert (new[:178] != new[178:356]).any()
    spread = new.std(axis=0) / wine.std(axis=0)
    assert (spread > 0.7).all()  # draws, not means
    assert (spread < 1.3).all()


def test_augmented_frames_hold_known_categories(mixed_frame):
    mae = quick(max_epochs=30).fit(mixed_frame)
    new = mae.augment(mixed_frame, n_copies=2, random_state=0)
    assert type(new) is type(mixed_frame)
    assert len(new) == 240
    assert set(new["shirt"].to_list()) <= {"S", "M", "L"}


@pytest.mark.parametrize("load", [load_breast_cancer, load_diabetes, load_wine])
def test_augmented_rows_are_neither_copies_nor_strange(load):
    """A forest hardly tells them from real rows that the network has not seen."""
    X, unseen = train_test_split(load().data, test_size=0.5, random_state=0)
    mae = quick(n_components=128, hidden_layer_sizes=(128,), max_epochs=150).fit(X)
    new = mae.augment(X, random_state=0)
    assert 0.2 < (new != X).mean() < 0.5
    assert (new != X).any(axis=1).mean() > 0.98
    both = np.vstack([unseen, new])
    is_new = np.arange(len(both)) >= len(unseen)
    guess = cross_val_predict(
        RandomForestClassifier(100, random_state=0),
        both,
        is_new,
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
        method="predict_proba",
    )[:, 1]
    assert roc_auc_score(is_new, guess) < 0.75


def test_cells_that_determine_each_other_are_drawn_to_suit_each_other():
    rng = np.random.default_rng(0)
    a = rng.uniform(-2, 2, size=600)
    noise = rng.normal(size=(600, 4))
    X = np.column_stack([a, np.exp(a), a + noise[:, 0], noise[:, 1:]])
    mae = quick(n_components=32, hidden_layer_sizes=(64,), max_epochs=60).fit(X)
    new = mae.augment(X, 3, mask_ratio=0.6, random_state=0)
    new = new[(new != np.tile(X, (3, 1)))[:, :2].all(axis=1)]
    misses = np.abs(new[:, 1] - np.exp(new[:, 0])).mean()
    # Both vary as much as they should, and together.
    assert new[:, 0].std() > 0.8 * X[:, 0].std()
    assert misses < 0.25 * X[:, 1].std()
    shuffled = np.abs(rng.permutation(new[:, 1]) - np.exp(new[:, 0])).mean()
    assert misses < 0.25 * shuffled


def test_columns_of_few_values_keep_to_them():
    X = load_diabetes().data
    new = quick().fit(X).augment(X, n_copies=2, random_state=0)
    assert set(new[:, 1]) == set(X[:, 1])  # sex, to the last bit
    counts = np.rint(load_wine().data[:, :4]).astype(int)
    new = quick().fit(counts).augment(counts, random_state=0)
    assert all(set(new[:, j]) <= set(counts[:, j]) for j in range(4))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_copies": 0}, "n_copies must be an integer of at least 1"),
        ({"n_copies": 1.5}, "n_copies must be an integer of at least 1"),
        ({"mask_ratio": 1.0}, r"mask_ratio must be a float in \(0, 1\)"),
        ({"mask_ratio": -0.1}, r"mask_ratio must be a float in \(0, 1\)"),
        ({"mask_ratio": (0.1, 0.5)}, r"mask_ratio must be a float in \(0, 1\)"),
    ],
)
def test_augment_refuses_nonsense(fitted, wine, params, message):
    with pytest.raises(ValueError, match=message):
        fitted.augment(wine, **params)


@pytest.mark.parametrize("mask_ratio", [0.0, (0, 0)])
def test_a_plain_autoencoder_redraws_half_of_the_cells(wine, mask_ratio):
    new = quick(mask_ratio=mask_ratio).fit(wine).augment(wine, random_state=0)
    assert 0.3 < (new != wine).mean() < 0.5


# -- options -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"activation": "relu"},
        {"numerical_embedding": "piecewise_linear"},
        {"mask_ratio": (0.1, 0.6)},
        {"mask_strategy": "block"},
        {"mask_strategy": "copy"},
        {"mask_strategy": lambda observed, rng: rng.random(observed.shape) < 0.4},
        {"mask_value": "zero"},
        {"mask_value": "noise"},
        {"mask_value": "swap"},
        {"mask_value": "learned"},
        {"visible_weight": 0.5},
        {"loss": "squared_error"},
        {"loss": "absolute_error"},
        {"scaling": "minmax", "output_activation": "sigmoid"},
        {"scaling": "quantile"},
        # Near the highest rate that this network bears, where the seed, and rounding,
        # decide whether it learns.
        {"optimizer": "sgd", "lr": 0.1, "precision": "float32"},
        {"optimizer": "adam"},
        {"lr_schedule": "constant"},
        {"batch_norm": True},
        {"hidden_layer_sizes": ()},
        {"precision": "bfloat16"},
        {"early_stopping": True},
    ],
    ids=lambda params: ", ".join(params),
)
def test_every_option_trains_a_useful_network(holey_wine, params):
    mae = quick(**({"max_epochs": 40, "batch_size": 32} | params)).fit(holey_wine)
    assert mae.score(holey_wine) > 0.15
    repeated = quick(**({"max_epochs": 40, "batch_size": 32} | params))
    assert_array_equal(
        mae.transform(holey_wine), repeated.fit(holey_wine).transform(holey_wine)
    )


def test_categories_in_arrays_by_index():
    columns = mixed_columns()
    X = pd.DataFrame(columns).to_numpy(dtype=object)
    mae = quick(categorical_features=[3, 4], max_epochs=20).fit(X)
    assert mae.restore(X)[0, 3] == columns["shirt"][0]
    assert mae.transform(X).shape == (120, 16 + 8)


@pytest.mark.parametrize("categorical_features", ["from_dtype", None])
def test_numbers_and_na_in_columns_of_objects(holey_wine, categorical_features):
    floats = pd.DataFrame(holey_wine[:, :3]).add_prefix("c")
    objects = floats.astype(object).mask(floats.isna(), pd.NA)
    one, other = (
        quick(categorical_features=categorical_features).fit(frame)
        for frame in (floats, objects)
    )
    assert_allclose(one.transform(floats), other.transform(objects), atol=1e-5)
    restored = other.restore(objects)
    assert {dtype.kind for dtype in restored.dtypes} == {"O"}
    assert_allclose(restored.astype(float), one.restore(floats), rtol=1e-5)
    objects.iloc[2, 1] = "two"
    with pytest.raises(ValueError, match="Column 'c1' is numeric, but has objects"):
        other.transform(objects)


@pytest.mark.parametrize("numerical_embedding", [None, "piecewise_linear"])
def test_tables_of_categories_alone(frame_kind, numerical_embedding):
    columns = mixed_columns()
    frame = make_frame(frame_kind, {name: columns[name] for name in ("shirt", "tall")})
    mae = quick(numerical_embedding=numerical_embedding, max_epochs=20).fit(frame)
    assert mae.score(frame) > 0.1
    new = mae.augment(frame, n_copies=2, random_state=0)
    assert type(new) is type(frame)
    assert len(new) == 240
    assert set(new["shirt"].to_list()) == {"S", "M", "L"}


def test_narrow_codes_tell_rows_apart(digits):
    X, y = digits
    for n_components, least in ((1, 0.25), (2, 0.5)):
        mae = MaskedAutoencoderTransformer(
            n_components,
            input_shape=(8, 8),
            max_epochs=40,
            random_state=0,
            device="cpu",
        )
        codes = mae.fit_transform(X)
        near = KNeighborsClassifier().fit(codes[::2], y[::2])
        assert near.score(codes[1::2], y[1::2]) > least
