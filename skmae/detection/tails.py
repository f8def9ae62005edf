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
    same for every column, and where the calibration errors tie it keeps low.
    """

    def fit(self, errors):
        """Keep the errors of each column in order.

        Parameters
        ----------
        errors : (n_rows, n_columns) array
            NaN where a cell is missing.
        """
        self.n_columns_ = errors.shape[1]
        self.sorted_ = [
            np.sort(column[~np.isnan(column)]).astype(np.float32) for column in errors.T
        ]
        return self

    def transform(self, errors):
        """Tail values of errors: (n_rows, n_columns) float64.

        0 where a cell is missing.
        """
        tails = np.zeros(errors.shape)
        for j, calibration in enumerate(self.sorted_):
            column = errors[:, j].astype(np.float32)
            n_errors = len(calibration)
            n_larger = n_errors - np.searchsorted(calibration, column, side="left")
            tails[:, j] = np.log((n_errors + 1) / (n_larger + 1))
            largest = calibration[-1] if n_errors else 0.0
            # fmax takes a missing cell for an error that is not beyond.
            beyond = np.fmax(column, 0.0) / max(largest, _LEAST_ERROR)
            tails[:, j] += np.log(np.maximum(beyond.astype(np.float64), 1.0))
        tails[np.isnan(errors)] = 0.0
        return tails

    def of_nothing_like_it(self):
        """Tail values of cells such as calibration has never met: (n_columns,)."""
        return np.log([len(calibration) + 1.0 for calibration in self.sorted_])
