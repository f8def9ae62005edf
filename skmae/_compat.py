"""The only place where private scikit-learn names are imported.

Everything else in the package uses public interfaces, so a change in a private
name has to be changed here and nowhere else.
"""

from sklearn.base import _fit_context
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import Interval, MissingValues, StrOptions
from sklearn.utils.validation import _check_feature_names_in, _check_sample_weight

__all__ = [
    "Interval",
    "MissingValues",
    "StrOptions",
    "_check_feature_names_in",
    "_check_sample_weight",
    "_fit_context",
    "check_matplotlib_support",
    "output_set",
]


def output_set(estimator):
    """What ``set_output(transform=...)`` was given last: a str, or None if nothing."""
    return getattr(estimator, "_sklearn_output_config", {}).get("transform")
