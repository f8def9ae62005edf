"""Rows of an ``input_shape`` as pictures."""

import math

import numpy as np

HIDDEN_COLOUR = "tab:orange"


def as_picture(row, shape):
    """Cells of a row where they are drawn.

    Parameters
    ----------
    row : array-like
        Cells, flat or not.
    shape : tuple of int
        Shape of a row.

    Returns
    -------
    picture : ndarray of float
        Of a row of shape (3, H, W), its colours: (H, W, 3). Of any other, (H, W), with
        all but the last axis from top to bottom.
    """
    cells = np.asarray(row, dtype=np.float64)
    if len(shape) == 3 and shape[0] == 3:
        return cells.reshape(shape).transpose(1, 2, 0)
    return cells.reshape(math.prod(shape[:-1]), shape[-1])


def draw_picture(axes, picture, low, high, extent=None):
    """Draw a picture whose values lie from low to high; NaN is orange."""
    import matplotlib.pyplot as plt
    from matplotlib.colors import to_rgb

    if picture.ndim == 3:
        colours = np.clip((picture - low) / max(high - low, 1e-12), 0, 1)
        colours[np.isnan(colours).any(axis=2)] = to_rgb(HIDDEN_COLOUR)
        axes.imshow(colours, extent=extent)
        return
    cmap = plt.get_cmap("gray_r").with_extremes(bad=HIDDEN_COLOUR)
    axes.imshow(
        picture,
        cmap=cmap,
        vmin=low,
        vmax=high,
        interpolation="nearest",
        extent=extent,
    )
