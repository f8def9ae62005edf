"""What classifier and regressor share."""

import pickle
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.utils import get_tags
from skorch.callbacks import Callback

from skmae import (
    LabelledKFold,
    MaskedAutoencoderClassifier,
    MaskedAutoencoderRegressor,
    MaskedAutoencoderTransformer,
)
from skmae._rows import RowReader
from skmae.data.codec import TableCodec
from skmae.training.inference import Inference
from skmae.training.scoring import panel_score
from tests.conftest import make_frame, mixed_columns, quick, with_encoder

# Many rows here have no label, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:score leaves out:UserWarning")

KINDS = {
    "classifier": MaskedAutoencoderClassifier,
    "regressor": MaskedAutoencoderRegressor,
}


def small(kind, encoder=None, **params):
    """A small classifier or regressor, of a small encoder if none is given."""
    settings = {"fine_tune_epochs": 5, "device": "cpu", "random_state": 0}
    if encoder is not None:
        return KINDS[kind](encoder, **(settings | params))
    of_encoder = {"n_components": 16, "hidden_layer_sizes": (32,), "max_epochs": 5}
    return with_encoder(KINDS[kind], **(of_encoder | settings | params))


@pytest.fixture(params=list(KINDS))
def kind(request):
    return request.param


@pytest.fixture
def targets(kind, wine):
    """Every third row of wine with a target: a class, or a number."""
    if kind == "regressor":
        y = wine[:, 0] + wine[:, 6]
        return np.where(np.arange(len(y)) % 3 == 0, y, np.nan)
    y = np.repeat([0, 1, 2], [59, 71, 48])
    return np.where(np.arange(len(y)) % 3 == 0, y, -1)


def said(model, X):
    if hasattr(model, "predict_proba"):
        return model.predict_proba(X)
    return model.predict(X)


def weights_of(net):
    return {name: w.numpy().copy() for name, w in net.module_.state_dict().items()}


# -- encoder -----------------------------------------------------------------------


def test_a_frozen_transformer_does_as_one_call_does(kind, wine, targets):
    mae = quick().fit(wine)
    before = weights_of(mae.net_)
    two_calls = small(kind, FrozenEstimator(FrozenEstimator(mae))).fit(wine, targets)
    one_call = small(kind).fit(wine, targets)
    assert_array_equal(said(two_calls, wine), said(one_call, wine))
    for name, weight in weights_of(mae.net_).items():
        assert_array_equal(weight, before[name])
    assert two_calls.pretraining_loss_curve_ == mae.loss_curve_
    assert two_calls.encoder_ is mae
    assert_array_equal(one_call.encoder_.transform(wine), mae.transform(wine))


def test_a_transformer_that_is_not_frozen_is_fitted_anew(kind, wine, targets):
    mae = quick().fit(wine[:100])
    before = mae.transform(wine)
    model = small(kind, mae).fit(wine, targets)
    assert_array_equal(said(model, wine), said(small(kind).fit(wine, targets), wine))
    assert_array_equal(mae.transform(wine), before)
    assert model.encoder is mae
    assert_array_equal(model.encoder_.transform(wine), quick().fit_transform(wine))


def test_by_default_the_transformer_is_given_what_it_shares(kind, wine, targets):
    shared = {"lr_schedule": "constant", "device": "cpu", "random_state": 0}
    model = KINDS[kind](fine_tune_epochs=1, **shared).fit(wine, targets)
    mae = MaskedAutoencoderTransformer(**shared).fit(wine)
    assert_array_equal(model.encoder_.transform(wine), mae.transform(wine))
    assert model.encoder is None


def test_a_given_transformer_has_a_seed_of_its_own_or_is_given_one(kind, wine, targets):
    def codes(of_encoder, own):
        model = small(kind, quick(random_state=of_encoder), random_state=own)
        return model.fit(wine, targets).encoder_.transform(wine)

    for seeds in [(None, 1), (1, 0)]:
        assert_array_equal(codes(*seeds), quick(random_state=1).fit_transform(wine))
    assert (codes(None, None) != codes(None, None)).any()


def test_parameters_of_the_encoder_can_be_searched(kind, wine, targets):
    search = GridSearchCV(
        small(kind), {"encoder__mask_ratio": [0.2, 0.6]}, cv=LabelledKFold(2)
    ).fit(wine, targets)
    best = search.best_estimator_
    assert best.encoder_.mask_ratio == search.best_params_["encoder__mask_ratio"]
    assert best.encoder_.model_.settings.mask_ratio == best.encoder_.mask_ratio


