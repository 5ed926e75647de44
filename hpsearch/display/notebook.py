"""Live display in the output of a notebook's cell."""

from __future__ import annotations

import sys
import threading
from html import escape
from typing import Any

from hpsearch.display.lines import best_line, counts, failure_line, running_lines
from hpsearch.search.progress import Progress
from hpsearch.trial import duration

# Seconds between two updates.
_PAUSE = 0.5
# How many of the latest failures are shown.
_FAILURES = 3


def in_notebook() -> bool:
    """Return whether this is the main thread's cell of a notebook, such as Jupyter's."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return type(shell).__name__ in ("ZMQInteractiveShell", "Shell")  # the latter in Colab


class NotebookDisplay:
    """A bar with counts and time left, the best trial so far, running trials and the latest failures; it stays at the end.

    Args:
        maximize: whether larger values are better.
    """

    def __init__(self, maximize: bool) -> None:
        self._maximize = maximize
        self._progress: Progress | None = None
        self._shown = ""
        self._handle: Any = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="hpsearch display", daemon=True)

    def __enter__(self) -> NotebookDisplay:
        from IPython.display import HTML, display

        self._shown = render(None, self._maximize)
        self._handle = display(HTML(self._shown), display_id=True)  # type: ignore[no-untyped-call]
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._update(ended=True)

    def __call__(self, progress: Progress) -> None:
        """Show the study as it is; from now on it is shown as it changes."""
        self._progress = progress

    def _follow(self) -> None:
        while not self._ended.wait(_PAUSE):
            self._update()

    def _update(self, ended: bool = False) -> None:
        from IPython.display import HTML

        text = render(self._progress, self._maximize, ended)
        if text != self._shown and self._handle is not None:
            self._shown = text
            self._handle.update(HTML(text))  # type: ignore[no-untyped-call]


def render(progress: Progress | None, maximize: bool, ended: bool = False) -> str:
    """Return the display as HTML; None stands for a study that has not begun."""
    if progress is None:
        return "<div></div>" if ended else "<div>Starting ...</div>"
    state = f"{progress.done}/{progress.expected} done in {duration(progress.seconds)}" if ended else counts(progress)
    state += f", {progress.failed} failed" if ended and progress.failed else ""
    bar = f'<progress max="{max(progress.expected, 1)}" value="{progress.done}" style="width: 15em"></progress>'
    lines = [f"{bar} {escape(state)}", escape(best_line(progress.best, maximize))]
    lines += [] if ended else [f"&nbsp;&nbsp;{escape(line)}" for line in running_lines(progress)]
    lines += [f'<span style="color: #b45309">{escape(failure_line(t))}</span>' for t in progress.failures[-_FAILURES:]]
    lines += [escape(sentence) for sentence in progress.messages]
    return f"<div>{'<br>'.join(lines)}</div>"
