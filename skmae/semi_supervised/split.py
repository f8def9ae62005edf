"""Cross-validation of rows of which some have no label."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils.validation import check_random_state

from skmae.semi_supervised.strata import assign_folds, read_strata
from skmae.semi_supervised.targets import check_missing_label


class LabelledKFold(BaseCrossValidator):
    """K-fold cross-validation that tests on labelled rows alone.

    Labelled rows are assigned to the folds, each of which is the test set once;
    unlabelled rows are in the training set every time. So any ``scoring`` works, as no
    scorer meets a row without a label, and each fit learns from the unlabelled rows
    as the final one will.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.

    shuffle : bool, default=False
        Whether to assign the rows in random order. If not, rows of a class go to folds
        in blocks, as they stand in y.

    random_state : int, RandomState instance or None, default=None
        With ``shuffle``, seed of that order.

    missing_label : label, None, NaN or "auto", default="auto"
        What marks unlabelled rows in y besides NaN, None and NA, as in
        :class:`~skmae.MaskedAutoencoderClassifier`. "auto" is -1 where y may hold
        classes, see Notes.

    See Also
    --------
    sklearn.model_selection.StratifiedKFold : The same where all rows have a label.
    MaskedAutoencoderClassifier : Learns from rows of which few have a label.
    MaskedAutoencoderRegressor : The same for numbers.

    Notes
    -----
    *Classes* are stratified: the numbers of their rows in the folds differ by one at
    most. A class that has fewer labelled rows than there are folds is not in all of
    them, which raises a warning; metrics of single classes may then be undefined.

    *Numbers* are stratified as well: sorted, and of every ``n_splits`` neighbours each
    fold gets one. With ``missing_label="auto"``, -1 is a target if another target has
    a fraction or is NaN; where -1 is a target among whole numbers that are all
    known, pass ``missing_label=None``.

    *Several outputs* (y of two dimensions) are sorted along their first principal
    component. Rows of which only some outputs are known are always in the training set
    and never tested, since scikit-learn's metrics take no NaN.

    The test sets hold no unlabelled row and so are no partition of all rows, which
    :func:`~sklearn.model_selection.cross_val_predict` requires.
    :func:`~sklearn.model_selection.cross_validate` with ``return_estimator`` and
    ``return_indices`` serves instead, see the user guide.

    Examples
    --------
    >>> import numpy as np
    >>> from skmae import LabelledKFold
    >>> y = np.array([0, 1, -1, 0, -1, 1, -1, -1])
    >>> X = np.zeros((8, 1))
    >>> folds = list(LabelledKFold(2).split(X, y))
    >>> train, test = folds[0]
    >>> train
    array([2, 3, 4, 5, 6, 7])
    >>> y[test]
    array([0, 1])
    """

    def __init__(
        self, n_splits=5, *, shuffle=False, random_state=None, missing_label="auto"
    ):
        if not isinstance(n_splits, Integral):
            raise ValueError(
                "The number of folds must be of Integral type. Got n_splits="
                f"{n_splits!r}."
            )
        if n_splits < 2:
            raise ValueError(
                "Cross-validation requires at least one train/test split, by "
                f"n_splits=2 or more. Got n_splits={n_splits}."
            )
        if not isinstance(shuffle, bool):
            raise TypeError(f"shuffle must be True or False. Got {shuffle!r}.")
        if not shuffle and random_state is not None:
            raise ValueError(
                "Without shuffle, a random_state has no effect. Leave it None "
                f"or set shuffle=True. Got random_state={random_state!r}."
            )
        check_missing_label(missing_label)
        self.n_splits = int(n_splits)
        self.shuffle = shuffle
        self.random_state = random_state
        self.missing_label = missing_label

    def get_n_splits(self, X=None, y=None, groups=None):
        """Number of folds.

        Parameters
        ----------
        X, y, groups : object, default=None
            Not used, present for API consistency by convention.

        Returns
        -------
        n_splits : int
            As given.
        """
        return self.n_splits

    def split(self, X, y, groups=None):
        """Give the rows to train on and to test on, fold by fold.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows; of them, only the number is used.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes or numbers of some rows, and marks of the others.
        groups : object, default=None
            Not used, present for API consistency by convention.

        Returns
        -------
        folds : iterator of (train, test)
            Positions of the rows to train on, being all unlabelled ones and labelled
            ones of the other folds, and of the labelled rows to test on.
        """
        if y is None:
            raise ValueError(
                f"The 'y' should not be None: {type(self).__name__} tests on the rows "
                "that have a label."
            )
        if groups is not None:
            warnings.warn(
                f"The groups parameter is ignored by {type(self).__name__}",
                UserWarning,
                stacklevel=2,
            )
        return super().split(X, y, groups)

    def _iter_test_masks(self, X=None, y=None, groups=None):
        strata = read_strata(y, self.missing_label)
        self._check_numbers_of_rows(strata)
        random_state = None
        if self.shuffle:
            random_state = check_random_state(self.random_state)
        folds = np.full(len(strata.labelled), -1)
        folds[strata.labelled] = assign_folds(strata.ranks, self.n_splits, random_state)
        for fold in range(self.n_splits):
            yield folds == fold

    def _check_numbers_of_rows(self, strata):
        n_labelled = len(strata.ranks)
        if n_labelled < self.n_splits:
            raise ValueError(
                f"Cannot have n_splits={self.n_splits} folds of {n_labelled} labelled "
                "samples: label more or lower n_splits."
            )
        if not strata.are_classes:
            return
        counts = np.bincount(strata.ranks)
        if counts.max() == 1:
            raise ValueError(
                "Every class in y has only one labelled member, so that none could be "
                "both trained and tested on: label more."
            )
        if counts.min() < self.n_splits:
            warnings.warn(
                f"The least populated class in y has only {counts.min()} labelled "
                f"members, which is less than n_splits={self.n_splits}.",
                UserWarning,
                stacklevel=4,
            )
