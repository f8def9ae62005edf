"""The masked autoencoder as a generator of rows and a density."""

import warnings
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.base import DensityMixin
from sklearn.callback import with_callbacks
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skmae._base import BaseMaskedAutoencoder
from skmae._compat import Interval, StrOptions, _fit_context
from skmae._guards import keep_fitted_on_error
from skmae._rows import sequence_reader, with_shape
from skmae.data.column_names import names_of_fit
from skmae.data.plain_frames import PlainRow, plain_row
from skmae.data.quoting import quoted_names
from skmae.data.shares import rows_to_learn_from
from skmae.data.sliced_rows import is_sliced
from skmae.data.stored_frames import StoredFrame, as_stored
from skmae.data.tables import is_frame, slice_rows, take_rows
from skmae.data.writing import reset_index
from skmae.distributions.density import log_density
from skmae.distributions.drawing import fill
from skmae.distributions.shrinkage import shrink
from skmae.generation.novelty import novelty
from skmae.generation.recorded import RecordedNumbers
from skmae.generation.sequence_task import TokenGeneratorTask
from skmae.generation.task import GeneratorTask
from skmae.generation.token_rows import TokenDistribution, completed
from skmae.networks.architectures import ARCHITECTURES
from skmae.training.parameters import checked_shape, has_steps

_PART_ROWS = 8192  # scored at a time


