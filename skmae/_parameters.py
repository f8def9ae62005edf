"""The shared constructor parameters: what they may be, and what "auto" means."""

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch

from skmae._compat import Interval, StrOptions
from skmae.data.batches import count_batches
from skmae.networks.layers import ACTIVATIONS, OUTPUT_ACTIVATIONS
from skmae.networks.losses import CELL_LOSSES
from skmae.training.build import OPTIMIZER_NAMES, Settings

_POSITIVE_INT = Interval(Integral, 1, None, closed="left")
_SCALINGS = {"standard", "minmax", "robust", "quantile", "asinh"}

PARAMETER_CONSTRAINTS = {
    "n_components": [_POSITIVE_INT, StrOptions({"auto"})],
    "architecture": [StrOptions({"mlp"})],
    "hidden_layer_sizes": ["array-like", StrOptions({"auto"})],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "numerical_embedding": [StrOptions({"piecewise_linear"}), None],
    "mask_ratio": [
        Interval(Real, 0, 1, closed="left"),
        tuple,
        list,
        StrOptions({"auto"}),
    ],
    "mask_strategy": [StrOptions({"random", "block", "copy"}), callable],
    "mask_value": [StrOptions({"mean", "zero", "noise", "swap", "learned"})],
    "visible_weight": [Interval(Real, 0, 1, closed="both")],
    "loss": [StrOptions(set(CELL_LOSSES))],
    "scaling": [StrOptions(_SCALINGS), None],
    "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    "output_activation": [StrOptions(set(OUTPUT_ACTIVATIONS))],
    "input_shape": [tuple, list, None],
    "patch_size": [_POSITIVE_INT, tuple, list, None],
    "optimizer": [StrOptions(set(OPTIMIZER_NAMES)), type],
    "lr": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
    "lr_schedule": [StrOptions({"cosine", "constant"})],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "batch_norm": ["boolean"],
    "batch_size": [_POSITIVE_INT, StrOptions({"auto"})],
    "max_epochs": [_POSITIVE_INT, StrOptions({"auto"})],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [_POSITIVE_INT],
    "device": [str, torch.device],
    "precision": [StrOptions({"float32", "bfloat16"})],
    "compile": ["boolean"],
    "callbacks": [list, tuple, None],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}

# Rows of an input_shape with this many cells or more are large: their neighbouring
# cells tell much about each other, so that more can be hidden.
_LARGE = 256
# What "auto" stands for, found by measurement: (small rows and tables, large rows).
_AUTO = {
    "n_components": (256, 512),
    "hidden_layer_sizes": ((256,), (512, 512)),
    "mask_ratio": (0.4, 0.75),
    "lr": (4e-3, 2e-3),
    "batch_size": (128, 256),
}
# Steps and epochs that max_epochs="auto" trains for at least.
_LEAST_STEPS = (1200, 1800)
_LEAST_EPOCHS = (10, 20)


def resolve_settings(estimator, values):
    """Check what the constraints cannot say and replace every "auto".

    Parameters
    ----------
    estimator : BaseMaskedAutoencoder
    values : (n_rows, n_columns) float array
        Rows to train on, NaN where missing.

    Returns
    -------
    settings : Settings
    """
    large = _is_large(estimator)
    chosen: dict[str, Any] = {name: getattr(estimator, name) for name in _AUTO}
    for name, value in chosen.items():
        if _is_auto(value):
            chosen[name] = _AUTO[name][large]
    return Settings(
        n_components=int(chosen["n_components"]),
        hidden_layer_sizes=_checked_sizes(chosen["hidden_layer_sizes"]),
        activation=estimator.activation,
        numerical_embedding=estimator.numerical_embedding,
        output_activation=estimator.output_activation,
        batch_norm=bool(estimator.batch_norm),
        # Where rows come with holes, to know them helps. Where they come whole, the
        # mask would tell rows of training from those to be encoded.
        indicator=estimator.input_shape is None and bool(np.isnan(values).any()),
        mask_ratio=_checked_ratio(chosen["mask_ratio"]),
        mask_strategy=estimator.mask_strategy,
        mask_value=estimator.mask_value,
        visible_weight=float(estimator.visible_weight),
        loss=estimator.loss,
        optimizer=_checked_optimizer(estimator.optimizer),
        lr=float(chosen["lr"]),
        weight_decay=float(estimator.weight_decay),
        batch_size=min(int(chosen["batch_size"]), len(values)),
        precision=estimator.precision,
        compile=bool(estimator.compile),
    )


def resolve_epochs(estimator, n_rows, batch_size):
    """Epochs to train for; "auto" gives few rows many epochs."""
    if not _is_auto(estimator.max_epochs):
        return int(estimator.max_epochs)
    large = _is_large(estimator)
    epochs = math.ceil(_LEAST_STEPS[large] / count_batches(n_rows, batch_size))
    return max(_LEAST_EPOCHS[large], epochs)


def checked_shape(input_shape):
    """``input_shape`` as a tuple of positive integers, or None."""
    if input_shape is None:
        return None
    shape = tuple(input_shape)
    if not shape or any(not isinstance(n, Integral) or n < 1 for n in shape):
        raise ValueError(
            "The 'input_shape' parameter must hold integers of at least 1. Got "
            f"{input_shape!r} instead."
        )
    return shape


def _is_large(estimator):
    shape = checked_shape(estimator.input_shape)
    return shape is not None and math.prod(shape) >= _LARGE


def _is_auto(value):
    return isinstance(value, str) and value == "auto"


def _checked_ratio(ratio, name="mask_ratio"):
    if not isinstance(ratio, (tuple, list)):
        return float(ratio)
    if (
        len(ratio) != 2
        or not all(isinstance(share, Real) for share in ratio)
        or not 0 <= ratio[0] <= ratio[1] < 1
    ):
        raise ValueError(
            f"The '{name}' parameter given as a range must be (low, high) with "
            f"0 <= low <= high < 1. Got {ratio!r} instead."
        )
    return (float(ratio[0]), float(ratio[1]))


def _checked_sizes(sizes):
    sizes = tuple([sizes] if isinstance(sizes, Integral) else sizes)
    if any(not isinstance(size, Integral) or size < 1 for size in sizes):
        raise ValueError(
            "The 'hidden_layer_sizes' parameter must hold integers of at least 1. Got "
            f"{sizes!r} instead."
        )
    return tuple(int(size) for size in sizes)


def _checked_optimizer(optimizer):
    if isinstance(optimizer, type) and not issubclass(optimizer, torch.optim.Optimizer):
        raise ValueError(
            "The 'optimizer' parameter given as a class must be a subclass of "
            f"torch.optim.Optimizer. Got {optimizer!r} instead."
        )
    return optimizer
