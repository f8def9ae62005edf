"""Fits of stored tables by two processes, each of which reads its own row groups."""

import pytest
from numpy.testing import assert_allclose, assert_array_equal

from . import shared_reading_worker as worker
from .processes import found_by_both, needs_gloo, one_thread

for package in ("pyarrow", "polars", "dask.dataframe", "fsspec"):
    pytest.importorskip(package)
pytestmark = needs_gloo
N_GROUPS = worker.N_ROWS // worker.GROUP


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A folder of files."""
    folder = tmp_path_factory.mktemp("rows")
    worker.write(folder)
    return folder


@pytest.fixture(scope="module")
def found(rows, tmp_path_factory):
    """What each of two processes learned and read."""
    folder = tmp_path_factory.mktemp("ranks")
    return found_by_both(worker.__file__, rows, folder)


@pytest.fixture(scope="module")
def alone(rows):
    """What one process learns from the batches of both."""
    learned = {}
    for size, patches in {"small": [], "large": worker.LARGE}.items():
        with pytest.MonkeyPatch.context() as patched, one_thread():
            for module, name, value in patches:
                patched.setattr(module, name, value)
            of_size = worker.learned(rows, worker.BATCH)
        learned |= {f"{size} {name}": array for name, array in of_size.items()}
    return learned


FITS = list(worker.fits("", 1))


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("name", FITS)
def test_two_processes_learn_what_one_does_that_reads_everything(
    found, alone, size, name
):
    tolerances = {"losses": 1e-4, "weights": 1e-2, "results": 1e-2}
    for what, tolerance in tolerances.items():
        key = f"{size} {name} {what}"
        assert_allclose(found[0][key], alone[key], rtol=tolerance, atol=2e-3)


@pytest.mark.parametrize(
    "name", [*(f"{size} {fit}" for size in ("small", "large") for fit in FITS), "swap"]
)
def test_all_processes_end_with_the_same_bits(found, name):
    assert_array_equal(found[0][f"{name} weights"], found[1][f"{name} weights"])


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("name", worker.counted_fits(1))
def test_each_process_reads_its_own_row_groups(found, size, name):
    of_ranks = [set(of_rank[f"{size} {name} groups"].tolist()) for of_rank in found]
    assert [len(groups) for groups in of_ranks] == [N_GROUPS // 2] * 2
    assert len(of_ranks[0] | of_ranks[1]) == N_GROUPS


def test_rows_of_one_group_are_shared_too(found):
    expected = found[0]["large transformer weights"]
    for of_rank in found:
        assert_array_equal(of_rank["whole weights"], expected)


def test_cells_are_swapped_among_the_rows_of_a_process(found):
    losses = found[0]["swap losses"]
    assert losses[-1] < 0.9 * losses[0]


def test_what_one_process_refuses_is_an_error_in_all(found):
    for of_rank in found:
        assert "Input X contains infinity" in str(of_rank["infinite"])
