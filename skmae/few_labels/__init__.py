"""Few labels and many rows: reading labels, and judging the rows without one."""
