"""Where displays are drawn: axes of the caller's, or of a figure of their own."""

import numpy as np

from skmae._compat import check_matplotlib_support


def get_axes(display, ax, shape, **subplots):
    """Axes to draw on.

    Matplotlib is imported here and not with the package, which works without it.

    Parameters
    ----------
    display : Display
        Named in errors.
    ax : matplotlib Axes, array-like of Axes or None
        The caller's; None makes a figure.
    shape : tuple of int
        Rows and columns of axes needed.
    **subplots :
        For :func:`matplotlib.pyplot.subplots`.

    Returns
    -------
    figure : matplotlib Figure
    axes : ndarray of Axes of that shape
    """
    name = display.__class__.__name__
    check_matplotlib_support(f"{name}.plot")
    import matplotlib.pyplot as plt

    if ax is None:
        return plt.subplots(*shape, squeeze=False, layout="constrained", **subplots)
    axes = np.asarray(ax, dtype=object)
    if axes.size != np.prod(shape):
        raise ValueError(
            f"{name}.plot draws on {np.prod(shape)} axes here. Got ax with {axes.size}."
        )
    axes = axes.reshape(shape)
    return axes[0, 0].figure, axes


def refuse_sequences(estimator, name):
    """Refuse an estimator whose rows have lengths of their own.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    name : str
        What cannot draw them.
    """
    model = getattr(estimator, "model_", None)
    if model is not None and model.settings.rows.has_steps:
        raise ValueError(
            f"{name} needs rows of one length, not tokens or series of unlike lengths."
        )


def names_of(X, estimator, n_features):
    """Feature names: those of a frame, those seen in fit, or x0, x1, ..."""
    names = getattr(X, "columns", getattr(estimator, "feature_names_in_", None))
    if names is None or len(names) != n_features:
        return [f"x{j}" for j in range(n_features)]
    return [str(name) for name in names]


def shortened(name, most=24):
    """A name short enough for an axis label."""
    return name if len(name) <= most else name[: most - 1] + "…"
