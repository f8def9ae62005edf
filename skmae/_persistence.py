"""What a fitted estimator saves: its model, and the versions that made it."""

import warnings

import sklearn
import torch
from sklearn.base import BaseEstimator

from skmae._version import __version__
from skmae.training.model import FittedModel


class ModelHolder(BaseEstimator):
    """The part of an estimator that holds a trained model.

    The model itself pickles no torch or skorch objects.
    """

    model_: FittedModel

    @property
    def net_(self):
        """The trained net."""
        return self._fitted("net")

    @property
    def device_(self):
        """Where the network is."""
        return self._fitted("device")

    @property
    def precision_(self):
        """Precision of matrix products while the network was trained."""
        return self._fitted("precision")

    def _fitted(self, name):
        if "model_" not in vars(self):
            raise AttributeError(
                f"This {type(self).__name__} has no {name}_: it is not fitted."
            )
        return getattr(self.model_, name)

    def __sklearn_is_fitted__(self):
        """Whether there is a trained network."""
        return "model_" in vars(self)

    def __getstate__(self):
        """State with the versions of what made it."""
        return {**super().__getstate__(), "_versions": _versions()}

    def __setstate__(self, state):
        """Take a state; warn if other versions made it."""
        state = dict(state)
        saved = state.pop("_versions", _versions())
        super().__setstate__(state)
        if saved != _versions():
            warnings.warn(
                f"This {self.__class__.__name__} was saved with {saved} and is loaded "
                f"with {_versions()}. It may behave differently.",
                UserWarning,
                stacklevel=2,
            )


def _versions():
    return {
        "skmae": __version__,
        "scikit-learn": sklearn.__version__,
        "torch": torch.__version__.split("+")[0],
    }
