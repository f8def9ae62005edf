"""Rows that are sequences of tokens: reading them, and writing tokens back."""

import re
from collections import Counter
from collections.abc import Hashable

import numpy as np
import pandas as pd

# A word, or a mark of punctuation by itself.
_PATTERNS = {"char": r".", "word": r"\w+|[^\w\s]"}


class TokenRows:
    """Rows of tokens, as they were given and cut into tokens.

    Parameters
    ----------
    given : list
        Strings, or sequences of tokens.
    tokens : list of list
        None where a token is missing.
    analyzer : Analyzer
    """

    def __init__(self, given, tokens, analyzer):
        self.given = given
        self.tokens = tokens
        self.analyzer = analyzer
        self.lengths = np.array([len(row) for row in tokens], dtype=np.int64)

    def __len__(self):
        return len(self.given)

    def __getitem__(self, rows):
        """Some rows, by slice or position."""
        if isinstance(rows, slice):
            rows = range(*rows.indices(len(self)))
        return TokenRows(
            [self.given[i] for i in rows],
            [self.tokens[i] for i in rows],
            self.analyzer,
        )

    @property
    def missing(self):
        """Tokens that are missing in the rows as given: (n_steps, 1) bool array."""
        flat = [token is None for row in self.tokens for token in row]
        return np.array(flat, dtype=bool)[:, None]

    def whole_length(self, i):
        """Tokens of a row before it was cut."""
        return len(self.analyzer.tokens(self.given[i], i))

    def spread(self, of_steps):
        """What is said of steps, in arrays of the rows' lengths: list of arrays.

        0 beyond where a row was cut.
        """
        parts = np.split(of_steps[:, 0], np.cumsum(self.lengths)[:-1])
        return [
            np.pad(part, (0, self.whole_length(i) - len(part)))
            for i, part in enumerate(parts)
        ]

    def written(self, columns, hidden, keep_dtype=True):
        """Rows as they were given, with some of their tokens replaced.

        Parameters
        ----------
        columns : list of one (n_steps,) array
            New tokens.
        hidden : (n_steps, 1) bool array
            Which to replace.
        keep_dtype : bool
            Tokens have none.

        Returns
        -------
        rows : list of str, or of lists of tokens where a callable made them
        """
        ends = np.cumsum(self.lengths)[:-1]
        return [
            self.analyzer.write(given, new, cells)
            for given, new, cells in zip(
                self.given,
                np.split(columns[0], ends),
                np.split(hidden[:, 0], ends),
                strict=True,
            )
        ]


class Analyzer:
    """What turns a row into tokens.

    Parameters
    ----------
    kind : {"char", "word"} or callable
    missing_token : str or None
        What stands for a token that is not known.
    """

    def __init__(self, kind, missing_token=None):
        self.kind = kind
        self.missing_token = missing_token
        if not callable(kind):
            pattern = _PATTERNS[kind]
            if missing_token == "":
                raise ValueError(
                    "The 'missing_token' parameter must not be empty with "
                    f"analyzer={kind!r}. Got ''."
                )
            if missing_token is not None:
                missing = re.escape(missing_token)
                # Of words a whole one: "UNK" is not missing in "UNKNOWN".
                if kind == "word" and re.fullmatch(r"\w", missing_token[-1]):
                    missing += r"\b"
                pattern = f"{missing}|{pattern}"
            self._pattern = re.compile(pattern, flags=re.DOTALL)

    def tokens(self, row, i):
        """Tokens of row ``i``: list, None where missing."""
        if callable(self.kind):
            return [self._token(token, i) for token in self._called(row, i)]
        if not isinstance(row, str):
            raise TypeError(
                f"analyzer={self.kind!r} reads strings, but row {i} of X is "
                f"{_described(row)}. {_advice(row)}"
            )
        if self.kind == "char" and self.missing_token is None:
            return list(row)
        found = self._pattern.findall(row)
        return [None if token == self.missing_token else token for token in found]

    def write(self, given, new, replaced):
        """Replace some tokens of a row, and leave all else as it is."""
        # A row cut at max_length has more than these; the rest stays.
        if callable(self.kind):
            tokens = list(self._called(given, 0))
            for j in np.flatnonzero(replaced):
                tokens[j] = new[j]
            return tokens
        parts, end = [], 0
        where = [match.span() for match in self._pattern.finditer(given)]
        for j in np.flatnonzero(replaced):
            start, stop = where[j]
            parts += [given[end:start], str(new[j])]
            end = stop
        return "".join([*parts, given[end:]])

    def row_of(self, tokens):
        """Make a row of tokens: a string, words with spaces between them, or a list."""
        if callable(self.kind):
            return list(tokens)
        between = " " if self.kind == "word" else ""
        return between.join(map(str, tokens))

    def _called(self, row, i):
        if row is None or row is pd.NA or isinstance(row, bytes) or _is_nan(row):
            raise TypeError(f"Row {i} of X is {_described(row)}. {_advice(row)}")
        try:
            return list(self.kind(row))
        except TypeError as error:
            raise TypeError(
                f"analyzer={self.kind!r} does not make tokens of row {i} of X, which "
                f"is {_described(row)}: {error}."
            ) from error

    def _token(self, token, i):
        if token is None or token is pd.NA or token is pd.NaT or _is_nan(token):
            return None
        if isinstance(token, Hashable) and token == self.missing_token:
            return None
        if not isinstance(token, Hashable):
            raise TypeError(
                f"Tokens must be hashable, such as strings or integers. Row {i} of X "
                f"holds {_described(token)}."
            )
        return token


