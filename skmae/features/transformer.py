"""The masked autoencoder as a transformer."""

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.callback import with_callbacks
from sklearn.utils.validation import check_array, check_is_fitted

from skmae._compat import StrOptions, _check_feature_names_in, _fit_context
from skmae._guards import keep_fitted_on_error, keep_trained_on_error
from skmae._rows import sequence_reader, weighted_rows
from skmae.data.codec import TableCodec
from skmae.data.sequence_codec import SeriesCodec, TokenCodec
from skmae.data.sequences import Sequences
from skmae.data.series_rows import SeriesRows
from skmae.data.tables import as_numpy, is_frame
from skmae.data.token_rows import TokenRows
from skmae.features.passthrough import (
    features_beside_cells,
    names_of_cells,
    stands_beside,
)
from skmae.features.restoring import RestoringAutoencoder
from skmae.features.sequence_task import SequenceTask
from skmae.features.task import TransformerTask
from skmae.networks.architectures import ARCHITECTURES
from skmae.training.callbacks import FitEvents
from skmae.training.fit import fit_further
from skmae.training.parameters import checked_shape, is_auto
from skmae.training.scoring import checked_score


class MaskedAutoencoderTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, RestoringAutoencoder
):
    """Features from a network that learned to predict hidden cells.

    Part of every row is hidden, and an encoder and a decoder are trained to predict
    the hidden cells from the visible ones. What the encoder makes of a row is its
    *code*: :meth:`transform` gives it, from the row as it is, and behind it what the
    code may have lost: the cells of a table, and of an image where it stands among
    others. The same network reconstructs, fills, judges and varies rows.

    Rows may hold numbers, categories and missing values. A missing value is a cell
    that is always hidden; nothing has to be imputed or scaled beforehand.

    Start with these five: ``mask_ratio`` (search it by :meth:`score`, without labels),
    ``n_components``, ``input_shape`` with ``channel_axis`` and ``patch_size`` for
    images and series, ``max_epochs`` (fewer for a first look), and ``scaling`` where
    columns have heavy tails.

    Parameters
    ----------
    n_components : int or "auto", default="auto"
        Width of the code. "auto" is 256, and 512 with an ``input_shape`` of 256 cells
        or more; with an ``input_shape`` of fixed length :meth:`transform` then also
        gives, behind the code, 64 features of random walks over neighbouring rows (see
        Notes), with which few labels go further. A number gives the code without them.

    architecture : {"mlp", "attention", "auto"}, default="auto"
        Kind of network: a multilayer perceptron over whole rows, or attention among
        the units of a row, being patches with ``input_shape`` and columns without.
        With attention the encoder computes on visible units alone [1]_; it restores
        scattered pixels better, its codes are seldom better, and it takes
        several times as long. "auto" is "attention" for tokens and for series of
        unlike lengths, which need it, and "mlp" for all else.

    hidden_layer_sizes : array-like of int or "auto", default="auto"
        Widths of the encoder's layers before the code; the decoder mirrors them.
        "auto" is ``(256,)``, and ``(512, 512)`` with an ``input_shape`` of 256 cells
        or more. With attention, equal widths, one for each block; the decoder is one
        block of half that width. "auto" is then ``(64, 64)`` and ``(128, 128, 128)``.

    pooling : {"flatten", "mean"}, default="flatten"
        With attention, what the code is made of: all encoded units in their order,
        hidden ones as zeros, or the mean over visible ones, which has fewer weights
        where units are many. Not used by "mlp".

    activation : {"gelu", "relu", "silu", "tanh", "identity"}, default="gelu"
        Activation of all layers but the last.

    numerical_embedding : {"piecewise_linear"} or None, default=None
        "piecewise_linear" also shows the network how far each number reaches into
        each of 16 quantile bins of its column [3]_. It helps where columns have
        few values or sharp thresholds, and hurts smooth ones.

    mask_ratio : float in [0, 1), (low, high) or "auto", default="auto"
        Share of a row's observed units to hide in training. From a range, each row
        draws a ratio of its own. 0 trains a plain autoencoder. At least one unit is
        hidden and one stays visible. "auto" is 0.4, with attention 0.5, and 0.75 with
        an ``input_shape`` of 256 cells or more.

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
        attention, which shows nothing. There it fills missing cells of
        patches that are else visible, beside a mark.

    visible_weight : float in [0, 1], default=0.0
        Weight of visible cells in the loss; hidden ones weigh 1. 0 trains on hidden
        cells only, 1 on the plain mean over all cells. Where nothing is ever hidden
        (``mask_ratio=0``, or a single column) all cells weigh 1.

    loss : {"squared_error", "absolute_error", "huber"}, default="huber"
        Loss of numbers, in scaled units; that of categories is cross-entropy. "huber"
        is half the squared error up to 1 and linear beyond, so that rare extreme
        cells do not dominate training.

    norm_pix_loss : bool, default=False
        Take errors in units of the standard deviation of their own patch (at least a
        tenth of that of all cells), as though targets were normalised patch by
        patch [1]_: texture counts as much where contrast is low. Reconstructions
        stay in the units of the input. Needs ``patch_size``.

    scaling : {"standard", "minmax", "robust", "quantile", "asinh"} or None, \
            default="standard"
        How numbers are scaled: to mean 0 and variance 1; to [0, 1]; by median and
        interquartile range; to normally distributed quantiles, which make all values
        beyond the range of the training rows alike; or by the inverse hyperbolic sine
        of standardised values, which compresses heavy tails. With ``input_shape`` all
        cells share one scale, or those of each channel.

    categorical_features : array-like of {bool, int, str}, "from_dtype" or None, \
            default="from_dtype"
        Categorical columns: a mask, indices or names; those of a DataFrame whose
        dtype is boolean, string or categorical ("from_dtype"); or none. A category
        that was not seen in fit counts as missing.

    output_activation : {"identity", "sigmoid", "tanh"}, default="identity"
        Activation of predicted numbers. "sigmoid" needs targets in [0, 1], as
        ``scaling="minmax"`` makes them, and "tanh" in [-1, 1].

    passthrough : bool or "auto", default="auto"
        Whether :meth:`transform` also gives the visible cells: behind the code stand
        the numbers, standardised (see Notes), then an indicator of each category, with
        0 where a cell is missing. A code says what other columns need to know of a
        row, and may lose what a column says by itself. "auto" is True for tables of at
        most 256 cells with each category counted, and False for all else. Must not be
        True for tokens and series of unlike lengths.

    input_shape : tuple of int or None, default=None
        Shape of a row that is an image, series or other n-d signal, such as (28, 28).
        X may then be flat or n-d. ``(None, n_channels)``, or ``(None,)`` for one
        channel, stands for series of unlike lengths: X is then a list of arrays of
        shape (length, n_channels), or an array of shape (n_samples, max_length,
        n_channels) in which they are filled up with NaN.

    channel_axis : int or None, default=None
        The axis of ``input_shape`` whose entries are channels: -1 for (24, 3) or
        (32, 32, 3), 0 for (3, 32, 32). Each channel has a scale of its own, and
        patches run over the other axes. None: all cells share one scale; if they
        should not, a warning says so.

    patch_size : int, tuple of int or None, default=None
        With ``input_shape``: hide patches of this size instead of single cells. It
        applies to the last axes besides the channels (an int to the last two); all
        before, and all channels, belong to one patch. With attention patches are also
        the tokens. For a series (100, 6) with ``channel_axis=-1`` take 5, for a video
        (3, 16, 32, 32) with ``channel_axis=0`` take (4, 8, 8). Patches at the border
        may be smaller.

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
        4e-3, with attention 6e-3, and 2e-3 with an ``input_shape`` of 256 cells or
        more.

    lr_schedule : {"cosine", "constant"}, default="cosine"
        "cosine" warms up over 5 % of the steps and then falls to 0.

    weight_decay : float, default=0.05
        Weight decay of the optimiser.

    batch_norm : bool, default=False
        Batch normalisation in place of layer normalisation.

    batch_size : int or "auto", default="auto"
        Most rows per step; the rows of an epoch are split evenly. "auto" is 128, and
        256 with an ``input_shape`` of 256 cells or more; with attention half of that.

    max_epochs : int or "auto", default="auto"
        Passes over the rows. "auto" makes at least 1200 steps and 10 epochs, and
        1800 and 20 with an ``input_shape`` of 256 cells or more; of a large table
        fewer epochs, which show about 10 million rows.

    early_stopping : bool, default=False
        Hold rows out, :meth:`score` them after each epoch, stop when the score no
        longer rises, and keep the best weights.

    validation_fraction : float in (0, 1), default=0.1
        Share of the rows to hold out for early stopping; 2000 rows at most.

    n_iter_no_change : int, default=10
        Epochs without a better score after which to stop early, not counting those
        in which the learning rate rises.

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

    warm_start : bool, default=False
        Let :meth:`fit` go on from the weights, scales and categories of the last
        fit. Of a category that is new it warns, and what shapes the network or the
        scales must be as it was.

    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, order of rows, masks and held-out rows.

    verbose : int, default=0
        1 shows one live line on stderr for each stage of a fit, with the time that is
        left; 2 prints a line per epoch.

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the torch module.

    model_ : object
        Codec, settings, network and device, which are what is pickled.

    n_components_ : int
        Width of the code.

    n_walk_features_ : int
        Number of features of random walks behind the code.

    passthrough_ : bool
        Whether the cells stand behind the code and these features.

    n_features_in_ : int
        Number of features seen in fit; of n-d rows, the number of cells.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen in fit, if they are all strings.

    n_iter_ : int
        Number of epochs trained.

    loss_curve_ : list of float
        Mean training loss of each epoch.

    validation_loss_curve_ : list of float or None
        1 - score on the held-out rows after each epoch, with early stopping.

    device_ : torch.device
        Where the weights are.

    precision_ : {"float32", "bfloat16"}
        Precision of matrix products in training.

    categories_ : list of ndarray
        Categories of each categorical column; with an analyzer, the tokens.

    See Also
    --------
    sklearn.decomposition.PCA : Linear codes that keep the most variance.
    sklearn.impute.IterativeImputer : Fills missing values column by column.

    Notes
    -----
    The recipe follows masked autoencoders for images [1]_ and their forerunners, the
    denoising autoencoders [2]_: a high mask ratio, a loss on hidden cells only,
    AdamW with a cosine learning rate. Layers are linear maps with layer
    normalisation (none where they are narrower than 8, which would lose what they
    say), and no layer is narrower than the code. With attention they are
    pre-norm blocks over tokens, which are units with sine-cosine positions, or
    columns with maps of their own; rows with fewer visible units than others are
    filled up with tokens that no other looks at. A patch of which some cells are
    missing is read as far as it is visible. Every other row of a batch is decoded
    from its code alone, so that :meth:`inverse_transform` can be too.

    Where the training rows of a table have missing values, the multilayer perceptron
    also reads which cells are hidden.

    Numbers behind the code have mean 0 over the training rows. Their standard
    deviation is 2, and where they are more than 16, 8 divided by the root of their
    number: so they vary together about as much as a code does, and a penalty on
    weights weighs both alike. With ``input_shape`` all cells, or those of each channel,
    are divided by one deviation.

    Features of random walks are those of :class:`DiffusionMap` on the codes of the
    training rows, or of at most 10,000 of them [5]_. Once the network is trained, a
    layer of the width of the code and a linear map learn to tell them from a code, so
    that other rows have them too. They vary together as much as the code does.
    :meth:`partial_fit` learns them anew from the rows of each call.

    Rows of tokens, and series of unlike lengths, are read by a network of its own:
    attention among the visible steps of a row, which know how far apart they are [4]_.
    Steps of a row are hidden together with all their channels, or in part. A code is
    made of the means, over the steps, of what each layer says of them, beside the
    logarithm of the length; it is standardised by the training rows, and
    ``n_components`` cuts it to its principal components. There, "auto" is
    ``hidden_layer_sizes=(96, 96)``, ``mask_ratio=(0.3, 0.5)``, ``lr=3e-3``,
    ``batch_size=64`` and at least 850 steps and 10 epochs. Masks, and errors of
    single cells, are lists of arrays of shape (length, n_channels), one for each row;
    tokens have one channel, and masks of them may do without that axis.

    With the same ``random_state``, data, device and number of threads, fits are
    equal bit by bit. Results of :meth:`transform` do not depend on the rows that
    stand beside a row.

    X may be a :class:`numpy.memmap`, or another array-like with a shape, a dtype and
    slices of rows, and larger than memory. A table of more than 2**26 numbers is
    encoded anew in every epoch, in blocks of rows that are shuffled and pooled.
    Where ``torch.distributed`` is initialised, all processes fit together: each
    takes ``batch_size`` rows of every batch.

    References
    ----------
    .. [1] He, Chen, Xie, Li, Dollar, Girshick (2022). Masked Autoencoders Are
       Scalable Vision Learners. CVPR. arXiv:2111.06377.
    .. [2] Vincent, Larochelle, Bengio, Manzagol (2008). Extracting and Composing
       Robust Features with Denoising Autoencoders. ICML.
    .. [3] Gorishniy, Rubachev, Babenko (2022). On Embeddings for Numerical Features
       in Tabular Deep Learning. NeurIPS. arXiv:2203.05556.
    .. [4] Shaw, Uszkoreit, Vaswani (2018). Self-Attention with Relative Position
       Representations. NAACL. arXiv:1803.02155.
    .. [5] Coifman, Lafon (2006). Diffusion maps. Applied and Computational Harmonic
       Analysis 21(1).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skmae import MaskedAutoencoderTransformer
    >>> X, y = load_iris(return_X_y=True)
    >>> mae = MaskedAutoencoderTransformer(max_epochs=100, random_state=0)
    >>> mae.fit_transform(X).shape  # the code, and the four columns behind it
    (150, 260)
    >>> pipeline = make_pipeline(mae, LogisticRegression(max_iter=1000))
    >>> bool(pipeline.fit(X, y).score(X, y) > 0.9)
    True

    Which cells of a damaged row are to blame, and what they should have been:

    >>> damaged = X[:1].copy()
    >>> damaged[0, 2] = 6.0
    >>> int(mae.reconstruction_error(damaged, per_feature=True).argmax())
    2
    >>> restored = mae.restore(damaged, mask=[[False, False, True, False]])
    >>> bool(abs(restored[0, 2] - X[0, 2]) < 0.5)
    True

    Rows of letters, of which some could not be read:

    >>> mae = MaskedAutoencoderTransformer(
    ...     analyzer="char", missing_token="?", hidden_layer_sizes=(32, 32),
    ...     max_epochs=60, random_state=0,
    ... ).fit(["ACGTACGTAC", "GTACGT", "CGTACGTACGTA"] * 30)
    >>> mae.restore(["ACG?AC", "?TACGT"])
    ['ACGTAC', 'GTACGT']
    """

    _own_constraints = {
        "architecture": [StrOptions(ARCHITECTURES.keys()), StrOptions({"auto"})],
    }

    def __init__(
        self,
        n_components="auto",
        *,
        architecture="auto",
        hidden_layer_sizes="auto",
        pooling="flatten",
        activation="gelu",
        numerical_embedding=None,
        mask_ratio="auto",
        mask_strategy="random",
        mask_value="mean",
        visible_weight=0.0,
        loss="huber",
        norm_pix_loss=False,
        scaling="standard",
        categorical_features="from_dtype",
        output_activation="identity",
        passthrough="auto",
        input_shape=None,
        channel_axis=None,
        patch_size=None,
        analyzer=None,
        missing_token=None,
        max_length=512,
        max_features=10_000,
        optimizer="adamw",
        lr="auto",
        lr_schedule="cosine",
        weight_decay=0.05,
        batch_norm=False,
        batch_size="auto",
        max_epochs="auto",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        device="auto",
        precision="auto",
        compile=False,
        callbacks=None,
        checkpoint=None,
        warm_start=False,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.architecture = architecture
        self.hidden_layer_sizes = hidden_layer_sizes
        self.pooling = pooling
        self.activation = activation
        self.numerical_embedding = numerical_embedding
        self.mask_ratio = mask_ratio
        self.mask_strategy = mask_strategy
        self.mask_value = mask_value
        self.visible_weight = visible_weight
        self.loss = loss
        self.norm_pix_loss = norm_pix_loss
        self.scaling = scaling
        self.categorical_features = categorical_features
        self.output_activation = output_activation
        self.passthrough = passthrough
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
        self.checkpoint = checkpoint
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    @keep_fitted_on_error
    @with_callbacks
    def fit(self, X, y=None, sample_weight=None):
        r"""Learn to predict hidden cells from visible ones.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            NaN, None and NA are missing values. With ``input_shape`` the rows may
            also be n-d: (n_samples, \*input_shape). With ``analyzer`` an iterable of
            strings or of sequences of tokens, and with ``input_shape=(None, ...)``
            series of unlike lengths; also in all other methods. A Parquet file or
            folder, by its path, a pyarrow dataset, a polars LazyFrame or a Dask
            DataFrame is read part by part.
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
            If a parameter or X is not usable, or training diverges; an earlier fit
            then stays as it was.
        KeyboardInterrupt
            On Ctrl-C. After the first epoch the estimator is fitted by what was
            trained until then, with a warning; before it, or where Ctrl-C comes a
            second time, an earlier fit stays as it was.
        """
        before = None
        if self.warm_start and hasattr(self, "net_"):
            before = self.model_
        task = self._task(before)
        return self._learn_from(self._fit_model(task, X, sample_weight, before))

    @_fit_context(prefer_skip_nested_validation=True)
    @keep_trained_on_error
    @with_callbacks
    def partial_fit(self, X, y=None, sample_weight=None):
        """Train for one more pass over X.

        The first call on an unfitted estimator learns scales and categories from
        its X, so that X should be a fair sample. Later calls leave them alone: of a
        category or token that is new they warn, and it counts as missing.
        The learning rate is constant.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
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
        task = self._task(one_pass=True)
        if not hasattr(self, "net_"):
            return self._learn_from(self._fit_model(task, X, sample_weight))
        checked = self._validate_X(X, reset=False)
        checked, weight = weighted_rows(checked, sample_weight)
        values = fit_further(self.model_, checked, weight, task)
        self._keep(self.model_)
        self._learn_errors(checked, values)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    @keep_fitted_on_error
    @with_callbacks
    def _fit_rows(self, X, weight, given):
        """Fit to rows that were checked, for an estimator that reads them too.

        Parameters
        ----------
        X : array, DataFrame or SlicedRows
            From :meth:`_validate_X`.
        weight : (n_rows,) array or None
        given :
            X as the user gave it, for callbacks.

        Returns
        -------
        values : (n_rows, n_columns) float32 array or EncodedRows
            The rows, encoded.
        """
        events = FitEvents(self, self._init_callback_context, X=given)
        # Of what stands behind codes such an estimator reads nothing.
        task = self._task(walks=False)
        trained = self._fit_checked(task, X, weight, events)
        self._learn_from(trained)
        return trained.encoded

    def transform(self, X):
        """Encode rows as they are, nothing hidden but what is missing.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to encode.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_features_out)
            ``n_components_`` columns of the code and ``n_walk_features_`` of random
            walks; with ``passthrough_`` behind them the visible cells, as
            :meth:`get_feature_names_out` names them. Of X's dtype if that is float32
            or float64.
        """
        check_is_fitted(self)
        X = self._validate_X(X, reset=False)
        if self.passthrough_:
            return features_beside_cells(self.model_, X, _float_dtype(X))
        return self.model_.features(X, _float_dtype(X))

    def get_feature_names_out(self, input_features=None):
        """Names of the columns that :meth:`transform` gives.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of X. None: those seen in fit, or "x0", "x1", ...

        Returns
        -------
        names : ndarray of str objects
            Of the code and the features of random walks,
            "maskedautoencodertransformer0" and so on; with ``passthrough_`` then of
            the columns of numbers, and "column_category" of each category.
        """
        names = super().get_feature_names_out(input_features)
        if not self.passthrough_:
            return names
        columns = _check_feature_names_in(self, input_features)
        cells = names_of_cells(columns, self.model_.codec)
        n_names = self.n_components_ + self.n_walk_features_
        return np.array([*names[:n_names], *cells], dtype=object)

    def inverse_transform(self, X):
        """Decode codes into rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_) or \
                (n_samples, n_features_out)
            Codes. What stands behind them is not looked at, so that rows are what the
            codes say of them.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features_in_)
            Rows in the units and categories of the input; of dtype object where
            there are categories.
        """
        check_is_fitted(self)
        if self._sequence_reader() is not None:
            raise NotImplementedError(
                "The code of a row of tokens, or of a series of unlike length, is a "
                "mean over its steps, from which they cannot be told: there is no "
                "inverse_transform. See restore and augment."
            )
        codes = check_array(as_numpy(X), dtype=[np.float64, np.float32])
        if codes.shape[1] not in (self.n_components_, self._n_features_out):
            or_more = ""
            if self._n_features_out > self.n_components_:
                or_more = f", or {self._n_features_out} as transform gives them,"
            raise ValueError(
                f"X has {codes.shape[1]} features, but inverse_transform of "
                f"{self.__class__.__name__} is expecting n_components_ = "
                f"{self.n_components_} features{or_more} as input."
            )
        decoded = self.model_.inference().decode(codes[:, : self.n_components_])
        cells = self.model_.module.outputs.likeliest(decoded)
        columns = self.model_.codec.decode(cells)
        dtype = object if self.model_.layout.categorical else codes.dtype
        rows = np.empty(cells.shape, dtype=dtype)
        for j, column in enumerate(columns):
            rows[:, j] = column
        return rows

    def reconstruction_error(self, X, per_feature=False):
        """Mean squared error of cells while they are hidden.

        Every cell is hidden equally often, by masks that were drawn in fit at about
        the training mask ratio and are the same for all rows. Errors are in units of
        the column's variance in training (with ``input_shape``, of one variance for
        all cells or for those of each channel), so that predicting the mean costs
        about 1. Of categories it is the squared distance between predicted
        probabilities and the category; of tokens their negative log-likelihood in
        units of the entropy of their frequencies. Missing cells do not count.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to judge.
        per_feature : bool, default=False
            Keep the cells apart.

        Returns
        -------
        error : ndarray of shape (n_samples,) or (n_samples, n_features)
            Float64. Per feature, NaN where a cell is missing; otherwise 0 for a row
            that misses all. Of rows of tokens, and of series of unlike lengths, a list
            of arrays of shape (length, n_channels) per feature.
        """
        if per_feature and self._sequence_reader() is not None:
            return self._errors_of_steps(X)

        def judge(_, values):
            errors = self._errors_while_hidden(values)
            return errors if per_feature else _mean_of_cells(errors, values)

        return self._judged_by(X, judge)

    def _errors_of_steps(self, X):
        check_is_fitted(self)
        found = []
        for _, values in self._encoded_parts(self._validate_X(X, reset=False)):
            found += values.split(self._errors_while_hidden(values))
        return found

    def score_samples(self, X):
        """How normal each row is: the negative reconstruction error.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Higher is more normal.
        """
        return -self.reconstruction_error(X)

    def score(self, X, y=None):
        """How well hidden cells of X are predicted.

        The share of the hidden cells' variance that is explained,
        ``1 - sum((x - predicted)**2) / sum((x - mean)**2)`` with the means of training,
        pooled over cells in units of their column's variance, and
        averaged over masks that hide 15, 30, 50 and 75 % of the cells. The masks are
        the same for every estimator and hide every cell equally often, whatever
        ``mask_ratio`` was trained with, so that a grid search over any parameter
        compares like with like. Scores under scalings that are not affine
        ("quantile", "asinh") measure in other units and compare only with their own
        kind. Of tokens it is the share of the log-likelihood that is explained, beyond
        their frequencies in training.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows that were not trained on.
        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        score : float
            1 is perfect; 0 is no better than the training means, as it must be for
            independent columns.
        """
        check_is_fitted(self)
        values = self.model_.encode_to_train(self._validate_X(X, reset=False))
        return checked_score(self.model_.inference(), values, self.model_.panel())

    def _task(self, before=None, one_pass=False, walks=True):
        reader = self._sequence_reader()
        kind = TransformerTask if reader is None else SequenceTask
        if kind is SequenceTask and not is_auto(self.passthrough) and self.passthrough:
            raise ValueError(
                "passthrough=True puts cells of rows of one width behind their code, "
                "but rows of tokens and series have lengths of their own. Set "
                "passthrough='auto' or False."
            )
        if before is not None and not (
            isinstance(before.codec, self._codec_class())
            and (reader is None or before.layout.n_columns == reader.n_cells)
        ):
            raise ValueError(
                "warm_start=True continues a fit to rows of the same kind, but "
                f"analyzer={self.analyzer!r} and input_shape={self.input_shape!r} "
                "read rows of another. Set warm_start=False to start anew."
            )
        return kind(self, before, one_pass, walks)

    def _codec_class(self):
        if self._sequence_reader() is None:
            return TableCodec
        return SeriesCodec if self.analyzer is None else TokenCodec

    def _sequence_reader(self):
        return sequence_reader(self)

    def _learn_from(self, trained):
        self.n_components_ = trained.model.settings.network.n_components
        self.passthrough_ = stands_beside(self.passthrough, trained.model)
        rows = trained.train if trained.held_out is None else trained.held_out
        self._learn_errors(trained.X, rows)
        return self

    def _row_shape(self):
        return checked_shape(self.input_shape)

    def _errors_while_hidden(self, values):
        if isinstance(values, Sequences):
            ratio = self.model_.scoring_masks
            return self.model_.inference().errors_while_hidden(values, ratio)
        masks = torch.from_numpy(self.model_.scoring_masks)
        return self.model_.inference().errors_while_hidden(values, masks)

    @property
    def categories_(self):
        """Categories of each categorical column, or the tokens: list of ndarray."""
        check_is_fitted(self)
        return self.model_.codec.categories

    @property
    def n_walk_features_(self):
        """Number of features of random walks behind the code."""
        check_is_fitted(self)
        return self.model_.settings.network.n_walk_features

    @property
    def _n_features_out(self):
        n_features = self.model_.settings.network.n_features
        return n_features + self.passthrough_ * self.model_.layout.n_expanded

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.three_d_array = self.input_shape is not None
        if self.analyzer is not None:
            tags.input_tags.string = True
            tags.input_tags.two_d_array = tags.input_tags.sparse = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _mean_of_cells(errors, values):
    """Mean error of each row: (n_rows,)."""
    if isinstance(values, Sequences):
        n_observed = values.per_row((~np.isnan(errors)).sum(axis=1))
        sums = values.per_row(np.nansum(errors, axis=1))
    else:
        n_observed = (~np.isnan(errors)).sum(axis=1)
        sums = np.nansum(errors, axis=1)
    return sums / np.maximum(n_observed, 1)


def _float_dtype(X):
    if isinstance(X, (TokenRows, SeriesRows)):
        return np.float32
    if is_frame(X) or X.dtype != np.float32:
        return np.float64
    return np.float32
