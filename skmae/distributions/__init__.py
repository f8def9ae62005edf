"""The joint distribution of the cells of a row: its density, and draws from it."""
