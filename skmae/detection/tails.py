"""Errors to tail values: how rare an error is among those of rows not trained on."""

import numpy as np

# Largest calibration errors below this are noise of float32, as in a column that
# never varied.
_LEAST_ERROR = 1e-6


class TailValues:
    """Minus the logarithm of the share of calibration errors at least as large.

    Of n errors of a column, r of which are at least as large as e, the tail value of
    e is log((n + 1) / (r + 1)). Beyond the largest error, where r is 0, it goes on
    to grow by log(e / largest). It is 0 for the smallest errors, its scale is the
    same for every column, and ties of calibration errors keep it low. Where errors
    have weights, these take the place of counts; their mean should be 1.
    """

    def fit(self, errors, weight=None):
        """Keep the errors of each column in order.

        Parameters
        ----------
        errors : (n_rows, n_columns) array
            NaN where a cell is missing.
        weight : (n_rows,) array or None
        """
        self.sorted_ = [
            np.sort(column[~np.isnan(column)]).astype(np.float32) for column in errors.T
        ]
        self.counts_ = np.array([len(known) for known in self.sorted_])
        # of each column the weight of the errors from each position on
        self.weights_from_ = None
        if weight is not None:
            self.weights_from_ = [_from_each(column, weight) for column in errors.T]
            self.counts_ = np.array([total[0] for total in self.weights_from_])
        self.largest_ = np.array([known.max(initial=0.0) for known in self.sorted_])
        return self

    def transform(self, errors):
        """Tail values of errors: (n_rows, n_columns) float64.

        0 where a cell is missing.
        """
        missing = np.isnan(errors)
        errors = np.where(missing, 0.0, errors).astype(np.float32)
        # In a column that was always predicted exactly, such an error is rounding.
        noise = (errors < _LEAST_ERROR) & (self.largest_ < _LEAST_ERROR)
        errors[noise] = 0.0
        n_larger = np.stack([self._n_larger(j, e) for j, e in enumerate(errors.T)], 1)
        tails = np.log((self.counts_ + 1) / (n_larger + 1))
        beyond = errors / np.maximum(self.largest_, _LEAST_ERROR)
        tails += np.log(np.maximum(beyond.astype(np.float64), 1.0))
        tails[missing] = 0.0
        return tails

    def _n_larger(self, column, errors):
        """How many calibration errors of a column are at least as large."""
        n_smaller = np.searchsorted(self.sorted_[column], errors)
        if self.weights_from_ is None:
            return self.counts_[column] - n_smaller
        return self.weights_from_[column][n_smaller]

    def of_unseen(self):
        """Tail values of cells unlike all calibration cells: (n_columns,)."""
        return np.log(self.counts_ + 1.0)


def _from_each(errors, weight):
    """Weight of all errors from each position of their order on, 0 at the end."""
    seen = ~np.isnan(errors)
    weight = weight[seen][np.argsort(errors[seen], kind="stable")]
    return np.append(np.cumsum(weight[::-1])[::-1], 0.0)
