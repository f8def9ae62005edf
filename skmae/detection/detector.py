"""The masked autoencoder as an outlier detector."""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.base import OutlierMixin
from sklearn.callback import with_callbacks
from sklearn.utils.validation import check_is_fitted

from skmae._base import BaseMaskedAutoencoder
from skmae._compat import _fit_context
from skmae._guards import keep_fitted_on_error
from skmae._rows import sequence_reader, weighted_rows, with_shape
from skmae.data.shares import read_by_all
from skmae.data.stored_frames import StoredFrame, as_stored
from skmae.data.tables import as_numpy, is_frame
from skmae.data.writing import frame_like
from skmae.detection.sequence_task import SequenceDetectorTask
from skmae.detection.step_judge import StepJudge
from skmae.detection.table_judge import TableJudge
from skmae.detection.task import DETECTOR_CONSTRAINTS, DetectorTask
from skmae.detection.weights import quantile, weight_of
from skmae.training.parameters import checked_shape, is_auto

# Share of unseen normal rows that contamination="auto" calls outliers.
_AUTO_SHARE = 0.05
# It calls no more of the training rows outliers than this share, of which as many are
# looked at.
_MOST_KNOWN_SHARE = 0.1
_MAX_KNOWN = 512


class WeightedScores(NamedTuple):
    """Scores of training rows."""

    scores: np.ndarray  # (n_rows,)
    weight: np.ndarray | None  # (n_rows,)


