"""Labels that spread from row to row along a graph of neighbours."""

import numpy as np
from scipy import sparse

_N_NEIGHBORS = 5
# Weight of the neighbours' labels, the rest being that of the row's own label. So
# close to 1, labels reach every row of a cluster.
_SHARE = 0.99
_N_ROUNDS = 100


def closeness(distances):
    """Weights of neighbours, which fall with the square of their distance.

    Parameters
    ----------
    distances : (n_rows, n_neighbors) array
        In rising order; the last one is the scale.

    Returns
    -------
    weights : (n_rows, n_neighbors) float32 array
    """
    # Equal rows are at distance 0 of each other, perhaps all k of them.
    reach = np.maximum(distances[:, -1:], 1e-12)
    return np.exp(-2 * (distances / reach) ** 2).astype(np.float32)


class NeighbourGraph:
    """Rows, each joined to those whose codes are nearest.

    Parameters
    ----------
    codes : (n_rows, n_components) array
    n_neighbors : int
        At most one less than there are rows.

    Attributes
    ----------
    steps : (n_rows, n_rows) sparse array
        Symmetric; closeness divided by the root of the degrees of both rows.
    degrees : (n_rows,) array
        Sum of the closeness of a row's neighbours.
    search : NearestNeighbors
        Finds the neighbours of other rows.

    References
    ----------
    Zhou, Bousquet, Lal, Weston, Schoelkopf (2003). Learning with Local and Global
    Consistency. NeurIPS.

    Examples
    --------
    Of two clusters on a line one row each is labelled:

    >>> import numpy as np
    >>> from skmae.features.neighbours import NeighbourGraph
    >>> codes = np.array([[0.0], [0.1], [0.2], [0.3], [5.0], [5.1], [5.2], [5.3]])
    >>> labels = np.zeros((8, 2))
    >>> labels[0, 0] = labels[7, 1] = 1
    >>> spread = NeighbourGraph(codes, n_neighbors=2).spread(labels)
    >>> spread.argmax(axis=1)
    array([0, 0, 0, 0, 1, 1, 1, 1])
    """

    def __init__(self, codes, n_neighbors=_N_NEIGHBORS):
        n_rows = len(codes)
        k = min(n_neighbors, n_rows - 1)
        # Here, since with it comes much of scikit-learn.
        from sklearn.neighbors import NearestNeighbors

        self.search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(codes)
        distances, rows = self.search.kneighbors()  # a row is not its own neighbour
        starts = np.arange(0, n_rows * k + 1, k)
        graph = sparse.csr_array(
            (closeness(distances).ravel(), rows.ravel(), starts),
            shape=(n_rows, n_rows),
        )
        graph = graph.maximum(graph.T)
        self.degrees = graph.sum(axis=1)
        scale = sparse.diags_array(1 / np.sqrt(self.degrees))
        self.steps = (scale @ graph @ scale).tocsr()

    def spread(self, labels):
        """Spread labels along the graph.

        Parameters
        ----------
        labels : (n_rows, n_classes) array
            Weight of each labelled row in the column of its class; else 0.

        Returns
        -------
        reached : (n_rows, n_classes) array
            How much of each class reached each row; 0 where none did.
        """
        own = labels.astype(np.float32)
        reached = own
        for _ in range(_N_ROUNDS):
            reached = _SHARE * (self.steps @ reached) + (1 - _SHARE) * own
        return reached
