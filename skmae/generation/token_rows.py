"""New rows of tokens, and how likely rows are."""

import warnings

import numpy as np

from skmae.data.sequences import Sequences
from skmae.distributions.tokens import (
    LengthDistribution,
    draw_tokens,
    token_log_likelihood,
)

# Lengths up to so many times the longest seen are possible.
_TIMES_LONGEST = 2


class TokenDistribution:
    """What a fit knows of rows of tokens besides the network.

    Parameters
    ----------
    trained : Trained
    max_length : int or None
    """

    def __init__(self, trained, max_length):
        values = trained.train
        longest = _TIMES_LONGEST * int(values.lengths.max())
        if max_length is not None:
            longest = min(longest, max_length)
        self.lengths = LengthDistribution(values.lengths, trained.weight, longest)
        unknown = np.isnan(trained.encoded.cells) & ~trained.X.missing
        # As though one more token than those of fit had been unknown.
        self.share_unknown = (unknown.sum() + 1) / (unknown.size + 1)

    def sample(self, model, n_rows, rng):
        """Draw rows and their lengths: list of (length,) token arrays."""
        lengths = self.lengths.sample(n_rows, rng)
        cells = np.full((lengths.sum(), 1), np.nan, dtype=np.float32)
        values = Sequences(cells, lengths)
        drawn = draw_tokens(model.inference(), values, np.isnan(cells), rng)
        (tokens,) = model.codec.decode(drawn)
        return values.split(tokens)

    def log_prob(self, model, rows, values, n_orders):
        """Log-probability of rows: (n_rows,) float64."""
        found = token_log_likelihood(
            model.inference(), values, n_orders, model.seeds["scoring"]
        )
        known = ~np.isnan(values.cells)
        unknown = ~known & ~rows.missing
        of_steps = known * np.log1p(-self.share_unknown)
        of_steps += unknown * np.log(self.share_unknown)
        found += values.per_row(of_steps[:, 0])
        return found + self.lengths.of(values.lengths)


def completed(model, rows, values, n_samples, rng):
    """Draw the missing tokens of rows, several times.

    Parameters
    ----------
    model : FittedModel
    rows : TokenRows
    values : Sequences
        The same, encoded.
    n_samples : int
    rng : numpy.random.Generator

    Returns
    -------
    rows : list
        All rows once, then all of them again, and so on.
    """
    hidden = rows.missing
    unknown = np.isnan(values.cells) & ~hidden
    if unknown.any():
        row = values.row_of_step[np.flatnonzero(unknown[:, 0])[0]]
        raise ValueError(
            f"given holds tokens that were not there in fit, in row {row}."
        )
    if not hidden.any():
        warnings.warn(
            "given has no missing token, so that nothing is drawn: the result holds "
            "copies of its rows. Tokens to draw must be missing: None, or the "
            "missing_token.",
            UserWarning,
            stacklevel=4,
        )
    written = []
    for _ in range(n_samples):
        cells = draw_tokens(model.inference(), values, hidden, rng)
        written += rows.written(model.codec.decode(cells), hidden)
    return written
