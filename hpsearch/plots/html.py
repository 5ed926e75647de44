"""HTML of a report: a single page that loads nothing from the network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

# Whatever the page holds, a browser that reads this fetches nothing from anywhere.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1f2124; --soft: #5a5f66; --line: #dcdfe3; --head: #f3f4f6;
  --link: #0059a8; }
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #17191c; --ink: #dcdfe3; --soft: #a2a8b0; --line: #363b41; --head: #24282d; --link: #7ab8f0; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  padding: 1rem 1.5rem 4rem; max-width: 1200px; }
h1 { font-size: 1.5rem; margin: .4rem 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1rem 0 .3rem; } .question { color: var(--soft); font-size: 1.05rem; margin: 0; }
.about { color: var(--soft); margin: .3rem 0; } a { color: var(--link); }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: .8rem 0; }
table { border-collapse: collapse; font-size: 13px; } .wide { overflow: auto; max-height: 34rem; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
pre { font-size: 13px; white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0; }
.sortable th { position: sticky; top: 0; background: var(--head); cursor: pointer; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .4rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.figure { overflow-x: auto; } svg.plot { display: block; width: 100%; min-width: 44rem; height: auto; }
.mark:hover { stroke-width: 3; filter: brightness(1.25); }
#tip { position: absolute; z-index: 2; padding: .15rem .5rem; border-radius: .25rem; background: var(--ink);
  color: var(--paper); font-size: 13px; pointer-events: none; white-space: pre; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; } nav, .hint, #tip { display: none; }
  .wide, .figure { overflow: visible; max-height: none; } svg.plot { width: 86%; min-width: 0; max-height: 24cm; }
  .sortable th { position: static; }
  h2, h3 { break-after: avoid; } tr, svg, dl, ul { break-inside: avoid; } .together { break-inside: avoid; }
  table { font-size: 8pt; } th, td { padding: .1rem .3rem; } }
"""
# Numbers sort as numbers, everything else as text; a second click turns the order round.
_SORT = """
document.querySelectorAll("table.sortable th").forEach(head => head.addEventListener("click", () => {
  const body = head.closest("table").tBodies[0], up = head.dataset.up !== "1";
  const column = head.cellIndex, key = row => row.cells[column].textContent;
  const order = (a, b) => a === "" || b === "" || isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
  [...body.rows].sort((a, b) => (up ? 1 : -1) * order(key(a), key(b))).forEach(row => body.append(row));
  head.dataset.up = up ? "1" : "0";
}));
"""
# The text of a mark stands beside the pointer at once; without scripts the browser shows it after a while.
_TIPS = """
const tip = document.createElement("div"); tip.id = "tip"; tip.hidden = true; document.body.append(tip);
document.addEventListener("pointermove", event => {
  const mark = event.target.closest ? event.target.closest(".mark") : null;
  const title = mark && mark.querySelector("title");
  if (title) { mark.dataset.text = title.textContent; title.remove(); }
  tip.hidden = !mark;
  if (!mark) return;
  tip.textContent = mark.dataset.text;
  tip.style.left = Math.max(0, Math.min(event.pageX + 12, scrollX + innerWidth - tip.offsetWidth - 20)) + "px";
  tip.style.top = event.pageY + 14 + "px";
});
"""


def page(title: str, headline: str, question: str, body: str, style: str = "") -> str:
    """Return a whole page; ``body`` is HTML and ``style`` a style sheet, the other three are plain text."""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(headline)} | {escape(title)}</title><style>{_STYLE}{style}</style></head><body>
<h1>{escape(headline)}</h1><p class="question"><b>{escape(title)}</b> {escape(question)}</p>
{body}
<script>{_SORT}{_TIPS}</script></body></html>
"""


def section(title: str, body: str, together: bool = False) -> str:
    """Return a part of a page under a head; ``body`` is HTML. One that stays together is not divided by the end of a sheet."""
    kind = ' class="together"' if together else ""
    return f'<section id="{anchor(title)}"{kind}><h2>{escape(title)}</h2>{body}</section>'


def contents(titles: Sequence[str]) -> str:
    """Return links to the sections of a page."""
    links = "".join(f'<a href="#{anchor(title)}">{escape(title)}</a>' for title in titles)
    return f'<nav aria-label="Contents">{links}</nav>'


def anchor(title: str) -> str:
    """Return what a section is addressed by.

    >>> anchor("What to do next")
    'what-to-do-next'
    """
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


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
