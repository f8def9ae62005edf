"""A picture of rows, of their hidden cells and of the restored rows."""

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skmae.data.tables import is_frame, take_rows, with_rows
from skmae.displays.canvas import (
    get_axes,
    names_of,
    refuse_sequences,
    shortened,
)
from skmae.displays.pictures import (
    HIDDEN_COLOUR,
    as_picture,
    draw_picture,
    picture_range,
)
from skmae.features.augmentation import draw_masks

_N_IMAGES, _N_TABLE_ROWS = 8, 5
_TITLES = ("original", "hidden", "restored")
# Beyond so many columns cells are coloured, but no longer written out.
_MOST_WRITTEN = 16
_NO_NUMBER_COLOUR = "0.95"


class ReconstructionDisplay:
    """Rows as they are, with cells hidden, and restored.

    Rows of an ``input_shape`` are drawn as images, others as tables. Hidden cells
    are orange.

    It is recommended to use :meth:`from_estimator` or :meth:`from_predictions`,
    which draw at once.

    Parameters
    ----------
    original : ndarray of shape (n_rows, n_features)
        Rows as they are; NaN or None where a value is missing.

    mask : ndarray of bool of shape (n_rows, n_features)
        True where a cell was hidden.

    restored : ndarray of shape (n_rows, n_features)
        Rows with these cells filled.

    image_shape : tuple of int or None, default=None
        Shape of a row. Of (3, H, W) colours are drawn; of other n-d shapes, one
        picture with all but the last axis from top to bottom.

    channel_axis : int or None, default=None
        Axis of the channels of an image, as in the estimators. Three channels of two
        axes are colours; other channels stand below each other, each in a range of
        its own.

    feature_names : list of str or None, default=None
        Names of the columns of a table.

    row_names : list of str or None, default=None
        Names of the rows of a table.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        Of shape (3, n_rows) for images, and (3, 1) for tables.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    AnomalyDisplay : Which cells make a row an outlier.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmae import MaskedAutoencoderTransformer, ReconstructionDisplay
    >>> X = load_digits().data[:300]
    >>> mae = MaskedAutoencoderTransformer(
    ...     input_shape=(8, 8), max_epochs=5, random_state=0
    ... ).fit(X)
    >>> display = ReconstructionDisplay.from_estimator(
    ...     mae, X, n_rows=4, random_state=0
    ... )
    >>> display.axes_.shape
    (3, 4)
    """

    def __init__(
        self,
        *,
        original,
        mask,
        restored,
        image_shape=None,
        channel_axis=None,
        feature_names=None,
        row_names=None,
    ):
        self.original = original
        self.mask = mask
        self.restored = restored
        self.image_shape = image_shape
        self.channel_axis = channel_axis
        self.feature_names = feature_names
        self.row_names = row_names

    @classmethod
    def from_estimator(
        cls, estimator, X, *, mask=None, n_rows=None, random_state=None, ax=None
    ):
        """Hide cells of rows, have them restored, and draw.

        Parameters
        ----------
        estimator : MaskedAutoencoderTransformer
            Fitted, on rows of one length; or any other estimator of skmae that can
            ``restore``.
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows to choose from.
        mask : array-like of bool of the shape of X, default=None
            True where a cell is to be hidden. None hides cells at random, as many
            as in training.
        n_rows : int or None, default=None
            How many rows to draw, at random if X has more. None draws up to 8
            images or 5 rows of a table.
        random_state : int, RandomState instance or None, default=None
            Seed of the choice of rows and of the mask.
        ax : array-like of matplotlib Axes or None, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : ReconstructionDisplay
            The display, drawn.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "restore"):
            raise TypeError(
                f"{cls.__name__}.from_estimator needs an estimator with 'restore'. "
                f"Got {estimator.__class__.__name__}; use from_predictions."
            )
        refuse_sequences(estimator, cls.__name__)
        X = with_rows(X)
        rng = check_random_state(random_state)
        shape = estimator.input_shape
        if n_rows is None:
            n_rows = _N_TABLE_ROWS if shape is None else _N_IMAGES
        rows = np.arange(len(X))
        if len(X) > n_rows:
            rows = np.sort(rng.choice(len(X), n_rows, replace=False))
        chosen = take_rows(X, rows)
        n_features = estimator.n_features_in_
        if mask is None:
            mask = draw_mask(estimator, chosen, rng.randint(np.iinfo(np.int32).max))
        else:
            mask = np.asarray(mask)
            if mask.shape not in (X.shape, (len(X), n_features)):
                raise ValueError(
                    f"mask must have the shape of X, {X.shape}. Got {mask.shape}."
                )
            mask = mask.reshape(len(X), n_features)[rows]
        restored = estimator.restore(chosen, mask)
        return cls.from_predictions(
            chosen,
            mask,
            restored,
            image_shape=None if shape is None else tuple(shape),
            channel_axis=estimator.channel_axis,
            feature_names=names_of(X, estimator, n_features),
            row_names=[f"row {row}" for row in rows],
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        X,
        mask,
        restored,
        *,
        image_shape=None,
        channel_axis=None,
        feature_names=None,
        row_names=None,
        ax=None,
    ):
        """Draw rows that were restored before, by whatever means.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_features)
            Rows as they are, all of which are drawn.
        mask : array-like of bool of the shape of X
            True where a cell was hidden.
        restored : array-like or DataFrame of the shape of X
            Rows with these cells filled, as by an imputer.
        image_shape : tuple of int or None, default=None
            Shape of a row that is an image; None draws a table.
        channel_axis : int or None, default=None
            Axis of its channels.
        feature_names : list of str or None, default=None
            Names of the columns of a table; None takes those of a DataFrame.
        row_names : list of str or None, default=None
            Names of the rows of a table; None counts them.
        ax : array-like of matplotlib Axes or None, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : ReconstructionDisplay
            The display, drawn.
        """
        original = flat_cells(X)
        if feature_names is None:
            feature_names = names_of(X, None, original.shape[1])
        display = cls(
            original=original,
            mask=flat_cells(mask).astype(bool),
            restored=flat_cells(restored),
            image_shape=image_shape,
            channel_axis=channel_axis,
            feature_names=feature_names,
            row_names=row_names,
        )
        return display.plot(ax=ax)

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : array-like of matplotlib Axes or None, default=None
            Where to draw: 3 times the number of rows for images, and 3 for tables.
            None makes a figure.

        Returns
        -------
        self : ReconstructionDisplay
            The display, with ``axes_`` and ``figure_``.
        """
        if self.image_shape is None:
            return self._plot_table(ax)
        return self._plot_images(ax)

    def _versions(self):
        """Original, hidden and restored rows."""
        original = np.asarray(self.original)
        hidden = original.astype(object)
        hidden[self.mask] = None
        return original, hidden, np.asarray(self.restored)

    def _plot_images(self, ax):
        n_rows = len(self.original)
        self.figure_, self.axes_ = get_axes(
            self, ax, (3, n_rows), figsize=(max(1.1 * n_rows, 3) + 0.6, 4)
        )
        kind = self.image_shape, self.channel_axis
        low, high = picture_range(self.original, *kind)
        for axes, title, rows in zip(
            self.axes_, _TITLES, self._versions(), strict=True
        ):
            for one, row in zip(axes, rows, strict=True):
                draw_picture(one, as_picture(row, *kind), low, high)
                one.set(xticks=[], yticks=[])
            axes[0].set_ylabel(title)
        share = np.mean(self.mask)
        self.figure_.suptitle(f"Hidden (orange, {share:.0%} of cells) and restored")
        return self

    def _plot_table(self, ax):
        n_rows, n_columns = np.shape(self.original)
        written = n_columns <= _MOST_WRITTEN
        width = min(max(0.75 * n_columns + 1.5, 6), 15)
        names = [shortened(name) for name in self.feature_names]
        row_names = self.row_names or [f"row {i}" for i in range(n_rows)]
        room_for_names = 0.07 * max(len(name) for name in names)
        height = 3 * (0.26 * n_rows + 0.55) + room_for_names
        self.figure_, self.axes_ = get_axes(
            self, ax, (3, 1), figsize=(width, height), sharex=True
        )
        low, high = _ranges(self.original)
        for axes, title, rows in zip(
            self.axes_[:, 0], _TITLES, self._versions(), strict=True
        ):
            # Colours show the place of a number within its column's range.
            place = (_numbers(rows) - low) / np.where(high > low, high - low, 1)
            colours = _colours(place)
            changed = np.zeros_like(self.mask)
            if title == "hidden":
                changed = self.mask
                colours[changed] = _rgba(HIDDEN_COLOUR)
            axes.imshow(colours, aspect="auto", interpolation="nearest")
            if title == "restored":
                # What was missing before has been filled as well.
                changed = self.mask | pd.isna(self.original)
                _frame_cells(axes, changed)
            if written:
                _write(axes, rows, changed)
            axes.set_title(title, loc="left", fontsize="medium")
            axes.set_yticks(range(n_rows), row_names)
        ticks = range(n_columns) if n_columns <= 64 else []
        self.axes_[-1, 0].set_xticks(
            ticks,
            names if len(ticks) else [],
            # Slanted names of many columns would run into each other.
            **(
                {"rotation": 90, "fontsize": "small"}
                if n_columns > 32
                else {"rotation": 45, "ha": "right"}
            ),
        )
        if not written:
            self.axes_[-1, 0].set_xlabel(
                "darker is higher among the column's values in these rows"
            )
        share = np.mean(self.mask)
        self.figure_.suptitle(
            f"Hidden ({share:.0%} of cells) and restored, framed in orange"
        )
        return self


