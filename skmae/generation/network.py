"""A network that says what a hidden cell may be, as a correction of a Gaussian's word.

Numbers are seen as normal scores. A Gaussian over the scores gives each hidden one a
mean g and a deviation s, whatever is visible; the network says how that is wrong: by
logits over equal bins of Phi((z - g) / s), and over the atoms of a column. Before it
has learned anything, rows are those of a Gaussian copula.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from skmae.data.grid import make_grid
from skmae.networks.architecture import Reading
from skmae.networks.architectures import ARCHITECTURES
from skmae.networks.gaussian import GaussianMembers
from skmae.networks.weights import ones, weight_generator

# Edges between which visible scores are also shown by how far they reach.
_EDGES = np.array([-3, -2, -1.5, -1.1, -0.8, -0.5, -0.25, 0, 0.25, 0.5, 0.8, 1.1, 1.5, 2, 3])
_LEAST_STD = 1e-3
# Probability, before it is learned, that a number does not follow the Gaussian.
_STRAY_LOGIT = -4.0
# Share of a column that is not worth bins of its own.
_MOST_STRAYS = 0.06
_LOG_ROOT = 0.5 * np.log(2 * np.pi)


class Told(NamedTuple):
    """What the network says of cells.

    Attributes
    ----------
    choice : (n_rows, n_columns, n_most + 1) tensor
        Log-probabilities of atoms and categories, and last of all others.
    bins : (n_rows, n_numeric, n_bins + 1) tensor
        Log-probabilities of the bins of a number that is no atom, and last of its not
        following the Gaussian.
    mean, std : (n_rows, n_numeric) tensor
        Of the score, under the Gaussian.
    """

    choice: torch.Tensor
    bins: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor


class CellLaw(nn.Module):
    """Scores, atoms and densities of cells.

    Parameters
    ----------
    layout : Layout
    marginals : Marginals
    n_bins : int
    """

    def __init__(self, layout, marginals, n_bins):
        super().__init__()
        self.n_numeric, self.n_columns = len(layout.numeric), layout.n_columns
        self.n_bins = n_bins
        sizes = np.isfinite(marginals.atoms).sum(axis=1)
        self.sizes = [*sizes.tolist(), *layout.cardinalities]
        self.n_most = max(self.sizes, default=0)
        frequencies = layout.means[self.n_numeric :]
        shares = np.zeros((len(self.sizes), self.n_most + 1), dtype=np.float32)
        n_of_numbers = marginals.atoms.shape[1]
        shares[: self.n_numeric, :n_of_numbers] = marginals.shares[:, :-1]
        shares[: self.n_numeric, -1] = marginals.shares[:, -1]
        start = 0
        for j, size in enumerate(layout.cardinalities):
            part = frequencies[start : start + size]
            shares[self.n_numeric + j, :size] = part / max(part.sum(), 1e-12)
            start += size
        numeric = np.array(layout.numeric, dtype=np.int64)
        # Columns in this order: numbers first.
        order = np.concatenate([numeric, np.array(layout.categorical, dtype=np.int64)])
        present = np.arange(self.n_most + 1) < np.array(self.sizes)[:, None]
        present[:, -1] = shares[:, -1] > 0
        for name, array in (
            ("order", order),
            ("place", np.argsort(order)),
            ("atoms", marginals.atoms),
            ("low", marginals.low),
            ("high", marginals.high),
            ("shares", shares),
            ("present", present),
            ("knots", marginals.knots.astype(np.float32)),
            ("scores", marginals.scores.astype(np.float32)),
            ("quantiles", marginals.quantiles),
            ("repeats", marginals.repeats),
        ):
            self.register_buffer(name, torch.from_numpy(np.array(array)))
        # Atoms and categories, column by column, among all places for them.
        width = self.n_most + 1
        index = [j * width + k for j, size in enumerate(self.sizes) for k in range(size)]
        self.register_buffer("indicator", torch.tensor(index, dtype=torch.long))
        # Numbers that a network gives: for each atom or category, for all others of
        # each column, and last for bins.
        self.n_chosen = len(index) + self.n_columns
        # Numbers of which some, beside a few strays, are no atoms.
        binned = np.flatnonzero(marginals.shares[:, -1] > _MOST_STRAYS)
        self.register_buffer("binned", torch.from_numpy(binned))
        self.n_out = self.n_chosen + len(binned) * (n_bins + 1)
        place = np.full((self.n_columns, width), self.n_chosen)
        place.ravel()[index] = np.arange(len(index))
        place[:, -1] = len(index) + np.arange(self.n_columns)
        self.register_buffer("choice_place", torch.from_numpy(place.ravel()))

    def choices(self, values):
        """Atom or category of each cell, in order; n_most where it is none.

        (n_rows, n_columns), NaN as anything -> the same, int64
        """
        values = values.index_select(1, self.order)
        numbers, categories = values[:, : self.n_numeric], values[:, self.n_numeric :]
        if self.atoms.shape[1] == 0:
            chosen = torch.full_like(numbers, self.n_most, dtype=torch.long)
        else:
            at = torch.searchsorted(self.atoms, numbers.T.contiguous()).T
            at = at.clamp(max=self.atoms.shape[1] - 1)
            found = self.atoms.gather(1, at.T).T == numbers
            chosen = torch.where(found, at, self.n_most)
        return torch.cat([chosen, categories.long()], dim=1)

    def score(self, values):
        """Scores of numbers: (n_rows, n_columns) -> (n_rows, n_numeric)."""
        numbers = values.index_select(1, self.order[: self.n_numeric])
        scores = interpolate(numbers, self.knots, self.scores)[0]
        if self.atoms.shape[1] == 0:
            return scores
        chosen = self.choices(values)[:, : self.n_numeric]
        at = chosen.clamp(max=self.atoms.shape[1] - 1)
        middle = (self.low + self.high) / 2
        middle = torch.where(torch.isfinite(middle), middle, 0.0)
        return torch.where(chosen < self.n_most, middle.gather(1, at.T).T, scores)

    def number(self, scores):
        """Numbers of the smooth parts with these scores: (n_rows, n_numeric)."""
        n_quantiles = self.quantiles.shape[1]
        position = torch.special.ndtr(scores.T) * n_quantiles
        step = position.long().clamp(0, n_quantiles - 1)
        below = (position - 0.5).floor().long().clamp(0, max(n_quantiles - 2, 0))
        part = (position - 0.5 - below).clamp(0, 1)
        above = (below + 1).clamp(max=n_quantiles - 1)
        low, high = self.quantiles.gather(1, below), self.quantiles.gather(1, above)
        between = low + part * (high - low)
        exact = self.quantiles.gather(1, step)
        return torch.where(self.repeats[:, None], exact, between).T

    def told(self, predicted):
        """What a network's prediction says: Told.

        Parameters
        ----------
        predicted : (n_rows, n_out + 2 * n_numeric) tensor
            Corrections, and the Gaussian's means and deviations.
        """
        out, mean, std = predicted.split(
            [self.n_out, self.n_numeric, self.n_numeric], dim=1
        )
        n_rows = len(out)
        logits = torch.cat(
            [out[:, : self.n_chosen], out.new_zeros(n_rows, 1)], dim=1
        ).index_select(1, self.choice_place)
        logits = logits.view(n_rows, len(self.sizes), self.n_most + 1).float()
        choice = (logits + self._prior(mean, std)).log_softmax(dim=2)
        bins = out[:, self.n_chosen :].unflatten(1, (-1, self.n_bins + 1)).float()
        stray = bins[:, :, -1:] + _STRAY_LOGIT
        bins = torch.cat(
            [bins[:, :, :-1].log_softmax(dim=2) + F.logsigmoid(-stray), F.logsigmoid(stray)],
            dim=2,
        )
        if len(self.binned) < self.n_numeric:
            # Strays among atoms are by themselves.
            every = bins.new_full((n_rows, self.n_numeric, self.n_bins + 1), -torch.inf)
            every[:, :, -1] = 0.0
            bins = every.index_copy(1, self.binned, bins)
        return Told(choice, bins, mean, std)

    def _prior(self, mean, std):
        """Log-probabilities of atoms, categories and others under the Gaussian."""
        prior = self.shares.clamp(min=1e-12).log()
        prior = prior.masked_fill(~self.present, -torch.inf)
        n_atoms = self.atoms.shape[1]
        if n_atoms == 0:
            return prior
        prior = prior.expand(len(mean), -1, -1).clone()
        low = (self.low - mean.unsqueeze(2)) / std.unsqueeze(2)
        high = (self.high - mean.unsqueeze(2)) / std.unsqueeze(2)
        mass = torch.special.ndtr(high) - torch.special.ndtr(low)
        # Beside what the Gaussian says stands the share of the atom, a little.
        share = self.shares[: self.n_numeric, :n_atoms]
        mass = 0.98 * mass.nan_to_num(0.0) + 0.02 * share
        mass = mass * (1 - self.shares[: self.n_numeric, -1:])
        numbers = prior[:, : self.n_numeric, :n_atoms]
        prior[:, : self.n_numeric, :n_atoms] = torch.where(
            self.present[: self.n_numeric, :n_atoms],
            mass.clamp(min=1e-12).log(),
            numbers,
        )
        return prior

    # -- densities and draws -----------------------------------------------------

    def log_density(self, told, values):
        """Log-probability or log-density of each cell, in the order of the self.

        Of numbers in scaled units.

        Parameters
        ----------
        told : Told
        values : (n_rows, n_columns) tensor
            Cells; anything finite where missing.

        Returns
        -------
        log_density : (n_rows, n_columns) tensor
        """
        chosen = self.choices(values)
        log_density = told.choice.gather(2, chosen.unsqueeze(2)).squeeze(2)
        if self.n_numeric == 0:
            return log_density
        numbers = values.index_select(1, self.order[: self.n_numeric])
        scores, slope = interpolate(numbers, self.knots, self.scores)
        smooth = self._log_smooth(told, scores) + slope.log()
        is_smooth = chosen[:, : self.n_numeric] == self.n_most
        of_numbers = log_density[:, : self.n_numeric]
        of_numbers = of_numbers + torch.where(is_smooth, smooth, 0.0)
        return torch.cat([of_numbers, log_density[:, self.n_numeric :]], dim=1)

    def _log_smooth(self, told, scores):
        """Log-density of scores of numbers that are no atoms."""
        standard = (scores - told.mean) / told.std
        place = torch.special.ndtr(standard) * self.n_bins
        place = place.long().clamp(0, self.n_bins - 1)
        likely = told.bins.gather(2, place.unsqueeze(2)).squeeze(2)
        likely = likely + np.log(self.n_bins) - told.std.log() - standard.square() / 2
        stray = told.bins[:, :, -1] - scores.square() / 2
        return torch.logaddexp(likely, stray) - _LOG_ROOT

    def draw(self, told, generator):
        """Draw every cell by itself: (n_rows, n_columns) in the columns' own order."""

        def uniform(*shape):
            return torch.rand(shape, generator=generator, dtype=torch.float32, device=generator.device)

        def pick(log_probabilities):
            cumulative = log_probabilities.exp().cumsum(dim=-1)
            threshold = uniform(*cumulative.shape[:-1], 1) * cumulative[..., -1:]
            return (cumulative <= threshold).sum(dim=-1)

        chosen = pick(told.choice).clamp(max=self.n_most)
        cells = chosen.float()
        if self.n_numeric:
            n_rows = len(cells)
            place = pick(told.bins).clamp(max=self.n_bins)
            u = (place + uniform(n_rows, self.n_numeric)) / self.n_bins
            normal = torch.special.ndtri(u.clamp(1e-7, 1 - 1e-7))
            stray = torch.special.ndtri(uniform(n_rows, self.n_numeric).clamp(1e-7, 1 - 1e-7))
            scores = torch.where(place < self.n_bins, told.mean + told.std * normal, stray)
            numbers = self.number(scores)
            if self.atoms.shape[1]:
                at = chosen[:, : self.n_numeric].clamp(max=self.atoms.shape[1] - 1)
                atom = self.atoms.gather(1, at.T).T
                is_atom = chosen[:, : self.n_numeric] < self.n_most
                numbers = torch.where(is_atom, atom, numbers)
            cells = torch.cat([numbers, cells[:, self.n_numeric :]], dim=1)
        return cells.index_select(1, self.place)


