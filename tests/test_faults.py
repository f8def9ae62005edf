"""Ctrl-C, divergence, a full disk: what is left is usable, or as it was."""

import functools
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, LRScheduler

from skmae import (
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
)
from skmae import _guards as guards_module
from skmae.semi_supervised.fine_tuning import FineTuningNet
from skmae.training import checkpoint as checkpoint_module

from .conftest import quick
from .semi_supervised.test_semi_supervised import KINDS, small

SMALL = {"max_epochs": 6, "batch_size": 32, "device": "cpu", "random_state": 0}


@pytest.fixture(autouse=True)
def short_epochs(monkeypatch):
    """Few batches in an imputer's epoch, too."""
    monkeypatch.setattr("skmae.imputation.task._LEAST_BATCHES", 6)


def imputer(**params):
    settings = {"hidden_layer_sizes": (16, 16), "n_members": 2}
    return MaskedAutoencoderImputer(**(SMALL | settings | params))


def detector(**params):
    settings = {"hidden_layer_sizes": (16,), "n_members": 2}
    return MaskedAutoencoderDetector(**(SMALL | settings | params))


def generator(**params):
    settings = {"hidden_layer_sizes": (16, 16), "n_orders": 2}
    return MaskedAutoencoderGenerator(**(SMALL | settings | params))


ROLES = {"transformer": functools.partial(quick, **SMALL)} | {
    "imputer": imputer,
    "detector": detector,
    "generator": generator,
}


def answers(estimator, X):
    """All that a user may ask of a fitted estimator, as one list of arrays."""
    methods = ("transform", "score", "score_samples", "predict", "augment", "sample")
    given = [getattr(estimator, method, None) for method in methods]
    seeded = {"augment", "sample"}
    if isinstance(estimator, MaskedAutoencoderGenerator):
        return [
            estimator.score_samples(X),
            estimator.sample(9, random_state=0),
            estimator.sample(given=X, random_state=0),
        ]
    return [
        np.asarray(ask(X, random_state=0) if method in seeded else ask(X))
        for method, ask in zip(methods, given, strict=True)
        if ask is not None
    ]


def assert_same_answers(one, other, X):
    for ours, theirs in zip(answers(one, X), answers(other, X), strict=True):
        assert_array_equal(ours, theirs)


class Fault(Callback):
    """Do something in the second batch of an epoch, counted from 1, once."""

    def __init__(self, epoch, do):
        self.epoch, self.do = epoch, do

    def initialize(self):
        self.over_ = False
        return self

    def on_epoch_begin(self, net, **kwargs):
        self.n_batches_ = 0

    def on_batch_end(self, net, **kwargs):
        self.n_batches_ += 1
        if not self.over_ and (len(net.history), self.n_batches_) == (self.epoch, 2):
            self.over_ = True
            self.do(net)


def press_ctrl_c(net=None):
    signal.raise_signal(signal.SIGINT)


def crash(net):
    raise RuntimeError("the roof came down")


def ruin(net):
    with torch.no_grad():
        next(net.module_.parameters()).fill_(torch.nan)


# -- Ctrl-C ------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_ctrl_c_keeps_what_was_trained(holey_wine, role):
    estimator = ROLES[role](callbacks=[Fault(4, press_ctrl_c)])
    with (
        pytest.warns(ConvergenceWarning, match="is fitted by 3 epochs instead of all"),
        pytest.raises(KeyboardInterrupt),
    ):
        estimator.fit(holey_wine)
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 3
    for answer in answers(estimator, holey_wine):
        assert np.isfinite(answer).all()
    if role == "transformer":
        assert estimator.score(holey_wine) > 0.1
        estimator.set_params(callbacks=None).partial_fit(holey_wine)
        assert estimator.n_iter_ == 4


def test_ctrl_c_keeps_the_best_of_early_stopping(wine):
    estimator = quick(
        early_stopping=True, max_epochs=30, callbacks=[Fault(20, press_ctrl_c)], lr=0.1
    )
    with pytest.warns(ConvergenceWarning), pytest.raises(KeyboardInterrupt):
        estimator.fit(wine)
    curve = estimator.validation_loss_curve_
    assert len(curve) == 19
    assert np.argmin(curve) < 18  # the last epoch was not the best
    order = np.random.default_rng(estimator.model_.seeds["validation"]).permutation(178)
    held_out = wine[np.sort(order[:18])]
    assert abs(1 - estimator.score(held_out) - min(curve)) < 1e-6


