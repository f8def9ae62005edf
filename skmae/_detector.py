"""The masked autoencoder as an outlier detector."""

import math
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import OutlierMixin
from sklearn.callback import with_callbacks

from skmae._base import BaseMaskedAutoencoder, keep_fitted_on_error
from skmae._compat import Interval, StrOptions, _fit_context
from skmae._parameters import PARAMETER_CONSTRAINTS, resolve_settings
from skmae._random import torch_generator
from skmae.data.folds import MemberDataset, deal_folds
from skmae.data.tables import frame_like, is_frame
from skmae.detection.blame import CellBlame, JudgedRows
from skmae.detection.errors import EnsembleErrors, cells_of_expanded, expand
from skmae.masking import fold_masks
from skmae.networks.ensemble import MaskedEnsemble
from skmae.training.build import Settings

# Steps and epochs that max_epochs="auto" trains for at least.
_LEAST_STEPS = 700
_LEAST_EPOCHS = 10
# Levels of hiding: share of the units that a mask hides, and number of deals.
_NEARLY_ONE = (0.1, 1)
_A_QUARTER = (0.25, 2)
_LEVELS = {
    "clean": (_NEARLY_ONE, _A_QUARTER),
    # Outliers among the training rows teach the network to predict outliers, the
    # better the more of them it sees.
    "contaminated": (_NEARLY_ONE,),
}
_N_NEIGHBORS = 5
# With training_data="contaminated": among so many, outliers are outnumbered.
_NEIGHBOR_SHARE = 1 / 3
# Rows to calibrate on and to search for neighbours, and their most coordinates.
_MAX_REFERENCE = {"clean": 4096, "contaminated": 1024}
_MAX_COORDINATES = 2**23
# Share of unseen normal rows that contamination="auto" calls outliers.
_AUTO_SHARE = 0.05


@dataclass(frozen=True)
class DetectorSettings(Settings):
    """Settings of an ensemble."""

    n_members: int

    def network(self, layout, seed):
        """Class of the torch module and its constructor's arguments."""
        return MaskedEnsemble, {
            "layout": layout,
            "n_members": self.n_members,
            "hidden_layer_sizes": self.hidden_layer_sizes,
            "activation": self.activation,
            "fill": "mean" if self.corrupts else self.mask_value,
            "indicator": self.indicator,
            "piecewise_linear": self.numerical_embedding is not None,
            "seed": seed,
        }


