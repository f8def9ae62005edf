"""Methods that several benchmarks compare with; the optional ones import themselves."""

import logging
from importlib.util import find_spec

from sklearn.kernel_approximation import Nystroem

# Of a peer, the module that it needs and the package that brings it.
OPTIONAL = {
    "UMAP": ("umap", "umap-learn"),
    "PyOD AE": ("pyod", "pyod"),
    "MCD": ("pyod", "pyod"),
    "ECOD": ("pyod", "pyod"),
    "LUNAR": ("pyod", "pyod"),
    "Dask": ("distributed", "distributed"),
    "Ray": ("ray", "ray[train]"),
    "TVAE": ("ctgan", "ctgan"),
    "CTGAN": ("ctgan", "ctgan"),
    "StringEncoder": ("skrub", "skrub"),
    "vine": ("pyvinecopulib", "pyvinecopulib"),
    "biharmonic": ("skimage", "scikit-image"),
    "flow": ("zuko", "zuko"),
    "miceforest": ("miceforest", "miceforest"),
    "missforest": ("missforest", "MissForest"),
    "RealMLP": ("pytabkit", "pytabkit"),
    "TabM": ("pytabkit", "pytabkit"),
}


def is_installed(peer):
    """Whether the package of an optional peer is there."""
    return find_spec(OPTIONAL[peer][0]) is not None


def make_nystroem(X, seed=0):
    """Radial basis functions of the width that scikit-learn calls "scale"."""
    gamma = 1 / (X.shape[1] * X.var())
    return Nystroem(n_components=min(1000, len(X)), gamma=gamma, random_state=seed)


def make_umap(X, seed):
    """UMAP of 32 components, or as many as there are columns."""
    from umap import UMAP

    return UMAP(n_components=min(32, X.shape[1]), random_state=seed)


def make_tabular(seed):
    """Supervised networks for tables with the defaults of pytabkit, by name."""
    from pytabkit import RealMLP_TD_Classifier, TabM_D_Classifier

    # Lightning announces every fit.
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    params = {"device": "cpu", "n_threads": 1, "random_state": seed}
    return {
        "RealMLP": RealMLP_TD_Classifier(**params),
        "TabM": TabM_D_Classifier(**params),
    }


def untrained(transformer, X):
    """The same network with its first weights."""
    return transformer.set_params(max_epochs=1, lr=1e-30, weight_decay=0).fit(X)
