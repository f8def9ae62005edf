"""A fitted network applied to rows of unlike lengths, in batches of few shapes."""

import math

import numpy as np
import torch

from skmae._device import predicting
from skmae.data.sequences import batch_height, observed_cells
from skmae.masking.steps import even_step_masks

# Steps of a batch: few, so that a single row padded to a batch takes little time, and
# more where a device computes them side by side.
_STEPS_ON_CPU, _STEPS_ELSEWHERE = 2**8, 2**10
# Predictions of a batch, where tokens are many.
_MOST_PREDICTIONS = 2**23
_MASK_SEED = 20220112


class SequenceInference:
    """Codes, predictions and errors of sequences.

    A row is padded to a length that depends on its own alone, and batches of a length
    are equally tall, so that its results do not depend on the rows beside it.

    Parameters
    ----------
    module : SequenceNetwork
    device : torch.device
    """

    def __init__(self, module, device):
        self.module = module.eval()
        self.device = device

    def encode(self, values, dtype=np.float32):
        """Codes of rows as they are: Sequences -> (n_rows, n_components)."""
        return self.by_row(self.module.encode, values, dtype)

    def pooled(self, values):
        """What codes are made of: Sequences -> (n_rows, n_pooled) float32."""
        return self.by_row(self.module.pooled, values, np.float32)

    def by_row(self, function, values, dtype=np.float32):
        """Apply a function of batches and their missing cells: -> (n_rows, n_out)."""
        out = None
        for rows, _, batch, missing in self._batches(values):
            with predicting():
                found = function(batch, missing)[: len(rows)].cpu().numpy()
            if out is None:
                out = np.empty((len(values), found.shape[1]), dtype=dtype)
            out[rows] = found
        return out

    def predict(self, values, hidden=None):
        """Expected numbers, and probabilities of tokens: (n_steps, n_expanded).

        Parameters
        ----------
        values : Sequences
        hidden : (n_steps, n_cells) bool array or None
            Cells to hide besides the missing ones.
        """
        return self._of_steps(values, hidden, lambda means: means)

    def cells(self, values, hidden=None):
        """Expected numbers or likeliest tokens: (n_steps, n_cells) float32."""
        return self._of_steps(values, hidden, self._likeliest)

    def cells_while_hidden(self, values, ratio, hidden=None):
        """Expected cells of each step from the others: (n_steps, n_cells) float32.

        Parameters
        ----------
        values, hidden :
            As in :meth:`predict`.
        ratio : float or None
            Share of the steps to hide at a time; None: visible steps are seen.
        """
        cells = self.cells(values, hidden)
        if ratio is None:
            return cells
        visible = ~np.isnan(values.cells)
        if hidden is not None:
            visible &= ~hidden
        for rows, length, batch, missing in self._batches(values, hidden):
            steps, real = values.steps_of(rows), values.within(rows, length)
            for mask in self._masks(values, rows, length, ratio, 1):
                more = torch.zeros_like(missing[:, :, 0])
                more[: len(mask)] = torch.from_numpy(mask)
                means = self._means(
                    batch,
                    missing | more[:, :, None],
                    mask,
                    _most_hidden(length, ratio, self.module.patch_size),
                )
                where = steps[mask[real]]
                new = self._likeliest(means)
                cells[where] = np.where(visible[where], new, cells[where])
        return cells

    def sample(self, values, hidden, rng):
        """Draw tokens from their probabilities: (n_steps, 1) float32."""
        category = self.module.outputs.categories[0]
        return self._of_steps(
            values,
            hidden,
            lambda means: category.sample(means.astype(np.float64), rng)[:, None],
        )

    def log_probabilities(self, values, hidden, asked):
        """Log-probabilities of some tokens: (n_asked,) float64.

        Parameters
        ----------
        values : Sequences
        hidden : (n_steps, 1) bool array
        asked : (n_steps,) bool array
            Observed steps.
        """
        found = np.zeros(len(values.cells))
        for rows, length, batch, missing in self._batches(values, hidden):
            wanted = values.padded(rows, length, asked, fill=False)
            steps = values.steps_of(rows)
            steps = steps[asked[steps]]
            if len(steps) == 0:
                continue
            means = self._means(batch, missing, wanted, length)
            index = values.cells[steps].astype(np.intp)
            of_token = np.take_along_axis(means, index, axis=1)[:, 0]
            found[steps] = np.log(np.maximum(of_token, 1e-30, dtype=np.float64))
        return found[asked]

    def errors_while_hidden(self, values, ratio, n_repeats=1):
        """Mean error of each cell over masks that hide its step.

        Parameters
        ----------
        values : Sequences
        ratio : float or None
            Share of the steps to hide at a time; None: errors of visible cells.
        n_repeats : int

        Returns
        -------
        errors : (n_steps, n_cells) float64 array
            NaN where a cell is missing.
        """
        errors = self.module.outputs.errors
        return self._while_hidden(errors, values, ratio, n_repeats)

    def surprise_while_hidden(self, values, ratio, n_repeats=1):
        """Mean surprise of each cell; otherwise as :meth:`errors_while_hidden`."""
        surprise = self.module.outputs.surprise
        return self._while_hidden(surprise, values, ratio, n_repeats)

    def hidden_r2(self, values, ratio):
        """Share of the error of the training means that the network explains.

        Parameters
        ----------
        values : Sequences
        ratio : float
            Share of the steps to hide at a time.
        """
        baseline = self.module.outputs.training_means.to(self.device)
        residual = around_mean = 0.0
        for rows, length, batch, missing in self._batches(values):
            most = _most_hidden(length, ratio, self.module.patch_size)
            for mask in self._masks(values, rows, length, ratio, 1):
                of_outputs = self.module.outputs.errors
                residual += np.nansum(
                    self._errors(of_outputs, batch, missing, mask, mask, most)
                )
                cells = batch[: len(rows)][torch.from_numpy(mask)]
                means = baseline.expand(len(cells), -1)
                errors = self.module.outputs.errors(means, cells)
                around_mean += float(errors.double().nansum())
        if np.isnan(values.cells).all():
            return math.nan
        if around_mean == 0:  # constant cells: nothing to explain
            return 1.0 if residual == 0 else 0.0
        return 1.0 - float(residual / around_mean)

    # -- steps -------------------------------------------------------------------------

    def _while_hidden(self, function, values, ratio, n_repeats):
        total = np.zeros(values.cells.shape)
        times = np.zeros(len(values.cells))
        for rows, length, batch, missing in self._batches(values):
            steps = values.steps_of(rows)
            real = values.within(rows, length)
            most = _most_hidden(length, ratio, self.module.patch_size)
            masks = self._masks(values, rows, length, ratio, n_repeats)
            for mask in masks:
                asked = mask if ratio is not None else real
                where = steps[asked[real]]
                total[where] += self._errors(
                    function, batch, missing, mask, asked, most
                )
                times[where] += 1
        return total / times[:, None]

    def _batches(self, values, hidden=None):
        """Yield (rows, length, batch, missing), the batch filled up with empty rows."""
        if hidden is not None:
            cells = np.where(hidden, np.float32(np.nan), values.cells)
        else:
            cells = values.cells
        on_cpu = torch.device(self.device).type == "cpu"
        most = _STEPS_ON_CPU if on_cpu else _STEPS_ELSEWHERE
        most = min(most, max(_MOST_PREDICTIONS // self.module.outputs.n_out, 1))
        for rows, length in values.batches(most):
            padded = values.padded(rows, length, cells)
            n_more = batch_height(length, most) - len(rows)
            if n_more:
                padded = np.concatenate(
                    [padded, np.repeat(padded[-1:], n_more, axis=0)]
                )
            batch = torch.from_numpy(padded).to(self.device)
            yield rows, length, batch, ~observed_cells(batch)

    def _of_steps(self, values, hidden, function):
        out = None
        for rows, length, batch, missing in self._batches(values, hidden):
            asked = values.within(rows, length)
            found = function(self._means(batch, missing, asked, length))
            if out is None:
                shape = (len(values.cells), found.shape[1])
                out = np.empty(shape, dtype=np.float32)
            out[values.steps_of(rows)] = found
        return out

    def _masks(self, values, rows, length, ratio, n_repeats):
        lengths = values.lengths[rows]
        if ratio is None:
            return np.zeros((1, len(rows), length), dtype=bool)
        return even_step_masks(
            lengths, length, ratio, _MASK_SEED, n_repeats, self.module.patch_size
        )

    def _means(self, batch, hidden, asked, most):
        """Predictions of steps: -> (n_asked, n_expanded) array.

        ``most``: steps of a row that may be asked for.
        """
        wanted, kept = self._as_many(batch, asked, most)
        with predicting():
            means = self.module.means(batch, hidden, asked=wanted)[kept]
        return means.cpu().numpy()

    def _errors(self, function, batch, missing, mask, asked, most):
        """Errors of some kind, of steps under a mask: -> (n_asked, n_cells) array."""
        every = np.zeros(batch.shape[:2], dtype=bool)
        every[: len(mask)] = mask
        hidden = torch.from_numpy(every).to(self.device)
        wanted, kept = self._as_many(batch, asked, most)
        with predicting():
            means = self.module.means(batch, missing | hidden[:, :, None], wanted)
            errors = function(means[kept], batch[wanted][kept])
        return errors.double().cpu().numpy()

    def _as_many(self, batch, asked, most):
        """Steps to predict, always as many, and which of them were asked for.

        A matrix product of another height may differ in the last bits.
        """
        every = np.zeros(batch.shape[:2], dtype=bool)
        every[: len(asked)] = asked
        wanted = every.copy()
        others = np.flatnonzero(~every)
        wanted.flat[others[: len(every) * most - every.sum()]] = True
        kept = torch.from_numpy(every[wanted]).to(self.device)
        return torch.from_numpy(wanted).to(self.device), kept

    def _likeliest(self, means):
        return self.module.outputs.likeliest(means)


def _most_hidden(length, ratio, patch_size):
    """Steps that a mask hides at most of a row no longer than this; None: all."""
    if ratio is None or ratio > 0.5:
        return length
    n_patches = -(-length // patch_size)
    return min(-(-n_patches // round(1 / ratio)) * patch_size, length)
