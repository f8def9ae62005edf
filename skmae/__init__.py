"""Masked autoencoders as scikit-learn estimators."""

from skmae._classifier import MaskedAutoencoderClassifier
from skmae._detector import MaskedAutoencoderDetector
from skmae._imputer import MaskedAutoencoderImputer
from skmae._regressor import MaskedAutoencoderRegressor
from skmae._transformer import MaskedAutoencoderTransformer
from skmae._version import __version__

__all__ = [
    "MaskedAutoencoderClassifier",
    "MaskedAutoencoderDetector",
    "MaskedAutoencoderImputer",
    "MaskedAutoencoderRegressor",
    "MaskedAutoencoderTransformer",
    "__version__",
]
