"""The code of README and pages runs, each page from top to bottom."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = (ROOT / "docs", ROOT / "docs" / "user_guide", ROOT / "docs" / "benchmarks")
FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*) -->\n)?```(?P<language>python|py)\n(?P<code>.*?)^```",
    re.DOTALL | re.MULTILINE,
)
# A block runs unless the line before it says why it does not: what its reason begins
# with, and how many blocks there may be.
NOT_RUN = re.compile(r"not run: \w.*")
NEEDS = re.compile(r"needs: ([\w ]+)")
N_NOT_RUN = {"scaling_out.md": 3}


def pages():
    """README and all pages that have code."""
    found = [ROOT / "README.md", *(p for f in FOLDERS for p in sorted(f.glob("*.md")))]
    return [page for page in found if FENCE.search(page.read_text())]


def blocks(page):
    """Yield the line, the mark and the code of each block of a page."""
    text = page.read_text()
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start("code"))
        yield line, match["mark"] or "", match["code"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # pages write files
    namespace: dict = {}
    missing = []
    for line, mark, code in blocks(page):
        if NOT_RUN.fullmatch(mark):
            continue
        needs = NEEDS.fullmatch(mark)
        lacking = [n for n in (needs[1].split() if needs else []) if not find_spec(n)]
        missing += lacking
        if not lacking:
            # Errors and warnings name the page and its line.
            exec(compile("\n" * line + code, str(page), "exec"), namespace)
    if missing:
        pytest.skip(f"all ran but what needs {missing}")


def test_blocks_that_do_not_run_are_few_and_say_why():
    count = {}
    for page in pages():
        for line, mark, _ in blocks(page):
            known = not mark or NOT_RUN.fullmatch(mark) or NEEDS.fullmatch(mark)
            assert known, f"{page.name}:{line}: {mark!r}"
            if NOT_RUN.fullmatch(mark):
                count[page.name] = count.get(page.name, 0) + 1
    assert count == N_NOT_RUN
