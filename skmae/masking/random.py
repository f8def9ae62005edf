"""Units at random."""

from skmae.masking.strategy import Strategy, uniform


class RandomUnits(Strategy):
    """Hide units independently of each other."""

    def keys(self, n_rows, seen, counts, generator):
        """Draw a number for each unit."""
        return uniform((n_rows, self.n_units), generator), counts
