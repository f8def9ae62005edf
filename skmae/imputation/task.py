"""What the imputer varies in a fit, and what its "auto" stands for."""

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import torch

from skmae._compat import Interval, MissingValues, StrOptions
from skmae.data.encoded_rows import in_memory
from skmae.data.member_folds import MemberDataset, draw_folds
from skmae.imputation.cross_fit import CrossFit
from skmae.imputation.held_out import HeldOutCells
from skmae.imputation.neighbours import n_kept
from skmae.imputation.network import ImputationLoss, ImputationNetwork
from skmae.networks.architectures import ARCHITECTURES
from skmae.networks.bins import make_bins, make_edges
from skmae.networks.standardised import standardise
from skmae.training.parameters import (
    checked_sizes,
    chosen,
    is_auto,
    settings_of,
)
from skmae.training.task import Task

IMPUTER_CONSTRAINTS = {
    "lr": [Interval(Real, 0, None, closed="neither")],
    "n_members": [Interval(Integral, 2, None, closed="left"), StrOptions({"auto"})],
    "missing_values": [MissingValues()],
    "add_indicator": ["boolean"],
    "assume_missing_at_random": ["boolean"],
    "keep_empty_features": ["boolean"],
}

# Perceptrons, and those for many rows of fewer columns, whose relations are curved.
_HIDDEN_LAYER_SIZES, _DEEP, _COLUMNS_OF_DEEP = (128, 128), (128, 128, 128), 8
_N_FOLDS = 8
# Bins of a column to predict and to read; fewer for wide tables, where they would take
# most of the time, and to read fewer of few rows, of which each bin is to hold some.
_N_BINS, _LEAST_BINS, _ALL_BINS = 16, 4, 1000
_N_EDGES, _LEAST_EDGES, _ALL_EDGES, _ROWS_OF_AN_EDGE = 48, 4, 2000, 10
# Below this many rows "auto" takes more members and smaller batches.
_FEW_ROWS = 500
_MASK_RATIO = (0.1, 0.7)
# An epoch has at least so many steps, so that judging it is not the greater work.
_LEAST_BATCHES = 25
# Steps for few rows, and for a table of so many rows and columns or fewer rows and more
# columns, how much more they may be for few columns, and how many at most but for a
# first epoch.
_STEPS_OF_FEW_ROWS = 360
_STEPS, _ROWS_OF_STEPS, _ENOUGH_COLUMNS, _MOST_SCARCITY = 450, 1000, 16, 8 / 3
_MOST_STEPS = 5000


@dataclass(frozen=True)
class ImputerSpec:
    """Members on Gaussians, with the bins of their table.

    Attributes
    ----------
    n_folds : int
        Parts of the rows, of which each member leaves out one.
    n_neighbour_rows : int
        Rows that are kept to be compared with.
    bounds, centers, edges :
        See :class:`~skmae.imputation.network.ImputationNetwork`.
    """

    decodes_codes: ClassVar[bool] = False

    architecture: str
    hidden_layer_sizes: tuple
    activation: str
    n_members: int
    n_folds: int
    n_neighbour_rows: int
    bounds: np.ndarray
    centers: np.ndarray
    edges: tuple | None

    @property
    def bfloat16_on(self):
        """As of the architecture."""
        return ARCHITECTURES[self.architecture].bfloat16_on

    def build(self, layout, grid, seed):
        """Make the torch module."""
        return ImputationNetwork(
            layout,
            self.architecture,
            self.bounds,
            self.centers,
            self.edges,
            self.n_members,
            self.n_neighbour_rows,
            self.hidden_layer_sizes,
            self.activation,
            seed,
        )


@dataclass(frozen=True)
class ImputerLoss:
    """Loss of numbers, bins and categories."""

    bounds: np.ndarray
    centers: np.ndarray

    def build(self, layout, grid, never_hides):
        """Make the criterion."""
        return ImputationLoss(layout, self.bounds, self.centers)


class CrossFitDataset(MemberDataset):
    """Rows for members that are judged by the rows that they leave out."""

    def __init__(self, train, cross_fit, n_members, device):
        values = torch.from_numpy(train).to(device)
        super().__init__(values, cross_fit.folds, n_members, _LEAST_BATCHES)
        self.cross_fit = cross_fit


