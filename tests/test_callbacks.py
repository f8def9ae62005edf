"""Told of every epoch: scikit-learn's callbacks and skorch's."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, TensorBoard

from skmae import MaskedAutoencoderDetector, MaskedAutoencoderImputer

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


@pytest.mark.parametrize(
    "make",
    [
        quick,
        lambda **p: MaskedAutoencoderImputer((8,), n_members=2, device="cpu", **p),
        lambda **p: MaskedAutoencoderDetector(
            hidden_layer_sizes=(8,), device="cpu", **p
        ),
    ],
)
def test_a_callback_that_answers_true_ends_the_training(wine, monkeypatch, make):
    monkeypatch.setattr("skmae._imputer.LEAST_BATCHES", 2)
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
