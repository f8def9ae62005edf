"""How surprising the cells of a row are."""
