"""Masked autoencoders as scikit-learn estimators.

What is public is imported when it is first asked for: nobody waits for roles that they
do not use.
"""

import importlib
from typing import TYPE_CHECKING

from skmae._version import __version__

if TYPE_CHECKING:
    from skmae._skops import skops_trusted_types
    from skmae.detection.detector import MaskedAutoencoderDetector
    from skmae.displays.anomaly import AnomalyDisplay
    from skmae.displays.loss_curve import LossCurveDisplay
    from skmae.displays.mask_ratio import MaskRatioDisplay
    from skmae.displays.new_rows import NewRowsDisplay
    from skmae.displays.reconstruction import ReconstructionDisplay
    from skmae.displays.report import write_report
    from skmae.features.diffusion_map import DiffusionMap
    from skmae.features.sliding_windows import SlidingWindows
    from skmae.features.transformer import MaskedAutoencoderTransformer
    from skmae.generation.generator import MaskedAutoencoderGenerator
    from skmae.imputation.imputer import MaskedAutoencoderImputer
    from skmae.imputation.mixture_imputer import GaussianMixtureImputer
    from skmae.imputation.pooling import pool
    from skmae.semi_supervised.classifier import MaskedAutoencoderClassifier
    from skmae.semi_supervised.regressor import MaskedAutoencoderRegressor
    from skmae.semi_supervised.split import LabelledKFold

__all__ = [
    "AnomalyDisplay",
    "DiffusionMap",
    "GaussianMixtureImputer",
    "LabelledKFold",
    "LossCurveDisplay",
    "MaskRatioDisplay",
    "MaskedAutoencoderClassifier",
    "MaskedAutoencoderDetector",
    "MaskedAutoencoderGenerator",
    "MaskedAutoencoderImputer",
    "MaskedAutoencoderRegressor",
    "MaskedAutoencoderTransformer",
    "NewRowsDisplay",
    "ReconstructionDisplay",
    "SlidingWindows",
    "__version__",
    "pool",
    "skops_trusted_types",
    "write_report",
]

# The module of each of them.
_MODULES = {
    "AnomalyDisplay": "displays.anomaly",
    "DiffusionMap": "features.diffusion_map",
    "GaussianMixtureImputer": "imputation.mixture_imputer",
    "LabelledKFold": "semi_supervised.split",
    "LossCurveDisplay": "displays.loss_curve",
    "MaskRatioDisplay": "displays.mask_ratio",
    "MaskedAutoencoderClassifier": "semi_supervised.classifier",
    "MaskedAutoencoderDetector": "detection.detector",
    "MaskedAutoencoderGenerator": "generation.generator",
    "MaskedAutoencoderImputer": "imputation.imputer",
    "MaskedAutoencoderRegressor": "semi_supervised.regressor",
    "MaskedAutoencoderTransformer": "features.transformer",
    "NewRowsDisplay": "displays.new_rows",
    "ReconstructionDisplay": "displays.reconstruction",
    "SlidingWindows": "features.sliding_windows",
    "pool": "imputation.pooling",
    "skops_trusted_types": "_skops",
    "write_report": "displays.report",
}


def __getattr__(name):
    """Import a public name; afterwards it is found without asking here."""
    if name not in _MODULES:
        raise AttributeError(f"module 'skmae' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"skmae.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
