"""Two processes of torch.distributed, started by tests; and how these end."""

import os
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import torch

TIMEOUT = 300
needs_gloo = pytest.mark.skipif(
    not torch.distributed.is_available() or sys.platform == "win32",
    reason="needs torch.distributed with gloo",
)


def environment():
    """That of processes started by tests."""
    return os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }


def torchrun(script, *args):
    """Run a script in two processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return subprocess.run(
        [*command, "--nproc-per-node", "2", script, *args],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def found_by_both(script, *args):
    """What each of two processes wrote into the folder that is the last argument."""
    run = torchrun(script, *args)
    assert run.returncode == 0, run.stderr
    return [np.load(args[-1] / f"{rank}.npz") for rank in range(2)]


@contextmanager
def one_thread():
    """Have torch use a single thread, as each of the processes does."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def leave():
    """End a process that has done all its work.

    Threads of gloo may still give back a tensor. Should they do so while the
    interpreter closes, torch aborts the process.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
