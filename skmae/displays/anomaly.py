"""A picture of outliers and the cells to blame."""

import math

import numpy as np
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skmae.data.tables import slice_rows, with_rows
from skmae.displays.canvas import (
    get_axes,
    names_of,
    refuse_sequences,
    shortened,
)
from skmae.displays.pictures import as_picture, draw_picture, picture_range

# Columns that have room for their names; of more, the most blamed are drawn.
_MOST_COLUMNS = 32
# Pictures beside each other that have room for their names without slanting them.
_MOST_UPRIGHT = 12


class AnomalyDisplay:
    """Scores beside the threshold, and the blame of each cell of the worst rows.

    The score of a row is drawn as the sum of the blame of its cells, so that higher
    is less normal: it is minus what ``score_samples`` gives.

    The blame of rows of an ``input_shape`` is drawn as images, below those of the rows
    themselves, of other rows as a heat map of columns.

    It is recommended to use :meth:`from_estimator`, which draws at once.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
        Sum of blame of each row.

    threshold : float
        Sum of blame from which a row is an outlier.

    blame : array-like of shape (n_rows, n_features)
        Blame of the cells of the rows to draw, worst first.

    row_names : list of str
        Names of these rows.

    feature_names : list of str
        Names of the columns.

    y : array-like of shape (n_samples,) or None, default=None
        Known classes, of which each gets a histogram of its own.

    images : array-like of shape (n_rows, ...) or None, default=None
        The rows to draw, where they are images. Of those of shape (3, H, W) colours
        are drawn; of other n-d shapes, all but the last axis from top to bottom.

    channel_axis : int or None, default=None
        Axis of the channels of an image, as in the estimators. Three channels of two
        axes are colours; other channels stand below each other, each in a range of
        its own.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (2, 1)
        With the scores, and with the blame.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    MaskedAutoencoderDetector : Gives the scores and the blame.
    ReconstructionDisplay : What hidden cells are predicted to be.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from skmae import AnomalyDisplay, MaskedAutoencoderDetector
    >>> X = load_wine(as_frame=True).data
    >>> detector = MaskedAutoencoderDetector(max_epochs=10, random_state=0).fit(X)
    >>> display = AnomalyDisplay.from_estimator(detector, X, n_rows=5)
    >>> display.axes_[0, 0].get_xlabel()
    'sum of blame (higher is less normal)'
    """

    def __init__(
        self,
        *,
        scores,
        threshold,
        blame,
        row_names,
        feature_names,
        y=None,
        images=None,
        channel_axis=None,
    ):
        self.scores = scores
        self.threshold = threshold
        self.blame = blame
        self.row_names = row_names
        self.feature_names = feature_names
        self.y = y
        self.images = images
        self.channel_axis = channel_axis

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, n_rows=10, ax=None):
        """Judge rows and draw.

        Parameters
        ----------
        estimator : MaskedAutoencoderDetector
            Fitted, on rows of one length.
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows to judge.
        y : array-like of shape (n_samples,), default=None
            Known classes, shown in the picture and not used otherwise.
        n_rows : int, default=10
            How many of the least normal rows to explain.
        ax : pair of matplotlib Axes or None, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : AnomalyDisplay
            The display, drawn.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "explain"):
            raise TypeError(
                f"{cls.__name__}.from_estimator needs an estimator with 'explain', "
                "such as MaskedAutoencoderDetector. Got "
                f"{estimator.__class__.__name__}."
            )
        refuse_sequences(estimator, cls.__name__)
        blame = np.asarray(estimator.explain(X), dtype=np.float64)
        blame = blame.reshape(len(blame), -1)
        scores = blame.sum(axis=1)
        check_consistent_length(scores, y)
        worst = np.argsort(-scores, kind="stable")[:n_rows]
        labels = getattr(X, "index", None)  # pandas alone has one
        row_names = [f"row {i if labels is None else labels[i]}" for i in worst]
        images = None
        if estimator.input_shape is not None:
            X = with_rows(X)
            # By slices, since rows of a file may be had in no other way.
            images = np.concatenate(
                [slice_rows(X, slice(i, i + 1)) for i in worst.tolist()]
            )
            images = images.reshape(len(worst), *estimator.input_shape)
        display = cls(
            scores=scores,
            threshold=-estimator.offset_,
            blame=blame[worst],
            row_names=row_names,
            feature_names=names_of(X, estimator, blame.shape[1]),
            y=y,
            images=images,
            channel_axis=getattr(estimator, "channel_axis", None),
        )
        return display.plot(ax=ax)

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : pair of matplotlib Axes or None, default=None
            For the scores and for the blame. None makes a figure.

        Returns
        -------
        self : AnomalyDisplay
            The display, with ``axes_`` and ``figure_``.
        """
        if self.images is None:
            return self._plot_columns(ax)
        return self._plot_images(ax)

    def _plot_columns(self, ax):
        """Scores, and a heat map with a line for each row."""
        blame = np.asarray(self.blame)
        n_rows, n_columns = blame.shape
        shown = np.sort(np.argsort(-blame.sum(axis=0), kind="stable")[:_MOST_COLUMNS])
        names = [shortened(self.feature_names[j]) for j in shown]
        heat = 0.24 * n_rows + 0.09 * max(len(name) for name in names) + 0.8
        axes = self._make_axes(ax, min(max(0.38 * len(shown) + 3, 6.4), 14), heat)
        image = axes.imshow(
            blame[:, shown],
            aspect="auto",
            cmap="magma_r",
            norm=_bounded_log(blame),
            interpolation="nearest",
        )
        self.figure_.colorbar(image, ax=axes, label="blame of the cell", pad=0.02)
        axes.set_xticks(range(len(shown)), names, rotation=45, ha="right")
        axes.set_yticks(range(n_rows), self.row_names)
        title = f"The {n_rows} least normal rows"
        if len(shown) < n_columns:
            title += f", and their {len(shown)} most blamed of {n_columns} columns"
        axes.set_title(title)
        return self

    def _plot_images(self, ax):
        """Scores, and each row as an image above an image of its blame."""
        images = np.asarray(self.images, dtype=np.float64)
        n_rows, shape = len(images), images.shape[1:]
        kind = shape, self.channel_axis
        blame = [as_picture(row, *kind) for row in np.asarray(self.blame)]
        cell = "cell"
        if blame[0].ndim == 3:
            # A pixel has one blame, which is that of its three colours.
            blame = [colours.sum(axis=2) for colours in blame]
            cell = "pixel"
        height, width = blame[0].shape
        # Long strips, as of a series, are squeezed to be seen as a whole.
        tallness = min(max(height / width, 0.5), 2.0)
        inch = min(1.1, 12 / n_rows)  # width of an image
        axes = self._make_axes(
            ax, max(1.1 * inch * n_rows + 2, 6.4), 2.2 * inch * tallness + 1
        )

        low, high = picture_range(images, *kind)
        norm = _bounded_log(np.asarray(blame))
        for i, (image, cells) in enumerate(zip(images, blame, strict=True)):
            sides = (1.1 * i, 1.1 * i + 1)
            draw_picture(
                axes, as_picture(image, *kind), low, high, extent=(*sides, 1.1, 2.1)
            )
            drawn = axes.imshow(
                cells,
                cmap="magma_r",
                norm=norm,
                interpolation="nearest",
                extent=(*sides, 0, 1),
            )
        axes.set(xlim=(-0.05, 1.1 * n_rows - 0.05), ylim=(-0.05, 2.15), aspect=tallness)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        slanted = {"rotation": 45, "ha": "right"} if n_rows > _MOST_UPRIGHT else {}
        axes.set_xticks(
            1.1 * np.arange(n_rows) + 0.5,
            [shortened(name, 12) for name in self.row_names],
            **slanted,
        )
        axes.set_yticks([0.5, 1.6], ["blame", "row"])
        self.figure_.colorbar(drawn, ax=axes, label=f"blame of the {cell}", pad=0.02)
        axes.set_title(f"The {n_rows} least normal rows, and the {cell}s to blame")
        return self

    def _make_axes(self, ax, width, height):
        """Draw the scores; give axes of that size in inches for the blame."""
        self.figure_, self.axes_ = get_axes(
            self,
            ax,
            (2, 1),
            figsize=(width, 2.6 + height),
            height_ratios=(2.4, height),
        )
        self._plot_scores(self.axes_[0, 0])
        return self.axes_[1, 0]

    def _plot_scores(self, axes):
        from matplotlib.ticker import LogLocator, NullFormatter

        scores = np.asarray(self.scores, dtype=np.float64)
        # Outliers may have a hundred times the blame of others: a logarithmic scale.
        marks = np.append(scores, self.threshold)
        least = marks[marks > 0].min(initial=1.0)
        top = max(marks.max(), least) * 1.05
        bins = np.geomspace(least * 0.95, top, 41)
        places = np.clip(scores, bins[0], None)
        if self.y is None:
            axes.hist(places, bins=bins, color="C0", label="rows")
        else:
            y = np.asarray(self.y)
            classes = np.unique(y)
            axes.hist(
                [places[y == c] for c in classes],
                bins=bins,
                stacked=True,
                label=[str(c) for c in classes],
            )
        n_outliers = int((scores > self.threshold).sum())
        axes.axvline(
            self.threshold,
            color="black",
            linestyle=":",
            label=f"threshold, passed by {n_outliers} of {len(scores)}",
        )
        axes.set_xscale("log")
        # Scores are often around 1: .5 rather than 5 x 10^-1.
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set(
            xlabel="sum of blame (higher is less normal)",
            ylabel="rows",
            title="How normal the rows are",
        )
        axes.legend()


def _bounded_log(blame):
    """Colours on a logarithmic scale of two powers of ten below the worst cell."""
    from matplotlib.colors import LogNorm

    most = blame.max() if blame.max() > 0 else 1.0
    return LogNorm(10 ** (math.log10(most) - 2), most, clip=True)
