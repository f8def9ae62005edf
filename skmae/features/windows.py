"""Long signals and large images as rows of one shape, and back."""

import itertools
import math
from numbers import Integral

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.base import TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skmae._compat import Interval, _fit_context
from skmae._docs import DocumentedEstimator
from skmae.data.tables import as_numpy

_POSITIVE_INT = Interval(Integral, 1, None, closed="left")
_FLOATS = [np.float64, np.float32, np.float16]


class SlidingWindows(TransformerMixin, DocumentedEstimator):
    """Cut signals into overlapping windows, and put windows together again.

    Series become windows and images become tiles: rows of one shape, whatever the
    lengths of the signals. :meth:`inverse_transform` takes what an estimator made of
    the windows, such as restored values, errors or one score each, back to where they
    were cut from, and averages where windows overlap.

    Windows follow each other by ``step`` along each axis. Where they do not end with
    the signal, a last one is moved back to its end: nothing is padded or left out.

    Parameters
    ----------
    window_shape : int or tuple of int
        Extent of a window along each axis but that of the channels, as in
        scikit-image. An integer is the extent along all of them.

    step : int, tuple of int or None, default=None
        Distance between windows along each axis, at most the extent of a window. An
        integer holds for all axes; None is half a window, rounded up.

    channel_axis : int or None, default=None
        Which axis of a signal holds channels, such as colours or sensors: each window
        holds all of them. None: there is none.

    Attributes
    ----------
    window_shape_ : tuple of int
        Shape of each window, channels included: the ``input_shape`` of an estimator of
        windows.

    step_ : tuple of int
        Distance between windows along each axis but that of the channels.

    shapes_ : list of tuple of int
        Shape of each signal seen in ``fit``.

    n_windows_ : ndarray of shape (n_samples,)
        Number of windows of each signal seen in ``fit``: ``np.repeat(y, n_windows_)``
        gives each window the label or group of its signal.

    See Also
    --------
    MaskedAutoencoderDetector : Scores windows.
    MaskedAutoencoderImputer : Fills gaps in windows.
    MaskedAutoencoderTransformer : Restores windows and makes codes of them.

    Notes
    -----
    Nothing but shapes is learned. Signals of any lengths can be transformed after
    ``fit``, while :meth:`inverse_transform` gives signals of the shapes seen in the last
    ``fit``: use ``fit_transform`` on the signals that are to come back.

    Windows that overlap share values. To compare estimators, split signals, not windows.

    Examples
    --------
    Two windows of a series overlap by a step, and the last is moved back:

    >>> import numpy as np
    >>> from skmae import SlidingWindows
    >>> series = np.arange(8.0)
    >>> windows = SlidingWindows(4, step=3)
    >>> cut = windows.fit_transform([series])
    >>> cut
    array([[0., 1., 2., 3.],
           [3., 4., 5., 6.],
           [4., 5., 6., 7.]])
    >>> windows.inverse_transform(cut)
    array([[0., 1., 2., 3., 4., 5., 6., 7.]])

    One number a window, such as a detector's score, becomes one number a step:

    >>> windows.inverse_transform([1.0, 3.0, 2.0])
    array([[1. , 1. , 1. , 2. , 2.5, 2.5, 2.5, 2. ]])

    Tiles of a colour image:

    >>> photo = np.zeros((60, 90, 3))
    >>> tiles = SlidingWindows((16, 16), step=8, channel_axis=-1)
    >>> tiles.fit_transform([photo]).shape
    (77, 16, 16, 3)
    """

    _parameter_constraints: dict = {
        "window_shape": [_POSITIVE_INT, tuple, list],
        "step": [_POSITIVE_INT, tuple, list, None],
        "channel_axis": [Integral, None],
    }

    def __init__(self, window_shape, step=None, channel_axis=None):
        self.window_shape = window_shape
        self.step = step
        self.channel_axis = channel_axis

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Note the shapes of signals.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...) or list of array-likes
            Signals: series of shape (n_steps,) or images of shape (height, width), with
            one more axis where they have channels, or signals of more axes. Those of a
            list may differ in all but the number of channels. One signal alone is given
            as ``[X]``. NaN is allowed.
        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : SlidingWindows
            The fitted transformer.

        Raises
        ------
        ValueError
            If a window is larger than a signal, or a step larger than a window.
        """
        return self._fit(_read_signals(X))

    def fit_transform(self, X, y=None):
        """Note the shapes of signals and cut them into windows.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...) or list of array-likes
            Signals as in ``fit``.
        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        windows : ndarray of shape (n_windows, \\*window_shape_)
            As from ``transform``.
        """
        return self.fit(X).transform(X)

    def transform(self, X):
        """Cut signals into windows.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...) or list of array-likes
            Signals, of any lengths, with as many channels as those of ``fit``.

        Returns
        -------
        windows : ndarray of shape (n_windows, \\*window_shape_)
            The windows of the first signal from its beginning to its end, the last axis
            changing fastest, then those of the second, and so on. NaN is kept.
        """
        check_is_fitted(self)
        signals = _read_signals(X)
        layout = self._layout
        for i, signal in enumerate(signals):
            layout.check(i, signal.shape, len(signals))
        if isinstance(signals, np.ndarray):
            n_windows = len(signals) * math.prod(layout.grid(signals.shape[1:]))
            windows = np.empty((n_windows, *self.window_shape_), signals.dtype)
            layout.cut(signals, windows)
            return windows
        counts = [math.prod(layout.grid(signal.shape)) for signal in signals]
        dtype = np.result_type(*(signal.dtype for signal in signals))
        windows = np.empty((sum(counts), *self.window_shape_), dtype)
        for signal, rows in zip(signals, _slices(counts), strict=True):
            layout.cut(signal[np.newaxis], windows[rows])
        return windows

    def inverse_transform(self, X):
        """Put windows together, averaging where they overlap.

        Parameters
        ----------
        X : array-like of shape (n_windows, ...)
            One row for each window of the signals of the last ``fit``, in the order of
            ``transform``: values of shape ``window_shape_``, also flat, or a single
            number, which then counts for all steps of its window. NaN is left out of
            averages.

        Returns
        -------
        signals : ndarray of shape (n_samples, ...) or list of ndarray
            Signals of the shapes seen in the last ``fit``, without channels if rows are
            single numbers; a list if these shapes differ. Of the precision of X if its
            numbers are floats; NaN where no window has a number.
        """
        check_is_fitted(self)
        X = check_array(
            as_numpy(X),
            dtype=_FLOATS,
            ensure_2d=False,
            allow_nd=True,
            ensure_all_finite="allow-nan",
            ensure_min_features=0,
        )
        n_windows = self.n_windows_.sum()
        if len(X) != n_windows:
            raise ValueError(
                f"X has {len(X)} windows, but the signals of the last fit have "
                f"{n_windows}. Fit on the signals that the windows were cut from."
            )
        layout = self._layout
        shapes = self.shapes_
        if X.ndim == 1:
            layout = layout.without_channels()
            shapes = [tuple(shape[a] for a in self._layout.axes) for shape in shapes]
            X = X.reshape(-1, *[1] * len(layout.window))
            X = np.broadcast_to(X, (n_windows, *layout.window_shape))
        elif X.shape[1:] == (math.prod(layout.window_shape),):
            X = X.reshape(-1, *layout.window_shape)
        elif X.shape[1:] != layout.window_shape:
            raise ValueError(
                f"Rows of X have shape {X.shape[1:]}, but windows have shape "
                f"{layout.window_shape}; {math.prod(layout.window_shape)} values, or "
                "a single number for each window, are allowed too."
            )
        if len(set(shapes)) == 1:
            return layout.average(X, len(shapes), shapes[0])
        return [
            layout.average(X[rows], 1, shape)[0]
            for shape, rows in zip(shapes, _slices(self.n_windows_), strict=True)
        ]

    def _fit(self, signals):
        layout = _Layout.of(self, signals[0].shape, len(signals))
        for i, signal in enumerate(signals):
            layout.check(i, signal.shape, len(signals))
        self.window_shape_ = layout.window_shape
        self.step_ = layout.step
        self.shapes_ = [signal.shape for signal in signals]
        self.n_windows_ = np.array([math.prod(layout.grid(s)) for s in self.shapes_])
        self._layout = layout
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class _Layout:
    """Where windows lie in signals.

    Parameters
    ----------
    window, step : tuple of int
        Along each axis but that of the channels.
    n_channels : int or None
        None: there is no axis of channels.
    channel_axis : int or None
        Counted from the first axis of a signal.
    """

    def __init__(self, window, step, n_channels=None, channel_axis=None):
        self.window = window
        self.step = step
        self.n_channels = n_channels
        self.channel_axis = channel_axis

    @classmethod
    def of(cls, params, shape, n_signals):
        """The layout for signals like a first one of some shape, checked."""
        window_shape, channel_axis = params.window_shape, params.channel_axis
        n_axes = len(shape) - (channel_axis is not None)
        if isinstance(window_shape, Integral):
            given = max(n_axes, 1)
        else:
            given = len(window_shape)
        if n_axes != given or given == 0:
            wanted = (
                "at least 1 axis"
                if isinstance(window_shape, Integral)
                else f"{given} axes"
            )
            if channel_axis is not None:
                wanted += " and one of channels"
            raise ValueError(
                f"window_shape={window_shape!r} with channel_axis={channel_axis!r} is "
                f"for signals of {wanted}, but X holds {n_signals} of shape {shape}. "
                "Reshape your data: X is (n_samples, ...) or a list of signals, and one "
                "signal alone is given as [X]."
            )
        if channel_axis is not None:
            if not -len(shape) <= channel_axis < len(shape):
                raise ValueError(
                    f"channel_axis={channel_axis} is not an axis of signals of shape "
                    f"{shape}."
                )
            channel_axis %= len(shape)
        window = _for_each_axis("window_shape", window_shape, n_axes)
        step = params.step
        if step is None:
            step = tuple(extent - extent // 2 for extent in window)
        else:
            step = _for_each_axis("step", step, n_axes)
        if any(s > w for s, w in zip(step, window, strict=True)):
            raise ValueError(
                f"step={params.step!r} must not be larger than "
                f"window_shape={window_shape!r} along any axis: values between windows "
                "would be lost."
            )
        n_channels = None if channel_axis is None else shape[channel_axis]
        return cls(window, step, n_channels, channel_axis)

    def without_channels(self):
        """The same windows of signals that have one channel and no axis for it."""
        return _Layout(self.window, self.step)

    @property
    def axes(self):
        """Axes of a signal along which windows move."""
        n_axes = len(self.window) + (self.channel_axis is not None)
        return [axis for axis in range(n_axes) if axis != self.channel_axis]

    @property
    def window_shape(self):
        """Shape of a window, channels included."""
        if self.channel_axis is None:
            return self.window
        before, after = (
            self.window[: self.channel_axis],
            self.window[self.channel_axis :],
        )
        return (*before, self.n_channels, *after)

    def check(self, i, shape, n_signals):
        """Refuse a signal that windows cannot be cut from, the i-th of some."""
        if len(shape) != len(self.window_shape):
            raise ValueError(
                f"Signal {i} has shape {shape}, but signals of {len(self.window_shape)} "
                "axes were expected. Reshape your data: X is (n_samples, ...) or a list "
                "of signals, and one signal alone is given as [X]."
            )
        if self.channel_axis is not None and shape[self.channel_axis] != (
            self.n_channels
        ):
            raise ValueError(
                f"Signal {i} of shape {shape} has {shape[self.channel_axis]} channels, "
                f"but {self.n_channels} were expected."
            )
        extents = tuple(shape[axis] for axis in self.axes)
        if any(w > e for w, e in zip(self.window, extents, strict=True)):
            raise ValueError(
                f"A window of shape {self.window_shape} is larger than signal {i} of "
                f"shape {shape}, one of {n_signals} in X. Windows must fit into every "
                "signal; if X is one signal alone, give [X]."
            )

    def grid(self, shape):
        """Number of windows along each axis of a signal."""
        extents = (shape[axis] for axis in self.axes)
        return tuple(
            -(-(extent - window) // step) + 1
            for extent, window, step in zip(
                extents, self.window, self.step, strict=True
            )
        )

    def cut(self, signals, windows):
        """Write the windows of signals of one shape: (n_signals, ...) and rows."""
        shape, grid = signals.shape[1:], self.grid(signals.shape[1:])
        every = sliding_window_view(signals, self.window, [1 + a for a in self.axes])
        if self.channel_axis is not None:
            every = np.moveaxis(
                every, 1 + self.channel_axis, 1 + len(grid) + self.channel_axis
            )
        # (signals, ..., grid, window with channels); reshaping makes a view.
        target = windows.reshape(len(signals), *grid, *self.window_shape)
        pieces = []
        for axis, n, step, window in zip(
            self.axes, grid, self.step, self.window, strict=True
        ):
            last = shape[axis] - window
            # All windows but the last lie on multiples of the step.
            pieces.append(
                [
                    (slice(0, n - 1), slice(0, (n - 1) * step, step)),
                    (slice(n - 1, n), slice(last, last + 1)),
                ]
            )
        for piece in itertools.product(*pieces):
            to, where = zip(*piece, strict=True)
            target[:, *to] = every[:, *where]

    def average(self, windows, n_signals, shape):
        """Signals of one shape, of which these are all windows: (n_signals, ...)."""
        grid = self.grid(shape)
        means = windows.reshape(n_signals, *grid, *windows.shape[1:])
        counts = ~np.isnan(means)
        if counts.all():
            counts = np.broadcast_to(np.True_, means.shape)
        else:
            means = np.where(counts, means, np.zeros((), means.dtype))
        for i in reversed(range(len(grid))):
            extent, n = shape[self.axes[i]], grid[i]
            starts = np.minimum(
                np.arange(n) * self.step[i], extent - self.window[i]
            )
            # The grid's last axis, and this axis of windows after it.
            axes = 1 + i, 1 + i + 1 + self.axes[i]
            means, counts = _merge(means, counts, starts, extent, axes)
        means[counts == 0] = np.nan
        return means


def _merge(means, counts, starts, extent, axes):
    """Average overlapping windows along one axis.

    Equal values stay what they are to the last bit, as each changes the mean by its
    difference from it.

    Parameters
    ----------
    means, counts : arrays of one shape
        Mean of so many values each; 0 where there is none.
    starts : (n_windows,) int array
        Where windows begin, all different.
    extent : int
        Of the signal along the axis.
    axes : tuple of int
        Of the windows' number, and of steps within a window.

    Returns
    -------
    means, counts : arrays in which the second of the axes is that of the signal and the
        first is gone
    """
    means, counts = (np.moveaxis(array, axes, (0, 1)) for array in (means, counts))
    merged = np.zeros((extent, *means.shape[2:]), means.dtype)
    total = np.zeros(merged.shape, np.int32)
    for step in range(means.shape[1]):
        # Where the same step of each window lies: in different places.
        places = starts + step
        total[places] += counts[:, step]
        share = counts[:, step] / np.maximum(total[places], 1)
        merged[places] += share * (means[:, step] - merged[places])
    # Without the axis of windows, the axis of the signal is one further to the front.
    to = axes[1] - 1
    return np.moveaxis(merged, 0, to), np.moveaxis(total, 0, to)


def _read_signals(X):
    """Signals of one shape as an array, (n_signals, ...), others as a list of arrays."""
    numbers = {
        "allow_nd": True,
        "ensure_2d": False,
        "ensure_all_finite": "allow-nan",
    }
    if not isinstance(X, list | tuple):
        return check_array(as_numpy(X), **numbers)
    if len(X) == 0:
        raise ValueError("X is an empty list: at least one signal is required.")
    signals = [
        check_array(
            as_numpy(signal),
            **numbers,
            ensure_min_samples=0,
            ensure_min_features=0,
            input_name=f"signal {i}",
        )
        for i, signal in enumerate(X)
    ]
    alike = len({signal.shape for signal in signals}) == 1
    return np.stack(signals) if alike else signals


def _slices(counts):
    """Slices of so many rows, one after the other."""
    ends = np.cumsum(counts)
    return [slice(end - n, end) for end, n in zip(ends, counts, strict=True)]


def _for_each_axis(name, value, n_axes):
    """An integer or one for each axis, as a tuple."""
    values = (value,) * n_axes if isinstance(value, Integral) else tuple(value)
    valid = all(isinstance(v, Integral) and v >= 1 for v in values)
    if len(values) != n_axes or not valid:
        raise ValueError(
            f"The {name!r} parameter must be an integer or {n_axes} of them, one for "
            f"each axis but that of the channels, each at least 1. Got {value!r}."
        )
    return tuple(int(v) for v in values)
