"""Small HTML tables of plain text, for what a notebook shows of an object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; whatever the texts hold, they are shown as text.

    >>> table(["a"], [["<1>"]])
    '<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>&lt;1&gt;</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def listing(title: str, texts: Mapping[str, str]) -> str:
    """Return a title and names with their texts, one pair a line."""
    rows = "".join(f'<tr><th style="text-align: left">{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in texts.items())
    return f"<div><b>{escape(title)}</b><table><tbody>{rows}</tbody></table></div>"
