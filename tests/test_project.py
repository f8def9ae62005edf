"""What is said of the project in several files is the same in all."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import skmae

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def test_a_release_is_known_everywhere():
    if "dev" in skmae.__version__:
        pytest.skip("no release")
    cited = re.search(r"^version: (.*)$", read("CITATION.cff"), re.M)[1]
    day = re.search(r"^date-released: (.*)$", read("CITATION.cff"), re.M)[1]
    heading = re.search(r"^## \[(.*)\] - (.*)$", read("CHANGELOG.md"), re.M).groups()
    switcher = json.loads(read("docs/_static/switcher.json"))
    assert cited == skmae.__version__
    assert heading == (skmae.__version__, day)
    assert skmae.__version__ in [entry["version"] for entry in switcher]


def test_public_names_are_imported_when_they_are_asked_for():
    """The same ones are told to type checkers, and none before."""
    tree = ast.parse(read("skmae/__init__.py"))
    told = {
        alias.name: node.module.removeprefix("skmae.")
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        for alias in node.names
    }
    assert told == skmae._MODULES
    assert sorted(skmae.__all__) == sorted([*told, "__version__"])
    assert set(skmae.__all__) <= set(dir(skmae))
    code = (
        "import sys, skmae\n"
        "assert not {'torch', 'sklearn', 'pandas'} & set(sys.modules)\n"
        "from skmae import *\n"
        f"assert set({skmae.__all__}) <= set(globals())\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="'skmae' has no attribute 'Autoencoder'"):
        _ = skmae.Autoencoder


def test_versions_of_python():
    name = "Programming Language :: Python :: 3."
    claimed = [
        c.removeprefix(name)
        for c in PROJECT["classifiers"]
        if c.startswith(name) and c[-1].isdigit()
    ]
    tested = re.search(r"python: \[(.*)\]", read(".github/workflows/tests.yml"))[1]
    assert tested.replace('"', "").split(", ") == [f"3.{minor}" for minor in claimed]
    assert PROJECT["requires-python"] == f">=3.{claimed[0]}"


def test_what_the_tests_and_pages_need_is_pinned():
    claims = PROJECT["dependencies"] + EXTRAS["test"] + EXTRAS["docs"] + EXTRAS["onnx"]
    names = {re.match(r"[\w.-]+", claim)[0] for claim in claims}
    pinned = set(re.findall(r"^([\w.-]+)==", read("constraints.txt"), re.M))
    assert names <= pinned


def test_lowest_versions_are_those_claimed():
    command = [sys.executable, ROOT / ".ci" / "lowest.py", *EXTRAS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.split()
    assert "numpy==2.1" in lines
    assert len(lines) == len({line.split("==")[0] for line in lines})


@pytest.mark.parametrize("bounds", ["numpy<3", "numpy"])
def test_a_claim_without_lowest_version_is_refused(bounds, tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("lowest", ROOT / ".ci" / "lowest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    other = tmp_path / "pyproject.toml"
    other.write_text(f'[project]\ndependencies = ["{bounds}"]\n')
    monkeypatch.setattr(module, "PYPROJECT", other)
    with pytest.raises(ValueError, match="has no lower bound"):
        module.lowest([])


def test_links_of_readme_lead_somewhere_from_anywhere():
    """PyPI shows the page alone, where relative links lead nowhere."""
    pages = f"{PROJECT['urls']['Documentation']}/en/latest/"
    files = f"{PROJECT['urls']['Source']}/blob/main/"
    links = re.findall(r"\]\(([^)]+)\)", read("README.md"))
    assert len(links) > 40
    for link in links:
        assert link.startswith("https://"), link
        if link.startswith(files):
            assert (ROOT / link.removeprefix(files)).is_file(), link
        elif link.startswith(pages):
            page, _, _ = link.removeprefix(pages).partition("#")
            source = ROOT / "docs" / page.replace(".html", ".md")
            if page.startswith("auto_examples/"):  # made of the examples
                name = page.removeprefix("auto_examples/").replace(".html", ".py")
                source = ROOT / "examples" / name
            assert source.is_file(), link
