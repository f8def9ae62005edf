"""Check that the search of the built pages finds what people look for.

python docs/search_check.py docs/_build/html
"""

import json
import sys
from pathlib import Path

from sphinx.search.en import SearchEnglish

# A word, and a page of which it has to stand in a heading, so that it comes first.
WANTED = {
    "synthetic": "user_guide/new_rows",
    "density": "user_guide/new_rows",
    "datetime": "user_guide/mixed_tables",
    "text": "user_guide/sequences",
    "GPU": "user_guide/gpu",
    "imputation": "user_guide/missing_values",
    "outlier": "user_guide/anomalies",
    "embedding": "user_guide/features",
    "PyOD": "coming_from",
}


def not_found(built):
    """Return what the index of the built pages does not lead to."""
    text = (Path(built) / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    stem = SearchEnglish({}).stem
    return [
        f"{word}: no heading of {page}"
        for word, page in WANTED.items()
        if page not in _pages(index, stem(word.lower()))
    ]


def _pages(index, term):
    numbers = index["titleterms"].get(term, [])
    numbers = [numbers] if isinstance(numbers, int) else numbers
    return [index["docnames"][number] for number in numbers]


if __name__ == "__main__":
    sys.exit("\n".join(not_found(sys.argv[1])) or 0)
