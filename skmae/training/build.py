"""From resolved settings to a net that is ready to train."""

from dataclasses import dataclass

import torch

from skmae.masking import MaskSampler
from skmae.networks.corruption import CellCorruption
from skmae.networks.losses import MaskedLoss
from skmae.networks.mlp import MaskedMLP
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


@dataclass(frozen=True)
class Settings:
    """Everything that makes a network and its training, with no "auto" left.

    The fields have the names and meanings of the estimators' parameters;
    ``indicator`` tells whether the network reads the mask beside the values.
    """

    n_components: int
    hidden_layer_sizes: tuple
    activation: str
    numerical_embedding: str | None
    output_activation: str
    batch_norm: bool
    indicator: bool
    mask_ratio: float | tuple
    mask_strategy: object
    mask_value: str
    visible_weight: float
    loss: str
    optimizer: object
    lr: float
    weight_decay: float
    batch_size: int
    precision: str
    compile: bool


def make_sampler(settings, grid, patterns=None):
    """Make the sampler of training masks."""
    return MaskSampler(settings.mask_ratio, settings.mask_strategy, grid, patterns)


def build_net(settings, layout, sampler, seeds, device, callbacks=(), verbose=0):
    """Build and initialise a :class:`~skmae.training.net.MaskedNet`.

    Parameters
    ----------
    settings : Settings
    layout : Layout
    sampler : MaskSampler
    seeds : dict of str to int
    device : torch.device
    callbacks : sequence
        skorch callbacks.
    verbose : int

    Returns
    -------
    net : MaskedNet
    """
    corrupting = settings.mask_value in ("noise", "swap")
    optimizer, optimizer_params = _optimizer(settings, device)
    net = MaskedNet(
        MaskedMLP,
        module__layout=layout,
        module__n_components=settings.n_components,
        module__hidden_layer_sizes=settings.hidden_layer_sizes,
        module__activation=settings.activation,
        module__output_activation=settings.output_activation,
        module__batch_norm=settings.batch_norm,
        module__fill="mean" if corrupting else settings.mask_value,
        module__indicator=settings.indicator,
        module__piecewise_linear=settings.numerical_embedding is not None,
        module__seed=seeds["weights"],
        criterion=MaskedLoss,
        criterion__layout=layout,
        criterion__loss=settings.loss,
        # Where nothing is ever hidden only visible cells are left to learn from.
        criterion__visible_weight=1.0
        if sampler.never_hides
        else settings.visible_weight,
        optimizer=optimizer,
        lr=settings.lr,
        batch_size=settings.batch_size,
        sampler=sampler,
        corruption=CellCorruption(settings.mask_value, layout) if corrupting else None,
        precision=settings.precision,
        compile=settings.compile,
        device=device,
        seeds={name: seeds[name] for name in ("batches", "masks")},
        callbacks=list(callbacks),
        verbose=verbose,
        **optimizer_params,
    )
    return net.initialize()


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
