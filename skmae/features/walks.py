"""Where images stand among each other, learned from their codes.

The decoder needs to know how an image is drawn, not of what kind it is. Images of one
kind are connected by steps from code to neighbouring code, and the slowest modes of
random walks along these steps tell kinds apart; see
:class:`~skmae.features.diffusion_map.DiffusionMap`. A small network learns to read them
off a code, so that images other than those of training have them too.
"""

import math

import numpy as np
import torch
from sklearn.utils import check_random_state

from skmae._device import autocast
from skmae._processes import done_by_all, this_process
from skmae._random import torch_generator
from skmae.data.encoded_rows import EncodedRows, choose_rows
from skmae.features.diffusion_map import ALPHA, diffusion_features
from skmae.features.neighbours import NeighbourGraph
from skmae.networks.walks import WalkHead
from skmae.training.schedule import cosine_factor

N_FEATURES = 64
# Sum of the variances of the features, in that of the code's. With 1, 2 and 4 ten
# labels per class give .919, .924 and .927 on MNIST, and all .971, .972 and .973; but
# where classes are many and small, 242 with 14 images each, 2 loses .005 with all.
_VARIANCE = 1.0
# Rows that are joined to their neighbours, all pairs of which are compared, and steps
# in which the head learns: at most and at least, and in between in proportion to what
# was spent on the network, so that a short training stays one. With half of 7,000 rows
# ten labels per class lose .006 on MNIST, and with 1000 steps they gain .002.
_MOST_ROWS, _LEAST_ROWS, _VISITS_PER_ROW = 10_000, 1000, 45
_MOST_STEPS, _LEAST_STEPS, _STEPS_PER_STEP = 300, 20, 4
_BATCH_ROWS = 256
_LR, _WEIGHT_DECAY, _BETAS = 4e-3, 0.05, (0.9, 0.95)


def learn_walks(model, train):
    """Learn the features of random walks that a model gives behind codes, if it does.

    Parameters
    ----------
    model : FittedModel
        Trained.
    train : (n_rows, n_columns) float32 array or EncodedRows
        The rows that it was trained on.
    """
    if model.settings.network.n_walk_features == 0:
        return
    codes = _codes(model, train)
    if len(codes) < 3:  # of which no walk could tell anything
        return

    n_steps = len(model.net.history) * math.ceil(len(train) / model.settings.batch_size)
    n_steps = min(max(n_steps // _STEPS_PER_STEP, _LEAST_STEPS), _MOST_STEPS)

    def learned():
        return _learned(model, codes, n_steps) if this_process() == 0 else None

    state = done_by_all(learned)[0]
    weights = {name: torch.from_numpy(array) for name, array in state.items()}
    model.module.walks.load_state_dict(weights)


def _codes(model, train):
    """Codes of the rows, or of some of them: (n_rows, n_components) float32 array."""
    n_visits = len(model.net.history) * len(train)
    n_rows = min(max(n_visits // _VISITS_PER_ROW, _LEAST_ROWS), _MOST_ROWS)
    if len(train) > n_rows:
        rng = np.random.default_rng(model.seeds["walks"])
        rows = np.sort(rng.choice(len(train), n_rows, replace=False))
        train = choose_rows(train, rows)
    shape = (len(train), model.settings.network.n_components)
    if isinstance(train, EncodedRows):
        blocks = train.blocks()
    else:
        blocks = [(slice(0, len(train)), train)]
    return model.inference().encode(blocks, np.empty(shape, dtype=np.float32))


def _learned(model, codes, n_steps):
    """Weights of a head that gives the features: dict of str to array."""
    n_features = model.module.walks.n_features
    graph, seed = NeighbourGraph(codes), model.seeds["walks"]
    features = walk_features(graph, n_features, seed)
    head = _fitted_head(codes, features, model, n_steps)
    size = size_beside(codes, features, _VARIANCE)
    with torch.no_grad():
        head.layers[-1].weight *= size
        head.layers[-1].bias *= size
    return {name: weight.cpu().numpy() for name, weight in head.state_dict().items()}


def walk_features(graph, n_features, seed):
    """What random walks say of the rows of a graph.

    Parameters
    ----------
    graph : NeighbourGraph
    n_features : int
        Of which those that so few rows do not have are zeros.
    seed : int

    Returns
    -------
    features : (n_rows, n_features) float32 array
        Each of mean 0.
    """
    n_rows = len(graph.degrees)
    n_modes = min(n_features, n_rows - 1)
    features = np.zeros((n_rows, n_features), dtype=np.float32)
    features[:, :n_modes], _ = diffusion_features(
        graph, n_modes, ALPHA, check_random_state(seed)
    )
    return features - features.mean(axis=0)


def size_beside(codes, features, variance):
    """Factor that gives features so much variance, in that of the codes, in sum."""
    of_features = max(features.var(axis=0).sum(), 1e-12)
    return math.sqrt(variance * codes.var(axis=0).sum() / of_features)


def _fitted_head(codes, features, model, n_steps):
    """A head that predicts features from codes."""
    generator = torch_generator(model.seeds["walks"])
    head = WalkHead(codes.shape[1], features.shape[1], generator).to(model.device)
    optimizer = torch.optim.AdamW(
        head.parameters(),
        betas=_BETAS,
        weight_decay=_WEIGHT_DECAY,
        fused=model.device.type in ("cpu", "cuda"),
    )
    codes, features = (
        torch.from_numpy(array).to(model.device) for array in (codes, features)
    )
    order = torch.empty(0, dtype=torch.int64, device="cpu")
    for step in range(n_steps):
        if len(order) == 0:
            order = torch.randperm(len(codes), generator=generator, device="cpu")
        rows, order = order[:_BATCH_ROWS].to(model.device), order[_BATCH_ROWS:]
        for group in optimizer.param_groups:
            group["lr"] = _LR * cosine_factor(step, n_steps)
        optimizer.zero_grad()
        with autocast(model.device, model.precision):
            predicted = head(codes[rows])
        loss = (predicted.float() - features[rows]).square().mean()
        loss.backward()
        optimizer.step()
    return head
