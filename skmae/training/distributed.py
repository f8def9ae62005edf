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


def n_processes():
    """Processes that fit together; 1 where no process group is initialised."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_world_size()
    return 1


def from_first_process(value):
    """What the first process holds, for all of them."""
    if n_processes() == 1:
        return value
    box = [value]
    distributed.broadcast_object_list(box, src=0)
    return box[0]


def check_alike(**facts):
    """Refuse to go on where processes were given different arguments.

    Parameters
    ----------
    **facts : str, number or tuple of these
        What must be equal, by name.

    Raises
    ------
    ValueError
        In every process.
    """
    if n_processes() == 1:
        return
    of_all: list[dict] = [{} for _ in range(n_processes())]
    distributed.all_gather_object(of_all, facts)
    for name in facts:
        found = [of_one[name] for of_one in of_all]
        if any(value != found[0] for value in found):
            raise ValueError(
                "Every process of a distributed fit must be given the same X and "
                f"parameters, but they differ in {name}: {found}."
            )


class Crew:
    """The processes that train one net, seen from one of them.

    Parameters
    ----------
    module : torch.nn.Module
        To be trained. It stays as it is; ``forward`` runs it.
    """

    def __init__(self, module):
        self.size = distributed.get_world_size()
        self.rank = distributed.get_rank()
        self.n_members = getattr(module, "n_members", 1)
        # Buffers are constants. Layers that count batches are refused by the base.
        self.forward = DistributedDataParallel(module, forward_sync_buffers=False)

    def share(self, n_rows, device):
        """Rows of a batch that this process trains on: int tensor.

        An ensemble's batch is split among its members; each of them keeps a share.
        """
        rows = torch.arange(n_rows, device=device).view(self.n_members, -1)
        return rows.tensor_split(self.size, dim=1)[self.rank].flatten()

    def loss_factor(self, cell_weight, rows):
        """Factor of the mean loss of a share.

        The mean over the batch is the sum of the shares' means, each times its part
        of the cells' weight. All processes know all weights, so nothing is sent.

        Parameters
        ----------
        cell_weight : (n_rows, n_columns) tensor
            Of the whole batch.
        rows : int tensor
            The share.
        """
        return cell_weight[rows].sum() / cell_weight.sum().clamp(min=1e-12)

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
