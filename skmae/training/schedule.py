"""Learning rates over the course of a fit."""

import math

from skorch.callbacks import Callback

_WARM_UP_SHARE = 0.05


def cosine_factor(step, n_steps):
    """Linear warm-up over the first 5 % of steps, then half a cosine down to 0.

    Parameters
    ----------
    step : int
        Steps already taken.
    n_steps : int
        Steps of the whole fit.

    Returns
    -------
    factor : float in (0, 1]
        By which the learning rate is multiplied.
    """
    warm_up = max(1, round(_WARM_UP_SHARE * n_steps))
    if step < warm_up:
        return (step + 1) / warm_up
    progress = (step - warm_up) / max(1, n_steps - warm_up)
    return 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


class CosineSchedule(Callback):
    """Set the learning rate before every step.

    Parameters
    ----------
    lr : float
        The highest learning rate.
    n_steps : int
    """

    def __init__(self, lr, n_steps):
        self.lr = lr
        self.n_steps = n_steps

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Start at step 0."""
        self.step_ = 0

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        """Set the rate of the coming step."""
        rate = self.lr * cosine_factor(self.step_, self.n_steps)
        for group in net.optimizer_.param_groups:
            group["lr"] = rate
        self.step_ += 1
