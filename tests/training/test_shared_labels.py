"""Classifiers and regressors fitted by two processes: the same as by one."""

import pytest
from numpy.testing import assert_allclose, assert_array_equal

from . import shared_labels_worker as worker
from .processes import found_by_both, needs_gloo, one_thread

pytestmark = needs_gloo


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What each of two processes learned."""
    folder = tmp_path_factory.mktemp("ranks")
    return found_by_both(worker.__file__, folder)


@pytest.fixture(scope="module")
def alone():
    """What one process learns."""
    with one_thread():
        return worker.learned(worker.BATCH)


FITS = list(worker.fits(1))


@pytest.mark.parametrize("name", FITS)
def test_two_processes_learn_what_one_does(found, alone, name):
    for what, tolerance in {"losses": 1e-3, "temperature": 1e-2}.items():
        key = f"{name} {what}"
        assert_allclose(found[0][key], alone[key], rtol=tolerance)
    key = f"{name} predictions"
    assert_allclose(found[0][key], alone[key], atol=2e-3)


@pytest.mark.parametrize(
    "name", [*(f"{fit} weights" for fit in FITS), "unseeded codes"]
)
def test_all_processes_end_with_the_same_bits(found, name):
    assert_array_equal(found[0][name], found[1][name])


@pytest.mark.parametrize("architecture", ["attention", "mlp"])
def test_each_process_does_its_share(found, architecture):
    """Small steps of perceptrons are no quicker shared; their folds are apart."""
    rows, folds = zip(
        *(of_rank[f"{architecture} work"] for of_rank in found), strict=True
    )
    n_visits = 2 * len(worker.make_rows()[0])
    assert sum(rows) == (n_visits if architecture == "attention" else 2 * n_visits)
    assert sorted(folds) == [2, 3]
