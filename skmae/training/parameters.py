"""The shared constructor parameters: what they may be, and what "auto" means."""

import math
import os
from numbers import Integral, Real
from typing import Any

import torch

from skmae._compat import Interval, StrOptions
from skmae.data.encoded_rows import has_missing
from skmae.masking.strategies import STRATEGIES
from skmae.networks.layers import ACTIVATIONS, OUTPUT_ACTIVATIONS
from skmae.networks.losses import CELL_LOSSES
from skmae.training.build import OPTIMIZER_NAMES, Settings

_POSITIVE_INT = Interval(Integral, 1, None, closed="left")
_SCALINGS = {"standard", "minmax", "robust", "quantile", "asinh"}

PARAMETER_CONSTRAINTS = {
    "n_components": [_POSITIVE_INT, StrOptions({"auto"})],
    "architecture": [StrOptions({"mlp", "attention"})],
    "pooling": [StrOptions({"mean", "flatten"})],
    "hidden_layer_sizes": ["array-like", StrOptions({"auto"})],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "numerical_embedding": [StrOptions({"piecewise_linear"}), None],
    "mask_ratio": [
        Interval(Real, 0, 1, closed="left"),
        tuple,
        list,
        StrOptions({"auto"}),
    ],
    "mask_strategy": [StrOptions(set(STRATEGIES)), callable],
    "mask_value": [StrOptions({"mean", "zero", "noise", "swap", "learned"})],
    "visible_weight": [Interval(Real, 0, 1, closed="both")],
    "loss": [StrOptions(set(CELL_LOSSES))],
    "norm_pix_loss": ["boolean"],
    "scaling": [StrOptions(_SCALINGS), None],
    "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    "output_activation": [StrOptions(set(OUTPUT_ACTIVATIONS))],
    "input_shape": [tuple, list, None],
    "channel_axis": [Integral, None],
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
    "checkpoint": [str, os.PathLike, None],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}

# Rows of an input_shape with this many cells or more are large: their neighbouring
# cells tell much about each other, so that more can be hidden.
_LARGE = 256
# What "auto" stands for, found by measurement: (small rows and tables, large rows).
_AUTO = {
    "mlp": {
        "n_components": (256, 512),
        "hidden_layer_sizes": ((256,), (512, 512)),
        "mask_ratio": (0.4, 0.75),
        "lr": (4e-3, 2e-3),
        "batch_size": (128, 256),
    },
    "attention": {
        "n_components": (256, 512),
        "hidden_layer_sizes": ((64, 64), (128, 128, 128)),
        "mask_ratio": (0.5, 0.75),
        "lr": (6e-3, 2e-3),
        "batch_size": (64, 128),
    },
}
# Steps and epochs that max_epochs="auto" trains for at least: (small, large rows).
_LEAST_TRAINING = ((1200, 10), (1800, 20))
# Of large tables these epochs are fewer: so many rows, seen once or several times, are
# as many steps as a table of a million gets.
_ENOUGH_ROWS = 10_000_000


def resolve_settings(estimator, values):
    """Check what the constraints cannot say and replace every "auto".

    Parameters
    ----------
    estimator : BaseMaskedAutoencoder
    values : (n_rows, n_columns) float array or EncodedRows
        Rows to train on, NaN where missing.

    Returns
    -------
    settings : Settings
    """
    large = is_large(estimator)
    auto = _AUTO[estimator.architecture]
    chosen: dict[str, Any] = {name: getattr(estimator, name) for name in auto}
    for name, value in chosen.items():
        if is_auto(value):
            chosen[name] = auto[name][large]
    sizes = checked_sizes(chosen["hidden_layer_sizes"])
    if estimator.architecture == "attention":
        check_blocks(sizes)
        _check_attention(estimator)
    _check_patches(estimator)
    return Settings(
        architecture=estimator.architecture,
        pooling=estimator.pooling,
        input_shape=checked_shape(estimator.input_shape),
        channel_axis=checked_channel_axis(estimator),
        patch_size=estimator.patch_size,
        n_components=int(chosen["n_components"]),
        hidden_layer_sizes=sizes,
        norm_pix_loss=bool(estimator.norm_pix_loss),
        activation=estimator.activation,
        numerical_embedding=estimator.numerical_embedding,
        output_activation=estimator.output_activation,
        batch_norm=bool(estimator.batch_norm),
        # Where rows come with holes, to know them helps. Where they come whole, the
        # mask would tell rows of training from those to be encoded.
        indicator=estimator.input_shape is None and has_missing(values),
        mask_ratio=checked_ratio(chosen["mask_ratio"]),
        mask_strategy=estimator.mask_strategy,
        mask_value=estimator.mask_value,
        visible_weight=float(estimator.visible_weight),
        loss=estimator.loss,
        optimizer=checked_optimizer(estimator.optimizer),
        lr=float(chosen["lr"]),
        weight_decay=float(estimator.weight_decay),
        batch_size=min(int(chosen["batch_size"]), len(values)),
        precision=estimator.precision,
        compile=bool(estimator.compile),
    )


