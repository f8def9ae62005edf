"""The masked autoencoder as a transformer."""

from dataclasses import replace

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.callback import with_callbacks
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted

from skmae._augmentation import ResidualSampler, draw_cells, draw_masks
from skmae._base import BaseMaskedAutoencoder, keep_fitted_on_error
from skmae._compat import _fit_context
from skmae.data.tables import is_frame, take_rows
from skmae.training.build import make_sampler
from skmae.training.scoring import panel_score


class MaskedAutoencoderTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseMaskedAutoencoder
):
    """TODO"""

    def __init__(
        self,
        n_components="auto",
        *,
        architecture="mlp",
        hidden_layer_sizes="auto",
        activation="gelu",
        numerical_embedding=None,
        mask_ratio="auto",
        mask_strategy="random",
        mask_value="mean",
        visible_weight=0.0,
        loss="squared_error",
        scaling="standard",
        categorical_features="from_dtype",
        output_activation="identity",
        input_shape=None,
        patch_size=None,
        optimizer="adamw",
        lr=2e-3,
        lr_schedule="cosine",
        weight_decay=0.05,
        batch_norm=False,
        batch_size="auto",
        max_epochs="auto",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        device="auto",
        precision="float32",
        compile=False,
        callbacks=None,
        warm_start=False,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.architecture = architecture
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.numerical_embedding = numerical_embedding
        self.mask_ratio = mask_ratio
        self.mask_strategy = mask_strategy
        self.mask_value = mask_value
        self.visible_weight = visible_weight
        self.loss = loss
        self.scaling = scaling
        self.categorical_features = categorical_features
        self.output_activation = output_activation
        self.input_shape = input_shape
        self.patch_size = patch_size
        self.optimizer = optimizer
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.batch_norm = batch_norm
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.device = device
        self.precision = precision
        self.compile = compile
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    @keep_fitted_on_error
    @with_callbacks
    def fit(self, X, y=None, sample_weight=None):
        """Learn to predict hidden cells from visible ones.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            NaN, None and NA are missing values. With ``input_shape`` the rows may
            also be n-d: (n_samples, \\*input_shape).
        y : Ignored
            Not used, present for API consistency by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss. Rows of weight 0 are left out.

        Returns
        -------
        self : MaskedAutoencoderTransformer
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or X is not usable; an earlier fit then stays as it was.
        """
        self._learn_residuals(self._fit_rows(X, sample_weight))
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    @keep_fitted_on_error
    @with_callbacks
    def partial_fit(self, X, y=None, sample_weight=None):
        """Train for one more pass over X.

        The first call on an unfitted estimator learns scales and categories from
        its X, so that X should be a fair sample. Later calls leave them alone.
        The learning rate is constant.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows to train on.
        y : Ignored
            Not used, present for API consistency by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss.

        Returns
        -------
        self : MaskedAutoencoderTransformer
            The estimator, trained further.
        """
        if hasattr(self, "net_"):
            self._learn_residuals(self._partial_fit_rows(X, sample_weight))
            return self
        self._learn_residuals(self._fit_rows(X, sample_weight, one_pass=True))
        return self

    def transform(self, X):
        """Encode rows as they are, nothing hidden but what is missing.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows to encode.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_components_)
            Of X's dtype if that is float32 or float64.
        """
        X, values = self._read(X)
        return self._inference().encode(values, dtype=_float_dtype(X))

    def inverse_transform(self, X):
        """Decode codes into rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)
            Codes.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features_in_)
            Rows in the units and categories of the input; of dtype object where
            there are categories.
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=[np.float64, np.float32])
        if codes.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {codes.shape[1]} features, but inverse_transform of "
                f"{self.__class__.__name__} is expecting n_components_ = "
                f"{self.n_components_} features as input."
            )
        cells = self._as_cells(self._inference().decode(codes))
        columns = self._codec.decode(cells)
        dtype = object if self._codec.layout_.categorical else codes.dtype
        rows = np.empty(cells.shape, dtype=dtype)
        for j, column in enumerate(columns):
            rows[:, j] = column
        return rows

    def reconstruct(self, X, mask=None):
        """Predict every cell of X, seeing what the mask leaves visible.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows to reconstruct.
        mask : array-like of bool of the shape of X, default=None
            True where a cell is to be hidden. Missing cells always are.

        Returns
        -------
        X_reconstructed : ndarray or DataFrame of the shape of X
            Predictions in the units and categories of X, all cells of them.
        """
        X_given = _with_shape(X)
        X, values = self._read(X_given)
        mask = self._validate_mask(mask, X_given, values)
        cells = self._as_cells(self._inference().predict(values, mask))
        everything = np.ones(values.shape, dtype=bool)
        return self._written(X_given, X, cells, everything, keep_dtype=False)

    def restore(self, X, mask=None):
        """Fill hidden and missing cells with predictions; leave the others alone.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows to restore.
        mask : array-like of bool of the shape of X, default=None
            True where a cell is damaged: its value is not looked at, and replaced.
            Missing cells are always replaced.

        Returns
        -------
        X_restored : ndarray or DataFrame of the shape of X
            Of X's dtypes (integers by rounding), with visible cells bit for bit as
            they were.
        """
        X_given = _with_shape(X)
        X, values = self._read(X_given)
        mask = self._validate_mask(mask, X_given, values)
        cells = self._as_cells(self._inference().predict(values, mask))
        hidden = self._missing(X, values)
        if mask is not None:
            hidden |= mask
        return self._written(X_given, X, cells, hidden, keep_dtype=True)

    def reconstruction_error(self, X, per_feature=False):
        """Mean squared error of cells while they are hidden.

        Every cell is hidden equally often, by masks that were drawn in fit at about
        the training mask ratio and are the same for all rows. Errors are in units of
        the column's variance in training (with ``input_shape``, of one variance for
        all cells), so that predicting the mean costs about 1. Of categories it is
        the squared distance between predicted probabilities and the category.
        Missing cells do not count.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows to judge.
        per_feature : bool, default=False
            Keep the cells apart.

        Returns
        -------
        error : ndarray of shape (n_samples,) or (n_samples, n_features)
            Float64. Per feature, NaN where a cell is missing; otherwise 0 for a row
            that misses all.
        """
        _, values = self._read(X)
        errors = self._errors_while_hidden(values)
        if per_feature:
            return errors
        observed = ~np.isnan(errors)
        return np.nansum(errors, axis=1) / np.maximum(observed.sum(axis=1), 1)

    def score_samples(self, X):
        """How normal each row is: the negative reconstruction error.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Higher is more normal.
        """
        return -self.reconstruction_error(X)

    def score(self, X, y=None):
        r"""How well hidden cells of X are predicted.

        The share of the hidden cells' variance that is explained,
        :math:`1 - \sum (x - \hat x)^2 / \sum (x - \bar x)^2` with the training means
        :math:`\bar x`, pooled over cells in units of their column's variance, and
        averaged over masks that hide 15, 30, 50 and 75 % of the cells. The masks are
        the same for every estimator and hide every cell equally often, whatever
        ``mask_ratio`` was trained with, so that a grid search over any parameter
        compares like with like. Scores under scalings that are not affine
        ("quantile", "asinh") measure in other units and compare only with their own
        kind.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows that were not trained on.
        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        score : float
            1 is perfect; 0 is no better than the training means, as it must be for
            independent columns.
        """
        _, values = self._read(X)
        return panel_score(self._inference(), values, self._panel())

    def augment(self, X, n_copies=1, mask_ratio=None, random_state=None):
        """Make new rows: hide part of each row and redraw it.

        A hidden number becomes the prediction plus an error drawn from those that
        the network made on hidden training cells of the column, kept within the
        range seen in fit; a hidden category is drawn from its predicted
        probabilities. Missing cells are redrawn too.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows to vary.
        n_copies : int, default=1
            New rows per given row.
        mask_ratio : float in (0, 1) or None, default=None
            Share of the cells to redraw. None: that of the training, or one half
            where that was 0.
        random_state : int, RandomState instance or None, default=None
            Seed of the masks and draws.

        Returns
        -------
        X_new : ndarray or DataFrame of shape (n_copies * n_samples, ...)
            All rows once, then all rows again, ...; of X's kind and dtypes. With
            ``y``, use ``np.tile(y, n_copies)``.
        """
        check_is_fitted(self)
        if not isinstance(n_copies, (int, np.integer)) or n_copies < 1:
            raise ValueError(f"n_copies must be an integer of at least 1. Got {n_copies!r}.")
        if mask_ratio is not None and not 0 < mask_ratio < 1:
            raise ValueError(f"mask_ratio must lie in (0, 1). Got {mask_ratio!r}.")
        if mask_ratio is None:
            mask_ratio = self._fitted_settings.mask_ratio or 0.5
        settings = replace(
            self._fitted_settings, mask_ratio=mask_ratio, mask_strategy="random"
        )
        sampler = make_sampler(settings, self._grid)
        rng = check_random_state(random_state)
        seeds = rng.randint(np.iinfo(np.int32).max, size=n_copies)

        X_given = _with_shape(X)
        X, values = self._read(X_given)
        inference, layout = self._inference(), self._codec.layout_
        cells, hidden = [], []
        for seed in seeds:
            mask = draw_masks(sampler, values, int(seed)) | np.isnan(values)
            predicted = inference.predict(values, mask)
            rng = np.random.default_rng(seed)
            cells.append(draw_cells(predicted, layout, self._residuals, rng))
            hidden.append(mask)
        rows = np.tile(np.arange(len(values)), n_copies)
        return self._written(
            take_rows(X_given, rows),
            take_rows(X, rows),
            self._codec.within_range(np.concatenate(cells)),
            np.concatenate(hidden),
            keep_dtype=True,
        )

    def _learn_residuals(self, values):
        self._residuals = ResidualSampler().fit(
            self._inference(), values, self._bank, self._seeds["scoring"]
        )

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.three_d_array = self.input_shape is not None
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _with_shape(X):
    return X if hasattr(X, "shape") else np.asarray(X)


def _float_dtype(X):
    if is_frame(X) or X.dtype != np.float32:
        return np.float64
    return np.float32
