"""Choice of the display of a study's progress."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

from rich.console import Console

from hpsearch.display.notebook import NotebookDisplay, in_notebook
from hpsearch.display.plain import PlainDisplay
from hpsearch.display.terminal import LiveDisplay
from hpsearch.search.progress import Progress

Called = Callable[[Progress], None]


class Display(Protocol):
    """Something that shows the progress of one study."""

    def __enter__(self) -> Display: ...

    def __exit__(self, *_: object) -> None: ...

    def __call__(self, progress: Progress) -> None: ...


def open_display(console: Console, maximize: bool) -> Display:
    """Return the live display on a terminal, plain lines elsewhere."""
    return LiveDisplay(console, maximize) if console.is_terminal else PlainDisplay(console, maximize)


def select_display(progress: Called | Literal["auto"] | None, maximize: bool) -> AbstractContextManager[Called | None]:
    """Return the context of what is called with a study's progress.

    Args:
        progress: what the user passed: ``"auto"`` shows it live in a notebook and on a terminal, and nothing elsewhere.
        maximize: whether larger values are better.
    """
    if progress != "auto":
        return nullcontext(progress)
    if in_notebook():
        return NotebookDisplay(maximize)
    console = Console(stderr=True)
    if console.is_terminal and multiprocessing.parent_process() is None:
        return LiveDisplay(console, maximize)
    return nullcontext()
