"""Rows in, float32 cells out, and back.

The encoded table is one float32 array of the input's shape. A numeric cell holds
its scaled value, a categorical cell the index of its category, a missing cell
NaN. Networks, masks and losses all read this one array.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from sklearn.preprocessing import OrdinalEncoder

from skmae._processes import done_by_all, joined_rows, share_bounds
from skmae.data.blocks import row_blocks
from skmae.data.channels import pooled
from skmae.data.doubtful_columns import warn_of_unknown
from skmae.data.encoded_rows import (
    EncodedFile,
    EncodedRows,
    SharedRows,
    found_in_shares,
    is_large,
    sample_of,
)
from skmae.data.quoting import quoted_names
from skmae.data.scaling import ColumnScaler
from skmae.data.shares import by_all, share_of, shared
from skmae.data.tables import StoredTable, as_table, take_rows

# Past this many standard deviations a cell says no more than "far out", and its
# square would leave the range of float32.
FARTHEST = 1e9
# What numpy makes of missing values where it makes strings of all.
_LOST_MARKS = ("nan", "None", "<NA>")


@dataclass(frozen=True)
class Layout:
    """What a network must know of a table.

    The *expanded* order of a table's values is all numeric columns, then the
    category indicators of one categorical column after the other.

    Attributes
    ----------
    numeric, categorical : tuple of int
        Column indices.
    cardinalities : tuple of int
        Number of categories of each categorical column.
    means : (n_expanded,) float32 array
        Training means: of scaled values, and frequencies of categories.
    stds : (n_columns,) float32 array
        Training standard deviations of scaled values. For a categorical column
        the square root of 1 - sum(frequency ** 2), the same for its indicators.
    edges : (n_numeric, n_bins + 1) float32 array or None
        Quantiles of the numeric columns, for piecewise-linear embeddings.
    """

    numeric: tuple
    categorical: tuple
    cardinalities: tuple
    means: np.ndarray
    stds: np.ndarray
    edges: np.ndarray | None = None

    @property
    def n_columns(self):
        """Number of columns of the table."""
        return len(self.numeric) + len(self.categorical)

    @property
    def n_expanded(self):
        """Number of values of a row with each category as an indicator."""
        return len(self.numeric) + sum(self.cardinalities)

    @property
    def column_of_expanded(self):
        """Column to which each expanded value belongs: (n_expanded,) int array."""
        columns = list(self.numeric)
        for column, part in self.category_slices():
            columns += [column] * (part.stop - part.start)
        return np.array(columns, dtype=np.int64)

    def repeated(self, times):
        """Layout of several rows of numbers side by side."""
        edges = None if self.edges is None else np.tile(self.edges, (times, 1))
        return Layout(
            numeric=tuple(range(times * self.n_columns)),
            categorical=(),
            cardinalities=(),
            means=np.tile(self.means, times),
            stds=np.tile(self.stds, times),
            edges=edges,
        )

    def expand(self, values):
        """Cells to expanded values: (n_rows, n_columns) -> (n_rows, n_expanded).

        Float32, NaN where missing.
        """
        expanded = np.empty((len(values), self.n_expanded), dtype=np.float32)
        expanded[:, : len(self.numeric)] = values[:, list(self.numeric)]
        for column, part in self.category_slices():
            indices = values[:, column]
            indicators = indices[:, None] == np.arange(part.stop - part.start)
            expanded[:, part] = np.where(np.isnan(indices)[:, None], np.nan, indicators)
        return expanded

    def category_slices(self):
        """Yield (column, slice into the expanded values) per categorical column."""
        start = len(self.numeric)
        for column, size in zip(self.categorical, self.cardinalities, strict=True):
            yield column, slice(start, start + size)
            start += size


class TableCodec:
    """Encode the rows of a table as float32 cells and decode them again.

    Parameters
    ----------
    scaling : str or None
        See :class:`~skmae.data.scaling.ColumnScaler`.
    groups : (n_columns,) int array or None
        Numeric columns of one group share a scale. None: each has its own.
    n_bins : int or None
        Quantile bins to record for piecewise-linear embeddings.
    seed : int

    Attributes
    ----------
    empty_ : (n_columns,) bool array
        Columns without any observed cell in fit. They are always missing: nothing is
        read of them, and they are decoded as NaN, or None where they may hold strings.
    """

    def __init__(self, scaling, groups=None, n_bins=None, seed=0):
        self.scaling = scaling
        self.groups = groups
        self.n_bins = n_bins
        self.seed = seed

    def fit_encode(self, table, feature_names=None):
        """Learn scales and categories and encode the same table.

        A large table is read in passes. What needs all rows at once, the scalings
        "robust" and "quantile" and the bins, is learned from a sample of its rows.

        Of a stored table each of several processes reads its share; all of them learn
        what one would.

        Parameters
        ----------
        table : ArrayTable or FrameTable
        feature_names : sequence of names or None
            For error messages.

        Returns
        -------
        values : (n_rows, n_columns) float32 array or EncodedRows

        Raises
        ------
        ValueError
            If there is no observed cell, or a column is too wide to scale.
        """
        table = shared(table)
        self.categorical_ = table.categorical
        self.numeric_ = np.flatnonzero(~table.categorical)
        self.empty_ = np.zeros(len(table.categorical), dtype=bool)
        self.encoders_ = {
            int(column): self._fit_categories(table, column, feature_names)
            for column in np.flatnonzero(table.categorical)
        }
        self._check_observed(table)
        self._check_scale(feature_names)
        to_scale = table
        if self.scaling in ("robust", "quantile") and is_large(table):
            to_scale = self._sample_to_scale(table)
        groups = None if self.groups is None else self.groups[self.numeric_]
        self.scaler_ = ColumnScaler(self.scaling, groups, self.seed).fit(
            lambda: self._blocks_to_scale(to_scale),
            len(self.numeric_),
            is_share=share_of(table) is not None,
        )
        values = self.encode_to_train(table)
        self.layout_ = self._describe(values)
        return values

    def encode_to_train(self, table):
        """Encode a table, a large one only as its rows are read.

        Returns
        -------
        values : (n_rows, n_columns) float32 array or EncodedRows
        """
        table = shared(table)
        if share_of(table) is not None:
            return self._encode_share(table)
        if not is_large(table):
            return self.encode(table)
        if isinstance(table, StoredTable):
            return EncodedFile.of(self, table)
        return EncodedRows(self, table.X)

    def _encode_share(self, table):
        """Encode what this process reads of a table that several of them share."""
        large, own = is_large(table), None

        def encode():
            nonlocal own
            own = EncodedFile.of(self, table) if large else self.encode(table)

        done_by_all(encode)
        return SharedRows(own) if large else joined_rows(own)

    def encode(self, table):
        """Encode a table: (n_rows, n_columns) float32, NaN where missing.

        A category that was not seen in fit is encoded as missing.
        """
        values = np.empty((table.n_rows, len(self.categorical_)), dtype=np.float32)
        for rows, block in self.encode_blocks(table):
            values[rows] = block
        return values

    def encode_blocks(self, table):
        """Encode block by block: yield (rows, values of these rows).

        All blocks but the last hold the same number of rows. A block is written
        over by the next one.
        """
        buffer = None
        for first, part in table.parts():
            indices = {
                column: _category_indices(encoder, part, column)
                for column, encoder in self.encoders_.items()
                if not self.empty_[column]
            }
            for rows in part.blocks():
                n_rows = rows.stop - rows.start
                if buffer is None:
                    shape = (n_rows, len(self.categorical_))
                    buffer = np.empty(shape, dtype=np.float32)
                values = buffer[:n_rows]
                self._encode_block(part.numeric_block(rows), values)
                for column, of_column in indices.items():
                    values[:, column] = of_column[rows]
                yield slice(first + rows.start, first + rows.stop), values

    def _encode_block(self, numbers, values):
        """Scale the numbers of a block, and write them to its values."""
        with np.errstate(over="ignore"):
            scaled = self.scaler_.transform(numbers)
            if self.encoders_:
                values[:, self.numeric_] = scaled
            else:
                values[:] = scaled
        if self.empty_.any():
            # Nothing was learned of a column that had no value in fit.
            values[:, self.empty_] = np.nan
        # NaN passes through.
        torch.from_numpy(values).clamp_(-FARTHEST, FARTHEST)

    @property
    def categories(self):
        """Categories of each categorical column: list of arrays."""
        return [encoder.categories_[0] for encoder in self.encoders_.values()]

    def new_categories(self, table):
        """Categories that fit did not see: dict of a column to a list of them."""
        found = {}
        for column, encoder in self.encoders_.items():
            cells, missing = table.categorical_column(column)
            known = set(encoder.categories_[0].tolist())
            new = [c for c in pd.unique(cells[~missing]).tolist() if c not in known]
            if new and not self.empty_[column]:
                found[column] = new
        return found

    def table(self, X):
        """Checked rows as :meth:`encode` takes them."""
        return as_table(X, self.categorical_)

    def decode(self, values):
        """Turn cells back into the units and categories of the input.

        Parameters
        ----------
        values : (n_rows, n_columns) float array
            Scaled numbers and category indices, no NaN.

        Returns
        -------
        columns : list of (n_rows,) arrays
            Those that were empty in fit hold nothing but NaN or None.
        """
        numbers = np.asarray(values[:, self.numeric_], dtype=np.float64)
        numbers = self.scaler_.inverse_transform(numbers)
        empty = self.empty_[self.numeric_]
        if empty.any():
            numbers = np.where(empty, np.nan, numbers)
        columns = dict(zip(self.numeric_, numbers.T, strict=True))
        for column, encoder in self.encoders_.items():
            indices = values[:, column].astype(np.intp)
            columns[column] = encoder.categories_[0][indices]
        return [columns[column] for column in range(values.shape[1])]

    def within_range(self, values):
        """Move scaled numbers into the range that was seen in fit."""
        values = values.copy()
        bounds = self.scaler_.transform(np.stack([self.low_, self.high_]))
        values[:, self.numeric_] = values[:, self.numeric_].clip(*bounds)
        return values

    def _fit_categories(self, table, column, feature_names):
        cells, missing = table.categorical_column(column)
        if cells.dtype.kind == "U" and np.isin(cells, _LOST_MARKS).any():
            raise ValueError(
                f"Column {quoted_names([column], feature_names)} of X, an array of "
                "strings, holds 'nan', 'None' or '<NA>', which numpy makes of missing "
                "values beside strings. Build the array with dtype=object, or pass a "
                "DataFrame."
            )
        encoder = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=np.nan
        )
        if missing.all():
            self.empty_[column] = True
            # Its only category, which it is decoded as.
            nothing = np.nan if cells.dtype.kind == "f" else None
            return encoder.fit(np.array([[nothing]], dtype=object))
        try:
            return encoder.fit(cells[~missing].reshape(-1, 1))
        except TypeError as error:
            kinds = Counter(type(cell).__name__ for cell in cells[~missing].tolist())
            found = ", ".join(f"{n} of type {kind}" for kind, n in kinds.most_common())
            raise TypeError(
                f"Column {quoted_names([column], feature_names)} of X is categorical, "
                f"and its values cannot be put in order: {found}. If they are meant as "
                "numbers, convert the column first, for example by "
                "pandas.to_numeric(column, errors='coerce'); if as categories, make "
                "strings of all, for example by column.astype(str)."
            ) from error

    def _blocks_to_scale(self, table):
        unscaled = self.empty_[self.numeric_]
        if self.groups is not None:
            # To a scale that other columns share, an empty one adds nothing.
            groups = self.groups[self.numeric_]
            unscaled = ~np.isin(groups, groups[~unscaled])
        for rows in table.blocks():
            block = table.numeric_block(rows)
            # zeros, which every scaling takes for a constant column
            yield np.where(unscaled, 0.0, block) if unscaled.any() else block

    def _check_observed(self, table):
        found = by_all(table, lambda: self._ranges(table))
        low = np.min([low for low, _ in found], axis=0)
        high = np.max([high for _, high in found], axis=0)
        seen = low <= high
        self.empty_[self.numeric_[~seen]] = True
        if self.empty_.all():
            raise ValueError("X has no observed value: there is nothing to learn.")
        low[~seen] = high[~seen] = 0.0
        self.low_, self.high_ = low, high

    def _ranges(self, table):
        """Least and largest number of each column; infinite where there is none."""
        low = np.full(len(self.numeric_), np.inf)
        high = np.full(len(self.numeric_), -np.inf)
        for rows in table.blocks():
            block = table.numeric_block(rows)
            # fmin and fmax pass over NaN.
            low = np.fmin(low, np.fmin.reduce(block, axis=0))
            high = np.fmax(high, np.fmax.reduce(block, axis=0))
        return low, high

    def _check_scale(self, feature_names):
        # Past these sizes squares overflow: of float64 while the scale is learned,
        # or of float32 in the loss where there is none.
        largest = 1e18 if self.scaling is None else 1e150
        too_wide = np.maximum(np.abs(self.low_), np.abs(self.high_)) > largest
        if too_wide.any():
            names = quoted_names(self.numeric_[too_wide], feature_names)
            raise ValueError(
                f"Column {names} of X holds values larger than {largest:g}, too large "
                f"for scaling={self.scaling!r}. Divide it by a constant first."
            )

    def _describe(self, values):
        means, stds = _means_and_stds(values)
        if self.groups is not None:
            # Columns that share a scale also share the unit of error.
            seen = self.numeric_[~self.empty_[self.numeric_]]
            stds[seen] = np.sqrt(pooled(stds[seen] ** 2, self.groups[seen]))
        expanded = [means[self.numeric_]]
        for column, encoder in self.encoders_.items():
            counts = category_counts(values, column, len(encoder.categories_[0]))
            frequencies = counts / max(counts.sum(), 1)
            expanded.append(frequencies)
            stds[column] = np.sqrt(1 - np.sum(frequencies**2))
        stds[~(stds > 1e-6)] = 1.0  # constant columns
        return Layout(
            numeric=tuple(self.numeric_.tolist()),
            categorical=tuple(self.encoders_),
            cardinalities=tuple(len(e.categories_[0]) for e in self.encoders_.values()),
            means=np.concatenate(expanded).astype(np.float32),
            stds=stds.astype(np.float32),
            edges=None if self.n_bins is None else self._quantile_edges(values),
        )

    def _sample_to_scale(self, table):
        """Some rows of a large table; of those of a share, that share's."""
        whole = share_of(table)
        rows = self._sample(table.X if whole is None else whole)
        if whole is not None:
            first = share_bounds(len(whole))[0]
            rows = rows[(rows >= first) & (rows < first + table.n_rows)] - first
        return as_table(take_rows(table.X, rows), table.categorical)

    def _sample(self, rows):
        return sample_of(rows.shape[0], rows.shape[1], self.seed)

    def _quantile_edges(self, values):
        if isinstance(values, EncodedRows):
            values = values[self._sample(values)]
        steps = np.linspace(0, 1, self.n_bins + 1)
        edges = [
            np.nanquantile(values[:, column], steps)
            if not self.empty_[column]
            else np.zeros(len(steps))
            for column in self.numeric_
        ]
        return np.array(edges, dtype=np.float32).reshape(-1, len(steps))


