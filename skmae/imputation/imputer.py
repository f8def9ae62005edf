"""The masked autoencoder as an imputer."""

import warnings

import numpy as np
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.callback import with_callbacks
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skmae._base import BaseMaskedAutoencoder
from skmae._compat import _fit_context, output_set
from skmae._guards import keep_fitted_on_error
from skmae._rows import with_shape
from skmae.data.column_names import names_of_fit
from skmae.data.few_values import few_valued, snapped
from skmae.data.markers import without_marker
from skmae.data.tables import as_table, column_names, has_flags, is_frame
from skmae.data.writing import (
    append_columns,
    select_columns,
    stacked_like,
    write_cells,
)
from skmae.imputation.completions import (
    CompletionDraws,
    certain_cells,
    within_range,
)
from skmae.imputation.task import IMPUTER_CONSTRAINTS, ImputerTask
from skmae.training.scoring import checked_score

# Columns of at most so many values are given no others.
_FEW_VALUES = 16
# Every member predicts every row, so that a single row costs much of the padding;
# shorter batches than these would slow down long tables.
_BATCH_ROWS = 24


class MaskedAutoencoderImputer(
    OneToOneFeatureMixin, TransformerMixin, BaseMaskedAutoencoder
):
    """Fill missing values by networks that learned to predict hidden cells.

    Some of the observed cells of every row are hidden, and an ensemble of networks
    is trained to predict them from the others. Each network corrects what a Gaussian,
    fitted to the observed cells, expects. What the networks, the Gaussian and the rows
    that are most alike say is blended column by column, by what proved right on rows
    that were left out: where nothing can be predicted, the mean is what remains.

    Rows may hold numbers, categories and missing values (NaN, None, NA) in any
    column, also in columns that were complete in fit. Nothing has to be scaled.

    Start with these five: ``max_epochs`` (fewer for a first look), ``n_members`` (more
    are steadier), ``mask_strategy="copy"`` where cells are missing together,
    ``scaling="asinh"`` or ``"quantile"`` where columns have heavy tails, and
    ``missing_values`` where a number or word stands for nothing.

    A DataFrame is filled as a DataFrame, of the same columns and dtypes. Arrays come
    of it after ``set_output(transform="default")``: of floats, or of objects where
    there are categories.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int or "auto", default="auto"
        Widths of each network's layers; those after the first are residual blocks.
        With attention equal widths, one for each block of the encoder. "auto" is
        ``(128, 128)``, ``(128, 128, 128)`` for 500 rows or more of fewer than 8
        columns, and ``(64, 64)`` with attention.

    n_members : int or "auto", default="auto"
        Number of networks, at least 2. Each leaves out an eighth of the rows, on
        which it is judged. "auto" is 8 for fewer than 500 rows, and 4 for more.

    architecture : {"mlp", "attention"}, default="mlp"
        Kind of networks: multilayer perceptrons over whole rows, or attention among
        the visible columns of a row, which takes many times as long.

    activation : {"gelu", "relu", "silu", "tanh", "identity"}, default="gelu"
        Activation of all layers but the last.

    numerical_embedding : {"piecewise_linear"} or None, \
            default="piecewise_linear"
        "piecewise_linear" also shows the networks how far each number reaches into
        each of up to 48 quantile bins of its column (fewer in wide tables and of few
        rows).

    mask_ratio : float in [0, 1), (low, high) or "auto", default="auto"
        Share of a row's observed cells to hide in training. From a range, each row
        draws a ratio of its own. "auto" is (0.1, 0.7). With 0 the networks learn
        nothing, and the Gaussian alone imputes.

    mask_strategy : {"random", "block", "copy"} or callable, default="random"
        Which cells to hide: cells at random; columns side by side; or those that
        are missing in another row ("copy", ``mask_ratio`` is not used). A callable
        takes ``observed``, a boolean array of shape (n_rows, n_features), and a
        :class:`numpy.random.Generator`, and returns a boolean array of that shape,
        True = hidden.

    scaling : {"standard", "minmax", "robust", "quantile", "asinh"} or None, \
            default="standard"
        How numbers are scaled before they are standardised: squared errors are small
        in these units. "quantile" and "asinh" compress heavy tails.

    categorical_features : array-like of {bool, int, str}, "from_dtype" or None, \
            default="from_dtype"
        Categorical columns: a mask, indices or names; those of a DataFrame whose
        dtype is boolean, string or categorical ("from_dtype"); or none. A category
        that was not seen in fit stays, and is missing to the networks.

    missing_values : int, float, str, np.nan, None or pandas.NA, default=np.nan
        What else stands for a missing value, such as -1 or "?". NaN, None and NA are
        missing values in any case. A number stands for one in columns of numbers
        alone, a string in columns of strings and categories alone.

    add_indicator : bool, default=False
        Append, for each column with missing values in fit, a column that is true
        where a value was missing.

    keep_empty_features : bool, default=False
        Keep columns that had no observed value in fit, and fill them with 0,
        with False where they are boolean, or with "missing_value" where they hold
        strings. Otherwise they are dropped.

    assume_missing_at_random : bool, default=False
        Never take cells for missing for what they are, see Notes: fill in what would
        be expected of observed ones. For rows from which cells were removed by
        chance, say, where those of fit were not.

    optimizer : {"adamw", "adam", "sgd"} or torch.optim.Optimizer class, \
            default="adamw"
        Optimiser of the weights.

    lr : float, default=3e-3
        Learning rate; with ``lr_schedule="cosine"`` its highest value.

    lr_schedule : {"cosine", "constant"}, default="cosine"
        "cosine" warms up over 5 % of the steps and then falls to 0.

    weight_decay : float, default=0.05
        Weight decay of the optimiser.

    batch_size : int or "auto", default="auto"
        Rows per step and network. "auto" is 32 for fewer than 500 rows, and 128 for
        more.

    max_epochs : int or "auto", default="auto"
        Passes over the rows, or over 25 batches where that is more. "auto" trains
        for at most 450 steps on 16 columns or more and up to 1000 rows, for up to 1200
        on fewer columns, for four fifths of that on fewer than 500 rows, and for more
        than 1000 by the square root of their number.

    early_stopping : bool, default=True
        Judge the networks after each epoch by hidden cells of the rows that they
        leave out, stop when they no longer improve, and keep the best weights. The
        weights judged and kept are averages over the last steps.

    n_iter_no_change : int, default=12
        Epochs without improvement after which to stop early, not counting those in
        which the learning rate rises.

    device : str or torch.device, default="auto"
        Where to compute: "cpu", "cuda", "cuda:1", "mps", or "auto" for the first of
        CUDA, MPS and CPU that is there.

    precision : {"float32", "bfloat16", "auto"}, default="auto"
        Precision of matrix products while training; results are computed in float32.
        "auto" is "bfloat16" with the multilayer perceptron where the processor or the
        card has instructions for it (AVX512-BF16, AMX, CUDA from Ampere), with
        attention on such cards alone; elsewhere it is "float32".

    compile : bool, default=False
        Compile networks for training with :func:`torch.compile`. On the CPU that
        takes a C++ compiler.

    callbacks : list of skorch callbacks or None, default=None
        Called at every epoch and batch. They are copied, never changed.

    checkpoint : str, path-like or None, default=None
        Folder in which :meth:`fit` keeps the state of training while it lasts. If it
        is cut off, a fit with the same data, parameters and ``random_state`` (which
        must not be None) goes on from there, to the same result bit by bit.

    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, order of rows, masks and left-out rows.

    verbose : int, default=0
        1 shows one live line on stderr for each stage of a fit, with the time that is
        left; 2 prints a line per epoch.

    Attributes
    ----------
    column_scores_ : ndarray of shape (n_features_in_,)
        How well hidden cells of each column were predicted on rows left out: R^2 of
        numbers against the training mean, accuracy of categories. A column near 0
        is filled with little more than its mean. Rather low than high, since each
        row is judged by the few members that left it out. NaN where nothing was
        observed. In the order of the columns of X, which ``feature_names_in_``
        names.

    own_value_slopes_ : ndarray of shape (n_features_in_,)
        How far missing numbers are moved, in standard deviations of their column, for
        a variance of 1 that is left of them: above 0 where high values are missing,
        below 0 where low ones are. It is the slope by which the log-odds of being
        missing rise with the value, times how much larger squared errors proved on
        rows left out than was thought, up to 4. 0 where nothing speaks for it, and of
        categories.

    indicator_ : sklearn.impute.MissingIndicator or None
        Of the columns with missing values, with ``add_indicator``.

    model_ : object
        Codec, settings, network and device, which are what is pickled.

    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the torch module of all members.

    n_components_ : int
        Width of each network's last hidden layer.

    n_features_in_ : int
        Number of features seen in fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen in fit, if they are all strings.

    n_iter_ : int
        Number of epochs trained.

    loss_curve_ : list of float
        Mean training loss of each epoch.

    validation_loss_curve_ : list of float or None
        1 - R^2 on hidden cells of left-out rows after each epoch, with early
        stopping.

    device_ : torch.device
        Where the weights are.

    precision_ : {"float32", "bfloat16"}
        Precision of matrix products in training.

    See Also
    --------
    sklearn.impute.SimpleImputer : Fills with a statistic of the column.
    sklearn.impute.IterativeImputer : Predicts column by column, in rounds.
    MaskedAutoencoderTransformer : Features from rows with missing values.

    Notes
    -----
    Rows are compared once their missing cells are predicted, in standardised columns of
    equal weight; a cell is what its five nearest rows hold that know it. For that a
    fitted imputer holds rows of the table that it was fitted to, at most 10,000 of them
    and, where that is fewer, a quarter of a million numbers.

    The Gaussians are fitted by expectation-maximisation, with whole covariances, or
    with 24 factors where a table is wider than 48 columns
    (each category counts as one). Networks and Gaussians that share a left-out part
    of the rows are judged together, and all of them impute.

    A Gaussian is regularised by the errors of its columns' cells
    while their row is left out, so that columns that follow exactly from others (a
    total, a length in two units) are filled exactly, also beyond the range seen in
    fit, where at least 10 of their cells proved on left-out rows to be certain.

    Filled numbers are expectations, which squared error rewards; completions that
    vary as the data do come from :meth:`sample`.

    Cells may be missing for what they are, as high incomes are. If the odds that a
    number is missing rise exponentially with it, missing numbers are larger than
    observed ones predict by that rate times the variance that is left, and the rate is
    the slope of a logistic regression of what is missing on what is predicted, beside
    all other columns [5]_. Where that explains what is missing far better than other
    columns alone do (by a factor of 150 in the evidence, all columns of numbers taken
    together), missing numbers are moved by it, in :meth:`transform` and in
    :meth:`sample`; ``own_value_slopes_`` tells of it. Where it does not, as with
    values missing at random, nothing changes. Observed cells that are hidden to judge
    by are not moved, neither in :meth:`score` nor for ``column_scores_``.

    Results do not depend on the rows that stand beside a row. With the same
    ``random_state``, data, device and number of threads, fits are equal bit by bit.

    X may be a :class:`numpy.memmap`. Of a table of more than 2**26 numbers only so
    many, in rows drawn at random, are learned from, and they are held in memory.

    References
    ----------
    .. [1] He, Chen, Xie, Li, Dollar, Girshick (2022). Masked Autoencoders Are
       Scalable Vision Learners. CVPR. arXiv:2111.06377.
    .. [2] Dempster, Laird, Rubin (1977). Maximum Likelihood from Incomplete Data
       via the EM Algorithm. Journal of the Royal Statistical Society B 39.
    .. [3] Gorishniy, Rubachev, Babenko (2022). On Embeddings for Numerical Features
       in Tabular Deep Learning. NeurIPS. arXiv:2203.05556.
    .. [4] Rubin (1987). Multiple Imputation for Nonresponse in Surveys. Wiley.
    .. [5] Kim, Yu (2011). A Semiparametric Estimation of Mean Functionals with
       Nonignorable Missing Data. Journal of the American Statistical Association 106.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from skmae import MaskedAutoencoderImputer
    >>> X = load_iris().data
    >>> hidden = np.random.default_rng(0).random(X.shape) < 0.2
    >>> X_missing = np.where(hidden, np.nan, X)
    >>> imputer = MaskedAutoencoderImputer(max_epochs=20, random_state=0)
    >>> X_filled = imputer.fit_transform(X_missing)
    >>> error = np.abs(X_filled - X)[hidden].mean()
    >>> mean_error = np.abs(np.nanmean(X_missing, axis=0) - X)[hidden].mean()
    >>> bool(error < 0.5 * mean_error)
    True

    How far to trust each column, and how far a single cell:

    >>> bool(imputer.column_scores_[2] > imputer.column_scores_[1])
    True
    >>> completions = imputer.sample(X_missing, n_samples=20, random_state=0)
    >>> completions.shape
    (20, 150, 4)
    >>> width = np.quantile(completions, 0.95, axis=0) - completions.min(axis=0)
    >>> bool((width[~hidden] == 0).all() and width[hidden].mean() > 0.3)
    True

    The scores beside the names of the columns of a DataFrame:

    >>> frame = load_iris(as_frame=True).data.mask(hidden)
    >>> scores = imputer.fit(frame).column_scores_
    >>> named = dict(zip(imputer.feature_names_in_, scores, strict=True))
    >>> bool(named["petal length (cm)"] > named["sepal width (cm)"])
    True
    """

    _own_constraints = IMPUTER_CONSTRAINTS

    def __init__(
        self,
        hidden_layer_sizes="auto",
        *,
        n_members="auto",
        architecture="mlp",
        activation="gelu",
        numerical_embedding="piecewise_linear",
        mask_ratio="auto",
        mask_strategy="random",
        scaling="standard",
        categorical_features="from_dtype",
        missing_values=np.nan,
        add_indicator=False,
        keep_empty_features=False,
        assume_missing_at_random=False,
        optimizer="adamw",
        lr=3e-3,
        lr_schedule="cosine",
        weight_decay=0.05,
        batch_size="auto",
        max_epochs="auto",
        early_stopping=True,
        n_iter_no_change=12,
        device="auto",
        precision="auto",
        compile=False,
        callbacks=None,
        checkpoint=None,
        random_state=None,
        verbose=0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_members = n_members
        self.architecture = architecture
        self.activation = activation
        self.numerical_embedding = numerical_embedding
        self.mask_ratio = mask_ratio
        self.mask_strategy = mask_strategy
        self.scaling = scaling
        self.categorical_features = categorical_features
        self.missing_values = missing_values
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features
        self.assume_missing_at_random = assume_missing_at_random
        self.optimizer = optimizer
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.n_iter_no_change = n_iter_no_change
        self.device = device
        self.precision = precision
        self.compile = compile
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    @keep_fitted_on_error
    @with_callbacks
    def fit(self, X, y=None):
        """Learn to predict the cells of X from each other.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            NaN, None, NA and ``missing_values`` are missing values.
        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : MaskedAutoencoderImputer
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or X is not usable, or training diverges; an earlier fit
            then stays as it was.
        KeyboardInterrupt
            On Ctrl-C. After the first epoch the estimator is fitted by what was
            trained until then, with a warning; before it, or where Ctrl-C comes a
            second time, an earlier fit stays as it was.
        """
        model, checked, dataset, *_ = self._fit_model(ImputerTask(self), X)
        self.n_components_ = model.settings.network.hidden_layer_sizes[-1]
        self.column_scores_, self._residuals = dataset.cross_fit.calibrate(
            model.module, self.assume_missing_at_random
        )
        empty, table = model.codec.empty_, as_table(checked, model.codec.categorical_)
        self._few_valued = few_valued(table, _FEW_VALUES)
        self._kept = np.flatnonzero(~empty | self.keep_empty_features)
        self.indicator_ = self._fit_indicator(X) if self.add_indicator else None
        return self

    @property
    def own_value_slopes_(self):
        """How far numbers missing for what they are lie from what is predicted."""
        numeric = list(self.model_.layout.numeric)
        slopes = np.zeros(self.model_.layout.n_columns)
        slopes[numeric] = self.model_.module.tilt[: len(numeric)].cpu().numpy()
        return slopes

    def transform(self, X):
        """Fill the missing cells of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to fill.

        Returns
        -------
        X_filled : ndarray, DataFrame or sparse container of shape \
                (n_samples, n_features_out)
            Of X's kind and dtypes (integers and booleans by rounding), with observed
            cells bit for bit as they were; of a DataFrame an array, after
            ``set_output(transform="default")``. Filled numbers lie in the range seen
            in fit, but for those that follow exactly from the others of their row. Of
            sparse X, sparse in CSC format if X is, else in CSR; zeros that are not
            stored are observed.
        """
        filled = stacked_like(X, self._filled_parts(X))
        self._tell_of_dropped()
        return filled

    def _filled_parts(self, X):
        for given, part, values, _ in self._parts_to_write(X):
            predicted = self._inference().predict(values)
            cells = self.model_.module.outputs.likeliest(predicted)
            certain = certain_cells(self._inference(), values)
            cells = within_range(self.model_.codec, cells, certain)
            missing = self._missing(part, values)
            columns = self._with_constants(self.model_.codec.decode(cells), part)
            rows = self._rows_to_fill(given, part)
            filled = write_cells(rows, columns, missing, keep_dtype=True)
            filled = select_columns(filled, self._kept)
            if self.indicator_ is not None:
                marks = self.indicator_.transform(_as_nan(missing))
                names = self._indicator_names(self._names_of(given))
                filled = append_columns(filled, marks, names)
            yield filled

    def sample(self, X, n_samples=10, random_state=None):
        """Draw plausible completions of X.

        The missing numbers of a draw are predictions plus errors such as were made
        on held-out cells, the larger the less the visible cells say; they vary
        together within a row, keep to the range seen in fit, and to the values seen
        where these are few. Categories are drawn from their probabilities. Of
        several missing cells of a row one half, chosen at random, is drawn first, and
        the other half given those. Means over draws are about what :meth:`transform`
        fills in, and quantiles over many draws are prediction intervals.

        Predictions and the size of errors vary from draw to draw, as far as the rows
        of fit leave them open. An analysis of each completion, pooled by
        :func:`pool`, thus has standard errors that allow for what is missing, if the
        imputer was fitted to all columns of the analysis.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to complete.
        n_samples : int, default=10
            Number of completions.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws.

        Returns
        -------
        completions : ndarray of shape (n_samples, n_rows, n_features) or list
            In the units of X, dense; of dtype object where there are categories. Of a
            DataFrame a list of ``n_samples`` of its kind and dtypes, or an array
            after ``set_output(transform="default")``. Observed cells are the same in
            all of them. Columns dropped by :meth:`transform` are not there, nor are
            indicators.
        """
        check_is_fitted(self)
        if not isinstance(n_samples, (int, np.integer)) or n_samples < 1:
            raise ValueError(
                f"n_samples must be an integer of at least 1. Got {n_samples!r}."
            )
        seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
        X_given = with_shape(X)
        X, values = self._read(X_given)
        missing = self._missing(X, values)
        self._tell_of_dropped()
        as_frames = self._fills_frame(X_given)
        rows = X_given if as_frames else self._as_array(X)
        codec = self.model_.codec
        draws = CompletionDraws(codec, self._inference(), self._residuals)
        completions = []
        for cells in draws.draw(values, n_samples, int(seed)):
            columns = self._with_constants(codec.decode(cells), X)
            columns = snapped(columns, self._few_valued)
            completion = write_cells(rows, columns, missing, keep_dtype=True)
            completions.append(select_columns(completion, self._kept))
        return completions if as_frames else np.stack(completions)

    def score(self, X, y=None):
        """How well hidden cells of X are predicted.

        The share of the hidden cells' variance that is explained,
        ``1 - sum((x - predicted)**2) / sum((x - mean)**2)`` with the means of training,
        pooled over cells in units of their column's variance, and
        averaged over masks that hide 15, 30, 50 and 75 % of the cells; the same
        masks for every estimator. Scores under scalings that are not affine
        ("quantile", "asinh") compare only with their own kind.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows that were not trained on.
        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        score : float
            1 is perfect; 0 is no better than the training means.
        """
        check_is_fitted(self)
        values = self.model_.encode_to_train(self._validate_X(X, reset=False))
        return checked_score(self._inference(), values, self.model_.panel())

    def get_feature_names_out(self, input_features=None):
        """Give the names of the columns of :meth:`transform`.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the features, where fit saw none.

        Returns
        -------
        names : ndarray of str
            Names of the features kept, then ``missingindicator_`` names.
        """
        names = super().get_feature_names_out(input_features)
        return np.concatenate(
            [names[self._kept], np.array(self._indicator_names(names), dtype=object)]
        )

    # -- fitting ---------------------------------------------------------------

    def _validate_X(self, X, reset):
        return super()._validate_X(without_marker(X, self.missing_values), reset)

    def _fit_indicator(self, X):
        # Here, since with it comes half of scikit-learn.
        from sklearn.impute import MissingIndicator

        parts = self._parts_to_write(X)
        missing = (_as_nan(self._missing(part, values)) for _, part, values, _ in parts)
        return MissingIndicator(error_on_new=False).fit(stacked_like(X, missing))

    # -- rows out --------------------------------------------------------------

    def _inference(self):
        return self.model_.inference(_BATCH_ROWS)

    def _with_constants(self, columns, X):
        """Decoded columns of X, with constants in those that were empty in fit."""
        columns, empty = list(columns), np.flatnonzero(self.model_.codec.empty_)
        flags = has_flags(X) if len(empty) else ()
        for column in empty:
            is_category = column in self.model_.codec.encoders_
            holds_strings = columns[column].tolist()[:1] == [None]
            constant = "missing_value" if holds_strings else 0.0
            if is_category and flags[column]:
                constant = False
            kind = object if is_category else np.float64
            columns[column] = np.full(len(columns[column]), constant, dtype=kind)
        return columns

    def _tell_of_dropped(self):
        if len(self._kept) == self.n_features_in_:
            return
        dropped = np.setdiff1d(np.arange(self.n_features_in_), self._kept)
        if len(dropped) > 0:
            names = names_of_fit(self)
            which = dropped if names is None else names[dropped]
            warnings.warn(
                f"Skipping features without any observed values: {which}. At "
                "least one non-missing value is needed for imputation; "
                "keep_empty_features=True keeps them, filled with a constant.",
                UserWarning,
                stacklevel=3,
            )

    def _fills_frame(self, X_given):
        return is_frame(X_given) and output_set(self) != "default"

    def _rows_to_fill(self, X_given, X):
        """What is copied and filled, of rows as given and as checked."""
        if self._fills_frame(X_given):
            return X_given
        if is_frame(X_given):
            is_float = isinstance(X, np.ndarray) and X.dtype.kind == "f"
            return X if is_float else self._as_array(X)
        # Integers are checked as floats where some of them stand for missing values.
        return X_given if X_given.dtype.kind in "iu" else X

    def _names_of(self, X):
        if is_frame(X):
            return np.array([str(name) for name in column_names(X)], dtype=object)
        return OneToOneFeatureMixin.get_feature_names_out(self)

    def _indicator_names(self, names):
        if self.indicator_ is None:
            return []
        return [f"missingindicator_{name}" for name in names[self.indicator_.features_]]

    def _as_array(self, X):
        """Checked rows as one array: floats, or objects where there are categories."""
        table = as_table(X, self.model_.codec.categorical_)
        mixed = len(self.model_.codec.encoders_) > 0
        rows = np.empty((table.n_rows, len(table.categorical)), dtype=object)
        if not mixed:
            rows = rows.astype(np.float64)
        everything = slice(0, table.n_rows)
        rows[:, self.model_.codec.numeric_] = table.numeric_block(everything)
        for column in self.model_.codec.encoders_:
            rows[:, column] = table.categorical_column(column)[0]
        return rows

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _as_nan(missing):
    return np.where(missing, np.nan, 0.0)
