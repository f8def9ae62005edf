"""How rows of a table are judged: errors of hidden cells, in units of the user's."""

import math

import numpy as np

from skmae.detection.attribution import CellAttribution, JudgedRows
from skmae.detection.errors import EnsembleErrors
from skmae.training.parameters import chosen

_N_NEIGHBORS = 5
# With training_data="contaminated": among so many, outliers are outnumbered.
_NEIGHBOR_SHARE = 1 / 4
# Rows to calibrate on and to search for neighbours, and their most coordinates.
_MAX_REFERENCE = {"clean": 4096, "contaminated": 1024}
_MAX_COORDINATES = 2**23


class TableJudge:
    """Judge rows that all have the same cells.

    Parameters
    ----------
    model : FittedModel
    training_data : {"clean", "contaminated"}
    n_neighbors : int or "auto"
    """

    def __init__(self, model, training_data, n_neighbors):
        self.model = model
        self.training_data = training_data
        self.n_neighbors = n_neighbors

    def most_rows(self, values):
        """Training rows to calibrate on, at most."""
        n_expanded = self.model.layout.n_expanded
        return min(
            _MAX_REFERENCE[self.training_data],
            max(_MAX_COORDINATES // (3 * n_expanded), 256),
        )

    def attribution(self, n_reference):
        """What makes scores of judged rows, to be calibrated on so many."""
        return CellAttribution(
            self.model.layout.column_of_expanded,
            self.model.codec.groups,
            self.training_data == "clean",
            self._n_neighbors(n_reference),
        )

    def training_rows(self, values, folds):
        """Judge encoded rows by members that left them out: JudgedRows."""
        errors = self._errors().of_training_rows(values, folds)
        return self._judged(values, np.isnan(values), errors)

    def new_rows(self, values, missing=None):
        """Judge encoded rows by all members: JudgedRows.

        Parameters
        ----------
        values : (n_rows, n_columns) float32 array
        missing : (n_rows, n_columns) bool array or None
            Cells without a value. None: all that are NaN; otherwise others of these
            are categories that were not seen in fit.
        """
        if missing is None:
            missing = np.isnan(values)
        errors = self._errors().of_new_rows(values)
        return self._judged(values, missing | self.model.codec.empty_, errors)

    def totals(self, blame, values):
        """Sum of the blame of each row: (n_rows,) array."""
        return blame.sum(axis=1)

    # -- steps -------------------------------------------------------------------------

    def _n_neighbors(self, n_reference):
        auto = _N_NEIGHBORS
        if self.training_data == "contaminated":
            auto = math.ceil(_NEIGHBOR_SHARE * n_reference)
        wanted = chosen(self.n_neighbors, auto)
        return max(min(wanted, n_reference - 1), 1)

    def _errors(self):
        model = self.model
        return EnsembleErrors(
            model.module, model.layout, model.device, model.scoring_masks
        )

    def _judged(self, values, missing, errors):
        """Rows beside their predictions, in units that no scaling bends."""
        layout = self.model.layout
        cells = layout.column_of_expanded
        expanded = layout.expand(values).astype(np.float64)
        signed = (expanded - errors.expected) / layout.stds[cells]
        unseen = np.isnan(values) & ~missing
        # A category that was not seen in fit is none of those that were.
        expanded[unseen[:, cells]] = 0.0
        n_numeric = len(layout.numeric)
        seen = np.stack([self.model.codec.low_, self.model.codec.high_])
        expected = errors.expected.copy()
        # Beside an extreme cell a prediction may be extreme, and unscaling it overflow.
        expected[:, :n_numeric] = expected[:, :n_numeric].clip(
            *self.model.codec.scaler_.transform(seen)
        )
        return JudgedRows(
            self._in_users_units(expanded),
            self._in_users_units(expected),
            ~missing,
            unseen,
            errors.squared,
            signed,
        )

    def _in_users_units(self, expanded):
        n_numeric = len(self.model.layout.numeric)
        # An extreme cell may be infinite there, and is then as far as any can be.
        with np.errstate(over="ignore"):
            numbers = self.model.codec.scaler_.inverse_transform(
                expanded[:, :n_numeric]
            )
        return np.hstack([numbers, expanded[:, n_numeric:]])
