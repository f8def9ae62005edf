"""Masked autoencoders as scikit-learn estimators."""

from skmae._imputer import MaskedAutoencoderImputer
from skmae._transformer import MaskedAutoencoderTransformer
from skmae._version import __version__

__all__ = [
    "MaskedAutoencoderImputer",
    "MaskedAutoencoderTransformer",
    "__version__",
]
