"""Processes that fit together, where torch.distributed is initialised.

What is here is called by all of them, in the same order, and never while rows are
scored or transformed, which one process may do alone.
"""

import numpy as np
import torch
from torch import distributed


def n_processes():
    """Processes that fit together; 1 where no process group is initialised."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_world_size()
    return 1


def this_process():
    """Number of this process among those that fit together, from 0."""
    return 0 if n_processes() == 1 else distributed.get_rank()


def from_first_process(value):
    """What the first process holds, for all of them."""
    if n_processes() == 1:
        return value
    box = [value]
    distributed.broadcast_object_list(box, src=0)
    return box[0]


def of_all_processes(value):
    """What each of the processes holds, in their order: list."""
    if n_processes() == 1:
        return [value]
    of_all = [None] * n_processes()
    distributed.all_gather_object(of_all, value)
    return of_all


def done_by_all(function):
    """Call a function in every process; what fails in one of them fails in all.

    Returns
    -------
    found : list
        What each process found, in their order.
    """
    if n_processes() == 1:
        return [function()]
    found = error = message = None
    try:
        found = function()
    except Exception as raised:
        error, message = raised, (isinstance(raised, ValueError), str(raised))
    failed = [of_one for of_one in of_all_processes(message) if of_one is not None]
    if error is not None:
        raise error
    for is_value, said in failed:
        raise ValueError(said) if is_value else RuntimeError(said)
    return of_all_processes(found)


def joined_rows(own):
    """The rows of all processes, in their order.

    Parameters
    ----------
    own : (n_own, ...) array
        Rows of this process, of a dtype that torch has.
    """
    if n_processes() == 1:
        return own
    heights = of_all_processes(len(own))
    joined = np.empty((sum(heights), *own.shape[1:]), dtype=own.dtype)
    start = 0
    for process, height in enumerate(heights):
        part = joined[start : start + height]
        if process == this_process():
            part[...] = own
        _broadcast(part, process)
        start += height
    return joined


def total_of_all(own):
    """Sum over the processes of an array: array, which may be the one given."""
    if n_processes() == 1:
        return own
    moved = torch.from_numpy(own).to(_where_sent())
    distributed.all_reduce(moved)
    return moved.cpu().numpy()


def share_bounds(n_rows):
    """Where the share of this process begins and ends, of rows that are split evenly.

    Of fewer rows than processes some have none.
    """
    n_shares, number = n_processes(), this_process()
    return n_rows * number // n_shares, n_rows * (number + 1) // n_shares


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
    of_all = of_all_processes(facts)
    for name in facts:
        found = [of_one[name] for of_one in of_all]
        if any(value != found[0] for value in found):
            raise ValueError(
                "Every process of a distributed fit must be given the same X and "
                f"parameters, but they differ in {name}: {found}."
            )


def _broadcast(array, source):
    """Overwrite an array by that of one process."""
    moved = torch.from_numpy(array).to(_where_sent())
    distributed.broadcast(moved, src=source)
    torch.from_numpy(array).copy_(moved)


def _where_sent():
    """Where a tensor must be to be sent: NCCL sends what is on a GPU."""
    if "nccl" in distributed.get_backend():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")
