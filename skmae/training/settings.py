"""Everything that makes a network and its training, with no "auto" left."""

from dataclasses import dataclass
from typing import Any

from skmae.data.grid import RowShape
from skmae.masking.sampler import MaskSampler
from skmae.masking.steps import StepSampler
from skmae.networks.losses import MaskedLoss
from skmae.networks.step_outputs import StepLoss


@dataclass(frozen=True)
class Settings:
    """What a fit of any role is made of.

    The fields have the names and meanings of the estimators' parameters, but for

    Attributes
    ----------
    network : object
        Its ``build(layout, grid, seed)`` gives the torch module; its
        ``bfloat16_on`` names the devices on which precision="auto" stands for
        bfloat16; see :class:`~skmae.networks.architecture.Architecture`.
    loss : object
        Its ``build(layout, grid, never_hides)`` gives the criterion.
    rows : RowShape
    corruption : {"noise", "swap"} or None
        What hidden cells are shown as in training. None: as the network's fill value.
    """

    network: Any
    loss: Any
    rows: RowShape
    mask_ratio: float | tuple
    mask_strategy: Any
    corruption: str | None
    optimizer: Any
    lr: float
    weight_decay: float
    batch_size: int
    precision: str
    compile: bool

    def sampler(self, grid, patterns=None):
        """Make the sampler of training masks."""
        if self.rows.has_steps:
            return StepSampler(
                self.mask_ratio, self.mask_strategy, self.rows.patch_size or 1
            )
        return MaskSampler(self.mask_ratio, self.mask_strategy, grid, patterns)


@dataclass(frozen=True)
class StepsLoss:
    """Loss of steps; see :class:`~skmae.networks.step_outputs.StepLoss`."""

    loss: str
    visible_weight: float

    def build(self, layout, grid, never_hides):
        """Make the criterion."""
        # As of cells: what is left to learn from where nothing is ever hidden.
        weight = 1.0 if never_hides else self.visible_weight
        return StepLoss(layout, self.loss, weight)


@dataclass(frozen=True)
class CellLoss:
    """Loss of cells; see :class:`~skmae.networks.losses.MaskedLoss`."""

    loss: str
    visible_weight: float = 0.0
    norm_pix_loss: bool = False

    def build(self, layout, grid, never_hides):
        """Make the criterion."""
        return MaskedLoss(
            layout,
            self.loss,
            # Where nothing is ever hidden only visible cells are left to learn from.
            1.0 if never_hides else self.visible_weight,
            grid.unit_of_cell if self.norm_pix_loss else None,
        )
