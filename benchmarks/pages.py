"""Tables in the pages of the documentation, made from committed results.

A page marks where a table belongs; NAME is a file in ``benchmarks/results``, VIEW one
of the views of its benchmark, or "about" for the command, the day and the machine::

    <!-- table: NAME VIEW field=value -->
    <!-- end -->

With NAME-* the figures of all files so called, in the order of their names, make one
table, so that methods can be measured by commands of their own.
"""

import re
import shlex
from datetime import date
from pathlib import Path

from benchmarks import module_of, results, tables

PAGES = Path(__file__).parents[1] / "docs" / "benchmarks"
MARKED = re.compile(r"<!-- table: (.+?) -->\n.*?<!-- end -->", re.DOTALL)
SHOWN = ("python", "skmae", "numpy", "scikit-learn", "torch")


def rewrite(pages=PAGES, folder=results.FOLDER):
    """Make the marked tables of all pages anew; return the pages that changed."""
    changed = []
    for page in sorted(pages.glob("*.md")):
        old = page.read_text(encoding="utf-8")
        new = rewritten(old, folder)
        if new != old:
            page.write_text(new, encoding="utf-8")
            changed.append(page)
    return changed


def rewritten(text, folder=results.FOLDER):
    """Return a page with its marked tables made anew."""

    def table(match):
        name, view, *fields = shlex.split(match[1])
        where = dict(field.split("=", 1) for field in fields)
        paths = sorted(folder.glob(f"{name}.json"))
        if not paths:
            raise FileNotFoundError(f"there is no {folder / name}.json")
        records = [results.Record.read(path) for path in paths]
        if view == "about":
            made = "\n\n".join(about(record) for record in records)
        else:
            record = results.joined(records)
            views = module_of(record.benchmark).VIEWS
            made = tables.markdown(record, views[view], where)
        return f"<!-- table: {match[1]} -->\n\n{made}\n\n<!-- end -->"

    return MARKED.sub(table, text)


def about(record):
    """The command, and on what it was run when."""
    day = date.fromisoformat(record.date)
    machine = ", ".join(
        f"{value} cores" if name == "cores" else str(value)
        for name, value in record.machine.items()
    )
    versions = ", ".join(f"{name} {record.versions[name]}" for name in SHOWN)
    threads = "1 thread" if record.threads == 1 else f"{record.threads} threads"
    lines = [
        f"    {record.command}",
        "",
        f"{day.day} {day:%B %Y}; {machine}; {threads}; {versions}.",
    ]
    if record.missing:
        lines.append(f"Not installed, and so left out: {', '.join(record.missing)}.")
    return "\n".join(lines)
