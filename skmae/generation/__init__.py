"""New rows and their densities."""
