"""Rows of unlike lengths as tables of few columns, for simple teachers."""

import numpy as np

# Tokens of an n-gram at most, and n-grams that are counted: of 1560 peptides of each of
# two classes, more gain nothing with 10 or 100 labels per class, and fewer lose with
# all. Nor do weights for rare n-grams help there.
_LONGEST = 3
_MOST_NGRAMS = 1000
# Length of a row of counts, which says how much the penalty of a regression weighs.
_ROW_LENGTH = 3.0


def count_ngrams(values):
    """Scaled counts of the most frequent n-grams: (n_rows, n_ngrams) float32.

    Logarithms of 1 + counts; rows are scaled to one length, or 0 throughout.

    Parameters
    ----------
    values : Sequences
        Of tokens. N-grams with a missing token are not counted.
    """
    rows, ngrams, totals = _find_ngrams(values)
    kept = np.argsort(-totals, kind="stable")[:_MOST_NGRAMS]
    place = np.full(len(totals), -1)
    place[kept] = np.arange(len(kept))
    column = place[ngrams]
    counted = column >= 0
    shape = (len(values), len(kept))
    cells = rows[counted] * len(kept) + column[counted]
    counts = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
    scaled = np.log1p(counts, dtype=np.float32)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return _ROW_LENGTH * scaled / np.where(length > 0, length, 1.0)


def _find_ngrams(values):
    """Occurrences of n-grams of one to three tokens: (rows, ngrams, totals).

    Two int arrays for all occurrences, and how often each n-gram occurs.
    """
    row_of_step = values.row_of_step
    tokens = np.nan_to_num(values.cells[:, 0], nan=-1.0).astype(np.int64)
    n_tokens = int(tokens.max()) + 1
    rows, ngrams, totals = [], [], []
    key, whole = tokens, tokens >= 0
    n_found = 0
    for n in range(1, _LONGEST + 1):
        if n > 1:  # each n-gram with the token that follows it in its row
            last = n - 1
            same_row = row_of_step[last:] == row_of_step[:-last]
            whole = whole[:-1] & same_row & (tokens[last:] >= 0)
            # Numbered anew each time: keys of many tokens would grow too large.
            key = key[:-1] * n_tokens + tokens[last:]
        _, number, counts = np.unique(
            key[whole], return_inverse=True, return_counts=True
        )
        rows.append(row_of_step[: len(whole)][whole])
        ngrams.append(number + n_found)
        totals.append(counts)
        n_found += len(counts)
        key = np.zeros(len(whole), dtype=np.int64)
        key[whole] = number
    return np.concatenate(rows), np.concatenate(ngrams), np.concatenate(totals)


def channel_summaries(values):
    """Standardised statistics of the channels: (n_rows, n_features) float32.

    Means, standard deviations, and standard deviations of changes from step to step;
    0, the mean of all rows, where a row has too few observed steps.

    Parameters
    ----------
    values : Sequences
        Of numbers.
    """
    cells = values.cells.astype(np.float64)
    same_row = np.diff(values.row_of_step) == 0
    changes = np.full_like(cells, np.nan)
    changes[1:][same_row] = np.diff(cells, axis=0)[same_row]
    means, stds = _moments(values, cells)
    of_rows = np.hstack([means, stds, _moments(values, changes)[1]])
    known = ~np.isnan(of_rows)
    n_known = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, of_rows, 0.0).sum(axis=0) / n_known
    centred = np.where(known, of_rows - mean, 0.0)
    spread = np.sqrt(np.square(centred).sum(axis=0) / n_known)
    return (centred / np.where(spread > 1e-6, spread, 1.0)).astype(np.float32)


def _moments(values, cells):
    """Mean and standard deviation of each row's observed cells; NaN without any."""
    seen = ~np.isnan(cells)
    cells = np.where(seen, cells, 0.0)
    count = values.per_row(seen)
    count = np.where(count > 0, count, np.nan)
    mean = values.per_row(cells) / count
    centred = np.where(seen, cells - mean[values.row_of_step], 0.0)
    return mean, np.sqrt(values.per_row(np.square(centred)) / count)
