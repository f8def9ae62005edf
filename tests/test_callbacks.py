"""Told of every epoch: scikit-learn's callbacks and skorch's."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    LRScheduler,
    PrintLog,
    ProgressBar,
    TensorBoard,
)

from skmae import (
    MaskedAutoencoderClassifier,
    MaskedAutoencoderDetector,
    MaskedAutoencoderGenerator,
    MaskedAutoencoderImputer,
)

from .conftest import quick

N_EPOCHS = 3


class Events:
    """A scikit-learn callback that is handed down and writes everything down."""

    max_propagation_depth = None

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.begun, self.ended, self.n_open = [], [], 0

    def setup(self, estimator, context):
        self.n_open += 1

    def teardown(self, estimator, context):
        self.n_open -= 1

    def on_fit_task_begin(self, estimator, context):
        self.begun.append(path_of(context))

    def on_fit_task_end(self, estimator, context):
        self.ended.append(path_of(context))
        return context.task_name == "epoch" and context.task_id == self.stop_after

    def __deepcopy__(self, memo):
        return self


def path_of(context):
    path = []
    while context is not None:
        path.append((context.estimator_name, context.task_name))
        context = context.parent
    return path[::-1]


def test_epochs_are_nested_in_a_pipeline_in_a_search(wine):
    events = Events()
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("mae", quick(max_epochs=N_EPOCHS))]
    )
    search = GridSearchCV(pipeline, {"mae__mask_ratio": [0.2, 0.5]}, cv=2)
    search.set_callbacks(events).fit(wine)
    assert events.n_open == 0
    assert sorted(events.begun) == sorted(events.ended)
    epochs = [path for path in events.begun if path[-1][1] == "epoch"]
    assert len(epochs) == (2 * 2 + 1) * N_EPOCHS  # candidates, folds and the refit
    for path in epochs:
        names = [name for name, _ in path]
        assert names[0] == "GridSearchCV"
        assert "Pipeline" in names
        assert names[-1] == "MaskedAutoencoderTransformer"


@pytest.mark.parametrize("frozen", [False, True])
def test_stages_of_a_classifier_are_nested(wine, frozen):
    encoder = quick(max_epochs=N_EPOCHS)
    if frozen:
        encoder = FrozenEstimator(encoder.fit(wine))
    classifier = MaskedAutoencoderClassifier(
        encoder, fine_tune_epochs=2, calibrate=False, device="cpu"
    )
    events = Events()
    classifier.set_callbacks(events).fit(wine, wine[:, 0] > 13)
    assert events.n_open == 0
    assert sorted(events.begun) == sorted(events.ended)
    ours, theirs = "MaskedAutoencoderClassifier", "MaskedAutoencoderTransformer"
    whole = [(ours, "fit")]
    tuning = [*whole, (ours, "fine-tuning")]
    if frozen:
        first = [[*whole, (ours, "pretraining")]]
    else:  # the fit of the encoder takes the place of that stage
        fit = [*whole, (theirs, "fit")]
        first = [fit, *[[*fit, (theirs, "epoch")]] * N_EPOCHS]
    assert events.begun == [whole, *first, tuning, *[[*tuning, (ours, "epoch")]] * 2]


@pytest.mark.parametrize(
    "make",
    [
        quick,
        lambda **p: MaskedAutoencoderImputer((8,), n_members=2, device="cpu", **p),
        lambda **p: MaskedAutoencoderDetector(
            hidden_layer_sizes=(8,), device="cpu", **p
        ),
        lambda **p: MaskedAutoencoderGenerator((8,), device="cpu", **p),
    ],
)
def test_a_callback_that_answers_true_ends_the_training(wine, monkeypatch, make):
    monkeypatch.setattr("skmae.imputation.task._LEAST_BATCHES", 2)
    events = Events(stop_after=1)
    estimator = make(max_epochs=9).set_callbacks(events).fit(wine)
    assert estimator.n_iter_ == 2
    assert events.n_open == 0
    assert sorted(events.begun) == sorted(events.ended)


def test_progress_bars(wine, capsys):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    bar = ProgressBar(max_propagation_depth=None)
    pipeline = Pipeline([("mae", quick(max_epochs=N_EPOCHS))])
    pipeline.set_callbacks(bar).fit(wine)
    printed = capsys.readouterr().out
    assert "MaskedAutoencoderTransformer" in printed
    assert "100%" in printed


# -- skorch's ----------------------------------------------------------------------


class LateWriter:
    """A TensorBoard writer that can be cloned: its files are opened when needed."""

    def __init__(self, folder):
        self.folder, self.writer = folder, None

    def add_scalar(self, *args, **kwargs):
        if self.writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(self.folder)
        self.writer.add_scalar(*args, **kwargs)

    def close(self):
        self.writer.close()


def scalars(folder, tag):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return [event.value for event in events.Scalars(tag)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_reads_what_was_trained(wine, tmp_path):
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    board = TensorBoard(SummaryWriter(tmp_path / "open"))
    before = dict(vars(board))
    mae = quick(callbacks=[board], early_stopping=True).fit(wine)
    assert vars(board) == before
    loss = scalars(tmp_path / "open", "Loss/train_loss")
    assert_array_equal(loss, np.float32(mae.loss_curve_))
    valid = scalars(tmp_path / "open", "Loss/valid_loss")
    assert_array_equal(valid, np.float32(mae.validation_loss_curve_))
    assert scalars(tmp_path / "open", "lr") == pytest.approx(mae.net_.history[:, "lr"])

    board = TensorBoard(LateWriter(tmp_path / "search"))
    mae = quick(callbacks=[board], max_epochs=N_EPOCHS)
    GridSearchCV(mae, {"lr": [1e-3, 1e-2]}, cv=2).fit(wine)
    assert len(list((tmp_path / "search").iterdir())) == 5


ROLES = {
    "transformer": quick,
    "imputer": lambda **p: MaskedAutoencoderImputer(
        (8,), n_members=2, device="cpu", random_state=0, **p
    ),
    "detector": lambda **p: MaskedAutoencoderDetector(
        hidden_layer_sizes=(8,), n_members=2, device="cpu", random_state=0, **p
    ),
    "generator": lambda **p: MaskedAutoencoderGenerator(
        (8,), device="cpu", random_state=0, **p
    ),
}


@pytest.mark.parametrize("role", ROLES)
def test_skorch_callbacks_that_watch_the_training(role, wine, tmp_path, monkeypatch):
    monkeypatch.setattr("skmae.imputation.task._LEAST_BATCHES", 2)
    saved = tmp_path / "saved"
    bar, records = Records(ProgressBar()), []

    def sink(text):
        records.append(text)

    callbacks = [
        EarlyStopping("train_loss", patience=2, threshold=10.0),
        Checkpoint("train_loss_best", dirname=saved, f_history=None),
        EpochScoring(lambda net, X, y: float(len(X)), name="rows", on_train=True),
        LRScheduler("StepLR", step_size=1, gamma=0.5),
        PrintLog(sink=sink),
        bar,
    ]
    estimator = ROLES[role](callbacks=callbacks, lr=0.01, lr_schedule="constant")
    estimator.set_params(max_epochs=9).fit(wine)
    assert estimator.n_iter_ == 3
    history = estimator.net_.history
    assert history[:, "lr"] == pytest.approx([0.01, 0.005, 0.0025])
    assert set(history[:, "rows"]) <= {178.0}
    assert len(records) == 2 + 3  # a heading, and the last epoch too
    assert (saved / "params.pt").exists()
    assert bar.ended == estimator.n_iter_


class Records(Callback):
    """Count the epochs that another callback has seen the end of."""

    ended = 0

    def __init__(self, other):
        self.other = other

    def on_epoch_begin(self, net, **kwargs):
        self.other.on_epoch_begin(net, **kwargs)

    def on_batch_end(self, net, **kwargs):
        self.other.on_batch_end(net, **kwargs)

    def on_epoch_end(self, net, **kwargs):
        self.other.on_epoch_end(net, **kwargs)
        self.ended += 1

    def __deepcopy__(self, memo):
        return self


@pytest.mark.parametrize("role", ["transformer", "imputer"])
def test_skorch_callbacks_that_watch_held_out_rows(role, wine, tmp_path, monkeypatch):
    monkeypatch.setattr("skmae.imputation.task._LEAST_BATCHES", 2)
    callbacks = [
        EarlyStopping(patience=1, threshold=10.0),
        Checkpoint(dirname=tmp_path, load_best=True),
    ]
    make = ROLES[role]
    estimator = make(callbacks=callbacks, early_stopping=True, max_epochs=9).fit(wine)
    assert estimator.n_iter_ == 2
    assert (tmp_path / "params.pt").exists()


REFUSED = {
    "'valid_loss', .*early_stopping=True": EarlyStopping(),
    "'valid_loss_best', .*early_stopping=True": Checkpoint(),
    "LRScheduler.* lr_schedule='constant'": ("lr", LRScheduler("StepLR", step_size=1)),
    r"EpochScoring\(.*\) .*on_train=True": EpochScoring(len),
    "scoring='r2'.* callable": EpochScoring("r2", on_train=True),
    "BatchScoring.* EpochScoring": BatchScoring(len, on_train=True),
}


@pytest.mark.parametrize("role", ["transformer", "classifier"])
@pytest.mark.parametrize("message", REFUSED)
def test_skorch_callbacks_that_could_not_work_are_refused(role, message, wine):
    callback = REFUSED[message]
    given = callback[1] if isinstance(callback, tuple) else callback
    before = dict(vars(given))
    if role == "transformer":
        fit = quick(callbacks=[callback]).fit
    else:
        encoder = FrozenEstimator(quick(max_epochs=1).fit(wine))
        clf = MaskedAutoencoderClassifier(encoder, callbacks=[callback])
        fit = lambda X: clf.fit(X, X[:, 0] > 13)  # noqa: E731
    with pytest.raises(ValueError, match=f"'callbacks' parameter .*{message}"):
        fit(wine)
    assert vars(given) == before


def test_a_detector_is_not_told_to_stop_early(wine):
    detector = MaskedAutoencoderDetector(callbacks=[EarlyStopping()])
    with pytest.raises(ValueError, match="monitor='train_loss'") as error:
        detector.fit(wine)
    assert "early_stopping=True" not in str(error.value)


class Rates(Callback):
    """A learning-rate monitor that sends its record out."""

    def __init__(self, send):
        self.send = send

    def on_batch_end(self, net, **kwargs):
        self.send(net.optimizer_.param_groups[0]["lr"])


def test_learning_rates_can_be_watched(wine):
    rates = []
    mae = quick(callbacks=[("rates", Rates(rates.append))], lr=0.01).fit(wine)
    assert len(rates) == 2 * mae.n_iter_
    assert max(rates) == 0.01
    assert rates[-1] < 1e-3
    assert mae.net_.history[:, "lr"] == rates[1::2]
