"""Pseudo-targets of every row, before the network is fine-tuned.

As for classes: linear regression on codes and on cells, and values spread along a
graph of neighbours, are stacked with weights found by cross-validation. A network joins
them, trained on the labelled rows of each fold. Its weight also shows how noisy the
given values are: where networks predict left-out rows best, there is little noise to
be fitted; where they do not, each value is shrunk towards the predictions of the other
teachers.

Of several outputs a row may have some. The teachers learn each from the rows that have
it, and are judged by what is known; the rest gets pseudo-targets as unlabelled rows do.
"""

import numpy as np
from scipy.optimize import minimize
from sklearn.model_selection import KFold

from skmae.features.neighbours import NeighbourGraph
from skmae.semi_supervised.folds import MANY, MAX_FOLDS, about_left_out

_PENALTIES = np.logspace(-1, 4, 6)
# Stacking weights of codes, cells, neighbours and network before any evidence, and the
# strength of that prior.
_PRIOR_WEIGHTS = np.array([0.4, 0.3, 0.1, 0.2])
_PRIOR_STRENGTH = 3.0


def ridge_head(codes, values, weight, penalties=_PENALTIES):
    """Weights and biases of a linear layer solved by ridge regression.

    Parameters
    ----------
    codes : (n_rows, n_components) array
    values : (n_rows, n_outputs) array
        NaN where not known; each output is then solved by itself.
    weight : (n_rows,) array
    penalties : array-like
        From which to choose the best.

    Returns
    -------
    weights : (n_outputs, n_components) array
    biases : (n_outputs,) array
    """
    # Here, since with it comes much of scikit-learn.
    from sklearn.linear_model import RidgeCV

    known = ~np.isnan(values)
    if not known.all():
        heads = [
            _partial_head(codes[rows], values[rows, output], weight[rows], penalties)
            for output, rows in enumerate(known.T)
        ]
        return np.array([w for w, _ in heads]), np.array([bias for _, bias in heads])
    model = RidgeCV(penalties).fit(codes, values, sample_weight=weight)
    weights = model.coef_.reshape(values.shape[1], -1)
    return weights, np.broadcast_to(model.intercept_, values.shape[1]).copy()


def _partial_head(codes, values, weight, penalties):
    """Weights and bias of one output, of which hardly any value may be known."""
    if len(values) < 2:  # its mean, which is about 0 if there is none
        return np.zeros(codes.shape[1]), values.sum()
    weights, biases = ridge_head(codes, values[:, None], weight, penalties)
    return weights[0], biases[0]


