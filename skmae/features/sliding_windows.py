"""Long signals as rows: cut into windows, and put together again."""

import math
from numbers import Integral

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from skmae._compat import Interval, _fit_context
from skmae._docs import DocumentedEstimator
from skmae._guards import unchanged_on_error
from skmae.data.column_names import (
    check_channel_names,
    check_column_names,
    forget_column_names,
)
from skmae.data.tables import as_numpy
from skmae.data.windows import cut, joined, window_counts


class SlidingWindows(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    DocumentedEstimator,
    auto_wrap_output_keys=None,  # type: ignore[call-arg]  # windows are no rows of X
):
    r"""Cut signals into overlapping windows, and average windows to signals.

    A series, image or other n-d signal that is long, or one of many that differ in
    length, becomes windows of one shape: rows for any estimator of this package.
    :meth:`inverse_transform` puts windows together again, each cell being the mean
    over the windows that it lies in; it takes what an estimator made of them too, such
    as a score of each window.

    Windows start at multiples of ``step`` along each axis, and the last is moved back
    so that it ends where the signal does: nothing is padded, and nothing is lost.

    Parameters
    ----------
    window_shape : int or tuple of int
        Extent of a window along each axis of a signal, channels left out. An int
        stands for all axes.

    step : int, tuple of int or None, default=None
        Cells from the start of a window to that of the next along each axis, at most
        ``window_shape``. None: ``window_shape``, so that windows lie side by side.

    channel_axis : int or None, default=None
        The axis of a signal (samples not counted) whose entries are channels: -1 for
        (10000, 6) or (427, 640, 3), 0 for (3, 427, 640). It is never cut, and windows
        have it at the same place.

    flatten : bool, default=False
        Make each window a flat row, for estimators that take no n-d rows.

    Attributes
    ----------
    window_shape_ : tuple of int
        Shape of a window with its channels: the ``input_shape`` of estimators that
        read windows, if windows have more than one axis.

    shapes_ : list of tuple of int
        Shape of each signal of ``fit``.

    n_windows_ : ndarray of shape (n_samples,)
        Number of windows of each signal of ``fit``. ``np.repeat(y, n_windows_)`` gives
        each window the label, or the group, of its signal.

    n_features_in_ : int
        Number of columns seen in ``fit``. Only where X was an array or a DataFrame of
        two axes.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where all are strings.

    See Also
    --------
    MaskedAutoencoderTransformer : Restores windows, with ``input_shape``.
    MaskedAutoencoderDetector : Scores windows.
    sklearn.feature_extraction.image.PatchExtractor : Patches of images, one cell
        apart, or a random choice of them.

    Notes
    -----
    One signal gives many windows, so that X and the output have different numbers of
    samples. In a pipeline with a step that learns from y, cut the signals before.

    Examples
    --------
    The last of three windows starts at 5, since at 8 it would not fit:

    >>> import numpy as np
    >>> from skmae import SlidingWindows
    >>> signal = np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 8])
    >>> windows = SlidingWindows(4)
    >>> rows = windows.fit_transform([signal])
    >>> rows
    array([[0., 1., 2., 3.],
           [4., 5., 6., 7.],
           [5., 6., 7., 8.]])
    >>> windows.inverse_transform(rows)
    [array([0., 1., 2., 3., 4., 5., 6., 7., 8.])]

    A number for each window becomes one for each step:

    >>> windows.inverse_transform([1.0, 2.0, 4.0])
    [array([1., 1., 1., 1., 2., 3., 3., 3., 4.])]

    Half-overlapping tiles of a photo in colour:

    >>> photo = np.zeros((40, 60, 3))
    >>> tiles = SlidingWindows((8, 8), step=4, channel_axis=-1)
    >>> tiles.fit_transform([photo]).shape
    (126, 8, 8, 3)
    """

    _parameter_constraints: dict = {
        "window_shape": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "step": [Interval(Integral, 1, None, closed="left"), "array-like", None],
        "channel_axis": [Integral, None],
        "flatten": ["boolean"],
    }

    def __init__(self, window_shape, step=None, *, channel_axis=None, flatten=False):
        self.window_shape = window_shape
        self.step = step
        self.channel_axis = channel_axis
        self.flatten = flatten

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        r"""Check signals, and remember their shapes for the way back.

        Parameters
        ----------
        X : list of array-like, or array-like of shape (n_samples, \*shape)
            Signals. In a list their lengths may differ; a single one is ``[signal]``.
            NaN is allowed.
        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : SlidingWindows
            The fitted estimator.

        Raises
        ------
        ValueError
            If a window does not fit into a signal, windows leave gaps, or X has
            another number of axes than windows and channels need.
        """
        with unchanged_on_error(self):
            forget_column_names(self)
            arrays = self._read(X, reset=True)
            self._of_list = _is_list(X)
            self.shapes_ = [array.shape[1:] for array in arrays for _ in array]
            self._lay_out(self.shapes_[0])
            self._check_shapes(self.shapes_, self._of_list)
            self.n_windows_ = np.array([self._n_windows(s) for s in self.shapes_])
        return self

    def transform(self, X):
        r"""Cut signals into windows.

        Parameters
        ----------
        X : list of array-like, or array-like of shape (n_samples, \*shape)
            Signals with as many axes and channels as those of ``fit``. Lengths may
            differ from those of ``fit``, but for an array of two axes, whose columns
            are features, as everywhere in scikit-learn: pass series of another length
            as a list.

        Returns
        -------
        windows : ndarray of shape (n_windows, \*window_shape_)
            Windows of the first signal, row by row, then those of the next, in the
            dtype of X. With ``flatten``, of shape (n_windows, n_cells).
        """
        check_is_fitted(self)
        arrays = self._read(X, reset=False)
        self._check_shapes([array.shape[1:] for array in arrays], _is_list(X))
        n_windows = [len(array) * self._n_windows(array.shape[1:]) for array in arrays]
        windows = np.empty(
            (sum(n_windows), *self.window_shape_),
            dtype=np.result_type(*{a.dtype for a in arrays}),
        )
        start = 0
        for array, n in zip(arrays, n_windows, strict=True):
            counts = window_counts(self._lengths(array.shape[1:]), *self._sizes)
            part = windows[start : start + n]
            part = part.reshape(len(array), *counts, *self.window_shape_)
            cut(
                self._channels_last(array, 1),
                self._channels_last(part, 1 + len(counts)),
                *self._sizes,
            )
            start += n
        return windows.reshape(len(windows), -1) if self.flatten else windows

    def inverse_transform(self, X, like=None):
        r"""Average windows, or what was made of them, to signals.

        Parameters
        ----------
        X : array-like of shape (n_windows, \*window_shape_) or (n_windows, n_cells)
            Windows in the order of :meth:`transform`, n-d or flat; windows without
            their channels; or one number for each window, of shape (n_windows,), which
            holds for all its cells. NaN is left out of the mean.

        like : list of array-like or array-like, default=None
            The signals that these are windows of. None: those of ``fit``.

        Returns
        -------
        signals : list of ndarray, or ndarray of shape (n_samples, \*shape)
            A list if the signals were given as a list. Without channels where X has
            none. Floats keep their dtype. Integers and booleans become float64, as in
            :func:`numpy.mean`: of masks, the share of the windows that say True. NaN
            where all windows have NaN.

        Raises
        ------
        ValueError
            If X has another number of windows than the signals, or another shape.
        """
        check_is_fitted(self)
        of_list, shapes = self._of_list, self.shapes_
        if like is not None:
            of_list = _is_list(like)
            shapes = _shapes_of(like, "like")
            self._check_shapes(shapes, of_list, "like")
        windows, axis = self._read_windows(X)
        n_windows = [self._n_windows(shape) for shape in shapes]
        if len(windows) != sum(n_windows):
            raise ValueError(
                f"X has {len(windows)} windows, but the signals of "
                f"{'fit' if like is None else 'like'} have {sum(n_windows)}: pass the "
                "signals that these are windows of as like."
            )
        if not of_list:
            return self._join(windows, len(shapes), shapes[0], axis)
        signals = []
        for shape, n in zip(shapes, n_windows, strict=True):
            part, windows = windows[:n], windows[n:]
            signals.append(self._join(part, 1, shape, axis)[0])
        return signals

    def _join(self, windows, n_signals, shape, axis):
        """Signals of equal shape, with channels along ``axis`` or without any."""
        lengths = self._lengths(shape)
        counts = window_counts(lengths, *self._sizes)
        windows = windows.reshape(n_signals, *counts, *windows.shape[1:])
        signals = joined(windows, lengths, *self._sizes)
        if axis is None:
            return signals[..., 0]
        return np.ascontiguousarray(np.moveaxis(signals, -1, 1 + axis))

    def _lengths(self, shape):
        """The shape of a signal, or of a window, without channels."""
        if self._axis is None:
            return shape
        return (*shape[: self._axis], *shape[self._axis + 1 :])

    def _n_windows(self, shape):
        """Number of windows of a signal of this shape."""
        return math.prod(window_counts(self._lengths(shape), *self._sizes))

    def _channels_last(self, array, n_before):
        """View with channels last, one if there are none."""
        if self._axis is None:
            return array[..., None]
        return np.moveaxis(array, n_before + self._axis, -1)

    def _read(self, X, reset):
        """Check X: a list of arrays of signals of equal shape, samples first."""
        if _is_list(X):
            if len(X) == 0:
                raise ValueError("X is an empty list; at least one signal is required.")
            check_channel_names(self, X, reset)
            return [_checked(signal, f"X[{i}]")[None] for i, signal in enumerate(X)]
        X = as_numpy(X)
        n_axes = len(X.shape) if hasattr(X, "shape") else np.asarray(X).ndim
        if n_axes < 2:
            raise ValueError(
                f"Expected signals with samples first, but X is {n_axes}-d. "
                "Reshape your data; if X is a single signal, pass [X]."
            )
        if n_axes == 2:
            check_column_names(self, X, reset)
            X = validate_data(self, X, reset=reset, ensure_all_finite="allow-nan")
            return [_numeric(X, "X")]
        return [_checked(X, "X")]

    def _read_windows(self, X):
        """Check what was made of windows.

        Returns
        -------
        windows : (n_windows, *window, n_channels) float array
        axis : int or None
            The channel axis that signals made of them have.
        """
        X = _checked(X, "X")
        if X.dtype.kind != "f":
            X = X.astype(np.float64)
        shape, n_cells = self.window_shape_, self._n_features_out
        window = self._sizes[0]
        if X.shape[1:] in (shape, (n_cells,)):
            windows = self._channels_last(X.reshape(-1, *shape), 1)
            return windows, self._axis
        if X.shape[1:] == window:
            return X[..., None], None
        if X.ndim == 1:
            windows = X.reshape(-1, *(1 for _ in window), 1)
            return np.broadcast_to(windows, (len(X), *window, 1)), None
        allowed = dict.fromkeys([shape, (n_cells,), window])
        raise ValueError(
            f"X has windows of shape {X.shape[1:]}; they must have shape "
            f"{' or '.join(map(str, allowed))}, or be one number each, with X of shape "
            "(n_windows,)."
        )

    def _lay_out(self, shape):
        """Find the axes and sizes of windows, for signals like one of this shape."""
        has_channels = self.channel_axis is not None
        if np.ndim(self.window_shape) == 0:
            n_axes = max(len(shape), 1 + has_channels)
        else:
            n_axes = len(self.window_shape) + has_channels
        if has_channels and not -n_axes <= self.channel_axis < n_axes:
            raise ValueError(
                f"channel_axis={self.channel_axis} must be one of the {n_axes} axes of "
                f"a signal, from {-n_axes} to {n_axes - 1}."
            )
        n_cut = n_axes - has_channels
        window = _extents("window_shape", self.window_shape, n_cut)
        step = window if self.step is None else _extents("step", self.step, n_cut)
        if any(stride > size for stride, size in zip(step, window, strict=True)):
            raise ValueError(
                f"step={self.step!r} must not be greater than window_shape="
                f"{self.window_shape!r} along any axis, as cells between windows would "
                "be lost."
            )
        self._sizes = window, step
        self._axis = None
        if has_channels:
            self._axis = axis = self.channel_axis % n_axes
            # Where there are too few axes, the check of shapes says so.
            n_channels = shape[axis : axis + 1] or (1,)
            window = (*window[:axis], *n_channels, *window[axis:])
        self.window_shape_ = window

    def _check_shapes(self, shapes, of_list, name="X"):
        """Refuse signals that have other axes than windows, or are smaller."""
        window, axis = self.window_shape_, self._axis
        for i, shape in enumerate(shapes if of_list else shapes[:1]):
            if of_list:
                found = f"{name}[{i}] is a signal of shape {shape}"
            elif len(shape) == 1:
                found = f"{name} holds signals of n_features={shape[0]}"
            else:
                found = f"{name} holds signals of shape {shape}"
            hint = "" if of_list else f" If {name} is a single signal, pass [{name}]."
            if len(shape) != len(window):
                axes = "1 axis" if len(window) == 1 else f"{len(window)} axes"
                channels = "" if axis is None else ", one being channels"
                raise ValueError(
                    f"{found}, but with window_shape={self.window_shape!r} and "
                    f"channel_axis={self.channel_axis} a signal must have "
                    f"{axes}{channels}.{hint}"
                )
            if axis is not None and shape[axis] != window[axis]:
                raise ValueError(
                    f"{found}, with {shape[axis]} channels instead of {window[axis]}."
                )
            if any(n < size for n, size in zip(shape, window, strict=True)):
                raise ValueError(
                    f"{found}, which is smaller than a window, of shape {window}.{hint}"
                )

    @property
    def _n_features_out(self):
        return math.prod(self.window_shape_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        n_axes = 1 + np.size(self.window_shape) + (self.channel_axis is not None)
        any_number = np.ndim(self.window_shape) == 0
        tags.input_tags.allow_nan = True
        tags.input_tags.two_d_array = n_axes == 2
        tags.input_tags.three_d_array = n_axes == 3 or (any_number and n_axes < 3)
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _is_list(X):
    """Whether X is a list of signals, whose lengths may differ."""
    return isinstance(X, (list, tuple))


def _shapes_of(X, name):
    """Shape of each signal of a list or an array."""
    if _is_list(X):
        return [tuple(np.shape(signal)) for signal in X]
    _refuse_scalar(X, name)
    n_signals, *shape = np.shape(X)
    return [tuple(shape)] * n_signals


def _checked(array, name):
    """An array of numbers, n-d, with NaN and without infinities."""
    array = as_numpy(array)
    _refuse_scalar(array, name)
    checked = check_array(
        array if hasattr(array, "shape") else np.asarray(array),
        ensure_2d=False,
        allow_nd=True,
        ensure_all_finite="allow-nan",
        input_name=name,
    )
    return _numeric(checked, name)


def _refuse_scalar(X, name):
    if np.ndim(X) == 0:
        raise ValueError(
            f"Expected an array, but {name} is {X!r}. Pass a single signal as [signal]."
        )


def _numeric(array, name):
    """Refuse arrays of dates, say, which scikit-learn's checks let pass."""
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold numbers. Got dtype {array.dtype}.")
    return array


def _extents(name, value, n_axes):
    """One integer for each axis: tuple of int."""
    extents = (value,) * n_axes if np.ndim(value) == 0 else tuple(value)
    fits = len(extents) == n_axes and all(
        isinstance(extent, Integral) and int(extent) >= 1 for extent in extents
    )
    if not fits:
        raise ValueError(
            f"{name} must be an integer of at least 1, or one for each of the {n_axes} "
            f"axes that are cut. Got {value!r}."
        )
    return tuple(int(extent) for extent in extents)
