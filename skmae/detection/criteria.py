"""What a row is judged by, as outliers among the training rows allow."""

import math
from dataclasses import dataclass

from skmae.training.parameters import chosen

# Levels of hiding: share of the units that a mask hides, and number of random splits.
LEVELS = ((0.1, 1), (0.25, 2))


@dataclass(frozen=True)
class Criterion:
    """Which errors and distances make up a score."""

    n_levels: int  # of LEVELS, the first ones
    standard: bool  # standardised values count among the distances
    neighbors: int | float  # how many rows, or which share of them
    max_reference: int  # rows to calibrate on and to search for neighbours

    def n_neighbors(self, wanted, n_reference):
        """How many neighbours, of so many rows."""
        auto = self.neighbors
        if isinstance(auto, float):
            auto = math.ceil(auto * n_reference)
        return max(min(chosen(wanted, auto), n_reference - 1), 1)


CLEAN = Criterion(n_levels=2, standard=True, neighbors=5, max_reference=4096)
# Outliers among the training rows train the network to predict outliers, the better
# the more of them it sees, and inflate standard deviations; among a quarter of the rows
# they are outnumbered.
CONTAMINATED = Criterion(
    n_levels=1, standard=False, neighbors=1 / 4, max_reference=1024
)
# For each kind of training data what rows are judged by, and what training rows must
# pass by to be compared with.
CRITERIA = {
    "auto": (CLEAN, CONTAMINATED),
    "clean": (CLEAN, None),
    "contaminated": (CONTAMINATED, None),
}


def levels_of(training_data):
    """Levels of hiding that the criteria need, of LEVELS the first ones."""
    n_levels = [
        criterion.n_levels for criterion in CRITERIA[training_data] if criterion
    ]
    return LEVELS[: max(n_levels)]