class MaskedAutoencoderDetector(OutlierMixin, BaseMaskedAutoencoder):
    """Outliers among rows, and the cells to blame, by hiding cells.

    An ensemble of networks is trained to predict hidden cells of a row from its
    visible ones. A row is abnormal if its cells are not what the others lead one to
    expect, or if no training row is like it. Every score is a sum over cells, which
    :meth:`explain` gives.

    Start with these five: ``training_data`` (whether there are outliers among the
    training rows), ``contamination``, ``n_neighbors`` (more where outliers come in
    groups), ``n_members`` (more are steadier), and ``input_shape`` with
    ``channel_axis`` and ``patch_size`` for images and series.

    Rows may hold numbers, categories and missing values. A missing cell is neither
    normal nor abnormal; a category that was not seen in fit is abnormal.

    Parameters
    ----------
    contamination : "auto" or float in (0, 0.5], default="auto"
        Share of the training rows that :meth:`predict` calls outliers. "auto" takes
        the training rows for normal: the threshold is what 5 % of them pass when
        judged as though they had not been trained on, so that about 5 % of new
        normal rows are called outliers. Where that would be more than a tenth of the
        training rows themselves, as may be where all rows occur many times, it is
        what 5 % of these pass.

    training_data : {"auto", "clean", "contaminated"}, default="auto"
        Whether there are outliers among the training rows. "auto" finds out: rows are
        not compared with groups of training rows that are far from the others. With
        "clean" they are compared with all. "contaminated" is stricter than "auto",
        and leaves out predictions from three quarters of the cells, which outliers
        among the training rows spoil soonest.

    n_neighbors : int or "auto", default="auto"
        Neighbours from which distances are taken. "auto" is 5.

    n_members : int, default=4
        Networks of the ensemble. Each leaves out one of as many folds of the
        training rows, on which scores are calibrated.

    architecture : {"mlp", "attention", "auto"}, default="auto"
        Kind of networks: multilayer perceptrons over whole rows, or attention among
        the visible units of a row, being patches with ``input_shape`` and columns
        without. Attention takes many times as long. "auto" is "attention" for tokens
        and for series of unlike lengths, which need it, and "mlp" for all else.

    hidden_layer_sizes : array-like of int or "auto", default="auto"
        Widths of the layers of each network between input and output; with attention
        equal widths, one for each block of the encoder. "auto" is
        ``(128, 128, 128)``, and ``(64, 64)`` with attention.

    activation : {"gelu", "relu", "silu", "tanh", "identity"}, default="gelu"
        Activation of all layers but the last.

    numerical_embedding : {"piecewise_linear"} or None, default=None
        "piecewise_linear" also shows the networks how far each number reaches into
        each of 16 quantile bins of its column.

    mask_ratio : float in (0, 1) or (low, high), default=(0.1, 0.5)
        Share of a row's observed units to hide in training. From a range, each row
        draws a ratio of its own. At least one unit is hidden and one stays visible.

    mask_strategy : {"random", "block", "copy"} or callable, default="random"
        Which units to hide in training: units at random; neighbours (columns side by
        side, or patches close to each other); or those that are missing in another
        row ("copy", ``mask_ratio`` is not used). A callable takes ``observed``, a
        boolean array of shape (n_rows, n_features), and a
        :class:`numpy.random.Generator`, and returns a boolean array of that shape,
        True = hidden.

    mask_value : {"mean", "zero", "noise", "swap", "learned"}, default="mean"
        What is shown in place of a hidden cell: the column's mean (of categories,
        their frequencies); zero in scaled units; in training, a draw from a normal
        distribution ("noise") or the same column of another row ("swap"), and the
        mean afterwards; or a value learned for each column. Must be "mean" with
        attention, which shows nothing.

    loss : {"squared_error", "absolute_error", "huber"}, default="squared_error"
        Loss of numbers, in scaled units; that of categories is cross-entropy.

    scaling : {"standard", "minmax", "robust", "quantile", "asinh"} or None, \
            default="asinh"
        How numbers are scaled: to mean 0 and variance 1; to [0, 1]; by median and
        interquartile range; to normally distributed quantiles, which make all values
        beyond the range of the training rows alike; or by the inverse hyperbolic sine
        of standardised values, which compresses heavy tails. With ``input_shape`` all
        cells share one scale, or those of each channel.

    categorical_features : array-like of {bool, int, str}, "from_dtype" or None, \
            default="from_dtype"
        Categorical columns: a mask, indices or names; those of a DataFrame whose
        dtype is boolean, string or categorical ("from_dtype"); or none.

    input_shape : tuple of int or None, default=None
        Shape of a row that is an image, series or other n-d signal, such as (28, 28).
        X may then be flat or n-d. The mask is not shown beside the values.
        ``(None, n_channels)``, or ``(None,)`` for one channel, stands for series of
        unlike lengths: X is then a list of arrays of shape (length, n_channels), or
        an array of shape (n_samples, max_length, n_channels) in which they are filled
        up with NaN.

    channel_axis : int or None, default=None
        The axis of ``input_shape`` whose entries are channels: -1 for (24, 3) or
        (32, 32, 3), 0 for (3, 32, 32). Each channel has a scale of its own, and
        patches run over the other axes. None: all cells share one scale; if they
        should not, a warning says so.

    patch_size : int, tuple of int or None, default=None
        With ``input_shape``: hide patches of this size instead of single cells. It
        applies to the last axes besides the channels (an int to the last two); all
        before, and all channels, belong to one patch.

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
        With an analyzer, tokens to know, the most frequent in fit. Others are as
        abnormal as they are rare in fit together.

    optimizer : {"adamw", "adam", "sgd"} or torch.optim.Optimizer class, \
            default="adamw"
        Optimiser of the weights.

    lr : float, default=2e-3
        Learning rate; with ``lr_schedule="cosine"`` its highest value.

    lr_schedule : {"cosine", "constant"}, default="cosine"
        "cosine" warms up over 5 % of the steps and then falls to 0.

    weight_decay : float, default=0.05
        Weight decay of the optimiser.

    batch_size : int or "auto", default="auto"
        Most rows per step and member. "auto" is 128, and 32 for rows of unlike lengths.

    max_epochs : int or "auto", default="auto"
        Passes of each member over its rows. "auto" trains for at least 700 steps
        and 10 epochs, for rows of unlike lengths at least 400 steps and 10 epochs; of a
        large table fewer, which show about 10 million rows.

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
        Seed of initial weights, folds, order of rows and masks, and of the rows that
        are drawn as neighbours from a large table.

    verbose : int, default=0
        1 shows one live line on stderr for each stage of a fit, with the time that is
        left; 2 prints a line per epoch.

    Attributes
    ----------
    offset_ : float
        ``decision_function = score_samples - offset_``.

    model_ : object
        Codec, settings, network and device, which are what is pickled.

    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the torch module of all members.

    n_features_in_ : int
        Number of features seen in fit; of n-d rows, the number of cells.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen in fit, if they are all strings.

    n_iter_ : int
        Number of epochs trained.

    loss_curve_ : list of float
        Mean training loss of each epoch.

    validation_loss_curve_ : None
        No rows are held out from all members.

    device_ : torch.device
        Where the weights are.

    precision_ : {"float32", "bfloat16"}
        Precision of matrix products in training.

    See Also
    --------
    MaskedAutoencoderTransformer : Its ``score_samples`` is the plain error of
        hidden cells.
    sklearn.ensemble.IsolationForest : Outliers by random splits; strong where
        training rows are contaminated.
    sklearn.neighbors.LocalOutlierFactor : Outliers by the density around
        neighbours.

    Notes
    -----
    Two terms make up the blame of a cell.

    *Errors while hidden.* A cell is predicted with everything, with about a tenth and
    (unless training data are contaminated) with a quarter of its row hidden, by masks
    that are drawn in fit and are the same for all rows. Each squared error (of a
    category, the squared distance between predicted probabilities and the category)
    becomes a tail value ``t = log((n + 1) / (r + 1))``, where ``r`` of the ``n`` errors
    of training rows in that column are at least as large; beyond the largest of them,
    ``t`` grows by the logarithm of their quotient. The errors of training rows come
    from the member that left the row out. The term is the sum of ``t**2`` over levels,
    divided by the number of observed cells of the row.

    *Distance.* A cell has three coordinates: its standardised value, which counts half,
    the inverse hyperbolic sine of that, and likewise of its residual from the
    prediction. Each is in units of its root mean square or, where it deviates rarely
    but far (a count that is nearly always 0), in larger ones, of which its deviations
    measure no more than three: the root of the mean of their squares, weighted by
    these squares. The term is the cell's part of the mean squared distance to the
    nearest training rows (of at most 4096, drawn at random), whose missing cells are
    where they are predicted. A training row equal to the row in question is taken for
    that row and left out, once; further ones are at distance 0. The observed cells of a
    row with missing ones count for those too.

    *Outliers among the training rows.* Unless ``training_data="clean"``, groups of
    training rows that are far off are neither neighbours nor part of ranks and units.
    Far off are those whose distance to the nearest quarter of the training rows,
    without the first coordinate and the larger units, is more than three interquartile
    ranges above the median (two, if "contaminated"), but at most a tenth of them. Such
    a row is in a group if its distance to the nearest five is less than .6 of that;
    one that is alone hides no other outlier.

    Each term is divided by the median of its sum over training rows, judged by the
    member that left them out, or by all where that is more than twice as much, and
    the blame is the distance plus half of the errors.

    *Rows of tokens, and series of unlike lengths*, are judged by errors alone, each
    step being predicted with a tenth of its row hidden, by masks that depend on the
    length of the row. A token is as surprising as its negative log-likelihood, less
    the entropy of the prediction: where nothing can be known nothing is surprising. A
    number is as surprising as its tail value among errors of its channel, less 1,
    which is the mean of that, squared. A token that fit did not know is as surprising
    as such tokens are rare in fit, less the entropy of the frequencies of tokens. What
    is below 0 counts nothing. The blame is the surprise in units of a multiple of a
    power of the row's length, both found by training rows that are judged by the member
    that left them out: their median score is -1, and the scores that a tenth of them
    fall below do not depend on length. ``training_data`` and ``n_neighbors`` have no
    meaning then.

    With ``sample_weight`` a weight is how often a row is there, in units of the mean
    weight: ranks, medians and means count weights, and neighbours are taken until
    their weights add up to ``n_neighbors``.

    With the same ``random_state``, data, device and number of threads, fits are
    equal bit by bit. Scores do not depend on the rows that stand beside a row.

    X may be a :class:`numpy.memmap` larger than memory, and processes of
    ``torch.distributed`` may fit together: see
    :class:`MaskedAutoencoderTransformer`.

    Examples
    --------
    >>> import numpy as np
    >>> from skmae import MaskedAutoencoderDetector
    >>> rng = np.random.default_rng(0)
    >>> size = rng.normal(size=300)
    >>> X = np.column_stack([size + 0.1 * rng.normal(size=300) for _ in range(4)])
    >>> detector = MaskedAutoencoderDetector(max_epochs=50, random_state=0).fit(X)
    >>> rows = np.array([[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, -1.0, 0.5]])
    >>> detector.predict(rows)
    array([ 1, -1])

    Each value of the second row is ordinary; one of them does not fit the others:

    >>> int(detector.explain(rows)[1].argmax())
    2
    """

    _own_constraints = DETECTOR_CONSTRAINTS

    def __init__(
        self,
        contamination="auto",
        *,
        training_data="auto",
        n_neighbors="auto",
        n_members=4,
        architecture="auto",
        hidden_layer_sizes="auto",
        activation="gelu",
        numerical_embedding=None,
        mask_ratio=(0.1, 0.5),
        mask_strategy="random",
        mask_value="mean",
        loss="squared_error",
        scaling="asinh",
        categorical_features="from_dtype",
        input_shape=None,
        channel_axis=None,
        patch_size=None,
        analyzer=None,
        missing_token=None,
        max_length=512,
        max_features=10000,
        optimizer="adamw",
        lr=2e-3,
        lr_schedule="cosine",
        weight_decay=0.05,
        batch_size="auto",
        max_epochs="auto",
        device="auto",
        precision="auto",
        compile=False,
        callbacks=None,
        checkpoint=None,
        random_state=None,
        verbose=0,
    ):
        self.contamination = contamination
        self.training_data = training_data
        self.n_neighbors = n_neighbors
        self.n_members = n_members
        self.architecture = architecture
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.numerical_embedding = numerical_embedding
        self.mask_ratio = mask_ratio
        self.mask_strategy = mask_strategy
        self.mask_value = mask_value
        self.loss = loss
        self.scaling = scaling
        self.categorical_features = categorical_features
        self.input_shape = input_shape
        self.channel_axis = channel_axis
        self.patch_size = patch_size
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
        self.compile = compile
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    @keep_fitted_on_error
    @with_callbacks
    def fit(self, X, y=None, sample_weight=None):
        r"""Learn what rows are normal.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            NaN, None and NA are missing values. With ``input_shape`` the rows may
            also be n-d: (n_samples, \*input_shape). With an analyzer, an iterable of
            rows of tokens, and with ``input_shape=(None, n_channels)`` one of series.
            A Parquet file or folder, by its path, a pyarrow dataset, a polars
            LazyFrame or a Dask DataFrame is read part by part.
        y : Ignored
            Not used, present for API consistency by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts: in the loss of the networks, as a neighbour, in
            the calibration of scores, and in the share that is called outliers. Only
            their ratios matter. Rows of weight 0 are left out. Scales and categories
            are learned from all others alike.

        Returns
        -------
        self : MaskedAutoencoderDetector
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
        of_steps = self._sequence_reader() is not None
        task = SequenceDetectorTask(self) if of_steps else DetectorTask(self)
        trained = self._fit_model(task, X, sample_weight)
        folds = task.folds(len(trained.train), trained.model.seeds)
        left_out, known = self._calibrate(trained.train, folds.numpy(), trained.weight)
        if is_auto(self.contamination):
            self.offset_ = _auto_offset(left_out, known)
        else:
            rows, weight = X, None
            if of_steps:  # X may be an iterator, and rows of weight 0 are gone
                rows, weight = trained.X.given, _positive(sample_weight)
            elif isinstance(trained.X, StoredFrame):
                rows, weight = trained.X, _positive(sample_weight)
            elif sample_weight is not None:
                rows, weight = weighted_rows(with_shape(X), sample_weight)
            scores = np.concatenate(read_by_all(rows, self.score_samples))
            self.offset_ = float(quantile(scores, self.contamination, weight))
        return self

    def score_samples(self, X):
        """How normal each row is.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Higher is more normal. Never above 0; minus the sum of the blame of
            :meth:`explain`.
        """

        def total(X, values):
            return self._judge().totals(self._blame(X, values), values)

        return -self._judged_by(X, total)

    def decision_function(self, X):
        """How normal each row is, outliers being negative.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            ``score_samples(X) - offset_``.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Tell outliers from normal rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            -1 for outliers, +1 for normal rows.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def explain(self, X, *, return_expected=False):
        """How much each cell adds to the abnormality of its row.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to judge.
        return_expected : bool, default=False
            Also return what the networks expected of each cell while it was hidden.

        Returns
        -------
        blame : ndarray or DataFrame of the shape of X, or list of ndarray
            At least 0; the blame of a row's cells sums to ``-score_samples``. 0
            where a cell is missing, and in columns without a value in fit. A DataFrame
            for a DataFrame, and a dense array for sparse X. Of rows of tokens a list
            of arrays of shape (n_tokens,), of a list of series one of arrays of their
            shapes; 0 beyond ``max_length``.
        expected : ndarray or DataFrame of the shape of X, or list
            Only if ``return_expected=True``: the mean of the predictions of each cell
            while about a quarter of its row was hidden (with
            ``training_data="contaminated"``, and of tokens and series of unlike
            lengths, a tenth), or the category or token that they make likeliest, in the
            units and categories of X and within the range of the training rows. Missing
            cells have an expected value too. A cell may be blamed though it is as
            expected, where no training row is like it.
        """
        if self._sequence_reader() is None:
            X = as_stored(X)  # once: a query is computed to count its rows
        if return_expected:
            return self._explained_with_expected(X)
        if self._sequence_reader() is None:
            return _like(X, self._judged_by(X, self._blame))
        check_is_fitted(self)
        checked = self._validate_X(X, reset=False)
        parts = self._encoded_parts(checked)
        return _spread((part, self._blame(part, values)) for part, values in parts)

    def _explained_with_expected(self, X):
        judge, blamed, written = self._judge(), [], []
        for given, checked, _, _ in self._parts_to_write(X):
            found = []
            for part, values in self._encoded_parts(checked):
                judged = self._judged(part, values)
                blamed.append((part, self._attribution(judged)))
                found.append(judge.expected_cells(values, judged))
            cells = np.concatenate(found)
            everything = np.ones(cells.shape, dtype=bool)
            written.append(
                self._written(given, checked, cells, everything, keep_dtype=False)
            )
        expected = np.concatenate(written) if sparse.issparse(X) else written[0]
        if self._sequence_reader() is not None:
            return _spread(blamed), expected
        return _like(X, np.concatenate([blame for _, blame in blamed])), expected

    # -- judging ---------------------------------------------------------------

    def _judged(self, X, values):
        """Judge checked rows, by their values: JudgedRows or JudgedSteps."""
        return self._judge().new_rows(values, self._missing(X, values))

    def _blame(self, X, values):
        """Blame of the cells of checked rows.

        (n_rows, n_columns) or (n_steps, n_cells) float64
        """
        return self._attribution(self._judged(X, values))

    def _calibrate(self, values, folds, weight):
        """Calibrate the scores of rows.

        Parameters
        ----------
        values : (n_rows, n_columns) float32 array or EncodedRows
            Training rows.
        folds : (n_rows,) int array
            The member that left each of them out.
        weight : (n_rows,) array or None

        Returns
        -------
        left_out : WeightedScores
            Of training rows, by members that left them out.
        known : WeightedScores
            Of some of them, by all members.
        """
        judge = self._judge()
        rows = self._draw(len(values), judge.most_rows(values))
        values, folds, weight = values[rows], folds[rows], weight_of(weight, rows)
        rows = self._draw(len(values), _MAX_KNOWN)
        known, weight_of_known = values[rows], weight_of(weight, rows)
        self._attribution = judge.attribution()
        left_out, as_new = self._attribution.fit(
            judge.training_rows(values, folds),
            judge.new_rows(known),
            weight,
            weight_of_known,
        )
        return (
            WeightedScores(-judge.totals(left_out, values), weight),
            WeightedScores(-judge.totals(as_new, known), weight_of_known),
        )

    def _draw(self, n_rows, most):
        """So many of the rows at most, at random, in their order."""
        if n_rows <= most:
            return np.arange(n_rows)
        rng = np.random.default_rng(self.model_.seeds["rows"])
        return np.sort(rng.choice(n_rows, most, replace=False))

    def _judge(self):
        if self.model_.settings.rows.has_steps:
            return StepJudge(self.model_)
        return TableJudge(self.model_, self.training_data, self.n_neighbors)

    def _sequence_reader(self):
        return sequence_reader(self)

    def _row_shape(self):
        return checked_shape(self.input_shape)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.three_d_array = self.input_shape is not None
        if self.analyzer is not None:
            tags.input_tags.string = True
            tags.input_tags.two_d_array = tags.input_tags.sparse = False
        return tags


