"""A picture of new rows beside real ones, column by column and pair by pair."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmae.displays.canvas import (
    get_axes,
    names_of,
    refuse_sequences,
    shortened,
)
from skmae.displays.columns import (
    as_rows,
    check_same_columns,
    correlations,
    find_columns,
    most_correlated,
    side_by_side,
)
from skmae.generation.generator import MaskedAutoencoderGenerator

# Columns that are drawn unless others are asked for, and that have room at all.
_N_COLUMNS, _MOST_COLUMNS = 5, 10
# Points of each kind in a panel, which can be told from each other.
_MOST_POINTS = 1000
_N_BINS = 24
# Numbers of so few values are drawn beside each other, as categories are.
_FEW_VALUES = 12
# Characters below a panel that have room without slanting the names.
_MOST_UPRIGHT = 16
_REAL, _NEW = "C0", "C1"


class NewRowsDisplay:
    """New rows beside real ones: each column, and each pair of columns.

    On the diagonal are the distributions of the columns, real ones filled and new ones
    as a line. Below it the pairs of columns of real rows are drawn, above it those
    of as many new rows, on the same axes: where the pairs go together alike, the
    picture is its own mirror image. Above each pair of numbers stands its
    correlation, in all rows that were given.

    Points of categories, and of numbers of at most 12 values, are scattered around
    their place. Missing values are left out.

    It is recommended to use :meth:`from_estimator` or :meth:`from_rows`, which draw
    at once.

    Parameters
    ----------
    real : array-like of shape (n_real, n_columns)
        Columns of real rows to draw; NaN where a value is missing.

    new : array-like of shape (n_new, n_columns)
        The same columns of new rows.

    feature_names : list of str
        Names of these columns.

    categories : list or None, default=None
        For each column None, or names of its categories, of which ``real`` and
        ``new`` hold the positions. None: all are numbers.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_columns, n_columns)
        The grid.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    MaskedAutoencoderGenerator : Draws new rows.
    ReconstructionDisplay : Rows with hidden cells, and restored.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmae import MaskedAutoencoderGenerator, NewRowsDisplay
    >>> X = load_iris(as_frame=True).data
    >>> generator = MaskedAutoencoderGenerator(max_epochs=20, random_state=0).fit(X)
    >>> display = NewRowsDisplay.from_estimator(generator, X, random_state=0)
    >>> display.axes_.shape
    (4, 4)

    Rows of any other origin:

    >>> halves = NewRowsDisplay.from_rows(X[::2], X[1::2], columns=[2, 3])
    >>> halves.feature_names
    ['petal length (cm)', 'petal width (cm)']
    """

    def __init__(self, *, real, new, feature_names, categories=None):
        self.real = real
        self.new = new
        self.feature_names = feature_names
        self.categories = categories

    @classmethod
    def from_estimator(
        cls,
        generator,
        X,
        *,
        n_samples=None,
        columns=None,
        random_state=None,
        ax=None,
    ):
        """Draw new rows from a generator, and draw them beside real ones.

        Parameters
        ----------
        generator : MaskedAutoencoderGenerator
            Fitted, on rows of one length.
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Real rows, best those that were not there in fit.
        n_samples : int or None, default=None
            New rows to draw. None: as many as X has, but at most 1,000.
        columns : list of {int, str} or None, default=None
            As in :meth:`from_rows`.
        random_state : int, RandomState instance or None, default=None
            Seed of the new rows.
        ax : array-like of matplotlib Axes or None, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : NewRowsDisplay
            The display, drawn.
        """
        if not isinstance(generator, MaskedAutoencoderGenerator):
            raise TypeError(
                f"{cls.__name__}.from_estimator needs a MaskedAutoencoderGenerator. "
                f"Got {generator.__class__.__name__}; use from_rows with the rows that "
                "it draws."
            )
        check_is_fitted(generator)
        refuse_sequences(generator, cls.__name__)
        X = as_rows(X, "X")
        if X.shape[1] != generator.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} features, but {generator.__class__.__name__} is "
                f"expecting {generator.n_features_in_} features as input."
            )
        n_samples = min(len(X), _MOST_POINTS) if n_samples is None else n_samples
        X_new = as_rows(generator.sample(n_samples, random_state=random_state), "X_new")
        return cls._drawn(
            X, X_new, generator, generator.model_.codec.categorical_, columns, ax
        )

    @classmethod
    def from_rows(
        cls,
        X,
        X_new,
        *,
        columns=None,
        categorical_features="from_dtype",
        ax=None,
    ):
        """Draw rows beside others, by whatever means they were made.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Real rows.
        X_new : {array-like, sparse matrix} or DataFrame of shape (n_new, n_features)
            New rows, with the same columns.
        columns : list of {int, str} or None, default=None
            Names or positions of at most 10 columns. None takes 5: those with the
            largest absolute correlations with another one in X, where that of a
            column of categories is the largest of indicators of its categories.
        categorical_features : array-like of {bool, int, str}, "from_dtype" or None, \
                default="from_dtype"
            Categorical columns, as in the estimators.
        ax : array-like of matplotlib Axes or None, default=None
            As in :meth:`plot`.

        Returns
        -------
        display : NewRowsDisplay
            The display, drawn.
        """
        X, X_new = as_rows(X, "X"), as_rows(X_new, "X_new")
        return cls._drawn(X, X_new, None, categorical_features, columns, ax)

    @classmethod
    def _drawn(cls, X, X_new, generator, categorical_features, columns, ax):
        check_same_columns(X, X_new)
        names = names_of(X, generator, X.shape[1])
        if columns is not None:
            shown = _checked(columns, names)
        real, new, categories = side_by_side(X, X_new, categorical_features)
        if columns is None:
            shown = most_correlated(real, categories, _N_COLUMNS)
        display = cls(
            real=real[:, shown],
            new=new[:, shown],
            feature_names=[names[j] for j in shown],
            categories=[categories[j] for j in shown],
        )
        return display.plot(ax=ax)

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : array-like of matplotlib Axes or None, default=None
            As many axes as the square of the number of columns. None makes a figure.

        Returns
        -------
        self : NewRowsDisplay
            The display, with ``axes_`` and ``figure_``.
        """
        real, new = (np.asarray(rows, dtype=float) for rows in (self.real, self.new))
        n_columns = real.shape[1]
        size = max(1.85 * n_columns + 0.8, 4.5)
        self.figure_, self.axes_ = get_axes(
            self, ax, (n_columns, n_columns), figsize=(size, size)
        )
        categories = self.categories or [None] * n_columns
        places = [
            _Place(np.append(real[:, j], new[:, j]), categories[j])
            for j in range(n_columns)
        ]
        # As many of both, or the more would look the wider spread.
        n_points = min(len(real), len(new), _MOST_POINTS)
        kinds = [
            (_some(rows, n_points), correlations(rows), colour)
            for rows, colour in ((real, _REAL), (new, _NEW))
        ]
        for i, j in np.ndindex(n_columns, n_columns):
            axes = self.axes_[i, j]
            if i == j:
                places[i].compare(axes, real[:, i], new[:, i])
            else:
                points, together, colour = kinds[0 if i > j else 1]
                axes.plot(
                    places[j].scattered(points[:, j], j),
                    places[i].scattered(points[:, i], i),
                    "o",
                    color=colour,
                    markersize=3 if n_points <= 300 else 2,
                    markeredgewidth=0,
                    alpha=0.6 if n_points <= 300 else 0.4,
                )
                if categories[i] is None and categories[j] is None:
                    axes.set_title(
                        f"r = {together[i, j]:.2f}",
                        loc="right",
                        fontsize="small",
                        pad=2,
                    )
            places[j].mark(axes.xaxis)
            places[i].mark(axes.yaxis)
            axes.set(xlim=places[j].limits, ylim=places[i].limits)
            # Values stand at the edges of the grid alone.
            axes.tick_params(
                labelsize="small", labelbottom=i == n_columns - 1, labelleft=j == 0
            )
        for j, name in enumerate(self.feature_names):
            self.axes_[-1, j].set_xlabel(shortened(name, 20))
            self.axes_[j, 0].set_ylabel(shortened(name, 20))
        if ax is None:
            self.figure_.align_labels(self.axes_)
        title = "Real rows (blue) and new ones (orange)"
        if n_columns > 1:
            title = "Real rows (blue, below the diagonal) and new ones (orange, above)"
        self.figure_.suptitle(title, fontsize="medium")
        return self


