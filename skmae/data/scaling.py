"""Numeric columns to the units in which the network works, and back.

Statistics are read block by block, so fitting never holds a second copy of the
table, and all arithmetic is done in float64.
"""

import numpy as np
from sklearn.preprocessing import (
    MinMaxScaler,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

# Columns handled at once where a statistic needs all rows of a column.
_COLUMN_BLOCK = 16


class ColumnScaler:
    """Scale numeric columns, ignoring missing values.

    Parameters
    ----------
    scaling : {"standard", "minmax", "robust", "quantile", "asinh"} or None
        "standard" gives mean 0 and variance 1, "minmax" the range [0, 1], "robust"
        median 0 and interquartile range 1, "quantile" normally distributed values,
        "asinh" a standard scaling, the inverse hyperbolic sine and again a standard
        scaling, which draws heavy tails in. None leaves the values alone.
    shared : bool
        Use one statistic for all columns, as suits the pixels of an image.
    seed : int
        Seed of the rows sampled for "quantile".
    """

    def __init__(self, scaling, shared=False, seed=0):
        self.scaling = scaling
        self.shared = shared
        self.seed = seed

    def fit(self, blocks, n_columns):
        """Learn the statistics.

        Parameters
        ----------
        blocks : callable returning an iterator of (n_rows, n_columns) arrays
            Float64 blocks, NaN where missing. May be called more than once.
        n_columns : int
        """
        self.n_columns_ = n_columns
        self.center_ = np.zeros(n_columns)
        self.scale_ = np.ones(n_columns)
        if n_columns == 0 or self.scaling is None:
            return self
        if self.scaling == "quantile":
            self.quantiles_ = self._fit_quantiles(blocks)
            return self
        if self.scaling == "robust":
            self.center_, self.scale_ = self._fit_robust(blocks)
            return self
        self.center_, self.scale_ = self._fit_affine(blocks)
        if self.scaling == "asinh":
            self.outer_center_, self.outer_scale_ = self._fit_affine(
                lambda: (np.arcsinh(self._to_affine(block)) for block in blocks())
            )
        return self

    def transform(self, X):
        """Scale a block of float64 or float32; missing values stay NaN."""
        if self.scaling is None or self.n_columns_ == 0:
            return X
        if self.scaling == "quantile":
            return self._reshaped(self.quantiles_.transform, X)
        scaled = self._to_affine(X)
        if self.scaling == "asinh":
            np.arcsinh(scaled, out=scaled)
            scaled -= self.outer_center_
            scaled /= self.outer_scale_
        return scaled

    def inverse_transform(self, X):
        """Undo :meth:`transform` on a float64 block."""
        if self.scaling is None or self.n_columns_ == 0:
            return X
        if self.scaling == "quantile":
            return self._reshaped(self.quantiles_.inverse_transform, X)
        if self.scaling == "asinh":
            X = np.sinh(X * self.outer_scale_ + self.outer_center_)
        return X * self.scale_ + self.center_

    def _to_affine(self, X):
        if X.dtype == np.float32:
            # As exact as float64 rounded to float32, and twice as fast: the centre
            # is taken away in two parts, the second of which is what float32 could
            # not hold of it.
            high = self.center_.astype(np.float32)
            scaled = X - high
            scaled -= (self.center_ - high).astype(np.float32)
            scaled *= (1.0 / self.scale_).astype(np.float32)
            return scaled
        scaled = X - self.center_
        scaled *= 1.0 / self.scale_  # several times as fast as to divide
        return scaled

    def _reshaped(self, function, X):
        return (
            function(X.reshape(-1, 1)).reshape(X.shape) if self.shared else function(X)
        )

    def _fit_affine(self, blocks):
        scaler = MinMaxScaler() if self.scaling == "minmax" else StandardScaler()
        for block in blocks():
            scaler.partial_fit(block.reshape(-1, 1) if self.shared else block)
        if self.scaling == "minmax":
            center, scale = scaler.data_min_, 1.0 / scaler.scale_
        else:
            center, scale = scaler.mean_, scaler.scale_
        return self._per_column(center), self._per_column(scale)

    def _fit_robust(self, blocks):
        if self.shared:
            everything = np.concatenate([block.ravel() for block in blocks()])
            scaler = RobustScaler().fit(everything.reshape(-1, 1))
            return self._per_column(scaler.center_), self._per_column(scaler.scale_)
        centers, scales = [], []
        for start in range(0, self.n_columns_, _COLUMN_BLOCK):
            columns = slice(start, start + _COLUMN_BLOCK)
            part = np.concatenate([block[:, columns] for block in blocks()])
            scaler = RobustScaler().fit(part)
            centers.append(scaler.center_)
            scales.append(scaler.scale_)
        return np.concatenate(centers), np.concatenate(scales)

    def _fit_quantiles(self, blocks):
        rows = np.concatenate(list(blocks()))
        if self.shared:
            rows = rows.reshape(-1, 1)
        return QuantileTransformer(
            n_quantiles=min(1000, len(rows)),
            output_distribution="normal",
            random_state=self.seed,
        ).fit(rows)

    def _per_column(self, statistic):
        return np.broadcast_to(statistic, (self.n_columns_,)).astype(np.float64)
