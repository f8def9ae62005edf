"""A picture of a search over the mask ratio."""

from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmae.displays.canvas import get_axes

_SUFFIX = "mask_ratio"
# Of more lines than this, as of a random search, only the best is coloured and named.
_MOST_NAMED = 8
# Of more lines than this, only the best has a band, and their names stand below.
_MOST_BANDS = 3


class MaskRatioDisplay:
    """Cross-validated score against the mask ratio.

    It is recommended to use :meth:`from_estimator` or :meth:`from_cv_results`, which
    draw at once.

    Parameters
    ----------
    mask_ratios : sequence of n_ratios values
        Ratios that were tried: numbers, ranges or "auto".

    scores : array-like of shape (n_lines, n_ratios)
        Mean scores over folds, NaN where a combination was not tried.

    spreads : array-like of shape (n_lines, n_ratios)
        Standard deviations of the scores over folds.

    labels : list of str or None, default=None
        What else differs between lines.

    score_name : str, default="score"
        For the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.

    figure_ : matplotlib Figure
        The figure.

    lines_ : list of matplotlib Line2D
        Mean scores, one line for each combination of other parameters.

    See Also
    --------
    LossCurveDisplay : Losses of one fit.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skmae import MaskedAutoencoderTransformer, MaskRatioDisplay
    >>> mae = MaskedAutoencoderTransformer(max_epochs=5, random_state=0)
    >>> search = GridSearchCV(mae, {"mask_ratio": [0.2, 0.4, 0.6]}, cv=3)
    >>> display = MaskRatioDisplay.from_estimator(search.fit(load_iris().data))
    >>> display.ax_.get_xlabel()
    'mask ratio'
    """

    def __init__(
        self, *, mask_ratios, scores, spreads, labels=None, score_name="score"
    ):
        self.mask_ratios = mask_ratios
        self.scores = scores
        self.spreads = spreads
        self.labels = labels
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, search, *, metric="score", parameter=None, ax=None):
        """Draw the results of a fitted search.

        Parameters
        ----------
        search : GridSearchCV, RandomizedSearchCV or alike
            Fitted; over the mask ratio, and maybe over other parameters.
        metric : str, default="score"
            Which of several scores.
        parameter : str or None, default=None
            Name of the mask ratio in the search. None finds the one that ends in
            ``mask_ratio``.
        ax : matplotlib Axes or None, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : MaskRatioDisplay
            The display, drawn.
        """
        check_is_fitted(
            search,
            "cv_results_",
            msg="This %(name)s instance has no cv_results_: pass a search, such as "
            "GridSearchCV, that is fitted.",
        )
        return cls.from_cv_results(
            search.cv_results_, metric=metric, parameter=parameter, ax=ax
        )

    @classmethod
    def from_cv_results(cls, cv_results, *, metric="score", parameter=None, ax=None):
        """Draw the results of a search.

        Parameters
        ----------
        cv_results : dict
            ``cv_results_`` of a search.
        metric : str, default="score"
            Which of several scores.
        parameter : str or None, default=None
            Name of the mask ratio in the search, such as "mae__mask_ratio". None
            finds the one that ends in ``mask_ratio``.
        ax : matplotlib Axes or None, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : MaskRatioDisplay
            The display, drawn.
        """
        parameter = _find_parameter(cv_results["params"], parameter)
        if f"mean_test_{metric}" not in cv_results:
            raise ValueError(f"cv_results has no 'mean_test_{metric}'.")
        tried = [_hashable(params[parameter]) for params in cv_results["params"]]
        others = [_label(params, parameter) for params in cv_results["params"]]
        ratios = list(dict.fromkeys(tried))
        if all(isinstance(ratio, Real) for ratio in ratios):
            ratios.sort()
        labels = list(dict.fromkeys(others))
        scores = np.full((len(labels), len(ratios)), np.nan)
        spreads = scores.copy()
        cells = [labels.index(o) for o in others], [ratios.index(t) for t in tried]
        scores[cells] = cv_results[f"mean_test_{metric}"]
        spreads[cells] = cv_results[f"std_test_{metric}"]
        display = cls(
            mask_ratios=ratios,
            scores=scores,
            spreads=spreads,
            labels=labels if len(labels) > 1 else None,
            score_name=metric,
        )
        return display.plot(ax=ax)

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        self : MaskRatioDisplay
            The display, with ``ax_`` and ``figure_``.
        """
        scores, spreads = np.asarray(self.scores), np.asarray(self.spreads)
        n_lines = len(scores)
        crowded = n_lines > _MOST_NAMED
        below = ax is None and _MOST_BANDS < n_lines <= _MOST_NAMED
        room = 0.22 * (n_lines + 2) if below else 0
        self.figure_, axes = get_axes(self, ax, (1, 1), figsize=(6.4, 4.8 + room))
        self.ax_ = axes[0, 0]
        labels = self.labels or ["mean of folds"]
        numeric = all(isinstance(ratio, Real) for ratio in self.mask_ratios)
        x = np.asarray(self.mask_ratios if numeric else range(len(self.mask_ratios)))

        best = int(np.nanargmax(scores)) // scores.shape[1]
        colours = ["0.75" if crowded else f"C{line}" for line in range(n_lines)]
        if crowded:
            name = self.labels[best] if self.labels else "best combination"
            labels = [None] * n_lines
            labels[best] = name
            labels[0 if best else 1] = f"{n_lines - 1} other combinations"
            colours[best] = "C0"
        self.lines_ = []
        for line, mean in enumerate(scores):
            there = ~np.isnan(mean)
            self.lines_ += self.ax_.plot(
                x[there],
                mean[there],
                marker="o",
                color=colours[line],
                label=labels[line],
                # The best one lies above the others.
                zorder=2.5 if line == best else 2,
            )
        banded = range(n_lines) if n_lines <= _MOST_BANDS else [best]
        for line in banded:
            there = ~np.isnan(scores[line])
            mean, spread = scores[line, there], spreads[line, there]
            self.ax_.fill_between(
                x[there],
                mean - spread,
                mean + spread,
                color=colours[line],
                alpha=0.2,
                linewidth=0,
                # Once will do: all bands mean the same.
                label="± standard deviation" if line == banded[0] else None,
            )
        self._mark_best(x, scores, colours)
        if not numeric:
            names = [_as_text(ratio) for ratio in self.mask_ratios]
            self.ax_.set_xticks(x, names)
        self.ax_.set(
            xlabel="mask ratio",
            ylabel=f"cross-validated {self.score_name}",
            title="Score against the share of hidden cells",
        )
        if below:
            self.ax_.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13))
        else:
            self.ax_.legend()
        return self

    def _mark_best(self, x, scores, colours):
        line, at = np.unravel_index(np.nanargmax(scores), scores.shape)
        name = _as_text(self.mask_ratios[at])
        self.ax_.plot(
            x[at],
            scores[line, at],
            marker="*",
            markersize=16,
            linestyle="none",
            color=colours[line],
            markeredgecolor="black",
            label=f"best, {name}: {scores[line, at]:.3f}",
        )


def _find_parameter(candidates, parameter):
    names = list(dict.fromkeys(name for params in candidates for name in params))
    if parameter is not None:
        if parameter not in names:
            raise ValueError(
                f"parameter must be one that was searched over, {names}. Got "
                f"{parameter!r}."
            )
        return parameter
    found = [name for name in names if name.split("__")[-1] == _SUFFIX]
    if len(found) != 1:
        raise ValueError(
            "The search must be over one parameter that ends in 'mask_ratio', or "
            f"parameter must say which. It is over {names}."
        )
    return found[0]


def _hashable(ratio):
    return tuple(ratio) if isinstance(ratio, (list, tuple)) else ratio


def _as_text(ratio):
    if isinstance(ratio, tuple):
        return f"{ratio[0]:g} to {ratio[1]:g}"
    return f"{ratio:g}" if isinstance(ratio, Real) else str(ratio)


def _label(params, parameter):
    others = [
        f"{name.split('__')[-1]}={value}"
        for name, value in params.items()
        if name != parameter
    ]
    return ", ".join(others)
