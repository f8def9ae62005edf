"""What the imputer's parameters stand for on a given table."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from skmae._compat import Interval, MissingValues, StrOptions
from skmae.imputation.network import ImputationLoss, ImputationNetwork
from skmae.networks.bins import make_bins, make_edges
from skmae.networks.units import expand_units
from skmae.training.build import Settings
from skmae.training.parameters import (
    PARAMETER_CONSTRAINTS,
    check_blocks,
    checked_optimizer,
    checked_ratio,
    checked_sizes,
    is_auto,
)

_SHARED = (
    "architecture",
    "hidden_layer_sizes",
    "activation",
    "numerical_embedding",
    "mask_ratio",
    "mask_strategy",
    "scaling",
    "categorical_features",
    "optimizer",
    "lr",
    "lr_schedule",
    "weight_decay",
    "batch_size",
    "max_epochs",
    "early_stopping",
    "n_iter_no_change",
    "device",
    "precision",
    "compile",
    "callbacks",
    "checkpoint",
    "random_state",
    "verbose",
)
IMPUTER_CONSTRAINTS = {name: PARAMETER_CONSTRAINTS[name] for name in _SHARED} | {
    "lr": [Interval(Real, 0, None, closed="neither")],
    "n_members": [Interval(Integral, 2, None, closed="left"), StrOptions({"auto"})],
    "missing_values": [MissingValues()],
    "add_indicator": ["boolean"],
    "keep_empty_features": ["boolean"],
}

_N_FOLDS = 8
# Bins of a column to predict and to read; of wide tables fewer, lest they take most
# of the time.
_N_BINS, _LEAST_BINS, _ALL_BINS = 16, 4, 1000
_N_EDGES, _LEAST_EDGES, _ALL_EDGES = 48, 4, 2000
_HIDDEN_LAYER_SIZES = {"mlp": (128, 128, 128), "attention": (64, 64)}
# Below this many rows "auto" takes the first of each pair.
_FEW_ROWS = 500
_AUTO = {"n_members": (8, 4), "batch_size": (32, 128)}
_MASK_RATIO = (0.1, 0.7)
# An epoch has at least so many steps, so that judging it is not the greater work.
LEAST_BATCHES = 25


@dataclass(frozen=True)
class ImputerSettings(Settings):
    """Settings of the imputer's network, with the bins of its table.

    Attributes
    ----------
    n_members : int
    n_folds : int
        Parts of the rows, of which each member leaves out one.
    bounds, centers, edges :
        See :class:`~skmae.imputation.network.ImputationNetwork`.
    """

    makes_codes = False
    n_members: int
    n_folds: int
    bounds: np.ndarray
    centers: np.ndarray
    edges: tuple | None

    def network(self, layout, seed):
        """Class of the torch module and its constructor's arguments."""
        return ImputationNetwork, {
            "layout": layout,
            "architecture": self.architecture,
            "bounds": self.bounds,
            "centers": self.centers,
            "edges": self.edges,
            "n_members": self.n_members,
            "hidden_layer_sizes": self.hidden_layer_sizes,
            "activation": self.activation,
            "seed": seed,
        }

    def criterion(self, layout, never_hides):
        """Class of the loss and its constructor's arguments."""
        return ImputationLoss, {
            "layout": layout,
            "bounds": self.bounds,
            "centers": self.centers,
        }


def resolve_imputer_settings(estimator, train, layout):
    """Check what the constraints cannot say and replace every "auto".

    Parameters
    ----------
    estimator : MaskedAutoencoderImputer
    train : (n_rows, n_columns) float32 array
        Encoded rows.
    layout : Layout

    Returns
    -------
    settings : ImputerSettings
    """
    n_rows = len(train)
    sizes = estimator.hidden_layer_sizes
    sizes = (
        _HIDDEN_LAYER_SIZES[estimator.architecture]
        if is_auto(sizes)
        else checked_sizes(sizes)
    )
    if len(sizes) == 0:
        raise ValueError(
            "The 'hidden_layer_sizes' parameter must hold at least one layer. Got "
            f"{estimator.hidden_layer_sizes!r} instead."
        )
    if estimator.architecture == "attention":
        check_blocks(sizes)
    ratio, embedding = estimator.mask_ratio, estimator.numerical_embedding
    numbers = expand_units(train, layout)[:, : len(layout.numeric)]
    n_columns = max(numbers.shape[1], 1)
    n_bins = max(_LEAST_BINS, min(_N_BINS, _ALL_BINS // n_columns))
    n_edges = max(_LEAST_EDGES, min(_N_EDGES, _ALL_EDGES // n_columns))
    bounds, centers = make_bins(numbers, n_bins)
    return ImputerSettings(
        architecture=estimator.architecture,
        pooling="mean",
        norm_pix_loss=False,
        input_shape=None,
        channel_axis=None,
        patch_size=None,
        n_components=sizes[-1],
        hidden_layer_sizes=sizes,
        activation=estimator.activation,
        numerical_embedding=embedding,
        output_activation="identity",
        batch_norm=False,
        indicator=True,
        mask_ratio=_MASK_RATIO if is_auto(ratio) else checked_ratio(ratio),
        mask_strategy=estimator.mask_strategy,
        mask_value="mean",
        visible_weight=0.0,
        loss="squared_error",
        optimizer=checked_optimizer(estimator.optimizer),
        lr=float(estimator.lr),
        weight_decay=float(estimator.weight_decay),
        batch_size=_by_rows(estimator, "batch_size", n_rows),
        precision=estimator.precision,
        compile=bool(estimator.compile),
        n_members=_by_rows(estimator, "n_members", n_rows),
        n_folds=_N_FOLDS,
        bounds=bounds,
        centers=centers,
        edges=make_edges(numbers, n_edges) if embedding is not None else None,
    )


def _by_rows(estimator, name, n_rows):
    value = getattr(estimator, name)
    return int(_AUTO[name][n_rows >= _FEW_ROWS] if is_auto(value) else value)
