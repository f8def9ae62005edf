"""Which cells to hide. A mask is boolean: True = hidden."""
