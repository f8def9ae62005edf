"""Masked autoencoders as scikit-learn estimators."""

from skmae._detector import MaskedAutoencoderDetector
from skmae._transformer import MaskedAutoencoderTransformer
from skmae._version import __version__

__all__ = [
    "MaskedAutoencoderDetector",
    "MaskedAutoencoderTransformer",
    "__version__",
]
