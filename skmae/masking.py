"""Which cells to hide. A mask is boolean: True = hidden.

All strategies hide *units*: columns, or patches of an n-d row. Per row the number
of hidden units is exactly ``round(ratio * n_observed)``, kept between one hidden
and one visible wherever the row has two observed units or more. Missing units are
hidden anyway and never counted.
"""

import numpy as np
import torch

from skmae.data.encoded_rows import EncodedRows

# Missingness patterns kept for mask_strategy="copy".
_MAX_PATTERNS = 4096


class MaskSampler:
    """Draw training masks, row by row.

    Parameters
    ----------
    ratio : float or (float, float)
        Share of the observed units to hide; a pair is a range from which each row
        draws its own share.
    strategy : {"random", "block", "copy"} or callable
        See :class:`skmae.MaskedAutoencoderTransformer`.
    grid : UnitGrid
    patterns : (n_patterns, n_columns) bool tensor or None
        Missingness of training rows, for "copy".
    """

    def __init__(self, ratio, strategy, grid, patterns=None):
        self.low, self.high = ratio if isinstance(ratio, tuple) else (ratio, ratio)
        self.strategy = strategy
        self.grid = grid
        self.patterns = patterns
        self._places = torch.from_numpy(grid.places.astype(np.float32))
        self._unit_of_cell = torch.from_numpy(grid.unit_of_cell)

    @property
    def never_hides(self):
        """Whether no cell can ever be hidden: a plain autoencoder."""
        return self.grid.n_units == 1 or (
            self.high == 0 and self.strategy in ("random", "block")
        )

    def to(self, device):
        """Move what the strategies need to a device."""
        self._places = self._places.to(device)
        self._unit_of_cell = self._unit_of_cell.to(device)
        if self.patterns is not None:
            self.patterns = self.patterns.to(device)
        return self

    def sample(self, n_rows, observed, generator):
        """Draw a mask for a batch.

        Parameters
        ----------
        n_rows : int
        observed : (n_rows, n_columns) bool tensor, or None if all cells are observed
        generator : torch.Generator

        Returns
        -------
        hidden : (n_rows, n_columns) bool tensor
            Observed cells to hide.
        """
        if self.never_hides:
            return torch.zeros(
                (n_rows, len(self._unit_of_cell)),
                dtype=torch.bool,
                device=generator.device,
            )
        if callable(self.strategy):
            hidden = self._call(n_rows, observed, generator)
            return hidden if observed is None else hidden & observed
        seen = self._observed_units(observed)
        counts = self._counts(n_rows, seen, generator)
        if self.strategy == "copy":
            keys, counts = self._copy_keys(n_rows, seen, counts, generator)
        elif self.strategy == "block":
            keys = self._block_keys(n_rows, generator)
        else:
            keys = _uniform((n_rows, self.grid.n_units), generator)
        if seen is not None:
            keys = keys.masked_fill(~seen, torch.inf)
        hidden = hide_smallest(keys, counts)
        hidden = self.to_cells(hidden)
        return hidden if observed is None else hidden & observed

    def to_cells(self, units):
        """Spread a mask over units to the cells of each unit."""
        if self.grid.one_to_one:
            return units
        return units.index_select(1, self._unit_of_cell.to(units.device))

    def _observed_units(self, observed):
        """Units with at least one observed cell: (n_rows, n_units), or None."""
        if observed is None or self.grid.one_to_one:
            return observed
        seen = torch.zeros(
            (len(observed), self.grid.n_units),
            dtype=torch.int32,
            device=observed.device,
        )
        return seen.index_add_(1, self._unit_of_cell, observed.int()) > 0

    def _counts(self, n_rows, seen, generator):
        """Number of units to hide in each row: (n_rows,)."""
        device = generator.device
        if seen is None and self.low == self.high:
            count = max(round(self.low * self.grid.n_units), int(self.high > 0))
            count = min(count, self.grid.n_units - 1)
            return torch.full((n_rows,), count, dtype=torch.long, device=device)
        if seen is None:
            available = torch.full(
                (n_rows,), self.grid.n_units, dtype=torch.long, device=device
            )
        else:
            available = seen.sum(dim=1)
        ratio = self.low
        if self.low != self.high:
            drawn = _uniform((n_rows,), generator)
            ratio = self.low + (self.high - self.low) * drawn
        counts = (ratio * available.float()).round().long()
        return counts.clamp(min=1 if self.high > 0 else 0).minimum(
            (available - 1).clamp(min=0)
        )

    def _block_keys(self, n_rows, generator):
        """Distance to a random unit of the row, so that neighbours go together."""
        centres = torch.randint(
            self.grid.n_units, (n_rows,), generator=generator, device=generator.device
        )
        # (n_rows, 1, n_axes) - (n_units, n_axes) -> (n_rows, n_units)
        offsets = self._places[centres][:, None] - self._places
        distance = offsets.abs().amax(dim=2)
        # The jitter picks among equally distant units without reordering others.
        return distance + 0.5 * _uniform(distance.shape, generator)

    def _copy_keys(self, n_rows, seen, counts, generator):
        """Keys that put the units missing in another row first."""
        donors = torch.randint(
            len(self.patterns), (n_rows,), generator=generator, device=generator.device
        )
        # A unit of the donor is missing when it has no observed cell.
        missing = ~self._observed_units(~self.patterns[donors])
        keys = _uniform(missing.shape, generator) + (~missing).float()
        if seen is not None:
            missing = missing & seen
            available = seen.sum(dim=1)
        else:
            available = torch.full_like(counts, self.grid.n_units)
        wanted = missing.sum(dim=1).clamp(min=1)
        return keys, wanted.minimum((available - 1).clamp(min=0))

    def _call(self, n_rows, observed, generator):
        """Ask the user's function, which speaks numpy."""
        if observed is None:
            shape = (n_rows, len(self._unit_of_cell))
            seen = np.ones(shape, dtype=bool)
        else:
            seen = observed.cpu().numpy()
        seed = torch.randint(
            2**31 - 1, (1,), generator=generator, device=generator.device
        )
        rng = np.random.default_rng(int(seed))
        hidden = np.asarray(self.strategy(seen, rng))
        if hidden.shape != seen.shape or hidden.dtype != bool:
            raise ValueError(
                "A callable mask_strategy must return a boolean array of shape "
                f"(n_rows, n_features) = {seen.shape}, True where a cell is to be "
                f"hidden. Got dtype {hidden.dtype} and shape {hidden.shape}."
            )
        return torch.from_numpy(hidden).to(generator.device)


