"""How far a row lies from its nearest training rows, cell by cell."""

import numpy as np

# Rows whose distances are computed in one product: always as many, so that a
# row's distances do not depend on the rows beside it.
_BLOCK_ROWS = 16
# Squared distances below this are rounding, in units of a column's variance.
_SAME = 1e-10
# Rounding error of a product that computes them, relative to squared lengths.
_ROUNDING = 1e-14


class CellNeighbours:
    """Mean squared distance to the nearest reference rows, split over cells.

    A row is a point with one or more coordinates per cell. A reference row equal to
    the row in question is taken to be that very row and left out, once, so that
    training rows are not their own neighbours. Further equal ones are at distance 0:
    their residuals differ by the member that predicted them, which is ignored.

    Parameters
    ----------
    n_neighbors : int
        Fewer than there are reference rows.
    cell_of_coordinate : (n_coordinates,) int array
        The column to which each coordinate belongs.
    n_cells : int
    identity : (n_coordinates,) bool array
        Coordinates in which equal rows must agree.
    """

    def __init__(self, n_neighbors, cell_of_coordinate, n_cells, identity):
        self.n_neighbors = n_neighbors
        self.cell_of_coordinate = cell_of_coordinate
        self.n_cells = n_cells
        self.identity = identity

    def fit(self, points, weight=None):
        """Keep the reference rows.

        Parameters
        ----------
        points : (n_reference, n_coordinates) array
            No NaN.
        weight : (n_reference,) array or None
            How many neighbours each of them is; 1 in the mean.
        """
        self.weight_ = weight
        # One more than neighbours, of whichever weights.
        self.n_candidates_ = min(self.n_neighbors + 1, len(points))
        if weight is not None:
            reached = np.cumsum(np.sort(weight))
            self.n_candidates_ = min(
                1 + int(np.searchsorted(reached, self.n_neighbors + 1)), len(points)
            )
        self._keep(points.astype(np.float32))
        return self

    def __getstate__(self):
        state = vars(self).copy()
        state.pop("_parts", None)
        return state

    def __setstate__(self, state):
        vars(self).update(state)
        if "points_" in state:
            self._keep(self.points_)

    def _keep(self, points):
        self.points_ = points
        # Needed by every search, but not pickled.
        self._parts = [
            _Part(points, np.flatnonzero(which), self.cell_of_coordinate)
            for which in (self.identity, ~self.identity)
        ]

    def distances(self, points, observed):
        """Mean squared distances, split over cells.

        Parameters
        ----------
        points : (n_rows, n_coordinates) array
        observed : (n_rows, n_cells) bool array
            Cells that count. The distance is scaled up by the share that does not.

        Returns
        -------
        distances : (n_rows, n_cells) float64 array
            0 in cells that do not count.
        """
        # In float32, like the reference rows, so that equal rows stay equal.
        points = points.astype(np.float32).astype(np.float64)
        out = np.zeros((len(points), self.n_cells))
        complete = observed.all(axis=1)
        for rows in (np.flatnonzero(complete), np.flatnonzero(~complete)):
            for start in range(0, len(rows), _BLOCK_ROWS):
                block = rows[start : start + _BLOCK_ROWS]
                nearest = self._nearest(points[block], observed[block])
                for row, candidates in zip(block, nearest, strict=True):
                    out[row] = self._cells(points[row], observed[row], candidates)
        n_observed = observed.sum(axis=1, keepdims=True)
        return out * (self.n_cells / np.maximum(n_observed, 1))

    def _nearest(self, points, observed):
        """Indices of the nearest reference rows: (n_rows, n_candidates)."""
        n_rows = len(points)
        padding = [(0, _BLOCK_ROWS - n_rows), (0, 0)]
        points = np.pad(points, padding)
        if not observed.all():
            observed = np.pad(observed, padding)
        (of_values, size), (squared, _) = (
            part.squared(points, observed) for part in self._parts
        )
        squared += of_values
        squared[of_values < _SAME + _ROUNDING * size] = -np.inf
        nearest = np.argpartition(squared[:n_rows], self.n_candidates_ - 1, axis=1)
        return nearest[:, : self.n_candidates_]

    def _cells(self, point, observed, candidates):
        """Mean squared distance of one point in each cell: (n_cells,)."""
        # (n_candidates, n_coordinates)
        squared = (self.points_[candidates].astype(np.float64) - point) ** 2
        squared *= observed[self.cell_of_coordinate]
        same = squared[:, self.identity].sum(axis=1) < _SAME
        squared[same] = 0.0
        total = squared.sum(axis=1)
        if self.weight_ is None:
            leave_out = np.argmax(np.where(same, np.inf, total))
            kept = np.delete(squared, leave_out, axis=0)[: self.n_neighbors]
            distance = kept.mean(axis=0)
        else:
            taken = self._taken(self.weight_[candidates], same, total)
            distance = taken @ squared / taken.sum()
        return np.bincount(self.cell_of_coordinate, distance, minlength=self.n_cells)

    def _taken(self, weight, same, total):
        """How much of each candidate is among the nearest neighbours.

        Of rows equal to the one in question a weight of 1 is left out.
        """
        order = np.lexsort([total, ~same])
        reached = np.cumsum(weight[order])
        of_same = weight[same].sum()
        reached = np.maximum(reached - min(of_same, 1.0), 0.0)
        taken = np.empty_like(weight)
        taken[order] = np.diff(np.minimum(reached, self.n_neighbors), prepend=0.0)
        return taken


class _Part:
    """Reference rows in some of their coordinates."""

    def __init__(self, reference, coordinates, cell_of_coordinate):
        self.coordinates = coordinates
        self.cells = cell_of_coordinate[coordinates]
        self.reference = reference[:, coordinates].astype(np.float64)
        self.lengths = np.einsum("ij,ij->i", self.reference, self.reference)

    def squared(self, points, observed):
        """Squared distances over observed cells, and what their rounding grows with.

        2 of (n_rows, n_reference)
        """
        points, lengths = points[:, self.coordinates], self.lengths
        if not observed.all():
            weight = observed[:, self.cells]
            points, lengths = points * weight, weight @ (self.reference**2).T
        size = lengths + np.einsum("ij,ij->i", points, points)[:, None]
        return size - 2 * points @ self.reference.T, size
