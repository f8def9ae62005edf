"""Rows as points of a neighbour search."""

import numpy as np

from skmae.data.channels import pooled
from skmae.data.codec import FARTHEST
from skmae.detection.weights import mean

# Least root mean square of a column's residuals, in standard deviations: a column
# that is predicted perfectly must not divide by zero.
_LEAST_RESIDUAL = 1e-3
# Of the first coordinate: in squared distances it counts half as much as another.
_STANDARD_WEIGHT = 0.5**0.5
# Units that the deviations of a coordinate measure at most. Where a column rarely
# leaves its usual value, as counts do that are nearly always 0, a single cell that
# does would otherwise outweigh the rest of its row.
_MOST_UNITS = 3.0


class CellSpace:
    """Coordinates of a cell: its value, compressed, and against expectation.

    The standardised value itself; its inverse hyperbolic sine, which lets the bulk
    of a heavy-tailed column count beside its tail; and the residual of its
    prediction from other cells, compressed likewise, which separates rows whose values
    are each ordinary but do not go together. A category has these
    coordinates for each of its indicators.

    The unit of a coordinate is its root mean square, or a larger one where it deviates
    rarely but far, of which its deviations measure three: the root of the mean of their
    squares, weighted by these squares. (A column's kurtosis says how large: from 9 on,
    the unit grows by the root of a ninth of it.)

    Parameters
    ----------
    cell_of_value : (n_expanded,) int array
        The column to which each expanded value belongs.
    groups : (n_columns,) int array or None
        Columns of one group share a unit, as suits the pixels of an image. None: each
        has its own.
    standard : bool
        Use the first coordinate, and units that rare deviations raise. Both are bad
        where rows may be outliers, as these inflate them.
    """

    def __init__(self, cell_of_value, groups, standard):
        self.cell_of_value = cell_of_value
        self.groups = groups
        self.standard = standard

    @property
    def cell_of_coordinate(self):
        """The column to which each coordinate belongs: (n_coordinates,)."""
        return np.tile(self.cell_of_value, 2 + self.standard)

    @property
    def identity(self):
        """Coordinates in which equal rows agree, whatever was expected of them."""
        of_values = np.ones((1 + self.standard) * len(self.cell_of_value), dtype=bool)
        return np.append(of_values, np.zeros(len(self.cell_of_value), dtype=bool))

    def fit(self, values, residuals, weight=None):
        """Learn the units.

        Parameters
        ----------
        values : (n_rows, n_expanded) float array
            Numbers in the user's units and indicators of categories; NaN where
            missing.
        residuals : (n_rows, n_expanded) float array
            Value minus prediction in standard deviations, of rows not trained on.
        weight : (n_rows,) array or None
            Of the rows.
        """
        self.center_ = mean(values, weight)
        self.scale_ = self._unit(values - self.center_, weight)
        # A spread that is only rounding is no unit.
        constant = self.scale_ <= np.abs(self.center_) * 1e-13
        self.scale_[constant] = 1.0
        self.compressed_scale_ = self._unit(np.arcsinh(self._standard(values)), weight)
        self.compressed_scale_[constant] = 1.0
        self.residual_scale_ = np.maximum(
            self._unit(residuals, weight), _LEAST_RESIDUAL
        )
        blocks = self._blocks(values, residuals)
        self.rare_units_ = np.ones((len(blocks), len(self.cell_of_value)))
        if self.standard:
            self.rare_units_[:] = [self._rare_unit(block, weight) for block in blocks]
        return self

    def points(self, values, residuals):
        """Coordinates of rows: (n_rows, n_coordinates), 0 where missing."""
        blocks = self._blocks(values, residuals)
        if self.standard:
            blocks[0] *= _STANDARD_WEIGHT
        points = np.hstack(
            [block / unit for block, unit in zip(blocks, self.rare_units_, strict=True)]
        )
        return np.nan_to_num(points, copy=False)

    def points_of(self, rows, level):
        """Coordinates of JudgedRows, a missing cell being where a level expects it."""
        values = np.where(np.isnan(rows.values), rows.expected[level], rows.values)
        return self.points(values, rows.signed[level])

    def _blocks(self, values, residuals):
        """Each kind of coordinate in root mean squares, NaN where missing."""
        standard = self._standard(values)
        compressed = np.arcsinh(standard) / self.compressed_scale_
        unexpected = np.arcsinh(residuals / self.residual_scale_)
        return [standard] * self.standard + [compressed, unexpected]

    def _rare_unit(self, block, weight):
        """What rare deviations make of the unit of each coordinate, 1 at least."""
        square = np.stack([np.bincount(self.cell_of_value, row) for row in block**2])
        typical = pooled(mean(square**2, weight), self.groups)
        usual = pooled(mean(square, weight), self.groups)
        typical /= np.where(usual > 0, usual, 1.0)
        unit = np.sqrt(typical) / _MOST_UNITS
        return np.maximum(unit, 1.0)[self.cell_of_value]

    def _standard(self, values):
        standard = (values - self.center_) / self.scale_
        return np.clip(standard, -FARTHEST, FARTHEST)

    def _unit(self, numbers, weight):
        """Root mean square of each column, over all indicators of a category."""
        square = np.bincount(self.cell_of_value, mean(numbers**2, weight))
        square = pooled(square, self.groups)
        return np.sqrt(square[self.cell_of_value])
