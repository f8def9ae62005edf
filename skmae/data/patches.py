"""Cells of n-d rows grouped into patches: the units that masks hide.

A flat row of an image, spectrogram, series or video is cut along its axes into
boxes of ``patch_size``. Where the size does not divide an axis the last patch is
smaller; no padding cell is made up.
"""

from dataclasses import dataclass
from numbers import Integral

import numpy as np


@dataclass(frozen=True)
class UnitGrid:
    """The mask units of a row.

    Attributes
    ----------
    unit_of_cell : (n_cells,) int array
        The unit to which each cell of the flat row belongs.
    coordinates : (n_units, n_axes) float array
        Positions of the units, for masks that hide neighbours together.
    slot_of_cell : (n_cells,) int array
        The place of each cell in its unit: the same place of two patches means the
        same offset from their first corners.
    """

    unit_of_cell: np.ndarray
    coordinates: np.ndarray
    slot_of_cell: np.ndarray

    @property
    def n_units(self):
        """Number of mask units."""
        return len(self.coordinates)

    @property
    def one_to_one(self):
        """Whether each cell is a unit of its own, in order."""
        return len(self.unit_of_cell) == self.n_units


def make_grid(n_columns, input_shape=None, patch_size=None):
    """Group the cells of a flat row into mask units.

    Parameters
    ----------
    n_columns : int
    input_shape : tuple of int or None
        Shape of a row. None: columns are the units.
    patch_size : int, tuple of int or None
        Size of a patch along the last axes of the shape; axes before those (the
        channels) belong to one patch. An int stands for one or two such axes: two
        where the row has two or more. None: each cell is a unit.

    Returns
    -------
    grid : UnitGrid
    """
    if input_shape is None:
        return UnitGrid(
            np.arange(n_columns),
            np.arange(n_columns, dtype=float)[:, None],
            np.zeros(n_columns, dtype=int),
        )
    sizes = _sizes_per_axis(tuple(input_shape), patch_size)
    counts = [
        -(-extent // size) for extent, size in zip(input_shape, sizes, strict=True)
    ]
    cells = np.indices(input_shape).reshape(len(input_shape), -1)  # (n_axes, n_cells)
    patch_index = [index // size for index, size in zip(cells, sizes, strict=True)]
    unit_of_cell = np.ravel_multi_index(patch_index, counts)
    offset = [index % size for index, size in zip(cells, sizes, strict=True)]
    slot_of_cell = np.ravel_multi_index(offset, sizes)
    coordinates = np.indices(counts).reshape(len(counts), -1).T.astype(float)
    return UnitGrid(unit_of_cell, coordinates, slot_of_cell)


def _sizes_per_axis(input_shape, patch_size):
    n_axes = len(input_shape)
    if patch_size is None:
        return (1,) * n_axes
    if isinstance(patch_size, Integral):
        patch_size = (patch_size,) * min(2, n_axes)
    fits = 1 <= len(patch_size) <= n_axes and all(
        isinstance(size, Integral) and 1 <= int(size) <= extent
        for size, extent in zip(
            patch_size, input_shape[n_axes - len(patch_size) :], strict=True
        )
    )
    if not fits:
        raise ValueError(
            f"patch_size must fit into input_shape={input_shape}, with an integer of "
            "at least 1 for each axis or for the last of them. Got "
            f"{tuple(patch_size)} instead."
        )
    sizes = tuple(int(size) for size in patch_size)
    return input_shape[: n_axes - len(sizes)] + sizes
