"""Fits by two processes of torch.distributed: the same as one, or an error."""

import re
import socket
import subprocess
import sys

import pytest
from numpy.testing import assert_allclose, assert_array_equal

from . import distributed_worker as worker
from .processes import (
    TIMEOUT,
    environment,
    found_by_both,
    needs_gloo,
    one_thread,
    torchrun,
)

SCRIPT = worker.__file__
pytestmark = needs_gloo


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What each of two processes learned."""
    folder = tmp_path_factory.mktemp("ranks")
    return found_by_both(SCRIPT, "fit", folder)


@pytest.fixture(scope="module")
def alone():
    """What one process learns from the batches of both."""
    with one_thread():
        return worker.fits(worker.BATCH)


ROLES = [
    "weighted",
    "swap",
    "further",
    "attention",
    "detector",
    "imputer",
    "generator",
    "letters",
    "generated letters",
]


@pytest.mark.parametrize("role", ROLES)
def test_two_processes_learn_what_one_does_with_the_doubled_batch(found, alone, role):
    assert_allclose(found[0][f"{role} losses"], alone[role].loss_curve_, rtol=1e-4)
    weights = worker.weights(alone[role])
    assert_allclose(found[0][f"{role} weights"], weights, rtol=1e-2, atol=2e-3)


@pytest.mark.parametrize("role", [*ROLES, "unseeded", "images"])
def test_all_processes_end_with_the_same_bits(found, role):
    assert_array_equal(found[0][f"{role} weights"], found[1][f"{role} weights"])


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("batch norm", "batch_norm=True cannot be fitted by several processes"),
        ("other rows", "must be given the same X and parameters, but they differ in"),
        ("other epochs", "but they differ in epochs: \\[1, 2\\]"),
    ],
)
def test_every_process_is_told_why_a_fit_cannot_be(found, case, message):
    for of_rank in found:
        assert re.search(message, str(of_rank[case]))


def test_a_killed_process_ends_the_job(tmp_path):
    """Where a launcher watches, which then ends the others."""
    run = torchrun(SCRIPT, "die", tmp_path)
    assert run.returncode != 0
    assert "SIGKILL" in run.stderr


def test_a_killed_process_is_an_error_in_the_others(tmp_path):
    """Where no launcher watches."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = []
    for rank in range(2):
        own = {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_PORT": str(port)}
        processes.append(
            subprocess.Popen(
                [sys.executable, SCRIPT, "die", tmp_path],
                env=environment() | own | {"MASTER_ADDR": "127.0.0.1"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    errors = [process.communicate(timeout=TIMEOUT)[1] for process in processes]
    assert processes[1].returncode == -9
    # After the error gloo's threads may abort what is left of the process.
    assert processes[0].returncode not in (0, -9)
    assert "Error" in errors[0]
    assert "Connection" in errors[0] or "connection" in errors[0]