@pytest.mark.parametrize("role", ROLES)
def test_ctrl_c_in_the_first_epoch_or_the_last_touches_leaves_all_as_it_was(
    holey_wine, monkeypatch, role
):
    estimator = ROLES[role](callbacks=[Fault(1, press_ctrl_c)])
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(holey_wine)
    scores = role in ("detector", "generator")
    ask = estimator.score_samples if scores else estimator.transform
    with pytest.raises(NotFittedError):
        ask(holey_wine)
    estimator.set_params(callbacks=None, max_epochs=2).fit(holey_wine)
    before = answers(estimator, holey_wine)

    # between training and a complete model
    last_touch = {
        "transformer": "_learn_errors",
        "imputer": "_fit_indicator",
        "detector": "_calibrate",
        "generator": "_drawn_example",
    }[role]
    monkeypatch.setattr(type(estimator), last_touch, lambda *args: press_ctrl_c())
    if role == "imputer":
        estimator.set_params(add_indicator=True)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(holey_wine[:100])
    monkeypatch.undo()
    for ours, theirs in zip(answers(estimator, holey_wine), before, strict=True):
        assert_array_equal(ours, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_while_networks_are_trained_on_folds_is_passed_on(
    kind, wine, monkeypatch
):
    y = wine[:, 0] if kind == "regressor" else (wine[:, 0] > 13).astype(int)
    model = small(kind, batch_size=32).fit(wine, y)
    before = model.predict(wine)
    train = FineTuningNet.train

    def press_in_the_third_epoch(net, dataset, *args):
        if len(dataset) < len(wine):  # a fold
            net.callbacks_.append(("fault", Fault(3, press_ctrl_c).initialize()))
        return train(net, dataset, *args)

    monkeypatch.setattr(FineTuningNet, "train", press_in_the_third_epoch)
    with pytest.raises(KeyboardInterrupt):
        model.fit(wine, y)
    assert_array_equal(model.predict(wine), before)


def test_ctrl_c_while_fine_tuning_leaves_a_classifier_uncalibrated(wine):
    y = (wine[:, 0] > 13).astype(int)
    mae = quick(batch_size=32).fit(wine)
    clf = small("classifier", FrozenEstimator(mae), callbacks=[Fault(3, press_ctrl_c)])
    with pytest.warns(ConvergenceWarning), pytest.raises(KeyboardInterrupt):
        clf.fit(wine, y)
    assert clf.n_iter_ == 2
    assert clf.temperature_ == 1
    assert np.isfinite(clf.predict_proba(wine)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_pretraining_that_was_cut_off_goes_on(kind, wine, tmp_path):
    y = wine[:, 0] if kind == "regressor" else (wine[:, 0] > 13).astype(int)
    encoder = quick(batch_size=32)
    whole = small(kind, encoder).fit(wine, y)
    encoder.set_params(checkpoint=tmp_path, callbacks=[Fault(3, press_ctrl_c)])
    with pytest.warns(ConvergenceWarning), pytest.raises(KeyboardInterrupt):
        small(kind, encoder).fit(wine, y)
    assert list(tmp_path.iterdir())
    resumed = small(kind, encoder.set_params(callbacks=None)).fit(wine, y)
    assert_array_equal(resumed.predict(wine), whole.predict(wine))
    assert not list(tmp_path.iterdir())


def test_ctrl_c_ends_a_search(wine):
    fits = []

    def count_and_press(net):
        fits.append(1)
        press_ctrl_c()

    mae = quick(callbacks=[Fault(2, count_and_press)])
    search = GridSearchCV(
        make_pipeline(StandardScaler(), mae),
        {"maskedautoencodertransformer__mask_ratio": [0.2, 0.5]},
        cv=2,
        error_score=0.0,
    )
    with pytest.warns(ConvergenceWarning), pytest.raises(KeyboardInterrupt):
        search.fit(wine)
    assert len(fits) == 1


def test_ctrl_c_in_the_code_of_a_skorch_callback_is_not_taken_for_its_own(
    wine, monkeypatch
):
    # C code, so that the callback's own frame is the innermost
    press = functools.partial(signal.raise_signal, signal.SIGINT)
    monkeypatch.setattr("skorch.callbacks.logging.time", SimpleNamespace(time=press))
    with pytest.raises(KeyboardInterrupt):
        quick().fit(wine)


# -- divergence --------------------------------------------------------------------


@pytest.mark.parametrize("role", ["transformer", "imputer"])
def test_divergence_goes_back_to_weights_that_held_out_rows_vouch_for(wine, role):
    X = np.where(np.random.default_rng(0).random(wine.shape) < 0.1, np.nan, wine)
    estimator = ROLES[role](early_stopping=True, callbacks=[Fault(4, ruin)])
    with pytest.warns(
        ConvergenceWarning, match="loss is nan in epoch 4.* best on held-out rows"
    ):
        estimator.fit(X)
    assert estimator.n_iter_ == 3
    assert np.isfinite(estimator.loss_curve_).all()
    assert estimator.score(X) > 0.05


@pytest.mark.parametrize("role", ROLES)
def test_divergence_is_an_error_where_none_vouch(holey_wine, role):
    params = {"early_stopping": False} if role == "imputer" else {}
    estimator = ROLES[role](max_epochs=2, **params).fit(holey_wine)
    before = answers(estimator, holey_wine)
    estimator.set_params(max_epochs=8, callbacks=[Fault(4, ruin)])
    with pytest.raises(ValueError, match="the loss is nan in epoch 4"):
        estimator.fit(holey_wine)
    for ours, theirs in zip(answers(estimator, holey_wine), before, strict=True):
        assert_array_equal(ours, theirs)


@pytest.mark.parametrize("role", ["transformer", "detector"])
def test_a_last_step_that_ruins_the_weights_is_an_error(wine, role):
    # of which no loss tells, since it is computed before the step
    batch_size = 89 if role == "transformer" else 45  # two batches
    estimator = ROLES[role](
        max_epochs=1, batch_size=batch_size, callbacks=[Fault(1, ruin)]
    )
    with pytest.raises(ValueError, match=r"diverged: .* values that are not finite"):
        estimator.fit(wine)


def test_after_a_failed_partial_fit_training_goes_on_as_though_it_had_not_been(wine):
    one, other = (quick(batch_size=32).fit(wine) for _ in range(2))
    one.net_.callbacks_.append(("fault", Fault(6, ruin).initialize()))
    with pytest.raises(ValueError, match="Training diverged"):
        one.partial_fit(wine)
    one.net_.callbacks_.pop()
    assert one.partial_fit(wine).n_iter_ == 6
    assert_same_answers(one, other.partial_fit(wine), wine)


@pytest.mark.parametrize("what", [press_ctrl_c, crash])
@pytest.mark.parametrize("where", ["_learn_errors", "_keep"])
def test_a_partial_fit_that_fails_after_its_training_leaves_all_as_it_was(
    wine, monkeypatch, what, where
):
    one, other = (quick(batch_size=32).fit(wine) for _ in range(2))
    monkeypatch.setattr(type(one), where, lambda *args: what(None))
    with pytest.raises((KeyboardInterrupt, RuntimeError)):
        one.partial_fit(wine)
    monkeypatch.undo()
    assert one.n_iter_ == len(one.loss_curve_) == 5
    assert_same_answers(one, other, wine)
    assert_same_answers(one.partial_fit(wine), other.partial_fit(wine), wine)


def test_a_second_ctrl_c_does_not_cut_the_way_back_short(wine, monkeypatch):
    one, other = (quick(batch_size=32).fit(wine) for _ in range(2))
    monkeypatch.setattr(type(one), "_learn_errors", lambda *args: press_ctrl_c())
    go_back, pressed = guards_module.restore_training, []

    def press_and_go_back(net, state):
        if not pressed:
            pressed.append(1)
            press_ctrl_c()
        go_back(net, state)

    monkeypatch.setattr(guards_module, "restore_training", press_and_go_back)
    with pytest.raises(KeyboardInterrupt):
        one.partial_fit(wine)
    assert pressed
    assert_same_answers(one, other, wine)


# -- checkpoints -------------------------------------------------------------------


@pytest.fixture
def every_epoch(monkeypatch):
    """Write a checkpoint after every epoch."""
    monkeypatch.setattr(checkpoint_module, "_LEAST_SECONDS", 0.0)
    monkeypatch.setattr(checkpoint_module, "_TIMES_AS_LONG", 0)


RESUMED = {
    "transformer": lambda **p: quick(max_epochs=8, **p),
    "early stopping": lambda **p: quick(
        max_epochs=30, early_stopping=True, n_iter_no_change=3, lr=0.1, **p
    ),
    "noise, batch norm": lambda **p: quick(
        max_epochs=8, mask_value="noise", batch_norm=True, mask_ratio=(0.1, 0.6), **p
    ),
    "sgd": lambda **p: quick(max_epochs=8, optimizer="sgd", lr=0.01, **p),
    "imputer": imputer,
    "imputer, all epochs": lambda **p: imputer(early_stopping=False, **p),
    "detector": detector,
    "generator": generator,
}


class Steps(Callback):
    """Count the epochs that were really trained."""

    n_epochs = 0

    def on_epoch_end(self, net, **kwargs):
        Steps.n_epochs += 1


@pytest.mark.parametrize("kind", RESUMED)
def test_a_resumed_fit_equals_an_unbroken_one(
    wine, holey_wine, tmp_path, every_epoch, monkeypatch, kind
):
    # of complete rows, masks are drawn ahead; the imputer needs missing cells
    X = holey_wine if kind.startswith(("imputer", "noise")) else wine
    whole = RESUMED[kind]().fit(X)
    folder = tmp_path / "new" / "folder"
    with pytest.raises(RuntimeError, match="roof"):
        RESUMED[kind](checkpoint=folder, callbacks=[Fault(5, crash)]).fit(X)
    assert len(list(folder.iterdir())) == 1

    monkeypatch.setattr(Steps, "n_epochs", 0)
    resumed = RESUMED[kind](checkpoint=str(folder), callbacks=[Steps()]).fit(X)
    assert Steps.n_epochs == whole.n_iter_ - 4
    assert resumed.loss_curve_ == whole.loss_curve_
    assert resumed.validation_loss_curve_ == whole.validation_loss_curve_
    assert_same_answers(resumed, whole, X)
    assert list(folder.iterdir()) == []  # finished
    if kind == "transformer":
        assert_same_answers(resumed.partial_fit(X), whole.partial_fit(X), X)


def test_a_fit_that_was_cut_off_after_its_training_does_not_train_again(
    wine, tmp_path, every_epoch, monkeypatch
):
    params = {"max_epochs": 30, "early_stopping": True, "n_iter_no_change": 2}
    whole = quick(lr=0.1, **params).fit(wine)
    assert whole.n_iter_ < 30
    mae = quick(lr=0.1, checkpoint=tmp_path, callbacks=[Steps()], **params)
    monkeypatch.setattr(type(mae), "_learn_errors", lambda *args: crash(None))
    with pytest.raises(RuntimeError, match="roof"):
        mae.fit(wine)
    monkeypatch.undo()
    monkeypatch.setattr(Steps, "n_epochs", 0)
    mae.fit(wine)
    assert Steps.n_epochs == 0
    assert_same_answers(mae, whole, wine)


def test_a_resumed_fit_goes_on_with_skorch_schedules(wine, tmp_path, every_epoch):
    def make(*callbacks, **params):
        schedule = LRScheduler(policy="StepLR", step_size=2, gamma=0.5)
        return quick(
            lr_schedule="constant",
            max_epochs=8,
            callbacks=[schedule, *callbacks],
            **params,
        )

    whole = make().fit(wine)
    with pytest.raises(RuntimeError, match="roof"):
        make(Fault(6, crash), checkpoint=tmp_path).fit(wine)
    resumed = make(checkpoint=tmp_path).fit(wine)
    assert resumed.net_.history[:, "lr"] == whole.net_.history[:, "lr"]
    assert_same_answers(resumed, whole, wine)


def test_after_ctrl_c_the_next_fit_goes_on(wine, tmp_path, every_epoch):
    mae = quick(checkpoint=tmp_path, callbacks=[Fault(4, press_ctrl_c)])
    with pytest.warns(ConvergenceWarning), pytest.raises(KeyboardInterrupt):
        mae.fit(wine)
    assert mae.n_iter_ == 3
    mae.set_params(callbacks=None).fit(wine)
    assert_same_answers(mae, quick().fit(wine), wine)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("what", [press_ctrl_c, crash])
def test_what_cuts_a_fit_off_writes_the_last_whole_epoch(
    wine, tmp_path, monkeypatch, role, what
):
    # files so seldom that there is none but the first epoch's
    monkeypatch.setattr(checkpoint_module, "_LEAST_SECONDS", 1e9)
    monkeypatch.setattr(checkpoint_module, "_TIMES_AS_LONG", 0)
    make = ROLES[role]
    whole = make(max_epochs=8).fit(wine)
    estimator = make(max_epochs=8, checkpoint=tmp_path, callbacks=[Fault(6, what)])
    if what is press_ctrl_c:
        with pytest.warns(ConvergenceWarning), pytest.raises(KeyboardInterrupt):
            estimator.fit(wine)
    else:
        with pytest.raises(RuntimeError, match="roof"):
            estimator.fit(wine)
    monkeypatch.setattr(Steps, "n_epochs", 0)
    resumed = make(max_epochs=8, checkpoint=tmp_path, callbacks=[Steps()]).fit(wine)
    assert Steps.n_epochs == whole.n_iter_ - 5
    assert_same_answers(resumed, whole, wine)
    assert list(tmp_path.iterdir()) == []


def test_other_data_or_parameters_start_anew(wine, tmp_path, every_epoch):
    with pytest.raises(RuntimeError, match="roof"):
        quick(checkpoint=tmp_path, callbacks=[Fault(3, crash)]).fit(wine)
    (file,) = tmp_path.iterdir()
    changed = wine.copy()
    changed[100, 5] += 1e-3
    for params, X in [
        ({"lr": 1e-3}, wine),
        ({"random_state": 1}, wine),
        ({"mask_ratio": 0.3}, wine),
        ({}, changed),
        ({}, wine[:-1]),
    ]:
        mae = quick(checkpoint=tmp_path, **params).fit(X)
        assert_same_answers(mae, quick(**params).fit(X), X)
        assert list(tmp_path.iterdir()) == [file]


def test_fits_of_a_search_share_a_folder(wine, tmp_path, every_epoch):
    grid = {"mask_ratio": [0.2, 0.6]}
    plain = GridSearchCV(quick(), grid, cv=2).fit(wine)
    search = GridSearchCV(quick(checkpoint=tmp_path), grid, cv=2, n_jobs=2)
    with joblib.parallel_config("threading"):
        kept = search.fit(wine)
    scores = [s.cv_results_["mean_test_score"] for s in (plain, kept)]
    assert np.allclose(*scores, atol=1e-6)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
import numpy as np
from skorch.callbacks import Callback
from tests.conftest import quick
from skmae.training import checkpoint

checkpoint._LEAST_SECONDS = 0.0

class Kill(Callback):
    def on_batch_end(self, net, **kwargs):
        if len(net.history) == 12:
            os.kill(os.getpid(), signal.SIGKILL)

X = np.load(sys.argv[1])
params = {"early_stopping": True, "max_epochs": 20}
quick(checkpoint=sys.argv[2], callbacks=[Kill()], **params).fit(X)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_kill_9_and_resume(wine, tmp_path, monkeypatch):
    np.save(tmp_path / "wine.npy", wine)
    folder = tmp_path / "checkpoints"
    args = [sys.executable, "-c", KILLED, str(tmp_path / "wine.npy"), str(folder)]
    child = subprocess.run(args, cwd=Path(__file__).parents[1], check=False)
    assert child.returncode == -signal.SIGKILL
    assert len(list(folder.glob("*.pt"))) == 1

    monkeypatch.setattr(Steps, "n_epochs", 0)
    params = {"early_stopping": True, "max_epochs": 20}
    whole = quick(**params).fit(wine)
    resumed = quick(checkpoint=folder, callbacks=[Steps()], **params).fit(wine)
    assert 0 < Steps.n_epochs < whole.n_iter_
    assert_same_answers(resumed, whole, wine)
    assert resumed.validation_loss_curve_ == whole.validation_loss_curve_
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_folder_that_cannot_be_written_is_named_before_training(wine, tmp_path, role):
    (tmp_path / "file").write_text("no folder")
    estimator = ROLES[role](checkpoint=tmp_path / "file" / "folder")
    with pytest.raises(ValueError, match=r"'checkpoint' parameter .* Not a directory"):
        estimator.fit(wine)
    estimator.set_params(checkpoint=tmp_path, random_state=None)
    with pytest.raises(ValueError, match="checkpoint needs a random_state"):
        estimator.fit(wine)
    with pytest.raises(ValueError, match=r"'checkpoint' parameter of .* must be"):
        estimator.set_params(checkpoint=3).fit(wine)


def test_a_disk_that_fills_does_not_end_the_training(wine, tmp_path, every_epoch):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    wide = {"n_components": 256, "max_epochs": 4}
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.warns(UserWarning, match="No checkpoint could be .* goes on") as w:
            mae = quick(checkpoint=tmp_path, **wide).fit(wine)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(w) == 1
    assert list(tmp_path.iterdir()) == []
    assert_same_answers(mae, quick(**wide).fit(wine), wine)


def test_a_damaged_checkpoint_is_passed_over(wine, tmp_path, every_epoch):
    with pytest.raises(RuntimeError, match="roof"):
        quick(checkpoint=tmp_path, callbacks=[Fault(3, crash)]).fit(wine)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="cannot be read .* starts anew"):
        mae = quick(checkpoint=tmp_path).fit(wine)
    assert_same_answers(mae, quick().fit(wine), wine)
