"""A report of a fitted estimator: one page of HTML."""

from pathlib import Path

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import confusion_matrix
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skmae._base import TrainedEstimator
from skmae._compat import check_matplotlib_support
from skmae._version import __version__
from skmae.data.stored_frames import StoredFrame, as_stored
from skmae.data.tables import as_numpy, take_rows, with_rows
from skmae.data.writing import write_cells
from skmae.displays.anomaly import AnomalyDisplay
from skmae.displays.canvas import names_of, refuse_sequences
from skmae.displays.html import bullets, facts, page, paragraph, picture, table
from skmae.displays.loss_curve import LossCurveDisplay
from skmae.displays.new_rows import NewRowsDisplay
from skmae.displays.reconstruction import (
    ReconstructionDisplay,
    draw_mask,
    flat_cells,
)
from skmae.displays.report_columns import (
    describe_columns,
    labels_of_rows,
    quality_of_detector,
    quality_of_generator,
    quality_of_imputer,
    quality_while_hidden,
)
from skmae.semi_supervised.targets import known_labels, read_values

# Rows that are looked at, and columns that are listed, the worst ones; of images less.
_MOST_ROWS, _MOST_COLUMNS, _MOST_CELLS = 2000, 100, 20
_N_WORST = 5
_N_PICTURED, _N_OUTLIERS = 5, 10
_LARGEST_SEED = np.iinfo(np.int32).max


def write_report(estimator, X, path, *, y=None, random_state=None):
    """Write a report of a fitted estimator as one HTML file.

    It says what the estimator is and what rows it was shown here, how well each column
    is known, how training went, and what the estimator is bad at, with a picture of
    rows before and after. It needs no other file and no connection.

    Parameters
    ----------
    estimator : estimator with a network
        Fitted, on rows of one length.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows to report on. Quality is what it seems only if they were not there in fit.
        Of more than 2000 rows as many are drawn at random.
    path : str or path-like
        File to write.
    y : array-like of shape (n_samples,) or None, default=None
        Labels or targets of the rows, for a classifier or regressor; classes of the
        rows for a detector's picture.
    random_state : int, RandomState instance or None, default=None
        Seed of the rows and masks that are drawn.

    See Also
    --------
    LossCurveDisplay : The picture of a training alone.
    ReconstructionDisplay : The picture of hidden and restored cells alone.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import train_test_split
    >>> from skmae import MaskedAutoencoderTransformer, write_report
    >>> X = load_iris(as_frame=True).data
    >>> X_train, X_test = train_test_split(X, random_state=0)
    >>> mae = MaskedAutoencoderTransformer(max_epochs=5, random_state=0).fit(X_train)
    >>> path = os.path.join(tempfile.mkdtemp(), "report.html")
    >>> write_report(mae, X_test, path, random_state=0)
    >>> "petal length (cm)" in open(path, encoding="utf-8").read()
    True
    """
    check_matplotlib_support("write_report")
    if not isinstance(estimator, TrainedEstimator):
        raise TypeError(
            "write_report takes an estimator of skmae with a network. Got "
            f"{type(estimator).__name__}."
        )
    check_is_fitted(estimator)
    refuse_sequences(estimator, "write_report")
    rng = check_random_state(random_state)
    X, y = with_rows(as_stored(X)), as_numpy(y)
    if y is not None:
        check_consistent_length(X, y)
    y = None if y is None else np.asarray(y)
    n_rows = len(X)
    rows = np.arange(n_rows)
    if n_rows > _MOST_ROWS:
        rows = np.sort(rng.choice(n_rows, _MOST_ROWS, replace=False))
        X, y = take_rows(X, rows), None if y is None else y[rows]
    if isinstance(X, StoredFrame):
        X = X[:]
    seed = int(rng.randint(_LARGEST_SEED))
    report = _Report(estimator, X, y, n_rows, labels_of_rows(X, rows), seed)
    title = f"Report of a {type(estimator).__name__}"
    Path(path).write_text(page(title, report.sections()), encoding="utf-8")


