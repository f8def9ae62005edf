"""How far predictions are to be trusted, judged on held-out cells.

All arrays are standardised; see :mod:`skmae.networks.standardised`. A cell is *counted*
if it was hidden and its value is known.
"""

import numpy as np
from scipy.optimize import nnls

# Where little is known the network is trusted: its share of each component, and how
# many cells it takes to overrule that. Cells count for more where a blend errs little:
# what follows exactly from other columns is known from a few.
_PRIOR = (0.0, 1.0, 0.0, 0.0)
_PRIOR_CELLS = 30
# Cells thought to be certain that make a column exact, and their largest mean error.
_CERTAIN_CELLS = 10
_CERTAIN_ERROR = 1e-2


def fit_blend(components, targets, counted, column_of_value):
    """Non-negative weights of the components, one set per column.

    Least squares, drawn a little towards the weights that suit all columns
    together, the less so the smaller the errors that remain. Since values are
    centred, components that predict no better than the training mean get weights
    near 0.

    Parameters
    ----------
    components : (n_rows, n_values, n_components) array
    targets : (n_rows, n_values) array
    counted : (n_rows, n_values) bool array
    column_of_value : (n_values,) int array
        Units of one column share their weights.

    Returns
    -------
    blend : (n_values, n_components) array
    """
    # In float64: of all but equal components the differences matter.
    components = np.where(counted[:, :, None], components, 0.0).astype(np.float64)
    targets = np.where(counted, targets, 0.0).astype(np.float64)
    gram = np.einsum("nuc,nud->ucd", components, components, optimize=True)
    cross = np.einsum("nuc,nu->uc", components, targets)
    square = np.sum(targets**2, axis=0)
    n_cells = counted.sum(axis=0)
    common = _solve(
        gram.sum(axis=0),
        cross.sum(axis=0),
        square.sum(),
        n_cells.sum(),
        np.array(_PRIOR),
    )
    blend = np.empty(cross.shape)
    for column in np.unique(column_of_value):
        of_column = column_of_value == column
        blend[of_column] = _solve(
            gram[of_column].sum(axis=0),
            cross[of_column].sum(axis=0),
            square[of_column].sum(),
            n_cells[of_column].sum(),
            common,
        )
    return blend


def _solve(gram, cross, square, n_cells, prior):
    """Non-negative least squares with some cells' worth of trust in a prior.

    Parameters
    ----------
    gram, cross, square :
        Sums over cells of products of components, of components with the target, and
        of squared targets.
    n_cells : int
    prior : (n_components,) array
    """
    n_components = len(prior)
    power = np.trace(gram) / max(n_cells, 1) / n_components
    if n_cells > n_components:
        free = _least_squares(gram, cross, 0.0, prior)
        error = square - 2 * free @ cross + free @ gram @ free
        power = min(power, max(error, 0.0) / (n_cells - n_components))
    return _least_squares(gram, cross, _PRIOR_CELLS * power, prior)


def _least_squares(gram, cross, strength, prior):
    # Components may be the same, and the prior is then to tell them apart.
    strength = strength + 1e-9 * (1 + np.trace(gram))
    root = np.linalg.cholesky(gram + strength * np.eye(len(prior)))
    return nnls(root.T, np.linalg.solve(root, cross + strength * prior))[0]


def cross_blend(components, targets, counted, column_of_value, half):
    """Blend the rows of each half by weights found on the other half.

    Parameters
    ----------
    components, targets, counted, column_of_value :
        As in :func:`fit_blend`.
    half : (n_rows,) bool array

    Returns
    -------
    predicted : (n_rows, n_values) array
    """
    predicted = np.empty(targets.shape)
    for rows, others in ((half, ~half), (~half, half)):
        blend = fit_blend(
            components[others], targets[others], counted[others], column_of_value
        )
        predicted[rows] = (components[rows] * blend).sum(axis=2)
    return predicted


def find_exact(expected, targets, certain):
    """Units that proved to follow exactly from others.

    Parameters
    ----------
    expected, targets : (n_rows, n_values) arrays
    certain : (n_rows, n_values) bool array
        Counted cells that were thought to be certain.

    Returns
    -------
    exact : (n_values,) bool array
    """
    errors = np.where(certain, expected - targets, 0.0).astype(np.float64)
    n_cells = certain.sum(axis=0)
    error = np.sqrt(np.sum(errors**2, axis=0) / np.maximum(n_cells, 1))
    return (n_cells >= _CERTAIN_CELLS) & (error < _CERTAIN_ERROR)


def column_scores(predicted, targets, counted, layout, mean, std):
    """R^2 of each numeric column, accuracy of each categorical one.

    Parameters
    ----------
    predicted, targets, counted : (n_rows, n_values) arrays
    layout : Layout
    mean, std : (n_values,) arrays
        From standardised values back to expanded ones.

    Returns
    -------
    scores : (n_columns,) array
        NaN where no cell was counted.
    """
    scores = np.full(layout.n_columns, np.nan)
    for place, column in enumerate(layout.numeric):
        cells = counted[:, place]
        truth = targets[cells, place].astype(np.float64)
        total = np.sum(truth**2)
        if total > 0:
            scores[column] = 1 - np.sum((predicted[cells, place] - truth) ** 2) / total
        elif len(truth):
            scores[column] = 1.0  # a constant
    for column, part in layout.category_slices():
        rows = counted[:, part.start]
        if rows.any():
            guess = (predicted[rows, part] * std[part] + mean[part]).argmax(axis=1)
            truth = (targets[rows, part] * std[part] + mean[part]).argmax(axis=1)
            scores[column] = np.mean(guess == truth)
    return scores
