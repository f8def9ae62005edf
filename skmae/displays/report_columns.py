"""What a report says of each column: its cells, and how well they are known."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy.stats import ks_2samp

from skmae.data.tables import is_frame

_MOST_NAMED = 3  # categories of a column


@dataclass(frozen=True)
class Column:
    """A column of the rows of a report.

    Attributes
    ----------
    name, kind, values : str
        What it is called, what it holds, and which of these.
    missing : float
        Share of its cells without a value.
    outside : float
        Share of the cells with a value that hold numbers outside the range of fit, or
        categories that fit did not see.
    """

    name: str
    kind: str
    values: str
    missing: float
    outside: float


@dataclass(frozen=True)
class Quality:
    """A number for each column, of which more is better or worse.

    Attributes
    ----------
    title, note : str
        What it is called, and means.
    of_columns : (n_columns,) array
        NaN where there is none.
    higher_is_better : bool
    """

    title: str
    note: str
    of_columns: np.ndarray
    higher_is_better: bool = True

    def worst_first(self):
        """Positions of columns that have a number."""
        sign = 1 if self.higher_is_better else -1
        order = np.argsort(sign * self.of_columns, kind="stable")
        return order[~np.isnan(self.of_columns[order])]


def describe_columns(estimator, X, names):
    """Say what the columns of rows hold, beside those of fit: list of Column."""
    checked, values = estimator._read(X)
    codec = estimator.model_.codec
    table = codec.table(checked)
    numbers = table.numeric_block(slice(0, table.n_rows)).astype(np.float64)
    place = {int(column): j for j, column in enumerate(codec.numeric_)}
    columns = []
    for j, name in enumerate(names):
        if j in codec.encoders_:
            cells, missing = table.categorical_column(j)
            kind, text = _categories(cells[~missing].tolist())
            unknown = np.isnan(values[:, j]) & ~missing
        else:
            cells = numbers[:, place[j]]
            missing = np.isnan(cells)
            kind, text = "number", _range(cells[~missing])
            low, high = codec.low_[place[j]], codec.high_[place[j]]
            unknown = (cells < low) | (cells > high)
        if codec.empty_[j]:
            kind = "empty in fit"
            unknown = ~missing
        n_there = int(np.sum(~missing))
        outside = float(np.sum(unknown)) / n_there if n_there else 0.0
        columns.append(Column(name, kind, text, float(np.mean(missing)), outside))
    return columns


def _range(cells):
    if len(cells) == 0:
        return "none"
    low, mean, high = (f"{f(cells):.4g}" for f in (np.min, np.mean, np.max))
    return f"{low} to {high}, mean {mean}"


def _categories(cells):
    counts = Counter(map(str, cells))
    named = [
        f"{value} {count / len(cells):.0%}"
        for value, count in counts.most_common(_MOST_NAMED)
    ]
    n_others = len(counts) - len(named)
    if n_others > 0:
        named.append(f"{n_others} other{'s' if n_others > 1 else ''}")
    kind = f"{len(counts)} categor{'y' if len(counts) == 1 else 'ies'}"
    return kind, ", ".join(named) or "none"


def quality_while_hidden(transformer, X):
    """How well cells are predicted while they are hidden, and their errors.

    Returns
    -------
    quality : Quality
    errors : (n_rows, n_columns) array
        NaN where missing.
    """
    errors = transformer.reconstruction_error(X, per_feature=True)
    errors = errors.reshape(len(errors), -1)
    quality = Quality(
        "explained while hidden",
        "1 - mean squared error of a cell while it is hidden, in units of the variance "
        "in fit, of its column or, where rows have a shape, of all cells that share a "
        "scale: 1 is perfect, 0 no better than the mean, below 0 worse. Measured on "
        "the rows of this report.",
        1 - _means(errors),
    )
    return quality, errors


def quality_of_imputer(imputer):
    """What the imputer found in fit on rows that were left out."""
    return Quality(
        "held-out score",
        "R² of hidden numbers and accuracy of hidden categories, measured in fit on "
        "rows that were left out (column_scores_). A column near 0 is filled with "
        "little more than its mean.",
        np.asarray(imputer.column_scores_),
    )


def quality_of_detector(detector, X):
    """What columns add to the abnormality of rows, and the cells' parts in it."""
    blame = np.asarray(detector.explain(X), dtype=np.float64)
    blame = blame.reshape(len(blame), -1)
    quality = Quality(
        "mean blame",
        "What a cell of the column adds to the abnormality of its row, on average over "
        "the rows of this report: the more, the less normal is the column here.",
        blame.mean(axis=0),
        higher_is_better=False,
    )
    return quality, blame


def quality_of_generator(generator, X, seed):
    """How unlike columns of new rows are to those of the report's."""
    new = generator.sample(len(X), random_state=seed)
    (_, real), (_, drawn) = generator._read(X), generator._read(new)
    layout, found = generator.model_.layout, []
    for column in range(layout.n_columns):
        ours = [part[~np.isnan(part[:, column]), column] for part in (real, drawn)]
        if min(map(len, ours)) == 0:
            found.append(np.nan)
        elif column in layout.categorical:
            top = int(max(part.max() for part in ours)) + 1
            shares = [np.bincount(p.astype(int), minlength=top) / len(p) for p in ours]
            found.append(0.5 * np.abs(shares[0] - shares[1]).sum())
        else:
            found.append(ks_2samp(*ours).statistic)
    return Quality(
        "difference of new rows",
        "Largest difference of the cumulative distributions of numbers, and total "
        "variation of categories, between the rows of this report and as many new "
        "ones: 0 is alike, and chance alone makes about 1 / sqrt(number of rows).",
        np.array(found),
        higher_is_better=False,
    )


def _means(errors):
    there = ~np.isnan(errors)
    n_there = there.sum(axis=0)
    sums = np.where(there, errors, 0.0).sum(axis=0)
    return np.where(n_there > 0, sums / np.maximum(n_there, 1), np.nan)


def labels_of_rows(X, numbers):
    """What rows are called: by their labels in pandas, else by their numbers."""
    labels = getattr(X, "index", numbers) if is_frame(X) else numbers
    return [f"row {label}" for label in labels]
