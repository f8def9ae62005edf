"""The architectures by name."""

from skmae.networks.architecture import Architecture
from skmae.networks.masked_attention import Attention
from skmae.networks.mlp import Perceptron

ARCHITECTURES: dict[str, Architecture] = {
    "mlp": Perceptron(),
    "attention": Attention(),
}
