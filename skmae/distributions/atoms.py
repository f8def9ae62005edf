"""Probabilities of atoms and categories, beside those of all other values."""

import numpy as np
import torch
from scipy.special import ndtr

# Part of an atom's probability that does not depend on the visible cells.
_OVERALL = 0.02
# Parts of an atom's share that are added to what groups say of it, with and without
# visible cells, as few groups may come near it.
_ADDED = 0.05


def choice_probabilities(masses, shares, usual, mixed):
    """Of atoms and, last, of all other numbers.

    Their shares, times how much more likely visible cells make them.

    Parameters
    ----------
    masses : (n_columns, n_rows, n_most + 1) tensor
        Of atoms in the groups, given visible cells.
    shares, usual : (n_columns, 1, n_most + 1) tensors
        Of atoms over all rows, and in the groups while nothing is visible.
    mixed : (n_columns, 1) bool tensor
        Columns that have both atoms and other numbers.
    """
    masses = masses.nan_to_num(0.0)  # of atoms that a column does not have
    rest = (1 - masses.sum(dim=-1, keepdim=True)).clamp(min=0)
    rest = torch.where(mixed.unsqueeze(2), rest, usual[..., -1:])
    masses = torch.cat([masses[..., :-1], rest], dim=-1)
    added = _ADDED * shares
    found = shares * (masses + added) / (usual + added).clamp(min=1e-12)
    found = found / found.sum(dim=-1, keepdim=True).clamp(min=1e-12)
    return (1 - _OVERALL) * found + _OVERALL * shares


def masses_of_columns(mixture, marginals, width):
    """Of atoms and all other numbers in the groups: (n_numeric, width) float32."""
    n_numeric, n_atoms = marginals.atoms.shape
    found = np.zeros((n_numeric, width), dtype=np.float32)
    if n_numeric:
        variance = np.square(mixture.loadings).sum(axis=1) + mixture.noise
        share, std = np.exp(mixture.log_share), np.sqrt(variance)[:, None, None]
        ends = np.stack([marginals.low, marginals.high])[..., None]
        ranks = ndtr((ends - mixture.means.T[:, None]) / std) @ share
        found[:, :n_atoms] = ranks[1] - ranks[0]
    found[:, -1] = 1 - found.sum(axis=1)
    return found.clip(0, 1)


def score_of(low, high):
    """Scores of ranks, counted from below and from above."""
    low, high = low.clamp(1e-30, 1), high.clamp(1e-30, 1)
    of_low, of_high = low.clamp(max=0.5), high.clamp(max=0.5)
    return torch.where(
        low < high, torch.special.ndtri(of_low), -torch.special.ndtri(of_high)
    )


def frequencies_of_groups(layout, mixture, width):
    """Of categories in groups: (n_categorical, n_groups, width) float32 array."""
    found = np.zeros((len(layout.cardinalities), len(mixture.log_share), width))
    start = 0
    for j, size in enumerate(layout.cardinalities):
        part = np.exp(mixture.log_frequency[:, start : start + size])
        found[j, :, :size] = part * (1 - mixture.unseen)
        found[j, :, -1] = mixture.unseen
        start += size
    return found.astype(np.float32)


def edges_of_atoms(low, high, atom_index, width):
    """Scores at which atoms begin or end, and where those of each atom are."""
    column, atom = atom_index // width, atom_index % width
    ends = np.concatenate([low[column, atom], high[column, atom]])
    both = np.stack([np.concatenate([column, column]), ends])
    edges, at = np.unique(both, axis=1, return_inverse=True)
    low_at, high_at = np.split(at.ravel(), 2)
    return edges[1].astype(np.float32), edges[0].astype(np.int64), low_at, high_at


def places_of_choices(sizes, width):
    """Flat places of the first ``size`` of ``width`` entries of each column."""
    places = [j * width + k for j, size in enumerate(sizes) for k in range(size)]
    return np.array(places, dtype=np.int64)
