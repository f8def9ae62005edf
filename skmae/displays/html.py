"""Pieces of a page of HTML that needs no other file."""

import base64
import html
import io

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #ccc; }
pre { background: #f5f5f5; padding: .6rem; overflow-x: auto; font-size: .85rem; }
figure { margin: 1rem 0; overflow-x: auto; }
img { max-width: 100%; height: auto; }
figcaption, .note { color: #555; font-size: .9rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top;
         border-bottom: 1px solid #e5e5e5; }
thead th { border-bottom: 1px solid #888; vertical-align: bottom; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums;
                       white-space: nowrap; }
td.name { overflow-wrap: anywhere; min-width: 7rem; max-width: 16rem; }
td.text { min-width: 6rem; }
.bar { display: inline-block; height: .6rem; background: #1f77b4;
       margin-left: .5rem; }
.rail { display: inline-block; width: 5rem; text-align: left; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem;
     margin: 0; }
dt { color: #555; }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 32rem) {
  dl { grid-template-columns: 1fr; }
  dt { margin-top: .4rem; }
  img { max-width: none; }
}
"""


def escaped(text):
    """Text as it is shown, whatever it holds."""
    return html.escape(str(text))


def page(title, sections):
    """Make a page of sections: pairs of a heading and a body of HTML."""
    body = "\n".join(
        f"<section><h2>{escaped(heading)}</h2>\n{content}</section>"
        for heading, content in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{_STYLE}</style></head>\n"
        f"<body><h1>{escaped(title)}</h1>\n{body}\n</body></html>\n"
    )


def facts(pairs):
    """Names and values below each other."""
    rows = "".join(
        f"<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>" for name, value in pairs
    )
    return f"<dl>{rows}</dl>"


def paragraph(text, kind="text"):
    """A paragraph; of kind "note" in grey."""
    return f'<p class="{kind}">{escaped(text)}</p>'


def bullets(texts):
    """A list."""
    return "<ul>" + "".join(f"<li>{escaped(text)}</li>" for text in texts) + "</ul>"


def table(heads, rows):
    """Make a table.

    Parameters
    ----------
    heads : list of (str, {"name", "text", "number", "bar"})
        Titles of the columns and what is in their cells: a "bar" is a pair of text
        and a share in [0, 1].
    rows : list of lists
    """
    kinds = [kind for _, kind in heads]
    head = "".join(
        f'<th scope="col" class="{_class(kind)}">{escaped(title)}</th>'
        for title, kind in heads
    )
    body = "\n".join(
        "<tr>"
        + "".join(_cell(kind, cell) for kind, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="table"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def _class(kind):
    return "number" if kind == "bar" else kind


def _cell(kind, cell):
    if kind != "bar":
        return f'<td class="{kind}">{escaped(cell)}</td>'
    text, share = cell
    bar = f'<span class="bar" style="width:{4.5 * share:.2f}rem"></span>'
    return f'<td class="number">{escaped(text)}<span class="rail">{bar}</span></td>'


def picture(figure, description):
    """A figure of matplotlib as part of the page; the figure is closed."""
    import matplotlib.pyplot as plt

    file = io.BytesIO()
    # Without a date, so that equal reports are equal files.
    figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)
    data = base64.b64encode(file.getvalue()).decode()
    source = f"data:image/svg+xml;base64,{data}"
    return (
        f'<figure><img src="{source}" alt="{escaped(description)}">'
        f"<figcaption>{escaped(description)}</figcaption></figure>"
    )
