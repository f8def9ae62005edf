"""What the detector's parameters stand for."""

from dataclasses import dataclass
from numbers import Integral, Real

from skmae._compat import Interval, StrOptions
from skmae.detection.network import AttentionEnsemble, MaskedEnsemble
from skmae.training.build import Settings
from skmae.training.parameters import PARAMETER_CONSTRAINTS

HIDDEN_LAYER_SIZES = {"mlp": (128, 128, 128), "attention": (64, 64)}
# Levels of hiding: share of the units that a mask hides, and number of deals.
_NEARLY_ONE = (0.1, 1)
_A_QUARTER = (0.25, 2)
LEVELS = {
    "clean": (_NEARLY_ONE, _A_QUARTER),
    # Outliers among the training rows teach the network to predict outliers, the
    # better the more of them it sees.
    "contaminated": (_NEARLY_ONE,),
}

# Parameters that mean here what they mean everywhere.
_SHARED_PARAMETERS = (
    "architecture",
    "hidden_layer_sizes",
    "activation",
    "numerical_embedding",
    "mask_strategy",
    "mask_value",
    "loss",
    "scaling",
    "categorical_features",
    "input_shape",
    "channel_axis",
    "patch_size",
    "optimizer",
    "lr",
    "lr_schedule",
    "weight_decay",
    "batch_size",
    "max_epochs",
    "device",
    "precision",
    "compile",
    "callbacks",
    "checkpoint",
    "random_state",
    "verbose",
)
DETECTOR_CONSTRAINTS = {
    **{name: PARAMETER_CONSTRAINTS[name] for name in _SHARED_PARAMETERS},
    "mask_ratio": [Interval(Real, 0, 1, closed="neither"), tuple, list],
    "lr": [Interval(Real, 0, None, closed="neither")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "contamination": [
        StrOptions({"auto"}),
        Interval(Real, 0, 0.5, closed="right"),
    ],
    "training_data": [StrOptions(set(LEVELS))],
    "n_neighbors": [
        Interval(Integral, 1, None, closed="left"),
        StrOptions({"auto"}),
    ],
    "n_members": [Interval(Integral, 2, None, closed="left")],
}


@dataclass(frozen=True)
class DetectorSettings(Settings):
    """Settings of an ensemble."""

    makes_codes = False
    n_members: int

    def network(self, layout, seed):
        """Class of the torch module and its constructor's arguments."""
        if self.architecture == "attention":
            return AttentionEnsemble, {
                "layout": layout,
                "grid": self.grid(layout),
                "shared": self.input_shape is not None,
                "n_members": self.n_members,
                "hidden_layer_sizes": self.hidden_layer_sizes,
                "activation": self.activation,
                "piecewise_linear": self.numerical_embedding is not None,
                "seed": seed,
            }
        return MaskedEnsemble, {
            "layout": layout,
            "n_members": self.n_members,
            "hidden_layer_sizes": self.hidden_layer_sizes,
            "activation": self.activation,
            "fill": "mean" if self.corrupts else self.mask_value,
            "indicator": self.indicator,
            "piecewise_linear": self.numerical_embedding is not None,
            "seed": seed,
        }