def missingness_patterns(values, seed):
    """Patterns for mask_strategy="copy": missing cells of rows that have any.

    Parameters
    ----------
    values : (n_rows, n_columns) float array or EncodedRows
        NaN where missing.
    seed : int

    Returns
    -------
    patterns : (n_patterns, n_columns) bool tensor

    Raises
    ------
    ValueError
        If nothing is missing.
    """
    if isinstance(values, EncodedRows):
        incomplete = np.flatnonzero(values.incomplete)
    else:
        incomplete = np.flatnonzero(np.isnan(values).any(axis=1))
    if len(incomplete) == 0:
        raise ValueError(
            "mask_strategy='copy' hides cells where other rows miss them, but X has no "
            "missing value. Use mask_strategy='random' instead."
        )
    if len(incomplete) > _MAX_PATTERNS:
        rng = np.random.default_rng(seed)
        incomplete = np.sort(rng.choice(incomplete, _MAX_PATTERNS, replace=False))
    return torch.from_numpy(np.isnan(values[incomplete]))


def hide_smallest(keys, counts):
    """Hide the ``counts[i]`` units with the smallest keys in row i, exactly.

    Parameters
    ----------
    keys : (n_rows, n_units) float tensor
    counts : (n_rows,) int tensor

    Returns
    -------
    hidden : (n_rows, n_units) bool tensor
    """
    if keys.device.type == "cpu":
        # numpy's vectorised sort is ten times as fast as an argsort.
        numbers, wanted = keys.numpy(), counts.numpy()
        ordered = np.sort(numbers, axis=1)
        threshold = np.take_along_axis(
            ordered, np.maximum(wanted - 1, 0)[:, None], axis=1
        )
        threshold[wanted == 0] = -np.inf
        hidden = numbers <= threshold
        if np.count_nonzero(hidden) == wanted.sum():
            return torch.from_numpy(hidden)
        # Some keys tie at the threshold: rank them one by one.
    order = keys.argsort(dim=1, stable=True)
    first = torch.arange(keys.shape[1], device=keys.device) < counts[:, None]
    return torch.zeros_like(first).scatter_(1, order, first)


def fold_masks(n_units, ratio, generator, n_repeats=1):
    """Masks under which every unit is hidden equally often.

    The units are dealt at random into equal groups. For a ratio of at most one
    half each mask hides one group of ``round(1 / ratio)``; above, each mask shows
    one group of ``round(1 / (1 - ratio))`` and hides the others.

    Parameters
    ----------
    n_units : int
    ratio : float in (0, 1)
    generator : torch.Generator
        On the CPU.
    n_repeats : int
        Number of independent deals.

    Returns
    -------
    masks : (n_masks, n_units) bool tensor
    """
    n_groups = round(1 / ratio) if ratio <= 0.5 else round(1 / (1 - ratio))
    n_groups = max(min(n_groups, n_units), 1)
    masks = []
    for _ in range(n_repeats):
        deal = (
            torch.randperm(n_units, generator=generator, device="cpu") % n_groups
        )  # (n_units,)
        one_group = (
            deal == torch.arange(n_groups, device="cpu")[:, None]
        )  # (n_groups, n_units)
        masks.append(one_group if ratio <= 0.5 or n_groups == 1 else ~one_group)
    return torch.cat(masks)


def _uniform(shape, generator):
    return torch.rand(
        shape, generator=generator, dtype=torch.float32, device=generator.device
    )
