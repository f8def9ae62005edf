"""A mixture of Gaussians as an imputer."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skmae._compat import Interval, _fit_context
from skmae._docs import DocumentedEstimator
from skmae._guards import unchanged_on_error
from skmae.data.codec import FARTHEST
from skmae.data.column_names import check_column_names, names_of_fit
from skmae.data.quoting import quoted_names
from skmae.data.tables import as_numpy
from skmae.imputation.gaussian_groups import fit_groups

_DTYPES = [np.float64, np.float32]
# Rows for each column that a component needs in the mean.
_ROWS_PER_COLUMN = 2
_LARGEST = 1e150


class GaussianMixtureImputer(
    OneToOneFeatureMixin, TransformerMixin, DocumentedEstimator
):
    """Fill missing numbers by a mixture of Gaussians, fitted to rows with holes.

    Rows fall into groups, each with a mean and a whole covariance. A missing cell is
    filled with what is expected of it given the visible cells of its row: the mean over
    the groups, each weighing what it is probable. Nothing complete is needed to learn
    from.

    It is made for tiles of one damaged picture, or stretches of one series with gaps:
    many rows of neighbouring cells in which edges run in different directions, so that
    one Gaussian would blur them. :class:`SlidingWindows` makes such rows, and
    averages what is filled.

    Parameters
    ----------
    n_components : int, default=16
        Number of groups, at most. Fewer are sought where there are fewer than
        two rows for each column and group.

    shrinkage : float, default=1.0
        How much the covariances of groups are drawn to that of all rows: as many
        made-up rows for each column are added to each group.

    max_iter : int, default=8
        Number of updates of the groups, at most. It ends before that if no row changes
        its group.

    max_samples : int, default=12000
        Rows to learn from, at most: a random choice of those of ``fit``.

    random_state : int, RandomState instance or None, default=None
        Seed of the choice of rows, and of first groups.

    Attributes
    ----------
    n_components_ : int
        Number of groups.

    weights_ : ndarray of shape (n_components_,)
        Share of the rows that each group has.

    n_iter_ : int
        Number of updates of the groups.

    n_features_in_ : int
        Number of columns seen in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where all are strings.

    See Also
    --------
    MaskedAutoencoderImputer : For tables of numbers and categories.
    SlidingWindows : Makes rows of pictures and series, and puts them together again.
    sklearn.mixture.GaussianMixture : Of complete rows.

    Notes
    -----
    Groups are found by expectation-maximisation in which each row counts for the group
    in which its visible cells are likeliest, with what its missing cells leave
    uncertain [1]_. Mixtures of patches are a known way to restore pictures [2]_ [3]_.

    A covariance has as many numbers as columns squared, and rows are solved for one by
    one: with 64 columns 12000 rows take seconds, with some hundreds minutes.

    Filled numbers are not kept to the range seen in ``fit``. They are expectations, and
    vary less than the data do.

    References
    ----------
    .. [1] Ghahramani, Jordan (1994). Supervised learning from incomplete data via an
       EM approach. Advances in Neural Information Processing Systems 6.
    .. [2] Zoran, Weiss (2011). From Learning Models of Natural Image Patches to Whole
       Image Restoration. International Conference on Computer Vision.
    .. [3] Yu, Sapiro, Mallat (2012). Solving Inverse Problems With Piecewise Linear
       Estimators. IEEE Transactions on Image Processing 21.

    Examples
    --------
    Half of the pixels of a picture are lost:

    >>> import numpy as np
    >>> from skmae import GaussianMixtureImputer, SlidingWindows
    >>> rows, columns = np.mgrid[:48, :48]
    >>> picture = np.sin(rows / 3) * (columns > rows)
    >>> lost = np.random.default_rng(0).random(picture.shape) < 0.5
    >>> damaged = np.where(lost, np.nan, picture)
    >>> tiles = SlidingWindows((6, 6), step=1, flatten=True).fit([damaged])
    >>> imputer = GaussianMixtureImputer(8, random_state=0)
    >>> filled = imputer.fit_transform(tiles.transform([damaged]))
    >>> restored = tiles.inverse_transform(filled)[0]
    >>> bool(np.abs(restored - picture)[lost].mean() < 0.2 * picture[lost].std())
    True
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "shrinkage": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=16,
        *,
        shrinkage=1.0,
        max_iter=8,
        max_samples=12000,
        random_state=None,
    ):
        self.n_components = n_components
        self.shrinkage = shrinkage
        self.max_iter = max_iter
        self.max_samples = max_samples
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find groups of rows by their visible cells.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers; NaN is a missing value.
        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : GaussianMixtureImputer
            The fitted estimator.

        Raises
        ------
        ValueError
            If a column holds no value, or X holds infinities or numbers whose squares
            overflow.
        """
        with unchanged_on_error(self):
            X = self._read(X, reset=True)
            random_state = check_random_state(self.random_state)
            visible = ~np.isnan(X)
            self._refuse_empty(visible)
            rows = np.flatnonzero(visible.any(axis=1))
            if len(rows) > self.max_samples:
                rows = random_state.choice(rows, self.max_samples, replace=False)
                rows.sort()
            self._refuse_too_large(X)
            self._center = np.nanmean(X, axis=0, dtype=np.float64)
            scale = np.nanstd(X, axis=0, dtype=np.float64)
            self._scale = np.where(scale > 0, scale, 1.0)
            most = len(rows) // (_ROWS_PER_COLUMN * X.shape[1])
            self.n_components_ = max(1, min(self.n_components, most))
            self._groups, self.n_iter_ = fit_groups(
                (X[rows] - self._center) / self._scale,
                self.n_components_,
                self.shrinkage,
                self.max_iter,
                random_state.randint(np.iinfo(np.int32).max),
            )
            self.weights_ = np.exp(self._groups.log_share)
        return self

    def transform(self, X):
        """Fill the missing cells of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows like those of ``fit``; NaN is a missing value.

        Returns
        -------
        X_filled : ndarray of shape (n_samples, n_features)
            With observed cells bit for bit as they were.
        """
        check_is_fitted(self)
        X = self._read(X, reset=False)
        missing = np.isnan(X)
        filled = X.copy()
        rows = np.flatnonzero(missing.any(axis=1))
        standardised = (X[rows] - self._center) / self._scale
        # Further off, squares of visible cells would overflow.
        standardised = standardised.clip(-FARTHEST, FARTHEST)
        cells = self._groups.expected(standardised)
        cells = cells * self._scale + self._center
        filled[missing] = cells[missing[rows]]
        return filled

    def _read(self, X, reset):
        check_column_names(self, X, reset)
        return validate_data(
            self,
            as_numpy(X),
            dtype=_DTYPES,
            order="C",
            ensure_all_finite="allow-nan",
            reset=reset,
        )

    def _refuse_empty(self, visible):
        empty = np.flatnonzero(~visible.any(axis=0))
        if len(empty) > 0:
            names = quoted_names(empty, names_of_fit(self))
            raise ValueError(
                f"Columns [{names}] of X hold no value. Nothing can be learned of "
                "them: leave them out."
            )

    def _refuse_too_large(self, X):
        largest = np.fmax.reduce(np.abs(X), axis=0).astype(np.float64)
        too_wide = np.flatnonzero(largest > _LARGEST)
        if len(too_wide) > 0:
            raise ValueError(
                f"Column {quoted_names(too_wide, names_of_fit(self))} of X holds "
                f"values larger than {_LARGEST:g}, whose squares overflow. Divide it "
                "by a constant first."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
