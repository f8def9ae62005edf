"""Batches of rows that are not in memory, shuffled on two levels.

Rows are read in blocks, which are quick to read since their rows lie side by side.
In every epoch the blocks come in another order; many of them are pooled, and the
batches are drawn from the rows of a pool in random order. So a batch mixes rows from
many places, though not from everywhere.

Several processes pool the same blocks and draw the same batches, and each reads only
its own rows of them.
"""

import numpy as np
import torch
from torch.utils.data import Dataset

from skmae.data.batches import Batch, HeldBatch, count_batches
from skmae.data.blocks import slices
from skmae.data.member_folds import fold_of_member

_BLOCK_CELLS = 2**18
_POOL_CELLS = 2**24  # 64 MB of float32


class PooledDataset(Dataset):
    """Rows to train on, encoded anew in every epoch.

    Parameters
    ----------
    rows : EncodedRows
    weight : (n_rows,) float32 tensor or None
    device : torch.device
    """

    def __init__(self, rows, weight, device):
        self.rows = rows
        self.weight = weight
        self.device = device
        self.has_missing = bool(rows.incomplete.any())

    def __len__(self):
        return len(self.rows)

    def n_batches(self, batch_size):
        """Batches in an epoch."""
        return count_batches(len(self), batch_size)

    def batches(self, batch_size, generator):
        """Batches of one epoch, in random order, as even as those of an array."""
        return PooledBatches(self, batch_size, generator)

    def pools(self, generator):
        """Pools of rows in random order of their blocks.

        Yields
        ------
        positions : (n_pooled,) int array
            Of the rows of all processes.
        places : (n_pooled,) int tensor
            Where these rows are in the pool.
        pool : Batch
            The rows that this process reads, and one that stands for those that others
            do. Written over by the next one.
        """
        n_columns = self.rows.shape[1]
        blocks = list(slices(len(self), max(_BLOCK_CELLS // n_columns, 1)))
        order = torch.randperm(len(blocks), generator=generator, device="cpu")
        n_pools = count_batches(len(blocks), max(_POOL_CELLS // _BLOCK_CELLS, 1))
        # Evenly, so that no pool is a stray block.
        parts = [[blocks[i] for i in part] for part in order.tensor_split(n_pools)]
        own = self.rows.own
        to_read = [_within(chosen, own) for chosen in parts]
        height = max(sum(b.stop - b.start for b in read) for read in to_read)
        buffer = np.empty((height + 1, n_columns), dtype=np.float32)
        for chosen, read in zip(parts, to_read, strict=True):
            n_rows = 0
            for block in read:
                values = self.rows.read_own(block)
                buffer[n_rows : n_rows + len(values)] = values
                n_rows += len(values)
            positions = _positions(chosen)
            if own == slice(0, len(self)):
                places = torch.arange(n_rows, device="cpu")
                yield positions, places, self._pool(buffer[:n_rows], positions)
                continue
            buffer[n_rows] = 0.0
            is_own = (positions >= own.start) & (positions < own.stop)
            places = torch.from_numpy(np.where(is_own, np.cumsum(is_own) - 1, n_rows))
            pool = self._pool(buffer[: n_rows + 1], positions[is_own], others=True)
            yield positions, places, pool

    def _pool(self, values, positions, others=False):
        """What batches are drawn from; with a last row for what others read."""
        values, weight = torch.from_numpy(values).to(self.device), None
        if self.weight is not None:
            weight = self.weight[torch.from_numpy(positions)].to(self.device)
        if not others:
            return Batch(values, weight)
        own = torch.ones(len(values), dtype=torch.bool, device=self.device)
        own[-1] = False
        weight_of_all = own.float()
        if weight is not None:
            weight_of_all[:-1] = weight
        return HeldBatch(values, weight_of_all, own)


class PooledBatches:
    """Iterate once over a :class:`PooledDataset`.

    The sizes of the batches are those of
    :class:`~skmae.data.batches.ShuffledBatches`.
    """

    def __init__(self, dataset, batch_size, generator):
        self.dataset = dataset
        self.generator = generator
        self.n_batches = dataset.n_batches(batch_size)

    def __len__(self):
        return self.n_batches

    def __iter__(self):
        size, n_larger = divmod(len(self.dataset), self.n_batches)
        n_done = 0
        queue = RowQueue()
        for positions, places, pool in self.dataset.pools(self.generator):
            order = torch.randperm(
                len(positions), generator=self.generator, device="cpu"
            )
            queue.refill(pool, places[order])
            while n_done < self.n_batches:
                wanted = size + (n_done < n_larger)
                if len(queue) < wanted:
                    break
                yield queue.take(wanted)
                n_done += 1
            # Before the pool is written over.
            queue.settle()


class PooledMemberDataset(PooledDataset):
    """Rows for an ensemble, each member of which leaves out one fold.

    As :class:`~skmae.data.member_folds.MemberDataset` has them, for rows not in memory.

    Parameters
    ----------
    rows : EncodedRows
    folds : (n_rows,) int tensor
    n_members : int
    device : torch.device
    weight : (n_rows,) float32 tensor or None
    """

    def __init__(self, rows, folds, n_members, device, weight=None):
        super().__init__(rows, weight, device)
        left_out = [fold_of_member(member, folds) for member in range(n_members)]
        self.folds = folds.to(torch.int16)
        self.left_out = left_out
        self.n_members = n_members
        sizes = torch.bincount(folds)
        self.n_most = max(len(rows) - int(sizes[fold]) for fold in left_out)

    def n_batches(self, batch_size):
        """Batches in an epoch: each member goes over its rows at least once."""
        return count_batches(self.n_most, batch_size)

    def batches(self, batch_size, generator):
        """Batches of one epoch, each member's rows in an order of its own."""
        return PooledMemberBatches(self, batch_size, generator)


class PooledMemberBatches:
    """Iterate once over a :class:`PooledMemberDataset`."""

    def __init__(self, dataset, batch_size, generator):
        self.dataset = dataset
        self.generator = generator
        self.n_batches = dataset.n_batches(batch_size)
        self.n_rows = min(batch_size, dataset.n_most)

    def __len__(self):
        return self.n_batches

    def __iter__(self):
        queues = [RowQueue() for _ in range(self.dataset.n_members)]
        n_done = 0
        for positions, places, pool in self.dataset.pools(self.generator):
            folds = self.dataset.folds[torch.from_numpy(positions)]
            self._refill(queues, pool, places, folds)
            while all(len(queue) >= self.n_rows for queue in queues):
                yield self._take(queues)
                n_done += 1
            for queue in queues:
                queue.settle()
        # Members that are out of rows for the last batches meet some a second time.
        while n_done < self.n_batches:
            while any(len(queue) < self.n_rows for queue in queues):
                self._refill(queues, pool, places, folds)
            yield self._take(queues)
            n_done += 1

    def _refill(self, queues, pool, places, folds):
        for queue, left_out in zip(queues, self.dataset.left_out, strict=True):
            seen = torch.nonzero(folds != left_out).ravel()
            order = torch.randperm(len(seen), generator=self.generator, device="cpu")
            queue.refill(pool, places[seen[order]])

    def _take(self, queues):
        return _joined([queue.take(self.n_rows) for queue in queues])


class RowQueue:
    """Rows waiting for a batch: some of a pool, after what was left of earlier ones."""

    def __init__(self):
        self.left = None  # a Batch
        self.pool = None
        self.order = torch.empty(0, dtype=torch.long, device="cpu")

    def __len__(self):
        n_left = 0 if self.left is None else len(self.left.values)
        return n_left + len(self.order)

    def refill(self, pool, order):
        """Add rows of a pool, by position."""
        self.settle()
        self.pool, self.order = pool, order

    def settle(self):
        """Copy what waits, so that the pool may go."""
        self.left = self.take(len(self)) if len(self) > 0 else None
        self.pool = None

    def take(self, n_rows):
        """Take the first rows."""
        parts = []
        if self.left is not None:
            n_left = min(n_rows, len(self.left.values))
            parts.append(_rows_of(self.left, slice(n_left)))
            rest = _rows_of(self.left, slice(n_left, None))
            self.left = rest if len(rest.values) > 0 else None
            n_rows -= n_left
        if n_rows > 0:
            parts.append(_rows_of(self.pool, self.order[:n_rows]))
            self.order = self.order[n_rows:]
        return parts[0] if len(parts) == 1 else _joined(parts)


def _within(blocks, own):
    """The parts of blocks that lie in a slice: list of slices."""
    ends = [(max(b.start, own.start), min(b.stop, own.stop)) for b in blocks]
    return [slice(start, stop) for start, stop in ends if start < stop]


def _positions(blocks):
    return np.concatenate([np.arange(block.start, block.stop) for block in blocks])


def _rows_of(batch, rows):
    return type(batch)(*(None if part is None else part[rows] for part in batch))


def _joined(batches):
    return type(batches[0])(
        *(
            None if parts[0] is None else torch.cat(parts)
            for parts in zip(*batches, strict=True)
        )
    )
