"""Fitted estimators as ONNX models, for machines without Python or torch.

Needs the optional packages onnx and onnxscript, and for pipelines skl2onnx, which
``pip install -c constraints.txt ".[onnx]"`` installs from a checkout. Where skl2onnx is
there, importing this module registers converters with it.
"""

import contextlib
import copy
import importlib.util
import logging
import warnings
from numbers import Real

import numpy as np
import torch
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted
from torch import nn

from skmae._skl2onnx import pipeline_model, register_converters
from skmae.data.codec import FARTHEST
from skmae.detection.detector import MaskedAutoencoderDetector
from skmae.features.passthrough import number_factors
from skmae.features.transformer import MaskedAutoencoderTransformer
from skmae.generation.generator import MaskedAutoencoderGenerator
from skmae.imputation.imputer import MaskedAutoencoderImputer
from skmae.semi_supervised.classifier import MaskedAutoencoderClassifier
from skmae.semi_supervised.regressor import MaskedAutoencoderRegressor

__all__ = ["export_onnx"]

# What can be computed; of several methods the first unless another is asked for.
_METHODS = {
    MaskedAutoencoderTransformer: ("transform", "score_samples"),
    MaskedAutoencoderClassifier: ("predict",),
    MaskedAutoencoderRegressor: ("predict",),
}
_NOT_EXPORTED = {
    MaskedAutoencoderDetector: (
        "beside its networks, its scores need a search for the nearest training rows "
        "and tables of what is usual among these, which are not exported"
    ),
    MaskedAutoencoderImputer: (
        "it solves the linear equations of a Gaussian for the cells that are visible "
        "in each row, which ONNX has no operator for"
    ),
    MaskedAutoencoderGenerator: (
        "it conditions a mixture of Gaussians on each row and draws at random"
    ),
}
# torch writes graphs of these operator sets that onnxruntime runs, and converters of
# skl2onnx are tested up to the last.
_OPSETS = range(18, 23)


