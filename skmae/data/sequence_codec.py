"""Sequences in, float32 steps out, and back."""

import numpy as np

from skmae.data.codec import Layout, TableCodec
from skmae.data.doubtful_columns import warn_of_unknown
from skmae.data.sequences import Sequences
from skmae.data.tables import ArrayTable
from skmae.data.token_rows import Vocabulary


class TokenCodec:
    """Encode tokens as their numbers in one vocabulary.

    Parameters
    ----------
    max_features : int or None
        Tokens to know, the most frequent.

    Attributes
    ----------
    vocabulary_ : Vocabulary
    layout_ : Layout
        Of a step, whose one cell is a category.
    """

    def __init__(self, max_features):
        self.max_features = max_features

    def fit_encode(self, rows):
        """Learn the vocabulary, and encode the same TokenRows: Sequences."""
        self.vocabulary_ = Vocabulary(rows.tokens, self.max_features)
        counts = self.vocabulary_.counts
        frequencies = counts / counts.sum()
        std = np.sqrt(1 - np.sum(frequencies**2))
        self.layout_ = Layout(
            numeric=(),
            categorical=(0,),
            cardinalities=(len(self.vocabulary_),),
            means=frequencies.astype(np.float32),
            stds=np.array([std if std > 1e-6 else 1.0], dtype=np.float32),
        )
        return self.encode(rows)

    def encode(self, rows):
        """Encode TokenRows: Sequences, NaN where a token is missing or unknown."""
        numbers = self.vocabulary_.encode(rows.tokens)
        if np.isnan(numbers).all():
            flat = [token for row in rows.tokens for token in row if token is not None]
            if flat:
                warn_of_unknown(flat, self.vocabulary_.tokens, "X")
        return Sequences(numbers, rows.lengths)

    encode_to_train = encode

    def new_tokens(self, rows):
        """Tokens that fit did not see: list.

        None where it took as many as it may, as it may have seen others.
        """
        if len(self.vocabulary_) == self.max_features:
            return []
        return self.vocabulary_.others(rows.tokens)

    def decode(self, cells):
        """Tokens of numbers: list of one (n_steps,) object array."""
        return [self.vocabulary_.decode(cells[:, 0])]

    @property
    def categories(self):
        """The tokens: list of one array."""
        return [self.vocabulary_.tokens]

    def table(self, rows):
        """Rows as :meth:`encode` takes them."""
        return rows


class SeriesCodec:
    """Encode the steps of series as the rows of a table.

    Parameters
    ----------
    scaling, groups, n_bins, seed :
        See :class:`~skmae.data.codec.TableCodec`, whose columns are the channels.
    """

    def __init__(self, scaling, groups=None, n_bins=None, seed=0):
        self.of_steps = TableCodec(scaling, groups, n_bins, seed)

    @property
    def scaling(self):
        """How channels are scaled."""
        return self.of_steps.scaling

    @property
    def layout_(self):
        """Layout of a step."""
        return self.of_steps.layout_

    def fit_encode(self, rows):
        """Learn the scales, and encode the same SeriesRows: Sequences."""
        values = self.of_steps.fit_encode(self._steps(rows))
        return Sequences(np.asarray(values[:]), rows.lengths)

    def encode(self, rows):
        """Encode SeriesRows: Sequences, NaN where missing."""
        return Sequences(self.of_steps.encode(self._steps(rows)), rows.lengths)

    encode_to_train = encode

    def decode(self, cells):
        """Numbers of each channel: list of (n_steps,) arrays."""
        return self.of_steps.decode(cells)

    def within_range(self, cells):
        """Move numbers into the range that was seen in fit."""
        return self.of_steps.within_range(cells)

    @property
    def categories(self):
        """There are none."""
        return []

    def table(self, rows):
        """Rows as :meth:`encode` takes them."""
        return rows

    def _steps(self, rows):
        steps = rows.steps
        return ArrayTable(steps, np.zeros(steps.shape[1], dtype=bool))