def test_a_given_transformer_brings_its_shape(kind, digits, targets):
    images = digits[0][: len(targets)].reshape(-1, 8, 8)
    mae = quick(input_shape=(8, 8), patch_size=2)
    for encoder in (mae, FrozenEstimator(clone(mae).fit(images))):
        model = small(kind, encoder)
        assert get_tags(model).input_tags.three_d_array
        model.fit(images, targets)
        assert model.n_features_in_ == 64
        assert_array_equal(said(model, images), said(model, images.reshape(-1, 64)))
    assert not get_tags(small(kind)).input_tags.three_d_array
    assert get_tags(KINDS[kind]()).input_tags.sparse


def test_a_clone_keeps_a_frozen_transformer(kind, wine, targets):
    mae = quick().fit(wine)
    twin = clone(small(kind, FrozenEstimator(mae))).fit(wine, targets)
    assert twin.encoder_ is mae
    loaded = pickle.loads(pickle.dumps(twin))
    assert loaded.encoder_ is loaded.encoder.estimator
    assert_array_equal(loaded.encoder_.transform(wine), mae.transform(wine))


@pytest.mark.parametrize(
    "given", ["mae", 3, LinearRegression(), MaskedAutoencoderTransformer]
)
def test_other_encoders_are_refused(kind, wine, targets, given):
    with pytest.raises(TypeError, match=r"'encoder' parameter of .*Transformer.*Got"):
        small(kind, given).fit(wine, targets)


def test_other_frozen_encoders_are_refused(kind, wine, targets):
    with pytest.raises(TypeError, match="'encoder' parameter given as a FrozenEst"):
        small(kind, FrozenEstimator(small("classifier"))).fit(wine, targets)
    with pytest.raises(NotFittedError, match=r"'encoder' parameter.*Fit it first"):
        small(kind, FrozenEstimator(quick())).fit(wine, targets)


def test_parameters_of_the_encoder_are_checked(kind, wine, targets):
    model = small(kind).fit(wine, targets)
    before = said(model, wine)
    model.set_params(encoder__mask_ratio=2.0)
    with pytest.raises(ValueError, match=r"'mask_ratio' parameter of .*Transformer"):
        model.fit(wine, targets)
    assert_array_equal(said(model, wine), before)


def test_other_columns_than_those_of_a_frozen_transformer_are_refused(
    kind, wine, targets
):
    mae = quick().fit(wine)
    with pytest.raises(ValueError, match="X has 12 features, but"):
        small(kind, FrozenEstimator(mae)).fit(wine[:, 1:], targets)
    frame = pd.DataFrame(wine, columns=list("abcdefghijklm"))
    mae = quick().fit(frame)
    with pytest.raises(ValueError, match="feature names"):
        small(kind, FrozenEstimator(mae)).fit(frame.rename(columns={"a": "z"}), targets)


def test_names_of_columns_are_forgotten_with_the_fit(kind, wine, targets):
    frame = pd.DataFrame(wine, columns=list("abcdefghijklm"))
    model = small(kind).fit(frame, targets)
    assert list(model.feature_names_in_) == list(frame.columns)
    model.fit(wine[:, 1:], targets)
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 12


def test_rows_are_checked_and_encoded_once(kind, wine, targets, monkeypatch):
    calls = []

    def noted(owner, name):
        method = getattr(owner, name)

        def note(self, *args, **kwargs):
            calls.append((type(self), name))
            return method(self, *args, **kwargs)

        monkeypatch.setattr(owner, name, note)

    noted(RowReader, "_validate_X")
    noted(TableCodec, "encode_to_train")
    once = [
        (MaskedAutoencoderTransformer, "_validate_X"),
        (TableCodec, "encode_to_train"),
    ]
    small(kind).fit(wine, targets)
    assert calls == once
    frozen = FrozenEstimator(quick().fit(wine))
    calls.clear()
    small(kind, frozen).fit(wine, targets)
    assert calls == once


# -- options -----------------------------------------------------------------------


def test_a_frozen_encoder_keeps_its_bits(kind, wine, targets):
    mae = quick(batch_norm=True, mask_value="learned").fit(wine)
    model = small(kind, FrozenEstimator(mae), freeze_encoder=True, fine_tune_lr=0.01)
    after = weights_of(model.fit(wine, targets).net_)
    for name, weight in weights_of(mae.net_).items():
        assert_array_equal(after[f"body.{name}"], weight)
    thawed = small(kind, FrozenEstimator(mae), fine_tune_lr=0.01).fit(wine, targets)
    assert (
        weights_of(thawed.net_)["body.encoder.0.weight"]
        != after["body.encoder.0.weight"]
    ).any()


