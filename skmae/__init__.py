"""Masked autoencoders as scikit-learn estimators."""

from skmae._skops import skops_trusted_types
from skmae._version import __version__
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
