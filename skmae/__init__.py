"""Masked autoencoders as scikit-learn estimators."""

from skmae._detector import MaskedAutoencoderDetector
from skmae._imputer import MaskedAutoencoderImputer
from skmae._transformer import MaskedAutoencoderTransformer
from skmae._version import __version__

__all__ = [
    "MaskedAutoencoderDetector",
    "MaskedAutoencoderImputer",
    "MaskedAutoencoderTransformer",
    "__version__",
]
