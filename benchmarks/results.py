"""Figures of a benchmark, with what they were measured on, as JSON."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

import skmae
from benchmarks.measure import N_THREADS

FOLDER = Path(__file__).parent / "results"
PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "torch",
    "skorch",
    "distributed",
    "pyod",
    "umap-learn",
    "ctgan",
    "pyvinecopulib",
    "pytabkit",
    "zuko",
    "miceforest",
    "MissForest",
    "lightgbm",
)


@dataclass(frozen=True)
class Row:
    """One figure."""

    table: str
    method: str
    case: str  # number of labels, scenario, size ...
    seed: int
    draw: int  # of several with the same seed
    measure: str
    value: float


@dataclass
class Record:
    """What was measured, when, with what and on what, and which peers were missing."""

    benchmark: str
    command: str
    date: str
    machine: dict
    versions: dict
    threads: int
    missing: list = field(default_factory=list)
    rows: list = field(default_factory=list)

    @classmethod
    def begin(cls, benchmark, command):
        """Open the record of a benchmark that starts now, on this machine."""
        return cls(
            benchmark,
            command,
            date.today().isoformat(),
            machine(),
            versions(),
            N_THREADS,
        )

    def write(self, path):
        """Write it as JSON, a line for each figure."""
        head = asdict(self)
        rows = [
            row | {"value": None if np.isnan(row["value"]) else row["value"]}
            for row in head.pop("rows")
        ]
        lines = [f"{json.dumps(name)}: {json.dumps(head[name])}," for name in head]
        figures = ",\n".join(json.dumps(row, allow_nan=False) for row in rows)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "\n".join(["{", *lines, '"rows": [', figures, "]", "}"]) + "\n"
        path.write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, path):
        """Read what was written."""
        kept = json.loads(path.read_text(encoding="utf-8"))
        for row in kept["rows"]:
            row["value"] = float("nan") if row["value"] is None else row["value"]
        kept["rows"] = [Row(**row) for row in kept["rows"]]
        return cls(**kept)


def joined(records):
    """The first of several records of a benchmark, with the figures of all."""
    rows = [row for record in records for row in record.rows]
    return replace(records[0], rows=rows)


def machine():
    """The processor and the system."""
    found = {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def _processor():
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def versions():
    """Versions of Python and of every package that is installed and may take part."""
    found = {"python": platform.python_version(), "skmae": skmae.__version__}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
