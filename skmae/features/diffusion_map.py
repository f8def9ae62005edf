"""Features from random walks on a graph of neighbouring codes."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skmae._compat import Interval, StrOptions, _fit_context
from skmae._docs import DocumentedEstimator
from skmae._guards import unchanged_on_error
from skmae.data.column_names import check_column_names
from skmae.data.tables import as_numpy
from skmae.features.neighbours import NeighbourGraph, closeness

_AUTO_COMPONENTS = 64
ALPHA = 0.997
# Below so many rows all eigenvectors are computed quickly.
_FEW_ROWS = 500
# Rows whose neighbours are sought and averaged at a time.
_BLOCK_ROWS = 4096


class DiffusionMap(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, DocumentedEstimator
):
    """Features in which rows connected by many short steps are close.

    Rows are joined to their nearest neighbours, and a random walk steps from row to row
    along these edges. Its slowest modes, the leading eigenvectors of the steps, become
    the features [1]_, each as large as what a walk of mean length ``1 / (1 - alpha)``
    leaves of it. So two rows are close where such walks meet: rows of one cluster,
    however long and curved it is. With few labels a linear classifier on these features
    works much like spreading the labels along the graph [2]_.

    It reads what :class:`MaskedAutoencoderTransformer` makes of rows, whose codes have
    better neighbours than the rows themselves, and needs no labels. Other rows than
    those of ``fit`` get the mean of their neighbours' features, the nearer weighing
    more. Cells that stand behind the codes (``passthrough``) count as further columns
    in which rows may be close.

    Parameters
    ----------
    n_components : int or "auto", default="auto"
        Number of features, less than there are rows. "auto" is 64, or one less than
        there are rows.

    n_neighbors : int, default=5
        Rows that each row is joined to; at most one less than there are rows are used.

    alpha : float, default=0.997
        Share in [0, 1) of a walk that goes on after a step, as in [2]_. The closer to
        1, the more the features describe clusters alone, long ones too; at 0 all have
        equal size.

    random_state : int, RandomState instance or None, default=None
        Where the search for eigenvectors begins.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_samples, n_components)
        Features of the rows of ``fit`` before neighbours are averaged.

    eigenvalues_ : ndarray of shape (n_components,)
        Of the steps, in falling order; one near 1 belongs to a cluster that is hardly
        ever left.

    n_features_in_ : int
        Number of columns seen in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where all are strings.

    See Also
    --------
    MaskedAutoencoderTransformer : Makes the codes that this reads.
    MaskedAutoencoderClassifier : Learns from few labels and many rows in one call.

    Notes
    -----
    All pairs of rows are compared, which takes seconds for ten thousand rows and a
    hundred times as long for a hundred thousand: fit on a sample of these. Codes of the
    rows of ``fit`` are kept. A few rows that are not connected to others count as a
    cluster of their own.

    Where classes do not form clusters, as in most tables, the features lose what
    distinguishes them, and the codes themselves are better. To have both,
    ``make_union("passthrough", DiffusionMap())`` reads codes in a pipeline.

    References
    ----------
    .. [1] Coifman, Lafon (2006). Diffusion maps. Applied and Computational Harmonic
       Analysis 21(1).
    .. [2] Zhou, Bousquet, Lal, Weston, Schoelkopf (2003). Learning with Local and
       Global Consistency. NeurIPS.

    Examples
    --------
    Two rings, one inside the other, with one label each:

    >>> from sklearn.datasets import make_circles
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmae import DiffusionMap
    >>> X, y = make_circles(200, factor=0.4, noise=0.05, random_state=0)
    >>> features = DiffusionMap(alpha=0.9999, random_state=0).fit_transform(X)
    >>> labelled = [y.argmin(), y.argmax()]
    >>> model = LogisticRegression().fit(features[labelled], y[labelled])
    >>> model.score(features, y)
    1.0
    """

    _parameter_constraints: dict = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self, n_components="auto", *, n_neighbors=5, alpha=ALPHA, random_state=None
    ):
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.alpha = alpha
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Join rows to their neighbours and find the slowest modes of walks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, complete and numeric: codes, say.
        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : DiffusionMap
            The fitted estimator.

        Raises
        ------
        ValueError
            If ``n_components`` is not less than the number of rows, or rows hold
            missing values.
        """
        with unchanged_on_error(self):
            return self._fit(X)

    def _fit(self, X):
        X = self._read(X, reset=True)
        n_components = self._width(len(X))
        graph = NeighbourGraph(X, self.n_neighbors)
        embedding, self.eigenvalues_ = diffusion_features(
            graph, n_components, self.alpha, check_random_state(self.random_state)
        )
        self.embedding_ = embedding.astype(X.dtype)
        self._search = graph.search
        return self

    def transform(self, X):
        """Mean of the features of each row's neighbours among the rows of ``fit``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows like those of ``fit``.

        Returns
        -------
        features : ndarray of shape (n_samples, n_components)
            With a mean square of about 1 over the rows of ``fit`` before averaging.
        """
        check_is_fitted(self)
        X = self._read(X, reset=False)
        features = np.empty((len(X), self.embedding_.shape[1]), X.dtype)
        for start in range(0, len(X), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            distances, rows = self._search.kneighbors(X[block])
            weights = closeness(distances)
            weights /= weights.sum(axis=1, keepdims=True)
            # (rows, neighbours) and (rows, neighbours, components)
            features[block] = np.einsum("rn,rnc->rc", weights, self.embedding_[rows])
        return features

    def _read(self, X, reset):
        check_column_names(self, X, reset)
        return validate_data(
            self,
            as_numpy(X),
            dtype=[np.float64, np.float32],
            ensure_min_samples=2 if reset else 1,
            reset=reset,
        )

    def _width(self, n_rows):
        if self.n_components == "auto":
            return min(_AUTO_COMPONENTS, n_rows - 1)
        if self.n_components >= n_rows:
            raise ValueError(
                f"n_components={self.n_components} must be less than "
                f"n_samples={n_rows}."
            )
        return self.n_components

    @property
    def _n_features_out(self):
        return self.embedding_.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def diffusion_features(graph, n_features, alpha, random_state):
    """Slowest modes of walks along a graph, each as large as what walks leave of it.

    Parameters
    ----------
    graph : NeighbourGraph
    n_features : int
        Less than there are rows.
    alpha : float in [0, 1)
        Share of a walk that goes on after a step.
    random_state : RandomState

    Returns
    -------
    features : (n_rows, n_features) float64 array
        With a mean square of about 1.
    eigenvalues : (n_features,) array
        Share of each mode that a step leaves, in falling order.
    """
    values, modes = _slowest_modes(graph, n_features, random_state)
    modes /= np.maximum(modes.std(axis=0), np.finfo(np.float64).tiny)
    sizes = (1 - alpha) / (1 - alpha * values)
    sizes /= np.sqrt(np.mean(sizes**2))
    return modes * sizes, values


def _slowest_modes(graph, n_modes, random_state):
    """Leading eigenvalues of a walk's steps, and eigenvectors without the trivial one.

    The trivial one, on which every row has the same value, is taken out beforehand,
    since where clusters are not joined at all others have the eigenvalue 1 too.
    """
    # Here, since it would make the import of the package slower.
    from scipy.sparse.linalg import LinearOperator, eigsh

    n_rows = len(graph.degrees)
    root = np.sqrt(graph.degrees.astype(np.float64))
    trivial = root / np.linalg.norm(root)
    steps = graph.steps.astype(np.float64)

    if n_rows <= max(_FEW_ROWS, 2 * n_modes):
        # Shifted down by 2, the trivial one comes last: no other is below -1.
        dense = steps.toarray() - 2 * np.outer(trivial, trivial)
        values, vectors = np.linalg.eigh(dense)
        values, vectors = values[::-1][:n_modes], vectors[:, ::-1][:, :n_modes]
    else:
        operator = LinearOperator(
            (n_rows, n_rows),
            matvec=lambda x: steps @ x - 2 * trivial * (trivial @ x.ravel()),
            dtype=np.float64,
        )
        start = random_state.uniform(-1, 1, n_rows)
        values, vectors = eigsh(operator, k=n_modes, which="LA", v0=start, tol=1e-6)
        order = np.argsort(-values)
        values, vectors = values[order], vectors[:, order]
    # The sign of an eigenvector is arbitrary.
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(n_modes)]
    return np.minimum(values, 1.0), vectors * np.sign(largest) / root[:, None]
