"""Device strings, and the modes in which torch computes for us.

Whoever calls us may have torch in another mode: without gradients, in inference mode,
or under an autocast. What we compute does not depend on it.
"""

from contextlib import ExitStack, contextmanager

import torch

_AUTOCASTS = ("cpu", "cuda", "mps")


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


def resolve_precision(precision, device, bfloat16_on):
    """Turn the ``precision`` parameter into "float32" or "bfloat16".

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}
    device : torch.device
    bfloat16_on : tuple of str
        Types of devices on which "auto" stands for "bfloat16", if they multiply it
        faster.
    """
    if precision != "auto":
        return precision
    gains = device.type in bfloat16_on and multiplies_bfloat16(device)
    return "bfloat16" if gains else "float32"


def multiplies_bfloat16(device):
    """Whether a device has instructions of its own for products of bfloat16.

    That is AVX512-BF16 or AMX in a processor, where torch has the library that uses
    them, and the tensor cores of NVIDIA's cards from Ampere.
    """
    if device.type == "cuda":
        is_nvidia = torch.version.hip is None
        return is_nvidia and torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    processor = torch.cpu.get_capabilities()
    return any(processor.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def autocast(device, precision):
    """Context in which matrix products run in ``precision``.

    Weights, losses and the optimiser stay in float32.
    """
    if precision == "float32":
        return no_autocast()
    # Under an autocast that surrounds us, a cache of weights would outlive the step.
    return torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=False)


def no_autocast():
    """Context in which no autocast that surrounds us is at work."""
    stack = ExitStack()
    for kind in _AUTOCASTS:
        if torch.is_autocast_enabled(kind):
            stack.enter_context(torch.autocast(kind, enabled=False))
    return stack


@contextmanager
def training():
    """Context in which gradients can be taken."""
    with torch.inference_mode(False), torch.enable_grad(), no_autocast():
        yield


@contextmanager
def predicting():
    """Context in which networks are applied, and keep nothing for gradients."""
    with torch.inference_mode(), no_autocast():
        yield
