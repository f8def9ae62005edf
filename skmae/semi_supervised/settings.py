"""Parameters of the estimators that learn from few labels, and what they stand for."""

from numbers import Integral, Real

from sklearn.frozen import FrozenEstimator

from skmae._compat import Interval, StrOptions
from skmae.features.transformer import MaskedAutoencoderTransformer

# What fine-tuning has in common with the training of an encoder, and what an encoder
# made by default is given.
SHARED = ("lr_schedule", "device", "precision", "compile", "callbacks", "verbose")
SEMI_SUPERVISED_CONSTRAINTS: dict = {
    "encoder": [MaskedAutoencoderTransformer, FrozenEstimator, None],
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
