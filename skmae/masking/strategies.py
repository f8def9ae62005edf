"""The mask strategies by name."""

from skmae.masking.block import Blocks
from skmae.masking.copied import CopiedHoles
from skmae.masking.random import RandomUnits
from skmae.masking.strategy import Strategy

STRATEGIES: dict[str, type[Strategy]] = {
    "random": RandomUnits,
    "block": Blocks,
    "copy": CopiedHoles,
}


def obeys_ratio(name_or_function):
    """Whether ``mask_ratio`` says how many units to hide; a function is not told."""
    return not callable(name_or_function) and STRATEGIES[name_or_function].obeys_ratio


def needs_patterns(name_or_function):
    """Whether the missingness of training rows is asked for."""
    return (
        not callable(name_or_function) and STRATEGIES[name_or_function].needs_patterns
    )
