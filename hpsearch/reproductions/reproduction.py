"""What a reproduction is: a published claim, the studies that test it, and a table of published beside ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpsearch.ports import Tracker


@dataclass(frozen=True)
class Row:
    """One published figure beside ours; ``verdict`` is short: "as published", "within the interval", "differs", and why."""

    what: str
    published: str
    ours: str
    verdict: str


@dataclass(frozen=True)
class Options:
    """How a reproduction is run.

    Args:
        tracker: makes the tracker of one study; every study of a reproduction is recorded under a name of its own.
        jobs: trials side by side; None takes all cores.
        full: the published size instead of the one that takes about ten minutes on two cores.
        trials: searches of this many trials instead of either.
        seed: of all studies.
        fresh: start anew instead of going on with what is recorded.
        say: told sentences on how it goes.
    """

    tracker: Callable[[], Tracker]
    jobs: int | None = None
    full: bool = False
    trials: int | None = None
    seed: int = 0
    fresh: bool = False
    say: Callable[[str], None] = print
    source: Path | None = None

    def run(self) -> dict[str, Any]:
        """Return what every `Study.run` of a reproduction is handed."""
        return {"jobs": self.jobs, "tracker": self.tracker(), "fresh": self.fresh, "source": self.source}


@dataclass(frozen=True)
class Reproduced:
    """What came out: the table, sentences that say what may be concluded, and files (pictures, pages) by name."""

    rows: Sequence[Row]
    conclusions: Sequence[str]
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Reproduction:
    """A published comparison under its name on the command line."""

    name: str
    claim: str
    source: str
    run: Callable[[Options], Reproduced]