def interpolate(x, knots, heights):
    """Piecewise-linear functions, one for each column, going on beyond their ends.

    Returns
    -------
    y, slope : (n_rows, n_columns) tensors
    """
    at = torch.searchsorted(knots, x.T.contiguous()).clamp(1, knots.shape[1] - 1)
    x0, x1 = knots.gather(1, at - 1), knots.gather(1, at)
    y0, y1 = heights.gather(1, at - 1), heights.gather(1, at)
    slope = (y1 - y0) / (x1 - x0)
    return (y0 + (x.T - x0) * slope).T, slope.T


class GeneratorNetwork(nn.Module):
    """Probabilities of hidden cells given the visible ones.

    Parameters
    ----------
    layout : Layout
    spec : GeneratorSpec
    seed : int or None
    """

    def __init__(self, layout, spec, seed):
        super().__init__()
        generator = weight_generator(seed)
        self.law = CellLaw(layout, spec.marginals, spec.n_bins)
        tables = self.law
        n_numeric, n_columns = tables.n_numeric, layout.n_columns
        self.gaussian = GaussianMembers(1, max(n_numeric, 1))
        self.register_buffer("edges", torch.from_numpy(_EDGES.astype(np.float32)))
        column = np.repeat(np.arange(n_columns), tables.sizes).astype(int)
        numbers, binned = np.arange(n_numeric), tables.binned.numpy()
        of_input = np.concatenate(
            [
                numbers,
                np.repeat(binned, len(_EDGES) - 1),
                np.arange(n_columns),
                numbers,
                numbers,
                column,
            ]
        )
        # Of each column: its atoms or categories, all others, then its bins.
        chosen = np.concatenate([column, np.arange(n_columns)])
        of_output = np.concatenate([chosen, np.repeat(binned, spec.n_bins + 1)])
        self.n_members = spec.n_members
        self.body = ARCHITECTURES[spec.architecture].members(
            spec.n_members,
            Reading(of_input, of_output, make_grid(n_columns), shared=False),
            spec.hidden_layer_sizes,
            spec.activation,
            generator,
            corrects=True,
        )
        # By what the mean of the members' corrections is multiplied.
        self.register_buffer("shrinkage", ones())

    def forward(self, values, hidden, replacement=None):
        """Let each member correct the Gaussian on its part of the rows.

        What comes out is read by :meth:`CellLaw.told`.
        """
        inputs, hidden, seen, mean, std = self._inputs(values, hidden)
        dealt = (inputs.unflatten(0, (self.n_members, -1)) for inputs in (inputs, hidden))
        out = self.body(*dealt).flatten(0, 1)
        return torch.cat([out.float() * seen, mean, std], dim=1)

    def blend(self, values, hidden, member=None):
        """The shrunken mean of all members' corrections, or those of one member."""
        inputs, hidden, seen, mean, std = self._inputs(values, hidden)
        every = (self.n_members, -1, -1)
        out = self.body(inputs.expand(every), hidden.expand(every)).float()
        out = out.mean(dim=0) * self.shrinkage if member is None else out[member]
        return torch.cat([out * seen, mean, std], dim=1)

    def _expected(self, scores, seen):
        if self.law.n_numeric == 0:
            return scores, scores
        with torch.autocast(scores.device.type, enabled=False):
            mean = self.gaussian(scores.float()[None], seen[None])[0]
            std = self.gaussian.conditional_std(seen[None])[0]
        return mean, std.clamp(min=_LEAST_STD)

    def _inputs(self, values, hidden):
        """What members read, the mask, whether anything is seen, and the Gaussian."""
        law = self.law
        visible = (~hidden).to(torch.float32).index_select(1, law.order)
        values = values.masked_fill(hidden, 0.0)
        seen = visible[:, : law.n_numeric]
        scores = law.score(values) * seen
        mean, std = self._expected(scores, seen)
        width = self.edges[1:] - self.edges[:-1]
        binned = scores.index_select(1, law.binned).unsqueeze(2)
        reach = ((binned - self.edges[:-1]) / width).clamp(0, 1)
        reach = reach * seen.index_select(1, law.binned).unsqueeze(2)
        indicators = F.one_hot(law.choices(values), law.n_most + 1).to(visible)
        indicators = (indicators * visible.unsqueeze(2)).flatten(1)
        unseen = 1 - seen
        parts = [
            scores.clamp(-5, 5),
            reach.flatten(1),
            visible,
            mean.clamp(-5, 5) * unseen,
            std.log() * unseen,
            indicators.index_select(1, law.indicator),
        ]
        # With nothing to see there is nothing to correct.
        anything = visible.amax(dim=1, keepdim=True)
        return torch.cat(parts, dim=1), visible == 0, anything, mean, std


class GeneratorLoss(nn.Module):
    """Minus the log-density of hidden cells, averaged over them within each row.

    Parameters
    ----------
    layout, marginals, n_bins :
        See :class:`CellLaw`.
    """

    def __init__(self, layout, marginals, n_bins):
        super().__init__()
        self.law = CellLaw(layout, marginals, n_bins)

    def forward(self, predicted, values, hidden, observed=None, row_weight=None):
        """Mean loss of a batch; see :class:`~skmae.networks.losses.MaskedLoss`."""
        weight = self.cell_weight(hidden, observed, row_weight)
        weight = weight.index_select(1, self.law.order)
        if observed is not None:
            values = values.masked_fill(~observed, 0.0)
        log_density = self.law.log_density(self.law.told(predicted), values)
        total = (log_density.clamp(min=-30) * weight).sum()
        return -total / weight.sum().clamp(min=1e-12)

    @staticmethod
    def cell_weight(hidden, observed=None, row_weight=None):
        """Weight of every cell in the mean: (n_rows, n_columns) float32 tensor."""
        weight = hidden.float()
        weight = weight / weight.sum(dim=1, keepdim=True).clamp(min=1)
        return weight if row_weight is None else weight * row_weight[:, None]
