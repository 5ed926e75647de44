"""Markdown that shows any text as it is: nothing from outside can become a link, a table cell or a tag of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hpsearch.trial import format_value

# What means something to Markdown or HTML, each mark as what shows it: entities, except where a backslash reads better.
_MARKS = str.maketrans({mark: f"&#{ord(mark)};" for mark in "|`[]~\\"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKS |= str.maketrans({"*": "\\*", "_": "\\_"})


def plain(text: object, width: int = 200) -> str:
    """Return any text as it is, in one line, cut to a width.

    >>> plain("a|b <i>"), plain("rate", 3)
    ('a&#124;b &lt;i&gt;', 'ra…')
    """
    line = " ".join(str(text).encode("utf-8", "replace").decode().split())
    return _escaped(line if len(line) <= width else line[: width - 1] + "…")


def _escaped(line: str) -> str:
    # An address stays text: nothing that a study is called may lead elsewhere.
    return line.translate(_MARKS).replace("://", "&#58;//").replace("www.", "www&#46;").replace("@", "&#64;")


def code(text: str) -> str:
    """Return a command in a form to copy; one that a code span could not hold is shown as plain text.

    >>> code("hpsearch run a.py")
    '`hpsearch run a.py`'
    """
    return f"`{text}`" if text.isprintable() and "`" not in text and text.strip() == text else plain(text, 500)


def link(shown: str, address: str) -> str:
    """Return a link whose text is Markdown already, and whose address is one of ours."""
    return f"[{shown}]({address})"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already, the first row its head.

    MLflow shows tables without any space between their columns, so every cell but the last ends with some.
    """
    lines = ["| " + "&emsp; | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines)


def brief(value: object, width: int = 40) -> str:
    """Return a value rounded for reading: four significant digits.

    >>> brief(0.123456), brief(20), brief("relu")
    ('0.1235', '20', 'relu')
    """
    return plain(format_value(value), width)


def settings(params: Mapping[str, object], most: int = 8) -> str:
    """Return params as a person says them, the first few of many.

    >>> settings({"rate": 0.1, "hidden": (30,)})
    'rate **0.1**, hidden **(30,)**'
    """
    said = [f"{plain(name, 40)} **{brief(value)}**" for name, value in list(params.items())[:most]]
    more = [f"and {len(params) - most} more"] * (len(params) > most)
    return ", ".join([*said, *more])
