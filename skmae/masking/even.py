"""Masks under which every unit is hidden equally often: what scoring uses."""

import torch


def even_masks(n_units, ratio, generator, n_repeats=1):
    """Masks under which every unit is hidden equally often.

    The units are split at random into equal groups. For a ratio of at most one
    half each mask hides one group of ``round(1 / ratio)``; above, each mask shows
    one group of ``round(1 / (1 - ratio))`` and hides the others.

    Parameters
    ----------
    n_units : int
    ratio : float in (0, 1)
    generator : torch.Generator
        On the CPU.
    n_repeats : int
        Number of independent splits.

    Returns
    -------
    masks : (n_masks, n_units) bool tensor
    """
    n_groups = round(1 / ratio) if ratio <= 0.5 else round(1 / (1 - ratio))
    n_groups = max(min(n_groups, n_units), 1)
    masks = []
    for _ in range(n_repeats):
        group = (
            torch.randperm(n_units, generator=generator, device="cpu") % n_groups
        )  # (n_units,)
        one_group = (
            group == torch.arange(n_groups, device="cpu")[:, None]
        )  # (n_groups, n_units)
        masks.append(one_group if ratio <= 0.5 or n_groups == 1 else ~one_group)
    return torch.cat(masks)
