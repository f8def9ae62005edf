"""Distributions of single cells: probabilities of atoms and categories, and densities.

Numbers are described by their normal scores. What groups of rows say of a hidden score
is a mixture of normal distributions with distribution function F; a network corrects
it by weights of equal bins of F(score), and by the logits of atoms and categories.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from skmae.distributions.atoms import (
    choice_probabilities,
    edges_of_atoms,
    frequencies_of_groups,
    masses_of_columns,
    places_of_choices,
    score_of,
)
from skmae.distributions.curves import (
    curves_of_all,
    interpolate,
    mass_below,
    normal_rank,
    quantile,
)

_LEAST_MASS = 1e-6
_LOG_ROOT = 0.5 * np.log(2 * np.pi)
_FARTHEST = 30.0  # score; further out the density is no different from 0


class Given(NamedTuple):
    """What is known of the cells of some columns.

    The first axis is that of columns, the second that of rows. One column of each row
    is written as many columns of one row each.

    Attributes
    ----------
    columns : (n_columns,) int tensor
        Numbers first, then categories.
    choice : (n_columns, n_rows, n_most + 1) tensor
        Log-probabilities of atoms or categories, and last of all other values.
    bins : (n_columns, n_rows, n_bins) tensor
        Log-probabilities of the bins of a number that is no atom, if it is like
        others of its group.
    stray : (n_columns, n_rows) tensor
        How probable it is, as a logit, that it is like none of them.
    group : (1 or n_columns, n_rows, n_groups) tensor
        Log-probabilities of groups.
    mean : (n_columns, n_rows, n_groups) tensor
        Of the score in each group.
    std : (n_columns, n_rows) tensor
        Of the score in any group.
    cumulative : (n_columns, n_rows, n_most + 1) tensor
        Probability, in the groups, of so many of the lowest atoms together; 0 in
        columns that do not have both atoms and other numbers.
    """

    columns: torch.Tensor
    choice: torch.Tensor
    bins: torch.Tensor
    stray: torch.Tensor
    group: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor
    cumulative: torch.Tensor


class CellDistributions(nn.Module):
    """Scores, atoms and densities of the cells of a table.

    Parameters
    ----------
    layout : Layout
    marginals : Marginals
    mixture : Mixture
    n_bins : int
    """

    order: torch.Tensor
    place: torch.Tensor
    atoms: torch.Tensor
    low: torch.Tensor
    middle: torch.Tensor
    high: torch.Tensor
    shares: torch.Tensor
    mixed: torch.Tensor
    below: torch.Tensor
    smooth: torch.Tensor
    usual: torch.Tensor
    frequencies: torch.Tensor
    absent: torch.Tensor
    never: torch.Tensor
    knots: torch.Tensor
    scores: torch.Tensor
    index_column: torch.Tensor
    index_choice: torch.Tensor
    atom_index: torch.Tensor
    edges: torch.Tensor
    edge_column: torch.Tensor
    low_at: torch.Tensor
    high_at: torch.Tensor
    choice_at: torch.Tensor
    bins_at: torch.Tensor

    def __init__(self, layout, marginals, mixture, n_bins):
        super().__init__()
        self.n_numeric, self.n_columns = len(layout.numeric), layout.n_columns
        self.n_bins, self.n_groups = n_bins, len(mixture.log_share)
        n_atoms = marginals.atoms.shape[1]
        sizes = np.isfinite(marginals.atoms).sum(axis=1)
        sizes = [*sizes.tolist(), *layout.cardinalities]
        self.n_most = max(sizes, default=0)
        width = self.n_most + 1
        shape = (4, self.n_columns, self.n_most)
        atoms, low, middle, high = np.full(shape, np.inf, np.float32)
        atoms[: self.n_numeric, :n_atoms] = marginals.atoms
        low[: self.n_numeric, :n_atoms] = marginals.low
        middle[: self.n_numeric, :n_atoms] = marginals.middle
        high[: self.n_numeric, :n_atoms] = marginals.high
        # Of numbers, over all rows; of categories, in each group.
        shares = np.zeros((self.n_numeric, width), dtype=np.float32)
        shares[:, :n_atoms] = marginals.shares[:, :-1]
        shares[:, -1] = marginals.shares[:, -1]
        mixed = np.zeros(self.n_columns, dtype=bool)
        mixed[: self.n_numeric] = (shares[:, :-1] > 0).any(1) & ~marginals.only_atoms
        below = np.zeros((self.n_columns, width), dtype=np.float32)
        below[: self.n_numeric, 1:] = np.cumsum(shares[:, :-1], axis=1)
        smooth = np.ones(self.n_columns, dtype=np.float32)
        smooth[: self.n_numeric] = shares[:, -1]
        usual = masses_of_columns(mixture, marginals, width)
        frequencies = frequencies_of_groups(layout, mixture, width)
        absent = np.concatenate([shares == 0, frequencies[:, 0] == 0])
        never = absent.copy()
        never[self.n_numeric :, -1] = True
        never[: self.n_numeric, -1] |= marginals.only_atoms
        numeric = np.array(layout.numeric, dtype=np.int64)
        order = np.concatenate([numeric, np.array(layout.categorical, dtype=np.int64)])
        # Where atoms and categories are, and atoms alone, among all (column, choice).
        index = places_of_choices(sizes, width)
        atom_index = places_of_choices(sizes[: self.n_numeric], width)
        # What a network gives: logits of atoms and categories, of all others by
        # column, and of bins; then follows a zero for all that it does not give.
        self.n_out = len(index) + self.n_columns + self.n_numeric * (n_bins + 1)
        choice_at = np.full(self.n_columns * width, self.n_out)
        choice_at[index] = np.arange(len(index))
        choice_at = choice_at.reshape(-1, width)
        choice_at[:, -1] = len(index) + np.arange(self.n_columns)
        bins_at = np.full((self.n_columns, n_bins + 1), self.n_out)
        first = len(index) + self.n_columns
        bins_at[: self.n_numeric] = np.arange(first, self.n_out).reshape(-1, n_bins + 1)
        edges, edge_column, low_at, high_at = edges_of_atoms(
            low, high, atom_index, width
        )
        for name, array in (
            ("order", order),
            ("place", np.argsort(order)),
            ("atoms", atoms),
            ("low", low),
            ("middle", middle),
            ("high", high),
            ("shares", shares),
            ("mixed", mixed),
            ("below", below),
            ("smooth", smooth),
            ("usual", usual),
            ("frequencies", frequencies),
            ("absent", absent),
            ("never", never),
            ("knots", curves_of_all(marginals.knots, self.n_columns)),
            ("scores", curves_of_all(marginals.scores, self.n_columns)),
            ("index_column", index // width),
            ("index_choice", index % width),
            ("atom_index", atom_index),
            ("edges", edges),
            ("edge_column", edge_column),
            ("low_at", low_at),
            ("high_at", high_at),
            ("choice_at", choice_at),
            ("bins_at", bins_at),
        ):
            tensor = torch.from_numpy(np.ascontiguousarray(array))
            self.register_buffer(name, tensor, persistent=False)

    # -- what a cell is ----------------------------------------------------------

    def in_order(self, values):
        """Cells column by column: (n_rows, n_columns) -> (n_columns, n_rows)."""
        return values.T.index_select(0, self.order).contiguous()

    def choices(self, cells, columns):
        """Atom or category of each cell, n_most where it is none: int64.

        Parameters
        ----------
        cells : (n_columns, n_rows) tensor
            A category that was never seen is negative.
        columns : (n_columns,) int tensor
        """
        codes = cells.long()
        codes = torch.where((codes < 0) | (codes > self.n_most), self.n_most, codes)
        if self.n_most == 0:
            return torch.zeros_like(codes)
        atoms = self.atoms[columns]
        at = torch.searchsorted(atoms, cells).clamp(max=self.n_most - 1)
        at = torch.where(atoms.gather(1, at) == cells, at, self.n_most)
        return torch.where((columns < self.n_numeric).unsqueeze(1), at, codes)

    def is_smooth(self, values):
        """Cells that have a density: observed numbers that are no atoms.

        (n_rows, n_columns) float32 array -> (n_rows, n_numeric) bool array
        """
        cells = self.in_order(torch.from_numpy(values).to(self.order.device))
        columns = torch.arange(self.n_columns, device=cells.device)
        choices = self.choices(cells.nan_to_num(0.0), columns)
        smooth = (choices == self.n_most) & ~torch.isnan(cells)
        return smooth[: self.n_numeric].T.cpu().numpy()

    def numeric_atoms(self):
        """Atoms of numeric columns, infinite where there are fewer, as an array."""
        return self.atoms[: self.n_numeric].cpu().numpy().astype(np.float64)

    def score(self, cells, choices, columns):
        """Scores of numbers: (n_columns, n_rows), as choices and columns."""
        scores, _ = interpolate(cells, self.knots[columns], self.scores[columns])
        if self.n_most == 0:
            return scores
        at = choices.clamp(max=self.n_most - 1)
        scores = self._among_all(scores, self._n_below(cells, columns), columns)
        of_atoms = self.middle[columns].gather(1, at)
        return torch.where(choices < self.n_most, of_atoms, scores)

    def _n_below(self, cells, columns):
        """How many atoms of its column are below each number."""
        return torch.searchsorted(self.atoms[columns], cells.contiguous())

    def _among_all(self, score, n_below, columns):
        """Scores by ranks among all numbers, of scores within the smooth part."""
        smooth, mixed = (part[columns, None] for part in (self.smooth, self.mixed))
        below = self.below[columns].gather(1, n_below)
        above = (1 - smooth - below).clamp(min=0)
        low = below + smooth * normal_rank(score)
        high = above + smooth * normal_rank(-score)
        return torch.where(mixed, score_of(low, high), score)

    def _within_smooth(self, score, n_below, columns):
        """The way back from scores among all numbers."""
        smooth, mixed = (part[columns, None] for part in (self.smooth, self.mixed))
        below = self.below[columns].gather(1, n_below)
        above = (1 - smooth - below).clamp(min=0)
        low = (normal_rank(score) - below) / smooth
        high = (normal_rank(-score) - above) / smooth
        return torch.where(mixed, score_of(low, high), score)

    # -- what a network's output says --------------------------------------------

    def unpack(self, predicted):
        """Corrections and the mixture, of what a network gives in training."""
        n_groups = self.n_groups
        sizes = [self.n_out, n_groups, n_groups * self.n_numeric, self.n_numeric]
        out, group, mean, std = predicted.split(sizes, dim=1)
        group, mean, std = group.detach(), mean.detach(), std.detach()
        return out, group, mean.unflatten(1, (n_groups, self.n_numeric)), std

    def every(self, out, group, mean, std):
        """Read what is said of every cell: Given.

        Parameters
        ----------
        out : (n_rows, n_out) tensor
        group, mean, std :
            As :class:`~skmae.distributions.mixture.MixtureGiven` gives them.
        """
        out = out.float()
        n_choices = self.n_out - self.n_numeric * (self.n_bins + 1)
        # Bins stand in the order of the columns, numbers first.
        bins = out[:, n_choices:].unflatten(1, (self.n_numeric, self.n_bins + 1))
        bins = bins.transpose(0, 1)
        if self.n_numeric < self.n_columns:
            bins = F.pad(bins, (0, 0, 0, 0, 0, self.n_columns - self.n_numeric))
        at = self.choice_at.clamp(max=n_choices)
        logits = F.pad(out[:, :n_choices], (0, 1)).index_select(1, at.ravel())
        logits = logits.unflatten(1, at.shape).transpose(0, 1)
        group = group.unsqueeze(0)
        mean, std = self._by_column(mean, std)
        # Atoms side by side have an edge in common.
        below = self._mass_below_edges(group[0], mean, std)
        masses = out.new_zeros(self.n_numeric * (self.n_most + 1), len(out))
        masses[self.atom_index] = below[self.high_at] - below[self.low_at]
        masses = masses.unflatten(0, (self.n_numeric, self.n_most + 1)).transpose(1, 2)
        share = self.shares.unsqueeze(1)
        numbers = choice_probabilities(
            masses, share, self.usual.unsqueeze(1), self.mixed[: self.n_numeric, None]
        )
        categories = group.exp() @ self.frequencies
        prior = torch.cat([numbers, categories])
        columns = torch.arange(self.n_columns, device=out.device)
        masses = F.pad(masses, (0, 0, 0, 0, 0, self.n_columns - self.n_numeric))
        return self._given(columns, logits, prior, bins, group, mean, std, masses)

    def outputs(self, columns):
        """Which outputs of a network are read of a column; n_out where there is none.

        Returns
        -------
        outputs : (n_columns, n_outputs) int tensor
            Of choices, and then of bins.
        """
        return torch.cat([self.choice_at[columns], self.bins_at[columns]], dim=1)

    def some(self, out, group, mean, std, columns):
        """Read what is said of the cells of some columns: Given.

        Parameters
        ----------
        out : (n_rows, n_chosen, n_outputs) tensor
            The :meth:`outputs` of these columns, 0 where there is none.
        group, mean, std :
            As in :meth:`every`.
        columns : (n_chosen,) int tensor
        """
        logits, bins = self._split(out.transpose(0, 1))
        mean, std = self._by_column(mean, std)
        of_columns = mean[columns], std[columns]
        return self._read(columns, logits, bins, group.unsqueeze(0), *of_columns)

    def parts(self, out, group, mean, std, columns):
        """Read what is said of one column's cells in each of several parts of the rows.

        Parameters
        ----------
        out : (n_rows, n_outputs) tensor
            The :meth:`outputs` of each row's column, 0 where there is none.
        group, mean, std :
            As in :meth:`every`.
        columns : (n_chosen,) int tensor
            That of each part, each with as many rows, one part after the other.

        Returns
        -------
        given : Given
        """
        parts = (len(columns), -1)
        logits, bins = self._split(out.unflatten(0, parts))
        mean, std = (part.unflatten(1, parts) for part in self._by_column(mean, std))
        part = torch.arange(len(columns), device=columns.device)
        of_columns = mean[columns, part], std[columns, part]
        return self._read(columns, logits, bins, group.unflatten(0, parts), *of_columns)

    def _split(self, out):
        return out.split([self.n_most + 1, self.n_bins + 1], dim=2)

    def single(self, out, group, mean, std, columns):
        """Read what is said of one cell of each row: Given.

        Parameters
        ----------
        out, group, mean, std :
            As in :meth:`every`.
        columns : (n_rows,) int tensor
            Numbers first, then categories.
        """
        out = F.pad(out.float(), (0, 1))
        logits = out.gather(1, self.choice_at[columns]).unsqueeze(1)
        bins = out.gather(1, self.bins_at[columns]).unsqueeze(1)
        mean, std = self._by_column(mean, std)
        row = torch.arange(len(out), device=out.device)
        mean, std = mean[columns, row].unsqueeze(1), std[columns, row].unsqueeze(1)
        return self._read(columns, logits, bins, group.unsqueeze(1), mean, std)

    def _read(self, columns, logits, bins, group, mean, std):
        """Read cells column by column, each with masses of atoms of its own."""
        prior = torch.zeros_like(logits)
        masses = torch.zeros_like(prior)
        of_column = group.expand(len(columns), -1, -1)
        number = columns < self.n_numeric
        if number.any():
            of = columns[number]
            parts = of_column[number], mean[number], std[number]
            group_of, mean_of, std_of = (part.unsqueeze(2) for part in parts)
            low, high = self.low[of].unsqueeze(1), self.high[of].unsqueeze(1)
            of_atoms = mass_below(high, group_of, mean_of, std_of)
            of_atoms = of_atoms - mass_below(low, group_of, mean_of, std_of)
            masses[number] = F.pad(of_atoms.nan_to_num(0.0), (0, 1))
            prior[number] = choice_probabilities(
                masses[number],
                self.shares[of].unsqueeze(1),
                self.usual[of].unsqueeze(1),
                self.mixed[of, None],
            )
        if not number.all():
            of = columns[~number] - self.n_numeric
            prior[~number] = of_column[~number].exp() @ self.frequencies[of]
        return self._given(columns, logits, prior, bins, group, mean, std, masses)

    def _mass_below_edges(self, group, mean, std):
        """Probability below each edge of an atom: (n_edges, n_rows).

        As :func:`mass_below`, but group by group, which stays in the cache.
        """
        scale = np.sqrt(0.5) / std
        # (n_groups, n_columns, n_rows)
        centres = (mean * scale.unsqueeze(2)).permute(2, 0, 1).contiguous()
        edges = self.edges.unsqueeze(1) * scale.index_select(0, self.edge_column)
        total, standard = torch.full_like(edges, 0.5), torch.empty_like(edges)
        for share, centre in zip(group.exp().T / 2, centres, strict=True):
            torch.index_select(centre, 0, self.edge_column, out=standard)
            torch.sub(edges, standard, out=standard)
            total.addcmul_(standard.erf_(), share)
        return total

    def _by_column(self, mean, std):
        """Column first, with nothing for categories."""
        n_others = self.n_columns - self.n_numeric
        mean = F.pad(mean.permute(2, 0, 1), (0, 0, 0, 0, 0, n_others))
        return mean, F.pad(std.T, (0, 0, 0, n_others), value=1.0)

    def _given(self, columns, logits, prior, bins, group, mean, std, masses):
        prior = prior.clamp(min=1e-12).log()
        prior = prior.masked_fill(self.absent[columns].unsqueeze(1), -torch.inf)
        bins, stray = bins[:, :, :-1].log_softmax(dim=2), bins[:, :, -1]
        choice = (logits + prior).log_softmax(dim=2)
        masses = masses.nan_to_num(0.0)[:, :, :-1] * self.mixed[columns, None, None]
        cumulative = F.pad(masses, (1, 0)).cumsum(dim=2)
        return Given(columns, choice, bins, stray, group, mean, std, cumulative)

    # -- densities and draws -----------------------------------------------------

    def log_density(self, given, cells):
        """Log-probability or log-density of each cell: (n_columns, n_rows).

        Of numbers in scaled units.

        Parameters
        ----------
        given : Given
        cells : (n_columns, n_rows) tensor
            Anything finite where missing.
        """
        chosen = self.choices(cells, given.columns)
        log_density = given.choice.gather(2, chosen.unsqueeze(2)).squeeze(2)
        if self.n_numeric == 0:
            return log_density
        number = (given.columns < self.n_numeric).unsqueeze(1)
        knots, scores = self.knots[given.columns], self.scores[given.columns]
        score, slope = interpolate(torch.where(number, cells, 0.0), knots, scores)
        score = score.clamp(-_FARTHEST, _FARTHEST)
        n_below = self._n_below(cells, given.columns)
        smooth = self._log_smooth(given, score, n_below) + slope.log()
        is_smooth = number & (chosen == self.n_most)
        return log_density + torch.where(is_smooth, smooth, 0.0)

    def _log_smooth(self, given, within, n_below):
        """Log-density of scores within the smooth part."""
        score = self._among_all(within, n_below, given.columns)
        standard = (score.unsqueeze(2) - given.mean) / given.std.unsqueeze(2)
        rank = (given.group.exp() * normal_rank(standard)).sum(dim=2)
        # Of all that is no atom.
        rest = (1 - given.cumulative[:, :, -1]).clamp(min=_LEAST_MASS)
        of_atoms = given.cumulative.gather(2, n_below.unsqueeze(2)).squeeze(2)
        place = (rank - of_atoms) / rest * self.n_bins
        place = place.long().clamp(0, self.n_bins - 1)
        weight = given.bins.gather(2, place.unsqueeze(2)).squeeze(2)
        weight = weight + F.logsigmoid(-given.stray)
        density = (given.group - standard.square() / 2).logsumexp(dim=2)
        density = density - given.std.log() + weight + np.log(self.n_bins) - rest.log()
        # How fast scores among all change with those within the smooth part.
        slope = (score.square() - within.square()) / 2
        slope = slope + self.smooth[given.columns, None].log()
        density = density + torch.where(self.mixed[given.columns, None], slope, 0.0)
        stray = F.logsigmoid(given.stray) - within.square() / 2
        return torch.logaddexp(density, stray) - _LOG_ROOT

    def draw(self, given, generator):
        """Draw each cell by itself: (n_columns, n_rows).

        A category that was never seen is never drawn, nor is anything but an atom in
        a column of atoms alone.
        """
        shape = given.choice.shape[:2]

        def uniform(*shape):
            on = {"dtype": torch.float32, "device": generator.device}
            return torch.rand(shape, generator=generator, **on)

        def pick(log_probability):
            cumulative = log_probability.exp().cumsum(dim=2)
            threshold = uniform(*shape, 1) * cumulative[:, :, -1:]
            at = (cumulative <= threshold).sum(dim=2)
            return at.clamp(max=log_probability.shape[2] - 1)

        never = self.never[given.columns].unsqueeze(1)
        chosen = pick(given.choice.masked_fill(never, -torch.inf))
        stray = given.stray.unsqueeze(2)
        of_bins = given.bins + F.logsigmoid(-stray), F.logsigmoid(stray)
        place = pick(torch.cat(of_bins, dim=2))
        rank = (place.clamp(max=self.n_bins - 1) + uniform(*shape)) / self.n_bins
        stray = torch.special.ndtri(uniform(*shape).clamp(1e-7, 1 - 1e-7))
        rank, n_below = self._rank_among_all(given, rank)
        score = self._within_smooth(
            quantile(rank, given.group, given.mean, given.std), n_below, given.columns
        )
        score = torch.where(place < self.n_bins, score, stray)
        knots, scores = self.knots[given.columns], self.scores[given.columns]
        number, _ = interpolate(score, scores, knots)
        if self.n_most:
            at = chosen.clamp(max=self.n_most - 1)
            atom = self.atoms[given.columns].gather(1, at)
            number = torch.where(chosen < self.n_most, atom, number)
        is_number = (given.columns < self.n_numeric).unsqueeze(1)
        return torch.where(is_number, number, chosen.float())

    def _rank_among_all(self, given, rank):
        """Ranks among all numbers of ranks among those that are no atoms.

        And how many atoms are below.
        """
        total = given.cumulative[:, :, -1]
        within = rank * (1 - total)
        low = self.low[given.columns].unsqueeze(1)
        std = given.std.unsqueeze(2)
        before = mass_below(low, given.group.unsqueeze(2), given.mean.unsqueeze(2), std)
        # Of what is no atom, below each atom.
        before = before.nan_to_num(torch.inf) - given.cumulative[:, :, :-1]
        there = torch.isfinite(low) & self.mixed[given.columns, None, None]
        n_below = ((before <= within.unsqueeze(2)) & there).sum(dim=2)
        below = given.cumulative.gather(2, n_below.unsqueeze(2)).squeeze(2)
        return within + below, n_below
