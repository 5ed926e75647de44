"""Terminal output: the live display, plain lines where there is no terminal, and the tables of results."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpsearch.analysis.sentences import describe_value
from hpsearch.execution.signals import leave_closed_terminal
from hpsearch.search.progress import Progress, Running
from hpsearch.trial import Candidate, Status, Trial, best, flip_sign
from hpsearch.trial import duration as duration
from hpsearch.trial import format_value as format_value
from hpsearch.trial import params_line as params_line
from hpsearch.trial.formatting import count

if TYPE_CHECKING:
    from hpsearch.data import Available
    from hpsearch.tracking.runs.catalog import StudySummary, TrialRow

_PLAIN_PAUSE = 5.0  # seconds between plain lines when nothing remarkable happens
_WAITING_PAUSE = 60.0  # seconds between plain lines while no trial ends
# How many running trials are shown on a terminal, and how many values of each.
_RUNNING, _VALUES = 8, 4


class SurvivingOutput:
    """A stream whose writes vanish once its terminal is gone: a study that was sent to the background goes on.

    Args:
        stream: where everything else goes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text."""
        with self._surviving():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what waits in the buffer."""
        with self._surviving():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _surviving(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            leave_closed_terminal()


class Display(Protocol):
    """Something that shows the progress of one study."""

    def __enter__(self) -> Display: ...

    def __exit__(self, *_: object) -> None: ...

    def __call__(self, progress: Progress) -> None: ...


def display(console: Console, maximize: bool) -> Display:
    """Return the live display on a terminal, plain lines elsewhere."""
    return LiveDisplay(console, maximize) if console.is_terminal else PlainDisplay(console, maximize)


class LiveDisplay:
    """Lines that stay in place: a bar with counts and time left, the best trial so far, and what running trials report."""

    def __init__(self, console: Console, maximize: bool) -> None:
        self._said = 0
        self._progress: Progress | None = None
        self._live = Live(console=console, refresh_per_second=4, transient=True, get_renderable=self._render)
        self._maximize = maximize

    def __enter__(self) -> LiveDisplay:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def __call__(self, progress: Progress) -> None:
        for sentence in progress.messages[self._said :]:
            self._live.console.print(sentence, markup=False)
        self._said = len(progress.messages)
        self._progress = progress

    def _render(self) -> Group:
        """Return the lines as they are now, which running trials change without a call."""
        progress = self._progress
        if progress is None:
            return Group()
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(max(progress.expected, 1), progress.done, width=30), counts(progress))
        lines = [best_line(progress.best, self._maximize), *map("  {}".format, running_lines(progress, _RUNNING))]
        return Group(bar, *(Text(line, overflow="ellipsis", no_wrap=True) for line in lines))


class PlainDisplay:
    """One line per new best, per failure, and every few seconds; one a minute on running trials while none ends."""

    def __init__(self, console: Console, maximize: bool) -> None:
        self._console, self._maximize = console, maximize
        self._best: Trial | None = None
        self._when = 0.0
        self._said = 0
        self._progress: Progress | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="hpsearch display", daemon=True)

    def __enter__(self) -> PlainDisplay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        """Print what running trials report, until the end."""
        quiet_since = time.monotonic()
        while not self._ended.wait(min(_WAITING_PAUSE, 1.0)):
            progress, now = self._progress, time.monotonic()
            if progress is not None and progress.latest and now - max(quiet_since, self._when) >= _WAITING_PAUSE:
                quiet_since = now
                line = "; ".join([counts(progress), *running_lines(progress, _RUNNING)])
                self._console.print(line, markup=False, soft_wrap=True)

    def __call__(self, progress: Progress) -> None:
        self._progress = progress
        for sentence in progress.messages[self._said :]:
            self._console.print(sentence, markup=False, soft_wrap=True)
        self._said = len(progress.messages)
        last = progress.last
        remarkable = progress.best is not self._best or (last is not None and not last.ok)
        if last is None or not (remarkable or time.monotonic() - self._when > _PLAIN_PAUSE):
            return
        self._best, self._when = progress.best, time.monotonic()
        failure = "" if last.ok else f"; trial {last.number} {last.status}: {last.error}"
        line = f"{counts(progress)}; {best_line(progress.best, self._maximize)}{failure}"
        self._console.print(line, markup=False, soft_wrap=True)


def counts(progress: Progress) -> str:
    """Return ``12/32 done, 2 running, 1 failed, 40.0 s left``."""
    left = progress.seconds_left
    parts = [f"{progress.done}/{progress.expected} done", f"{progress.running} running"]
    parts += [f"{progress.failed} failed"] * bool(progress.failed)
    parts += [f"{duration(left)} left"] if left is not None and progress.running else []
    return ", ".join(parts)


