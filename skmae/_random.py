"""From ``random_state`` to independent, explicit torch generators.

torch's default generator is shared by the whole process. Nothing in this package
draws from it: each purpose gets a seed of its own, so that changing how often one
purpose draws never moves the numbers that another one sees.
"""

import numpy as np
import torch
from sklearn.utils import check_random_state

_PURPOSES = (
    "weights",
    "batches",
    "masks",  # to train with
    "validation",  # rows held out, and rows that members leave out
    "scoring",  # masks under which rows are scored
    "codec",  # rows from which scales are learned, where they are many
    "rows",  # to look at or to learn from, where there are too many
    "folds",  # of labelled rows
    "gaussian",
    "walks",  # over rows, to tell where each stands
)


def draw_seeds(random_state):
    """Draw one seed per purpose.

    Parameters
    ----------
    random_state : None, int or numpy.random.RandomState
        As everywhere in scikit-learn. An instance is advanced by one draw.

    Returns
    -------
    seeds : dict of str to int
    """
    root = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    state = np.random.SeedSequence(root).generate_state(len(_PURPOSES))
    return dict(zip(_PURPOSES, (int(seed) for seed in state), strict=True))


def torch_generator(seed, device="cpu"):
    """Make a generator that shares nothing with torch's default one."""
    return torch.Generator(device=device).manual_seed(int(seed))
