"""Device strings, and the precision of the arithmetic on a device."""

from contextlib import nullcontext

import torch


def resolve_device(device):
    """Turn the ``device`` parameter into a ``torch.device`` that exists.

    Parameters
    ----------
    device : str or torch.device
        "auto" takes the first of CUDA, MPS and the CPU that is there.

    Returns
    -------
    device : torch.device

    Raises
    ------
    ValueError
        If the string is no device, or the device is not on this machine.
    """
    if isinstance(device, str) and device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            "The 'device' parameter must be 'auto', 'cpu', 'cuda', 'cuda:<index>', "
            f"'mps' or a torch.device. Got {device!r} instead."
        ) from error
    if not _is_available(resolved):
        raise ValueError(
            f"The 'device' parameter is {device!r}, but that device is not available "
            f"here. Available: {', '.join(_available_devices())}."
        )
    return resolved


def _is_available(device):
    if device.type == "cpu":
        return device.index in (None, 0)
    if device.type == "cuda":
        return (device.index or 0) < torch.cuda.device_count()
    if device.type == "mps":
        return torch.backends.mps.is_available()
    return False


def _available_devices():
    names = ["cpu"]
    names += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return names


def autocast(device, precision):
    """Context in which matrix products run in ``precision``.

    Weights, losses and the optimiser stay in float32.
    """
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device_type=device.type, dtype=torch.bfloat16)
