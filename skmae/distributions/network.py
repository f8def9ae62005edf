"""A network that corrects what groups of rows say of hidden cells.

Before it has learned anything, rows are those of a mixture: groups with means and
frequencies of their own, and common correlations of scores. The network reads the
visible cells and what the mixture makes of the hidden ones, and says how that is wrong.
While nothing is visible it says nothing, so that each column by itself stays as it is.
"""

import numpy as np
import torch
from torch import nn

from skmae.data.grid import make_grid
from skmae.distributions.cells import CellDistributions
from skmae.distributions.mixture import MixtureGiven
from skmae.networks.architecture import Reading
from skmae.networks.architectures import ARCHITECTURES
from skmae.networks.weights import ones, weight_generator, zeros

# Edges between which visible scores are also shown by how far they reach. Where columns
# are as many as this, each of them tells less, and has fewer.
MANY_COLUMNS = 129
_EDGES = np.array(
    [-3, -2, -1.5, -1.1, -0.8, -0.5, -0.25, 0, 0.25, 0.5, 0.8, 1.1, 1.5, 2, 3]
)
_FEW_EDGES = np.array([-2, -0.8, 0, 0.8, 2])
_FARTHEST = 5.0
_LEAST_LOG_DENSITY = -30.0


class GeneratorNetwork(nn.Module):
    """Distributions of hidden cells given the visible ones.

    Parameters
    ----------
    layout : Layout
    spec : GeneratorSpec
    seed : int or None
    """

    edges: torch.Tensor
    usual: torch.Tensor
    shrinkage: torch.Tensor

    def __init__(self, layout, spec, seed):
        super().__init__()
        generator = weight_generator(seed)
        self.cells = CellDistributions(
            layout, spec.marginals, spec.mixture, spec.n_bins
        )
        self.mixture = MixtureGiven(spec.mixture)
        edges = _FEW_EDGES if self.cells.n_numeric >= MANY_COLUMNS else _EDGES
        edges_tensor = torch.from_numpy(edges.astype(np.float32))
        self.register_buffer("edges", edges_tensor, persistent=False)
        of_input, of_output = self._columns()
        self.body = ARCHITECTURES[spec.architecture].members(
            1,
            Reading(of_input, of_output, make_grid(layout.n_columns), shared=False),
            spec.hidden_layer_sizes,
            spec.activation,
            generator,
            corrects=True,
        )
        # What is said before anything is learned: how likely a number is like none of
        # its group. And what part of the corrections is believed; see shrinkage.py.
        self.register_buffer("usual", zeros(self.cells.n_out))
        self.register_buffer("shrinkage", ones())

    def forward(self, values, hidden, replacement=None):
        """Correct the mixture, as it is trained.

        Parameters
        ----------
        values : (n_rows, n_columns) tensor
            Encoded; anything finite where hidden.
        hidden : (n_rows, n_columns) bool tensor

        Returns
        -------
        predicted : (n_rows, n_predicted) tensor
            What :meth:`correct` gives, side by side, as
            :meth:`~skmae.distributions.cells.CellDistributions.unpack` takes it apart.
        """
        out, group, mean, std = self.correct(values, hidden)
        return torch.cat([out, group, mean.flatten(1), std], dim=1)

    def correct(self, values, hidden):
        """Corrections, and the mixture that they correct.

        Returns
        -------
        out, group, mean, std : tensors
            As :meth:`~skmae.distributions.cells.CellDistributions.every` reads them.
        """
        inputs, hidden, anything, given = self._read(values, hidden)
        return self._corrected(inputs, hidden, anything), *given

    def corrections(self, values, hidden):
        """Corrections before :meth:`believed`, and the mixture that they correct."""
        inputs, hidden, anything, given = self._read(values, hidden)
        return self._corrections(inputs, hidden, anything), given

    def believed(self, corrections, outputs=None):
        """The part of corrections that is believed, beside what is usual."""
        return corrections * self.shrinkage + self._usual(len(corrections), outputs)

    def given(self, values, hidden, columns):
        """What is known of the cells of some columns, the same ones in all rows.

        Parameters
        ----------
        values, hidden :
            As in :meth:`forward`.
        columns : (n_chosen,) int tensor
            As columns come in ``values``.

        Returns
        -------
        given : Given
        """
        places = self.cells.place[columns]
        inputs, hidden, anything, given = self._read(values, hidden)
        outputs = self.cells.outputs(places)
        out = self.asked(
            outputs.reshape(1, -1),
            lambda of: self._corrected(inputs, hidden, anything, of),
        ).unflatten(1, outputs.shape)
        group, mean, std = given
        return self.cells.some(out, group, mean, std, places)

    def parts(self, values, hidden, columns, shared=None):
        """What is known of one column's cells in each of several parts of the rows.

        Parameters
        ----------
        values, hidden :
            As in :meth:`forward`.
        columns : (n_parts,) int tensor
            That of each part, each with as many rows, one part after the other; as
            columns come in ``values``.
        shared : Shared or None
            What :meth:`shared` gives for the masks of the rows.

        Returns
        -------
        given : Given
        """
        places = self.cells.place[columns]
        inputs, hidden, anything, given = self._read(values, hidden, shared)
        out = self.asked(
            self.cells.outputs(places),
            lambda of: self._corrected(inputs, hidden, anything, of),
        )
        group, mean, std = given
        return self.cells.parts(out, group, mean, std, places)

    def shared(self, hidden):
        """What the mixture computes of masks alone: (n_masks, n_columns) bool."""
        visible = ~hidden.index_select(1, self.cells.order)
        return self.mixture.shared(visible[:, : self.cells.n_numeric])

    def asked(self, outputs, corrected):
        """Corrections that are asked for of each part of the rows; 0 if there is none.

        Parameters
        ----------
        outputs : (n_parts, n_outputs) int tensor
        corrected : callable
            Gives them of outputs that are all there.
        """
        is_given = outputs < self.cells.n_out
        out = corrected(outputs.clamp(max=self.cells.n_out - 1))
        return out * is_given.repeat_interleave(len(out) // len(outputs), dim=0)

    def corrected_after(self, first, anything, outputs=None):
        """Corrections, and what is usual, of what the first layer gives.

        Parameters
        ----------
        first : (n_rows, width) tensor
        anything : (n_rows, 1) float tensor
            1 where any cell of the row is visible.
        outputs : (n_parts, n_outputs) int tensor or None
        """
        if not bool(self.shrinkage):
            return self._usual(len(first), outputs)
        corrections = self.body.after(first[None], outputs)[0].float() * anything
        return self.believed(corrections, outputs)

    def _corrected(self, inputs, hidden, anything, outputs=None):
        if not torch.is_grad_enabled() and not bool(self.shrinkage):
            # Nothing more would be believed.
            return self._usual(len(inputs), outputs)
        corrections = self._corrections(inputs, hidden, anything, outputs)
        return self.believed(corrections, outputs)

    def _usual(self, n_rows, outputs):
        """What is said while nothing is learned."""
        if outputs is None:
            return self.usual.expand(n_rows, -1)
        return self.usual[outputs].repeat_interleave(n_rows // len(outputs), dim=0)

    def _corrections(self, inputs, hidden, anything, outputs=None):
        return self.body(inputs[None], hidden[None], outputs)[0].float() * anything

    def set_strays(self, logit):
        """Say how likely it is, as a logit, that a number is like none of its group."""
        self.usual[self.cells.bins_at[: self.cells.n_numeric, -1]] = logit

    def _read(self, values, hidden, shared=None):
        """Inputs, the mask, whether anything is seen, and what the mixture says."""
        cells, n_numeric = self.cells, self.cells.n_numeric
        columns = torch.arange(cells.n_columns, device=values.device)
        values = cells.in_order(values.masked_fill(hidden, 0.0))
        hidden = hidden.index_select(1, cells.order)
        parts = self.read_cells(values, ~hidden, columns)
        scores, reach, visible, indicators = parts
        seen = visible[:, :n_numeric]
        categories = indicators[:, len(cells.atom_index) :]
        with torch.autocast(values.device.type, enabled=False), torch.no_grad():
            given = self.mixture(scores, seen, categories, shared)
            expected, spread, share = read_given(given, seen)
        parts = [near(scores), reach, visible, expected, spread, indicators, share]
        anything = visible.amax(dim=1, keepdim=True)
        return torch.cat(parts, dim=1), visible == 0, anything, given

    def read_cells(self, values, visible, columns):
        """What is read of the visible cells of some columns, or of all.

        Parameters
        ----------
        values : (n_columns, n_rows) tensor
            0 where hidden.
        visible : (n_rows, n_columns) bool tensor
        columns : (n_columns,) int tensor
            Numbers first, then categories, in order.

        Returns
        -------
        scores, reach, visible, indicators : float tensors with a row for each row
            Scores, how far they reach between edges, what is visible, and one number
            for each atom and category; all of them 0 where a cell is hidden.
        """
        cells, every = self.cells, len(columns) == self.cells.n_columns
        n_numeric = cells.n_numeric if every else int((columns < cells.n_numeric).sum())
        choices = cells.choices(values, columns)
        # Nothing was learned of categories that were never seen.
        unknown = (choices == cells.n_most) & (columns >= cells.n_numeric).unsqueeze(1)
        shown = (visible & ~unknown.T).to(torch.float32)
        seen = shown[:, :n_numeric]
        numbers = slice(0, n_numeric)
        scores = cells.score(values[numbers], choices[numbers], columns[numbers])
        scores = scores.T * seen
        width = self.edges[1:] - self.edges[:-1]
        reach = ((scores.unsqueeze(2) - self.edges[:-1]) / width).clamp(0, 1)
        reach = (reach * seen.unsqueeze(2)).flatten(1)
        place, choice = cells.index_column, cells.index_choice
        if not every:
            at = self.indicators_of(columns)
            place, choice = torch.searchsorted(columns, place[at]), choice[at]
        indicators = (choices.T[:, place] == choice) * shown[:, place]
        return scores, reach, shown, indicators

    def indicators_of(self, columns):
        """Which indicators, of those of all columns, are of some columns."""
        return torch.nonzero(torch.isin(self.cells.index_column, columns)).ravel()

    def _columns(self):
        """The column to which each input and each output belongs."""
        cells = self.cells
        numbers, every = np.arange(cells.n_numeric), np.arange(cells.n_columns)
        choices = cells.index_column.numpy()
        n_groups = len(self.mixture.log_share)
        of_input = [
            numbers,
            np.repeat(numbers, len(self.edges) - 1),
            every,
            numbers,
            numbers,
            choices,
            np.zeros(n_groups, dtype=int),
        ]
        of_output = [choices, every, np.repeat(numbers, cells.n_bins + 1)]
        return np.concatenate(of_input), np.concatenate(of_output)


def read_given(given, seen):
    """What is read of the mixture: expected scores, spread and shares of groups.

    Parameters
    ----------
    given : tuple of tensors
        As :class:`~skmae.distributions.mixture.MixtureGiven` gives them.
    seen : (n_rows, n_numeric) float tensor
        1 where a number is visible.
    """
    group, mean, std = given
    share = group.exp()
    by_group = share.unsqueeze(2)
    expected = (by_group * mean).sum(dim=1)
    between = (by_group * (mean - expected.unsqueeze(1)).square()).sum(dim=1)
    spread = (std.square() + between).log() / 2
    return near(expected) * (1 - seen), spread * (1 - seen), share


def near(scores):
    """Scores, of which none is far out."""
    return scores.clamp(-_FARTHEST, _FARTHEST)


class GeneratorLoss(nn.Module):
    """Minus the log-density of hidden cells, averaged over them within each row.

    Parameters
    ----------
    layout, spec :
        See :class:`GeneratorNetwork`.
    """

    def __init__(self, layout, spec):
        super().__init__()
        self.cells = CellDistributions(
            layout, spec.marginals, spec.mixture, spec.n_bins
        )

    def forward(self, predicted, values, hidden, observed=None, row_weight=None):
        """Mean loss of a batch; see :class:`~skmae.networks.losses.MaskedLoss`."""
        if observed is not None:
            values = values.masked_fill(~observed, 0.0)
        out, group, mean, std = self.cells.unpack(predicted)
        return self.of(out, group, mean, std, values, hidden, row_weight)

    def of(self, out, group, mean, std, values, hidden, row_weight=None):
        """Mean loss of what :meth:`GeneratorNetwork.correct` gives."""
        cells, weight = self.cells, self.cell_weight(hidden, None, row_weight)
        given = cells.every(out, group, mean, std)
        log_density = cells.log_density(given, cells.in_order(values))
        # A cell that is all but impossible should not outweigh all others.
        log_density = log_density.clamp(min=_LEAST_LOG_DENSITY)
        total = (log_density * cells.in_order(weight)).sum()
        return -total / weight.sum().clamp(min=1e-12)

    @staticmethod
    def cell_weight(hidden, observed=None, row_weight=None):
        """Weight of every cell in the mean; see :class:`MaskedLoss`."""
        weight = hidden.float() / hidden.sum(dim=1, keepdim=True).clamp(min=1)
        return weight if row_weight is None else weight * row_weight[:, None]
