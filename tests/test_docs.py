"""The code in the user guide runs, each page from top to bottom."""

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[1] / "docs" / "user_guide"
PAGES = [page for page in sorted(GUIDE.glob("*.md")) if "```python" in page.read_text()]
NEEDS = {
    "pyod": ["pyod"],
    "callbacks": ["rich", "tensorboard"],
    "mixed_tables": ["skrub"],
    "scaling_out": ["dask", "distributed"],
    "persistence": ["onnxruntime", "onnxscript", "safetensors", "skops"],
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_runs(page, tmp_path, monkeypatch):
    for package in NEEDS.get(page.stem, []):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)  # pages write files
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    namespace: dict = {}
    for block in blocks:
        exec(compile(block, page.name, "exec"), namespace)
