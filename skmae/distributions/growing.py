"""Rows of which more and more cells are visible, as they are drawn or scored.

What visible cells add is kept, of the network's first layer as of the mixture: cells
that become visible then cost what they are, and not what the whole row is.
"""

import torch

from skmae.distributions.mixture import LEAST_VARIANCE_GIVEN
from skmae.distributions.network import near, read_given
from skmae.networks.gaussian import exact, solve_factored
from skmae.networks.members import ResidualMembers

_ALL = slice(None)


def start_rows(module, n_rows, alike, one_by_one):
    """Rows of which nothing is visible yet.

    Parameters
    ----------
    module : GeneratorNetwork
    n_rows : int
    alike : bool
        Whether the same cells will become visible in all rows.
    one_by_one : bool
        Whether mostly one cell of each row becomes visible at a time.

    Returns
    -------
    rows : GrowingRows or WholeRows
        With ``add(columns, values, visible, rows)``, ``given(columns, rows)`` and
        ``correct(rows)``.
    """
    if not isinstance(module.body, ResidualMembers) or module.cells.n_numeric == 0:
        return WholeRows(module, n_rows)
    if not module.mixture.common.full:
        factors = _GrowingFactors(module.mixture, n_rows, alike)
        return GrowingRows(module, factors, n_rows)
    if one_by_one:
        return GrowingRows(module, _GrowingGaussian(module.mixture, n_rows), n_rows)
    return WholeRows(module, n_rows)


class WholeRows:
    """Rows that are read as a whole whenever they are asked for."""

    def __init__(self, module, n_rows):
        self.module = module
        order = module.cells.order
        shape, device = (n_rows, len(order)), order.device
        self.values = torch.zeros(shape, dtype=torch.float32, device=device)
        self.hidden = torch.ones(shape, dtype=torch.bool, device=device)

    def add(self, columns, values, visible, rows=_ALL):
        """Make cells visible; see :meth:`GrowingRows.add`."""
        of_rows, hidden = self.values[rows], self.hidden[rows]
        of_rows[:, columns] = torch.where(visible, values, of_rows[:, columns])
        hidden[:, columns] &= ~visible
        self.values[rows], self.hidden[rows] = of_rows, hidden

    def given(self, columns, rows=_ALL):
        """What is known of the cells of some columns: Given."""
        return self.module.given(self.values[rows], self.hidden[rows], columns)

    def correct(self, rows=_ALL):
        """Corrections, and the mixture that they correct, of all cells."""
        return self.module.correct(self.values[rows], self.hidden[rows])


class GrowingRows:
    """Rows of which what the visible cells add to sums is kept.

    Parameters
    ----------
    module : GeneratorNetwork
        With a multilayer perceptron.
    mixture : _GrowingFactors or _GrowingGaussian
    n_rows : int
    """

    def __init__(self, module, mixture, n_rows):
        self.module, self.cells, self.mixture = module, module.cells, mixture
        device = self.cells.order.device
        n_numeric, n_columns = self.cells.n_numeric, self.cells.n_columns
        self.seen = torch.zeros((n_rows, n_numeric), device=device, dtype=torch.float32)
        self.anything = torch.zeros((n_rows, 1), device=device, dtype=torch.float32)
        self.is_corrected = bool(module.shrinkage)
        first = module.body.first
        self.first = first.bias[0].repeat(n_rows, 1)
        # As the network's inputs come one after the other.
        n_groups = len(module.mixture.log_share)
        n_reach = n_numeric * (len(module.edges) - 1)
        sizes = [n_numeric, n_reach, n_columns]
        sizes += [2 * n_numeric, len(self.cells.index_column), n_groups]
        parts = first.weight[0].split(sizes)
        of_scores, of_reach, of_visible, of_given, of_indicators, of_groups = parts
        self.of_cells = of_scores, of_reach, of_visible, of_indicators
        self.of_given = torch.cat([of_given, of_groups])

    def add(self, columns, values, visible, rows=_ALL):
        """Make cells visible that were not.

        Parameters
        ----------
        columns : (n_added,) int tensor
            As columns come in the table.
        values : (n_rows, n_added) tensor
            Anything finite where not visible.
        visible : (n_rows, n_added) bool tensor
        rows : slice or int tensor
            The rows of these cells, if not all.
        """
        module, n_numeric = self.module, self.cells.n_numeric
        places, at = self.cells.place[columns].sort()
        visible = visible[:, at]
        values = values[:, at].masked_fill(~visible, 0.0)
        scores, reach, shown, indicators = module.read_cells(
            values.T.contiguous(), visible, places
        )
        numbers = places[places < n_numeric]
        among = module.indicators_of(places)
        seen = shown[:, : len(numbers)]
        is_category = among >= len(self.cells.atom_index)
        of_categories = indicators[:, is_category]
        categories = among[is_category] - len(self.cells.atom_index)
        self.mixture.add(numbers, scores, seen, categories, of_categories, rows)
        self.seen[rows] = self.seen[rows].index_add(1, numbers, seen)
        self.anything[rows] = torch.maximum(
            self.anything[rows], shown.amax(dim=1, keepdim=True)
        )
        if not self.is_corrected:
            return
        of_scores, of_reach, of_visible, of_indicators = self.of_cells
        reaches = of_reach.unflatten(0, (n_numeric, -1))[numbers].flatten(0, 1)
        weights = [of_scores[numbers], reaches, of_visible[places]]
        inputs = torch.cat([near(scores), reach, shown, indicators], dim=1)
        self.first[rows] += inputs @ torch.cat([*weights, of_indicators[among]])

    def given(self, columns, rows=_ALL):
        """What is known of the cells of some columns: Given."""
        places = self.cells.place[columns]
        outputs = self.cells.outputs(places)
        given, seen = self.mixture.given(rows), self.seen[rows]
        out = self.module.asked(
            outputs.reshape(1, -1), lambda of: self._corrected(given, seen, rows, of)
        ).unflatten(1, outputs.shape)
        return self.cells.some(out, *given, places)

    def correct(self, rows=_ALL):
        """Corrections, and the mixture that they correct, of all cells."""
        given = self.mixture.given(rows)
        return self._corrected(given, self.seen[rows], rows), *given

    def _corrected(self, given, seen, rows, outputs=None):
        first = self.first[rows]
        if self.is_corrected:
            read = torch.cat(read_given(given, seen), dim=1)
            first = first + read @ self.of_given
        return self.module.corrected_after(first, self.anything[rows], outputs)