def _category_indices(encoder, table, column):
    cells, missing = table.categorical_column(column)
    indices = np.full(table.n_rows, np.nan)
    if missing.all():
        return indices
    observed = cells[~missing]
    indices[~missing] = encoder.transform(observed.reshape(-1, 1)).ravel()
    if np.isnan(indices).all():
        where = f"Column {table.quoted_name(column)} of X"
        warn_of_unknown(observed.tolist(), encoder.categories_[0], where)
    return indices


def category_counts(values, column, n_categories):
    """Rows of each category of a column: (n_categories,) int array."""

    def count(values):
        counts = np.zeros(n_categories, dtype=np.int64)
        for rows in row_blocks(*values.shape):
            indices = values[rows][:, column]
            known = indices[~np.isnan(indices)].astype(int)
            counts += np.bincount(known, minlength=n_categories)
        return counts

    return sum(found_in_shares(values, count))


def _means_and_stds(values):
    """Column means and standard deviations over observed cells, in float64."""

    def sums(values):
        count, total = np.zeros((2, values.shape[1]))
        for rows in row_blocks(*values.shape):
            block = values[rows].astype(np.float64)
            of_block = block.sum(axis=0)
            if np.isfinite(of_block).all():
                count += len(block)
            else:
                count += (~np.isnan(block)).sum(axis=0)
                of_block = np.nansum(block, axis=0)
            total += of_block
        return np.stack([count, total])

    count, total = sum(found_in_shares(values, sums))
    count = np.maximum(count, 1)
    mean = total / count

    def squares(values):
        square = np.zeros(values.shape[1])
        for rows in row_blocks(*values.shape):
            block = (values[rows] - mean) ** 2
            of_block = block.sum(axis=0)
            # Only where values are missing, which takes a copy.
            if not np.isfinite(of_block).all():
                of_block = np.nansum(block, axis=0)
            square += of_block
        return square

    return mean, np.sqrt(sum(found_in_shares(values, squares)) / count)
