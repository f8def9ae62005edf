"""What docs/architecture.md says of adding an architecture, strategy, loss or role."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.callback import with_callbacks
from torch import nn

from skmae import (
    MaskedAutoencoderDetector,
    MaskedAutoencoderImputer,
    MaskedAutoencoderTransformer,
)
from skmae._base import BaseMaskedAutoencoder
from skmae._compat import _fit_context
from skmae._guards import keep_fitted_on_error
from skmae.masking.strategies import STRATEGIES
from skmae.masking.strategy import Strategy
from skmae.networks.architecture import Architecture
from skmae.networks.architectures import ARCHITECTURES
from skmae.networks.losses import CELL_LOSSES
from skmae.networks.members import MemberLinear
from skmae.networks.outputs import CellNetwork
from skmae.networks.weights import linear, weight_generator, zeros
from skmae.training.parameters import settings_of
from skmae.training.settings import CellLoss
from skmae.training.task import Task

FEW = {"max_epochs": 3, "device": "cpu", "random_state": 0}
ROLES = (
    MaskedAutoencoderTransformer,
    MaskedAutoencoderImputer,
    MaskedAutoencoderDetector,
)

# -- an architecture ---------------------------------------------------------------


class LinearNetwork(CellNetwork):
    """One linear map to the code and one back."""

    def __init__(self, input_layer, layout, n_components, seed):
        super().__init__(layout)
        generator = weight_generator(seed)
        self.input = input_layer
        self.encoder = linear(self.input.n_out, n_components, generator)
        self.decoder = linear(n_components, layout.n_expanded, generator)

    def encode(self, values, hidden, replacement=None):
        return self.encoder(self.input(values, hidden, replacement))

    def decode(self, code):
        return self.decoder(code)

    def forward(self, values, hidden, replacement=None):
        return self.decode(self.encode(values, hidden, replacement))


class LinearMembers(nn.Module):
    def __init__(self, n_members, n_in, n_out, generator):
        super().__init__()
        self.map = MemberLinear(n_members, n_in, n_out, generator)

    def forward(self, inputs, hidden):
        return self.map(inputs)


class Linear(Architecture):
    """Linear maps."""

    auto: ClassVar = {
        "n_components": (4, 16),
        "hidden_layer_sizes": ((4,), (16,)),
        "mask_ratio": (0.3, 0.5),
        "lr": (1e-2, 1e-3),
        "batch_size": (64, 64),
    }
    member_sizes = (4,)

    def check(self, params, sizes, layout):
        if getattr(params, "batch_norm", False):
            raise ValueError("Nothing to normalise with architecture='linear'.")

    def autoencoder(self, spec, layout, grid, seed):
        layer = self.input_layer(spec, layout, grid)
        return LinearNetwork(layer, layout, spec.n_components, seed)

    def members(self, n_members, reading, widths, activation, generator, corrects):
        n_in, n_out = len(reading.column_of_input), len(reading.column_of_output)
        return LinearMembers(n_members, n_in, n_out, generator)


def test_an_architecture_takes_a_file_and_a_line_of_the_registry(monkeypatch, wine):
    with pytest.raises(ValueError, match="'architecture' parameter"):
        MaskedAutoencoderTransformer(architecture="linear", **FEW).fit(wine)
    monkeypatch.setitem(ARCHITECTURES, "linear", Linear())
    for role in ROLES:
        estimator = role(architecture="linear", **FEW).fit(wine)
        kinds = {type(module) for module in estimator.net_.module_.modules()}
        assert kinds & {LinearNetwork, LinearMembers}
    mae = MaskedAutoencoderTransformer(architecture="linear", **FEW).fit(wine)
    assert mae.transform(wine).shape == (178, 4 + 13)
    assert mae.inverse_transform(mae.transform(wine)).shape == wine.shape
    with pytest.raises(ValueError, match="with architecture='linear'"):
        mae.set_params(batch_norm=True).fit(wine)


# -- a mask strategy ---------------------------------------------------------------


class FirstUnits(Strategy):
    """Hide the first units of every row."""

    def keys(self, n_rows, seen, counts, generator):
        return torch.arange(self.n_units).float().expand(n_rows, -1).clone(), counts


@pytest.mark.parametrize("role", ROLES)
def test_a_strategy_takes_a_file_and_a_line_of_the_registry(monkeypatch, wine, role):
    with pytest.raises(ValueError, match="'mask_strategy' parameter"):
        role(mask_strategy="first", **FEW).fit(wine)
    monkeypatch.setitem(STRATEGIES, "first", FirstUnits)
    estimator = role(mask_strategy="first", mask_ratio=0.5, **FEW).fit(wine)
    generator = torch.Generator().manual_seed(0)
    hidden = estimator.net_.sampler.sample(2, None, generator)
    assert hidden.tolist() == [[True] * 6 + [False] * 7] * 2


# -- a loss ------------------------------------------------------------------------


def test_a_loss_takes_a_line_of_the_registry(monkeypatch, wine):
    with pytest.raises(ValueError, match="'loss' parameter"):
        MaskedAutoencoderTransformer(loss="twice", **FEW).fit(wine)
    monkeypatch.setitem(
        CELL_LOSSES, "twice", lambda out, target: 2 * (out - target).abs()
    )
    once, twice = (
        MaskedAutoencoderTransformer(loss=loss, lr=1e-9, **FEW).fit(wine)
        for loss in ("absolute_error", "twice")
    )
    assert_allclose(twice.loss_curve_, 2 * np.array(once.loss_curve_), rtol=1e-3)


# -- a role ------------------------------------------------------------------------


class Constant(CellNetwork):
    """The same prediction for every row."""

    def __init__(self, layout):
        super().__init__(layout)
        self.level = nn.Parameter(zeros(layout.n_expanded))

    def forward(self, values, hidden, replacement=None):
        return self.level.expand(len(values), -1)


@dataclass(frozen=True)
class ConstantSpec:
    decodes_codes: ClassVar[bool] = False
    bfloat16_on: ClassVar[tuple[str, ...]] = ()

    def build(self, layout, grid, seed):
        return Constant(layout)


class MedianTask(Task):
    """Learn a number of each column."""

    def settings(self, train, weight, codec, seeds):
        loss, rows = CellLoss("absolute_error"), self.row_shape()
        return settings_of(
            self.params,
            ConstantSpec(),
            loss,
            rows,
            mask_ratio=0.5,
            lr=self.params.lr,
            batch_size=32,
        )


class Medians(BaseMaskedAutoencoder):
    """The medians of columns, by a network."""

    # What a role of one line needs of the parameters that users of others choose.
    scaling, categorical_features = None, None
    optimizer, weight_decay, lr_schedule = "adam", 0.0, "cosine"
    mask_strategy, precision, compile = "random", "float32", False
    callbacks = checkpoint = None
    verbose = 0

    def __init__(self, lr=0.1, max_epochs=60, device="cpu", random_state=None):
        self.lr = lr
        self.max_epochs = max_epochs
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    @keep_fitted_on_error
    @with_callbacks
    def fit(self, X, y=None):
        self._fit_model(MedianTask(self), X)
        self.medians_ = self.net_.module_.level.detach().numpy()
        return self


def test_a_role_takes_a_task_and_an_estimator():
    X = np.random.default_rng(0).exponential(size=(400, 3)) * [0.5, 1, 2]
    role = Medians(random_state=0).fit(X)
    assert_allclose(role.medians_, np.median(X, axis=0), atol=0.1)
    assert abs(role.medians_ - X.mean(axis=0)).max() > 0.3
    assert role.n_iter_ == 60
