"""What the detector varies in a fit, and what its "auto" stands for."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

import torch

from skmae._compat import Interval, StrOptions
from skmae._random import torch_generator
from skmae.data.encoded_rows import EncodedRows
from skmae.data.member_folds import MemberDataset, draw_folds
from skmae.data.pooled_batches import PooledMemberDataset
from skmae.detection.criteria import CRITERIA, levels_of
from skmae.detection.network import MaskedEnsemble
from skmae.masking.even import even_masks
from skmae.networks.architectures import ARCHITECTURES
from skmae.training.parameters import (
    checked_ratio,
    checked_sizes,
    chosen,
    row_shape_of,
    settings_of,
)
from skmae.training.settings import CellLoss
from skmae.training.task import Task, as_weight

_BATCH_SIZE = 128
_N_BINS = 16  # of a piecewise-linear embedding

DETECTOR_CONSTRAINTS = {
    "mask_ratio": [Interval(Real, 0, 1, closed="neither"), tuple, list],
    "lr": [Interval(Real, 0, None, closed="neither")],
    "architecture": [StrOptions(ARCHITECTURES.keys()), StrOptions({"auto"})],
    "contamination": [
        StrOptions({"auto"}),
        Interval(Real, 0, 0.5, closed="right"),
    ],
    "training_data": [StrOptions(set(CRITERIA))],
    "n_neighbors": [
        Interval(Integral, 1, None, closed="left"),
        StrOptions({"auto"}),
    ],
    "n_members": [Interval(Integral, 2, None, closed="left")],
}


@dataclass(frozen=True)
class EnsembleSpec:
    """Members without codes; see :class:`~skmae.features.task.AutoencoderSpec`."""

    decodes_codes: ClassVar[bool] = False

    architecture: str
    n_members: int
    hidden_layer_sizes: tuple
    activation: str
    numerical_embedding: str | None
    shared: bool
    fill: str
    indicator: bool

    @property
    def bfloat16_on(self):
        """As of the architecture."""
        return ARCHITECTURES[self.architecture].bfloat16_on

    def build(self, layout, grid, seed):
        """Make the torch module."""
        return MaskedEnsemble(layout, grid, self, seed)


class DetectorTask(Task):
    """Train members, each of which leaves out a fold of the rows.

    Parameters
    ----------
    params : MaskedAutoencoderDetector
    """

    def __init__(self, params):
        super().__init__(params)
        self.n_bins = None if params.numerical_embedding is None else _N_BINS

    def row_shape(self):
        """Shape of rows and size of patches."""
        return row_shape_of(self.params)

    def least_training(self):
        """Steps and epochs that max_epochs="auto" trains for at least."""
        return 700, 10

    def check_training(self, train):
        """Refuse rows and masks that members cannot be trained with."""
        params = self.params
        if len(train) < 2:
            raise ValueError(
                f"X has {len(train)} sample(s) with an observed value while a minimum "
                f"of 2 is required by {type(params).__name__}."
            )
        if checked_ratio(params.mask_ratio) == (0.0, 0.0):
            raise ValueError(
                "The 'mask_ratio' parameter given as a range must reach above 0. Got "
                f"{params.mask_ratio!r} instead."
            )

    def settings(self, train, weight, codec, seeds):
        """Check parameters and replace every "auto"."""
        params, rows = self.params, self.row_shape()
        self.check_training(train)
        kind = chosen(params.architecture, "mlp")
        architecture = ARCHITECTURES[kind]
        sizes = chosen(params.hidden_layer_sizes, architecture.member_sizes)
        sizes = checked_sizes(sizes)
        architecture.check(params, sizes, codec.layout_)
        corrupts = params.mask_value in ("noise", "swap")
        network = EnsembleSpec(
            architecture=kind,
            n_members=params.n_members,
            hidden_layer_sizes=sizes,
            activation=params.activation,
            numerical_embedding=params.numerical_embedding,
            shared=rows.input_shape is not None,
            fill="mean" if corrupts else params.mask_value,
            # Cells of complete rows are hidden for scoring too, so show the mask to
            # all.
            indicator=rows.input_shape is None,
        )
        return settings_of(
            params,
            network,
            CellLoss(params.loss),
            rows,
            mask_ratio=params.mask_ratio,
            lr=params.lr,
            batch_size=min(chosen(params.batch_size, _BATCH_SIZE), len(train)),
            fill=params.mask_value,
        )

    def dataset(self, train, weight, settings, layout, seeds, device):
        """Rows drawn for members, each of which leaves out a fold."""
        folds = self.folds(len(train), seeds)
        n_members = settings.network.n_members
        if weight is not None:
            weight = as_weight(weight)
        if isinstance(train, EncodedRows):
            return PooledMemberDataset(train, folds, n_members, device, weight)
        weight = None if weight is None else weight.to(device)
        values = torch.from_numpy(train).to(device)
        return MemberDataset(values, folds, n_members, 1, weight)

    def folds(self, n_rows, seeds):
        """The member that leaves out each row: (n_rows,) int tensor."""
        return draw_folds(n_rows, self.params.n_members, seeds["validation"])

    def scoring_masks(self, model):
        """Masks of each level of hiding, applied alike to every row."""
        generator = torch_generator(model.seeds["scoring"])
        return [
            model.net.sampler.to_cells(
                even_masks(model.grid.n_units, ratio, generator, n_repeats)
            ).numpy()
            for ratio, n_repeats in levels_of(self.params.training_data)
        ]