class ValueTeachers:
    """Values for all rows, stacked from several teachers.

    Parameters
    ----------
    codes : (n_rows, n_components) array
    cells : (n_rows, n_expanded) array
        Scaled values and indicators of categories, nothing missing.
    networks : callable or None
        Trains networks on some labelled rows each: takes a list of their positions
        among the labelled rows, and returns predictions of all rows by each,
        (n_rows, n_outputs). None: there is none.
    seed : int
        Of the folds.

    Attributes
    ----------
    pool_weights_ : (n_teachers,) array
        Of: codes, cells, neighbours and, if there is one, network. They sum to at
        most 1; the rest is the weight of the mean.
    """

    def __init__(self, codes, cells, networks, seed):
        self.codes = codes
        self.cells = cells
        self.networks = networks
        self.seed = seed

    def values(self, rows, values, weight):
        """Learn from labelled rows; judge all.

        Parameters
        ----------
        rows : (n_labelled,) int array
            Positions of the labelled rows.
        values : (n_labelled, n_outputs) array
            Of mean 0; NaN where not known.
        weight : (n_labelled,) array

        Returns
        -------
        values : (n_rows, n_outputs) array
            Pseudo-target of each row. In the stack of a labelled row its given value
            stands for the network; without one, it is taken as it is.
        """
        graph = NeighbourGraph(self.codes)
        left_out, predictions, by_network = self._cross_fit(graph, rows, values, weight)
        self.pool_weights_ = _stacking_weights(
            predictions, values[left_out], weight[left_out]
        )
        everywhere = np.arange(len(self.codes))
        predictions = self._predictions(graph, rows, values, weight, everywhere)
        if by_network is None:
            pooled = np.tensordot(self.pool_weights_, predictions, 1)
            pooled[rows] = np.where(np.isnan(values), pooled[rows], values)
            return pooled
        by_network[rows] = np.where(np.isnan(values), by_network[rows], values)
        return np.tensordot(self.pool_weights_, [*predictions, by_network], 1)

    def _predictions(self, graph, rows, values, weight, about):
        """Predictions by the simple teachers: (n_teachers, n_about, n_outputs)."""
        predictions = []
        for features in (self.codes, self.cells):
            weights, biases = ridge_head(features[rows], values, weight)
            predictions.append(features[about] @ weights.T + biases)
        n_outputs = values.shape[1]
        known = ~np.isnan(values)
        given = np.zeros((len(self.codes), 2 * n_outputs))
        by_weight = np.where(known, values, 0.0) * weight[:, None]
        given[rows] = np.column_stack([by_weight, known * weight[:, None]])
        reached = graph.spread(given)[about]
        total = np.maximum(reached[:, n_outputs:], 1e-12)
        predictions.append(reached[:, :n_outputs] / total)
        # Linear models extrapolate beyond the targets that were seen.
        return np.stack(predictions).clip(*_range(values))

    def _cross_fit(self, graph, rows, values, weight):
        """Judge labelled rows by teachers that did not learn from them.

        Returns
        -------
        left_out : (n_left_out,) int array
            Which of the labelled rows were.
        predictions : (n_teachers, n_left_out, n_outputs) array
        by_network : (n_rows, n_outputs) array or None
            Mean prediction of every row by the networks of all folds.
        """
        n_folds = min(MAX_FOLDS, len(rows) // 2)
        if n_folds < 2:
            n_teachers = len(_PRIOR_WEIGHTS) - 1
            nothing = np.empty((n_teachers, 0, values.shape[1]))
            return np.empty(0, dtype=int), nothing, None
        folds = list(KFold(n_folds, shuffle=True, random_state=self.seed).split(rows))
        if len(rows) >= MANY:
            del folds[1:]
        by_networks = []
        if self.networks is not None:
            by_networks = self.networks([kept for kept, _ in folds])
            by_networks = [
                predicted.clip(*_range(values[kept]))
                for predicted, (kept, _) in zip(by_networks, folds, strict=True)
            ]

        def say(kept, about):
            of_fold = rows[kept], values[kept], weight[kept]
            return self._predictions(graph, *of_fold, about)

        return about_left_out(folds, rows, say, by_networks)


def _range(values):
    """Least and largest known value of each output; 0, the mean, if there is none."""
    known = ~np.isnan(values)
    lowest = np.where(known, values, np.inf).min(axis=0)
    highest = np.where(known, values, -np.inf).max(axis=0)
    there = known.any(axis=0)
    return np.where(there, lowest, 0.0), np.where(there, highest, 0.0)


def _stacking_weights(predictions, values, weight):
    """Weights under which the stacked predictions are best.

    Parameters
    ----------
    predictions : (n_teachers, n_left_out, n_outputs) array
    values : (n_left_out, n_outputs) array
        NaN where not known.
    weight : (n_left_out,) array

    Returns
    -------
    stacking : (n_teachers,) array
    """
    start = _PRIOR_WEIGHTS[: len(predictions)]
    start = start / start.sum()
    # Unknown values add no error.
    known = ~np.isnan(values)
    predictions, values = predictions * known, np.where(known, values, 0.0)

    def penalised_loss(stacking):
        error = np.tensordot(stacking, predictions, 1) - values
        squares = weight @ np.square(error).mean(axis=1)
        return squares + _PRIOR_STRENGTH * np.sum((stacking - start) ** 2)

    at_most_one = {"type": "ineq", "fun": lambda stacking: 1 - stacking.sum()}
    bounds = [(0.0, 1.0)] * len(start)
    return minimize(penalised_loss, start, bounds=bounds, constraints=at_most_one).x
