"""The protocol by which masked autoencoders are compared."""

import math

import numpy as np

from skmae._random import torch_generator
from skmae.masking.even import even_masks
from skmae.masking.steps import StepSampler

PANEL_RATIOS = (0.15, 0.3, 0.5, 0.75)
# The same masks for every estimator, so that candidates differ in skill alone.
_PANEL_SEED = 20220111


def scoring_panel(sampler):
    """Masks of the panel: one (n_masks, n_columns) bool tensor per ratio.

    They depend on the number of mask units and on nothing else. Of rows of unlike
    lengths, the ratios themselves.
    """
    if isinstance(sampler, StepSampler):
        return list(PANEL_RATIOS)
    generator = torch_generator(_PANEL_SEED)
    return [
        sampler.to_cells(even_masks(sampler.grid.n_units, ratio, generator))
        for ratio in PANEL_RATIOS
    ]


def panel_score(inference, values, panel):
    """R^2 of hidden cells against the training means, averaged over the panel."""
    return float(np.mean([inference.hidden_r2(values, masks) for masks in panel]))


def checked_score(inference, values, panel):
    """As :func:`panel_score`, of rows of which some cell is there."""
    score = panel_score(inference, values, panel)
    if math.isnan(score):
        raise ValueError("X has no observed value: there is nothing to score.")
    return score
