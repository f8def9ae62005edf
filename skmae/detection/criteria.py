"""What rows are judged by, as outliers among the training rows allow."""

from dataclasses import dataclass

# Levels of hiding: share of the units that a mask hides, and number of random splits.
LEVELS = ((0.1, 1), (0.25, 2))


@dataclass(frozen=True)
class Criterion:
    """Which errors make up a score, and which training rows rows are compared with."""

    n_levels: int  # of LEVELS, the first ones
    # Rows are compared with training rows whose distance from others is at most so many
    # interquartile ranges above the median; None: with all.
    most_spreads: float | None


CRITERIA = {
    "auto": Criterion(n_levels=2, most_spreads=3.0),
    "clean": Criterion(n_levels=2, most_spreads=None),
    # Outliers among the training rows train the network to predict outliers, the
    # better the more of them it sees.
    "contaminated": Criterion(n_levels=1, most_spreads=2.0),
}


def levels_of(training_data):
    """Levels of hiding that count."""
    return LEVELS[: CRITERIA[training_data].n_levels]
