"""Batches for members that each leave out some rows, to be judged on them."""

import torch

from skmae.data.batches import TableDataset, count_batches


def draw_folds(n_rows, n_folds, seed):
    """Split the rows at random into folds of equal size: (n_rows,) int tensor."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(n_rows, generator=generator, device="cpu") % min(
        n_folds, n_rows
    )


def fold_of_member(member, folds):
    """The fold that a member leaves out."""
    return member % (int(folds.max()) + 1)


def pools_of_members(n_members, folds):
    """The rows that each member is trained on: list of int tensors."""
    pools = []
    for member in range(n_members):
        pool = torch.nonzero(folds != fold_of_member(member, folds)).ravel()
        # A single row cannot be left out.
        every = torch.arange(len(folds), device="cpu")
        pools.append(pool if len(pool) else every)
    return pools


class MemberDataset(TableDataset):
    """Rows for an ensemble, each member of which leaves out one fold.

    A batch holds ``batch_size`` rows for each member, one member's after the
    other's. Members draw their rows independently.

    Parameters
    ----------
    values : (n_rows, n_columns) float32 tensor
        NaN where missing.
    folds : (n_rows,) int tensor
    n_members : int
    least_batches : int
        An epoch has at least so many batches, going over few rows repeatedly.
    weight : (n_rows,) float32 tensor or None
    """

    def __init__(self, values, folds, n_members, least_batches, weight=None):
        super().__init__(values, weight)
        self.least_batches = least_batches
        self.pools = pools_of_members(n_members, folds)

    def n_batches(self, batch_size):
        """Batches in an epoch: each member goes over its rows at least once."""
        largest = max(len(pool) for pool in self.pools)
        return max(self.least_batches, count_batches(largest, batch_size))

    def batches(self, batch_size, generator):
        """Batches of one epoch, each time in another order."""
        return MemberBatches(self, batch_size, generator)


class MemberBatches:
    """Iterate once over a :class:`MemberDataset`."""

    def __init__(self, dataset, batch_size, generator):
        self.dataset = dataset
        self.n_batches = dataset.n_batches(batch_size)
        self.n_rows = min(batch_size, max(len(pool) for pool in dataset.pools))
        self.generator = generator

    def __len__(self):
        return self.n_batches

    def __iter__(self):
        shape = (self.n_batches, self.n_rows)
        orders = [
            endless(pool, self.n_batches * self.n_rows, self.generator).view(shape)
            for pool in self.dataset.pools
        ]
        # (n_batches, n_members * n_rows)
        order = torch.cat(orders, dim=1).to(self.dataset.values.device)
        for rows in order:
            yield self.dataset[rows]


def endless(pool, n_wanted, generator):
    """Random orders of the pool, one after the other, cut to a length."""
    n_passes = -(-n_wanted // len(pool))
    passes = [
        pool[torch.randperm(len(pool), generator=generator, device="cpu")]
        for _ in range(n_passes)
    ]
    return torch.cat(passes)[:n_wanted]
