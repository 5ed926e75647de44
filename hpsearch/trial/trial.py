"""What one trial was asked, what it answered, and which of several answered best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hpsearch.space import Params as Params

# One metric over the epochs: (step, value) pairs in rising order of step.
Curve = tuple[tuple[int, float], ...]
# The stage of a trial that checks the objective instead of searching begins with this.
PREFLIGHT = "pre-flight"
# The stage in which the leaders of a search are trained again under fresh seeds.
CONFIRM = "confirm"


class Status(StrEnum):
    """How a trial ended."""

    FINISHED = "finished"
    FAILED = "failed"
    DIVERGED = "diverged"
    DIED = "died"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Outcome:
    """What an objective answers.

    Args:
        value: the number that is minimised (a study with ``maximize=True`` negates it on the way in).
        metrics: further final numbers by name, such as ``best_epoch``.
        history: one curve per metric that was reported while training.
        artifacts: file name -> content, kept with the trial by a tracker that keeps files.
        state: arrays from which training can go on; a cache, never the record, and never compared.
    """

    value: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    history: Mapping[str, Curve] = field(default_factory=dict)
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    state: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Trial:
    """One finished trial, whatever its end was.

    ``params`` holds plain values only (a chosen template is its label, its ranges are parameters of their own),
    ``started`` is in seconds since 1970 (UTC), ``seconds`` the wall-clock time, ``error`` one line, ``traceback`` the rest.
    """

    number: int
    params: Params
    stage: str
    status: Status
    outcome: Outcome | None = None
    budget: int | None = None
    continues: int | None = None
    replicate: int = 0
    error: str | None = None
    traceback: str | None = field(default=None, compare=False, repr=False)
    started: float = field(default=0.0, compare=False)
    seconds: float = field(default=0.0, compare=False)

    @property
    def check(self) -> bool:
        """Whether the trial was a check before the search; such a trial is never selected."""
        return self.stage.startswith(PREFLIGHT)

    @property
    def ok(self) -> bool:
        """Whether the trial finished with a finite value, and so may be selected."""
        return self.status is Status.FINISHED and math.isfinite(self.value)

    @property
    def value(self) -> float:
        """The value to minimise; NaN where the trial has none."""
        return math.nan if self.outcome is None else self.outcome.value


def root(trial: Trial, trials: Mapping[int, Trial]) -> Trial:
    """Return the trial whose training this one goes on with, through all ``continues``; itself where it started anew."""
    while trial.continues is not None:
        trial = trials[trial.continues]
    return trial


def best(trials: Iterable[Trial], count: int = 1) -> list[Trial]:
    """Return the ``count`` finished trials of lowest value, best first; ties go to the earlier number, checks are left out.

    >>> trials = [Trial(n, {}, "all", Status.FINISHED, Outcome(v)) for n, v in enumerate([3.0, 1.0, 2.0, 1.0])]
    >>> [t.number for t in best(trials, 3)]
    [1, 3, 2]
    """
    return sorted((t for t in trials if t.ok and not t.check), key=lambda t: (t.value, t.number))[:count]
