"""Live display on a terminal: a few lines that stay in place."""

from __future__ import annotations

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpsearch.display.lines import best_line, counts, failure_line, running_lines
from hpsearch.search.progress import Progress

# How many failures are printed; the record has them all.
_FAILURES = 5


class LiveDisplay:
    """Lines that stay in place: a bar with counts and time left, the best trial so far, and what running trials report.

    What is said once, such as a failure, is printed above them.

    Args:
        console: where it is shown.
        maximize: whether larger values are better.
    """

    def __init__(self, console: Console, maximize: bool) -> None:
        self._said = 0
        self._failures = 0
        self._progress: Progress | None = None
        self._live = Live(console=console, refresh_per_second=4, transient=True, get_renderable=self._render)
        self._maximize = maximize

    def __enter__(self) -> LiveDisplay:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def __call__(self, progress: Progress) -> None:
        """Show the study as it is now; from now on it is shown as it changes."""
        for sentence in progress.messages[self._said :]:
            self._live.console.print(sentence, markup=False)
        self._said = len(progress.messages)
        self._print_failures(progress)
        self._progress = progress

    def _print_failures(self, progress: Progress) -> None:
        for trial in progress.failures[self._failures : _FAILURES]:
            self._live.console.print(failure_line(trial), markup=False, highlight=False, style="yellow")
        self._failures = len(progress.failures)

    def _render(self) -> Group:
        """Return the lines as they are now, which running trials change without a call."""
        progress = self._progress
        if progress is None:
            return Group(Text("Starting ..."))
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(max(progress.expected, 1), progress.done, width=30), counts(progress))
        lines = [best_line(progress.best, self._maximize), *map("  {}".format, running_lines(progress))]
        return Group(bar, *(Text(line, overflow="ellipsis", no_wrap=True) for line in lines))