class ImputerTask(Task):
    """Train members, each on its Gaussian and on the rows that it does not leave out.

    Parameters
    ----------
    params : MaskedAutoencoderImputer
    """

    # transform says what it drops, as in SimpleImputer.
    warns_of_empty = False

    @property
    def holds_out(self):
        """Whether a loss on held-out rows is recorded in every epoch."""
        return self.params.early_stopping

    def n_epochs(self, n_rows, n_batches):
        """Epochs to train for, which early stopping may cut short.

        "auto" takes more steps for few columns, of which a batch hides few cells, and
        for many rows, since there is more to learn from them.
        """
        if not is_auto(self.params.max_epochs):
            return int(self.params.max_epochs)
        scarcity = _ENOUGH_COLUMNS / self.params.n_features_in_
        n_steps = _STEPS_OF_FEW_ROWS if n_rows < _FEW_ROWS else _STEPS
        n_steps *= min(max(scarcity, 1.0), _MOST_SCARCITY)
        n_steps *= max(n_rows / _ROWS_OF_STEPS, 1.0) ** 0.5
        return math.ceil(min(n_steps, _MOST_STEPS) / n_batches)

    def rows_to_train(self, values, weight, seeds):
        """Rows in memory: no fit takes steps enough to meet more of them."""
        return in_memory(values, weight, seeds["rows"])

    def settings(self, train, weight, codec, seeds):
        """Check parameters and replace every "auto"."""
        params, layout = self.params, codec.layout_
        few = len(train) < _FEW_ROWS
        architecture = ARCHITECTURES[params.architecture]
        auto = architecture.member_sizes
        if params.architecture == "mlp":
            deep = not few and params.n_features_in_ < _COLUMNS_OF_DEEP
            auto = _DEEP if deep else _HIDDEN_LAYER_SIZES
        sizes = checked_sizes(chosen(params.hidden_layer_sizes, auto))
        if len(sizes) == 0:
            raise ValueError(
                "The 'hidden_layer_sizes' parameter must hold at least one layer. Got "
                f"{params.hidden_layer_sizes!r} instead."
            )
        architecture.check(params, sizes, layout)
        numbers = standardise(train, layout)[:, : len(layout.numeric)]
        n_columns = max(numbers.shape[1], 1)
        n_bins = max(_LEAST_BINS, min(_N_BINS, _ALL_BINS // n_columns))
        most_edges = min(_ALL_EDGES // n_columns, len(train) // _ROWS_OF_AN_EDGE)
        n_edges = max(_LEAST_EDGES, min(_N_EDGES, most_edges))
        bounds, centers = make_bins(numbers, n_bins)
        embeds = params.numerical_embedding is not None
        network = ImputerSpec(
            architecture=params.architecture,
            hidden_layer_sizes=sizes,
            activation=params.activation,
            n_members=int(chosen(params.n_members, 8 if few else 4)),
            n_folds=_N_FOLDS,
            n_neighbour_rows=n_kept(len(train), layout.n_expanded),
            bounds=bounds,
            centers=centers,
            edges=make_edges(numbers, n_edges) if embeds else None,
        )
        return settings_of(
            params,
            network,
            ImputerLoss(bounds, centers),
            self.row_shape(),
            mask_ratio=chosen(params.mask_ratio, _MASK_RATIO),
            lr=params.lr,
            batch_size=chosen(params.batch_size, 32 if few else 128),
        )

    def dataset(self, train, weight, settings, layout, seeds, device):
        """Rows drawn for members, each of which leaves out a fold."""
        network = settings.network
        folds = draw_folds(len(train), network.n_folds, seeds["validation"])
        cross_fit = CrossFit(train, folds, layout, network.n_members, device, seeds)
        return CrossFitDataset(train, cross_fit, network.n_members, device)

    def start(self, model, dataset):
        """Fit the Gaussians."""
        dataset.cross_fit.fit_gaussians(model.module)

    def judges(self, model, dataset, held_out):
        """Averaged weights, judged by cells of the rows that members leave out."""
        patience = self.params.n_iter_no_change if self.holds_out else None
        return [HeldOutCells(dataset.cross_fit.loss, patience)]