class _Place:
    """Where the values of a column lie on an axis."""

    def __init__(self, values, categories):
        self.categories = categories
        self.values = np.unique(values[~np.isnan(values)])
        low, high = (
            (self.values[0], self.values[-1]) if len(self.values) else (0.0, 1.0)
        )
        if categories is not None:
            low, high = 0, max(len(categories) - 1, 0)
        self.few = categories is not None or len(self.values) <= _FEW_VALUES
        self.gap = 1.0
        if categories is None and len(self.values) > 1:
            self.gap = np.diff(self.values).min() if self.few else high - low
        room = 0.6 * self.gap if self.few else 0.05 * (high - low)
        self.limits = (low - room, high + room)

    def scattered(self, values, seed):
        """Values to draw, those of few values a little beside their place."""
        if not self.few:
            return values
        rng = np.random.default_rng(seed)
        return values + self.gap * rng.uniform(-0.25, 0.25, len(values))

    def mark(self, axis):
        """Ticks of the column."""
        if self.categories is None:
            from matplotlib.ticker import MaxNLocator

            axis.set_major_locator(MaxNLocator(4))
            return
        names = [shortened(name, 10) for name in self.categories]
        axis.set_ticks(range(len(names)), names)
        if axis.axis_name == "x" and sum(map(len, names)) > _MOST_UPRIGHT:
            for label in axis.get_ticklabels():
                label.set(rotation=45, ha="right", rotation_mode="anchor")

    def compare(self, axes, real, new):
        """Shares of real and new values, as parts of the height of the panel."""
        real, new = (self._shares(values) for values in (real, new))
        scale = 0.95 / max(real.max(initial=0), new.max(initial=0), 1e-12)
        heights = axes.get_xaxis_transform()
        filled = {"color": _REAL, "alpha": 0.5, "transform": heights}
        line = {"color": _NEW, "linewidth": 1.5, "transform": heights}
        if not self.few:
            axes.stairs(real * scale, self._edges(), fill=True, **filled)
            axes.stairs(new * scale, self._edges(), **line)
            return
        for at, *pair in zip(self._marks(), real, new, strict=True):
            edges = [at - 0.4 * self.gap, at + 0.4 * self.gap]
            axes.stairs([pair[0] * scale], edges, fill=True, **filled)
            axes.stairs([pair[1] * scale], edges, **line)

    def _marks(self):
        return self.values if self.categories is None else range(len(self.categories))

    def _edges(self):
        return np.linspace(*self.limits, _N_BINS + 1)

    def _shares(self, values):
        values = values[~np.isnan(values)]
        if self.few:
            counts = np.array([np.sum(values == mark) for mark in self._marks()])
        else:
            counts = np.histogram(values, self._edges())[0]
        return counts / max(len(values), 1)


def _some(rows, n_rows):
    """Some of many rows; the same ones whenever the display is drawn."""
    if len(rows) == n_rows:
        return rows
    rng = np.random.default_rng(0)
    return rows[np.sort(rng.choice(len(rows), n_rows, replace=False))]


def _checked(columns, names):
    """Positions of the columns that are asked for."""
    found = find_columns(columns, names)
    if not 1 <= len(found) <= _MOST_COLUMNS:
        raise ValueError(
            f"columns may hold 1 to {_MOST_COLUMNS} columns. Got {len(found)}."
        )
    return found
