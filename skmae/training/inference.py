"""A fitted network applied to encoded rows, always in batches of one shape."""

import math

import numpy as np
import torch

from skmae._device import predicting
from skmae.data.batches import fixed_batches
from skmae.data.encoded_rows import EncodedRows
from skmae.networks.weights import empty

# Tall enough for fast matrix products, short enough that padding a single row to
# this height takes little time.
BATCH_ROWS = 256
# Encoding is one pass over few layers, of which the calls would take a tenth.
_ENCODE_ROWS = 1024
# Products with so many tokens, or these rows, are tall enough. What as many as 256 rows
# of tokens need does not fit in a processor's caches.
_TOKENS, _LEAST_ROWS = 512, 20


def rows_at_once(module, device, most, n_views=1):
    """Height of batches: fewer rows of many tokens each, on a CPU.

    Parameters
    ----------
    module : CellNetwork
    device : torch.device
    most : int
        Rows of a network to which a row is one token.
    n_views : int
        How many times each row passes through the network at once.
    """
    if module.n_tokens == 1 or torch.device(device).type != "cpu":
        return most
    if n_views == 1:
        return min(most, max(_TOKENS // module.n_tokens, _LEAST_ROWS))
    # To put views side by side takes calls of its own.
    return min(most, math.ceil(2 * _TOKENS / (module.n_tokens * n_views)))


class Inference:
    """Codes, reconstructions and errors of encoded rows.

    Parameters
    ----------
    module : torch.nn.Module
        A :class:`~skmae.networks.outputs.CellNetwork`.
    layout : Layout
    device : torch.device
    batch_rows : int
        Height of all batches but those of :meth:`encode`, at most.
    learned_parts : bool
        Whether training hid parts of mask units too.
    """

    def __init__(
        self, module, layout, device, batch_rows=BATCH_ROWS, learned_parts=False
    ):
        # To go through all of its parts takes as long as some layers do.
        self.module = module.eval() if module.training else module
        self.layout = layout
        self.device = device
        self.learned_parts = learned_parts
        self.batch_rows = rows_at_once(module, device, batch_rows)
        self._encode_rows = rows_at_once(module, device, _ENCODE_ROWS)

    def encode(self, blocks, codes):
        """Codes of rows as they are.

        Parameters
        ----------
        blocks : iterable of (rows, values)
            Slices of rows and their values, as the codec yields them.
        codes : (n_rows, n_components) array
            Written to.

        Returns
        -------
        codes : (n_rows, n_components) array
        """
        return self._encoded(self.module.encode, blocks, codes)

    def features(self, blocks, features):
        """Codes of rows as they are, and what stands behind them.

        As :meth:`encode`, but for the width.
        """
        return self._encoded(self.module.features, blocks, features)

    def _encoded(self, encode, blocks, codes):
        none_missing = None
        for rows, values in blocks:
            for start, n_rows, batch in self._batches(values, self._encode_rows):
                # One NaN makes the sum NaN, and a sum is cheaper than a mask.
                if torch.isnan(batch.sum()):
                    missing = torch.isnan(batch)
                else:
                    if none_missing is None:
                        none_missing = torch.zeros_like(batch, dtype=torch.bool)
                    missing = none_missing
                with predicting():
                    code = encode(batch, missing)[:n_rows]
                first = rows.start + start
                codes[first : first + n_rows] = code.cpu().numpy()
        return codes

    def decode(self, codes):
        """Expanded predictions from codes: (n_rows, n_expanded)."""
        codes = torch.from_numpy(np.ascontiguousarray(codes, dtype=np.float32))
        out = empty(len(codes), self.layout.n_expanded)
        for start, n_rows, batch in fixed_batches(codes, self.batch_rows):
            with predicting():
                predicted = self.module.decode(batch.to(self.device))
                predicted = self.module.outputs.means(predicted)
            out[start : start + n_rows] = predicted[:n_rows].cpu()
        return out.numpy()

    def predict(self, values, hidden=None):
        """Expanded predictions of all cells: (n_rows, n_expanded).

        Parameters
        ----------
        values : (n_rows, n_columns) float32 array
            NaN where missing.
        hidden : (n_rows, n_columns) bool array or None
            Cells to hide besides the missing ones.
        """
        if hidden is not None:
            values = np.where(hidden, np.float32(np.nan), values)
        out = np.empty((len(values), self.layout.n_expanded), dtype=np.float32)
        for start, n_rows, batch in self._batches(values):
            predicted = self._predict_all(batch, torch.isnan(batch))
            out[start : start + n_rows] = predicted[:n_rows].cpu().numpy()
        return out

    def cells(self, values, hidden=None):
        """Expected numbers and likeliest categories: (n_rows, n_columns)."""
        return self.module.outputs.likeliest(self.predict(values, hidden))

    def errors_while_hidden(self, values, masks):
        """Mean standardised squared error of each cell over masks that hide it.

        Parameters
        ----------
        values : (n_rows, n_columns) float32 array
        masks : (n_masks, n_columns) bool tensor
            Applied alike to every row. Without any mask: errors of visible cells.

        Returns
        -------
        errors : (n_rows, n_columns) float64 array
            NaN where a cell is missing.
        """
        errors = np.empty(values.shape)
        masks = masks.to(self.device)
        times_hidden = masks.sum(dim=0)
        for start, n_rows, batch in self._batches(values):
            missing = torch.isnan(batch)
            if len(masks) == 0:
                predicted = self._predict_all(batch, missing)
                mean = self.module.outputs.errors(predicted, batch).double()
            else:
                total = torch.zeros_like(batch, dtype=torch.float64)
                for mask in masks:
                    total += self._errors(batch, missing | mask) * mask
                mean = total / times_hidden
            errors[start : start + n_rows] = mean[:n_rows].cpu().numpy()
        return errors

    def hidden_r2(self, values, masks):
        """Share of the hidden cells' variance that the network explains.

        Parameters
        ----------
        values : (n_rows, n_columns) float32 array or EncodedRows
        masks : (n_masks, n_columns) bool tensor

        Returns
        -------
        r2 : float
            1 is perfect, 0 as good as the training means; NaN where no cell is there.
        """
        masks = masks.to(self.device)
        outputs = self.module.outputs
        baseline = outputs.training_means.expand(self.batch_rows, -1)
        residual = total = 0.0
        for _, n_rows, batch in self._batches(values):
            missing = torch.isnan(batch)
            around_mean = outputs.errors(baseline, batch)[:n_rows].double()
            for mask in masks:
                around_net = self._errors(batch, missing | mask)[:n_rows].double()
                # a missing cell is NaN in both sums
                residual += around_net[:, mask].nansum()
                total += around_mean[:, mask].nansum()
        if total == 0:  # constant columns, or no cells at all: nothing to explain
            batches = self._batches(values)
            if all(torch.isnan(batch[:n_rows]).all() for _, n_rows, batch in batches):
                return math.nan
            return 1.0 if residual == 0 else 0.0
        return 1.0 - float(residual / total)

    def _batches(self, values, size=None):
        size = self.batch_rows if size is None else size
        blocks = (
            values.blocks() if isinstance(values, EncodedRows) else [(None, values)]
        )
        for rows, block in blocks:
            first = 0 if rows is None else rows.start
            for start, n_rows, batch in fixed_batches(torch.from_numpy(block), size):
                yield first + start, n_rows, batch.to(self.device)

    def _predict_all(self, batch, hidden):
        with predicting():
            return self.module.means_of_all(batch, hidden, self.learned_parts)

    def _errors(self, batch, hidden):
        """Errors of whole units while they are hidden."""
        with predicting():
            means = self.module.means(batch, hidden)
        return self.module.outputs.errors(means, batch)
