"""Benchmarks beside the usual alternatives: ``python -m benchmarks`` lists them.

- ``__main__`` is the command; ``run`` is what it hands to a benchmark;
- ``data`` reads tables and images, ``protocols`` splits them, hides labels and cells;
- ``peers`` holds the methods that several benchmarks compare with, ``generators`` and
  ``density_models`` those of new rows and of densities, ``realism`` the measures of new
  rows, and ``other_environment.py`` peers that need older packages;
- ``measure`` tells seconds and memory, and sets the number of threads;
- ``results`` keeps figures as JSON, ``tables`` makes markdown of them, ``pages`` puts
  it into the documentation.

Every other module is one benchmark: ``add_options(parser)`` declares its options,
``QUICK`` their values for a quick run, ``run(run)`` measures, and ``VIEWS`` names the
tables that are made of its figures.
"""

import importlib

NAMES = (
    "features",
    "few_labels",
    "few_labels_curve",
    "few_targets",
    "labelled_folds",
    "augmentation",
    "imputation",
    "multiple_imputation",
    "draws",
    "new_rows",
    "density",
    "tokens",
    "anomaly",
    "token_anomalies",
    "unlike_series",
    "images",
    "photos",
    "channels",
    "attention",
    "speed",
    "costs",
    "growth",
    "gpu",
    "scaling",
    "scaling_out",
)


def module_of(name):
    """The module of a benchmark."""
    return importlib.import_module(f"benchmarks.{name}")