def export_onnx(estimator, path, method=None, *, opset=20):
    """Write a fitted estimator as an ONNX model, in one file.

    The model has one input "X", float64 of shape (n_samples, n_features) with NaN
    for missing values, in the units of the estimator's input: scales are part of the
    model. n-d rows are given flat. Its outputs are named after the methods that they
    are the results of: "transform" (with ``passthrough_`` the cells behind the code
    too) or "score_samples" of a transformer, "predict" (classes as they are, also
    strings) and "predict_proba" of a classifier, "predict" of a regressor.

    Parameters
    ----------
    estimator : MaskedAutoencoderTransformer, MaskedAutoencoderClassifier, \
            MaskedAutoencoderRegressor or Pipeline
        Fitted, on columns of numbers, of which some may be categories, with a scaling
        other than "quantile". Steps of a
        :class:`~sklearn.pipeline.Pipeline` are exported by skl2onnx, which has to be
        installed and to know them; ours are registered with it. After a last step that
        is neither transformer, classifier nor regressor, outputs have skl2onnx's names.
    path : str or path-like
        File to write.
    method : {"transform", "score_samples"} or None, default=None
        What the model of a transformer computes; None is "transform".
    opset : int in [18, 22], default=20
        Version of the ONNX operators, for runtimes that are not of today.

    Raises
    ------
    TypeError
        If the estimator is of a kind that is not exported.
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
    import onnx

    if not isinstance(opset, (int, np.integer)) or opset not in _OPSETS:
        raise ValueError(
            f"opset must be an integer between {_OPSETS[0]} and {_OPSETS[-1]}. Got "
            f"{opset!r}."
        )
    if isinstance(estimator, Pipeline):
        if method is not None:
            raise ValueError(
                "method is for a transformer alone, and None for a Pipeline, which is "
                f"exported as what its last step is. Got {method!r}."
            )
        check_is_fitted(estimator)
        onnx.save(pipeline_model(estimator, int(opset)), path)
    else:
        onnx.save(_model_of(estimator, method, int(opset)), path)


def _model_of(estimator, method, opset):
    """Make the ONNX model of one of our estimators.

    Parameters
    ----------
    estimator : estimator
    method : str or None
    opset : int

    Returns
    -------
    model : onnx.ModelProto
    """
    known = _methods_of(estimator)
    method = known[0] if method is None else method
    if method not in known:
        raise ValueError(f"method must be one of {known}. Got {method!r}.")
    check_is_fitted(estimator)
    model, codec = estimator.model_, estimator.model_.codec
    if model.settings.rows.has_steps:
        raise ValueError(
            "export_onnx needs rows of one length, not tokens or series of unlike "
            "lengths."
        )
    if codec.layout_.categorical and method == "score_samples":
        raise ValueError(
            "export_onnx knows method='score_samples' of numeric columns alone, but "
            f"column {codec.layout_.categorical[0]} is categorical."
        )
    if codec.scaling == "quantile":
        raise ValueError("export_onnx does not know scaling='quantile'.")

    with_cells = method == "transform" and estimator.passthrough_
    graph = _Graph(
        copy.deepcopy(model.module).cpu(),
        codec.scaler_,
        torch.from_numpy(model.scoring_masks) if method == "score_samples" else None,
        torch.from_numpy(codec.layout_.stds),
        torch.from_numpy(codec.empty_),
        codec.numeric_,
        _categories_of(codec),
        _Cells(codec.layout_) if with_cells else None,
    )
    if isinstance(estimator, MaskedAutoencoderClassifier):
        traced = _traced(
            _Classifier(graph), estimator, ["class", "predict_proba"], opset
        )
        return _with_labels(traced, estimator.classes_)
    if isinstance(estimator, MaskedAutoencoderRegressor):
        return _traced(_Regressor(graph, estimator), estimator, ["predict"], opset)
    return _traced(graph, estimator, [method], opset)


def _methods_of(estimator):
    """What can be computed of an estimator, which is refused if nothing can."""
    for kind, methods in _METHODS.items():
        if isinstance(estimator, kind):
            return methods
    for kind, reason in _NOT_EXPORTED.items():
        if isinstance(estimator, kind):
            raise TypeError(f"export_onnx does not take a {kind.__name__}: {reason}.")
    names = [kind.__name__ for kind in _METHODS]
    raise TypeError(
        f"export_onnx takes a {', a '.join(names)} or a Pipeline. Got "
        f"{type(estimator).__name__}."
    )


def _categories_of(codec):
    """Categories of columns that had any: {column: (n_categories,) float64 tensor}."""
    found = {}
    for column, encoder in codec.encoders_.items():
        if codec.empty_[column]:
            continue
        categories = encoder.categories_[0].tolist()
        if not all(isinstance(category, Real) for category in categories):
            raise ValueError(
                f"export_onnx needs numbers in all columns, but column {column} holds "
                f"{categories[0]!r}. Fit to columns that an OrdinalEncoder has made "
                "numbers of, and name them in categorical_features; in a Pipeline it "
                "is part of the model."
            )
        found[column] = torch.tensor(categories, dtype=torch.float64, device="cpu")
    return found


def _traced(graph, estimator, outputs, opset):
    """A torch module that reads rows, as an ONNX model."""
    rows = torch.zeros((2, estimator.n_features_in_), dtype=torch.float64, device="cpu")
    with warnings.catch_warnings(), _quiet_exporter():
        # of torch, about itself
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            graph.eval(),
            (rows,),
            input_names=["X"],
            output_names=outputs,
            opset_version=opset,
            dynamic_shapes={"X": {0: torch.export.Dim("n_samples")}},
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # which it is of other ways to export
    return program.model_proto


@contextlib.contextmanager
def _quiet_exporter():
    """Without what torch logs of packages that are not there."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _with_labels(model, classes):
    """Add to a model, whose first output is positions of classes, the classes."""
    from onnx import helper, numpy_helper

    of_strings = classes.dtype.kind in "OUS"
    labels = numpy_helper.from_array(
        classes.astype(object) if of_strings else classes, "classes"
    )
    kind = labels.data_type
    graph = model.graph
    graph.initializer.append(labels)
    graph.node.append(helper.make_node("Gather", ["classes", "class"], ["predict"]))
    graph.output[0].CopyFrom(
        helper.make_tensor_value_info("predict", kind, ["n_samples"])
    )
    return model


