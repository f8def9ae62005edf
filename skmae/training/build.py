"""From settings to a net that is ready to train, or one that was trained."""

import torch

from skmae.networks.corruption import CellCorruption
from skmae.training.net import MaskedNet

_OPTIMIZERS = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
}
OPTIMIZER_NAMES = tuple(_OPTIMIZERS)
# As is usual for masked autoencoders: a shorter memory of squared gradients.
_BETAS = (0.9, 0.95)
_MOMENTUM = 0.9


def build_net(
    settings,
    layout,
    grid,
    sampler,
    seeds,
    device,
    net_class=MaskedNet,
    **net_params,
):
    """Make a :class:`~skmae.training.net.MaskedNet` that is not initialised.

    Parameters
    ----------
    settings : Settings
    layout : Layout
    grid : UnitGrid
    sampler : MaskSampler
    seeds : dict of str to int
    device : torch.device
    net_class : class
        :class:`~skmae.training.net.MaskedNet` or a subclass.
    **net_params :
        Callbacks, ``verbose`` and ``label``, and the subclass's own parameters.

    Returns
    -------
    net : MaskedNet
    """
    optimizer, optimizer_params = _optimizer(settings, device)
    corruption = None
    if settings.corruption is not None:
        corruption = CellCorruption(settings.corruption, layout)
    return net_class(
        settings.network.build,
        module__layout=layout,
        module__grid=grid,
        module__seed=seeds["weights"],
        criterion=settings.loss.build,
        criterion__layout=layout,
        criterion__grid=grid,
        criterion__never_hides=sampler.never_hides,
        optimizer=optimizer,
        lr=settings.lr,
        batch_size=settings.batch_size,
        sampler=sampler,
        corruption=corruption,
        decodes_codes=settings.network.decodes_codes,
        precision=settings.precision,
        compile=settings.compile,
        device=device,
        seeds={name: seeds[name] for name in ("batches", "masks")},
        **optimizer_params,
        **net_params,
    )


def load_net(settings, layout, grid, seeds, device, weights):
    """Rebuild a trained net, to be applied or trained further.

    Nothing is drawn, and no tensor computed with: that would start torch's threads,
    which are of no use to a process forked afterwards.

    Parameters
    ----------
    settings, layout, grid, seeds, device :
        As in :func:`build_net`.
    weights : dict of str to array
        Everything in the module's state.

    Returns
    -------
    net : MaskedNet

    Raises
    ------
    ValueError
        If the weights are not those of such a network.
    """
    module = settings.network.build(layout, grid, seed=None)
    state = module.state_dict()
    wanted = {name: tuple(tensor.shape) for name, tensor in state.items()}
    given = {name: array.shape for name, array in weights.items()}
    if wanted != given:
        differing = sorted(set(wanted.items()) ^ set(given.items()))
        raise ValueError(
            "The saved weights are not those of the network that the saved settings "
            f"describe. Of another name or shape: {differing}."
        )
    for name, tensor in state.items():
        tensor.numpy()[...] = weights[name]
    net = build_net(settings, layout, grid, settings.sampler(grid), seeds, device)
    return net.adopt(module.eval())


def _optimizer(settings, device):
    kind = _OPTIMIZERS.get(settings.optimizer, settings.optimizer)
    params = {"optimizer__weight_decay": settings.weight_decay}
    if settings.optimizer in ("adamw", "adam"):
        params["optimizer__betas"] = _BETAS
    elif settings.optimizer == "sgd":
        params["optimizer__momentum"] = _MOMENTUM
    if settings.optimizer in _OPTIMIZERS and device.type in ("cpu", "cuda"):
        params["optimizer__fused"] = True  # one kernel per step
    return kind, params
