"""Pseudo-labels of every row, before the network is fine-tuned.

Three simple teachers learn from the labelled rows: logistic regression on codes,
logistic regression on the cells themselves, and labels spread along a graph of
neighbouring codes. Images of one class are mostly neighbours: of them the first reads,
beside the codes, where walks along that graph lead. A fourth, of tables, is networks
that were fine-tuned on the labelled rows of each fold. Their predictions are stacked
with weights that cross-validation on the labelled rows finds, so that a teacher who
errs gets no weight, and the stacked probabilities are calibrated. Where networks know
more than simple teachers, which is where teaching without them would cost accuracy,
they are heard most.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from skmae.features.neighbours import NeighbourGraph
from skmae.features.walks import N_FEATURES, size_beside, walk_features
from skmae.semi_supervised.folds import MANY, about_left_out, stratified_folds

_MAX_ITER = 300
# Spread labels are far too soft: they are raised to this power, with this floor.
_SHARPNESS = 2.0
_FLOOR = 1e-4
# Stacking weights of codes, cells, neighbours and networks before any evidence, and the
# strength of that prior: without networks, and with them.
_PRIOR = (0.5, 0.4, 0.1), 3.0
_PRIOR_WITH_NETWORKS = (0.45, 0.35, 0.1, 0.1), 10.0
_PRIOR_OF_IMAGES = (0.6, 0.1, 0.3), 3.0
# Of images, sum of the variances of features of walks, in that of the codes.
_WALK_VARIANCE = 4.0


def logistic_head(codes, labels, n_classes, weight, C=1.0):
    """Weights and biases of a linear layer solved by logistic regression.

    Parameters
    ----------
    codes : (n_rows, n_components) array
    labels : (n_rows,) int array
        Every class from 0 to ``n_classes - 1`` occurs.
    n_classes : int
    weight : (n_rows,) array
    C : float
        Inverse strength of the penalty.

    Returns
    -------
    weights : (n_classes, n_components) array
    biases : (n_classes,) array
    """
    # Here, since with it comes much of scikit-learn.
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=C, max_iter=_MAX_ITER)
    model.fit(codes, labels, sample_weight=weight)
    weights, biases = model.coef_, model.intercept_
    if n_classes == 2:  # one row of log-odds becomes a row per class
        weights = np.concatenate([-weights, weights]) / 2
        biases = np.concatenate([-biases, biases]) / 2
    return weights, biases


class LabelTeachers:
    """Probabilities of classes for all rows, stacked from several teachers.

    Parameters
    ----------
    codes : (n_rows, n_components) array
    cells : (n_rows, n_expanded) array
        Scaled values and indicators of categories, nothing missing.
    networks : callable or None
        Trains networks on some labelled rows each: takes a list of their positions
        among the labelled rows, and returns logits of all rows by each,
        (n_rows, n_classes). None: there is none.
    seed : int
        Of the folds, and of what walks say.
    images : bool
        Whether rows are images.

    Attributes
    ----------
    pool_weights_ : (n_teachers,) array
        Of: codes, cells, neighbours and, if there are any, networks.
    """

    def __init__(self, codes, cells, networks, seed, images=False):
        self.codes = codes
        self.cells = cells
        self.networks = networks
        self.seed = seed
        self.images = images

    def probabilities(self, rows, labels, n_classes, weight):
        """Learn from labelled rows; judge all.

        Parameters
        ----------
        rows : (n_labelled,) int array
            Positions of the labelled rows.
        labels : (n_labelled,) int array
        n_classes : int
        weight : (n_labelled,) array

        Returns
        -------
        probabilities : (n_rows, n_classes) array
        """
        self._graph = NeighbourGraph(self.codes)
        self._features = self.codes
        if self.images:
            self._features = self._codes_and_walks()
        self._n_classes = n_classes
        left_out, predictions, by_network = self._cross_fit(rows, labels, weight)
        prior: tuple = _PRIOR_OF_IMAGES if self.images else _PRIOR
        if by_network is not None:
            prior = _PRIOR_WITH_NETWORKS
        self.pool_weights_ = _stacking_weights(
            predictions, labels[left_out], weight[left_out], prior
        )
        predictions = self._predictions(
            rows, labels, weight, np.arange(len(self.codes))
        )
        del self._graph, self._features
        if by_network is not None:
            predictions = np.stack([*predictions, by_network])
        return np.exp(log_softmax(np.tensordot(self.pool_weights_, predictions, 1), 1))

    def _codes_and_walks(self):
        """What logistic regression reads of images: (n_rows, n_features)."""
        walks = walk_features(self._graph, N_FEATURES, self.seed)
        walks *= size_beside(self.codes, walks, _WALK_VARIANCE)
        return np.concatenate([self.codes, walks], axis=1)

    def _predictions(self, rows, labels, weight, about):
        """Log-probabilities by each teacher: (n_teachers, n_about, n_classes)."""
        predictions = []
        for features in (self._features, self.cells):
            weights, biases = logistic_head(
                features[rows], labels, self._n_classes, weight
            )
            predictions.append(
                log_softmax(features[about] @ weights.T + biases, axis=1)
            )
        given = np.zeros((len(self.codes), self._n_classes), dtype=np.float32)
        given[rows, labels] = weight
        reached = self._graph.spread(given)
        # Each class reaches as much of the table as it has labels, however well
        # connected its rows are.
        reached *= given.sum(axis=0) / np.maximum(reached.sum(axis=0), 1e-12)
        reached = reached[about].astype(np.float64)
        total = reached.sum(axis=1, keepdims=True)
        prior = given.sum(axis=0) / given.sum()
        reached = np.where(total > 0, reached / np.maximum(total, 1e-300), prior)
        predictions.append(_SHARPNESS * np.log(reached + _FLOOR))
        return np.stack(predictions)

    def _cross_fit(self, rows, labels, weight):
        """Judge labelled rows by teachers that did not learn from them.

        Returns
        -------
        left_out : (n_left_out,) int array
            Which of the labelled rows were.
        predictions : (n_teachers, n_left_out, n_classes) array
            Log-probabilities.
        by_network : (n_rows, n_classes) array or None
            Mean log-probabilities of every row by the networks of all folds.
        """
        folds = stratified_folds(labels, self.seed)
        if not folds:
            nothing = np.empty((len(_PRIOR[0]), 0, self._n_classes))
            return np.empty(0, dtype=int), nothing, None
        by_networks = []
        if self.networks is not None:
            if len(rows) >= MANY:
                del folds[1:]
            by_networks = self.networks([kept for kept, _ in folds])
            by_networks = [log_softmax(logits, axis=1) for logits in by_networks]

        def say(kept, about):
            return self._predictions(rows[kept], labels[kept], weight[kept], about)

        return about_left_out(folds, rows, say, by_networks)


def _stacking_weights(predictions, labels, weight, prior):
    """Weights under which the stacked predictions of left-out rows are best.

    Parameters
    ----------
    predictions : (n_teachers, n_left_out, n_classes) array
        Log-probabilities.
    labels : (n_left_out,) int array
    weight : (n_left_out,) array
    prior : (tuple of float, float)
        Weights before any evidence, and the strength of that prior.

    Returns
    -------
    stacking : (n_teachers,) array
    """
    weights, strength = prior
    start = np.array(weights)

    def penalised_loss(stacking):
        logits = log_softmax(np.tensordot(stacking, predictions, 1), axis=1)
        right = np.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
        return -(weight @ right) + strength * np.sum((stacking - start) ** 2)

    return minimize(penalised_loss, start, bounds=[(0.0, 5.0)] * len(start)).x