def resolve_epochs(estimator, n_rows, n_batches, least_training=None):
    """Epochs to train for; "auto" gives few rows many epochs.

    Parameters
    ----------
    estimator : BaseMaskedAutoencoder
    n_rows, n_batches : int
        Of an epoch.
    least_training : (int, int) or None
        Steps and epochs that "auto" trains for at least; of a large table fewer
        epochs, but one. None: those of the transformer.

    Returns
    -------
    n_epochs : int
    """
    if not is_auto(estimator.max_epochs):
        return int(estimator.max_epochs)
    n_steps, n_epochs = least_training or _LEAST_TRAINING[is_large(estimator)]
    n_epochs = min(n_epochs, math.ceil(_ENOUGH_ROWS / n_rows))
    return max(n_epochs, math.ceil(n_steps / n_batches))


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


def checked_channel_axis(estimator):
    """``channel_axis`` counted from the first axis of ``input_shape``, or None."""
    axis, shape = estimator.channel_axis, checked_shape(estimator.input_shape)
    if axis is None:
        return None
    if shape is None:
        raise ValueError(
            "The 'channel_axis' parameter names an axis of input_shape. Got "
            f"channel_axis={axis!r} and input_shape=None."
        )
    n_axes = len(shape)
    if not -n_axes <= axis < n_axes:
        raise ValueError(
            f"The 'channel_axis' parameter must be an axis of input_shape={shape}, in "
            f"[{-n_axes}, {n_axes - 1}]. Got {axis!r} instead."
        )
    return int(axis) % n_axes


def is_large(estimator):
    shape = checked_shape(estimator.input_shape)
    return shape is not None and math.prod(shape) >= _LARGE


def is_auto(value):
    return isinstance(value, str) and value == "auto"


def checked_ratio(ratio, name="mask_ratio"):
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


def checked_sizes(sizes):
    sizes = tuple([sizes] if isinstance(sizes, Integral) else sizes)
    if any(not isinstance(size, Integral) or size < 1 for size in sizes):
        raise ValueError(
            "The 'hidden_layer_sizes' parameter must hold integers of at least 1. Got "
            f"{sizes!r} instead."
        )
    return tuple(int(size) for size in sizes)


def check_blocks(sizes):
    """Blocks of attention are all of one width, and there is at least one."""
    if len(set(sizes)) != 1:
        raise ValueError(
            "The 'hidden_layer_sizes' parameter must hold equal widths, one for each "
            f"block, with architecture='attention'. Got {sizes!r} instead."
        )


def _check_attention(estimator):
    """Refuse what an encoder of visible units alone has no use for."""
    for name, only in (("mask_value", "mean"), ("batch_norm", False)):
        if getattr(estimator, name) != only:
            raise ValueError(
                f"The {name!r} parameter must be {only!r} with "
                "architecture='attention', whose encoder never sees a hidden unit and "
                f"normalises token by token. Got {getattr(estimator, name)!r} instead."
            )


def _check_patches(estimator):
    """Refuse patches of nothing, and what only patches, or no patches, can have."""
    if estimator.norm_pix_loss and estimator.patch_size is None:
        raise ValueError(
            "norm_pix_loss=True takes errors in units of their patch's standard "
            "deviation and needs input_shape and patch_size. Got patch_size=None."
        )
    if estimator.patch_size is not None and estimator.input_shape is None:
        raise ValueError(
            "The 'patch_size' parameter cuts rows of an input_shape into patches. Got "
            f"patch_size={estimator.patch_size!r} and input_shape=None."
        )
    one_map = estimator.architecture == "attention" and estimator.input_shape
    categorical = estimator._codec.layout_.categorical
    if categorical and (one_map or estimator.norm_pix_loss):
        what = "norm_pix_loss=True"
        if one_map:
            what = "architecture='attention' with input_shape"
        raise ValueError(
            f"{what} needs numeric columns, but column {categorical[0]} of X is "
            "categorical."
        )


def checked_optimizer(optimizer):
    if isinstance(optimizer, type) and not issubclass(optimizer, torch.optim.Optimizer):
        raise ValueError(
            "The 'optimizer' parameter given as a class must be a subclass of "
            f"torch.optim.Optimizer. Got {optimizer!r} instead."
        )
    return optimizer
