"""What several benchmarks share: sets, their splits, labelled rows, other features."""

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.kernel_approximation import Nystroem
from sklearn.model_selection import train_test_split

BUNDLED = {
    "digits": load_digits,
    "wine": load_wine,
    "cancer": load_breast_cancer,
    "iris": load_iris,
}
# Column of the class in a file of DIR/imputation.
FILES = {
    "letter": 0,
    "obesity": -1,
    "sonar": -1,
    "climate": -1,
    "blood": -1,
    "parkinsons": "status",
}
# In DIR/anomaly; the classes are normal and not.
ARCHIVES = ["satellite", "fault", "annthyroid", "landsat", "campaign", "vowels"]


def load(name, data):
    """X and y, the classes counted from 0."""
    if name in BUNDLED:
        return BUNDLED[name](return_X_y=True)
    if name in ARCHIVES:
        archive = np.load(data / "anomaly" / f"{name}.npz")
        return archive["X"], archive["y"].astype(int)
    frame = pd.read_csv(data / "imputation" / f"{name}.csv", index_col=0)
    column = FILES[name]
    y = frame.pop(frame.columns[column] if isinstance(column, int) else column)
    return frame.to_numpy(dtype=float), np.unique(y, return_inverse=True)[1]


def load_mnist(data):
    """X, X_test, y, y_test; the images are 28 x 28, from 0 to 255."""
    mnist = np.load(data / "mnist" / "mnist_10k_5k.npz")
    y, y_test = mnist["y_train"].astype(int), mnist["y_test"].astype(int)
    return mnist["X_train"], mnist["X_test"], y, y_test


def split_table(X, y, seed, max_rows=4000, test_size=0.4):
    """X, X_test, y, y_test of at most so many rows."""
    if len(X) > max_rows:
        rows = np.random.default_rng(seed).choice(len(X), max_rows, replace=False)
        X, y = X[rows], y[rows]
    return train_test_split(X, y, test_size=test_size, random_state=seed, stratify=y)


def draw_labels(y, per_class, seed):
    """Rows whose labels are known: so many per class, at most what it has, or all."""
    if per_class is None:
        return np.arange(len(y))
    rng = np.random.default_rng(seed)
    by_class = [np.flatnonzero(y == label) for label in np.unique(y)]
    return np.concatenate(
        [
            rng.choice(rows, min(per_class, len(rows)), replace=False)
            for rows in by_class
        ]
    )


def make_nystroem(X, seed=0):
    """Radial basis functions of the width that scikit-learn calls "scale"."""
    gamma = 1 / (X.shape[1] * X.var())
    return Nystroem(n_components=min(1000, len(X)), gamma=gamma, random_state=seed)


def make_umap(X, seed):
    """UMAP, which is imported only here, since few have it."""
    from umap import UMAP

    return UMAP(n_components=min(32, X.shape[1]), random_state=seed)
