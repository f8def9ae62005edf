"""Tables and images: those that come with scikit-learn, and files below a folder.

The folder holds ``imputation/*.csv`` (a row index first, the target last),
``anomaly/*.npz`` (X, and y = 1 for an anomaly) and ``mnist/mnist_10k_5k.npz`` (X_train,
y_train, X_test, y_test; images of 28 x 28, from 0 to 255).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.model_selection import train_test_split

BUNDLED = {
    "digits": load_digits,
    "wine": load_wine,
    "cancer": load_breast_cancer,
    "iris": load_iris,
}
# Column of the class in a file of imputation/.
CLASSES = {
    "letter": 0,
    "obesity": -1,
    "sonar": -1,
    "climate": -1,
    "blood": -1,
    "parkinsons": "status",
}
# In anomaly/; the classes are normal and not.
ARCHIVES = ["satellite", "fault", "annthyroid", "landsat", "campaign", "vowels"]
FURTHER_ARCHIVES = ["Pima", "breastw", "Wilt", "Stamps"]
# In imputation/, the target last. Listed: an index, and other measured results.
TARGETS = {
    "airfoil": [],  # sound pressure
    "compression": [],  # strength of concrete
    "slump": ["No", "SLUMP(cm)", "FLOW(cm)"],  # strength
    "yacht": [],  # resistance
}
# Read with all columns. In those of imputation/ the last column is a class or a number.
WHOLE = {
    "airfoil": False,
    "blood": True,
    "climate": True,
    "compression": False,
    "iris": False,
    "letter": True,
    "obesity": True,
    "parkinsons": False,
    "slump": False,
    "yacht": False,
}
WHOLE_BUNDLED = {
    "iris": True,
    "wine": True,
    "cancer": True,
    "diabetes": False,
    "digits": True,
}


class NoData(Exception):
    """A table is asked for that is not there."""


@dataclass(frozen=True)
class Images:
    """Images to learn from and to test on, and what is known of all of them."""

    X: np.ndarray
    X_test: np.ndarray
    y: np.ndarray
    y_test: np.ndarray
    white: int
    patch: int

    @property
    def shape(self):
        """Shape of an image."""
        return self.X.shape[1:]


@dataclass(frozen=True)
class Source:
    """Where tables come from, and how many rows of each are read at most."""

    folder: Path | None = None
    max_rows: int | None = None

    def labelled(self, name):
        """X and y, the classes counted from 0."""
        if name in BUNDLED:
            return self._cut(*BUNDLED[name](return_X_y=True))
        if name in (*ARCHIVES, *FURTHER_ARCHIVES):
            archive = np.load(self._file(f"anomaly/{name}.npz"))
            return self._cut(archive["X"], archive["y"].astype(int))
        if name not in CLASSES:
            known = [*BUNDLED, *CLASSES, *ARCHIVES, *FURTHER_ARCHIVES]
            raise NoData(f"{name} is no table with classes; these are: {known}")
        frame = pd.read_csv(self._file(f"imputation/{name}.csv"), index_col=0)
        column = CLASSES[name]
        y = frame.pop(frame.columns[column] if isinstance(column, int) else column)
        y = np.unique(y, return_inverse=True)[1]
        return self._cut(frame.to_numpy(dtype=float), y)

    def with_target(self, name):
        """X and a number to predict."""
        if name == "diabetes":
            return self._cut(*load_diabetes(return_X_y=True))
        if name not in TARGETS:
            known = ["diabetes", *TARGETS]
            raise NoData(f"{name} is no table with a target; these are: {known}")
        frame = pd.read_csv(self._file(f"imputation/{name}.csv"), index_col=0)
        frame = frame.drop(columns=TARGETS[name])
        X, y = frame.iloc[:, :-1].to_numpy(dtype=float), frame.iloc[:, -1].to_numpy()
        return self._cut(X, y)

    def with_anomalies(self, name):
        """X and y, 1 for an anomaly: without a file the first class of a table."""
        if name in BUNDLED and not self._has(f"anomaly/{name}.npz"):
            X, y = self.labelled(name)
            return X, (y == 0).astype(int)
        archive = np.load(self._file(f"anomaly/{name}.npz"))
        return self._cut(archive["X"].astype(np.float64), archive["y"].astype(int))

    def complete(self, name):
        """X without the last column, each row only once."""
        return self.complete_with_target(name)[0]

    def complete_with_target(self, name):
        """X without the last column, each row only once, and that column."""
        if name == "diabetes":
            frame = load_diabetes(as_frame=True).frame
        elif name in BUNDLED and not self._has(f"imputation/{name}.csv"):
            frame = BUNDLED[name](as_frame=True).frame
        else:
            frame = pd.read_csv(self._file(f"imputation/{name}.csv")).iloc[:, 1:]
        X = frame.iloc[:, :-1].drop_duplicates()
        y = frame.iloc[:, -1].loc[X.index].to_numpy()
        return self._cut(X.to_numpy(dtype=float), y)

    def whole(self, name):
        """X with all columns, each row only once, and whether the last is a class."""
        if name in WHOLE and self._has(f"imputation/{name}.csv"):
            frame = pd.read_csv(self._file(f"imputation/{name}.csv"), index_col=0)
            is_class = WHOLE[name]
        elif name in WHOLE_BUNDLED:
            load = load_diabetes if name == "diabetes" else BUNDLED[name]
            frame, is_class = load(as_frame=True).frame, WHOLE_BUNDLED[name]
        else:
            raise NoData(f"{name} is none of {[*WHOLE_BUNDLED]}, and of DIR {[*WHOLE]}")
        X = frame.drop_duplicates().to_numpy(dtype=float)
        return self._cut(X, X)[0], is_class

    def whole_names(self):
        """Tables to read whole: of the folder, or those that come with scikit-learn."""
        return list(WHOLE_BUNDLED if self.folder is None else WHOLE)

    def images(self, name):
        """MNIST, or the digits that come with scikit-learn."""
        if name == "mnist":
            mnist = np.load(self._file("mnist/mnist_10k_5k.npz"))
            y, y_test = mnist["y_train"].astype(int), mnist["y_test"].astype(int)
            return Images(mnist["X_train"], mnist["X_test"], y, y_test, 255, 4)
        if name != "digits":
            raise NoData(f"{name} are no images; these are: mnist, digits")
        X, y = self.labelled(name)
        X, X_test, y, y_test = train_test_split(
            X.reshape(-1, 8, 8), y, test_size=0.3, random_state=0, stratify=y
        )
        return Images(X, X_test, y, y_test, 16, 2)

    def names(self, kind, ending):
        """All tables of a kind below the folder."""
        if self.folder is None:
            raise NoData(f"--data DIR is needed, or --sets; DIR holds {kind}/*{ending}")
        return [path.stem for path in sorted((self.folder / kind).glob(f"*{ending}"))]

    def _has(self, name):
        return self.folder is not None and (self.folder / name).exists()

    def _file(self, name):
        if self.folder is None:
            raise NoData(f"--data DIR is needed; DIR holds {name}")
        path = self.folder / name
        if not path.exists():
            raise NoData(f"{path} is not there")
        return path

    def _cut(self, X, y):
        if self.max_rows is None or len(X) <= self.max_rows:
            return X, y
        rows = np.random.default_rng(0).choice(len(X), self.max_rows, replace=False)
        return X[rows], y[rows]
