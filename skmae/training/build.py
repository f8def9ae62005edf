"""From resolved settings to a net that is ready to train."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from skmae.data.grid import make_grid
from skmae.masking.sampler import MaskSampler
from skmae.networks.corruption import CellCorruption
from skmae.networks.losses import MaskedLoss
from skmae.networks.masked_attention import MaskedAttention
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
    ``indicator`` tells whether the network reads the mask beside the values, and
    ``makes_codes`` whether it has any.
    """

    makes_codes: ClassVar[bool] = True

    architecture: str
    n_components: int
    hidden_layer_sizes: tuple
    pooling: str
    norm_pix_loss: bool
    input_shape: tuple | None
    channel_axis: int | None
    patch_size: int | tuple | None
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

    def network(self, layout, seed):
        """Class of the torch module and its constructor's arguments."""
        if self.architecture == "attention":
            return MaskedAttention, {
                "layout": layout,
                "grid": self.grid(layout),
                "shared": self.input_shape is not None,
                "n_components": self.n_components,
                "hidden_layer_sizes": self.hidden_layer_sizes,
                "activation": self.activation,
                "output_activation": self.output_activation,
                "pooling": self.pooling,
                "piecewise_linear": self.numerical_embedding is not None,
                "seed": seed,
            }
        fill = "mean" if self.corrupts else self.mask_value
        return MaskedMLP, {
            "layout": layout,
            "n_components": self.n_components,
            "hidden_layer_sizes": self.hidden_layer_sizes,
            "activation": self.activation,
            "output_activation": self.output_activation,
            "batch_norm": self.batch_norm,
            "fill": fill,
            "indicator": self.indicator,
            "piecewise_linear": self.numerical_embedding is not None,
            "seed": seed,
        }

    def criterion(self, layout, never_hides):
        """Class of the loss and its constructor's arguments."""
        return MaskedLoss, {
            "layout": layout,
            "loss": self.loss,
            # Where nothing is ever hidden only visible cells are left to learn from.
            "visible_weight": 1.0 if never_hides else self.visible_weight,
            "patch_of_cell": self.grid(layout).unit_of_cell
            if self.norm_pix_loss
            else None,
        }

    def grid(self, layout):
        """Mask units of a row."""
        return make_grid(
            layout.n_columns, self.input_shape, self.patch_size, self.channel_axis
        )

    @property
    def decodes_codes(self):
        """Whether the decoder has to learn apart to do with a code alone.

        That of a perceptron never has anything else.
        """
        return self.architecture == "attention" and self.makes_codes

    @property
    def corrupts(self):
        """Whether hidden cells are shown drawn values instead of a fixed fill."""
        return self.mask_value in ("noise", "swap")


def make_sampler(settings, grid, patterns=None):
    """Make the sampler of training masks."""
    return MaskSampler(settings.mask_ratio, settings.mask_strategy, grid, patterns)


def build_net(
    settings,
    layout,
    sampler,
    seeds,
    device,
    callbacks=(),
    verbose=0,
    label="",
    net_class=MaskedNet,
    **net_params,
):
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
    label : str
        See :class:`~skmae.training.net.MaskedNet`.
    net_class : class
        :class:`~skmae.training.net.MaskedNet` or a subclass.
    **net_params :
        The subclass's own parameters.

    Returns
    -------
    net : MaskedNet
    """
    net = _make_net(
        settings,
        layout,
        sampler,
        seeds,
        device,
        net_class,
        callbacks=list(callbacks),
        verbose=verbose,
        label=label,
        **net_params,
    )
    return net.initialize()


def load_net(settings, layout, sampler, seeds, device, weights):
    """Rebuild a trained net, to be applied or trained further.

    Nothing is drawn, and no tensor computed with: that would start torch's threads,
    which are of no use to a process forked afterwards.

    Parameters
    ----------
    settings, layout, sampler, seeds, device :
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
    kind, params = settings.network(layout, seed=None)
    module = kind(**params)
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
    return _make_net(settings, layout, sampler, seeds, device).adopt(module)


def _make_net(
    settings, layout, sampler, seeds, device, net_class=MaskedNet, **net_params
):
    optimizer, optimizer_params = _optimizer(settings, device)
    module, module_params = settings.network(layout, seeds["weights"])
    criterion, criterion_params = settings.criterion(layout, sampler.never_hides)
    corruption = None
    if settings.corrupts:
        corruption = CellCorruption(settings.mask_value, layout)
    return net_class(
        module,
        **{f"module__{name}": value for name, value in module_params.items()},
        criterion=criterion,
        **{f"criterion__{name}": value for name, value in criterion_params.items()},
        optimizer=optimizer,
        lr=settings.lr,
        batch_size=settings.batch_size,
        sampler=sampler,
        corruption=corruption,
        decodes_codes=settings.decodes_codes,
        precision=settings.precision,
        compile=settings.compile,
        device=device,
        seeds={name: seeds[name] for name in ("batches", "masks")},
        **optimizer_params,
        **net_params,
    )


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