def test_joint_training_keeps_reconstruction(kind, wine, targets):
    mae = quick(max_epochs=30).fit(wine)

    def score(model):
        module = model.net_.module_
        inference = Inference(module.body, model.model_.layout, model.device_)
        return panel_score(inference, mae.model_.encode(wine), mae.model_.panel())

    tuning = {"fine_tune_epochs": 60, "fine_tune_lr": 5e-3}
    alone = small(kind, FrozenEstimator(mae), **tuning).fit(wine, targets)
    joint = small(kind, FrozenEstimator(mae), reconstruction_weight=1.0, **tuning).fit(
        wine, targets
    )
    assert score(joint) > mae.score(wine) - 0.02
    assert score(alone) < score(joint) - 0.05
    labels_only = small(
        kind, FrozenEstimator(mae), reconstruction_weight=1.0, self_training=False
    ).fit(wine, targets)
    assert labels_only.pool_weights_ is None


@pytest.mark.parametrize(
    "params",
    [
        {"self_training": False},
        {"fine_tune_mask_ratio": 0},
        {"fine_tune_mask_ratio": 0.5},
        {"fine_tune_mask_ratio": (0.2, 0.8)},
        {"mask_ratio": 0},
        {"mask_ratio": (0.1, 0.6)},
        {"mask_strategy": "copy"},
        {"mask_strategy": "block"},
        {"mask_value": "noise"},
        {"mask_value": "swap"},
        {"numerical_embedding": "piecewise_linear"},
        {"optimizer": "sgd", "lr": 0.1},
        {"lr_schedule": "constant"},
        {"precision": "bfloat16"},
        {"batch_norm": True},
        {"scaling": "minmax"},
        {"scaling": "quantile"},
    ],
    ids=lambda params: ", ".join(params),
)
def test_every_option_learns_and_is_repeatable(kind, holey_wine, targets, params):
    model = small(kind, max_epochs=20, **params).fit(holey_wine, targets)
    assert model.score(holey_wine, targets) > 0.5
    again = small(kind, max_epochs=20, **params).fit(holey_wine, targets)
    assert_array_equal(said(model, holey_wine), said(again, holey_wine))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"freeze_encoder": True, "reconstruction_weight": 1.0}, "must be 0"),
        ({"fine_tune_mask_ratio": (0.5, 0.2)}, "'fine_tune_mask_ratio' parameter"),
        ({"fine_tune_mask_ratio": 1.0}, "'fine_tune_mask_ratio' parameter"),
        ({"fine_tune_lr": 0}, "'fine_tune_lr' parameter"),
        ({"fine_tune_epochs": 0}, "'fine_tune_epochs' parameter"),
        ({"self_training": "yes"}, "'self_training' parameter"),
        ({"early_stopping": True, "validation_fraction": 0.01}, "would hold out 1 of"),
    ],
)
def test_nonsense_is_refused_and_leaves_the_fit(kind, wine, targets, params, message):
    model = small(kind).fit(wine, targets)
    before = said(model, wine)
    with pytest.raises(ValueError, match=message):
        model.set_params(**params).fit(wine, targets)
    assert_array_equal(said(model, wine), before)


def test_y_is_needed(kind, wine):
    with pytest.raises(ValueError, match="requires y to be passed"):
        small(kind).fit(wine, None)
    with pytest.raises(ValueError, match="no label"):
        small(kind).fit(wine, np.full(len(wine), np.nan))


# -- rows of all kinds -------------------------------------------------------------


def test_frames_with_categories_and_holes(kind, frame_kind, holey_frame):
    y = np.asarray(mixed_columns()["tall"], dtype=float)
    y[::2] = np.nan
    model = small(kind, max_epochs=20, fine_tune_epochs=20)
    X = holey_frame[[name for name in holey_frame.columns if name != "tall"]]
    model.fit(X, y)
    assert model.score(X, y) > 0.7
    assert list(model.feature_names_in_) == ["height", "weight", "shoe", "shirt"]
    unseen = make_frame(
        frame_kind,
        {"height": [170.0], "weight": [70.0], "shoe": [42], "shirt": ["XXL"]},
    )
    assert len(model.predict(unseen)) == 1


def test_predictions_do_not_depend_on_the_batch(kind, wine, targets):
    model = small(kind).fit(wine, targets)
    everything = said(model, wine)
    assert_array_equal(said(model, wine[:7]), everything[:7])
    assert_array_equal(said(model, wine[5:6]), everything[5:6])


def test_pickles_are_small_and_equal_bit_by_bit(kind, wine, targets):
    model = small(kind, numerical_embedding="piecewise_linear").fit(wine, targets)
    pickled = pickle.dumps(model)
    loaded = pickle.loads(pickled)
    assert_array_equal(said(loaded, wine), said(model, wine))
    assert b"torch.nn" not in pickled
    assert b"skorch" not in pickled
    assert_array_equal(
        said(loaded.fit(wine, targets), wine), said(model.fit(wine, targets), wine)
    )


