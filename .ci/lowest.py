"""Print the lowest versions that pyproject.toml claims, as constraints of pip.

    python .ci/lowest.py [EXTRA ...] > lowest.txt

Nothing else knows these versions, so that what is tested is what is claimed.
"""

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def lowest(extras):
    """Lines such as ``numpy==2.0``, those of the package first."""
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    claims = list(project["dependencies"])
    for extra in extras:
        claims += project["optional-dependencies"][extra]
    found = {}
    for claim in claims:
        match = re.fullmatch(r"([\w.-]+)(\[[\w,]+\])?>=([\w.]+)", claim)
        if match is None:
            raise ValueError(f"{claim!r} has no lower bound of the form NAME>=VERSION")
        name, _, version = match.groups()
        if found.setdefault(name, version) != version:
            raise ValueError(f"{name} has two lower bounds")
    return [f"{name}=={version}" for name, version in found.items()]


if __name__ == "__main__":
    print("\n".join(lowest(sys.argv[1:])))