class _GrowingFactors:
    """What :class:`~skmae.distributions.mixture.MixtureGiven` says, of such rows."""

    def __init__(self, mixture, n_rows, alike):
        self.common, self.alike = mixture.common, alike
        self.means = exact(mixture.means)
        self.log_frequency = exact(mixture.log_frequency).mT
        self.noise = exact(self.common.noise[0, 0])
        self.loadings = exact(self.common.loadings[0])
        self.scaled, self.products = self.common.scaled()[0], self.common.products()[0]
        (n_groups, _), (_, n_factors) = self.means.shape, self.loadings.shape
        # Of each row and group what the categories say, how far scores are from their
        # means, and what they say of the factors; and how much is known of these.
        self.joint = exact(mixture.log_share).repeat(n_rows, 1)
        self.distance = torch.zeros_like(self.joint)
        self.known = self.joint.new_zeros(n_rows, n_groups, n_factors)
        n_masks, n_pairs = 1 if alike else n_rows, self.products.shape[1]
        self.precision = self.joint.new_zeros(n_masks, n_pairs)

    def add(self, numbers, scores, seen, categories, indicators, rows):
        """Add cells of some columns; which numbers, and which categories, is given."""
        shown = exact(seen)
        deviations = exact(scores).unsqueeze(1) - self.means[:, numbers]
        deviations = deviations * shown.unsqueeze(1)
        self.known[rows] += deviations @ self.scaled[numbers]
        self.distance[rows] += (deviations.square() / self.noise[numbers]).sum(dim=2)
        self.joint[rows] += exact(indicators) @ self.log_frequency[categories]
        products = self.products[numbers]
        if self.alike:
            self.precision += shown[:1] @ products
        else:
            self.precision[rows] += shown @ products

    def given(self, rows):
        """Groups, means and deviations, as the mixture gives them."""
        known = self.known[rows]
        precision = self.precision if self.alike else self.precision[rows]
        factor = self.common.factor_of(precision[None])
        variance = self.common.variance_given(factor, self.products[None])[0]
        # (n_masks, those of all rows and groups with that mask, n_factors)
        by_mask = known.reshape(len(precision), -1, known.shape[2])
        factors = solve_factored(factor[0], by_mask.mT).mT.reshape(known.shape)
        distance = self.distance[rows] - (known * factors).sum(dim=2)
        group = (self.joint[rows] - distance / 2).log_softmax(dim=1)
        mean = (self.means + factors @ self.loadings.mT).float()
        std = variance.clamp(min=LEAST_VARIANCE_GIVEN).sqrt().float()
        return group.float(), mean, std.expand(len(known), -1)


class _GrowingGaussian:
    """The same of a whole covariance, which each visible cell takes its part from."""

    def __init__(self, mixture, n_rows):
        self.log_frequency = exact(mixture.log_frequency).mT
        self.joint = exact(mixture.log_share).repeat(n_rows, 1)
        self.mean = exact(mixture.means).repeat(n_rows, 1, 1)
        self.covariance = mixture.common.covariance().repeat(n_rows, 1, 1)

    def add(self, numbers, scores, seen, categories, indicators, rows):
        """Add cells of some columns; which numbers, and which categories, is given."""
        self.joint[rows] += exact(indicators) @ self.log_frequency[categories]
        if int(seen.sum(dim=1).max()) > 1:  # before the first pass
            for j in range(len(numbers)):
                self._add_one(numbers[j : j + 1], scores[:, [j]], seen[:, [j]], rows)
        elif len(numbers):
            self._add_one(numbers, scores, seen, rows)

    def _add_one(self, numbers, scores, seen, rows):
        """Add a cell of each row, or none."""
        known, at = exact(seen).max(dim=1, keepdim=True)
        column, score = numbers[at], exact(scores).gather(1, at)
        mean, covariance = self.mean[rows], self.covariance[rows]
        n_groups, width = mean.shape[1:]
        # (n_rows, 1, width): what the cell shares with all, and (n_rows, 1) with itself
        shared = covariance.gather(1, column.unsqueeze(2).expand(-1, 1, width))
        # Where nothing is added the column may be visible, with nothing left open.
        variance = shared[:, 0].gather(1, column).masked_fill(known == 0, 1.0)
        gain = shared * (known / variance).unsqueeze(2)
        deviation = mean.gather(2, column.unsqueeze(1).expand(-1, n_groups, 1))
        deviation = score.unsqueeze(1) - deviation
        self.mean[rows] = mean + deviation * gain
        self.covariance[rows] = covariance - gain.mT * shared
        self.joint[rows] -= deviation[:, :, 0].square() * (known / variance / 2)

    def given(self, rows):
        """Groups, means and deviations, as the mixture gives them."""
        variance = self.covariance[rows].diagonal(dim1=1, dim2=2)
        std = variance.clamp(min=LEAST_VARIANCE_GIVEN).sqrt()
        group = self.joint[rows].log_softmax(dim=1)
        return group.float(), self.mean[rows].float(), std.float()
