"""Write llms.txt: what the project is, and a line for each page, for programs."""

import re
from pathlib import Path

SUMMARY = (
    "Masked autoencoders as scikit-learn estimators: features, imputation, anomaly "
    "detection, learning from few labels, synthetic rows and densities, for tables, "
    "images, series and sequences of tokens. Missing values and categories are read as "
    "they are."
)
SECTIONS = {
    "Guide": ("user_guide/", "coming_from"),
    "Benchmarks": ("benchmarks/",),
    "API": ("api/generated/",),
    "Examples": ("auto_examples/plot_",),
    "Project": ("architecture",),
}


def write(app, exception):
    """Write the file once pages of HTML are built."""
    if exception is not None or app.builder.format != "html":
        return
    base = app.config.html_baseurl
    lines = [f"# {app.config.project}", "", f"> {SUMMARY}", ""]
    lines += ["Each page below is its source, in Markdown or reStructuredText.", ""]
    for section, prefixes in SECTIONS.items():
        lines += [f"## {section}", ""]
        for name in sorted(app.env.found_docs):
            if name.startswith(prefixes):
                source = Path(app.env.doc2path(name))
                title = app.env.titles[name].astext()
                address = f"{base}_sources/{name}{source.suffix}.txt"
                lines.append(f"- [{title}]({address}){_about(source)}")
        lines.append("")
    (Path(app.outdir) / "llms.txt").write_text("\n".join(lines), encoding="utf-8")


def _about(page):
    """Return the first sentence of a page, or nothing where it begins otherwise."""
    if page.suffix != ".md":
        return ""
    paragraphs = page.read_text(encoding="utf-8").split("\n\n")
    for paragraph in paragraphs[1:3]:
        if re.match(r"[\w{*`]", paragraph) and not paragraph.startswith("```"):
            text = " ".join(paragraph.split())
            text = re.sub(r"\{\w+\}`~?(?:[^`<]*<)?(?:skmae\.)?([^`>]*)>?`", r"\1", text)
            text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
            return ": " + re.split(r"(?<=[.])\s", text)[0]
    return ""
