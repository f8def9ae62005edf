"""Which cells of an n-d row share a scale, and whether they should."""

import warnings

import numpy as np

# Rows from which the scales of cells are estimated.
_SAMPLE_ROWS = 1000
# Scales this far apart hide a channel in the loss: its errors weigh a hundredth.
_FAR_APART = 10.0
# Channels are distinguished from the dark border of an image and from a series whose
# spread grows: scales (or means) hardly differ within an entry of the axis, and jump
# between neighbouring entries.
_LEAST_EXPLAINED = 0.9
_LEAST_JUMP = 3.0  # factor between scales of neighbours
_LEAST_STEP = 0.3  # between means of neighbours, as a share of their range


def scale_groups(input_shape, channel_axis):
    """The scale to which each cell of a flat row belongs.

    Parameters
    ----------
    input_shape : tuple of int or None
        None: columns of a table, each with a scale of its own.
    channel_axis : int or None
        Each entry of this axis has a scale. None: all cells share one.

    Returns
    -------
    groups : (n_cells,) int array or None
    """
    if input_shape is None:
        return None
    if channel_axis is None:
        return np.zeros(np.prod(input_shape), dtype=int)
    return np.indices(input_shape)[channel_axis].ravel()


def pooled(numbers, groups):
    """Mean over the cells of each scale: (n_cells,) array.

    Parameters
    ----------
    numbers : (n_cells,) array
    groups : (n_cells,) int array or None
    """
    if groups is None:
        return numbers
    means = np.empty_like(numbers)
    for group in np.unique(groups):
        of_group = groups == group
        means[of_group] = numbers[of_group].mean()
    return means


def warn_of_unlike_channels(values, input_shape, seed):
    """Warn if an axis looks like channels of unlike scales that share one.

    Parameters
    ----------
    values : (n_rows, n_cells) float array or EncodedRows
        NaN where missing.
    input_shape : tuple of int
    seed : int
        Seed of the choice of rows.
    """
    rows = np.arange(len(values))
    if len(rows) > _SAMPLE_ROWS:
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.choice(len(rows), _SAMPLE_ROWS, replace=False))
    sample = np.asarray(values[rows], dtype=np.float64)
    observed = ~np.isnan(sample).all(axis=0)
    sample = np.where(observed, sample, 0.0)
    # Between deciles, so that cells of the background count as constant.
    # numpy passes over missing values column by column, which takes several times as
    # long.
    quantiles = np.nanquantile if np.isnan(sample).any() else np.quantile
    low, high = quantiles(sample, [0.1, 0.9], axis=0)
    spread = (high - low).reshape(input_shape)
    mean = np.nanmean(sample, axis=0).reshape(input_shape)
    for axis, extent in enumerate(input_shape):
        if extent == 1:
            continue
        factor = _scales_apart(spread, axis)
        what = "scales of its entries differ"
        if factor is None:
            factor = _means_apart(mean, spread, axis)
            what = "its entries lie further apart than they vary"
        if factor is not None:
            warnings.warn(
                f"All cells of rows of input_shape={input_shape} share one scale, but "
                f"along axis {axis} {what}, by a factor of {factor:.3g}: what is small "
                "is hardly learned, judged or restored. If these are channels, set "
                f"channel_axis={axis}, which gives each a scale of its own; if they "
                "are columns of a table, leave input_shape out.",
                UserWarning,
                stacklevel=2,
            )
            return


def _entries(cells, axis):
    """Cells by the entry of an axis: (n_entries, n_cells)."""
    return np.moveaxis(cells, axis, 0).reshape(cells.shape[axis], -1)


def _scales_apart(spread, axis):
    """Factor between the scales of an axis's entries; None if they are no channels."""
    entries = _entries(spread, axis)
    entries = entries[(entries > 0).any(axis=1)]
    if len(entries) < 2:
        return None
    logs = np.log(np.where(entries > 0, entries, np.nan))
    of_entry = np.nanmean(logs, axis=1)
    within = np.nanmean((logs - of_entry[:, None]) ** 2)
    factor = float(np.exp(np.ptp(of_entry)))
    jump = np.exp(np.abs(np.diff(of_entry)).max())
    explained = within <= (1 - _LEAST_EXPLAINED) * np.nanvar(logs)
    apart = factor > _FAR_APART and jump > _LEAST_JUMP and explained
    return factor if apart else None


def _means_apart(mean, spread, axis):
    """Factor between the range of means and the spread; None if no channels."""
    entries = _entries(mean, axis)
    of_entry = entries.mean(axis=1)
    distance = np.ptp(of_entry)
    widest = spread.max()
    if widest == 0 or distance <= _FAR_APART * widest:
        return None
    within = np.mean((entries - of_entry[:, None]) ** 2)
    explained = within <= (1 - _LEAST_EXPLAINED) * entries.var()
    step = np.abs(np.diff(of_entry)).max()
    if explained and step >= _LEAST_STEP * distance:
        return float(distance / widest)
    return None
