"""Terminal output: a stream that outlives its terminal, and the tables of results."""

from __future__ import annotations

import errno
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from hpsearch.analysis.sentences import describe_value
from hpsearch.execution.signals import leave_closed_terminal
from hpsearch.tracking.runs.recorded_params import typed_params
from hpsearch.trial import Candidate, Status, Trial, best, flip_sign
from hpsearch.trial import duration as duration
from hpsearch.trial import format_value as format_value
from hpsearch.trial import params_line as params_line
from hpsearch.trial.formatting import count

if TYPE_CHECKING:
    from hpsearch.data import Available
    from hpsearch.tracking.runs.catalog import StudySummary, TrialRow


# A study's name is not folded where it is at most so long.
_NAME_WIDTH = 16
# A terminal shows the year of a study where it is at least so wide.
_YEAR_WIDTH = 100


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


def chosen_line(chosen: Candidate, maximize: bool) -> str:
    """Return ``Chosen: rate=0.5, 0.0312 ± 0.001 (mean ± standard error over 5 seeds), first run in trial 40``."""
    where = f"first run in trial {chosen.trials[0].number}"
    return f"Chosen: {params_line(chosen.params)}, {describe_value(chosen, maximize)}, {where}"


def best_table(trials: Sequence[Trial], maximize: bool, measure: str = "value", width: int = 80, most: int = 5) -> Table:
    """Return the table of the best trials, best first: value, params, seconds."""
    rows = best(trials, most)
    cells = [(t.number, flip_sign(t.value, maximize), t.params, t.seconds) for t in rows]
    return _table(f"Best {len(rows)} of {count(len(trials), 'trial')} by {measure}", cells, width)


def studies_table(studies: Sequence[StudySummary], width: int | None = 80) -> Table:
    """Return the table of recorded studies, with as many of its columns as fit, the first ones; None leaves none out."""
    heads = ["study", "state", "trials", "best", "started", "took", "file", "strategy"]
    date = "%Y-%m-%d %H:%M" if width is None or width >= _YEAR_WIDTH else "%m-%d %H:%M"
    cells = [_study_cells(study, date) for study in studies]
    widths = [max(map(len, column)) + 1 for column in zip(heads, *cells, strict=True)]
    while width is not None and len(heads) > 6 and sum(widths[: len(heads)]) + 1 > width:
        heads.pop()
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)
    named = min(widths[0] - 2, _NAME_WIDTH)
    for head in heads:
        folds, right = head in ("study", "state", "file", "strategy"), head in ("trials", "took")
        least = named if head == "study" else None
        table.add_column(Text(head), no_wrap=not folds, overflow="fold", justify="right" if right else "left", min_width=least)
    for row in cells:
        table.add_row(*map(Text, row[: len(heads)]))
    return table


def _study_cells(study: StudySummary, date: str) -> list[str]:
    trials = f"{study.trials}" if study.planned is None else f"{study.trials}/{study.planned}"
    extreme = "max" if study.maximize else "min"
    best = "-" if study.best_value is None else f"{extreme} {format_value(study.best_value)}"
    started = datetime.fromtimestamp(study.started).strftime(date)
    took = "-" if study.seconds is None else duration(study.seconds)
    return [study.name, study.status, trials, best, started, took, study.source or "-", study.strategy]


def study_json(study: StudySummary, rows: Sequence[TrialRow]) -> str:
    """Return a recorded study and its trials as JSON: values to the last digit, params with their types."""
    space = study.identity.get("space", "")
    trials = [
        {
            "number": row.number,
            "status": row.status,
            "stage": row.stage,
            "value": row.value if math.isfinite(row.value) else None,
            "params": typed_params(space, row.params),
            "seconds": row.seconds if math.isfinite(row.seconds) else None,
            "error": row.error,
            "marks": row.marks,
            "run_id": row.run_id,
        }
        for row in rows
    ]
    fields = {
        "name": study.name,
        "question": study.question,
        "state": study.status,
        "started": datetime.fromtimestamp(study.started, UTC).isoformat(),
        "seconds": study.seconds,
        "planned": study.planned,
        "counts": dict(study.counts),
        "measure": study.measure,
        "direction": "maximize" if study.maximize else "minimize",
        "best_value": study.best_value,
        "file": study.source,
        "identity": dict(study.identity),
        "facts": dict(study.facts),
        "run_id": study.run_id,
        "trials": trials,
    }
    return json.dumps(fields, indent=2, default=str)


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
