"""Sphinx configuration.

``python -m sphinx -W -b html docs docs/_build/html`` runs every example; with
``-D plot_gallery=0`` the pages are built without running any.

Nothing is read from the network, unless SKMAE_DOCS_ONLINE is set, as it is where pages
are published: classes of other packages are then links to their pages.
"""

import inspect
import os
import re
import sys
from pathlib import Path

import skmae

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import floor_plan  # noqa: E402
import llms  # noqa: E402

project = "skmae"
author = "The skmae developers"
copyright = "The skmae developers"
version = release = skmae.__version__
online = bool(os.environ.get("SKMAE_DOCS_ONLINE") or os.environ.get("READTHEDOCS"))
html_baseurl = "https://skmae.readthedocs.io/en/latest/"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx.ext.intersphinx",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", None),
    "numpy": ("https://numpy.org/doc/stable", None),
    "pandas": ("https://pandas.pydata.org/docs", None),
    "scipy": ("https://docs.scipy.org/doc/scipy", None),
    "sklearn": ("https://scikit-learn.org/stable", None),
    "skorch": ("https://skorch.readthedocs.io/en/stable", None),
    "torch": ("https://docs.pytorch.org/docs/stable", None),
}
if not online:
    intersphinx_mapping = {}

# Prompts and output are not copied.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# Pages that exist when the repository is public, or that answer people alone.
linkcheck_ignore = [
    r"https://github\.com/skmae/skmae/security/",
    r"https://doi\.org/",  # publishers refuse programs
]
linkcheck_anchors = False
linkcheck_retries = 2
templates_path = ["_templates"]

html_theme = "pydata_sphinx_theme"
html_title = "skmae"
html_static_path = ["_static"]
html_css_files = ["room.css"]
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_start": ["navbar-logo", "version-switcher"],
    "header_links_before_dropdown": 4,
    "switcher": {
        "json_url": f"{html_baseurl if online else ''}_static/switcher.json",
        "version_match": "dev" if "dev" in version else version,
    },
    "check_switcher": not online,  # the published file may be older than this version
    "icon_links": [
        {
            "name": "Source",
            "url": "https://github.com/skmae/skmae",
            "icon": "fa-brands fa-github",
        }
    ],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {
    page: []
    for page in ("index", "architecture", "coming_from", "contributing", "changelog")
}

# Methods in the list beside the page: with their class they would be cut off.
toc_object_entries_show_parents = "hide"

myst_heading_anchors = 3

# Methods are documented in full below their class.
numpydoc_show_class_members = False
autosummary_generate = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_",
    "doc_module": ("skmae",),
    "backreferences_dir": "api/backreferences",
    "reference_url": {"skmae": None},
    "download_all_examples": False,
    # Nobody reads that page, and it fetches scripts from the network.
    "write_computation_times": False,
    # Otherwise by length, with the least usual job first.
    "within_subsection_order": "FileNameSortKey",
    # A display is seen already; its address in memory tells nothing.
    "ignore_repr_types": r"skmae\.displays|matplotlib",
}


def write_api_index():
    """List every public name, so that none can be forgotten."""
    names = [name for name in skmae.__all__ if not name.startswith("_")]
    displays = [name for name in names if name.endswith("Display")]
    classes = [n for n in names if inspect.isclass(getattr(skmae, n))]
    estimators = [name for name in classes if hasattr(getattr(skmae, name), "fit")]
    groups = {
        "Estimators": estimators,
        "Splitters": [n for n in classes if hasattr(getattr(skmae, n), "split")],
        "Displays": displays,
        "Others": [name for name in names if name not in classes],
    }
    lines = ["API reference", "=============", "", ".. currentmodule:: skmae", ""]
    for title, members in groups.items():
        if members:
            lines += [title, "-" * len(title), "", ".. autosummary::"]
            lines += ["   :toctree: generated", "   :nosignatures:", ""]
            lines += [f"   {name}" for name in sorted(members)] + [""]
    text = "\n".join(lines)
    page = HERE / "api" / "index.rst"
    page.parent.mkdir(exist_ok=True)
    if not page.exists() or page.read_text() != text:
        page.write_text(text)


write_api_index()
floor_plan.write(HERE / "_static" / "floor_plan.svg")


def escape_attributes(app, what, name, obj, options, lines):
    """Keep ``(n_features_in_,)`` in a type from being read as a link."""
    lines[:] = [
        line
        if line.lstrip().startswith((">>>", "..."))
        else re.sub(r"(?<![\w`.])(n_\w+)_(?=[,)])", r"\1\\_", line)
        for line in lines
    ]


def skip_inherited(app, what, name, obj, skip, options):
    """Leave out what scikit-learn gives to every estimator, and documents."""
    is_request = name.startswith("set_") and name.endswith("_request")
    module = getattr(obj, "__module__", None) or ""
    return True if is_request or module.startswith("sklearn.") else None


def setup(app):
    """Connect the hooks, the first of them before numpydoc's."""
    app.connect("autodoc-process-docstring", escape_attributes, priority=100)
    app.connect("autodoc-skip-member", skip_inherited)
    app.connect("build-finished", llms.write)
