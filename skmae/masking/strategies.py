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
    """Whether ``mask_ratio`` decides how many units to hide; not for a function."""
    return not callable(name_or_function) and STRATEGIES[name_or_function].obeys_ratio


def needs_patterns(name_or_function):
    """Whether the missingness of training rows is needed."""
    return (
        not callable(name_or_function) and STRATEGIES[name_or_function].needs_patterns
    )
