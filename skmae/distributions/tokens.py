"""Rows of tokens: drawing hidden ones in passes, their likelihood, and lengths."""

import numpy as np

from skmae.data.sequences import Sequences

# Of longer rows several tokens are drawn in a pass, independently of each other.
MOST_PASSES = 32


def draw_tokens(inference, values, hidden, rng, most_passes=MOST_PASSES):
    """Draw hidden tokens, each row in a random order of its own.

    Parameters
    ----------
    inference : SequenceInference
    values : Sequences
    hidden : (n_steps, 1) bool array
        Missing tokens among them.
    rng : numpy.random.Generator
    most_passes : int

    Returns
    -------
    cells : (n_steps, 1) float32 array
    """
    cells = np.where(hidden, np.float32(np.nan), values.cells)
    turn = turns(values, hidden[:, 0], rng.random(len(cells)), most_passes)
    for now in range(turn.max(initial=-1) + 1):
        drawn = turn == now
        rows = np.unique(values.row_of_step[drawn])
        steps = values.steps_of(rows)
        given = Sequences(cells[steps], values.lengths[rows])
        new = inference.sample(given, None, rng)
        cells[steps] = np.where(drawn[steps][:, None], new, cells[steps])
    return cells


def token_log_likelihood(inference, values, n_orders, seed):
    """Log-probability of the observed tokens of rows: (n_rows,) float64.

    The mean of the probabilities in several random orders, which depend on the number
    of observed tokens alone; every other one is the reverse of that before it.

    Parameters
    ----------
    inference : SequenceInference
    values : Sequences
    n_orders : int
    seed : int
    """
    observed = ~np.isnan(values.cells[:, 0])
    found = []
    for order in range(n_orders):
        keys = _keys(values, observed, seed + order // 2)
        keys = 1 - keys if order % 2 else keys
        turn = turns(values, observed, keys, MOST_PASSES)
        of_steps = np.zeros(len(turn))
        for now in range(turn.max(initial=-1) + 1):
            asked = turn == now
            hidden = (turn >= now)[:, None]
            rows = np.unique(values.row_of_step[asked])
            steps = values.steps_of(rows)
            part = Sequences(values.cells[steps], values.lengths[rows])
            of_steps[asked] = inference.log_probabilities(
                part, hidden[steps], asked[steps]
            )
        found.append(values.per_row(of_steps))
    return np.logaddexp.reduce(found, axis=0) - np.log(n_orders)


class LengthDistribution:
    """Probabilities of lengths, smoothed.

    Parameters
    ----------
    lengths : (n_rows,) int array
        Of training rows.
    weight : (n_rows,) array or None
    longest : int
        Length beyond which there are no rows.

    Attributes
    ----------
    log_prob : (longest + 1,) array
        Of lengths from 0, which has none.
    """

    def __init__(self, lengths, weight, longest):
        if weight is not None:  # only ratios count
            weight = weight / weight.mean()
        counts = np.bincount(lengths, weight, minlength=longest + 1)[: longest + 1]
        n_rows = counts.sum()
        mean = counts @ np.arange(longest + 1) / n_rows
        variance = counts @ np.square(np.arange(longest + 1) - mean) / n_rows
        places = np.arange(1, longest + 1)
        if variance > 0:
            # Silverman's rule; lengths seen keep a share of their own.
            width = max(1.06 * np.sqrt(variance) * n_rows**-0.2, 0.5)
            seen = np.flatnonzero(counts)
            apart = (places[:, None] - seen) / width
            kernel = np.exp(-0.5 * apart**2)
            smooth = kernel / kernel.sum(axis=0) @ counts[seen]
            mixed = 0.5 * counts[1:] + 0.5 * smooth
            probabilities = (mixed + 1e-3 / longest) / (n_rows + 1e-3)
        else:
            probabilities = counts[1:] / n_rows
        with np.errstate(divide="ignore"):
            self.log_prob = np.log(np.concatenate([[0.0], probabilities]))

    def of(self, lengths):
        """Log-probability of lengths; minus infinity beyond the longest."""
        known = np.minimum(lengths, len(self.log_prob) - 1)
        return np.where(lengths == known, self.log_prob[known], -np.inf)

    def sample(self, n_rows, rng):
        """Draw lengths: (n_rows,) int array."""
        return rng.choice(len(self.log_prob), n_rows, p=np.exp(self.log_prob))


def _keys(values, observed, seed):
    """A number for each step, the same in all rows of as many observed tokens."""
    keys = np.zeros(len(observed))
    counts = values.per_row(observed).astype(int)
    of_step = counts[values.row_of_step]
    for count in np.unique(counts[counts > 0]):
        drawn = np.random.default_rng([seed, count]).random(count)
        where = observed & (of_step == count)
        keys[where] = np.tile(drawn, np.count_nonzero(counts == count))
    return keys


def turns(values, chosen, keys, most_passes):
    """The pass in which each chosen step has its turn: (n_steps,) int, others -1."""
    turn = np.full(len(chosen), -1)
    where = np.flatnonzero(chosen)
    if len(where) == 0:
        return turn
    rows = values.row_of_step[where]
    order = np.lexsort([keys[where], rows])
    counts = np.bincount(rows, minlength=len(values))
    starts = np.cumsum(counts) - counts
    rank = np.arange(len(where)) - starts[rows[order]]
    n_chosen = counts[rows[order]]
    n_passes = np.minimum(n_chosen, most_passes)
    turn[where[order]] = rank * n_passes // n_chosen
    return turn
