"""Cells of n-d rows grouped into patches: the units that masks hide.

A flat row of an image, spectrogram, series or video is cut along its axes into
boxes of ``patch_size``. Where the size does not divide an axis the last patch is
smaller; no padding cell is made up.
"""

from dataclasses import dataclass
from numbers import Integral

import numpy as np


@dataclass(frozen=True)
class RowShape:
    """Shape of a row that is an n-d signal, and how it is cut into mask units.

    Attributes
    ----------
    input_shape, patch_size, channel_axis :
        See :func:`make_grid`. Of a table all are None.
    """

    input_shape: tuple | None = None
    patch_size: int | tuple | None = None
    channel_axis: int | None = None

    @property
    def has_steps(self):
        """Whether rows are sequences of steps, each with a length of its own."""
        return self.input_shape is not None and self.input_shape[0] is None

    def grid(self, n_columns):
        """Mask units of a flat row. None where rows have steps, which are the units."""
        if self.has_steps:
            return None
        return make_grid(
            n_columns, self.input_shape, self.patch_size, self.channel_axis
        )


@dataclass(frozen=True)
class UnitGrid:
    """The mask units of a row.

    Attributes
    ----------
    unit_of_cell : (n_cells,) int array
        The unit to which each cell of the flat row belongs.
    coordinates : (n_units, n_axes) float array
        Positions of the units along the axes of the row.
    slot_of_cell : (n_cells,) int array
        The place of each cell in its unit: the same place of two patches means the
        same offset from their first corners.
    channel_axis : int or None
        Axis along which no unit is a neighbour of another.
    """

    unit_of_cell: np.ndarray
    coordinates: np.ndarray
    slot_of_cell: np.ndarray
    channel_axis: int | None = None

    @property
    def n_units(self):
        """Number of mask units."""
        return len(self.coordinates)

    @property
    def places(self):
        """Where units lie, for masks that hide neighbours: (n_units, n_axes).

        Units of all channels at one place lie there together.
        """
        if self.channel_axis is None:
            return self.coordinates
        places = self.coordinates.copy()
        places[:, self.channel_axis] = 0.0
        return places

    @property
    def one_to_one(self):
        """Whether each cell is a unit of its own, in order."""
        return len(self.unit_of_cell) == self.n_units


def make_grid(n_columns, input_shape=None, patch_size=None, channel_axis=None):
    """Group the cells of a flat row into mask units.

    Parameters
    ----------
    n_columns : int
    input_shape : tuple of int or None
        Shape of a row. None: columns are the units.
    patch_size : int, tuple of int or None
        Size of a patch along the last axes of the shape other than the channels';
        axes before those, and all channels, belong to one patch. An int stands for
        one or two such axes: two where the row has two or more. None: each cell is
        a unit.
    channel_axis : int or None
        The axis of channels, at least 0.

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
    input_shape = tuple(input_shape)
    sizes = _sizes_per_axis(input_shape, patch_size, channel_axis)
    counts = [
        -(-extent // size) for extent, size in zip(input_shape, sizes, strict=True)
    ]
    cells = np.indices(input_shape).reshape(len(input_shape), -1)  # (n_axes, n_cells)
    patch_index = [index // size for index, size in zip(cells, sizes, strict=True)]
    unit_of_cell = np.ravel_multi_index(patch_index, counts)
    offset = [index % size for index, size in zip(cells, sizes, strict=True)]
    slot_of_cell = np.ravel_multi_index(offset, sizes)
    coordinates = np.indices(counts).reshape(len(counts), -1).T.astype(float)
    return UnitGrid(unit_of_cell, coordinates, slot_of_cell, channel_axis)


def _sizes_per_axis(input_shape, patch_size, channel_axis):
    if patch_size is None:
        return (1,) * len(input_shape)
    if channel_axis is None:
        return _patch_sizes(input_shape, patch_size, f"input_shape={input_shape}")
    others = input_shape[:channel_axis] + input_shape[channel_axis + 1 :]
    where = (
        f"the axes of input_shape={input_shape} other than "
        f"channel_axis={channel_axis}, {others}"
    )
    sizes = _patch_sizes(others, patch_size, where)
    # A patch holds all channels.
    return (*sizes[:channel_axis], input_shape[channel_axis], *sizes[channel_axis:])


def _patch_sizes(extents, patch_size, where):
    n_axes, given = len(extents), patch_size
    if isinstance(patch_size, Integral):
        patch_size = (patch_size,) * min(2, n_axes)
    fits = 1 <= len(patch_size) <= n_axes and all(
        isinstance(size, Integral) and 1 <= int(size) <= extent
        for size, extent in zip(
            patch_size, extents[n_axes - len(patch_size) :], strict=True
        )
    )
    if not fits:
        raise ValueError(
            f"patch_size must fit into {where}, with an integer of at least 1 for each "
            f"axis or for the last of them. Got {given!r} instead."
        )
    sizes = tuple(int(size) for size in patch_size)
    return extents[: n_axes - len(sizes)] + sizes