class MaskedAutoencoderDetector(OutlierMixin, BaseMaskedAutoencoder):
    """TODO."""

    _shared = (
        "hidden_layer_sizes",
        "activation",
        "numerical_embedding",
        "mask_strategy",
        "mask_value",
        "loss",
        "scaling",
        "categorical_features",
        "input_shape",
        "patch_size",
        "optimizer",
        "lr",
        "lr_schedule",
        "weight_decay",
        "batch_size",
        "max_epochs",
        "device",
        "precision",
        "compile",
        "callbacks",
        "random_state",
        "verbose",
    )
    _parameter_constraints = {
        **{name: PARAMETER_CONSTRAINTS[name] for name in _shared},
        "hidden_layer_sizes": ["array-like"],
        "mask_ratio": [Interval(Real, 0, 1, closed="neither"), tuple, list],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "contamination": [
            StrOptions({"auto"}),
            Interval(Real, 0, 0.5, closed="right"),
        ],
        "training_data": [StrOptions(set(_LEVELS))],
        "n_neighbors": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "n_members": [Interval(Integral, 2, None, closed="left")],
    }
    # Shared parameters that this role fixes: there is no code, no output but the
    # identity, and members are judged by the rows they left out in this very fit.
    n_components = 1
    output_activation = "identity"
    batch_norm = False
    visible_weight = 0.0
    early_stopping = False
    warm_start = False

    def __init__(
        self,
        contamination="auto",
        *,
        training_data="clean",
        n_neighbors="auto",
        n_members=4,
        hidden_layer_sizes=(192, 192, 192),
        activation="gelu",
        numerical_embedding=None,
        mask_ratio=(0.1, 0.5),
        mask_strategy="random",
        mask_value="mean",
        loss="squared_error",
        scaling="asinh",
        categorical_features="from_dtype",
        input_shape=None,
        patch_size=None,
        optimizer="adamw",
        lr=2e-3,
        lr_schedule="cosine",
        weight_decay=0.05,
        batch_size=200,
        max_epochs="auto",
        device="auto",
        precision="float32",
        compile=False,
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.contamination = contamination
        self.training_data = training_data
        self.n_neighbors = n_neighbors
        self.n_members = n_members
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
        self.patch_size = patch_size
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
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    @keep_fitted_on_error
    @with_callbacks
    def fit(self, X, y=None):
        r"""Learn what rows are normal.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            NaN, None and NA are missing values. With ``input_shape`` the rows may
            also be n-d: (n_samples, \*input_shape).
        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : MaskedAutoencoderDetector
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or X is not usable; an earlier fit then stays as it was.
        """
        values = self._fit_rows(X)
        scores = -self._calibrate(values).sum(axis=1)
        if isinstance(self.contamination, str):
            self.offset_ = float(np.quantile(scores, _AUTO_SHARE))
        else:
            scores = self.score_samples(X)
            self.offset_ = float(np.quantile(scores, self.contamination))
        return self

    def score_samples(self, X):
        """How normal each row is.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Higher is more normal. Never above 0; minus the sum of the blame of
            :meth:`explain`.
        """
        return -self._blame_of(X).sum(axis=1)

    def decision_function(self, X):
        """How normal each row is, outliers being negative.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
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
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            -1 for outliers, +1 for normal rows.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def explain(self, X):
        """How much each cell adds to the abnormality of its row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows to judge.

        Returns
        -------
        blame : ndarray or DataFrame of the shape of X
            At least 0; the blame of a row's cells sums to ``-score_samples``. 0
            where a cell is missing. A DataFrame for a DataFrame.
        """
        blame = self._blame_of(X)
        return frame_like(X, blame) if is_frame(X) else blame.reshape(np.shape(X))

    # -- judging ---------------------------------------------------------------

    def _blame_of(self, X):
        X, values = self._read(X)
        missing = self._missing(X, values)
        errors = self._judges().of_new_rows(values)
        return self._blame(self._judged(values, missing, errors))

    def _calibrate(self, values):
        """Learn from training rows, by members that left them out, what is typical."""
        folds = self._deal_folds(len(values)).numpy()
        n_expanded = self._codec.layout_.n_expanded
        most = min(
            _MAX_REFERENCE[self.training_data],
            max(_MAX_COORDINATES // (3 * n_expanded), 256),
        )
        if len(values) > most:
            rng = np.random.default_rng(self._seeds["scoring"])
            rows = np.sort(rng.choice(len(values), most, replace=False))
            values, folds = values[rows], folds[rows]
        errors = self._judges().of_training_rows(values, folds)
        self._blame = CellBlame(
            cells_of_expanded(self._codec.layout_),
            self.input_shape is not None,
            self._n_neighbors(len(values)),
        )
        return self._blame.fit(self._judged(values, np.isnan(values), errors))

    def _n_neighbors(self, n_reference):
        if not isinstance(self.n_neighbors, str):
            wanted = self.n_neighbors
        elif self.training_data == "contaminated":
            wanted = math.ceil(_NEIGHBOR_SHARE * n_reference)
        else:
            wanted = _N_NEIGHBORS
        return max(min(wanted, n_reference - 1), 1)

    def _judges(self):
        return EnsembleErrors(
            self.net_.module_, self._codec.layout_, self.device_, self._bank
        )

    def _judged(self, values, missing, errors):
        """Rows with their values in the user's units, which no scaling bends."""
        layout = self._codec.layout_
        expanded = expand(torch.from_numpy(values), layout).double().numpy()
        n_numeric = len(layout.numeric)
        numbers = expanded[:, :n_numeric]
        expanded[:, :n_numeric] = self._codec.scaler_.inverse_transform(numbers)
        strange = np.isnan(values) & ~missing
        # A category that was not seen in fit is none of those that were.
        expanded[strange[:, cells_of_expanded(layout)]] = 0.0
        return JudgedRows(expanded, ~missing, strange, *errors)

    # -- training --------------------------------------------------------------

    def _settings_for(self, train):
        if not isinstance(self.mask_ratio, Real) and max(self.mask_ratio, default=0) == 0:
            raise ValueError(
                "The 'mask_ratio' parameter given as a range must reach above 0. Got "
                f"{self.mask_ratio!r} instead."
            )
        shared = resolve_settings(self, len(train))
        return DetectorSettings(**vars(shared), n_members=self.n_members)

    def _dataset(self, train, weight, device):
        values = torch.from_numpy(train).to(device)
        folds = self._deal_folds(len(train))
        return MemberDataset(values, folds, self.n_members, least_batches=1)

    def _deal_folds(self, n_rows):
        return deal_folds(n_rows, self.n_members, self._seeds["validation"])

    def _epochs_for(self, dataset, batch_size):
        if not isinstance(self.max_epochs, str):
            return int(self.max_epochs)
        epochs = math.ceil(_LEAST_STEPS / dataset.n_batches(batch_size))
        return max(_LEAST_EPOCHS, epochs)

    def _make_bank(self, sampler):
        """Masks of each level of hiding, applied alike to every row."""
        generator = torch_generator(self._seeds["scoring"])
        return [
            sampler.to_cells(
                fold_masks(self._grid.n_units, ratio, generator, n_repeats)
            ).numpy()
            for ratio, n_repeats in _LEVELS[self.training_data]
        ]

    def _keep(self, net, settings, device):
        super()._keep(net, settings, device)
        del self.n_components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.three_d_array = self.input_shape is not None
        return tags