def draw_mask(estimator, X, seed):
    """Masks at the ratio of training, or one half where that hid nothing."""
    _, values = estimator._read(X)
    return draw_masks(estimator.model_.random_masks(), values, int(seed))


def flat_cells(X):
    """Cells of an array or DataFrame: (n_rows, n_features)."""
    if is_frame(X):
        # Column by column, since a frame's own conversion may turn all to strings.
        cells = np.empty(X.shape, dtype=object)
        for j, name in enumerate(X.columns):
            cells[:, j] = list(X[name])
        return cells
    cells = np.asarray(X)
    return cells.reshape(len(cells), -1)


def _numbers(cells):
    """Cells as floats, NaN where they are none."""
    numbers = np.full(np.shape(cells), np.nan)
    for at, cell in np.ndenumerate(cells):
        if not isinstance(cell, str):
            try:
                numbers[at] = cell
            except (TypeError, ValueError):  # missing, of one kind or another
                continue
    return numbers


def _ranges(cells):
    numbers = _numbers(cells)
    there = ~np.isnan(numbers)
    low = np.where(there, numbers, np.inf).min(axis=0)
    high = np.where(there, numbers, -np.inf).max(axis=0)
    return np.where(np.isfinite(low), low, 0), np.where(np.isfinite(high), high, 0)