def _like(X, blame):
    """Blame of the cells of a table in the form of X."""
    if is_frame(X) or isinstance(X, StoredFrame):
        return frame_like(X, blame)
    return blame.reshape(np.shape(X))


def _spread(parts):
    """Blame of the steps of parts of sequences, in the shape of these."""
    spread = [part.spread(blame) for part, blame in parts]
    if isinstance(spread[0], np.ndarray):
        return np.concatenate(spread)
    return [blame for part in spread for blame in part]


def _positive(sample_weight):
    """Weights of the rows that have any, or None."""
    if sample_weight is None:
        return None
    weight = np.asarray(as_numpy(sample_weight), dtype=np.float64)
    return weight[weight > 0]


def _auto_offset(left_out, known):
    """Threshold from scores of rows by members that left them out, and by all.

    All members together may find every row odder than one of them did where nothing
    but their noise distinguishes rows, as where all rows occur many times.
    """
    offset = quantile(left_out.scores, _AUTO_SHARE, left_out.weight)
    outliers = known.scores < offset
    if np.average(outliers, weights=known.weight) > _MOST_KNOWN_SHARE:
        # Not interpolated, so that rows which share the score are normal.
        weight = np.ones(len(outliers)) if known.weight is None else known.weight
        offset = quantile(known.scores, _AUTO_SHARE, weight)
    return float(offset)
