"""Files that this version and earlier ones saved are loaded, and say the same.

Where a change makes that impossible, the changelog says so, and the folder of the
version whose files are lost goes. ``python -m tests.fixtures.make`` saves the files of
this version.
"""

import json
import pickle
import zlib

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skmae import __version__, skops_trusted_types

from .fixtures.make import HERE, answers, estimators, rows_of

FILES = sorted(
    path for pattern in ("*/*.pickle.z", "*/*.skops") for path in HERE.glob(pattern)
)

# of other versions, which is what this is about
pytestmark = pytest.mark.filterwarnings(r"ignore:This \w+ was saved with")


def load(path):
    if path.suffix == ".skops":
        io = pytest.importorskip("skops.io")
        return io.load(path, trusted=skops_trusted_types())
    return pickle.loads(zlib.decompress(path.read_bytes()))


def assert_near(said, expected):
    """The same labels and the same numbers, to the precision of other machines."""
    said, expected = (np.asarray(part, dtype=object) for part in (said, expected))
    assert said.shape == expected.shape
    text = np.array([isinstance(cell, str) for cell in expected.flat])
    assert (said.ravel()[text] == expected.ravel()[text]).all()
    numbers = [part.ravel()[~text].astype(np.float64) for part in (said, expected)]
    assert_allclose(*numbers, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_a_saved_estimator_says_what_it_said(path):
    name = path.name.partition(".")[0]
    kept = json.loads((path.parent / f"{name}.json").read_text())
    estimator = load(path)
    X = rows_of(kept["rows"])
    if name == "diffusion_map":
        X = np.nan_to_num(X)
    found = answers(estimator, X)
    assert found.keys() >= kept["answers"].keys()
    for method, expected in kept["answers"].items():
        assert_near(found[method], expected)
    # as whole as a new one
    assert type(estimator)(**estimator.get_params(deep=False))
    assert repr(estimator)


def test_all_roles_of_this_version_are_kept():
    names = {path.name for path in FILES if path.parent.name == __version__}
    expected = {name for name, *_ in estimators()}
    assert names == {
        f"{name}.{kind}" for name in expected for kind in ("pickle.z", "skops")
    }