class MaskedAutoencoderGenerator(DensityMixin, BaseMaskedAutoencoder):
    """New rows, completed rows and densities, by predicting hidden cells.

    A row is drawn cell by cell, in a random order: each cell from its distribution
    given those that are there already. A network learns these distributions with any
    number of cells hidden. It begins with groups of rows, which a mixture model finds,
    and corrects what they say; by how much is chosen on rows that it left out. The
    product of the same distributions is the density of a row.

    Start with these five: ``max_epochs`` (more for tables of many rows, if time
    allows), ``lr``, ``hidden_layer_sizes``, ``n_orders`` (more for steadier
    densities), and ``input_shape`` for images and series.

    Rows may hold numbers, categories and missing values. New rows have no missing
    values; of rows given in part, :meth:`sample` draws the rest.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int or "auto", default="auto"
        Widths of the network's layers between input and output; with attention equal
        widths, one for each block. "auto" is ``(256, 256, 256)``, and ``(64, 64)``
        with attention.

    architecture : {"mlp", "attention", "auto"}, default="auto"
        Kind of network: a residual multilayer perceptron over whole rows, or
        attention among the visible columns of a row, which takes many times as long.
        "auto" is "attention" for tokens, which need it, and "mlp" for all else.

    activation : {"gelu", "relu", "silu", "tanh", "identity"}, default="gelu"
        Activation of all layers but the last.

    n_orders : int, default=8
        Orders of the columns over which :meth:`score_samples` averages densities.

    categorical_features : array-like of {bool, int, str}, "from_dtype" or None, \
            default="from_dtype"
        Categorical columns: a mask, indices or names; those of a DataFrame whose
        dtype is boolean, string or categorical ("from_dtype"); or none.

    input_shape : tuple of int or None, default=None
        Shape of a row that is an image, series or other n-d signal, such as (28, 28).
        X may then be flat or n-d.

    analyzer : {"char", "word"}, callable or None, default=None
        With it X is an iterable of rows of *tokens*, of whatever lengths: strings cut
        into characters ("char") or into words and punctuation marks ("word"), or
        whatever a callable turns into a sequence of hashable tokens (``list`` for rows
        that are sequences already). A token is predicted from those around it; see
        Notes.

    missing_token : str or None, default=None
        With an analyzer, what stands for a token that is not known, such as "?" or
        "[MASK]". In sequences None is a missing token too.

    max_length : int or None, default=512
        Of rows of tokens, or of series of unlike lengths, only so many steps are read,
        with a warning where there are more.

    max_features : int or None, default=10000
        With an analyzer, tokens to know, the most frequent in fit. Others count as
        missing, as do those that fit did not see.

    optimizer : {"adamw", "adam", "sgd"} or torch.optim.Optimizer class, \
            default="adamw"
        Optimiser of the weights.

    lr : float or "auto", default="auto"
        Learning rate; with ``lr_schedule="cosine"`` its highest value. "auto" is
        1e-3, and 3e-3 for tokens.

    lr_schedule : {"cosine", "constant"}, default="cosine"
        "cosine" warms up over 5 % of the steps and then falls to 0.

    weight_decay : float, default=0.01
        Weight decay of the optimiser.

    batch_size : int or "auto", default="auto"
        Most rows per step. "auto" is 128, and 64 for tokens.

    max_epochs : int or "auto", default="auto"
        Passes over the training rows. "auto" takes about as many steps as there are
        rows, but at least 600 and at most 1,500; for tokens 1,500 steps and 10
        epochs at least.

    device : str or torch.device, default="auto"
        Where to compute: "cpu", "cuda", "cuda:1", "mps", or "auto" for the first of
        CUDA, MPS and CPU that is there.

    precision : {"float32", "bfloat16", "auto"}, default="auto"
        Precision of matrix products while training; results are computed in float32.
        "auto" is "bfloat16" with the multilayer perceptron where the processor or the
        card has instructions for it (AVX512-BF16, AMX, CUDA from Ampere), with
        attention on such cards alone; elsewhere it is "float32".

    callbacks : list of skorch callbacks or None, default=None
        Called at every epoch and batch. They are copied, never changed.

    checkpoint : str, path-like or None, default=None
        Folder in which :meth:`fit` keeps the state of training while it lasts. If it
        is cut off, a fit with the same data, parameters and ``random_state`` (which
        must not be None) goes on from there, to the same result bit by bit.

    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, groups, order of rows and masks, and of the orders of
        columns in which rows are scored.

    verbose : int, default=0
        1 shows one live line on stderr for each stage of a fit, with the time that is
        left; 2 prints a line per epoch.

    Attributes
    ----------
    model_ : object
        Codec, settings, network and device, which are what is pickled.

    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the torch module.

    n_features_in_ : int
        Number of features seen in fit; of n-d rows, the number of cells.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen in fit, if they are all strings.

    n_iter_ : int
        Number of epochs trained.

    loss_curve_ : list of float
        Mean training loss of each epoch: minus the log-density of a hidden cell.

    validation_loss_curve_ : None
        Rows that are held out are looked at after training.

    device_ : torch.device
        Where the weights are.

    precision_ : {"float32", "bfloat16"}
        Precision of matrix products in training.

    See Also
    --------
    MaskedAutoencoderImputer : Fills missing values with their means; faster and
        closer where that is all that is asked.
    MaskedAutoencoderDetector : Finds outliers, with a threshold and the cells to
        blame.
    NewRowsDisplay : Draws new rows beside real ones.
    sklearn.mixture.GaussianMixture : Numbers alone; groups with covariances of
        their own.

    Notes
    -----
    *Columns.* Each number of a column gets a normal score by a kernel density
    estimate, or by a normal distribution where that is likelier. Numbers that repeat
    so often that they are more likely as points than by that estimate are atoms, and
    have probabilities; so have all numbers of a column of few. Other numbers have a
    density.

    *Groups.* Scores are modelled by normal distributions with means of their own and
    one covariance, categories by frequencies in each group. The number of groups,
    from 1 to 8, and the shrinkage of correlations are those under which rows left
    out are likeliest, in five folds.

    *Corrections.* What the groups say of a hidden score, given the visible cells, is
    a mixture of normal distributions with distribution function F. The network gives
    weights of 24 equal bins of F(score), of 8 where more than 128 columns are
    numbers, and adds to the log-probabilities of atoms and categories. Corrections
    are multiplied by the share, from 0 to 1, under which the hidden cells of an
    eighth of the rows, left out of its training, are likeliest. While nothing is
    visible there are none. By the same rows is chosen how often, before corrections,
    a number is like none of its group.

    Any order of the columns gives a density; with finitely many rows they differ a
    little, and :meth:`score_samples` takes the mean of the densities of ``n_orders``
    orders, half of them the reverse of the other half. Rows of more than 128 columns
    are drawn and scored in 128 passes: the columns of a pass are independent of each
    other, given those of the passes before.

    New numbers stay within the range seen in fit, with as many decimals, and on
    values seen in fit where the column has repeated ones in more than a tenth of its
    rows, atoms on atoms and other numbers on other values. The density is that of the
    distributions before such rounding.

    *Tokens.* With an ``analyzer`` a row is as likely as its length times its tokens,
    each given those before it in a random order; of more than 32 tokens several are
    taken together. Lengths have the smoothed frequencies of fit, up to twice the
    longest. A network with attention says what each hidden token may be. Tokens that
    fit did not see, or that are too many for ``max_features``, have a small
    probability together.

    With the same ``random_state``, data, device and number of threads, fits are
    equal bit by bit.

    References
    ----------
    B. Uria, I. Murray and H. Larochelle, "A Deep and Tractable Density Estimator",
    ICML 2014: one network for all orders of the columns.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmae import MaskedAutoencoderGenerator
    >>> X = load_iris(as_frame=True).data
    >>> generator = MaskedAutoencoderGenerator(max_epochs=20, random_state=0).fit(X)
    >>> generator.sample(3, random_state=0).shape
    (3, 4)

    Rows with petals of 1.4 cm, all else drawn:

    >>> import numpy as np
    >>> given = X.iloc[:1].assign(**{name: np.nan for name in X.columns[:2]})
    >>> new = generator.sample(5, given=given, random_state=0)
    >>> new["petal length (cm)"].tolist()
    [1.4, 1.4, 1.4, 1.4, 1.4]

    A row is the less likely, the further its cells are from what goes together:

    >>> odd = X.iloc[:1].assign(**{"petal width (cm)": 2.0})
    >>> bool(generator.score_samples(odd) < generator.score_samples(X.iloc[:1]))
    True
    """

    _own_constraints = {
        "architecture": [StrOptions(ARCHITECTURES.keys()), StrOptions({"auto"})],
        "n_orders": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes="auto",
        *,
        architecture="auto",
        activation="gelu",
        n_orders=8,
        categorical_features="from_dtype",
        input_shape=None,
        analyzer=None,
        missing_token=None,
        max_length=512,
        max_features=10_000,
        optimizer="adamw",
        lr="auto",
        lr_schedule="cosine",
        weight_decay=0.01,
        batch_size="auto",
        max_epochs="auto",
        device="auto",
        precision="auto",
        callbacks=None,
        checkpoint=None,
        random_state=None,
        verbose=0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.architecture = architecture
        self.activation = activation
        self.n_orders = n_orders
        self.categorical_features = categorical_features
        self.input_shape = input_shape
        self.analyzer = analyzer
        self.missing_token = missing_token
        self.max_length = max_length
        self.max_features = max_features
        self.optimizer = optimizer
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.device = device
        self.precision = precision
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    @keep_fitted_on_error
    @with_callbacks
    def fit(self, X, y=None, sample_weight=None):
        r"""Learn how the cells of a row depend on each other.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            NaN, None and NA are missing values. With ``input_shape`` the rows may
            also be n-d: (n_samples, \*input_shape). A Parquet file or folder, by
            its path, a pyarrow dataset, a polars LazyFrame or a Dask DataFrame is
            read part by part.
        y : Ignored
            Not used, present for API consistency by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts, in the columns by themselves, in the groups and
            in the loss of the network. Only their ratios matter. Rows of weight 0
            are left out.

        Returns
        -------
        self : MaskedAutoencoderGenerator
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or X is not usable, X has no column with two different
            values, or training diverges; an earlier fit then stays as it was.
        KeyboardInterrupt
            On Ctrl-C. After the first epoch the estimator is fitted by what was
            trained until then, with a warning; before it, or where Ctrl-C comes a
            second time, an earlier fit stays as it was.
        """
        if self._sequence_reader() is not None:
            return self._fit_tokens(X, sample_weight)
        task = GeneratorTask(self)
        trained = self._fit_model(task, X, sample_weight)
        model = trained.model
        left_out = task.left_out(trained.train, model.seeds)
        if len(left_out) > 0:
            shrink(model, left_out)
        categorical = model.codec.categorical_
        self._recorded = RecordedNumbers(trained.X, categorical, self._atoms())
        self._example = self._drawn_example(X)
        return self

    def sample(self, n_samples=1, *, given=None, random_state=None):
        """Draw new rows, or the missing cells of given ones.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows; with ``given``, of draws of each given row.
        given : {array-like, sparse matrix} or DataFrame of shape \
                (n_given, n_features) or None, default=None
            Rows whose missing cells are drawn together, given the others, which stay
            as they are. A number outside the range seen in fit is taken for the
            nearest one inside, with a warning.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws.

        Returns
        -------
        X_new : ndarray or DataFrame of shape (n_samples, ...) or \
                (n_samples * n_given, ...)
            In the units of X and of the kind and dtypes of what fit was given; with
            ``given`` of those of the given rows: all of them once, then all of them
            again, and so on. Columns without a value in fit are missing.

        Raises
        ------
        ValueError
            If n_samples is no integer of at least 1, or ``given`` holds categories
            that were not there in fit.
        """
        check_is_fitted(self)
        is_count = isinstance(n_samples, Integral) and not isinstance(n_samples, bool)
        if not is_count or n_samples < 1:
            raise ValueError(
                f"n_samples must be an integer of at least 1. Got {n_samples!r}."
            )
        seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
        if self._sequence_reader() is not None:
            return self._sampled_tokens(int(n_samples), given, seed)
        if given is None:
            rows = reset_index(take_rows(self._example, np.zeros(n_samples, dtype=int)))
            shape = (n_samples, self.n_features_in_)
            checked = rows if is_frame(rows) else rows.reshape(shape)
            values, hidden = np.full(shape, np.nan, np.float32), np.ones(shape, bool)
        else:
            rows, checked, values, hidden = self._read_given(given)
            again = np.tile(np.arange(len(values)), int(n_samples))
            rows = reset_index(take_rows(rows, again))
            checked = take_rows(checked, again)
            values, hidden = values[again], hidden[again]
        return self._drawn(rows, checked, values, hidden, int(seed))

    def score_samples(self, X):
        """Log-density of each row.

        Categories and numbers that repeat count with the logarithm of their
        probability, other numbers with that of their density in the units of X, so
        that only rows with the same columns observed compare. Missing cells are
        integrated out. A category that was not there in fit has a small probability.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            Natural logarithms; of a row without an observed cell 0.
        """
        return self._judged_by(X, self._log_density)

    def score(self, X, y=None):
        """Mean log-density of rows, as :meth:`GaussianMixture.score` gives it.

        Not to be compared with the scores of
        :class:`~skmae.MaskedAutoencoderTransformer` and
        :class:`~skmae.MaskedAutoencoderImputer`, which are shares of variance.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows that were not trained on.
        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        score : float
            Higher is better.
        """
        return float(self.score_samples(X).mean())

    def novelty(self, X_train, X_test, *, n_samples=None, random_state=None):
        """Compare new rows with those of fit and with rows held out.

        New rows that were learned, not remembered, are as near to the one as to the
        other. That they are is no guarantee of privacy: single rows may still give
        away what they should not. For guarantees take methods with differential
        privacy.

        Parameters
        ----------
        X_train : {array-like, sparse matrix} or DataFrame
            The rows of fit.
        X_test : {array-like, sparse matrix} or DataFrame
            Rows of the same kind that were not there in fit.
        n_samples : int or None, default=None
            New rows to look at. None: as many as there are in X_train.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws.

        Returns
        -------
        report : :class:`~sklearn.utils.Bunch`
            Numbers by name. ``closer_to_train``: share of new rows whose nearest row
            among those of fit is nearer than among as many held out, about .5 where
            nothing is remembered. ``copies``: share of new rows that are equal to a
            row of fit. ``copies_in_test``: share of the rows held out that are.
            ``distance_to_train`` and ``distance_to_test``: median distances of new
            rows to the nearest of either, in standard deviations. ``n_samples``: new
            rows looked at.
        """
        if self._sequence_reader() is not None:
            raise NotImplementedError(
                "novelty measures distances between the rows of a table, not between "
                "sequences of tokens."
            )
        train = self._read(X_train)[1]
        test = self._read(X_test)[1]
        n_samples = len(train) if n_samples is None else n_samples
        new = self._encoded(
            self._validate_X(self.sample(n_samples, random_state=random_state), False)
        )
        return novelty(self.model_.layout, new, train, test)

    # -- rows in and out -------------------------------------------------------------

    def _row_shape(self):
        return checked_shape(self.input_shape)

    def _read_given(self, given):
        """Given rows, also checked and encoded, and which of their cells to draw."""
        given = given.toarray() if sparse.issparse(given) else with_shape(given)
        checked, values = self._read(given)
        hidden = self._missing(checked, values)
        names = names_of_fit(self)
        unknown = (np.isnan(values) & ~hidden).any(axis=0)
        unknown &= ~self.model_.codec.empty_
        if unknown.any():
            columns = quoted_names(np.flatnonzero(unknown), names)
            raise ValueError(
                "given holds categories that were not there in fit, in column "
                f"{columns}."
            )
        inside = self.model_.codec.within_range(values)
        outside = (np.abs(inside - values) > 1e-6 * (1 + np.abs(values))).any(axis=0)
        if outside.any():
            columns = quoted_names(np.flatnonzero(outside), names)
            warnings.warn(
                f"given holds numbers outside the range seen in fit, in column "
                f"{columns}. They are taken for the nearest number inside.",
                UserWarning,
                stacklevel=3,
            )
        never = self._never_occur(inside)
        if len(never):
            warnings.warn(
                "given holds numbers that never occurred in fit, in column "
                f"{quoted_names(never, names)}, where all numbers repeat. Beside them "
                "is drawn what suits a number between those that occurred.",
                UserWarning,
                stacklevel=3,
            )
        if not hidden.any():
            warnings.warn(
                "given has no missing cell, so that nothing is drawn: the result holds "
                "copies of its rows. Cells to draw must be missing, such as NaN.",
                UserWarning,
                stacklevel=3,
            )
        return given, checked, inside, hidden

    def _never_occur(self, values):
        """Columns of which all numbers that can occur are known, and hold others."""
        cells = self.model_.module.cells
        only_atoms = cells.never[: cells.n_numeric, -1].cpu().numpy()
        never = cells.is_smooth(values) & only_atoms
        return np.array(self.model_.codec.numeric_)[never.any(axis=0)]

    def _drawn(self, rows, checked, values, hidden, seed):
        """Rows with their hidden cells drawn."""
        cells = self.model_.codec.within_range(fill(self.model_, values, seed))
        return self._written(
            rows, checked, cells, hidden, keep_dtype=True, adjust=self._recorded.written
        )

    def _atoms(self):
        """By numeric column, numbers that are drawn as such, in the units of X."""
        codec, atoms = self.model_.codec, self.model_.module.cells.numeric_atoms()
        there = np.isfinite(atoms)
        numbers = codec.scaler_.inverse_transform(np.where(there, atoms, 0.0).T).T
        return {
            int(column): of_column[of]
            for column, of_column, of in zip(
                codec.numeric_, numbers, there, strict=True
            )
        }

    def _drawn_example(self, X):
        """A drawn row of the kind and dtypes of X, of which new rows are copies."""
        X = as_stored(X)
        if sparse.issparse(X):
            first = X.tocsr()[:1].toarray()
        elif isinstance(X, StoredFrame):
            first = rows_to_learn_from(X, np.arange(1))
        else:
            first = slice_rows(X if is_sliced(X) else with_shape(X), slice(0, 1))
            first = first if is_frame(first) else np.asarray(first)
        shape = (1, self.n_features_in_)
        flat = first if is_frame(first) else np.reshape(first, shape)
        seed = self.model_.seeds["rows"]
        values = np.full(shape, np.nan, dtype=np.float32)
        return self._drawn(first, flat, values, np.ones(shape, dtype=bool), seed)

    def _fit_tokens(self, X, sample_weight):
        trained = self._fit_model(TokenGeneratorTask(self), X, sample_weight)
        self._tokens = TokenDistribution(trained, self.max_length)
        return self

    def __getstate__(self):
        """State, without DataFrames where plain values say the same."""
        state = super().__getstate__()
        example = state.get("_example")
        if is_frame(example):
            row = plain_row(example)
            state["_example"] = example if row is None else row
        return state

    def __setstate__(self, state):
        """Take a state, in which the row of a DataFrame may be plain."""
        super().__setstate__(state)
        example = vars(self).get("_example")
        if isinstance(example, PlainRow):
            self._example = example.frame()

    def _sampled_tokens(self, n_samples, given, seed):
        reader, rng = self._sequence_reader(), np.random.default_rng(seed)
        if given is None:
            rows = self._tokens.sample(self.model_, n_samples, rng)
            return [reader.analyzer.row_of(tokens) for tokens in rows]
        rows, values = self._read(given)
        return completed(self.model_, rows, values, n_samples, rng)

    def _sequence_reader(self):
        if self.analyzer is None and has_steps(self.input_shape):
            raise ValueError(
                "The 'input_shape' parameter must hold integers: a density of series "
                f"of unlike lengths is not there. Got {self.input_shape!r} instead."
            )
        return sequence_reader(self)

    def _log_density(self, X, values):
        """Log-density of checked rows in the units of X."""
        if self._sequence_reader() is not None:
            return self._tokens.log_prob(self.model_, X, values, self.n_orders)
        codec, module = self.model_.codec, self.model_.module
        unseen = np.isnan(values) & ~self._missing(X, values)
        unseen[:, codec.empty_] = False
        values = np.where(unseen, np.float32(-1.0), values)
        found = log_density(self.model_, values, self.n_orders)
        # In the same order for each row, however many there are.
        smooth = np.ascontiguousarray(module.cells.is_smooth(values))
        return found - (smooth * np.log(codec.scaler_.scale_)).sum(axis=1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.three_d_array = self.input_shape is not None
        if self.analyzer is not None:
            tags.input_tags.string = True
            tags.input_tags.two_d_array = tags.input_tags.sparse = False
        return tags
