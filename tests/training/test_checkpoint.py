"""Names of fits: the same for the same fit, in whatever process it is."""

import subprocess
import sys

import numpy as np
import torch

from skmae.training.checkpoint import fit_name

from ..conftest import quick


def half(observed, rng):
    return rng.random(observed.shape) < 0.5


class OnDisk:
    """Rows that are read when they are sliced."""

    def __init__(self, rows):
        self.rows, self.shape = rows, rows.shape

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, rows):
        return self.rows[rows].copy()


def test_whatever_makes_another_fit_makes_another_name():
    rows = np.arange(12.0)
    parts = [
        rows,
        rows.reshape(3, 4),
        rows.reshape(4, 3),
        rows.astype(np.float32),
        rows + np.eye(12)[7] * 1e-12,
        torch.zeros(2, 2),
        {"lr": 0.1, "mask_ratio": (0.1, 0.5)},
        {"lr": 0.1, "mask_ratio": (0.1, 0.6)},
        {"lr": 0.2, "mask_ratio": (0.1, 0.5)},
        ["a", "b"],
        ["ab"],
        half,
        torch.optim.Adam,
        None,
        0,
        "0",
    ]
    names = [fit_name(part) for part in parts]
    assert len(set(names)) == len(parts)
    assert fit_name(rows, half) != fit_name(half, rows)


def test_equal_fits_have_equal_names(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(50, 3))
    name = fit_name(rows, {"a": 1, "b": [None, quick()]})
    assert name == fit_name(rows.copy(order="F"), {"b": [None, quick()], "a": 1})
    assert fit_name(OnDisk(rows)) == fit_name(torch.from_numpy(rows))
    whole = fit_name(rows)
    monkeypatch.setattr("skmae.training.checkpoint._HASH_BYTES", 24 * 7)
    assert fit_name(OnDisk(rows)) == fit_name(rows) != whole  # by seven rows

    code = (
        "from skmae.training.checkpoint import fit_name\n"
        "from tests.training.test_checkpoint import half\n"
        "print(fit_name({'strategy': half, 'columns': ['x', 'y']}, 1.5))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    here = fit_name({"strategy": half, "columns": ["x", "y"]}, 1.5)
    assert other.stdout.strip() == here
