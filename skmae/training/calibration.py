"""How far each component of a prediction is to be trusted, column by column."""

import numpy as np
from scipy.optimize import nnls

# Cells' worth of trust in the prior, which is the plain mean of the learned parts.
_PRIOR_CELLS = 10


def fit_blend(components, targets, counted, column_of_unit):
    """Non-negative weights of the components, one set per column.

    Least squares on held-out cells, in units centred at the training mean, drawn a
    little towards equal weights: components that predict no better than the mean
    get weights near 0.

    Parameters
    ----------
    components : (n_rows, n_units, n_components) array
    targets : (n_rows, n_units) array
    counted : (n_rows, n_units) bool array
        Cells that were hidden and are known.
    column_of_unit : (n_units,) int array
        Units of one column share their weights.

    Returns
    -------
    blend : (n_units, n_components) array
    """
    n_components = components.shape[2]
    components = np.where(counted[:, :, None], components, 0.0)
    targets = np.where(counted, targets, 0.0)
    gram = np.einsum("nuc,nud->ucd", components, components)
    cross = np.einsum("nuc,nu->uc", components, targets)
    n_cells = counted.sum(axis=0)
    blend = np.empty((len(column_of_unit), n_components))
    prior = np.full(n_components, 1 / n_components)
    for column in np.unique(column_of_unit):
        units = column_of_unit == column
        G, b = gram[units].sum(axis=0), cross[units].sum(axis=0)
        strength = _PRIOR_CELLS * np.trace(G) / max(n_cells[units].sum(), 1)
        strength = strength / n_components + 1e-9
        G = G + strength * np.eye(n_components)
        root = np.linalg.cholesky(G)
        wanted = np.linalg.solve(root, b + strength * prior)
        blend[units] = nnls(root.T, wanted)[0]
    return blend
