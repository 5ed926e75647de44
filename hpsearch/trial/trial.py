"""Trials of a study: params, status and outcome of each, and the best of several."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hpsearch.checks import LATER, recorded_repr
from hpsearch.content import html
from hpsearch.errors import StudyError
from hpsearch.space import Params as Params
from hpsearch.trial.step_units import Curve as Curve
from hpsearch.trial.step_units import Times

# The stage of a pre-flight check, which tests the objective instead of searching, begins with this.
PREFLIGHT = "pre-flight"
# The stage of the settings that the user has tried before anything else.
GIVEN = "given"
# The stage in which the best settings of a search are trained again under fresh seeds.
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
    """The result of an objective for one trial.

    Args:
        value: the number that is minimised (a study with ``maximize=True`` negates it on the way in).
        metrics: further final numbers by name, such as ``best_epoch``.
        history: one curve per metric that was reported during training.
        artifacts: file name -> content, recorded with the trial by trackers that keep files.
        state: arrays from which training can continue; a cache, never recorded and never compared.
        timings: seconds that parts of the trial took, by name; never recorded and never compared, as no two runs agree.
        times: seconds from the start of the training to each step, by what the steps count (see `hpsearch.trial.step_units`);
            recorded beside the trial, and never compared.
    """

    value: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    history: Mapping[str, Curve] = field(default_factory=dict)
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    state: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)
    timings: Mapping[str, float] = field(default_factory=dict, compare=False, repr=False)
    times: Times = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Trial:
    """One trial that has ended, with any status.

    ``params`` has plain values only: a chosen template is its label, its domains are parameters of their own. ``started`` is
    in seconds since 1970 (UTC), ``seconds`` is the wall-clock time. ``error`` is one line, ``traceback`` the rest. A trial that
    continued from a checkpoint of its own has the ``resumed_step`` of it, and the number of its last ``attempt``. ``machine``
    says what was different where it ran, on a cluster of several kinds of machines.
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
    resumed_step: int | None = field(default=None, metadata=LATER)
    attempt: int = field(default=1, metadata=LATER)
    machine: str | None = field(default=None, metadata=LATER)

    __repr__ = recorded_repr

    def _repr_html_(self) -> str:
        """Return what a notebook shows of the trial: its setting in full, and how it ended."""
        ended = {"status": str(self.status), "stage": self.stage} | ({"error": self.error} if self.error else {})
        metrics = {} if self.outcome is None else {"value, minimised": repr(self.outcome.value)}
        metrics |= {} if self.outcome is None else {name: repr(value) for name, value in self.outcome.metrics.items()}
        params = {name: repr(value) for name, value in self.params.items()}
        return html.listing(f"Trial {self.number}", params | metrics | ended | {"seconds": f"{self.seconds:.1f}"})

    @property
    def is_preflight(self) -> bool:
        """Whether the trial was a pre-flight check; such a trial is never selected."""
        return self.stage.startswith(PREFLIGHT)

    @property
    def ok(self) -> bool:
        """Whether the trial finished with a finite value and may be selected."""
        return self.status is Status.FINISHED and math.isfinite(self.value)

    @property
    def value(self) -> float:
        """The value to minimise; NaN if the trial has none."""
        return math.nan if self.outcome is None else self.outcome.value


def root(trial: Trial, trials: Mapping[int, Trial]) -> Trial:
    """Follow ``continues`` to the first trial of a training and return it; a trial that continues none is its own root.

    Raises:
        StudyError: a trial on the way is not there, since its record is damaged.
    """
    while trial.continues is not None:
        if trial.continues not in trials:
            missing = f"Trial {trial.number} goes on with trial {trial.continues}, which cannot be read"
            raise StudyError(f"{missing}. Run the study again: that repeats trial {trial.continues}.")
        trial = trials[trial.continues]
    return trial


def best(trials: Iterable[Trial], count: int = 1) -> list[Trial]:
    """Return the ``count`` finished trials of lowest value, best first.

    Of equal values the earlier trial comes first. Pre-flight checks are left out.

    >>> trials = [Trial(n, {}, "all", Status.FINISHED, Outcome(v)) for n, v in enumerate([3.0, 1.0, 2.0, 1.0])]
    >>> [t.number for t in best(trials, 3)]
    [1, 3, 2]
    """
    return sorted((t for t in trials if t.ok and not t.is_preflight), key=lambda t: (t.value, t.number))[:count]