def test_only_so_many_unlabelled_rows_are_taught(kind, wine, targets, monkeypatch):
    monkeypatch.setattr("skmae.semi_supervised.base._MAX_UNLABELLED", 20)
    model = small(kind).fit(wine, targets)
    assert model.score(wine, targets) > 0.3


def test_a_head_is_solved_on_so_many_labelled_rows(kind, wine, targets, monkeypatch):
    monkeypatch.setattr(f"skmae.semi_supervised.{kind}.MAX_SOLVED", 30)
    model = small(kind).fit(wine, targets)
    assert model.score(wine, targets) > 0.3


# -- training as it goes -----------------------------------------------------------


def test_early_stopping_on_held_out_labels(kind, wine, targets):
    model = small(
        kind,
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=3,
        fine_tune_epochs=300,
        fine_tune_lr=0.02,
    ).fit(wine, targets)
    curve = model.validation_loss_curve_
    assert len(curve) == model.n_iter_ == len(model.loss_curve_) < 300
    warm_up = 15  # of 300 epochs; patience begins then
    assert model.n_iter_ == max(np.argmin(curve) + 1, warm_up) + 3
    assert small(kind).fit(wine, targets).validation_loss_curve_ is None


class Counting(Callback):
    """Count epochs, in a place that copies share."""

    counts = Counter()

    def on_epoch_end(self, net, **kwargs):
        self.counts[type(net).__name__] += 1


def test_callbacks_hear_of_both_trainings(kind, wine, targets, capsys):
    Counting.counts.clear()
    model = small(kind, callbacks=[Counting()], verbose=2).fit(wine, targets)
    assert Counting.counts == {"MaskedNet": 5, "FineTuningNet": 5}
    assert model.n_iter_ == 5
    assert len(model.pretraining_loss_curve_) == 5
    assert "train_loss" in capsys.readouterr().out


def test_progress_bars_nest(kind, wine, targets):
    pytest.importorskip("rich")
    small(kind).set_callbacks(ProgressBar()).fit(wine, targets)


def test_a_ratio_of_0_hides_nothing_from_a_callable(kind, wine, targets):
    def refuses(observed, rng):
        raise AssertionError("asked while fine-tuning")

    mae = quick().fit(wine)
    mae.model_.settings = replace(mae.model_.settings, mask_strategy=refuses)
    small(kind, FrozenEstimator(mae), fine_tune_mask_ratio=0.0).fit(wine, targets)
    with pytest.raises(AssertionError, match="asked"):
        small(kind, FrozenEstimator(mae), fine_tune_mask_ratio=0.4).fit(wine, targets)


def test_views_are_hidden_from_only_where_classes_are_taught(wine):
    classes = np.digitize(wine[:, 0], [13.0])
    few = np.where(np.arange(len(wine)) % 3 == 0, classes, -1)
    numbers = np.where(few == -1, np.nan, few)

    def asked(kind, y, **params):
        calls = []

        def counts(observed, rng):
            calls.append(len(observed))
            return np.zeros(observed.shape, dtype=bool)

        mae = quick().fit(wine)
        mae.model_.settings = replace(mae.model_.settings, mask_strategy=counts)
        small(kind, FrozenEstimator(mae), **params).fit(wine, y)
        return bool(calls)

    assert asked("classifier", few)
    assert not asked("classifier", classes)
    assert not asked("classifier", few, self_training=False)
    assert not asked("regressor", numbers)
    for kind, y in [("classifier", classes), ("regressor", numbers)]:
        assert asked(kind, y, reconstruction_weight=0.5)


def test_of_images_cells_are_hidden_with_all_labels_too():
    X, y = load_digits(n_class=3, return_X_y=True)
    mae = quick(input_shape=(8, 8), max_epochs=1).fit(X)
    table = quick(max_epochs=1).fit(X)
    unhidden = {"fine_tune_mask_ratio": 0.0}
    for encoder, hides in [(mae, True), (table, False)]:
        by_default = small("classifier", FrozenEstimator(encoder)).fit(X, y).loss_curve_
        without = (
            small("classifier", FrozenEstimator(encoder), **unhidden)
            .fit(X, y)
            .loss_curve_
        )
        assert (by_default != without) == hides


def test_weights_are_relative(kind, wine, targets):
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.5, 2, len(wine))
    model = small(kind).fit(wine, targets, weight)
    pool, outputs = model.pool_weights_, said(model, wine)
    model.fit(wine, targets, weight / 1024)  # exact, as powers of two are
    assert_array_equal(model.pool_weights_, pool)
    assert_array_equal(said(model, wine), outputs)
