"""Fitted transformers as ONNX models, for machines without Python or torch.

Needs the optional packages onnx and onnxscript, which
``pip install -c constraints.txt ".[onnx]"`` installs from a checkout.
"""

import copy
import warnings

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from skmae.data.codec import FARTHEST
from skmae.features.passthrough import number_factors
from skmae.features.transformer import MaskedAutoencoderTransformer

__all__ = ["export_onnx"]

_METHODS = ("transform", "score_samples")


def export_onnx(estimator, path, method="transform"):
    """Write a method of a fitted transformer as an ONNX model.

    The model has one input "X", float64 of shape (n_samples, n_features) with NaN
    for missing values, in the units of the estimator's input: scales are part of the
    model. n-d rows are given flat. Its one output is named after the method, and has
    the columns that the method gives: with ``passthrough_`` the cells behind the code.

    Parameters
    ----------
    estimator : MaskedAutoencoderTransformer
        Fitted, on numeric columns, with a scaling other than "quantile".
    path : str or path-like
        File to write.
    method : {"transform", "score_samples"}, default="transform"
        What the model computes.

    Raises
    ------
    ValueError
        If the estimator has parts that ONNX cannot express.

    Examples
    --------
    >>> import os, tempfile
    >>> import onnxruntime
    >>> from sklearn.datasets import load_iris
    >>> from skmae import MaskedAutoencoderTransformer
    >>> from skmae.onnx import export_onnx
    >>> X = load_iris().data
    >>> mae = MaskedAutoencoderTransformer(8, max_epochs=5, random_state=0).fit(X)
    >>> path = os.path.join(tempfile.mkdtemp(), "codes.onnx")
    >>> export_onnx(mae, path)
    >>> (codes,) = onnxruntime.InferenceSession(path).run(None, {"X": X})
    >>> bool(abs(codes - mae.transform(X)).max() < 1e-4)
    True
    """
    if not isinstance(estimator, MaskedAutoencoderTransformer):
        raise TypeError(
            "export_onnx takes a MaskedAutoencoderTransformer. Got "
            f"{type(estimator).__name__}."
        )
    if method not in _METHODS:
        raise ValueError(f"method must be one of {_METHODS}. Got {method!r}.")
    check_is_fitted(estimator)
    model, codec = estimator.model_, estimator.model_.codec
    if model.settings.rows.has_steps:
        raise ValueError(
            "export_onnx needs rows of one length, not tokens or series of unlike "
            "lengths."
        )
    if codec.layout_.categorical:
        raise ValueError(
            "export_onnx needs numeric columns, but column "
            f"{codec.layout_.categorical[0]} is categorical."
        )
    if codec.scaling == "quantile":
        raise ValueError("export_onnx does not know scaling='quantile'.")

    graph = _Graph(
        copy.deepcopy(model.module).cpu(),
        codec.scaler_,
        torch.from_numpy(model.scoring_masks) if method == "score_samples" else None,
        torch.from_numpy(codec.layout_.stds),
        torch.from_numpy(codec.empty_),
        codec.layout_ if estimator.passthrough_ else None,
    )
    rows = torch.zeros((2, estimator.n_features_in_), dtype=torch.float64, device="cpu")
    with warnings.catch_warnings():
        # of torch, about itself
        warnings.simplefilter("ignore", FutureWarning)
        torch.onnx.export(
            graph.eval(),
            (rows,),
            path,
            input_names=["X"],
            output_names=[method],
            dynamic_shapes={"X": {0: torch.export.Dim("n_samples")}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )


class _Graph(nn.Module):
    """From rows in the user's units to codes or, with masks, to scores."""

    def __init__(self, module, scaler, masks, stds, empty, layout):
        super().__init__()
        self.module = module
        self.masks = masks  # (n_masks, n_columns), or None for codes
        self.stds = stds
        self.empty = empty  # columns that are never looked at
        self.means = self.factors = None  # of the cells behind the code
        if layout is not None:
            self.means = torch.from_numpy(layout.means)
            self.factors = torch.from_numpy(number_factors(layout))
        self.center = torch.from_numpy(scaler.center_)
        self.factor = torch.from_numpy(1.0 / scaler.scale_)
        self.outer = None
        if scaler.scaling == "asinh":
            outer = np.stack([scaler.outer_center_, scaler.outer_scale_])
            self.outer = torch.from_numpy(outer)

    def forward(self, X):
        """(n_rows, n_columns) float64 -> codes and cells, or (n_rows,) scores."""
        missing = torch.isnan(X) | self.empty
        scaled = (X - self.center) * self.factor
        if self.outer is not None:
            scaled = (_asinh(scaled) - self.outer[0]) / self.outer[1]
        values = scaled.clamp(-FARTHEST, FARTHEST).float()
        values = values.masked_fill(missing, 0.0)
        if self.masks is not None:
            return self._scores(values, missing)
        code = self.module.encode(values, missing)
        if self.means is None:
            return code
        cells = ((values - self.means) * self.factors).masked_fill(missing, 0.0)
        return torch.cat([code, cells], dim=1)

    def _scores(self, values, missing):
        n_masks = len(self.masks)
        if n_masks == 0:
            predicted = self.module(values, missing)
            errors = ((predicted - values) / self.stds).square().double()
        else:
            hidden = (missing | self.masks[:, None, :]).flatten(0, 1)
            predicted = self.module(values.repeat(n_masks, 1), hidden)
            predicted = predicted.unflatten(0, (n_masks, -1))
            squares = ((predicted - values) / self.stds).square().double()
            counted = self.masks[:, None, :]
            errors = (squares * counted).sum(dim=0) / self.masks.sum(dim=0)
        observed = ~missing
        total = (errors * observed).sum(dim=1)
        return -total / observed.sum(dim=1).clamp(min=1)


def _asinh(x):
    """The inverse hyperbolic sine, which runtimes lack for float64."""
    size = x.abs()
    near, far = size.clamp(max=1), size.clamp(min=1)
    near = torch.log(near + torch.sqrt(near * near + 1))
    far = torch.log(far) + torch.log(1 + torch.sqrt(1 + 1 / far / far))
    return torch.where(size < 1, near, far) * torch.sign(x)