def read_tokens(X, analyzer):
    """Cut rows into tokens.

    Parameters
    ----------
    X : iterable of str or of sequences of tokens
    analyzer : Analyzer

    Returns
    -------
    rows : TokenRows

    Raises
    ------
    TypeError
        If a row is not what the analyzer reads.
    ValueError
        If X is no sequence of rows, or a row has no token.
    """
    if isinstance(X, (str, bytes)):
        raise ValueError(
            "X must be an iterable of rows, such as a list of strings. Got one "
            f"{type(X).__name__}."
        )
    if getattr(X, "ndim", 1) == 2 and X.shape[1] == 1:
        raise ValueError(
            f"With analyzer={analyzer.kind!r} X must be one column of rows, of shape "
            f"(n_samples,). Got shape {tuple(X.shape)}: pass the column itself, such "
            "as X['text']."
        )
    given = list(X)
    tokens = [analyzer.tokens(row, i) for i, row in enumerate(given)]
    empty = [i for i, row in enumerate(tokens) if not row]
    if empty:
        raise ValueError(
            f"Row {empty[0]} of X has no token: {given[empty[0]]!r}. "
            f"{len(empty)} of {len(given)} rows are empty; leave them out."
        )
    return TokenRows(given, tokens, analyzer)


class Vocabulary:
    """The tokens that are known, and their numbers.

    Parameters
    ----------
    rows : list of list
        Tokens, None where missing.
    max_features : int or None
        Keep so many, the most frequent.
    """

    def __init__(self, rows, max_features):
        counts = Counter(token for row in rows for token in row if token is not None)
        if not counts:
            raise ValueError("X has no observed token: there is nothing to learn.")
        tokens = [token for token, _ in counts.most_common(max_features)]
        try:
            tokens = sorted(tokens)
        except TypeError:  # of several kinds
            tokens = sorted(
                tokens, key=lambda token: (type(token).__name__, repr(token))
            )
        self.tokens = np.empty(len(tokens), dtype=object)
        self.tokens[:] = tokens
        self.counts = np.array([counts[token] for token in tokens])
        # Minus the logarithm of the share of all others, of which there may be none.
        n_tokens = sum(counts.values())
        n_others = n_tokens - int(self.counts.sum())
        self.surprise_of_others = float(np.log((n_tokens + 1) / (n_others + 1)))
        self._number = {token: float(i) for i, token in enumerate(tokens)}

    def __len__(self):
        return len(self.tokens)

    def others(self, rows):
        """Tokens that are not known, each once: list."""
        flat = dict.fromkeys(
            token for row in rows for token in row if token is not None
        )
        return [token for token in flat if token not in self._number]

    def encode(self, rows):
        """Numbers of tokens: (n_steps, 1) float32, NaN where missing or not known."""
        number = self._number.get
        flat = [number(token, np.nan) for row in rows for token in row]
        return np.array(flat, dtype=np.float32)[:, None]

    def decode(self, numbers):
        """Tokens of numbers: (n_steps,) object array."""
        return self.tokens[numbers.astype(np.intp)]


def _is_nan(value):
    return isinstance(value, (float, np.generic)) and value != value


def _described(value):
    text = repr(value)
    text = text if len(text) <= 40 else text[:37] + "..."
    return f"{text}, of type {type(value).__name__}"


def _advice(row):
    if isinstance(row, bytes):
        return "Decode it first, for example by row.decode()."
    if row is None or row is pd.NA or _is_nan(row):
        return "A row without tokens says nothing: leave it out."
    return "For rows that are sequences of tokens pass a callable, as analyzer=list."
