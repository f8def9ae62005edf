"""How rows of a table are judged: errors of hidden cells, in units of the user's."""

import numpy as np

from skmae.detection.attribution import CellAttribution, JudgedRows
from skmae.detection.criteria import CRITERIA
from skmae.detection.errors import EnsembleErrors
from skmae.training.parameters import chosen

_N_NEIGHBORS = 5
# Rows to calibrate on and to search for neighbours, and their most coordinates.
_MAX_REFERENCE = 4096
_MAX_COORDINATES = 2**23


class TableJudge:
    """Judge rows that all have the same cells.

    Parameters
    ----------
    model : FittedModel
    training_data : {"auto", "clean", "contaminated"}
    n_neighbors : int or "auto"
    """

    def __init__(self, model, training_data, n_neighbors):
        self.model = model
        self.criterion = CRITERIA[training_data]
        self.n_neighbors = n_neighbors

    def most_rows(self, values):
        """Training rows to calibrate on, at most."""
        n_expanded = self.model.layout.n_expanded
        return min(_MAX_REFERENCE, max(_MAX_COORDINATES // (3 * n_expanded), 256))

    def attribution(self):
        """What makes scores of judged rows, to be calibrated."""
        return CellAttribution(
            self.model.layout.column_of_expanded,
            self.model.codec.groups,
            self.criterion,
            chosen(self.n_neighbors, _N_NEIGHBORS),
            self.model.seeds["rows"],
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

    def expected_cells(self, values, judged):
        """What new rows were expected to be: (n_rows, n_columns) array, encoded."""
        return self.model.codec.within_range(judged.likeliest)

    def totals(self, blame, values):
        """Sum of the blame of each row: (n_rows,) array."""
        return blame.sum(axis=1)

    # -- steps -------------------------------------------------------------------------

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
        signed = [
            (expanded - expected) / layout.stds[cells] for expected in errors.expected
        ]
        unseen = np.isnan(values) & ~missing
        # A category that was not seen in fit is none of those that were.
        expanded[unseen[:, cells]] = 0.0
        return JudgedRows(
            self._in_users_units(expanded),
            [self._in_users_units(self._clipped(level)) for level in errors.expected],
            ~missing,
            unseen,
            errors.squared,
            signed,
            self.model.module.outputs.likeliest(errors.expected[-1].astype(np.float32)),
        )

    def _clipped(self, expected):
        """Predictions, of numbers within the range of the training rows.

        Beside an extreme cell they may be extreme, and unscaling them overflow.
        """
        codec, n_numeric = self.model.codec, len(self.model.layout.numeric)
        low, high = codec.scaler_.transform(np.stack([codec.low_, codec.high_]))
        numbers = expected[:, :n_numeric].clip(low, high)
        return np.hstack([numbers, expected[:, n_numeric:]])

    def _in_users_units(self, expanded):
        n_numeric = len(self.model.layout.numeric)
        # An extreme cell may be infinite there, and is then as far as any can be.
        with np.errstate(over="ignore"):
            numbers = self.model.codec.scaler_.inverse_transform(
                expanded[:, :n_numeric]
            )
        return np.hstack([numbers, expanded[:, n_numeric:]])
