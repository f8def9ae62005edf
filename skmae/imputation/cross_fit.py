"""Members prepared, judged and blended by the rows that each of them leaves out."""

import numpy as np
import torch

from skmae._device import predicting
from skmae._random import torch_generator
from skmae.data.batches import fixed_batches
from skmae.data.member_folds import fold_of_member
from skmae.imputation.blending import (
    column_scores,
    cross_blend,
    find_exact,
    fit_blend,
)
from skmae.imputation.held_out import HeldOutRows
from skmae.imputation.neighbours import rows_to_keep
from skmae.imputation.network import CERTAIN_STD
from skmae.imputation.own_values import fit_tilts
from skmae.masking.even import even_masks
from skmae.networks.em import fit_gaussian, n_rows_fitted
from skmae.networks.standardised import standardise, value_stds
from skmae.networks.weights import empty
from skmae.training.inference import BATCH_ROWS
from skmae.training.residuals import Residuals

# Shares of the observed cells hidden while judging: few, as when a cell more is
# missing than is anyway, and many, for rows of which little is visible.
_LEVELS = ((0.15, 1), (0.6, 2))


class CrossFit:
    """The training rows as each member sees them, for one fit.

    Parameters
    ----------
    train : (n_rows, n_columns) float32 array
        Encoded rows, NaN where missing.
    folds : (n_rows,) int tensor
    layout : Layout
    n_members : int
    device : torch.device
    seeds : dict of str to int
    """

    def __init__(self, train, folds, layout, n_members, device, seeds):
        self.layout = layout
        self.train = train
        self.device = device
        self.folds = folds
        self.n_members = n_members
        self.standard = standardise(train, layout)
        self.column_of_value = layout.column_of_expanded
        self.rows = HeldOutRows(train, folds, n_members, device)
        self.seed = seeds["gaussian"]
        generator = torch_generator(seeds["scoring"])
        self.levels = [
            even_masks(layout.n_columns, ratio, generator, n_repeats)
            for ratio, n_repeats in _LEVELS
        ]
        n_covered = len(self.rows.covered)
        chosen = torch.randint(
            len(self.levels[0]), (n_covered,), generator=generator, device="cpu"
        )
        self.judging_masks = self.levels[0][chosen]
        covered = self.rows.covered.numpy()
        self.targets = self.standard[covered]
        self.kept = rows_to_keep(len(train), layout.n_expanded, self.seed)
        # Where a judged row is found among those kept, or -1.
        place = np.full(len(train), -1)
        place[self.kept] = np.arange(len(self.kept))
        self.place = torch.from_numpy(place[covered])

    def fit_gaussians(self, module):
        """Fit each member's Gaussian to the rows that it does not leave out."""
        n_rows, n_folds = len(self.folds), int(self.folds.max()) + 1
        factors = jackknife_factors(self.n_members, n_folds, n_rows)
        module.jackknife[:] = torch.from_numpy(factors)
        parts = [part for _, part in self.layout.category_slices()]
        for fold in range(n_folds):
            members = [
                member
                for member in range(self.n_members)
                if fold_of_member(member, self.folds) == fold
            ]
            if not members:
                continue
            seen = self.standard[(self.folds != fold).numpy()]
            # A single row cannot be left out.
            rows = seen if len(seen) else self.standard
            gaussian = fit_gaussian(rows, self.seed, parts)
            for member in members:
                module.gaussian.set_member(member, gaussian)

    def loss(self, module):
        """1 - R^2 of the learned components' mean on hidden cells left out."""
        components = self.rows.components(module, self.judging_masks).numpy()
        counted = self._counted(self.judging_masks)
        errors = components[:, :, 1:].mean(axis=2)[counted] - self.targets[counted]
        total = np.sum(self.targets[counted] ** 2, dtype=np.float64)
        return float(np.sum(errors**2, dtype=np.float64) / max(total, 1e-12))

    def calibrate(self, module, at_random):
        """Set the blend of a trained module.

        Parameters
        ----------
        module : ImputationNetwork
            Its ``neighbours``, its ``blend`` and its ``tilt`` are set, and which
            columns are ``exact``.
        at_random : bool
            Whether cells are taken to be missing at random, so that none is moved.

        Returns
        -------
        scores : (n_columns,) array
            See :func:`~skmae.imputation.blending.column_scores`.
        residuals : Residuals
        """
        self._keep_rows(module)
        scores, cases = None, []
        for level, masks in enumerate(self.levels):
            components, targets, counted = self._judged(module, masks)
            columns = self.column_of_value
            spread = self._spread(module, masks)
            certain = (spread < CERTAIN_STD) & counted
            if level == 0:
                exact = find_exact(components[:, :, 0], targets, certain)
                exact[len(self.layout.numeric) :] = False
                module.exact[:] = torch.from_numpy(exact)
            certain &= module.exact.cpu().numpy()
            open_cells = counted & ~certain  # all that is left to the blend
            blend = fit_blend(components, targets, open_cells, columns)
            module.blend[level] = torch.from_numpy(blend)
            module.blend_visible[level] = np.mean(
                [self.rows.visible_share(mask) for mask in masks]
            )
            # Judged on the cells that they were found on, weights would seem too good.
            half = np.arange(len(targets)) % len(self.targets) % 2 == 0
            predicted = cross_blend(components, targets, open_cells, columns, half)
            visible = float(module.blend_visible[level])
            cases.append((visible, predicted, targets, open_cells, spread))
            if level == 0:
                if not at_random:
                    module.tilt[:] = self._tilts(predicted, spread, masks)
                predicted = np.where(certain, components[:, :, 0], predicted)
                standard = self.layout.means, value_stds(self.layout)
                scores = column_scores(
                    predicted, targets, counted, self.layout, *standard
                )
        return scores, Residuals().fit(cases, len(self.layout.numeric))

    def _tilts(self, predicted, spread, masks):
        """How far missing cells lie from predictions; given mask by mask."""
        shape = len(masks), *self.targets.shape
        hidden = masks.numpy()[:, self.column_of_value]
        tilts = fit_tilts(
            predicted.reshape(shape),
            spread.reshape(shape),
            self.targets,
            hidden,
            len(self.layout.numeric),
        )
        return torch.from_numpy(tilts)

    def _keep_rows(self, module):
        """Give the module the rows to compare others with, completed by itself."""
        rows = torch.from_numpy(self.train[self.kept])
        completed = empty(len(rows), self.layout.n_expanded)
        for start, n_rows, batch in fixed_batches(rows, BATCH_ROWS):
            batch = batch.to(self.device)
            missing = torch.isnan(batch)
            with predicting():
                components = module.components(batch, missing, dealt=False)
                said = module.completed(components.mean(dim=0), batch, missing)
            completed[start : start + n_rows] = said[:n_rows].cpu()
        known = torch.from_numpy(~np.isnan(self.standard[self.kept]))
        module.neighbours.set_rows(completed, known)

    def _judged(self, module, masks):
        """Components, targets and counted cells under each mask in turn."""
        components, counted = [], []
        for mask in masks:
            mask = mask.expand(len(self.targets), -1)
            said = self.rows.components(module, mask)
            said = self.rows.with_neighbours(module, said, mask, self.place)
            components.append(said.numpy())
            counted.append(self._counted(mask))
        return (
            np.concatenate(components),
            np.tile(self.targets, (len(masks), 1)),
            np.concatenate(counted),
        )

    def _spread(self, module, masks):
        """What the Gaussians leave open of cells, under each mask in turn."""
        return np.concatenate(
            [
                self.rows.spread(module, mask.expand(len(self.targets), -1)).numpy()
                for mask in masks
            ]
        )

    def _counted(self, masks):
        """Units that are hidden and known: (n_covered, n_values) bool array."""
        hidden = masks.numpy()[:, self.column_of_value]
        return hidden & ~np.isnan(self.targets)


def jackknife_factors(n_members, n_folds, n_rows):
    """How much less fits differ that share most of their rows than fits to new rows.

    By the jackknife that leaves out several rows: fits to k of n rows, drawn again
    and again, vary (n - k) / k times as much as fits to n other rows would.

    Parameters
    ----------
    n_members, n_folds : int
        Members beyond as many as there are folds leave out the same again.
    n_rows : int

    Returns
    -------
    factors : (n_members,) float32 array
        By which deviations of the fits from their mean are multiplied, each with a
        standard normal number, so that the sum varies as fits to other rows would;
        0 for fits that are there already.
    """
    n_fits = min(n_members, n_folds)
    n_fitted = n_rows_fitted(n_rows - n_rows // n_folds)
    factors = np.zeros(n_members, dtype=np.float32)
    # A single row is not left out, and a single fit does not deviate from the mean.
    inflation = n_fitted / max(n_rows - n_fitted, 1)
    factors[:n_fits] = np.sqrt(inflation / max(n_fits - 1, 1))
    return factors
