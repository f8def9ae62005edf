"""A small generator for tests."""

from skmae import MaskedAutoencoderGenerator


def generator(hidden_layer_sizes=(16,), **params):
    """Train in a fraction of a second."""
    settings = {"max_epochs": 3, "device": "cpu", "random_state": 0}
    return MaskedAutoencoderGenerator(hidden_layer_sizes, **(settings | params))
