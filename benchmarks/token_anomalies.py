"""Changed letters in a motif of DNA: which rows are broken, and where.

Rows are strings of A, C, G and T: a motif of 12 letters, drawn once for a seed, between
flanks of 10 to 40 random letters. In every row each place of the motif has its letter
with probability .95. Broken rows have 2 or 3 places of it changed besides, to a letter
that is not the motif's. Methods learn from normal rows. "letters" is the AUROC of what
they blame within broken rows, over all their letters, those changed being 1; "rows"
that of scores, broken rows against as many normal ones. IsolationForest and
LocalOutlierFactor see counts of 1 to 3 letters and blame nothing; the Markov chain
knows how often each letter follows each other, and blames a letter for its surprise.
"bits" is the chain's surprise beyond its expectation; CPU-s are of fit and scores.
"""

import numpy as np

LETTERS = np.array(list("ACGT"))
N_PLACES = 12


def random_motif(rng):
    return rng.integers(4, size=N_PLACES)


def rows_of(n_rows, motif, rng, broken=False):
    """Draw rows, and where their letters were changed: (list of str, list of bool)."""
    rows, changed = [], []
    for _ in range(n_rows):
        before, after = rng.integers(10, 41, size=2)
        row = rng.integers(4, size=before + N_PLACES + after)
        where = np.zeros(len(row), dtype=bool)
        other = (motif + rng.integers(1, 4, size=N_PLACES)) % 4
        place = rng.random(N_PLACES) < 0.95
        instance = np.where(place, motif, other)
        if broken:
            places = rng.choice(N_PLACES, rng.integers(2, 4), replace=False)
            instance[places] = other[places]
            where[before + places] = True
        row[before : before + N_PLACES] = instance
        rows.append("".join(LETTERS[row]))
        changed.append(where)
    return rows, changed
