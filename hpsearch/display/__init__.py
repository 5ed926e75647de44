"""Display of a running study: a live view on a terminal and in a notebook, plain lines elsewhere."""

from hpsearch.display.lines import best_line, counts, running_lines
from hpsearch.display.notebook import NotebookDisplay
from hpsearch.display.plain import PlainDisplay
from hpsearch.display.select import Display, open_display, select_display
from hpsearch.display.terminal import LiveDisplay

__all__ = [
    "Display",
    "LiveDisplay",
    "NotebookDisplay",
    "PlainDisplay",
    "best_line",
    "counts",
    "open_display",
    "running_lines",
    "select_display",
]
