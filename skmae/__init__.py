"""Masked autoencoders as scikit-learn estimators."""

from skmae._transformer import MaskedAutoencoderTransformer
from skmae._version import __version__

__all__ = ["MaskedAutoencoderTransformer", "__version__"]
