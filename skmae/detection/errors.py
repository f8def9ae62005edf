"""How far an ensemble's predictions of hidden cells are off."""

from typing import NamedTuple

import numpy as np
import torch

from skmae._device import predicting
from skmae.networks.losses import (
    mean_prediction,
    probabilities,
    standardised_errors,
)
from skmae.training.inference import BATCH_ROWS, Inference


class CellErrors(NamedTuple):
    """How far predictions of rows are off, and what they are."""

    # one (n_rows, n_columns) float64 array of squared errors per level, NaN where a
    # cell is missing
    squared: list
    # (n_rows, n_expanded) float64 array: mean prediction while hidden, last level
    expected: np.ndarray


class EnsembleErrors(Inference):
    """Errors of cells at several levels of hiding.

    A *level* is a list of masks that together hide every cell equally often. The
    errors of a cell are averaged over the masks that hide it and over members, in
    units of its column's standard deviation. On the first level, which needs no
    mask, everything is hidden and the prediction is the training mean.

    Parameters
    ----------
    module : MaskedEnsemble
    layout : Layout
    device : torch.device
    levels : list of (n_masks, n_columns) bool arrays
        Of the levels after the first.
    """

    def __init__(self, module, layout, device, levels):
        super().__init__(module, layout, device)
        self.levels = [torch.from_numpy(masks).to(device) for masks in levels]
        self._cells = torch.from_numpy(layout.column_of_expanded).to(device)

    def of_new_rows(self, values):
        """Errors averaged over all members.

        Parameters
        ----------
        values : (n_rows, n_columns) float32 array
            NaN where missing.

        Returns
        -------
        errors : CellErrors
        """
        errors = self._empty(len(values))
        for start, n_rows, batch in self._batches(values):
            found = self._of_batch(batch, self.module.predict_by_all)
            _write(errors, slice(start, start + n_rows), found, slice(n_rows))
        return errors

    def of_training_rows(self, values, folds):
        """Errors of each row by the member that was not trained on it.

        Parameters
        ----------
        values : (n_rows, n_columns) float32 array
        folds : (n_rows,) int array
            The member that left the row out.

        Returns
        -------
        errors : CellErrors
        """
        errors = self._empty(len(values))
        pools = [np.flatnonzero(folds == k) for k in range(self.module.n_members)]
        for start in range(0, max(len(pool) for pool in pools), BATCH_ROWS):
            dealt = [pool[start : start + BATCH_ROWS] for pool in pools]
            # Every member must be dealt as many rows: repeat some.
            padded = [np.resize(rows if len(rows) else 0, BATCH_ROWS) for rows in dealt]
            batch = torch.from_numpy(values[np.concatenate(padded)]).to(self.device)
            found = self._of_batch(
                batch, lambda *cells: self.module(*cells).unsqueeze(0)
            )
            for k, rows in enumerate(dealt):
                first = k * BATCH_ROWS
                _write(errors, rows, found, slice(first, first + len(rows)))
        return errors

    def _empty(self, n_rows):
        n_columns, n_expanded = self.layout.n_columns, self.layout.n_expanded
        return CellErrors(
            [np.empty((n_rows, n_columns)) for _ in range(1 + len(self.levels))],
            np.empty((n_rows, n_expanded)),
        )

    def _of_batch(self, batch, predict):
        """Errors of a batch; ``predict`` gives (n_judges, n_rows, n_expanded)."""
        missing = torch.isnan(batch)
        mean = mean_prediction(self.layout, len(batch)).to(batch)
        squared = [standardised_errors(mean, batch, self.layout).double()]
        for masks in self.levels:
            total = torch.zeros_like(batch, dtype=torch.float64)
            expected = torch.zeros_like(mean, dtype=torch.float64)
            for mask in masks:
                if mask.all():  # of a single unit there is nothing else to see
                    judges = mean[None]
                else:
                    with predicting():
                        judges = predict(batch, missing | mask)
                for predicted in judges:
                    predicted = probabilities(predicted, self.layout)
                    errors = standardised_errors(predicted, batch, self.layout)
                    total += errors * mask / len(judges)
                    expected += predicted * mask[self._cells] / len(judges)
            times_hidden = masks.sum(dim=0)
            squared.append(total / times_hidden)
        return CellErrors(
            [errors.cpu().numpy() for errors in squared],
            (expected / times_hidden[self._cells]).cpu().numpy(),
        )


def _write(errors, rows, found, part):
    for whole, level in zip(errors.squared, found.squared, strict=True):
        whole[rows] = level[part]
    errors.expected[rows] = found.expected[part]
