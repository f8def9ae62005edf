"""architecture="attention" in every role, and n-d rows in both architectures."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from skmae import (
    MaskedAutoencoderDetector,
    MaskedAutoencoderImputer,
    MaskedAutoencoderTransformer,
)

from .conftest import quick

SHAPES = [
    ((12,), 5),  # a series
    ((10, 3), (4, 3)),  # of three features
    ((5, 7), 2),  # an image that its patches do not divide
    ((2, 4, 6), (2, 3)),  # of two channels
    ((1, 4, 4, 6), (2, 2, 3)),  # a video
]


def attentive(**params):
    settings = {
        "architecture": "attention",
        "hidden_layer_sizes": (16,),
        "n_components": 8,
    }
    return quick(**(settings | params))


def waves(shape, n_rows=60, seed=0):
    """Smooth rows of any shape, with some noise."""
    rng = np.random.default_rng(seed)
    axes = np.indices(shape).astype(float)
    rows = np.empty((n_rows, *shape))
    for row in rows:
        rate = rng.uniform(0.2, 1.0, len(shape)).reshape(-1, *[1] * len(shape))
        row[:] = np.sin((axes * rate).sum(axis=0) + rng.uniform(0, 6))
    return rows + 0.05 * rng.normal(size=rows.shape)


@pytest.mark.parametrize("architecture", ["mlp", "attention"])
@pytest.mark.parametrize(("shape", "patch_size"), SHAPES)
def test_rows_of_any_shape(architecture, shape, patch_size):
    X = waves(shape)
    n_cells = int(np.prod(shape))
    mae = attentive(
        architecture=architecture, input_shape=shape, patch_size=patch_size
    ).fit(X)
    assert mae.n_features_in_ == n_cells
    codes = mae.transform(X)
    assert codes.shape == (60, 8)
    assert len(mae.get_feature_names_out()) == 8
    flat = X.reshape(60, -1)
    assert_array_equal(mae.transform(flat), codes)
    assert mae.inverse_transform(codes).shape == flat.shape

    mask = np.zeros(X.shape, dtype=bool)
    mask[..., -2:] = True
    damaged = np.where(mask, 99.0, X)
    restored = mae.restore(damaged, mask)
    assert restored.shape == X.shape
    assert_array_equal(restored[~mask], X[~mask])
    assert np.abs(restored[mask]).max() < 5
    # what stands in hidden cells is never read
    assert_array_equal(restored, mae.restore(X, mask))

    errors = mae.reconstruction_error(X, per_feature=True)
    assert errors.reshape(60, -1).shape == flat.shape
    assert (errors >= 0).all()
    assert mae.augment(X[:3], n_copies=2, random_state=0).shape == (6, *shape)
    assert np.isfinite(mae.score(X))


def test_blocks_hide_neighbouring_patches_in_any_dimension():
    shape = (2, 4, 8, 8)
    mae = attentive(
        input_shape=shape,
        patch_size=(2, 2, 2),
        mask_strategy="block",
        mask_ratio=0.25,
        max_epochs=1,
    )
    mae.fit(waves(shape, 8))
    sampler = mae.net_.sampler
    hidden = sampler.sample(50, None, mae.net_.mask_generator_)
    units = hidden.reshape(50, 2, 2, 2, 4, 2, 4, 2).numpy()
    assert (units.sum(axis=(1, 3, 5, 7)) % 16 == 0).all()  # whole patches
    patches = units[:, 0, :, 0, :, 0, :, 0]  # (rows, time, height, width)
    assert (patches.reshape(50, -1).sum(axis=1) == 8).all()
    for row in patches:
        where = np.argwhere(row)
        # a block of 2 x 2 x 2 patches, or cut off by the border
        assert (np.ptp(where, axis=0) <= 3).all()


def test_attention_learns_digits(digits):
    X, y = digits
    train, test, y_train, y_test = train_test_split(
        X, y, stratify=y, test_size=0.3, random_state=0
    )
    mae = MaskedAutoencoderTransformer(
        architecture="attention",
        input_shape=(8, 8),
        patch_size=2,
        max_epochs=30,
        random_state=0,
        device="cpu",
    ).fit(train)
    codes = mae.transform(test)
    decoded = mae.inverse_transform(codes)
    assert r2_score(test, decoded, multioutput="variance_weighted") > 0.55
    assert mae.score(test) > 0.35
    rng = np.random.default_rng(0)
    ten = np.concatenate(
        [rng.choice(np.flatnonzero(y_train == k), 10, replace=False) for k in range(10)]
    )
    probe = LogisticRegression(max_iter=2000).fit(
        mae.transform(train[ten]), y_train[ten]
    )
    assert probe.score(codes, y_test) > 0.8

    mask = np.zeros((len(test), 8, 8), dtype=bool)
    mask[:, 2:6, 2:6] = True
    mask = mask.reshape(test.shape)
    mean = np.broadcast_to(train.mean(axis=0), test.shape)
    error = np.square(mae.restore(test, mask) - test)[mask].mean()
    assert error < 0.6 * np.square(mean - test)[mask].mean()


def test_missing_patches_and_cells(digits):
    X = digits[0][:300].copy()
    rng = np.random.default_rng(0)
    X[rng.random(X.shape) < 0.1] = np.nan
    X[::3, :16] = np.nan
    mae = attentive(input_shape=(8, 8), patch_size=2).fit(X)
    codes = mae.transform(X)
    assert np.isfinite(codes).all()
    restored = mae.restore(X)
    seen = ~np.isnan(X)
    assert_array_equal(restored[seen], X[seen])
    assert np.isfinite(restored).all()
    # whatever rows stand beside a row
    assert_array_equal(mae.transform(X[7:8]), codes[7:8])
    assert_array_equal(mae.transform(X[:100]), codes[:100])


def cells_of_patches(observed, rng):
    """A mask strategy that hides single cells, though patches are tokens."""
    return rng.random(observed.shape) < 0.5


@pytest.mark.parametrize("mask_strategy", ["random", cells_of_patches])
def test_holes_in_visible_patches_are_filled(digits, mask_strategy):
    X = digits[0][:700]
    train, test = X[:500], X[500:]
    mae = MaskedAutoencoderTransformer(
        architecture="attention",
        input_shape=(8, 8),
        patch_size=4,
        mask_strategy=mask_strategy,
        max_epochs=30,
        random_state=0,
        device="cpu",
    ).fit(train)
    mask = np.random.default_rng(0).random(test.shape) < 0.2
    mean = np.broadcast_to(train.mean(axis=0), test.shape)
    error = np.square(mae.restore(test, mask) - test)[mask].mean()
    assert error < 0.8 * np.square(mean - test)[mask].mean()
    holed = np.where(mask, np.nan, test)
    assert_array_equal(mae.restore(holed), mae.restore(test, mask))


@pytest.mark.parametrize("load", [load_breast_cancer, load_digits])
def test_visible_cells_are_reconstructed_from_the_code(load):
    X = load().data[:100]
    X = X[:, X.std(axis=0) > 0]
    mae = attentive(max_epochs=5).fit(X)
    decoded = mae.inverse_transform(mae.transform(X))
    assert_allclose(mae.reconstruct(X), decoded, rtol=1e-4, atol=1e-4)
    mask = np.zeros(X.shape, dtype=bool)
    mask[:, 0] = True
    assert_allclose(mae.reconstruct(X, mask)[:, 0], mae.restore(X, mask)[:, 0])


def test_frames_with_categories_and_holes(holey_frame):
    mae = attentive(numerical_embedding="piecewise_linear").fit(holey_frame)
    assert mae.transform(holey_frame).shape == (len(holey_frame), 8 + 8)
    restored = mae.restore(holey_frame)
    assert list(restored.columns) == list(holey_frame.columns)
    assert mae.inverse_transform(mae.transform(holey_frame)).shape == restored.shape


@pytest.mark.parametrize("pooling", ["mean", "flatten"])
def test_pickle_is_bit_equal(digits, pooling):
    X = digits[0][:200]
    mae = attentive(input_shape=(8, 8), patch_size=3, pooling=pooling).fit(X)
    again = pickle.loads(pickle.dumps(mae))
    assert_array_equal(again.transform(X), mae.transform(X))
    assert_array_equal(again.score_samples(X), mae.score_samples(X))


def test_fits_are_reproducible_and_may_go_on(digits):
    X = digits[0][:200]
    params = {"input_shape": (8, 8), "patch_size": 2, "mask_ratio": (0.2, 0.8)}
    one, other = attentive(**params).fit(X), attentive(**params).fit(X)
    assert_array_equal(one.transform(X), other.transform(X))
    before = one.loss_curve_[-1]
    one.set_params(warm_start=True).fit(X)
    assert one.n_iter_ == 5
    assert one.loss_curve_[-1] < before
    assert one.partial_fit(X).n_iter_ == 6
    with pytest.raises(ValueError, match="continues a network with patch_size=2"):
        one.set_params(patch_size=4).fit(X)


def test_grid_search_over_architectures(digits):
    X, y = digits[0][:200], digits[1][:200]
    pipeline = make_pipeline(
        quick(input_shape=(8, 8), patch_size=2, hidden_layer_sizes=(16,)),
        LogisticRegression(max_iter=2000),
    )
    name = "maskedautoencodertransformer__architecture"
    search = GridSearchCV(pipeline, {name: ["mlp", "attention"]}, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_norm_pix_loss_weighs_faint_texture_like_strong():
    rng = np.random.default_rng(0)
    # The left half is faint, the right half strong; both follow one wave.
    X = waves((4, 8), 200) * np.where(np.arange(8) < 4, 0.2, 1.0)
    X += 0.01 * rng.normal(size=X.shape)
    mask = np.zeros(X.shape, dtype=bool)
    mask[:, :, 2:4] = True

    def error(norm_pix_loss, seed):
        mae = attentive(
            input_shape=(4, 8),
            patch_size=2,
            hidden_layer_sizes=(32,),
            norm_pix_loss=norm_pix_loss,
            max_epochs=40,
            lr=4e-3,
            random_state=seed,
        ).fit(X)
        return np.square(mae.restore(X, mask) - X)[mask].mean()

    plain, normalised = (
        np.mean([error(choice, seed) for seed in range(3)]) for choice in (False, True)
    )
    assert normalised < plain


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"batch_norm": True}, "'batch_norm' parameter must be False with"),
        ({"mask_value": "noise"}, "'mask_value' parameter must be 'mean' with"),
        ({"hidden_layer_sizes": (16, 32)}, "must hold equal widths"),
        ({"hidden_layer_sizes": ()}, "must hold equal widths"),
        ({"norm_pix_loss": True}, "needs input_shape and patch_size"),
        ({"pooling": "max"}, "'pooling' parameter"),
        ({"architecture": "cnn"}, "'architecture' parameter"),
    ],
)
def test_parameters_that_cannot_be(wine, params, message):
    with pytest.raises(ValueError, match=message):
        attentive(**params).fit(wine)


@pytest.mark.parametrize("params", [{}, {"architecture": "mlp", "norm_pix_loss": True}])
def test_patches_of_categories_cannot_be(params):
    X = np.random.default_rng(0).integers(0, 3, (40, 16)).astype(float)
    mae = attentive(input_shape=(4, 4), patch_size=2, categorical_features=[3])
    with pytest.raises(ValueError, match="needs numeric columns, but column 3"):
        mae.set_params(**params).fit(X)


def test_imputer_with_attention(wine):
    rng = np.random.default_rng(0)
    holey = wine.copy()
    removed = rng.random(wine.shape) < 0.2
    holey[removed] = np.nan
    imputer = MaskedAutoencoderImputer(
        architecture="attention",
        hidden_layer_sizes=(16,),
        n_members=2,
        max_epochs=10,
        random_state=0,
    ).fit(holey)
    filled = imputer.transform(holey)
    assert_array_equal(filled[~removed], wine[~removed])
    std = wine.std(axis=0)
    mean = np.broadcast_to(np.nanmean(holey, axis=0), wine.shape)

    def error(values):
        return np.square((values - wine) / std)[removed].mean()

    assert error(filled) < 0.75 * error(mean)
    assert imputer.sample(holey, 3, random_state=0).shape == (3, *wine.shape)
    again = pickle.loads(pickle.dumps(imputer))
    assert_array_equal(again.transform(holey), filled)
    with pytest.raises(ValueError, match="must hold equal widths"):
        imputer.set_params(hidden_layer_sizes=(16, 8)).fit(holey)


def test_imputer_with_attention_on_frames(holey_frame):
    imputer = MaskedAutoencoderImputer(
        architecture="attention",
        hidden_layer_sizes=(16,),
        n_members=2,
        max_epochs=2,
        random_state=0,
    )
    filled = imputer.fit_transform(holey_frame)
    assert list(filled.columns) == list(holey_frame.columns)


def test_detector_with_attention():
    X, y = load_breast_cancer(return_X_y=True)
    normal = X[y == 1]
    detector = MaskedAutoencoderDetector(
        architecture="attention",
        hidden_layer_sizes=(16,),
        n_members=2,
        max_epochs=10,
        random_state=0,
    ).fit(normal[::2])
    test = np.vstack([normal[1::2], X[y == 0]])
    is_normal = np.repeat([1, 0], [len(normal[1::2]), (y == 0).sum()])
    scores = detector.score_samples(test)
    assert roc_auc_score(is_normal, scores) > 0.85
    assert_allclose(-detector.explain(test).sum(axis=1), scores)
    again = pickle.loads(pickle.dumps(detector))
    assert_array_equal(again.score_samples(test), scores)


def test_detector_with_attention_on_images(digits):
    X = digits[0][:150]
    detector = MaskedAutoencoderDetector(
        architecture="attention",
        hidden_layer_sizes=(16,),
        n_members=2,
        input_shape=(8, 8),
        patch_size=2,
        max_epochs=2,
        random_state=0,
    ).fit(X)
    assert detector.explain(X.reshape(-1, 8, 8)).shape == (150, 8, 8)
