"""Methods that leave an estimator as it was when they fail."""

import functools
import warnings
from contextlib import contextmanager

from sklearn.exceptions import ConvergenceWarning

from skmae._device import training
from skmae.training.checkpoint import restore_training, training_state


@contextmanager
def unchanged_on_error(estimator, net=None):
    """Leave an estimator exactly as it was when what is done within raises.

    Parameters
    ----------
    estimator : estimator
    net : MaskedNet or None
        Its net, if that is trained further in place.
    """
    before = dict(vars(estimator))
    state = None if net is None else training_state(net)
    try:
        yield
    except BaseException:
        while True:
            try:
                if net is not None:
                    restore_training(net, state)
                vars(estimator).clear()
                vars(estimator).update(before)
                break
            except KeyboardInterrupt:  # another one: nobody is to stop half-way back
                continue
        raise


def keep_fitted_on_error(method):
    """Leave an estimator exactly as it was when a method that fits it anew raises.

    An interrupt that came in the middle of training is raised here, after the method
    has made the most of what was trained until then.
    """
    return _guarded(method, trains_in_place=False)


def keep_trained_on_error(method):
    """Do as :func:`keep_fitted_on_error` for one that trains a fitted net further."""
    return _guarded(method, trains_in_place=True)


def _guarded(method, trains_in_place):
    @functools.wraps(method)
    def guarded(self, *args, **kwargs):
        net = self.net_ if trains_in_place and hasattr(self, "net_") else None
        if net is not None:
            net.ready()
        with training(), unchanged_on_error(self, net):
            result = method(self, *args, **kwargs)
        interrupt = self.net_.conclude()
        if interrupt is not None:
            warnings.warn(
                f"Interrupted: this {type(self).__name__} is fitted by "
                f"{self.n_iter_} epochs instead of all.",
                ConvergenceWarning,
                stacklevel=2,
            )
            raise interrupt
        return result

    return guarded
