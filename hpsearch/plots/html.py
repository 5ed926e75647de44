"""HTML of a report: a single page that loads nothing from the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

# Whatever the page holds, a browser that reads this fetches nothing from anywhere. Plotly compiles its shaders' code.
_POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; margin: 0 auto; padding: 1rem 1.5rem 4rem; max-width: 1200px; }
h1 { font-size: 1.5rem; margin: .4rem 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; border-bottom: 1px solid #ddd; }
h3 { font-size: 1rem; margin: 1rem 0 .3rem; } .question { color: #555; font-size: 1.05rem; margin: 0; }
table { border-collapse: collapse; font-size: 13px; } .wide { overflow: auto; max-height: 34rem; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #eee; text-align: left; vertical-align: top; }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.sortable th { position: sticky; top: 0; background: #f4f4f4; cursor: pointer; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .4rem 0; }
dt { color: #555; } dd { margin: 0; overflow-wrap: anywhere; }
"""
# Numbers sort as numbers, everything else as text; a second click turns the order round.
_SORT = """
document.querySelectorAll("table.sortable th").forEach((head, column) => head.addEventListener("click", () => {
  const body = head.closest("table").tBodies[0], up = head.dataset.up !== "1";
  const key = row => row.cells[column].textContent;
  const order = (a, b) => a === "" || b === "" || isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
  [...body.rows].sort((a, b) => (up ? 1 : -1) * order(key(a), key(b))).forEach(row => body.append(row));
  head.dataset.up = up ? "1" : "0";
}));
"""


def page(title: str, headline: str, question: str, body: str, script: str) -> str:
    """Return a whole page; ``body`` is HTML and ``script`` JavaScript, the other three are plain text."""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(headline)} | {escape(title)}</title><style>{_STYLE}</style><script>{script}</script></head><body>
<h1>{escape(headline)}</h1><p class="question"><b>{escape(title)}</b> {escape(question)}</p>
{body}
<script>{_SORT}</script></body></html>
"""


def section(title: str, body: str) -> str:
    """Return a part of a page under a head; ``body`` is HTML."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def listing(texts: Mapping[str, str]) -> str:
    """Return names and texts, one pair a line."""
    pairs = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in texts.items())
    return f"<dl>{pairs}</dl>"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], sortable: bool = False) -> str:
    """Return a table of plain texts; a sortable one is sorted by a click on a head."""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    kind = ' class="sortable"' if sortable else ""
    return f'<div class="wide"><table{kind}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
