"""Rows that a transformer gives back: reconstructed, restored and varied."""

from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skmae._base import BaseMaskedAutoencoder
from skmae.data.few_values import snapped
from skmae.data.sequences import Sequences
from skmae.data.shares import rows_to_learn_from
from skmae.data.tables import as_table, take_rows
from skmae.data.writing import stacked_like
from skmae.features.augmentation import (
    CellErrors,
    draw_masks,
    redraw,
    some_rows,
)
from skmae.features.sequence_augmentation import (
    StepErrors,
    draw_step_masks,
    redraw_steps,
)


class RestoringAutoencoder(BaseMaskedAutoencoder):
    """The part of the transformer that gives rows in the units of the input."""

    # What the network gets wrong of hidden numbers; None: rows are tokens.
    _errors: Any

    def reconstruct(self, X, mask=None):
        """Predict every cell of X, seeing what the mask leaves visible.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to reconstruct.
        mask : array-like of bool of the shape of X, default=None
            True where a cell is to be hidden. Missing cells always are.

        Returns
        -------
        X_reconstructed : ndarray or DataFrame of the shape of X
            Predictions in the units and categories of X, all cells of them; of sparse
            X a dense array. Cells of columns without a value in fit are missing.
        """
        written = []
        for given, part, values, hidden in self._parts_to_write(X, mask):
            inference = self.model_.inference()
            if isinstance(values, Sequences):
                ratio = self.model_.scoring_masks
                cells = inference.cells_while_hidden(values, ratio, hidden)
            else:
                cells = inference.cells(values, hidden)
            everything = np.ones(cells.shape, dtype=bool)
            written.append(
                self._written(given, part, cells, everything, keep_dtype=False)
            )
        return np.concatenate(written) if sparse.issparse(X) else written[0]

    def restore(self, X, mask=None):
        """Fill hidden and missing cells with predictions; leave the others alone.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to restore.
        mask : array-like of bool of the shape of X, default=None
            True where a cell is damaged: its value is not looked at, and replaced.
            Missing cells are always replaced.

        Returns
        -------
        X_restored : ndarray, DataFrame or sparse container of the shape of X
            Of X's dtypes (integers and booleans by rounding), with visible cells bit
            for bit as they were. Of sparse X, sparse in CSC format if X is, else in
            CSR. What a column held that had no value in fit cannot be restored: its
            hidden cells are missing.
        """
        return stacked_like(X, self._restored_parts(X, mask))

    def _restored_parts(self, X, mask):
        for given, part, values, masked in self._parts_to_write(X, mask):
            cells = self.model_.inference().cells(values, masked)
            hidden = self._missing(part, values)
            if masked is not None:
                hidden |= masked
            yield self._written(given, part, cells, hidden, keep_dtype=True)

    def restore_proba(self, X, mask=None):
        """How likely each category, or token, is where :meth:`restore` fills it in.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to restore, or sequences.
        mask : array-like of bool of the shape of X, default=None
            True where a cell is damaged; of sequences, one array for each.

        Returns
        -------
        probabilities : list of ndarray of shape (n_samples, n_categories)
            One for each categorical column, in the order of ``categories_``. With an
            analyzer, one of shape (length, n_tokens) for each row. A visible cell has
            probability 1 of being what it is.

        Raises
        ------
        ValueError
            If there is no categorical column.
        """
        found = []
        for _, _, values, masked in self._parts_to_write(X, mask):
            layout = self.model_.layout
            if not layout.categorical:
                raise ValueError(
                    "restore_proba gives probabilities of categories, but X has no "
                    "categorical column; of numbers restore gives the expected value."
                )
            means = self.model_.inference().predict(values, masked)
            cells = values.cells if isinstance(values, Sequences) else values
            if masked is not None:
                cells = np.where(masked, np.float32(np.nan), cells)
            for column, part in layout.category_slices():
                visible = ~np.isnan(cells[:, column])
                of_column = means[:, part]
                of_column[visible] = 0.0
                known = cells[visible, column].astype(int)
                of_column[np.flatnonzero(visible), known] = 1.0
                found.append(of_column)
            if isinstance(values, Sequences):
                return values.split(found[0])
        return found

    def augment(self, X, n_copies=1, mask_ratio=None, random_state=None):
        """Make new rows: hide part of each row and redraw it.

        A hidden number becomes the prediction plus an error drawn from those that
        the network made on hidden training cells of the column, kept within the
        range seen in fit, and on a value seen in fit where the column has few; a
        hidden category is drawn from its predicted probabilities. Cells are drawn in
        up to eight passes, in a random order and each given those of the passes
        before, so that they suit each other. Missing cells are redrawn too.

        Parameters
        ----------
        X : {array-like, sparse matrix} or DataFrame of shape (n_samples, n_features)
            Rows to vary.
        n_copies : int, default=1
            New rows per given row.
        mask_ratio : float in (0, 1) or None, default=None
            Share of the cells to redraw. None: that of the training, or one half
            where that was 0.
        random_state : int, RandomState instance or None, default=None
            Seed of the masks and draws.

        Returns
        -------
        X_new : ndarray, DataFrame or sparse container of shape \
                (n_copies * n_samples, ...)
            All rows once, then all rows again, ...; of X's kind and dtypes. With
            ``y``, use ``np.tile(y, n_copies)``. Columns without a value in fit are
            missing.
        """
        check_is_fitted(self)
        if not isinstance(n_copies, (int, np.integer)) or n_copies < 1:
            raise ValueError(
                f"n_copies must be an integer of at least 1. Got {n_copies!r}."
            )
        if mask_ratio is not None and (
            not isinstance(mask_ratio, Real) or not 0 < float(mask_ratio) < 1
        ):
            raise ValueError(
                f"mask_ratio must be a float in (0, 1) or None. Got {mask_ratio!r}."
            )
        sampler = self.model_.random_masks(mask_ratio)
        rng = check_random_state(random_state)
        seeds = rng.randint(np.iinfo(np.int32).max, size=n_copies)

        if not sparse.issparse(X):
            return stacked_like(X, self._redrawn_parts(X, sampler, seeds))
        # Copy by copy, so that the parts of the copies are not shuffled.
        copies = [
            stacked_like(X, self._redrawn_parts(X, sampler, [seed])) for seed in seeds
        ]
        return sparse.vstack(copies, format=copies[0].format)

    def _redrawn_parts(self, X, sampler, seeds):
        for k, (given, part, values, _) in enumerate(self._parts_to_write(X)):
            # Another draw for each part.
            yield self._redrawn(given, part, values, sampler, [s + k for s in seeds])

    def _redrawn(self, X_given, X, values, sampler, seeds):
        """Rows varied once for each seed."""
        if isinstance(values, Sequences):
            return self._redrawn_sequences(X, values, sampler, seeds)
        cells, hidden = [], []
        errors = self._errors.ready()
        for seed in seeds:
            mask = draw_masks(sampler, values, int(seed)) | np.isnan(values)
            cells.append(redraw(self.model_, values, mask, errors, seed))
            hidden.append(mask)
        rows = np.tile(np.arange(len(values)), len(seeds))
        return self._written(
            take_rows(X_given, rows),
            take_rows(X, rows),
            np.concatenate(cells),
            np.concatenate(hidden),
            keep_dtype=True,
            adjust=lambda columns: snapped(columns, errors.few_valued),
        )

    def _redrawn_sequences(self, X, values, sampler, seeds):
        written, residuals = [], None
        if self._errors is not None:
            residuals = self._errors.ready().residuals
        for seed in seeds:
            hidden = draw_step_masks(sampler, values, int(seed))
            hidden |= np.isnan(values.cells)
            cells = redraw_steps(
                self.model_.inference(),
                values,
                hidden,
                residuals,
                np.random.default_rng(seed),
            )
            if residuals is not None:
                cells = self.model_.codec.within_range(cells)
            written.append(self._written(X, X, cells, hidden, keep_dtype=True))
        if isinstance(written[0], list):
            return [row for rows in written for row in rows]
        return np.concatenate(written)

    def _learn_errors(self, X, values):
        """Learn what redrawn cells look like from checked rows and encoded ones."""
        if isinstance(values, Sequences):
            self._errors = None
            if self.analyzer is None:
                self._errors = StepErrors(self.model_, values)
            return
        # Read now, as files may not stay what they are.
        X = rows_to_learn_from(X, some_rows(len(X), self.model_.seeds["rows"]))
        table = as_table(X, self.model_.codec.categorical_)
        self._errors = CellErrors(self.model_, values, table)