def _rgba(colour):
    from matplotlib.colors import to_rgba

    return to_rgba(colour)


def _colours(place):
    """Pale colours for places in [0, 1], on which black text can be read."""
    import matplotlib.pyplot as plt

    cmap = plt.get_cmap("Blues").with_extremes(bad=_NO_NUMBER_COLOUR)
    return cmap(np.ma.masked_invalid(0.6 * np.clip(place, 0, 1)))


def _frame_cells(axes, mask):
    from matplotlib.patches import Rectangle

    for i, j in np.argwhere(mask):
        axes.add_patch(
            Rectangle(
                (j - 0.46, i - 0.42),
                0.92,
                0.84,
                fill=False,
                edgecolor=HIDDEN_COLOUR,
                linewidth=1.5,
            )
        )


def _write(axes, rows, changed):
    numbers, missing = _numbers(rows), pd.isna(rows)
    for (i, j), cell in np.ndenumerate(rows):
        if missing[i, j]:
            text = "?"
        elif isinstance(cell, (bool, np.bool_, str)):
            text = shortened(str(cell), 9)
        else:
            text = f"{numbers[i, j]:.4g}"
        weight = "bold" if changed[i, j] else "normal"
        axes.text(j, i, text, ha="center", va="center", fontsize=8, fontweight=weight)
