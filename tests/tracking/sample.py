"""Trials and records to write down: every type of param, every end of a trial, every awkward number."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from typing import Any

from hpsearch.ports import StudyRecord, TrackedStudy
from hpsearch.space import Choice, Float, Int, Space
from hpsearch.trial import Outcome, Status, Trial


@dataclass(frozen=True)
class Halve:
    patience: Any = 3


SPACE = Space(
    rate=Float(1e-3, 10.0, log=True),
    hidden=Choice((30,), (100, 50)),
    batch=Choice(10, 20),
    act=Choice("relu", "", "a long label " * 600, None),
    on=Choice(True, False),
    n=Int(1, 9),
    schedule=Choice(Halve(patience=Int(2, 10)), Halve()),
)
PARAMS = {"rate": 0.1 + 0.2, "hidden": (100, 50), "batch": 20, "act": "relu", "on": True, "n": 3}
PARAMS |= {"schedule": "Halve", "schedule.patience": 4}
SPECIAL = (0.1 + 0.2, -0.0, 0.0, math.inf, -math.inf, math.nan, 5e-324, sys.float_info.max, -sys.float_info.max, 1e22)
CURVES = {
    "cost": tuple(enumerate(SPECIAL)),
    "value": ((1, 1.0), (7, 2.0)),
    "odd (name)/../x": ((-1, 0.5), (0, 1.5)),
    "": ((0, 1.0),),
}
METRICS = {"cost": 2.5, "value": 3.0, "seconds": 4.0, "best epoch": 7.0, "zero": -0.0, "inf": math.inf, "nan": math.nan}


def record(name: str = "sample", **changes: Any) -> StudyRecord:
    identity = {"space": repr(SPACE), "objective": "o" * 20_000, "strategy": "Random(trials=8)", "seed": "0"}
    facts = {"numpy": "2.4", "git_commit": "0123456789abcdef0123456789abcdef01234567"}
    return replace(StudyRecord(name, "Is it kept?", identity, facts), **changes)


def tracked(name: str = "sample", space: Space = SPACE, **changes: Any) -> TrackedStudy:
    """Return the study as its tracker gets it."""
    given = record(name, **changes)
    return TrackedStudy(replace(given, identity={**given.identity, "space": repr(space)}), space)


def trials() -> list[Trial]:
    """Return one trial of every kind."""
    outcome = Outcome(1 / 3, METRICS, CURVES, {"plot.png": b"\x89PNG\0", "../../up (1).txt": b"x", "a/b.json": b"{}"})
    first = Trial(0, PARAMS, "coarse", Status.FINISHED, outcome, started=1.7e9 + 0.123, seconds=1.2345678901234567)
    odd = {**PARAMS, "act": "", "schedule": "Halve(patience=3)"}
    del odd["schedule.patience"]
    long = {**PARAMS, "act": "a long label " * 600, "on": False}
    failed = replace(first, number=1, status=Status.FAILED, outcome=Outcome(math.nan), error="E: \udcff\0 " + "no " * 4000)
    died = replace(first, number=3, status=Status.DIED, outcome=None, error="gone", params={**PARAMS, "act": None})
    return [
        first,
        replace(failed, params=odd, traceback="Traceback\n  line \udcff"),
        replace(first, number=2, status=Status.DIVERGED, outcome=Outcome(math.inf, {}, CURVES), params=long, budget=3),
        replace(died, continues=0, replicate=2, stage=""),
        replace(first, number=1234, outcome=Outcome(-0.0), stage="fine-1 | <b>"),
    ]


def plain(number: int, value: float = 0.5) -> Trial:
    """Return an ordinary finished trial."""
    return Trial(number, PARAMS, "all", Status.FINISHED, Outcome(value, {"m": 1.0}, {"cost": ((1, value),)}), started=1.7e9)


def text(trials: Any) -> list[str]:
    """Return everything that must come back, floats by repr; the order of names in a mapping carries no meaning."""
    return [repr(_row(trial)) for trial in trials]


def _row(trial: Trial) -> tuple[Any, ...]:
    asked = (trial.number, trial.params, trial.stage, trial.budget, trial.continues, trial.replicate)
    outcome = trial.outcome
    answer = outcome and [sorted(dict(part).items()) for part in (outcome.metrics, outcome.history, outcome.artifacts)]
    return (asked, trial.status, outcome and outcome.value, answer, trial.error, trial.seconds)
