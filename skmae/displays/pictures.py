"""Rows of an ``input_shape`` as pictures."""

import math

import numpy as np

HIDDEN_COLOUR = "tab:orange"


def as_picture(row, shape, channel_axis=None):
    """Cells of a row where they are drawn.

    Parameters
    ----------
    row : array-like
        Cells, flat or not.
    shape : tuple of int
        Shape of a row.
    channel_axis : int or None
        Its axis of channels. None: the first of a row of shape (3, H, W).

    Returns
    -------
    picture : ndarray of float
        Of three channels of shape (H, W), their colours: (H, W, 3). Of any other row,
        (H, W), with channels and all other axes but the last from top to bottom.
    """
    cells = np.asarray(row, dtype=np.float64).reshape(shape)
    if channel_axis is None and len(shape) == 3 and shape[0] == 3:
        channel_axis = 0
    if channel_axis is not None:
        cells = np.moveaxis(cells, channel_axis, 0)
        if cells.ndim == 3 and len(cells) == 3:
            return cells.transpose(1, 2, 0)
    return cells.reshape(math.prod(cells.shape[:-1]), cells.shape[-1])


def picture_range(rows, shape, channel_axis=None):
    """Least and largest value of pictures, as :func:`draw_picture` takes them.

    Colours have one range, and so have rows without channels; other channels have
    one each.

    Parameters
    ----------
    rows : (n_rows, ...) array
    shape, channel_axis :
        As in :func:`as_picture`.

    Returns
    -------
    low, high : float or (H, W) array
    """
    rows = np.asarray(rows, dtype=np.float64).reshape(-1, *shape)
    in_colours = as_picture(rows[0], shape, channel_axis).ndim == 3
    if channel_axis is None or in_colours:
        return np.nanmin(rows), np.nanmax(rows)
    channels = np.moveaxis(rows, 1 + channel_axis % len(shape), -1)
    channels = channels.reshape(-1, channels.shape[-1])  # (n_cells, n_channels)

    def spread_out(of_channel):
        sizes = np.ones(len(shape), dtype=int)
        sizes[channel_axis] = -1
        cells = np.broadcast_to(of_channel.reshape(sizes), shape)
        return as_picture(cells, shape, channel_axis)

    observed = ~np.isnan(channels)
    low = np.where(observed, channels, np.inf).min(axis=0)
    high = np.where(observed, channels, -np.inf).max(axis=0)
    return spread_out(low), spread_out(high)


def draw_picture(axes, picture, low, high, extent=None):
    """Draw a picture whose values lie from low to high; NaN is orange."""
    import matplotlib.pyplot as plt
    from matplotlib.colors import to_rgb

    if np.ndim(low) == 2:
        # A channel without observed cells has no range.
        size = np.where(high > low, high - low, 1.0)
        picture, low, high = (picture - low) / size, 0.0, 1.0

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
