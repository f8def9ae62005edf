"""How far an ensemble's predictions of hidden cells are off."""

from typing import NamedTuple

import numpy as np
import torch

from skmae._device import predicting
from skmae.training.inference import Inference, rows_at_once

# Rows of a batch, each of which is predicted under all masks at once. A single row
# is padded to as many: so few that this takes little time, and so many that large
# tables lose little.
_BATCH_ROWS = 8


class CellErrors(NamedTuple):
    """How far predictions of rows are off, and what they are."""

    # one (n_rows, n_columns) float64 array of squared errors per level, NaN where a
    # cell is missing
    squared: list
    # one (n_rows, n_expanded) float64 array of mean predictions per level but the
    # first, whose prediction is the training mean
    expected: list


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
        self._masks = torch.from_numpy(np.concatenate(levels)).to(device)
        self._n_rows = rows_at_once(module, device, _BATCH_ROWS, len(self._masks))
        # Of each level the masks that hide a cell, in their order, likewise of an
        # expanded value: (times_hidden, n_expanded)
        self._hiding = []
        n_before = 0
        for masks in levels:
            _, mask = np.nonzero(masks.T)
            hiding = n_before + mask.reshape(layout.n_columns, -1).T
            hiding = hiding[:, layout.column_of_expanded]
            self._hiding.append(torch.from_numpy(hiding).to(device))
            n_before += len(masks)

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
        for start, n_rows, batch in self._batches(values, self._n_rows):
            found = self._of_batch(batch, self._predict_by_all)
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
        for start in range(0, max(len(pool) for pool in pools), self._n_rows):
            parts = [pool[start : start + self._n_rows] for pool in pools]
            # Every member takes as many rows: repeat some.
            padded = [
                np.resize(rows if len(rows) else 0, self._n_rows) for rows in parts
            ]
            batch = torch.from_numpy(values[np.concatenate(padded)]).to(self.device)
            found = self._of_batch(batch, self._predict_by_one_each)
            for k, rows in enumerate(parts):
                first = k * self._n_rows
                _write(errors, rows, found, slice(first, first + len(rows)))
        return errors

    def _empty(self, n_rows):
        n_columns, n_expanded = self.layout.n_columns, self.layout.n_expanded
        return CellErrors(
            [np.empty((n_rows, n_columns)) for _ in range(1 + len(self._hiding))],
            [np.empty((n_rows, n_expanded)) for _ in self._hiding],
        )

    def _predict_by_all(self, batch):
        """Let every member predict every row: (n_members, n_masks, n_rows, n_expanded).

        All rows stand under the first mask, then under the second and so on.
        """
        hidden = torch.isnan(batch) | self._masks[:, None]
        rows = batch.repeat(len(self._masks), 1)
        with predicting():
            predicted = self.module.predict_by_all(rows, hidden.flatten(0, 1))
        return predicted.unflatten(1, hidden.shape[:2])

    def _predict_by_one_each(self, batch):
        """Let the members share the rows out: (1, n_masks, n_rows, n_expanded)."""
        parts = batch.unflatten(0, (self.module.n_members, 1, -1))
        # (n_members, n_masks, rows of a member, n_columns)
        hidden = torch.isnan(parts) | self._masks[:, None]
        rows = parts.expand_as(hidden)
        with predicting():
            predicted = self.module(rows.flatten(0, 2), hidden.flatten(0, 2))
        predicted = predicted.unflatten(0, hidden.shape[:3])
        return predicted.transpose(0, 1).flatten(1, 2).unsqueeze(0)

    def _of_batch(self, batch, predict):
        """Errors of a batch; ``predict`` gives the predictions of its cells."""
        outputs = self.module.outputs
        mean = outputs.training_means.expand(len(batch), -1)
        squared, expected = [outputs.errors(mean, batch).double()], []
        # Of a single unit there is nothing else to see.
        predicted = None if self._masks.all() else predict(batch)
        for hiding in self._hiding:
            if predicted is None:
                of_level = mean.expand(1, len(hiding), -1, -1)
            else:
                index = hiding[:, None].expand(len(predicted), -1, len(batch), -1)
                of_level = predicted.gather(1, index)
            error, prediction = self._averaged(of_level, batch)
            squared.append(error)
            expected.append(prediction)
        return CellErrors(
            *([level.cpu().numpy() for level in part] for part in (squared, expected))
        )

    def _averaged(self, predictions, batch):
        """Mean error and mean prediction: (n_rows, n_columns), (n_rows, n_expanded).

        ``predictions``: (n_members, times_hidden, n_rows, n_expanded)
        """
        outputs = self.module.outputs
        n_members, times_hidden = predictions.shape[:2]
        error = torch.zeros_like(batch, dtype=torch.float64)
        expected = torch.zeros_like(predictions[0, 0], dtype=torch.float64)
        for once in predictions.unbind(1):
            for prediction in once:
                prediction = outputs.means(prediction)
                error += outputs.errors(prediction, batch) / n_members
                expected += prediction / n_members
        return error / times_hidden, expected / times_hidden


def _write(errors, rows, found, part):
    for whole, levels in zip(errors, found, strict=True):
        for level, of_part in zip(whole, levels, strict=True):
            level[rows] = of_part[part]
