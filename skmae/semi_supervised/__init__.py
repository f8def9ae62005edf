"""Learning from many rows of which few have labels."""