class _Graph(nn.Module):
    """From rows in the user's units to codes or, with masks, to scores."""

    def __init__(self, module, scaler, masks, stds, empty, numeric, categories, cells):
        super().__init__()
        self.module = module
        self.masks = masks  # (n_masks, n_columns), or None for codes
        self.stds = stds
        self.empty = empty  # columns that are never looked at
        self.categories = categories  # of columns that are no numbers
        self.cells = cells  # what makes the cells behind the code, or None

        def wide(of_numeric, elsewhere):
            full = np.full(len(empty), elsewhere)
            full[numeric] = of_numeric
            return torch.from_numpy(full)

        self.center = wide(scaler.center_, 0.0)
        self.factor = wide(1.0 / scaler.scale_, 1.0)
        self.outer = None
        if scaler.scaling == "asinh":
            self.outer = (
                wide(scaler.outer_center_, 0.0),
                wide(scaler.outer_scale_, 1.0),
            )

    def forward(self, X):
        """(n_rows, n_columns) float64 -> features, or (n_rows,) scores."""
        values, missing = self.encoded(X)
        if self.masks is not None:
            return self._scores(values, missing)
        features = self.module.features(values, missing)
        if self.cells is None:
            return features
        return torch.cat([features, self.cells(values, missing)], dim=1)

    def encoded(self, X):
        """Values of rows, as networks read them, and which of them are missing."""
        missing = torch.isnan(X) | self.empty
        scaled = (X - self.center) * self.factor
        if self.outer is not None:
            scaled = (_asinh(scaled) - self.outer[0]) / self.outer[1]
        if self.categories:
            scaled = self._with_categories(X, scaled)
            missing = missing | torch.isnan(scaled)
        values = scaled.clamp(-FARTHEST, FARTHEST).float()
        return values.masked_fill(missing, 0.0), missing

    def _with_categories(self, X, scaled):
        """Positions of categories in their columns, NaN of those that are not known."""
        columns = list(scaled.unbind(dim=1))
        for column, categories in self.categories.items():
            same = X[:, column, None] == categories
            position = (same * torch.arange(len(categories), device="cpu")).sum(dim=1)
            unknown = ~same.any(dim=1)
            columns[column] = position.double().masked_fill(unknown, torch.nan)
        return torch.stack(columns, dim=1)

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


class _Cells(nn.Module):
    """Standardised numbers, and indicators of categories, 0 where missing."""

    def __init__(self, layout):
        super().__init__()
        self.layout = layout
        self.means = torch.from_numpy(layout.means[: len(layout.numeric)])
        self.factors = torch.from_numpy(number_factors(layout))

    def forward(self, values, missing):
        """Two (n_rows, n_columns) -> (n_rows, n_expanded)."""
        numeric = list(self.layout.numeric)
        numbers = (values[:, numeric] - self.means) * self.factors
        cells = [numbers.masked_fill(missing[:, numeric], 0.0)]
        for column, part in self.layout.category_slices():
            positions = torch.arange(part.stop - part.start, device="cpu")
            there = values[:, column, None] == positions
            cells.append((there & ~missing[:, column, None]).float())
        return torch.cat(cells, dim=1)


class _Classifier(nn.Module):
    """From rows to positions of classes, and probabilities."""

    def __init__(self, rows):
        super().__init__()
        self.rows = rows

    def forward(self, X):
        """(n_rows, n_columns) float64 -> (n_rows,) and (n_rows, n_classes)."""
        logits, _ = self.rows.module(*self.rows.encoded(X))
        return logits.argmax(dim=1), logits.double().softmax(dim=1)


class _Regressor(nn.Module):
    """From rows to targets in their units."""

    def __init__(self, rows, estimator):
        super().__init__()
        self.rows = rows
        self.is_flat = estimator._y_is_flat
        self.scale = torch.from_numpy(estimator._y_scale)
        self.mean = torch.from_numpy(estimator._y_mean)

    def forward(self, X):
        """(n_rows, n_columns) float64 -> (n_rows,) or (n_rows, n_outputs)."""
        outputs, _ = self.rows.module(*self.rows.encoded(X))
        values = outputs.double() * self.scale + self.mean
        return values[:, 0] if self.is_flat else values


def _asinh(x):
    """The inverse hyperbolic sine, which runtimes lack for float64."""
    size = x.abs()
    near, far = size.clamp(max=1), size.clamp(min=1)
    near = torch.log(near + torch.sqrt(near * near + 1))
    far = torch.log(far) + torch.log(1 + torch.sqrt(1 + 1 / far / far))
    return torch.where(size < 1, near, far) * torch.sign(x)


if importlib.util.find_spec("skl2onnx") is not None:
    register_converters((*_METHODS, *_NOT_EXPORTED), _methods_of, _model_of)