def running_lines(progress: Progress, most: int) -> list[str]:
    """Return ``trial 3, 12.0 s: step 2, validation_error 0.05`` for every running trial, ``and 4 more`` beyond ``most``."""
    latest = progress.latest
    lines = [_running_line(number, running) for number, running in list(latest.items())[:most]]
    return lines + [f"and {len(latest) - most} more"] * (len(latest) > most)


def _running_line(number: int, running: Running) -> str:
    values = [f"{name} {format_value(value)}" for name, value in list(running.metrics.items())[:_VALUES]]
    said = ", ".join([f"step {running.step}", *values]) if values else "no value yet"
    return f"trial {number}, {duration(running.seconds)}: {said}"


def best_line(trial: Trial | None, maximize: bool) -> str:
    """Return ``best 0.0312 (trial 7: learning_rate=0.5)``."""
    if trial is None:
        return "no finished trial yet"
    return f"best {format_value(flip_sign(trial.value, maximize))} (trial {trial.number}: {params_line(trial.params)})"


def chosen_line(chosen: Candidate, maximize: bool) -> str:
    """Return ``Chosen: rate=0.5, 0.0312 ± 0.001 (mean ± standard error over 5 seeds), first run in trial 40``."""
    where = f"first run in trial {chosen.trials[0].number}"
    return f"Chosen: {params_line(chosen.params)}, {describe_value(chosen, maximize)}, {where}"


def best_table(trials: Sequence[Trial], maximize: bool, measure: str = "value", width: int = 80, most: int = 5) -> Table:
    """Return the table of the best trials, best first: value, params, seconds."""
    rows = best(trials, most)
    cells = [(t.number, flip_sign(t.value, maximize), t.params, t.seconds) for t in rows]
    return _table(f"Best {len(rows)} of {count(len(trials), 'trial')} by {measure}", cells, width)


def studies_table(studies: Sequence[StudySummary]) -> Table:
    """Return the table of recorded studies."""
    table = Table("study", "state", "trials", "best value", "strategy", "file")
    for study in studies:
        best = "-" if study.best_value is None else format_value(study.best_value)
        row = (study.name, study.status, str(study.trials), best, study.strategy, study.source or "-")
        table.add_row(*map(Text, row))
    return table


def data_table(found: Sequence[Available]) -> Table:
    """Return the table of data sets."""
    table = Table("data set", "rows", "features", "classes", "where")
    for entry in found:
        row = (entry.name, str(entry.rows), str(entry.features), str(entry.classes), entry.where)
        table.add_row(*map(Text, row))
    return table


def rows_table(rows: Sequence[TrialRow], total: int, width: int = 80) -> Table:
    """Return the same table from recorded texts."""
    cells = [(r.number, r.value, {name: short(text) for name, text in r.params.items()}, r.seconds) for r in rows]
    return _table(f"Best {len(rows)} of {count(total, 'trial')}", cells, width)


def short(text: str) -> str:
    """Return the text of a recorded param as a table shows it: numbers with a point get four significant digits."""
    try:
        return format_value(float(text)) if "." in text or "e" in text else text
    except ValueError:
        return text


def _table(title: str, rows: Sequence[tuple[int, float, Mapping[str, Any], float]], width: int) -> Table:
    """Return a table with one column per param if they fit, else with all params in one column."""
    names = list(dict.fromkeys(name for _, _, params, _ in rows for name in params))
    cells = [[str(n), format_value(v), *(format_value(p.get(name, "-")) for name in names), f"{s:.1f}"] for n, v, p, s in rows]
    heads = ["trial", "value", *names, "seconds"]
    needed = sum(max(map(len, column)) + 2 for column in zip(heads, *cells, strict=True)) + 2
    if needed > width:
        heads = ["trial", "value", "seconds", "params"]
        cells = [[str(n), format_value(v), f"{s:.1f}", params_line(p)] for n, v, p, s in rows]
    table = Table(title=Text(title, style="italic"), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for head in heads:
        line = head == "params"
        table.add_column(Text(head), justify="left" if line else "right", no_wrap=not line, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))  # never read as markup: a value may look like [this]
    return table


def completeness(trials: Sequence[Trial]) -> str:
    """Return a sentence on which cells of a grid are missing, and why."""
    missing = [trial for trial in trials if not trial.ok and trial.status is not Status.STOPPED]
    stopped = sum(trial.status is Status.STOPPED for trial in trials)
    if not missing and stopped:
        return (
            f"The grid is complete: {len(trials) - stopped} of {len(trials)} cells finished, {stopped} lagged and were stopped."
        )
    if not missing:
        return f"The grid is complete: {'its only cell' if len(trials) == 1 else f'all {len(trials)} cells'} finished."
    cells = "; ".join(f"trial {t.number} ({params_line(t.params)}): {t.error}" for t in missing[:20])
    more = f"; and {len(missing) - 20} more" if len(missing) > 20 else ""
    are = "is" if len(missing) == 1 else "are"
    return f"{len(missing)} of {count(len(trials), 'cell')} {are} missing; the same command runs them again: {cells}{more}"
