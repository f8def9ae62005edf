"""Weights averaged over steps."""

import copy

import numpy as np
import torch
from numpy.testing import assert_allclose
from torch import nn

from skmae.training.averages import MovingAverage


def test_the_average_of_steps_is_that_of_a_loop():
    module = nn.Linear(3, 2)
    average = MovingAverage(module, decay=0.6)
    expected = [weight.detach().numpy().copy() for weight in module.parameters()]
    rng = np.random.default_rng(0)
    for step in range(1, 30):
        decay = min(0.6, step / (step + 9))
        for i, weight in enumerate(module.parameters()):
            new = rng.normal(size=weight.shape).astype(np.float32)
            with torch.no_grad():
                weight.copy_(torch.from_numpy(new))
            expected[i] = decay * expected[i] + (1 - decay) * new
        average.update()
    for found, wanted in zip(average.module.parameters(), expected, strict=True):
        assert_allclose(found.detach().numpy(), wanted, rtol=1e-5)


def test_an_average_of_every_third_step_weighs_it_as_three():
    module = nn.Linear(3, 2)
    steps = [MovingAverage(module, decay=0.6), MovingAverage(module, 0.6, every=3)]
    for step in range(1, 13):
        with torch.no_grad():
            # The same for three steps, of which only the last is looked at.
            module.weight.fill_((step - 1) // 3)
        for average in steps:
            average.update()
    each, third = (average.module.weight for average in steps)
    torch.testing.assert_close(third, each)
    third = third.clone()
    steps[1].update()
    assert torch.equal(steps[1].module.weight, third)


def test_an_average_leaves_the_module_alone():
    module = nn.Linear(3, 2)
    before = [weight.detach().clone() for weight in module.parameters()]
    average = MovingAverage(module, decay=0.9)
    average.update()
    for weight, same in zip(module.parameters(), before, strict=True):
        assert torch.equal(weight, same)
        assert weight.requires_grad


def test_an_average_goes_on_from_its_state():
    module = nn.Linear(3, 2)
    whole = MovingAverage(module, decay=0.6)
    resumed = None
    for step in range(6):
        with torch.no_grad():
            module.weight.fill_(step)
        whole.update()
        if step == 2:
            state = copy.deepcopy(whole.state_dict())
            resumed = MovingAverage(module, decay=0.6)
            resumed.load_state_dict(state)
        elif resumed is not None:
            resumed.update()
    assert torch.equal(resumed.module.weight, whole.module.weight)
