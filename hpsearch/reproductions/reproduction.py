"""Reproduction of a published claim: the studies that test it, and a table of published figures beside ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.checks import integer
from hpsearch.errors import SettingError, must_be
from hpsearch.ports import Tracker
from hpsearch.search.progress import Progress

if TYPE_CHECKING:
    from hpsearch.search.result import Result
    from hpsearch.study import Study

Show = Callable[[Progress], None]
# Student's interval needs three values.
LEAST = 3
SMOKE = "-smoke"
NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Row:
    """One published figure beside ours; ``verdict`` is short: "as published", "within the interval", "differs", and why."""

    what: str
    published: str
    ours: str
    verdict: str


@dataclass(frozen=True)
class Options:
    """Options of a run of a reproduction.

    Args:
        tracker: makes the tracker of one study; every study of a reproduction is recorded under a name of its own.
        jobs: trials side by side; None takes all cores.
        full: the published size instead of the one that takes about ten minutes on two cores; 20 seeds of what has that size.
        trials: searches of this many trials instead of either, or this many seeds of each setting; at least 3.
        smoke: few rows, epochs and trials and 3 seeds instead, in seconds: shows that it runs, and judges no figure.
        seed: of all studies.
        fresh: start again instead of resuming what is recorded.
        say: called with sentences on the progress.
        source: the file the studies are recorded under.
        show: opens a display of one study's progress; None shows nothing.
    Raises:
        SettingError: for fewer than three trials, or a size given in two ways.
    """

    tracker: Callable[[], Tracker]
    jobs: int | None = None
    full: bool = False
    trials: int | None = None
    smoke: bool = False
    seed: int = 0
    fresh: bool = False
    say: Callable[[str], None] = print
    source: Path | None = None
    show: Callable[[], AbstractContextManager[Show]] | None = None

    def __post_init__(self) -> None:
        if self.trials is not None:
            advice = f"Fewer than {LEAST} seeds make no interval. Leave it out for ten minutes' worth."
            integer("--trials", self.trials, LEAST, advice)
        if self.trials is not None and self.full:
            raise SettingError(must_be("--trials", "left out beside --full", self.trials, "Give one of the two."))
        if self.smoke and (self.full or self.trials is not None):
            other, value = ("--full", True) if self.full else ("--trials", self.trials)
            raise SettingError(must_be(other, "left out beside --smoke", value, "Give one of the two."))

    def result(self, study: Study, report: bool | None = None) -> Result:
        """Run a study of a reproduction, with its progress shown; ``report`` as `Study.run`."""
        with self.show() if self.show else nullcontext() as progress:
            return study.run(
                self.jobs, tracker=self.tracker(), fresh=self.fresh, source=self.source, progress=progress, report=report
            )


@dataclass(frozen=True)
class Reproduced:
    """The result of a reproduction.

    Args:
        rows: the table.
        conclusions: sentences on what follows from the table, and what does not.
        files: pictures and pages by name, attached to the record of ``main``.
        main: the result of the study that the command line links to.
    """

    rows: Sequence[Row]
    conclusions: Sequence[str]
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    main: Result | None = None

    def unjudged(self) -> Reproduced:
        """Return the result of a smoke run: without verdicts and conclusions, since it is too small for either."""
        rows = [replace(row, verdict=NOT_JUDGED) for row in self.rows]
        said = "A smoke run shows that everything runs; so few rows, epochs and seeds say nothing about the published figures."
        return replace(self, rows=rows, conclusions=[said])


@dataclass(frozen=True)
class Reproduction:
    """A published comparison under its name on the command line; ``needs`` is an optional package that it imports."""

    name: str
    claim: str
    source: str
    run: Callable[[Options], Reproduced]
    needs: str = ""

    @property
    def can_run(self) -> bool:
        """Whether the package that it needs is installed."""
        return not self.needs or find_spec(self.needs) is not None
