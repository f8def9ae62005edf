"""What a fitted estimator saves: settings and numpy weights."""

import warnings

import sklearn
import torch
from sklearn.base import BaseEstimator

from skmae._device import resolve_device, training
from skmae._version import __version__
from skmae.training.build import load_net, make_sampler


class PersistentNet(BaseEstimator):
    """The part of an estimator that is pickled without torch or skorch objects."""

    device_: torch.device | str

    def __sklearn_is_fitted__(self):
        """Whether there is a trained network."""
        return hasattr(self, "net_")

    def __getstate__(self):
        """State without torch or skorch objects: settings and numpy weights."""
        state = dict(super().__getstate__())
        net = state.pop("net_", None)
        if net is not None:
            state["_weights"] = {
                name: tensor.detach().cpu().numpy()
                for name, tensor in net.module_.state_dict().items()
            }
            state["device_"] = str(self.device_)
        state["_versions"] = _versions()
        return state

    def __setstate__(self, state):
        """Rebuild the network, on a device that is here."""
        state = dict(state)
        weights = state.pop("_weights", None)
        saved = state.pop("_versions", _versions())
        super().__setstate__(state)
        if saved != _versions():
            warnings.warn(
                f"This {self.__class__.__name__} was saved with {saved} and is loaded "
                f"with {_versions()}. It may behave differently.",
                UserWarning,
                stacklevel=2,
            )
        if weights is None:
            return
        try:
            self.device_ = resolve_device(self.device_)
        except ValueError:  # saved on a GPU, loaded where there is none
            self.device_ = torch.device("cpu")
        settings = self._fitted_settings
        with training():  # inference mode would make weights of another kind
            self.net_ = load_net(
                settings,
                self._codec.layout_,
                make_sampler(settings, self._grid),
                self._seeds,
                self.device_,
                weights,
            )


def _versions():
    return {
        "skmae": __version__,
        "scikit-learn": sklearn.__version__,
        "torch": torch.__version__.split("+")[0],
    }
