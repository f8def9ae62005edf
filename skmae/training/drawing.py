"""Drawing cells from what a network predicts."""


def draw_categories(predicted, layout, rng):
    """Draw categories from their predicted probabilities.

    Parameters
    ----------
    predicted : (n_rows, n_expanded) array
        Numbers, and probabilities of categories.
    layout : Layout
    rng : numpy.random.Generator

    Yields
    ------
    column : int
    indices : (n_rows,) int array
    """
    for column, part in layout.category_slices():
        cumulative = predicted[:, part].cumsum(axis=1)
        threshold = rng.random((len(predicted), 1)) * cumulative[:, -1:]
        yield column, (cumulative <= threshold).sum(axis=1)
