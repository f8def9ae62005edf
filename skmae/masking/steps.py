"""Masks over rows of unlike lengths: which of their steps to hide."""

import numpy as np
import torch

from skmae._random import torch_generator
from skmae.data.sequences import in_patches
from skmae.masking.even import even_masks
from skmae.masking.strategy import uniform
from skmae.masking.units import EVERY_ROW, hide_smallest


def _scattered(seen, generator):
    """Steps at random."""
    return uniform(seen.shape, generator)


def _spans(seen, generator):
    """Distance to a random step of the row."""
    places = torch.arange(seen.shape[1], device=seen.device)
    last = (seen * (places + 1)).amax(dim=1)
    centres = (uniform((len(seen),), generator) * last).floor()
    distance = (places - centres[:, None]).abs()
    # The jitter picks among equally distant steps without reordering others.
    return distance + 0.5 * uniform(seen.shape, generator)


# Keys of steps, of which those with the smallest are hidden.
STEP_STRATEGIES = {"random": _scattered, "block": _spans}


class StepSampler:
    """Draw training masks that hide steps, or some cells of steps that have several.

    Per row the number of hidden steps is exactly ``round(ratio * n_observed)``, kept
    between one hidden and one visible wherever the row has two observed steps or more.

    Parameters
    ----------
    ratio : float or (float, float)
        Share of the observed steps to hide; a pair is a range from which each row draws
        its own share. Up to 1, all steps of a row may be hidden.
    strategy : str or callable
        A name among :data:`STEP_STRATEGIES`, or a function that takes ``observed``, a
        boolean array of shape (n_rows, length), and a :class:`numpy.random.Generator`,
        and returns such an array, True = hidden.
    patch_size : int
        Steps that are hidden together, and count as one above.
    """

    def __init__(self, ratio, strategy, patch_size=1):
        self.patch_size = patch_size
        self.low, self.high = ratio if isinstance(ratio, tuple) else (ratio, ratio)
        self.strategy = strategy
        if not callable(strategy) and strategy not in STEP_STRATEGIES:
            raise ValueError(
                f"mask_strategy={strategy!r} cannot be used with rows of unlike "
                f"lengths: choose one of {sorted(STEP_STRATEGIES)} or a callable."
            )

    def visible_range(self, complete):
        """None: rows are of unlike lengths."""
        return None

    @property
    def never_hides(self):
        """Whether no step can ever be hidden."""
        return self.high == 0 and not callable(self.strategy)

    def to(self, device):
        """Nothing to move."""
        return self

    def sample(self, n_rows, observed, generator, wanted=EVERY_ROW):
        """Draw a mask for a batch.

        Parameters
        ----------
        n_rows : int
        observed : (n_rows, length, n_cells) bool tensor
            False past the end of a row too.
        generator : torch.Generator
        wanted : slice or int tensor
            Rows whose masks to return, which do not depend on what else is wanted.

        Returns
        -------
        hidden : (n_wanted, length, n_cells) bool tensor
            Observed cells to hide.
        """
        if self.never_hides:
            return torch.zeros_like(observed[wanted])
        seen = observed.any(dim=2)
        if callable(self.strategy):
            hidden = self._call(seen, generator)[wanted]
        else:
            seen = in_patches(seen[:, :, None], self.patch_size, False).any(dim=2)
            keys = STEP_STRATEGIES[self.strategy](seen, generator)
            keys = keys.masked_fill(~seen, torch.inf)
            counts = self._counts(seen, generator)
            hidden = hide_smallest(keys[wanted], counts[wanted])
            hidden = hidden.repeat_interleave(self.patch_size, dim=1)
            hidden = hidden[:, : observed.shape[1]]
        hidden = hidden[:, :, None] & observed[wanted]
        if observed.shape[2] > 1:
            parts = self._whole_or_in_part(observed.shape, generator)
            hidden = hidden & parts[wanted]
        return hidden

    def _whole_or_in_part(self, shape, generator):
        """Cells of hidden steps to hide: in half of the rows all, else half of them.

        So that a step of which some cells are missing is nothing new later.
        """
        whole = uniform((shape[0], 1, 1), generator) < 0.5
        return whole | (uniform(shape, generator) < 0.5)

    def _counts(self, seen, generator):
        """Number of steps to hide in each row: (n_rows,)."""
        available = seen.sum(dim=1)
        drawn = uniform((len(seen),), generator)
        if self.high >= 1:  # a row may be hidden as a whole
            counts = ((self.low + (self.high - self.low) * drawn) * available).ceil()
            return counts.long().clamp(min=1).minimum(available)
        ratio = self.low + (self.high - self.low) * drawn
        counts = (ratio * available.float()).round().long()
        most = (available - 1).clamp(min=0)
        return counts.clamp(min=1 if self.high > 0 else 0).minimum(most)

    def _call(self, seen, generator):
        seed = torch.randint(
            2**31 - 1, (1,), generator=generator, device=generator.device
        )
        rng = np.random.default_rng(int(seed))
        hidden = np.array(self.strategy(seen.cpu().numpy(), rng), order="C")
        if hidden.shape != tuple(seen.shape) or hidden.dtype != bool:
            raise ValueError(
                "A callable mask_strategy must return a boolean array of shape "
                f"(n_rows, length) = {tuple(seen.shape)}, True where a step is to be "
                f"hidden. Got dtype {hidden.dtype} and shape {hidden.shape}."
            )
        return torch.from_numpy(hidden).to(generator.device)


def even_step_masks(lengths, width, ratio, seed, n_repeats=1, patch_size=1):
    """Masks under which every step of a row is hidden equally often.

    A row's masks depend on its length and on nothing else; see
    :func:`~skmae.masking.even.even_masks`.

    Parameters
    ----------
    lengths : (n_rows,) int array
    width : int
        Steps of the batch.
    ratio : float in (0, 1)
    seed : int
    n_repeats : int
        Number of independent splits.
    patch_size : int
        Steps that are hidden together.

    Returns
    -------
    masks : (n_masks, n_rows, width) bool array
        False past the ends. A short row has fewer masks than a long one: the others
        hide nothing of it.
    """
    n_groups = round(1 / min(ratio, 1 - ratio))
    masks = np.zeros((n_groups * n_repeats, len(lengths), width), dtype=bool)
    for length in np.unique(lengths):
        generator = torch_generator((seed + int(length)) % 2**63)
        n_patches = -(-int(length) // patch_size)
        of_length = even_masks(n_patches, ratio, generator, n_repeats).numpy()
        of_length = of_length.repeat(patch_size, axis=1)[:, :length]
        rows = np.flatnonzero(lengths == length)
        masks[: len(of_length), rows, :length] = of_length[:, None]
    return masks
