"""The network of the imputer: members that correct a Gaussian's expectation."""

import numpy as np
import torch
from torch import nn

from skmae.data.grid import make_grid
from skmae.imputation.neighbours import Neighbours
from skmae.networks.architecture import Reading
from skmae.networks.architectures import ARCHITECTURES
from skmae.networks.bins import Bins
from skmae.networks.gaussian import GaussianMembers
from skmae.networks.layers import InputLayer
from skmae.networks.outputs import CellNetwork, Outputs
from skmae.networks.piecewise import PiecewiseLinear
from skmae.networks.standardised import value_tensors
from skmae.networks.weights import ones, weight_generator, zeros

# What is blended into a prediction, in this order.
COMPONENTS = ("gaussian", "network", "bins", "neighbours")
# Cross-entropy over the bins, beside the squared error in the loss.
_BINS_WEIGHT = 0.2
# A number is certain if the Gaussians leave it so little spread, standardised.
CERTAIN_STD = 1e-3
# A Gaussian's idea of an indicator may leave [0, 1].
_LEAST_PROBABILITY = 1e-3


class ImputationNetwork(CellNetwork):
    """Predict hidden cells by several members, each on a Gaussian of its own.

    In training the rows of a batch are dealt out: the first of ``n_members`` equal
    parts is for the first member, and so on, so that members may learn from
    different rows. Afterwards all members see every row, and their components are
    averaged. Rows of the table that are alike, once their missing cells are predicted,
    are another component. All are blended column by column, by weights found on rows
    that the members had not seen. Of columns that proved to follow exactly from others,
    cells that the Gaussians are certain of are left to them.

    Predictions are standardised; see :mod:`skmae.networks.standardised`.

    Parameters
    ----------
    layout : Layout
    architecture : str
        Of the members.
    bounds, centers :
        Bins of the numeric columns to predict; see
        :func:`~skmae.networks.bins.make_bins`.
    edges : tuple or None
        Bins of the numeric columns to read; see
        :func:`~skmae.networks.bins.make_edges`. None: read none.
    n_members : int
    n_neighbour_rows : int
        Of the table in which alike rows are sought.
    hidden_layer_sizes : sequence of int
        Of the members.
    activation : str
    seed : int or None
        Seed of the initial weights; None: they will be loaded.
    """

    mean: torch.Tensor
    std: torch.Tensor
    column_of_value: torch.Tensor
    blend: torch.Tensor
    blend_visible: torch.Tensor
    exact: torch.Tensor
    tilt: torch.Tensor
    jackknife: torch.Tensor
    body: nn.Module

    def __init__(
        self,
        layout,
        architecture,
        bounds,
        centers,
        edges,
        n_members,
        n_neighbour_rows,
        hidden_layer_sizes,
        activation,
        seed,
    ):
        super().__init__(layout)
        generator = weight_generator(seed)
        self.n_members = n_members
        for name, tensor in zip(
            ("mean", "std", "column_of_value"), value_tensors(layout), strict=True
        ):
            self.register_buffer(name, tensor)

        self.input = InputLayer(layout, "mean", True, False)
        self.reach = None
        if edges is not None:
            column, lower, upper = edges
            self.reach = PiecewiseLinear(column, lower, upper, open_ended=False)
        self.gaussian = GaussianMembers(n_members, layout.n_expanded)
        self.bins = Bins(bounds, centers)
        parts = [part for _, part in layout.category_slices()]
        self.neighbours = Neighbours(n_neighbour_rows, layout.n_expanded, parts)

        # What the members learn is added to the Gaussian's own prediction.
        numeric = np.array(layout.numeric, dtype=int)
        columns = layout.column_of_expanded
        parts = [self.input.column_of_input, columns]
        if self.reach is not None:
            parts.insert(1, numeric[self.reach.column.numpy()])
        reading = Reading(
            np.concatenate(parts),
            np.concatenate([columns, np.repeat(numeric, self.bins.shape[1])]),
            make_grid(layout.n_columns),
            shared=False,
        )
        self.body = ARCHITECTURES[architecture].members(
            n_members, reading, hidden_layer_sizes, activation, generator, corrects=True
        )
        # Two sets of weights, for rows of which much and of which little is visible,
        # and the visible share that each was found at.
        n_components = len(COMPONENTS)
        blend = ones(2, layout.n_expanded, n_components) / n_components
        self.register_buffer("blend", blend)
        visible = torch.from_numpy(np.array([1.0, 0.0], dtype=np.float32))
        self.register_buffer("blend_visible", visible)
        exact = torch.zeros(layout.n_expanded, dtype=torch.bool, device="cpu")
        self.register_buffer("exact", exact)
        # Cells missing for what they are lie so far from predictions, per variance.
        self.register_buffer("tilt", zeros(layout.n_expanded))
        # How much the Gaussians' deviations from their mean count in draws.
        self.register_buffer("jackknife", zeros(n_members))

    # -- members ---------------------------------------------------------------

    def forward(self, values, hidden, replacement=None):
        """What each member says of its part of the rows.

        Parameters
        ----------
        values : (n_rows, n_columns) tensor
        hidden : (n_rows, n_columns) bool tensor
        replacement : None
            As in other networks; not used.

        Returns
        -------
        predicted : (n_rows, n_expanded + n_bins) tensor
            Units, logits of categories and logits of bins.
        """
        out = self._predict(*self._inputs(values, hidden, dealt=True)).flatten(0, 1)
        # Where nothing is cut off, a cut would have a gradient of its own all the same.
        return out if len(out) == len(values) else out[: len(values)]

    def means(self, values, hidden):
        """The blend of all members: (n_rows, n_expanded).

        Scaled numbers and probabilities of categories. Of numbers that seem to be
        missing for what they are, those that are missing (NaN in ``values``) lie away
        from what was learned of observed ones, and those that are only hidden do not.
        """
        components = self.components(values, hidden, dealt=False).mean(dim=0)
        components = self.with_neighbours(components, values, hidden)
        visible = 1 - hidden.to(values.dtype).mean(dim=1)
        blended = self._blended(components, visible)
        if self.tilt.any():
            spread = self.spread(values, hidden, dealt=False).mean(dim=0)
            missing = torch.isnan(values)[:, self.column_of_value]
            blended = blended + self.tilt * spread.square() * missing
        if self.exact.any():
            certain = self.certain(values, hidden)
            blended = torch.where(certain, components[:, :, 0], blended)
        means = blended * self.std + self.mean
        for category in self.outputs.categories:
            weights = means[:, category.part].clamp(min=1e-6)
            means[:, category.part] = weights / weights.sum(dim=1, keepdim=True)
        return means

    def components(self, values, hidden, dealt):
        """What each member and its Gaussian make of the rows.

        Parameters
        ----------
        values, hidden :
            As in forward.
        dealt : bool
            Deal the rows out among the members, or give each all of them.

        Returns
        -------
        components : (n_members, n_rows, n_expanded, n_components - 1) tensor
            Standardised; all but the neighbours.
        """
        inputs, expected, hidden = self._inputs(values, hidden, dealt)
        out = self._predict(inputs, expected, hidden)
        n_values = len(self.mean)
        network = out[:, :, :n_values].clone()
        bins = self.bins.mean(out[:, :, n_values:])
        gaussian = expected.clone()
        for category in self.outputs.categories:
            part = category.part
            probabilities = category.mean(network[:, :, part])
            network[:, :, part] = self._standardised(probabilities, part)
            probabilities = self._as_probabilities(expected[:, :, part], part)
            gaussian[:, :, part] = self._standardised(probabilities, part)
        bins = torch.cat([bins, network[:, :, self.outputs.numbers.n_out :]], dim=2)
        return torch.stack([gaussian, network, bins], dim=3)

    def completed(self, components, values, hidden):
        """Standardised rows, with what was learned in place of hidden cells.

        Parameters
        ----------
        components : (n_rows, n_expanded, n_components - 1) tensor
            Of these rows, averaged over members.
        values, hidden :
            As in forward.

        Returns
        -------
        rows : (n_rows, n_expanded) tensor
        """
        rows = self.input(values, hidden)[:, : len(self.mean)]
        learned = components[:, :, 1:].mean(dim=2)
        hidden = hidden[:, self.column_of_value]
        return torch.where(hidden, learned, (rows - self.mean) / self.std)

    def with_neighbours(self, components, values, hidden, own=None):
        """Append what rows alike say.

        Parameters
        ----------
        components, values, hidden :
            As in completed.
        own : (n_rows,) int tensor or None
            See :class:`~skmae.imputation.neighbours.Neighbours`.

        Returns
        -------
        components : (n_rows, n_expanded, n_components) tensor
        """
        rows = self.completed(components, values, hidden)
        alike = self.neighbours(rows, rows, own)
        return torch.cat([components, alike[:, :, None]], dim=2)

    def moves(self, values, hidden):
        """How far predictions move as each Gaussian moves as if fitted to other rows.

        Networks correct their Gaussian and move with it, as far as predictions are
        blended of them. The sum of all, each with a standard normal number, is how
        far predictions would be from these.

        Parameters
        ----------
        values, hidden :
            As in forward.

        Returns
        -------
        moves : (n_members, n_rows, n_expanded) tensor
            Standardised.
        """
        _, expected, _ = self._inputs(values, hidden, dealt=False)
        deviations = expected - expected[self.jackknife > 0].mean(dim=0)
        visible = 1 - hidden.to(values.dtype).mean(dim=1)
        trust = torch.ones_like(expected[0])[:, :, None].expand(-1, -1, len(COMPONENTS))
        trust = self._blended(trust, visible)
        return deviations * trust * self.jackknife[:, None, None]

    def spread(self, values, hidden, dealt):
        """Standard deviations that the Gaussians leave to hidden cells.

        Parameters
        ----------
        values, hidden, dealt :
            As in components.

        Returns
        -------
        std : (n_members, n_rows, n_values) tensor
            Meaningless where visible.
        """
        visible = (~hidden).to(values.dtype)[:, self.column_of_value]
        return self.gaussian.conditional_std(self._deal(visible, dealt))

    def certain(self, values, hidden):
        """Which hidden cells follow exactly from the visible ones.

        Parameters
        ----------
        values, hidden :
            As in forward.

        Returns
        -------
        certain : (n_rows, n_values) bool tensor
        """
        std = self.spread(values, hidden, dealt=False).amax(dim=0)
        return (std < CERTAIN_STD) & self.exact & hidden[:, self.column_of_value]

    def ranks(self, values, hidden, n_samples, generator):
        """Draw how far into the upper tail of its possible values each cell lies.

        Under the Gaussians, given the visible cells: correlated cells
        lie high or low together. Each member's Gaussian serves a part of the rows.

        Parameters
        ----------
        values, hidden :
            As in forward.
        n_samples : int
        generator : torch.Generator
            On the CPU.

        Returns
        -------
        ranks : (n_samples, n_rows, n_values) tensor in [0, 1]
            Uniform where a cell is hidden; meaningless where visible.
        """
        visible = (~hidden).to(values.dtype)[:, self.column_of_value]
        visible = self._deal(visible, dealt=True)
        std = self.spread(values, hidden, dealt=True)
        drawn = []
        for _ in range(n_samples):
            whole = self.gaussian.draw(visible.shape[1], generator)
            # A whole row less what its visible cells let expect is a draw of what
            # they leave open.
            open_part = whole - self.gaussian(whole, visible)
            ranks = torch.special.ndtr(open_part / std)
            drawn.append(ranks.flatten(0, 1)[: len(values)])
        return torch.stack(drawn)

    def _inputs(self, values, hidden, dealt):
        """Inputs of the members, their Gaussians' expectations, and the mask."""
        rows = self.input(values, hidden)
        # hidden cells show the mean, which is 0 standardised
        standard = (rows[:, : len(self.mean)] - self.mean) / self.std
        visible = (~hidden).to(rows.dtype)[:, self.column_of_value]
        parts = [standard, rows[:, len(self.mean) :]]
        if self.reach is not None:
            parts.append(self.reach(standard, visible == 0))
        parts = [self._deal(part, dealt) for part in parts]
        # Half the digits would not do to solve for the visible cells.
        with torch.autocast(rows.device.type, enabled=False):
            expected = self.gaussian(parts[0], self._deal(visible, dealt))
        hidden = self._deal(hidden, dealt)
        return torch.cat([*parts, expected], dim=2), expected, hidden

    def _deal(self, x, dealt):
        if not dealt:
            return x.expand(self.n_members, -1, -1)
        short = -len(x) % self.n_members
        if short:
            x = torch.cat([x, x[-1:].expand(short, -1)])
        return x.view(self.n_members, len(x) // self.n_members, x.shape[1])

    def _predict(self, inputs, expected, hidden):
        """Units, logits of categories and of bins: (members, rows, ...)."""
        out = self.body(inputs, hidden)
        # With nothing added to the logits of bins: a sum has no gradient to compute.
        base = nn.functional.pad(expected, (0, out.shape[2] - len(self.mean)))
        for category in self.outputs.categories:
            part = category.part
            probabilities = self._as_probabilities(expected[:, :, part], part)
            base[:, :, part] = probabilities.log()
        return out + base

    # -- values ----------------------------------------------------------------

    def _standardised(self, values, part):
        return (values - self.mean[part]) / self.std[part]

    def _as_probabilities(self, standard, part):
        """Turn a Gaussian's idea of indicators into probabilities."""
        values = standard * self.std[part] + self.mean[part]
        values = values.clamp(min=_LEAST_PROBABILITY)
        return values / values.sum(dim=-1, keepdim=True)

    def _blended(self, components, visible):
        """Blend (n_rows, n_expanded, n_components) by the visible share of rows."""
        share = self.visible_share(visible)[:, None]
        first = (components * self.blend[0]).sum(dim=2)
        second = (components * self.blend[1]).sum(dim=2)
        return second + share * (first - second)

    def visible_share(self, visible):
        """1 for rows as visible as in the first set of weights, 0 as in the second."""
        much, little = self.blend_visible[0], self.blend_visible[1]
        return ((visible - little) / (much - little).clamp(min=1e-3)).clamp(0, 1)


class ImputationLoss(nn.Module):
    """Squared error of standardised numbers, cross-entropy of bins and categories.

    Averaged over hidden cells. Missing cells have no target and count nothing.

    Parameters
    ----------
    layout : Layout
    bounds, centers :
        See :class:`ImputationNetwork`.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, layout, bounds, centers):
        super().__init__()
        self.outputs = Outputs(layout)
        self.bins = Bins(bounds, centers)
        mean, std, _ = value_tensors(layout)
        self.register_buffer("mean", mean[self.outputs.numbers.part])
        self.register_buffer("std", std[self.outputs.numbers.part])

    def forward(self, predicted, values, hidden, observed=None, row_weight=None):
        """Mean loss of a batch; see :class:`~skmae.networks.losses.MaskedLoss`."""
        weight = self.cell_weight(hidden, observed, row_weight)
        if observed is not None:
            values = values.masked_fill(~observed, 0.0)
        numbers = self.outputs.numbers
        standard = (numbers.of(values) - self.mean) / self.std
        widths = [self.outputs.n_out, self.bins.n_out]
        predicted, bins = predicted.split(widths, dim=1)
        out = predicted if numbers.are_all else predicted[:, numbers.part]
        cells = (out - standard).square()
        cells = cells + _BINS_WEIGHT * self.bins.loss(bins, standard)
        total = self.outputs.total_loss(cells, predicted, values, weight)
        return total / weight.sum().clamp(min=1e-12)

    @staticmethod
    def cell_weight(hidden, observed=None, row_weight=None):
        """Weight of every cell in the mean: (n_rows, n_columns) float32 tensor."""
        weight = hidden.float()
        return weight if row_weight is None else weight * row_weight[:, None]
