"""Parameters of the estimators that learn from few labels, and what they stand for."""

from numbers import Integral, Real

from skmae._compat import Interval, StrOptions
from skmae.training.parameters import PARAMETER_CONSTRAINTS

# What the transformer that is trained first is given.
TRANSFORMER_PARAMETERS = (
    "n_components",
    "architecture",
    "hidden_layer_sizes",
    "pooling",
    "activation",
    "numerical_embedding",
    "mask_ratio",
    "mask_strategy",
    "mask_value",
    "visible_weight",
    "loss",
    "norm_pix_loss",
    "scaling",
    "categorical_features",
    "output_activation",
    "input_shape",
    "channel_axis",
    "patch_size",
    "optimizer",
    "lr",
    "lr_schedule",
    "weight_decay",
    "batch_norm",
    "batch_size",
    "max_epochs",
    "device",
    "precision",
    "compile",
    "callbacks",
    "checkpoint",
    "verbose",
)
SEMI_SUPERVISED_CONSTRAINTS: dict = {
    **{
        name: PARAMETER_CONSTRAINTS[name]
        for name in (
            *TRANSFORMER_PARAMETERS,
            "early_stopping",
            "validation_fraction",
            "n_iter_no_change",
            "random_state",
        )
    },
    # Anything, since its own check tells more of what is wrong with it.
    "pretrained": "no_validation",
    "self_training": ["boolean"],
    "freeze_encoder": ["boolean"],
    "reconstruction_weight": [Interval(Real, 0, None, closed="left")],
    "fine_tune_mask_ratio": [
        Interval(Real, 0, 1, closed="left"),
        tuple,
        list,
        StrOptions({"auto"}),
    ],
    "fine_tune_lr": [Interval(Real, 0, None, closed="neither")],
    "fine_tune_epochs": [
        Interval(Integral, 1, None, closed="left"),
        StrOptions({"auto"}),
    ],
}
