"""Weights averaged over the steps of a training."""

import copy
import math

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

# After k steps the average remembers k of k + 9 parts, or its decay: so its memory is
# short at first, and the start is soon forgotten.
_FORGOTTEN = 9


class MovingAverage:
    """Exponential moving average of the weights of a module.

    Parameters
    ----------
    module : torch.nn.Module
        Being trained.
    decay : float
        The most that a step leaves of the average before it.
    every : int
        Steps of which only the last is averaged, with the weight of all of them: of
        a large network an average takes as long as a good part of a step.

    Attributes
    ----------
    module : torch.nn.Module
        A copy with the averaged weights.
    """

    def __init__(self, module, decay, every=1):
        self.module = copy.deepcopy(module)
        self.decay = decay
        self.every = every
        self.n_steps = 0
        # Found once: a search through the module would take as long as the average.
        self._averages = [weight.detach() for weight in self.module.parameters()]
        self._weights = [weight.detach() for weight in module.parameters()]

    def state_dict(self):
        """What a checkpoint keeps."""
        return {"module": self.module.state_dict(), "n_steps": self.n_steps}

    def load_state_dict(self, state):
        """Go on from a checkpoint."""
        self.module.load_state_dict(state["module"])
        self.n_steps = state["n_steps"]

    @torch.no_grad()
    def update(self):
        """Move the average towards the weights after another step."""
        self.n_steps += 1
        if self.n_steps % self.every:
            return
        steps = range(self.n_steps - self.every + 1, self.n_steps + 1)
        left = math.prod(min(self.decay, n / (n + _FORGOTTEN)) for n in steps)
        get_ema_multi_avg_fn(left)(self._averages, self._weights, None)
