"""What the generator varies in a fit, and what its "auto" stands for."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from skmae.data.encoded_rows import in_memory
from skmae.data.grid import RowShape
from skmae.data.member_folds import MemberDataset, draw_folds
from skmae.distributions.marginals import Marginals, fit_marginals
from skmae.distributions.mixture import Mixture, fit_mixture
from skmae.distributions.network import (
    MANY_COLUMNS,
    GeneratorLoss,
    GeneratorNetwork,
)
from skmae.distributions.shrinkage import choose_strays
from skmae.networks.architectures import ARCHITECTURES
from skmae.training.callbacks import AveragedWeights
from skmae.training.parameters import (
    checked_optimizer,
    checked_shape,
    checked_sizes,
    chosen,
    is_auto,
    precision_of,
)
from skmae.training.settings import Settings
from skmae.training.task import Task, as_weight

# Of a number, by its rank under the mixture; and of one of many columns.
_N_BINS, _FEW_BINS = 24, 8
_HIDDEN_LAYER_SIZES = {"mlp": (256, 256, 256)}
_LR = 1e-3
_BATCH_SIZE = 128
_DECAY = 0.99  # of the average of the weights over steps
# One fold of so many is left out of the network's training, to judge it by.
_N_FOLDS = 8
# Of training with max_epochs="auto".
_LEAST_STEPS, _MOST_STEPS = 600, 1500
# Every number of hidden cells is as frequent, from one to all but one.
_MASK_RATIO = (0.0, 0.9999)


@dataclass(frozen=True)
class GeneratorSpec:
    """A network, and what it corrects."""

    decodes_codes: ClassVar[bool] = False

    architecture: str
    hidden_layer_sizes: tuple
    activation: str
    n_bins: int
    marginals: Marginals
    mixture: Mixture

    @property
    def bfloat16_on(self):
        """As of the architecture."""
        return ARCHITECTURES[self.architecture].bfloat16_on

    def build(self, layout, grid, seed):
        """Make the torch module."""
        return GeneratorNetwork(layout, self, seed)


@dataclass(frozen=True)
class DensityLoss:
    """Minus the log-density of hidden cells."""

    network: GeneratorSpec

    def build(self, layout, grid, never_hides):
        """Make the criterion."""
        return GeneratorLoss(layout, self.network)


class GeneratorTask(Task):
    """Train a network to say what hidden cells may be, however many are hidden.

    Parameters
    ----------
    params : MaskedAutoencoderGenerator
    """

    scaling = "standard"

    def row_shape(self):
        """Shape of rows; cells are hidden one by one."""
        return RowShape(checked_shape(self.params.input_shape))

    def check_encoded(self, codec, values):
        """Refuse rows that are all alike."""
        low, high = codec.low_, codec.high_
        sizes = codec.layout_.cardinalities
        if not (low < high).any() and max(sizes, default=0) < 2:
            raise ValueError(
                "No column of X has two different values: there is nothing to learn."
            )

    def n_epochs(self, n_rows, n_batches):
        """Epochs to train for; "auto" takes about as many steps as there are rows."""
        if not is_auto(self.params.max_epochs):
            return int(self.params.max_epochs)
        if self.params.n_features_in_ == 1:
            return 1  # there is nothing to correct
        n_steps = min(max(n_rows, _LEAST_STEPS), _MOST_STEPS)
        return math.ceil(n_steps / n_batches)

    def rows_to_train(self, values, weight, seeds):
        """Rows in memory."""
        return in_memory(values, weight, seeds["codec"])

    def settings(self, train, weight, codec, seeds):
        """Check parameters, replace every "auto", and fit what the network corrects."""
        params, layout = self.params, codec.layout_
        kind = chosen(params.architecture, "mlp")
        architecture = ARCHITECTURES[kind]
        auto = _HIDDEN_LAYER_SIZES.get(kind, architecture.member_sizes)
        sizes = checked_sizes(chosen(params.hidden_layer_sizes, auto))
        architecture.check(params, sizes, layout)
        numbers = train[:, list(layout.numeric)].astype(np.float64)
        codes = train[:, list(layout.categorical)].astype(np.float64)
        weight = np.ones(len(train)) if weight is None else weight / weight.mean()
        marginals = fit_marginals(numbers, weight)
        scores = marginals.score(numbers)
        network = GeneratorSpec(
            kind,
            sizes,
            params.activation,
            _FEW_BINS if numbers.shape[1] >= MANY_COLUMNS else _N_BINS,
            marginals,
            fit_mixture(scores, codes, layout.cardinalities, weight, seeds["gaussian"]),
        )
        return Settings(
            network=network,
            loss=DensityLoss(network),
            rows=self.row_shape(),
            mask_ratio=_MASK_RATIO,
            mask_strategy="random",
            corruption=None,
            optimizer=checked_optimizer(params.optimizer),
            lr=float(chosen(params.lr, _LR)),
            weight_decay=float(params.weight_decay),
            batch_size=min(int(chosen(params.batch_size, _BATCH_SIZE)), len(train)),
            precision=precision_of(params, network),
            compile=False,
        )

    def dataset(self, train, weight, settings, layout, seeds, device):
        """All rows but those by which the network is judged."""
        values = torch.from_numpy(train).to(device)
        weight = None if weight is None else as_weight(weight).to(device)
        return MemberDataset(values, self.folds(len(train), seeds), 1, 1, weight)

    def folds(self, n_rows, seeds):
        """The fold of each row; the network leaves out the first."""
        return draw_folds(n_rows, _N_FOLDS, seeds["validation"])

    def start(self, model, dataset):
        """Choose what the network begins with by the rows that it will leave out."""
        left_out = self.left_out(dataset.values.cpu().numpy(), model.seeds)
        if len(left_out) > 0:
            choose_strays(model, left_out, len(dataset))

    def left_out(self, values, seeds):
        """Training rows that the network is not trained on."""
        return values[self.folds(len(values), seeds).numpy() == 0]

    def judges(self, model, dataset, held_out):
        """The averaged weights are what is kept."""
        return [AveragedWeights(_DECAY)]
