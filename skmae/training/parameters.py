"""The constructor parameters that roles share: what they may be, and their checks."""

import inspect
import math
import os
from numbers import Integral, Real
from types import NoneType
from typing import ClassVar

import torch
from sklearn.base import BaseEstimator

from skmae._compat import Interval, StrOptions
from skmae._device import resolve_device, resolve_precision
from skmae.data.grid import RowShape
from skmae.masking.strategies import STRATEGIES
from skmae.networks.architectures import ARCHITECTURES
from skmae.networks.layers import ACTIVATIONS, OUTPUT_ACTIVATIONS
from skmae.networks.losses import CELL_LOSSES
from skmae.training.build import OPTIMIZER_NAMES
from skmae.training.settings import Settings

_POSITIVE_INT = Interval(Integral, 1, None, closed="left")
_SCALINGS = {"standard", "minmax", "robust", "quantile", "asinh"}

# Views of the registries, which therefore know of whatever is added to them.
PARAMETER_CONSTRAINTS = {
    "n_components": [_POSITIVE_INT, StrOptions({"auto"})],
    "analyzer": [StrOptions({"char", "word"}), callable, None],
    "missing_token": [str, None],
    "max_length": [_POSITIVE_INT, None],
    "max_features": [_POSITIVE_INT, None],
    "architecture": [StrOptions(ARCHITECTURES.keys())],
    "pooling": [StrOptions({"mean", "flatten"})],
    "hidden_layer_sizes": ["array-like", StrOptions({"auto"})],
    "activation": [StrOptions(ACTIVATIONS.keys())],
    "numerical_embedding": [StrOptions({"piecewise_linear"}), None],
    "mask_ratio": [
        Interval(Real, 0, 1, closed="left"),
        tuple,
        list,
        StrOptions({"auto"}),
    ],
    "mask_strategy": [StrOptions(STRATEGIES.keys()), callable],
    "mask_value": [StrOptions({"mean", "zero", "noise", "swap", "learned"})],
    "visible_weight": [Interval(Real, 0, 1, closed="both")],
    "loss": [StrOptions(CELL_LOSSES.keys())],
    "norm_pix_loss": ["boolean"],
    "scaling": [StrOptions(_SCALINGS), None],
    "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    "output_activation": [StrOptions(OUTPUT_ACTIVATIONS.keys())],
    "passthrough": ["boolean", StrOptions({"auto"})],
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
    "precision": [StrOptions({"auto", "float32", "bfloat16"})],
    "compile": ["boolean"],
    "callbacks": [list, tuple, None],
    "checkpoint": [str, os.PathLike, None],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}


class CheckedParameters(BaseEstimator):
    """The part of an estimator that knows what its parameters may be.

    Those of its own, or of another range, stand in ``_own_constraints``.
    """

    _own_constraints: ClassVar[dict] = {}

    def __init_subclass__(cls, **kwargs):
        """Look up the constraint of each parameter of the constructor."""
        super().__init_subclass__(**kwargs)
        known = PARAMETER_CONSTRAINTS | cls._own_constraints
        names = list(inspect.signature(cls.__init__).parameters)[1:]
        if "__init__" in vars(cls):
            cls._parameter_constraints = {name: known[name] for name in names}


# Rows of an input_shape with this many cells or more are large: their neighbouring
# cells tell much about each other, so that more can be hidden.
_LARGE = 256


def settings_of(params, network, loss, rows, *, mask_ratio, lr, batch_size, fill=None):
    """Make settings of chosen values and of those that every role takes as they are.

    Parameters
    ----------
    params : estimator
    network, loss, rows, mask_ratio, lr, batch_size :
        See :class:`~skmae.training.settings.Settings`; no "auto".
    fill : str or None
        ``mask_value``, of roles that have it.

    Returns
    -------
    settings : Settings
    """
    return Settings(
        network=network,
        loss=loss,
        rows=rows,
        mask_ratio=checked_ratio(mask_ratio),
        mask_strategy=params.mask_strategy,
        corruption=fill if fill in ("noise", "swap") else None,
        optimizer=checked_optimizer(params.optimizer),
        lr=float(lr),
        weight_decay=float(params.weight_decay),
        batch_size=int(batch_size),
        precision=precision_of(params, network),
        compile=bool(params.compile),
    )


def precision_of(params, network):
    """``precision`` with no "auto" left: "float32" or "bfloat16".

    Parameters
    ----------
    params : estimator
    network : object
        See :class:`~skmae.training.settings.Settings`.
    """
    device = resolve_device(params.device)
    return resolve_precision(params.precision, device, network.bfloat16_on)


def is_auto(value):
    """Whether a parameter leaves its value to us."""
    return isinstance(value, str) and value == "auto"


def chosen(value, auto):
    """A parameter's value, or what "auto" stands for."""
    return auto if is_auto(value) else value


def row_shape_of(params):
    """``input_shape``, ``patch_size`` and ``channel_axis``, checked: RowShape."""
    if params.patch_size is not None and params.input_shape is None:
        raise ValueError(
            "The 'patch_size' parameter cuts rows of an input_shape into patches. Got "
            f"patch_size={params.patch_size!r} and input_shape=None."
        )
    shape = checked_shape(params.input_shape)
    if has_steps(shape) and not isinstance(params.patch_size, (Integral, NoneType)):
        raise ValueError(
            "The 'patch_size' parameter must be an integer or None for series of "
            f"unlike lengths. Got {params.patch_size!r} instead."
        )
    return RowShape(
        shape, params.patch_size, checked_channel_axis(params.channel_axis, shape)
    )


def is_large(rows):
    """Whether rows of a RowShape have many cells."""
    if rows.has_steps:
        return False
    return rows.input_shape is not None and math.prod(rows.input_shape) >= _LARGE


def has_steps(input_shape):
    """Whether ``input_shape`` says that rows have lengths of their own."""
    return input_shape is not None and len(input_shape) > 0 and input_shape[0] is None


def checked_shape(input_shape):
    """``input_shape`` as a tuple of positive integers, or None."""
    if input_shape is None:
        return None
    shape = tuple(input_shape)
    of_series = len(shape) in (1, 2) and shape[0] is None
    fixed = shape[1:] if of_series else shape
    if not shape or any(not isinstance(n, Integral) or n < 1 for n in fixed):
        raise ValueError(
            "The 'input_shape' parameter must hold integers of at least 1, or None "
            "before the number of channels for series of unlike lengths. Got "
            f"{input_shape!r} instead."
        )
    return shape


def checked_channel_axis(axis, shape):
    """``channel_axis`` counted from the first axis of ``input_shape``, or None."""
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


def checked_ratio(ratio, name="mask_ratio"):
    """A ratio as a float, or a range of them as two."""
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
    """``hidden_layer_sizes`` as a tuple of positive integers."""
    sizes = tuple([sizes] if isinstance(sizes, Integral) else sizes)
    if any(not isinstance(size, Integral) or size < 1 for size in sizes):
        raise ValueError(
            "The 'hidden_layer_sizes' parameter must hold integers of at least 1. Got "
            f"{sizes!r} instead."
        )
    return tuple(int(size) for size in sizes)


def checked_optimizer(optimizer):
    """An optimiser's name or class."""
    if isinstance(optimizer, type) and not issubclass(optimizer, torch.optim.Optimizer):
        raise ValueError(
            "The 'optimizer' parameter given as a class must be a subclass of "
            f"torch.optim.Optimizer. Got {optimizer!r} instead."
        )
    return optimizer
