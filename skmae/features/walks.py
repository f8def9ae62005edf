"""Where images stand among each other, learned from their codes.

The decoder needs to know how an image is drawn, not of what kind it is. Images of one kind
are connected by steps from code to neighbouring code, and the slowest modes of random
walks along these steps tell kinds apart (:class:`~skmae.features.diffusion_map.DiffusionMap`).
A small network learns to read them off a code, so that images other than those of
training have them too.
"""

import math

import numpy as np
import torch

from skmae._device import autocast
from skmae._processes import done_by_all, this_process
from skmae._random import torch_generator
from skmae.data.encoded_rows import EncodedRows, choose_rows
from skmae.features.diffusion_map import DiffusionMap
from skmae.networks.walks import WalkHead
from skmae.training.schedule import cosine_factor

N_FEATURES = 64
# Rows that are joined to their neighbours, since all pairs of them are compared.
_MOST_ROWS = 10_000
# Sum of the variances of the features, in that of the code's. With 1, 2 and 4 ten labels
# per class give .919, .924 and .927 on MNIST and .958, .960 and .962 on digits, all
# labels .971, .972 and .973, and .984, .984 and .983.
_VARIANCE = 2.0
_N_STEPS, _MOST_EPOCHS = 1000, 60
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

    def learned():
        return _learned(model, codes) if this_process() == 0 else None

    state = done_by_all(learned)[0]
    weights = {name: torch.from_numpy(array) for name, array in state.items()}
    model.module.walks.load_state_dict(weights)


def _codes(model, train):
    """Codes of the rows, or of some of them: (n_rows, n_components) float32 array."""
    rng = np.random.default_rng(model.seeds["walks"])
    if len(train) > _MOST_ROWS:
        rows = np.sort(rng.choice(len(train), _MOST_ROWS, replace=False))
        train = choose_rows(train, rows)
    shape = (len(train), model.settings.network.n_components)
    if isinstance(train, EncodedRows):
        blocks = train.blocks()
    else:
        blocks = [(slice(0, len(train)), train)]
    return model.inference().encode(blocks, np.empty(shape, dtype=np.float32))


def _learned(model, codes):
    """Weights of a head that gives the features: dict of str to array."""
    walks = model.module.walks
    n_modes = min(walks.n_features, len(codes) - 1)
    diffusion = DiffusionMap(n_modes, random_state=model.seeds["walks"]).fit(codes)
    features = np.zeros((len(codes), walks.n_features), dtype=np.float32)
    features[:, :n_modes] = diffusion.embedding_
    features -= features.mean(axis=0)
    head = _fitted_head(codes, features, model)
    variance = codes.var(axis=0).sum() / max(features.var(axis=0).sum(), 1e-12)
    with torch.no_grad():
        head.layers[-1].weight *= math.sqrt(_VARIANCE * variance)
        head.layers[-1].bias *= math.sqrt(_VARIANCE * variance)
    return {name: weight.cpu().numpy() for name, weight in head.state_dict().items()}


def _fitted_head(codes, features, model):
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
    n_batches = math.ceil(len(codes) / _BATCH_ROWS)
    n_epochs = min(_MOST_EPOCHS, math.ceil(_N_STEPS / n_batches))
    step = 0
    for _ in range(n_epochs):
        order = torch.randperm(len(codes), generator=generator, device="cpu")
        for rows in order.to(model.device).split(_BATCH_ROWS):
            for group in optimizer.param_groups:
                group["lr"] = _LR * cosine_factor(step, n_epochs * n_batches)
            optimizer.zero_grad()
            with autocast(model.device, model.precision):
                predicted = head(codes[rows])
            loss = (predicted.float() - features[rows]).square().mean()
            loss.backward()
            optimizer.step()
            step += 1
    return head
