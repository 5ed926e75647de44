"""Markdown with escaped texts: no recorded text can become a link, a table cell or an HTML tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hpsearch.trial import format_value

# Characters with a meaning in Markdown or HTML, and how each is escaped: as an entity, or with a backslash.
_MARKS = str.maketrans({mark: f"&#{ord(mark)};" for mark in "|`[]~\\"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKS |= str.maketrans({"*": "\\*", "_": "\\_"})


def plain(text: object, width: int = 200) -> str:
    """Return any text escaped, in one line, cut to a width.

    >>> plain("a|b <i>"), plain("rate", 3)
    ('a&#124;b &lt;i&gt;', 'ra…')
    """
    line = " ".join(str(text).encode("utf-8", "replace").decode().split())
    return _escaped(line if len(line) <= width else line[: width - 1] + "…")


def _escaped(line: str) -> str:
    # An address stays text: no name of a study may become a link.
    return line.translate(_MARKS).replace("://", "&#58;//").replace("www.", "www&#46;").replace("@", "&#64;")


def code(text: str) -> str:
    """Return a command as a code span; one that a code span cannot hold is shown as plain text.

    >>> code("hpsearch run a.py")
    '`hpsearch run a.py`'
    """
    return f"`{text}`" if text.isprintable() and "`" not in text and text.strip() == text else plain(text, 500)


def link(text: str, address: str) -> str:
    """Return a link; the text is Markdown already, and the address one of this package."""
    return f"[{text}]({address})"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already; the first row is the head.

    MLflow leaves no space between columns, so every cell but the last ends with some.
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
    """Return params in one line for reading, the first few of many.

    >>> settings({"rate": 0.1, "hidden": (30,)})
    'rate **0.1**, hidden **(30,)**'
    """
    parts = [f"{plain(name, 40)} **{brief(value)}**" for name, value in list(params.items())[:most]]
    more = [f"and {len(params) - most} more"] * (len(params) > most)
    return ", ".join([*parts, *more])
