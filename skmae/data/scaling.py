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

from skmae._processes import joined_rows, of_all_processes

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
        scaling, which compresses heavy tails. None leaves the values alone.
    groups : (n_columns,) int array or None
        Columns of one group share a statistic, as suits the pixels of an image. None:
        each column has its own.
    seed : int
        Seed of the rows sampled for "quantile".
    """

    def __init__(self, scaling, groups=None, seed=0):
        self.scaling = scaling
        self.groups = groups
        self.seed = seed

    def fit(self, blocks, n_columns, is_share=False):
        """Learn the statistics.

        Parameters
        ----------
        blocks : callable returning an iterator of (n_rows, n_columns) arrays
            Float64 blocks, NaN where missing. May be called more than once.
        n_columns : int
        is_share : bool
            Whether each of several processes has other blocks, and learns what one
            would that had them all.
        """
        self.n_columns_ = n_columns
        self.center_ = np.zeros(n_columns)
        self.scale_ = np.ones(n_columns)
        if n_columns == 0 or self.scaling is None:
            return self
        if self.scaling == "quantile":
            self.quantiles_ = self._fit_quantiles(blocks, is_share)
            return self
        if self.scaling == "robust":
            self.center_, self.scale_ = self._fit_robust(blocks, is_share)
            return self
        self.center_, self.scale_ = self._fit_affine(blocks, is_share)
        if self.scaling == "asinh":
            self.outer_center_, self.outer_scale_ = self._fit_affine(
                lambda: (np.arcsinh(self._to_affine(block)) for block in blocks()),
                is_share,
            )
        return self

    def transform(self, X):
        """Scale a block of float64 or float32; missing values stay NaN."""
        if self.scaling is None or self.n_columns_ == 0:
            return X
        if self.scaling == "quantile":
            return self._map_quantiles(X, "transform")
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
            return self._map_quantiles(X, "inverse_transform")
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

    def _map_quantiles(self, X, method):
        mapped = [
            getattr(quantiles, method)(part)
            for quantiles, part in zip(self.quantiles_, self._parts(X), strict=True)
        ]
        if self.groups is None:
            return mapped[0]
        out = np.empty(X.shape)
        for columns, part in zip(self._members(), mapped, strict=True):
            out[:, columns] = part.reshape(len(X), -1)
        return out

    def _members(self):
        """Columns of each group."""
        return [np.flatnonzero(self.groups == g) for g in np.unique(self.groups)]

    def _parts(self, block):
        """Arrays whose columns each have a statistic: all, or one for each group."""
        if self.groups is None:
            return [block]
        if not self.groups.any():  # without a copy
            return [block.reshape(-1, 1)]
        return [block[:, columns].reshape(-1, 1) for columns in self._members()]

    def _per_column(self, statistics):
        """Statistics of the parts to those of columns: (n_columns,) float64."""
        if self.groups is None:
            return np.asarray(statistics[0], dtype=np.float64)
        out = np.empty(self.n_columns_)
        for columns, statistic in zip(self._members(), statistics, strict=True):
            out[columns] = statistic
        return out

    def _fit_affine(self, blocks, is_share):
        kind = MinMaxScaler if self.scaling == "minmax" else StandardScaler
        scalers: list = []
        for block in blocks():
            parts = self._parts(block)
            scalers = scalers or [kind() for _ in parts]
            for scaler, part in zip(scalers, parts, strict=True):
                scaler.partial_fit(part)
        if is_share:
            scalers = [
                merged(list(of_one))
                for of_one in zip(*of_all_processes(scalers), strict=True)
            ]
        if self.scaling == "minmax":
            centers = [scaler.data_min_ for scaler in scalers]
            scales = [1.0 / scaler.scale_ for scaler in scalers]
        else:
            centers = [scaler.mean_ for scaler in scalers]
            scales = [scaler.scale_ for scaler in scalers]
        return self._per_column(centers), self._per_column(scales)

    def _fit_robust(self, blocks, is_share):
        if self.groups is not None:
            rows = self._all_rows(blocks, slice(None), is_share)
            scalers = [RobustScaler().fit(part) for part in self._parts(rows)]
            return (
                self._per_column([scaler.center_ for scaler in scalers]),
                self._per_column([scaler.scale_ for scaler in scalers]),
            )
        centers, scales = [], []
        for start in range(0, self.n_columns_, _COLUMN_BLOCK):
            columns = slice(start, start + _COLUMN_BLOCK)
            part = self._all_rows(blocks, columns, is_share)
            scaler = RobustScaler().fit(part)
            centers.append(scaler.center_)
            scales.append(scaler.scale_)
        return np.concatenate(centers), np.concatenate(scales)

    def _fit_quantiles(self, blocks, is_share):
        rows = self._all_rows(blocks, slice(None), is_share)
        return [
            QuantileTransformer(
                n_quantiles=min(1000, len(part)),
                output_distribution="normal",
                random_state=self.seed,
            ).fit(part)
            for part in self._parts(rows)
        ]

    def _all_rows(self, blocks, columns, is_share):
        """Some columns of all blocks, of those of all processes if each has some."""
        own = [block[:, columns] for block in blocks()]
        if not is_share:
            return np.concatenate(own)
        none = np.empty((0, self.n_columns_))[:, columns]
        return joined_rows(np.concatenate([none, *own]))


def merged(scalers):
    """A scaler of all the rows that scalers were fitted to: the statistics it needs.

    Parameters
    ----------
    scalers : list of StandardScaler or list of MinMaxScaler

    Returns
    -------
    scaler : StandardScaler or MinMaxScaler
    """
    if isinstance(scalers[0], MinMaxScaler):
        low = np.fmin.reduce([scaler.data_min_ for scaler in scalers])
        high = np.fmax.reduce([scaler.data_max_ for scaler in scalers])
        return MinMaxScaler().fit(np.stack([low, high]))
    shape = scalers[0].mean_.shape
    counts = [np.broadcast_to(scaler.n_samples_seen_, shape) for scaler in scalers]
    n_rows = np.array(counts, dtype=np.float64)
    # Of no row there is no mean.
    means = np.where(n_rows > 0, [scaler.mean_ for scaler in scalers], 0.0)
    variances = np.where(n_rows > 0, [scaler.var_ for scaler in scalers], 0.0)
    total = n_rows.sum(axis=0)
    mean = (n_rows * means).sum(axis=0) / total
    variance = (n_rows * (variances + (means - mean) ** 2)).sum(axis=0) / total
    # As scikit-learn has it: what rounding leaves of a constant is no variance.
    eps = np.finfo(np.float64).eps
    constant = variance <= total * eps * variance + (total * mean * eps) ** 2
    scaler = scalers[0]
    scaler.mean_, scaler.var_, scaler.n_samples_seen_ = mean, variance, total
    scaler.scale_ = np.where(constant, 1.0, np.sqrt(variance))
    return scaler
