"""The masked autoencoder as a regressor that needs few labels."""

import warnings
from functools import partial
from typing import ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.callback import with_callbacks
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_consistent_length

from skmae._compat import _fit_context
from skmae._guards import keep_fitted_on_error
from skmae.data.tables import as_numpy
from skmae.semi_supervised.base import MAX_SOLVED, BaseSemiSupervised
from skmae.semi_supervised.heads import ValueLoss
from skmae.semi_supervised.targets import read_values
from skmae.semi_supervised.value_teachers import ValueTeachers, ridge_head

# Penalty of the head that training begins with, in sums of squares of a unit. It
# is high, since large weights would amplify every step of the network below.
_FIRST_PENALTY = 3.0


class MaskedAutoencoderRegressor(RegressorMixin, BaseSemiSupervised):
    """A regressor for many rows of which few have a target.

    One call of :meth:`fit` trains a masked autoencoder on all rows, finds out by
    cross-validation what to predict for every row, with a target and without, and
    fine-tunes the network and a linear head on the squared error. Several targets may
    be learned at once, also from rows of which only some are known. Targets are
    standardised inside.

    Rows may hold numbers, categories and missing values; nothing has to be imputed
    or scaled beforehand. They are read as the encoder reads them: with an ``analyzer``
    they are texts or other sequences of tokens, and with an ``input_shape`` of
    ``(None, n_channels)`` series of unlike lengths. Optimiser, weight decay and batch
    size of fine-tuning are those of the encoder, the latter at most 128.

    Start with these five: ``encoder``, the network and how it is pretrained, or a
    fitted one; ``fine_tune_epochs``, how long to learn from targets;
    ``self_training``, which shrinks noisy targets and costs time;
    ``freeze_encoder``, which is fastest; and ``early_stopping``, where targets are
    many.

    Parameters
    ----------
    encoder : MaskedAutoencoderTransformer, FrozenEstimator or None, default=None
        What is pretrained, with all that concerns the network, the columns and the
        shape of rows. It is cloned and fitted to all rows of X, even where it is
        fitted already, with a seed from this estimator's ``random_state`` if its own
        is None. A fitted one in a :class:`~sklearn.frozen.FrozenEstimator` is taken as
        it is, and nothing is pretrained. None: one with default parameters, but for
        ``lr_schedule``, ``device``, ``precision``, ``compile``, ``callbacks`` and
        ``verbose``, which are those of this estimator. Its ``passthrough`` plays no
        part: the head reads the code alone, and a teacher of its own the cells.

    self_training : bool, default=True
        Teach the unlabelled rows, too, and shrink noisy targets of labelled ones. What
        is taught are stacked predictions of four teachers, see Notes. False
        fine-tunes on the targets as they are, of labelled rows alone.

    freeze_encoder : bool, default=False
        Leave the encoder as pretraining made it, and train the head alone.

    reconstruction_weight : float, default=0.0
        Weight of the reconstruction of hidden cells beside the loss of predictions
        while fine-tuning, on labelled and unlabelled rows. 0 forgets reconstruction.

    fine_tune_mask_ratio : float in [0, 1), (low, high) or "auto", default="auto"
        Share of a row's cells to hide while fine-tuning, so that each visit of a row
        shows another part of it. "auto" is 0, and with ``reconstruction_weight`` a
        share between 0 and the highest of pretraining, drawn for each row.

    fine_tune_lr : float, default=1e-3
        Highest learning rate of fine-tuning.

    fine_tune_epochs : int or "auto", default="auto"
        Passes over the rows that take part in fine-tuning. "auto" makes at least
        1500 steps, with fewer than 1000 rows, of texts, or of series of unlike
        lengths 600, and 5 epochs.

    lr_schedule : {"cosine", "constant"}, default="cosine"
        "cosine" warms up over 5 % of the steps of fine-tuning and then falls to 0.

    early_stopping : bool, default=False
        Hold labelled rows out, judge them after each epoch of fine-tuning, stop
        when their loss no longer falls, and keep the best weights. With few labels
        every one is better trained on.

    validation_fraction : float in (0, 1), default=0.1
        Share of the labelled rows to hold out for early stopping.

    n_iter_no_change : int, default=10
        Epochs without a lower loss after which to stop early, not counting those in
        which the learning rate rises.

    device : str or torch.device, default="auto"
        Where to fine-tune and predict: "cpu", "cuda", "cuda:1", "mps", or "auto" for
        the first of CUDA, MPS and CPU that is there.

    precision : {"float32", "bfloat16", "auto"}, default="auto"
        Precision of matrix products while fine-tuning; results are computed in float32.
        "auto" is "bfloat16" where the encoder is a multilayer perceptron and the
        processor or the card has instructions for it (AVX512-BF16, AMX, CUDA from
        Ampere), with attention on such cards alone; elsewhere it is "float32".

    compile : bool, default=False
        Compile the network for fine-tuning with :func:`torch.compile`.

    callbacks : list of skorch callbacks or None, default=None
        Called at every epoch and batch of fine-tuning. They are copied, never changed.

    random_state : int, RandomState instance or None, default=None
        Seed of order of rows, masks, folds and held-out rows.

    verbose : int, default=0
        1 shows one live line on stderr for each stage of fine-tuning, with the time
        that is left; 2 prints a line per epoch.

    Attributes
    ----------
    n_outputs_ : int
        Number of targets.

    encoder_ : MaskedAutoencoderTransformer
        The transformer as pretrained: ``encoder_.transform`` gives its codes.
        Fine-tuning changes a copy of its network. A frozen one is that given.

    n_unlabelled_ : int
        Number of rows without any target, of those with a positive weight.

    model_ : object
        Codec, settings, network and device, which are what is pickled.

    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the torch module of encoder, decoder and
        head.

    n_components_ : int
        Width of the code that the head reads.

    n_features_in_ : int
        Number of features seen in fit; of n-d rows, the number of cells. Sequences
        have none.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen in fit, if they are all strings.

    pool_weights_ : ndarray of shape (4,) or None
        Stacking weights of the predictions from codes, cells, neighbours and networks
        in what was taught; with ``freeze_encoder`` there is no network among them. None
        if targets were taken as they are.

    n_iter_ : int
        Number of epochs of fine-tuning.

    loss_curve_ : list of float
        Mean training loss of each epoch of fine-tuning.

    validation_loss_curve_ : list of float or None
        Loss of the held-out rows after each of these epochs, with early stopping.

    pretraining_loss_curve_ : list of float
        Mean training loss of each epoch of pretraining: ``encoder_.loss_curve_``.

    device_ : torch.device
        Where the weights are.

    precision_ : {"float32", "bfloat16"}
        Precision of matrix products in training.

    See Also
    --------
    MaskedAutoencoderClassifier : The same for classes.
    MaskedAutoencoderTransformer : The codes alone, for any other regressor.

    Notes
    -----
    What a row without a target is taught is the stacked prediction of ridge regression
    on codes, ridge regression on scaled cells, targets spread along the graph of the
    five nearest codes, and networks fine-tuned on the folds of labelled rows: a sum
    with weights, at most 1 together, under which cross-validation on the labelled
    rows errs least (five folds; from 1000 labelled rows a single one). In the pool of
    a row that has a target, the target stands for the networks. So where networks
    predict best, targets are taught as they are, and where they fit noise, each is
    drawn towards what the simple teachers say of its row, which is known as
    distillation [1]_. Of more than 5000 labelled rows, targets are taken as they are.
    At most 10,000 unlabelled rows, drawn at random, are taught. A quarter of the
    visits of an epoch go to labelled rows.

    Of tokens, what stands for the cells are counts of n-grams, the 1000 most frequent
    of one to three tokens; of series of unlike lengths, mean and deviation of each
    channel, and deviation of its changes from step to step.

    A row of which some outputs are known counts as labelled. All that learns from
    targets and judges by them does so with those that are known, each of which weighs
    the same; where targets are taught, the others are taught as in unlabelled rows.

    With the same ``random_state``, data, device and number of threads, fits are
    equal bit by bit. Predictions do not depend on the rows that stand beside a row.

    References
    ----------
    .. [1] Li, Yang, Song, Cao, Luo, Li (2017). Learning from Noisy Labels with
       Distillation. ICCV.

    Examples
    --------
    Diabetes with every fourth target known:

    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from skmae import MaskedAutoencoderRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> y_few = np.full(len(y), np.nan)
    >>> y_few[::4] = y[::4]
    >>> reg = MaskedAutoencoderRegressor(random_state=0).fit(X, y_few)
    >>> bool(reg.score(X, y) > 0.35)
    True

    One pretraining for many fits, here of a search:

    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skmae import LabelledKFold, MaskedAutoencoderTransformer
    >>> encoder = MaskedAutoencoderTransformer(max_epochs=10, random_state=0)
    >>> reg = MaskedAutoencoderRegressor(
    ...     FrozenEstimator(encoder.fit(X)), fine_tune_epochs=20, random_state=0
    ... )
    >>> grid = {"freeze_encoder": [True, False]}
    >>> search = GridSearchCV(reg, grid, cv=LabelledKFold(2)).fit(X, y_few)
    >>> search.best_estimator_.encoder_ is encoder
    True

    With an encoder that is not frozen, a grid may hold its parameters, as in
    ``{"encoder__mask_ratio": [0.2, 0.5]}``, and every fit pretrains.
    """

    _head_loss = ValueLoss
    _least_steps: ClassVar = {"few": 600, "many": 1500}

    def __init__(
        self,
        encoder=None,
        *,
        self_training=True,
        freeze_encoder=False,
        reconstruction_weight=0.0,
        fine_tune_mask_ratio="auto",
        fine_tune_lr=1e-3,
        fine_tune_epochs="auto",
        lr_schedule="cosine",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        device="auto",
        precision="auto",
        compile=False,
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.encoder = encoder
        self.self_training = self_training
        self.freeze_encoder = freeze_encoder
        self.reconstruction_weight = reconstruction_weight
        self.fine_tune_mask_ratio = fine_tune_mask_ratio
        self.fine_tune_lr = fine_tune_lr
        self.fine_tune_epochs = fine_tune_epochs
        self.lr_schedule = lr_schedule
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.device = device
        self.precision = precision
        self.compile = compile
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    # The encoder checks its own parameters.
    @_fit_context(prefer_skip_nested_validation=False)
    @keep_fitted_on_error
    @with_callbacks
    def fit(self, X, y, sample_weight=None):
        r"""Learn from all rows, and from the targets of some.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            NaN, None and NA are missing values. With an ``input_shape`` of the
            encoder the rows may also be n-d: (n_samples, \*input_shape). With its
            ``analyzer`` they are an iterable of strings or sequences of tokens, and
            with ``input_shape=(None, n_channels)`` a list of series.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; NaN where one is not known. A row of several outputs is learned
            from as far as they are known.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in all losses. Rows of weight 0 are left out.

        Returns
        -------
        self : MaskedAutoencoderRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X or y is not usable; an earlier fit then stays as it
            was.
        """
        return self._fit(X, y, sample_weight)

    def predict(self, X):
        """Predict the targets of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to predict, of the kind that fit was given.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As in fit.
        """
        values = self._outputs(X) * self._y_scale + self._y_mean
        return values[:, 0] if self._y_is_flat else values

    def score(self, X, y, sample_weight=None):
        """Coefficient of determination R² of the targets that are known.

        Rows without any do not count; a warning tells how many these are.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to predict, of the kind that fit was given.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets; NaN where one is not known.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            R² of each output on the rows that have it, averaged over outputs.
        """
        y, sample_weight = as_numpy(y), as_numpy(sample_weight)
        values, labelled = read_values(y)
        predicted = self.predict(X)
        check_consistent_length(predicted, values, sample_weight)
        predicted = predicted.reshape(len(predicted), -1)
        if predicted.shape != values.shape:
            raise ValueError(
                f"y has {values.shape[1]} outputs, but {type(self).__name__} was "
                f"fitted with {self.n_outputs_}."
            )
        if not labelled.all():
            warnings.warn(
                f"score leaves out {np.sum(~labelled)} of {len(labelled)} samples "
                "that have no target: y is NaN.",
                UserWarning,
                stacklevel=2,
            )
        scores = []
        for output, known in enumerate(~np.isnan(values.T)):
            if not known.any():
                raise ValueError(
                    f"y has no target of output {output}, but only NaN: there is "
                    "nothing to score."
                )
            weight = None
            if sample_weight is not None:
                weight = np.asarray(sample_weight)[known]
            truth, said = values[known, output], predicted[known, output]
            scores.append(r2_score(truth, said, sample_weight=weight))
        return float(np.mean(scores))

    # -- training --------------------------------------------------------------

    def _read_targets(self, y, chosen):
        self._y_is_flat = np.asarray(y).ndim == 1
        values, labelled = read_values(y)
        values, labelled = values[chosen], labelled[chosen]
        for output, n_known in enumerate(np.sum(~np.isnan(values), axis=0)):
            if n_known < 2:
                of_output = f" of output {output}" if values.shape[1] > 1 else ""
                raise ValueError(
                    f"y has fewer than 2 targets{of_output} that are not NaN, in rows "
                    f"of positive weight. Got {n_known}."
                )
        self.n_outputs_ = values.shape[1]
        return values, labelled

    def _hold_out(self, rows, values, n_held_out):
        if n_held_out < 2 or len(rows) - n_held_out < 2:
            raise ValueError(
                f"early_stopping=True with validation_fraction="
                f"{self.validation_fraction} would hold out {n_held_out} of "
                f"{len(rows)} labelled samples; at least 2 are needed to hold out and "
                "2 to train on: label more, raise validation_fraction or set "
                "early_stopping=False."
            )
        train, held_out = train_test_split(
            rows, test_size=n_held_out, random_state=self._seeds["validation"]
        )
        for output, n_known in enumerate(np.sum(~np.isnan(values[train]), axis=0)):
            if n_known < 2:
                raise ValueError(
                    f"early_stopping=True with validation_fraction="
                    f"{self.validation_fraction} leaves {n_known} targets of output "
                    f"{output} to train on; at least 2 are needed: label more, lower "
                    "validation_fraction or set early_stopping=False."
                )
        return train, held_out

    def _target_weight(self, values, train, weight):
        """The weights as they are; the scale of targets is taken on the way."""
        known = ~np.isnan(values[train])
        given, weights = values[train], weight[train]
        if not known.all():
            given, weights = np.where(known, given, 0.0), weights[:, None] * known
        self._y_mean = np.average(given, axis=0, weights=weights)
        spread = np.average(np.square(given - self._y_mean), axis=0, weights=weights)
        scale = np.sqrt(spread)
        # What rounding leaves of a constant is no scale.
        least = 1e-12 * np.maximum(np.abs(self._y_mean), 1e-300)
        self._y_scale = np.where(scale > least, scale, 1.0)
        return weight

    def _wanted(self, values):
        return (values - self._y_mean) / self._y_scale

    def _teach(self, learned, values, weight):
        """Find pseudo-targets of every row, noise of given targets being shrunk.

        Parameters
        ----------
        learned : RowsToLearn
        values : (n_labelled, n_outputs) array
            NaN where not known.
        weight : (n_labelled,) array

        Returns
        -------
        head : tuple of arrays
            Weights and biases, solved.
        wanted : (n_rows, n_outputs) array
            What to teach each row; NaN for nothing.
        """
        n_labelled = len(values)
        known = self._wanted(values)
        wanted = np.zeros((len(learned), known.shape[1]))
        wanted[:n_labelled] = known
        self.pool_weights_ = None
        few = np.arange(n_labelled)
        many = n_labelled > MAX_SOLVED
        if many:
            rng = np.random.default_rng(self._seeds["rows"])
            few = np.sort(rng.choice(n_labelled, MAX_SOLVED, replace=False))
        if self.self_training and (not many or len(learned) > n_labelled):
            asked = np.concatenate([few, np.arange(n_labelled, len(learned))])
            taught = self._taught(learned.of(asked), known[few], weight[few])
            # The noise of many targets averages out by itself.
            first = len(few) if many else 0
            wanted[asked[first:]] = taught[first:]
        return self._head(learned.codes[few], wanted[few], weight[few]), wanted

    def _head(self, codes, wanted, weight):
        """Solve a head to begin with, or to stay with."""
        if self.freeze_encoder:
            return ridge_head(codes, wanted, weight)
        penalty = _FIRST_PENALTY * np.square(codes - codes.mean(axis=0)).sum(0).mean()
        return ridge_head(codes, wanted, weight, np.array([max(penalty, 1e-6)]))

    def _taught(self, learned, known, weight):
        """What the teachers say of all rows: (n_rows, n_outputs)."""
        networks = None
        if not self.freeze_encoder:
            networks = partial(self._network_predictions, learned, known, weight)
        teachers = ValueTeachers(
            learned.codes, learned.cells, networks, self._seeds["folds"]
        )
        taught = teachers.values(np.arange(len(known)), known, weight)
        self.pool_weights_ = teachers.pool_weights_
        return taught

    def _share_to_hide(self, share_taught):
        # A class may be told from some of the cells; a number seldom.
        return 0.0

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
