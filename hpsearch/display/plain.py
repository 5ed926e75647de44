"""Plain lines on the progress of a study, where there is no terminal."""

from __future__ import annotations

import threading
import time

from rich.console import Console

from hpsearch.display.lines import best_line, counts, failure_line, running_lines
from hpsearch.search.progress import Progress
from hpsearch.trial import Trial

_PAUSE = 5.0  # seconds between lines when nothing remarkable happens
_WAITING_PAUSE = 60.0  # seconds between lines while no trial ends


class PlainDisplay:
    """One line per new best, per failure, and every few seconds; one a minute on running trials while none ends.

    Args:
        console: where they are printed.
        maximize: whether larger values are better.
    """

    def __init__(self, console: Console, maximize: bool) -> None:
        self._console, self._maximize = console, maximize
        self._best: Trial | None = None
        self._when = 0.0
        self._said = 0
        self._doing = ""
        self._progress: Progress | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="hpsearch display", daemon=True)

    def __enter__(self) -> PlainDisplay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def __call__(self, progress: Progress) -> None:
        """Print what is new and remarkable."""
        self._progress = progress
        for sentence in progress.messages[self._said :]:
            self._print(sentence)
        self._said = len(progress.messages)
        last = progress.last
        remarkable = progress.best is not self._best or (last is not None and not last.ok)
        if last is None or not (remarkable or time.monotonic() - self._when > _PAUSE):
            return
        self._best, self._when = progress.best, time.monotonic()
        failure = "" if last.ok else f"; {failure_line(last)}"
        self._print(f"{counts(progress)}; {best_line(progress.best, self._maximize)}{failure}")

    def _follow(self) -> None:
        """Print what happens between two calls, until the end."""
        quiet_since = time.monotonic()
        while not self._ended.wait(min(_WAITING_PAUSE, 1.0)):
            progress, now = self._progress, time.monotonic()
            if progress is None:
                continue
            if progress.doing != self._doing:
                self._doing = progress.doing
                self._print(counts(progress))
            elif progress.latest and now - max(quiet_since, self._when) >= _WAITING_PAUSE:
                quiet_since = now
                self._print("; ".join([counts(progress), *running_lines(progress)]))

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)
