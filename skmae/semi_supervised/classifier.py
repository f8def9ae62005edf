"""The masked autoencoder as a classifier that needs few labels."""

import warnings
from functools import partial

import numpy as np
from scipy.special import log_softmax
from sklearn.base import ClassifierMixin
from sklearn.callback import with_callbacks
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_consistent_length

from skmae._compat import StrOptions, _check_sample_weight, _fit_context
from skmae._guards import keep_fitted_on_error
from skmae.data.tables import as_numpy
from skmae.semi_supervised.base import MAX_SOLVED, BaseSemiSupervised
from skmae.semi_supervised.folds import MANY, stratified_folds
from skmae.semi_supervised.heads import ClassLoss
from skmae.semi_supervised.targets import (
    check_class_weight,
    check_type_of_labels,
    known_labels,
    read_classes,
)
from skmae.semi_supervised.teachers import LabelTeachers, logistic_head
from skmae.semi_supervised.temperature import fit_temperature

# Share of unlabelled rows below which teaching them calibrates nothing, and does not
# deserve networks for teachers.
_HARDLY_TAUGHT = 0.1


class MaskedAutoencoderClassifier(ClassifierMixin, BaseSemiSupervised):
    """A classifier for many rows of which few have labels.

    One call of :meth:`fit` trains a masked autoencoder on all rows, solves a linear
    head on its codes of the labelled rows, and fine-tunes both. Rows without a label
    take part in all of it. With all rows labelled it is a neural network with a head
    start.

    Rows may hold numbers, categories and missing values; nothing has to be imputed
    or scaled beforehand. They are read as the encoder reads them: with an ``analyzer``
    they are texts or other sequences of tokens, and with an ``input_shape`` of
    ``(None, n_channels)`` series of unlike lengths. Optimiser, weight decay and batch
    size of fine-tuning are those of the encoder, the latter at most 128.

    Start with these five: ``encoder``, the network and how it is pretrained, or a
    fitted one; ``missing_label``, what marks unlabelled rows; ``fine_tune_epochs``, how
    long to learn from labels; ``class_weight``, where classes are not equally
    important; and ``calibrate``, which costs time where most rows have labels.

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
        Teach the unlabelled rows, too. Their targets are stacked predictions of
        several teachers, see Notes. False fine-tunes on labelled rows alone.

    freeze_encoder : bool, default=False
        Leave the encoder as pretraining made it, and train the head alone.

    reconstruction_weight : float, default=0.0
        Weight of the reconstruction of hidden cells beside the loss of predictions
        while fine-tuning, on labelled and unlabelled rows. 0 forgets reconstruction.

    fine_tune_mask_ratio : float in [0, 1), (low, high) or "auto", default="auto"
        Share of a row's cells to hide while fine-tuning, so that each visit of a row
        shows another part of it. For each row "auto" draws a share between 0 and the
        highest of pretraining; of tables, and without ``reconstruction_weight``, that
        times the share of unlabelled rows among those that are taught, so that
        nothing is hidden where all have labels. 0 hides nothing.

    fine_tune_lr : float, default=1e-3
        Highest learning rate of fine-tuning.

    fine_tune_epochs : int or "auto", default="auto"
        Passes over the rows that take part in fine-tuning. "auto" makes at least
        1500 steps, of texts and of series of unlike lengths 600, with fewer than 1000
        rows 300, and 5 epochs.

    lr_schedule : {"cosine", "constant"}, default="cosine"
        "cosine" warms up over 5 % of the steps of fine-tuning and then falls to 0.

    calibrate : bool, default=True
        Where no unlabelled rows are taught, or less than a tenth of all, fit a
        temperature by which logits are divided, so that probabilities are no surer
        than they are right; see Notes. Predicted classes stay as they are. It takes
        up to five more fine-tunings, with 1000 labelled rows or more one, and none
        with ``early_stopping``, which fits it in any case.

    class_weight : dict, "balanced" or None, default=None
        Weights of classes, which multiply ``sample_weight``. "balanced" gives all
        classes the same total weight among the labelled rows. A dict maps classes to
        weights; those left out weigh 1.

    missing_label : label, None, NaN or "auto", default="auto"
        What marks unlabelled rows in y besides NaN, None and NA, which always do: a
        number or string of your choice; nothing (None or NaN), so that -1 may be a
        class; or -1, where that is not ambiguous ("auto", see Notes).

    early_stopping : bool, default=False
        Hold labelled rows out, of every class, judge them after each epoch of
        fine-tuning, stop when their loss no longer falls, and keep the best weights.
        With few labels every one is better trained on.

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
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.

    encoder_ : MaskedAutoencoderTransformer
        The transformer as pretrained: ``encoder_.transform`` gives its codes.
        Fine-tuning changes a copy of its network. A frozen one is that given.

    n_unlabelled_ : int
        Number of rows that counted as unlabelled, of those with a positive weight.

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

    pool_weights_ : ndarray of shape (3,) or (4,), or None
        Stacking weights of the predictions from codes, cells, neighbours and networks
        in teaching unlabelled rows. The last is missing where no networks taught, see
        Notes. None if no rows were taught.

    temperature_ : float
        What logits were divided by; 1 where nothing was calibrated.

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
    MaskedAutoencoderTransformer : The codes alone, for any other classifier.
    sklearn.semi_supervised.SelfTrainingClassifier : Lets any classifier label rows
        that it is sure of.
    sklearn.semi_supervised.LabelSpreading : Spreads labels along a graph, over the
        rows of X as they are.

    Notes
    -----
    *Unlabelled rows* are marked as in
    :class:`~sklearn.semi_supervised.SelfTrainingClassifier`, by -1, or by NaN, None
    or NA, as long as ``missing_label="auto"``; one y may use one kind of mark. Some
    cases are then ambiguous. If all other labels are 1, -1 and 1 are the two classes,
    as binary classifiers have them. Where -1 counts as a mark and is probably a class
    (beside 0 and 1 and no more frequent than these, or beside other negative
    labels) a warning says so. And strings "", "-1", "nan", "NaN", "None" or "<NA>"
    are refused, since lost marks look like that. Where strings are labels, None is the
    mark that arrays of dtype object and all types of frames can hold. A
    ``missing_label`` of your choice is never ambiguous: it is the mark, and all that
    is neither it nor NaN, None or NA is a class. ``n_unlabelled_`` tells how many rows
    counted as unlabelled.

    *Teachers.* What an unlabelled row is taught is the stacked prediction of logistic
    regression on codes, logistic regression on scaled cells, labels spread along the
    graph of five nearest codes [1]_, and, of tables, networks that were fine-tuned on
    the labelled rows of each fold. Of images, whose classes are mostly clusters, the
    first reads beside codes where walks along that graph lead, as
    :class:`DiffusionMap` tells it. Log-probabilities are added up with weights under
    which five-fold cross-validation on the labelled rows finds them most likely, so
    that a teacher that errs is not heard, the pool is no surer than it is right, and
    where networks know most, rows are taught what these know. With 1000 labels or more
    a single fold is left out. No networks teach where ``freeze_encoder=True``, since
    they would know what their codes know, where less than a tenth of the rows are
    unlabelled, nor images and sequences.
    At most 10,000 unlabelled rows, drawn at random, are taught. A quarter of the
    visits of an epoch go to labelled rows.

    Of tokens, what stands for the cells are counts of n-grams, the 1000 most frequent
    of one to three tokens; of series of unlike lengths, mean and deviation of each
    channel, and deviation of its changes from step to step.

    *Probabilities.* A network fine-tuned on labelled rows alone is too sure of itself.
    Networks like it, trained without a fifth of the labelled rows each, judge those,
    and the temperature under which their labels are most likely is taken for the
    final one [2]_. With ``early_stopping`` the rows held out serve for that. The pool
    of teachers is calibrated by its weights, and so is what learns from it.

    With the same ``random_state``, data, device and number of threads, fits are
    equal bit by bit. Predictions do not depend on the rows that stand beside a row.

    References
    ----------
    .. [1] Zhou, Bousquet, Lal, Weston, Schoelkopf (2003). Learning with Local and
       Global Consistency. NeurIPS.
    .. [2] Guo, Pleiss, Sun, Weinberger (2017). On Calibration of Modern Neural
       Networks. ICML. arXiv:1706.04599.

    Examples
    --------
    Iris with five labels per class:

    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from skmae import MaskedAutoencoderClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> y_few = np.full(150, -1)
    >>> y_few[::10] = y[::10]
    >>> clf = MaskedAutoencoderClassifier(random_state=0).fit(X, y_few)
    >>> bool(clf.score(X, y) > 0.85)
    True
    >>> clf.predict_proba(X[:1]).round(1)
    array([[1., 0., 0.]])

    In a search, parameters of the encoder have its name before them:

    >>> from sklearn.model_selection import GridSearchCV
    >>> from skmae import LabelledKFold, MaskedAutoencoderTransformer
    >>> encoder = MaskedAutoencoderTransformer(max_epochs=10)
    >>> search = GridSearchCV(
    ...     MaskedAutoencoderClassifier(encoder, random_state=0),
    ...     {"encoder__mask_ratio": [0.2, 0.5]},
    ...     cv=LabelledKFold(2),
    ... )
    >>> sorted(search.fit(X, y_few).best_params_)
    ['encoder__mask_ratio']

    One pretraining for many fits:

    >>> from sklearn.frozen import FrozenEstimator
    >>> head_start = FrozenEstimator(encoder.fit(X))
    >>> clf = MaskedAutoencoderClassifier(head_start, random_state=0).fit(X, y_few)
    >>> clf.encoder_ is encoder
    True
    """

    _own_constraints = {
        **BaseSemiSupervised._own_constraints,
        "calibrate": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        # Anything, since NaN and NA are no type of their own; its check is in fit.
        "missing_label": "no_validation",
    }
    _head_loss = ClassLoss

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
        calibrate=True,
        class_weight=None,
        missing_label="auto",
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
        self.calibrate = calibrate
        self.class_weight = class_weight
        self.missing_label = missing_label
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
        r"""Learn from all rows, and from the labels of some.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            NaN, None and NA are missing values. With an ``input_shape`` of the
            encoder the rows may also be n-d: (n_samples, \*input_shape). With its
            ``analyzer`` they are an iterable of strings or sequences of tokens, and
            with ``input_shape=(None, n_channels)`` a list of series.
        y : array-like of shape (n_samples,)
            Labels; where there is none, NaN, None, NA or what ``missing_label`` says,
            by default -1.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in all losses. Rows of weight 0 are left out.

        Returns
        -------
        self : MaskedAutoencoderClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X or y is not usable; an earlier fit then stays as it
            was.
        """
        return self._fit(X, y, sample_weight)

    def predict(self, X):
        """The most probable class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to classify, of the kind that fit was given.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Classes.
        """
        outputs = self._outputs(X)
        return self.classes_[outputs.argmax(axis=1)]

    def predict_log_proba(self, X):
        """Logarithms of the probabilities of classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to classify, of the kind that fit was given.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return log_softmax(self._outputs(X), axis=1)

    def predict_proba(self, X):
        """Probabilities of classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to classify, of the kind that fit was given.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return np.exp(self.predict_log_proba(X))

    def score(self, X, y, sample_weight=None):
        """Accuracy on the labelled rows.

        Rows without a label do not count; a warning tells how many these are.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to classify, of the kind that fit was given.
        y : array-like of shape (n_samples,)
            Their labels; rows without one are marked as in :meth:`fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Share of right answers.
        """
        predicted = self.predict(X)
        y, sample_weight = as_numpy(y), as_numpy(sample_weight)
        labels, labelled = known_labels(y, self.classes_, self.missing_label)
        marked = f"that y marks as unlabelled (missing_label={self.missing_label!r})"
        if not labelled.any():
            raise ValueError(
                f"y has no label, but only rows {marked}: there is nothing to score."
            )
        check_consistent_length(predicted, labelled, sample_weight)
        check_type_of_labels(labels[labelled], self.classes_)
        if not labelled.all():
            warnings.warn(
                f"score leaves out {np.sum(~labelled)} of {len(labelled)} samples "
                f"{marked}. Where -1 is a class, pass missing_label=None.",
                UserWarning,
                stacklevel=2,
            )
        right = predicted[labelled] == labels[labelled].astype(object)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(np.asarray(sample_weight)[labelled], right)
        return float(np.average(right.astype(float), weights=weight))

    # -- training --------------------------------------------------------------

    def _read_targets(self, y, chosen):
        self.classes_, labels = read_classes(y, chosen, self.missing_label)
        if isinstance(self.class_weight, dict):
            check_class_weight(self.class_weight, self.classes_)
        return labels, labels >= 0

    def _hold_out(self, rows, labels, n_held_out):
        n_classes = len(self.classes_)
        least = np.bincount(labels[rows]).min()
        if n_held_out < n_classes or least < 2 or len(rows) - n_held_out < n_classes:
            raise ValueError(
                f"early_stopping=True with validation_fraction="
                f"{self.validation_fraction} would hold out {n_held_out} of "
                f"{len(rows)} labelled samples of {n_classes} classes, the smallest "
                f"of which has {least}. Every class needs one to hold out and one to "
                "train on: label more, raise validation_fraction or set "
                "early_stopping=False."
            )
        return train_test_split(
            rows,
            test_size=n_held_out,
            stratify=labels[rows],
            random_state=self._seeds["validation"],
        )

    def _target_weight(self, labels, train, weight):
        if self.class_weight is None:
            return weight
        known = labels[train]
        if isinstance(self.class_weight, str):
            counts = np.bincount(known, weights=weight[train])
            by_class = counts.sum() / (len(counts) * counts)
        else:
            by_class = compute_class_weight(
                self.class_weight, classes=self.classes_, y=self.classes_[known]
            )
        return weight * np.where(labels >= 0, by_class[labels], 1.0)

    def _wanted(self, labels):
        return np.eye(len(self.classes_))[labels]

    def _share_to_hide(self, share_taught):
        """How much to hide while fine-tuning, as a share of that of pretraining.

        What is taught of unlabelled rows is to hold for many views of them. A label
        is best learned from the whole row, unless its cells repeat each other.
        """
        is_image = self.encoder_.model_.settings.rows.input_shape is not None
        return 1.0 if is_image else share_taught

    def _teach(self, learned, labels, weight):
        """Solve a head, and judge the rows of which nothing is known.

        Parameters
        ----------
        learned : RowsToLearn
        labels : (n_labelled,) int array
        weight : (n_labelled,) array

        Returns
        -------
        head : tuple of arrays
            Weights and biases.
        wanted : (n_rows, n_classes) array
            What to teach each row.
        """
        n_labelled, n_classes = len(labels), len(self.classes_)
        codes = learned.codes
        wanted = np.zeros((len(codes), n_classes))
        self.pool_weights_ = None
        few = self._few(labels)
        if self.self_training and len(codes) > n_labelled:
            rows = np.concatenate([few, np.arange(n_labelled, len(codes))])
            wanted[rows] = self._taught(learned.of(rows), labels[few], weight[few])
        wanted[:n_labelled] = self._wanted(labels)
        known = wanted[:n_labelled]
        return self._head(codes[:n_labelled], known, weight), wanted

    def _taught(self, learned, labels, weight):
        """What the teachers say of all rows: (n_rows, n_classes)."""
        networks = None
        if self._networks_teach(learned, labels):
            networks = partial(
                self._network_predictions, learned, self._wanted(labels), weight
            )
        teachers = LabelTeachers(
            learned.codes,
            learned.cells,
            networks,
            self._seeds["folds"],
            images=self._are_images(),
        )
        rows, n_classes = np.arange(len(labels)), len(self.classes_)
        taught = teachers.probabilities(rows, labels, n_classes, weight)
        self.pool_weights_ = teachers.pool_weights_
        return taught

    def _are_images(self):
        """Whether rows are n-d, all of one shape."""
        rows = self.encoder_.model_.settings.rows
        return rows.input_shape is not None and not rows.has_steps

    def _networks_teach(self, learned, labels):
        """Whether networks of the folds are worth their time as teachers.

        A frozen network knows what its codes know. Of images neighbours know as much:
        networks cost accuracy there, and of sequences they were not tried.
        """
        rows = self.encoder_.model_.settings.rows
        is_table = self._sequence_reader() is None and rows.input_shape is None
        tune = is_table and not self.freeze_encoder
        return tune and self._is_much_taught(learned, labels)

    def _is_much_taught(self, learned, labels):
        """Whether more than a few of the rows are unlabelled ones."""
        return len(learned) - len(labels) > _HARDLY_TAUGHT * len(learned)

    def _head(self, codes, wanted, weight):
        """Solve a head of labelled rows."""
        labels = wanted.argmax(axis=1)
        few = self._few(labels)
        return logistic_head(codes[few], labels[few], wanted.shape[1], weight[few])

    def _few(self, labels):
        """Positions of rows to solve with: all, or some of each class."""
        if len(labels) <= MAX_SOLVED:
            return np.arange(len(labels))
        rng = np.random.default_rng(self._seeds["rows"])
        order = rng.permutation(len(labels))
        first = np.unique(labels[order], return_index=True)[1]
        return np.union1d(order[first], order[:MAX_SOLVED])

    def _calibrate(self, model, learned, labels, weight, judged, of_judged):
        """Divide the logits by a temperature.

        Parameters
        ----------
        model : FittedModel
            Trained; its head is changed.
        learned : RowsToLearn
        labels : (n_labelled,) int array
        weight : (n_labelled,) array
        judged : LabelledRows or None
            Rows that were held out.
        of_judged : (n_judged,) int array or None
            Their labels.
        """
        self.temperature_ = 1.0
        if not self.calibrate:
            return
        if judged is not None:
            logits, its_weight = self._outputs_of(model, judged.values), judged.weight
        else:
            was_taught = self.self_training and self._is_much_taught(learned, labels)
            folds = stratified_folds(labels, self._seeds["folds"])
            if len(labels) >= MANY:
                del folds[1:]
            # Those that learn on would say nothing of a network that was interrupted.
            if was_taught or model.net.interrupt_ is not None or not folds:
                return
            kept, asked = zip(*folds, strict=True)
            # What hides cells is less sure of itself.
            share_taught = 1 - len(labels) / len(learned)
            logits = np.concatenate(
                self._outputs_by_folds(
                    learned, self._wanted(labels), weight, kept, asked, share_taught
                )
            )
            left_out = np.concatenate(asked)
            of_judged, its_weight = labels[left_out], weight[left_out]
        self.temperature_ = fit_temperature(logits, of_judged, its_weight)
        model.module.scale_head(1 / self.temperature_)
