"""Terminal output of ``hpsearch watch``: a study that another process runs."""

from __future__ import annotations

import time

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpsearch.tracking.home import Overview, RunningTrial
from hpsearch.trial import duration, format_value
from hpsearch.trial.formatting import count

_SHOWN = 4


class StudyDisplay:
    """A bar, the best value so far and the running trials on a terminal; elsewhere a line whenever something has changed.

    Args:
        console: where it is printed.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._said = ""

    def __enter__(self) -> StudyDisplay:
        if self._live is not None:
            self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.__exit__(None, None, None)

    def update(self, study: Overview) -> None:
        """Show the study as it is now."""
        if self._live is None:
            self._print("; ".join([progress_line(study), *map(trial_line, study.trials)]))
            return
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(max(study.total or study.done, 1), study.done, width=30), Text(progress_line(study)))
        trials = [Text(f"  {trial_line(trial)}", overflow="ellipsis", no_wrap=True) for trial in study.trials]
        self._live.update(Group(bar, *trials))

    def warn(self, sentence: str) -> None:
        """Print a sentence once."""
        self._print(sentence, style="yellow")

    def end(self, study: Overview) -> None:
        """Print how the study ended."""
        self._print(f"{study.name} is {study.state}: {progress_line(study)}")

    def _print(self, line: str, style: str = "") -> None:
        if line != self._said:
            self._console.print(line, markup=False, highlight=False, style=style, soft_wrap=True)
        self._said = line


def progress_line(study: Overview) -> str:
    """Return ``12 of 64 trials, 1 failed; lowest validation error 0.0312``."""
    done = count(study.done, "trial") if study.total is None else f"{study.done} of {count(study.total, 'trial')}"
    failed = f", {study.failed} failed" if study.failed else ""
    extreme = "largest" if study.maximize else "lowest"
    best = "no value yet" if study.best is None else f"{extreme} {study.measure} {format_value(study.best)}"
    return f"{done}{failed}; {best}"


def trial_line(trial: RunningTrial) -> str:
    """Return ``trial 012, 40.0 s: validation_error 0.05``."""
    values = ", ".join(
        f"{key.removeprefix('curve/')} {format_value(value)}" for key, value in list(trial.values.items())[:_SHOWN]
    )
    return f"{trial.name}, {duration(max(time.time() - trial.started, 0.0))}: {values or 'no value yet'}"
