"""What can be said of every row's value before the network is fine-tuned.

As for classes: linear regression on codes and on cells, and values spread along a
graph of neighbours, are pooled with weights found by cross-validation.
"""

import numpy as np
from scipy.optimize import minimize
from sklearn.model_selection import KFold

from skmae.few_labels.neighbours import NeighbourGraph

_MAX_FOLDS = 5
_PENALTIES = np.logspace(-1, 4, 6)
# Weights of the opinions of codes, cells and neighbours before any evidence, and how
# strongly they are believed in.
_PRIOR_POOL = (0.5, 0.4, 0.1)
_PRIOR_STRENGTH = 1.0


def ridge_head(codes, values, weight):
    """Weights and biases of a linear layer solved by ridge regression.

    Parameters
    ----------
    codes : (n_rows, n_components) array
    values : (n_rows, n_outputs) array
    weight : (n_rows,) array

    Returns
    -------
    weights : (n_outputs, n_components) array
    biases : (n_outputs,) array
    """
    # Here, since with it comes much of scikit-learn.
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(_PENALTIES).fit(codes, values, sample_weight=weight)
    weights = model.coef_.reshape(values.shape[1], -1)
    return weights, np.broadcast_to(model.intercept_, values.shape[1]).copy()


class ValueTeachers:
    """Values for all rows, from a pool of simple teachers.

    Parameters
    ----------
    codes : (n_rows, n_components) array
    cells : (n_rows, n_expanded) array
        Scaled values and indicators of categories, without holes.
    seed : int
        Of the folds.

    Attributes
    ----------
    pool_weights_ : (n_teachers,) array
        Of: codes, cells, neighbours. They sum to at most 1; what is missing goes to
        the mean.
    """

    def __init__(self, codes, cells, seed):
        self.codes = codes
        self.cells = cells
        self.seed = seed

    def values(self, rows, values, weight):
        """Learn from labelled rows; judge all.

        Parameters
        ----------
        rows : (n_labelled,) int array
            Positions of the labelled rows.
        values : (n_labelled, n_outputs) array
            Of mean 0.
        weight : (n_labelled,) array

        Returns
        -------
        values : (n_rows, n_outputs) array
        """
        graph = NeighbourGraph(self.codes)
        self.pool_weights_ = self._pool(graph, rows, values, weight)
        everywhere = np.arange(len(self.codes))
        opinions = self._opinions(graph, rows, values, weight, everywhere)
        return np.tensordot(self.pool_weights_, opinions, 1)

    def _opinions(self, graph, rows, values, weight, about):
        """Predictions by each teacher: (n_teachers, n_about, n_outputs)."""
        opinions = []
        for features in (self.codes, self.cells):
            weights, biases = ridge_head(features[rows], values, weight)
            opinions.append(features[about] @ weights.T + biases)
        given = np.zeros((len(self.codes), values.shape[1] + 1))
        given[rows] = np.column_stack([values * weight[:, None], weight])
        reached = graph.spread(given)[about]
        opinions.append(reached[:, :-1] / np.maximum(reached[:, -1:], 1e-12))
        # Lines go on where no target has ever been seen.
        return np.stack(opinions).clip(values.min(axis=0), values.max(axis=0))

    def _pool(self, graph, rows, values, weight):
        """Weights under which the pooled opinions about left-out rows are best."""
        start = np.array(_PRIOR_POOL)
        n_folds = min(_MAX_FOLDS, len(rows) // 2)
        if n_folds < 2:
            return start
        folds = KFold(n_folds, shuffle=True, random_state=self.seed)
        opinions = np.empty((len(start), *values.shape))
        for kept, left_out in folds.split(rows):
            opinions[:, left_out] = self._opinions(
                graph, rows[kept], values[kept], weight[kept], rows[left_out]
            )

        def regret(pool):
            error = np.tensordot(pool, opinions, 1) - values
            squares = weight @ np.square(error).mean(axis=1)
            return squares + _PRIOR_STRENGTH * np.sum((pool - start) ** 2)

        at_most_one = {"type": "ineq", "fun": lambda pool: 1 - pool.sum()}
        bounds = [(0.0, 1.0)] * len(start)
        return minimize(regret, start, bounds=bounds, constraints=at_most_one).x