class _Report:
    """Sections of a report, and what more than one of them reads."""

    def __init__(self, estimator, X, y, n_rows, labels, seed):
        self.estimator, self.X, self.y = estimator, X, y
        self.n_rows, self.labels, self.seed = n_rows, labels, seed
        self.names = names_of(X, estimator, estimator.n_features_in_)
        self.columns = describe_columns(estimator, X, self.names)
        # What hides and restores: of a classifier or regressor, its encoder.
        self.encoder = getattr(estimator, "encoder_", estimator)
        # (n_rows, n_columns), of which more is worse; None where there is no such
        self.errors = None
        if hasattr(estimator, "column_scores_"):
            self.quality = quality_of_imputer(estimator)
        elif hasattr(estimator, "explain"):
            self.quality, self.errors = quality_of_detector(estimator, X)
        elif hasattr(self.encoder, "reconstruction_error"):
            self.quality, self.errors = quality_while_hidden(self.encoder, X)
        else:
            self.quality = quality_of_generator(estimator, X, seed)

    def sections(self):
        """Pairs of a heading and a body."""
        return [
            ("Estimator", self._estimator()),
            ("Data seen", self._data()),
            ("Columns", self._columns()),
            ("What it is bad at", self._bad_at()),
            *self._pictures(),
            ("Training", self._training()),
        ]

    def _estimator(self):
        estimator = self.estimator
        n_weights = sum(w.numel() for w in estimator.net_.module_.parameters())
        pairs = [
            ("parameters", repr(estimator)),
            ("weights", f"{n_weights:,}"),
            ("epochs trained", estimator.n_iter_),
            ("device", estimator.device_),
            ("version of skmae", __version__),
            *self._scores(),
        ]
        return facts(pairs)

    def _scores(self):
        estimator, X, y = self.estimator, self.X, self.y
        if is_classifier(estimator) or is_regressor(estimator):
            name = "accuracy" if is_classifier(estimator) else "R²"
            if y is None:
                return [(name, "not known: no y was given")]
            known = self._known()[0]
            if not known.any():
                return [(name, "not known: y has no label or target")]
            score = estimator.score(take_rows(X, np.flatnonzero(known)), y[known])
            return [(f"{name} on the rows of this report", f"{score:.3f}")]
        if hasattr(estimator, "explain"):
            share = np.mean(estimator.predict(X) == -1)
            return [("rows of this report called outliers", f"{share:.1%}")]
        name = "R² of hidden cells, over all columns"
        if not hasattr(estimator, "transform"):
            name = "mean log-density of a row"
        return [(f"{name} (score)", f"{estimator.score(X):.3f}")]

    def _data(self):
        missing = np.mean([column.missing for column in self.columns])
        seen = len(self.X)
        n_numbers = sum(column.kind == "number" for column in self.columns)
        counted = f"{self.n_rows:,}"
        if seen < self.n_rows:
            counted += f", of which {seen:,} drawn at random are reported on"
        pairs = [
            ("rows", counted),
            ("columns", f"{len(self.columns):,}, {n_numbers:,} of them numbers"),
            ("missing cells", f"{missing:.1%}"),
        ]
        shape = self.encoder._row_shape()
        if shape is not None:
            pairs.append(("shape of a row", " x ".join(map(str, shape))))
        if self.y is not None:
            pairs.append(("y", "given"))
        if hasattr(self.estimator, "n_unlabelled_"):
            pairs.append(("rows without a label in fit", self.estimator.n_unlabelled_))
        note = "These are the rows that the report was made with, not those of fit."
        return facts(pairs) + paragraph(note, "note")

    def _columns(self):
        quality = self.quality.of_columns
        order = np.arange(len(self.columns))
        notes = [self.quality.note]
        shape = self.encoder._row_shape()
        most_listed = _MOST_COLUMNS if shape is None else _MOST_CELLS
        if len(order) > most_listed:
            order = np.sort(self.quality.worst_first()[:most_listed])
            notes.append(f"The worst {len(order)} of {len(self.columns)} are listed.")
        # Blame and distances have no upper end.
        known = quality[~np.isnan(quality)]
        most = 1.0 if self.quality.higher_is_better else max(known.max(initial=0), 1e-9)
        rows = []
        for j in order:
            column = self.columns[j]
            bar = ("unknown", 0.0)
            if not np.isnan(quality[j]):
                bar = (f"{quality[j]:.2f}", float(np.clip(quality[j] / most, 0, 1)))
            rows.append(
                [
                    column.name,
                    bar,
                    f"{column.missing:.0%}",
                    f"{column.outside:.0%}",
                    column.kind,
                    column.values,
                ]
            )
        heads = [
            ("column", "name"),
            (self.quality.title, "bar"),
            ("missing", "number"),
            ("not in fit", "number"),
            ("holds", "text"),
            ("values", "text"),
        ]
        notes.append(
            "Not in fit: numbers outside the range of fit, and categories that it did "
            "not see."
        )
        return table(heads, rows) + "".join(paragraph(note, "note") for note in notes)

    def _bad_at(self):
        worst = self.quality.worst_first()[:_N_WORST]
        named = ", ".join(
            f"{self.names[j]} ({self.quality.of_columns[j]:.2f})" for j in worst
        )
        texts = []
        if len(worst) > 0:
            texts.append(f"Columns, worst first by {self.quality.title}: {named}.")
        texts += self._bad_columns()
        if self.errors is not None:
            texts.append(f"Rows, worst first: {self._bad_rows(self.errors)}.")
        if self.y is not None and is_classifier(self.estimator):
            texts += self._bad_classes()
        if self.y is not None and is_regressor(self.estimator):
            texts += self._bad_targets()
        return bullets(texts)

    def _bad_columns(self):
        empty = [c.name for c in self.columns if c.kind == "empty in fit"]
        if empty:
            yield f"Nothing was learned of columns that were empty: {_some(empty)}."
        foreign = [c.name for c in self.columns if c.outside > 0.05]
        if foreign:
            yield (
                "More than 5 % of the values here are not among those of fit in: "
                f"{_some(foreign)}."
            )
        if self.quality.title != "explained while hidden":
            return
        by_quality = zip(self.names, self.quality.of_columns, strict=True)
        hopeless = [name for name, quality in by_quality if quality <= 0.05]
        if hopeless:
            yield (
                "Predicted hardly better than by the mean, so that the other columns "
                f"say little of them: {_some(hopeless)}."
            )

    def _bad_rows(self, errors):
        there = ~np.isnan(errors)
        cells = np.where(there, errors, 0.0)
        totals = cells.sum(axis=1) / np.maximum(there.sum(axis=1), 1)
        said = []
        for row in np.argsort(-totals, kind="stable")[:_N_WORST]:
            cell = self.names[int(cells[row].argmax())]
            said.append(f"{self.labels[row]} (most of all {cell})")
        return ", ".join(said)

    def _known(self):
        """Which rows have a label or target, and what it is."""
        estimator = self.estimator
        if is_regressor(estimator):
            truth, known = read_values(self.y)
        else:
            truth, known = known_labels(
                self.y, estimator.classes_, estimator.missing_label
            )
        return known, truth[known]

    def _predicted(self, known):
        rows = take_rows(self.X, np.flatnonzero(known))
        return self.estimator.predict(rows)

    def _bad_classes(self):
        known, truth = self._known()
        classes = self.estimator.classes_
        if not known.any():
            return ["Classes are not judged: y has no label."]
        predicted = self._predicted(known)
        counts = confusion_matrix(
            truth.astype(str), predicted.astype(str), labels=classes.astype(str)
        )
        there = counts.sum(axis=1)
        recall = counts.diagonal() / np.maximum(there, 1)
        by_recall = np.argsort(recall, kind="stable")
        order = [k for k in by_recall if there[k] and recall[k] < 1][:_N_WORST]
        if not order:
            return ["Every label of these rows was predicted."]
        said = ", ".join(f"{classes[k]} ({recall[k]:.0%} of {there[k]})" for k in order)
        texts = [f"Classes, worst first by the share that is found: {said}."]
        np.fill_diagonal(counts, 0)
        if counts.any():
            i, j = np.unravel_index(counts.argmax(), counts.shape)
            texts.append(
                f"Most often {classes[i]} is taken for {classes[j]}: {counts[i, j]} "
                f"time{'s' if counts[i, j] > 1 else ''}."
            )
        return texts

    def _bad_targets(self):
        known, truth = self._known()
        errors = np.abs(truth - self._predicted(known).reshape(truth.shape))
        middle, high = np.nanquantile(errors, [0.5, 0.95])
        return [
            f"Half of the targets are missed by more than {middle:.4g}, one in twenty "
            f"by more than {high:.4g}; the worst by {np.nanmax(errors):.4g}."
        ]

    def _pictures(self):
        estimator, X = self.estimator, self.X
        if self.errors is not None and hasattr(estimator, "explain"):
            text = "Scores beside the threshold, and the cells to blame in the worst."
            yield "Outliers", picture(self._outliers(self.errors).figure_, text)
        elif not hasattr(self.encoder, "transform"):
            text = "New rows (orange) beside those of this report (blue)."
            display = NewRowsDisplay.from_estimator(
                estimator, X, random_state=self.seed
            )
            yield "New rows", picture(display.figure_, text)
        elif self.encoder._row_shape() is not None:
            text = "Rows as they are, with cells hidden by a mask, and restored."
            display = ReconstructionDisplay.from_estimator(
                self.encoder, X, random_state=self.seed
            )
            yield "Mask", picture(display.figure_, text)
        else:
            text = "Rows as they are, with cells hidden by a mask, and filled again."
            yield "Mask", picture(self._filled().figure_, text)

    def _outliers(self, blame):
        scores = blame.sum(axis=1)
        worst = np.argsort(-scores, kind="stable")[:_N_OUTLIERS]
        shape = self.estimator._row_shape()
        images = None
        if shape is not None:
            images = np.asarray(take_rows(self.X, worst)).reshape(len(worst), *shape)
        display = AnomalyDisplay(
            scores=scores,
            threshold=-self.estimator.offset_,
            blame=blame[worst],
            row_names=[self.labels[row] for row in worst],
            feature_names=self.names,
            y=self.y,
            images=images,
            channel_axis=self.estimator.channel_axis,
        )
        return display.plot()

    def _filled(self):
        """A picture of rows of which hidden cells were filled again."""
        rng = np.random.default_rng(self.seed)
        n_rows = min(_N_PICTURED, len(self.X))
        rows = np.sort(rng.choice(len(self.X), n_rows, replace=False))
        chosen = take_rows(self.X, rows)
        mask = draw_mask(self.encoder, chosen, self.seed)
        if hasattr(self.encoder, "restore"):
            restored = self.encoder.restore(chosen, mask)
        else:
            restored = self._imputed(chosen, mask)
        return ReconstructionDisplay.from_predictions(
            chosen,
            mask,
            restored,
            feature_names=self.names,
            row_names=[self.labels[row] for row in rows],
        )

    def _imputed(self, chosen, mask):
        """Cells of rows of which an imputer has filled the hidden ones."""
        nothing = [np.full(len(chosen), np.nan)] * len(self.names)
        holey = write_cells(chosen, nothing, mask, keep_dtype=False)
        cells = flat_cells(chosen).astype(object)
        # Before any columns of the indicator; columns without a value may be left out.
        kept = self.estimator._kept
        cells[:, kept] = flat_cells(self.estimator.transform(holey))[:, : len(kept)]
        return cells

    def _training(self):
        stages = [("Training", self.estimator)]
        if self.encoder is not self.estimator:
            stages = [
                ("Pretraining of the encoder", self.encoder),
                ("Fine-tuning", self.estimator),
            ]
        body = ""
        for stage, estimator in stages:
            display = LossCurveDisplay.from_estimator(estimator)
            losses = estimator.loss_curve_
            text = (
                f"{stage}: loss from {losses[0]:.4g} to {losses[-1]:.4g} in "
                f"{len(losses)} epochs."
            )
            body += picture(display.figure_, text)
        return body


def _some(names):
    """Names in a sentence, the first ones of many."""
    shown = ", ".join(map(str, names[:10]))
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} others"
