"""What the roles that train a model share: rows in, a fit, rows out."""

import numpy as np
from sklearn.callback import CallbackSupportMixin

from skmae._docs import DocumentedEstimator
from skmae._persistence import ModelHolder
from skmae._rows import RowReader, weighted_rows
from skmae.data.tables import as_table, is_frame
from skmae.data.writing import write_cells
from skmae.training.callbacks import FitEvents
from skmae.training.fit import fit
from skmae.training.parameters import CheckedParameters


class TrainedEstimator(
    CallbackSupportMixin,
    ModelHolder,
    RowReader,
    CheckedParameters,
    DocumentedEstimator,
):
    """What all estimators with a network are."""


class BaseMaskedAutoencoder(TrainedEstimator):
    """Base of the estimators that learn from rows alone."""

    # -- training --------------------------------------------------------------

    def _fit_model(self, task, X, sample_weight=None, before=None):
        """Train a model on X as a task wants it, and keep it.

        Parameters
        ----------
        task : Task
        X, sample_weight :
            As in fit.
        before : FittedModel or None
            To go on from.

        Returns
        -------
        trained : Trained
        """
        checked = self._validate_X(X, reset=before is None)
        checked, weight = weighted_rows(checked, sample_weight)
        return self._fit_checked(
            task,
            checked,
            weight,
            FitEvents(self, self._init_callback_context, X=X),
            before,
        )

    def _fit_checked(self, task, X, weight, events, before=None):
        """As :meth:`_fit_model`, of rows and weights that were checked."""
        trained = fit(task, X, weight, events, before)
        self.n_iter_, self.loss_curve_, self.validation_loss_curve_ = 0, [], None
        self._keep(trained.model)
        return trained

    def _keep(self, model):
        self.model_ = model
        new = model.net.history[-model.net.n_new_epochs_ :]
        self.n_iter_ += len(new)
        self.loss_curve_ = self.loss_curve_ + [epoch["train_loss"] for epoch in new]
        if "valid_loss" in new[-1]:
            self.validation_loss_curve_ = [epoch["valid_loss"] for epoch in new]

    # -- rows out --------------------------------------------------------------

    def _missing(self, X, values):
        """Cells without a value; not those that fit knows nothing of.

        Such are categories unseen in fit, and all cells of a column empty in fit.
        """
        if self._sequence_reader() is not None:
            return X.missing
        codec = self.model_.codec
        missing = np.isnan(values)
        table = as_table(X, codec.categorical_)
        for column in codec.encoders_:
            missing[:, column] = table.categorical_column(column)[1]
        empty = codec.empty_[codec.numeric_]
        if empty.any():
            numbers = table.numeric_block(slice(0, table.n_rows))[:, empty]
            missing[:, codec.numeric_[empty]] = np.isnan(numbers)
        return missing

    def _written(self, X_given, X, cells, hidden, keep_dtype, adjust=None):
        """Copy the user's X with hidden cells replaced by decoded ones.

        ``adjust`` may change the list of decoded columns first.
        """
        columns = self.model_.codec.decode(cells)
        if adjust is not None:
            columns = adjust(columns)
        if self._sequence_reader() is not None:
            return X.written(columns, hidden, keep_dtype)
        if is_frame(X_given):
            return write_cells(X_given, columns, hidden, keep_dtype)
        written = write_cells(X, columns, hidden, keep_dtype)
        return written.reshape(np.shape(X_given))
