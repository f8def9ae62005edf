"""Training by several processes at once, where torch.distributed is initialised.

torchrun, Ray Train, Spark's TorchDistributor and others start the processes and the
process group. Every process then calls ``fit`` with the same rows. All of them draw
the same batches and masks; each takes its share of the rows of every batch, and
:class:`torch.nn.parallel.DistributedDataParallel` adds the gradients up. The result
equals that of one process with the same batches, up to rounding, and is equal bit for
bit in every process.
"""

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from skmae._processes import share_bounds, this_process


class Crew:
    """The processes that train one net, seen from one of them.

    Parameters
    ----------
    module : torch.nn.Module
        To be trained. It stays as it is; ``forward`` runs it.
    uses_all_weights : bool
        Whether the gradient of a step reaches every weight that can be trained.
    """

    def __init__(self, module, uses_all_weights=True):
        self.size = distributed.get_world_size()
        self.rank = distributed.get_rank()
        self.n_members = getattr(module, "n_members", 1)
        # Buffers are constants. Layers that count batches are refused by the base.
        self.forward = DistributedDataParallel(
            module,
            forward_sync_buffers=False,
            # Every step leaves out the same weights.
            static_graph=not uses_all_weights,
            gradient_as_bucket_view=True,
        )

    def share(self, n_rows, device, own=None):
        """Rows of a batch that this process trains on: slice or int tensor.

        An ensemble's batch is split among its members; each of them keeps a share.

        Parameters
        ----------
        n_rows : int
        device : torch.device
        own : (n_rows,) bool tensor or None
            The rows that this process holds, if it does not hold all. So that members
            have shares of one size, and none is empty, some have rows of others too,
            which weigh nothing.
        """
        if own is None and self.n_members == 1:
            return slice(*share_bounds(n_rows))  # which nothing is copied for
        rows = torch.arange(n_rows, device=device).view(self.n_members, -1)
        if own is None:
            return rows[:, slice(*share_bounds(rows.shape[1]))].flatten()
        own = own.view(self.n_members, -1)
        n_most = max(int(own.sum(dim=1).max()), 1)
        own_first = own.float().argsort(dim=1, descending=True, stable=True)
        return rows.gather(1, own_first[:, :n_most]).flatten()

    def loss_factor(self, weight):
        """Factor of the mean loss of a share.

        The mean over the batch is the sum of the shares' means, each times its part
        of the weight.

        Parameters
        ----------
        weight : (n_rows, ...) tensor
            Of what is averaged of this share.
        """
        part = weight.sum()
        total = part.clone()
        distributed.all_reduce(total)
        return part / total.clamp(min=1e-12)

    def known_factor(self, weight, rows):
        """Factor of the mean loss of a share of a batch that all processes know.

        Nothing is sent.

        Parameters
        ----------
        weight : (n_rows, ...) tensor
            Of what is averaged of the whole batch.
        rows : slice or int tensor
            The share.
        """
        return _part(weight, rows)

    def total(self, number):
        """Sum over processes of a number: float."""
        total = number.detach().clone()
        distributed.all_reduce(total)
        return total.item()

    def any(self, flag, device):
        """Whether the flag is set in any of the processes."""
        return (
            self.total(torch.tensor(float(flag), dtype=torch.float32, device=device))
            > 0
        )


class OwnMembers:
    """Those of an ensemble's members that this process trains, and no other does.

    Every process draws what all members are trained on, so that each member learns
    what it would among all of them. Nothing is sent.

    Parameters
    ----------
    module : torch.nn.Module
        With these members alone.
    first : int
        The first of them, among all.
    n_all : int
        Members of all processes.
    """

    size = 1

    def __init__(self, module, first, n_all):
        self.rank = this_process()
        self.members = slice(first, first + module.n_members)
        self.n_all = n_all
        self.forward = module

    def share(self, n_rows, device):
        """Rows of a batch that these members train on: int tensor."""
        rows = torch.arange(n_rows, device=device).view(self.n_all, -1)
        return rows[self.members].flatten()

    def known_factor(self, weight, rows):
        """Factor of the mean loss of a share, as all members would have it."""
        return _part(weight, rows)

    def total(self, number):
        """A number of these members: float."""
        return number.item()

    def any(self, flag, device):
        """Whether the flag is set in this process."""
        return flag


def _part(weight, rows):
    """Part of the weight that some rows have."""
    return weight[rows].sum() / weight.sum().clamp(min=1e-12)
