"""Masked autoencoders as scikit-learn estimators."""

from skmae._classifier import MaskedAutoencoderClassifier
from skmae._detector import MaskedAutoencoderDetector
from skmae._diffusion_map import DiffusionMap
from skmae._imputer import MaskedAutoencoderImputer
from skmae._regressor import MaskedAutoencoderRegressor
from skmae._split import LabelledKFold
from skmae._transformer import MaskedAutoencoderTransformer
from skmae._version import __version__
from skmae.displays.anomaly import AnomalyDisplay
from skmae.displays.loss_curve import LossCurveDisplay
from skmae.displays.mask_ratio import MaskRatioDisplay
from skmae.displays.reconstruction import ReconstructionDisplay

__all__ = [
    "AnomalyDisplay",
    "DiffusionMap",
    "LabelledKFold",
    "LossCurveDisplay",
    "MaskRatioDisplay",
    "MaskedAutoencoderClassifier",
    "MaskedAutoencoderDetector",
    "MaskedAutoencoderImputer",
    "MaskedAutoencoderRegressor",
    "MaskedAutoencoderTransformer",
    "ReconstructionDisplay",
    "__version__",
]
