"""Calibration of class probabilities by a temperature.

A network that fits its labelled rows perfectly is overconfident about others.
Networks that were trained without some of the rows show by how much: their logits of
those are divided by the temperature under which the labels are most likely [1]_. That
changes no predicted class, only its probability.

References
----------
.. [1] Guo, Pleiss, Sun, Weinberger (2017). On Calibration of Modern Neural Networks.
   ICML. arXiv:1706.04599.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

_BOUNDS = (0.1, 100.0)
# Strength of the prior that the temperature is 1.
_PRIOR_STRENGTH = 3.0


def fit_temperature(logits, labels, weight):
    """What logits must be divided by for the labels to be most likely.

    Parameters
    ----------
    logits : (n_rows, n_classes) array
        Of rows that were not trained on.
    labels : (n_rows,) int array
    weight : (n_rows,) array
        1 in the mean, or nearly.

    Returns
    -------
    temperature : float
        Above 1 where the logits are overconfident. Few rows leave it close to 1.
    """

    def penalised_loss(log_temperature):
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        right = np.take_along_axis(scaled, labels[:, None], axis=1)[:, 0]
        return -(weight @ right) + _PRIOR_STRENGTH * log_temperature**2

    found = minimize_scalar(penalised_loss, bounds=np.log(_BOUNDS), method="bounded")
    return float(np.exp(found.x))
