"""What the generator varies in a fit, and what its "auto" stands for."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from skmae.data.member_folds import MemberDataset, draw_folds
from skmae.data.encoded_rows import in_memory
from skmae.generation.marginals import Marginals, fit_marginals
from skmae.generation.network import GeneratorLoss, GeneratorNetwork
from skmae.networks.architectures import ARCHITECTURES
from skmae.generation.mixture import Mixture, fit_mixture
from skmae.training.callbacks import AveragedWeights
from skmae.training.parameters import checked_sizes, chosen, settings_of
from skmae.training.task import Task

_N_BINS = 24
_HIDDEN_LAYER_SIZES = {"mlp": (256, 256, 256)}
_DECAY = 0.99
_N_FOLDS = 8


@dataclass(frozen=True)
class GeneratorSpec:
    """A network on the marginals of its table."""

    decodes_codes: ClassVar[bool] = False

    architecture: str
    hidden_layer_sizes: tuple
    activation: str
    n_members: int
    n_bins: int
    marginals: Marginals
    mixture: Mixture

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

    def least_training(self):
        """Steps and epochs that max_epochs="auto" trains for at least."""
        return 600, 60

    def rows_to_train(self, values, seeds):
        """Rows in memory."""
        return in_memory(values, seeds["codec"])

    def settings(self, train, codec):
        """Check parameters and replace every "auto"."""
        params, layout = self.params, codec.layout_
        architecture = ARCHITECTURES[params.architecture]
        auto = _HIDDEN_LAYER_SIZES.get(params.architecture, architecture.member_sizes)
        sizes = checked_sizes(chosen(params.hidden_layer_sizes, auto))
        architecture.check(params, sizes, layout)
        numbers = train[:, list(layout.numeric)].astype(np.float64)
        codes = train[:, list(layout.categorical)].astype(np.float64)
        weight = np.ones(len(train))
        marginals = fit_marginals(numbers, weight)
        mixture = fit_mixture(
            marginals.score(numbers), codes, layout.cardinalities, weight, 0
        )
        spec = GeneratorSpec(
            params.architecture,
            sizes,
            params.activation,
            params.n_members,
            _N_BINS,
            marginals,
            mixture,
        )
        return settings_of(
            params,
            spec,
            DensityLoss(spec),
            self.row_shape(),
            mask_ratio=(0.0, 0.9999),
            lr=params.lr,
            batch_size=max(chosen(params.batch_size, 128) // params.n_members, 8),
        )

    def dataset(self, train, weight, settings, layout, seeds, device):
        """Rows dealt to members, each of which leaves out a fold."""
        values = torch.from_numpy(train).to(device)
        folds = self.folds(len(train), seeds)
        return MemberDataset(values, folds, settings.network.n_members, 1)

    def folds(self, n_rows, seeds):
        return draw_folds(n_rows, _N_FOLDS, seeds["validation"])

    def judges(self, model, dataset, held_out):
        """Averaged weights are what is kept."""
        return [AveragedWeights(_DECAY)]
