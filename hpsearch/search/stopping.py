"""When a study ends before its strategy does."""

from __future__ import annotations

import math
import re
from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from hpsearch.checks import LATER, integer, number, recorded_repr, text
from hpsearch.errors import StudyError, did_you_mean
from hpsearch.trial import Curve, Status, Trial
from hpsearch.trial.formatting import count

_NO_RULE = "Leave it out for no such rule."


@dataclass(frozen=True)
class Stop:
    """Rules that cut a study short; it ends as soon as one of them holds.

    They look only at the finished trials from number 0 on without a gap, in order, so that the same trials remain at any
    number of workers. ``seconds`` is the exception that the clock makes: it cuts the same sequence earlier or later, and
    never changes a trial.

    Args:
        trials: this many trials.
        seconds: this much wall-clock time since the start of this run.
        value: a value at least as good as this (as the objective returns it).
        without_better: this many trials in a row, none better than the best before them.
        identical_failures: the first so many trials of the study, pre-flight checks aside, all failed with one exception type
            and message: the objective fails whatever the params. It holds in a study without a ``Stop`` too; None never stops.

    >>> Stop(trials=10)
    Stop(trials=10, seconds=None, value=None, without_better=None)
    """

    trials: int | None = None
    seconds: float | None = None
    value: float | None = None
    without_better: int | None = None
    identical_failures: int | None = field(default=5, metadata=LATER)

    __repr__ = recorded_repr

    def __post_init__(self) -> None:
        if self.identical_failures is not None:
            what, advice = "Stop identical_failures", "Try 5, or None for no such rule."
            integer(what, self.identical_failures, 2, advice, error=StudyError)
        for name in ("trials", "without_better"):
            count = getattr(self, name)
            if count is not None:
                integer(f"Stop {name}", count, 1, _NO_RULE, error=StudyError)
        if self.seconds is not None:
            number("Stop seconds", self.seconds, 0.0, advice=_NO_RULE, open_low=True, error=StudyError)
        if self.value is not None:
            number("Stop value", self.value, advice=_NO_RULE, error=StudyError)

    def length(self, prefix: Iterable[Trial], sign: int = 1) -> int | None:
        """Return how many of the first trials remain where a rule holds, else None; ``sign`` is -1 where larger is better."""
        watch = Watch(self, sign)
        return next((count for count, trial in enumerate(prefix, 1) if watch.add(trial)), None)


@dataclass
class Watch:
    """The rules of a `Stop` applied to the trials of a study, in number order and one at a time.

    Each trial is looked at once, so that the rules take the same time for the last trial as for the first.

    Args:
        rules: that may hold.
        sign: -1 where larger values are better, else 1.
    """

    rules: Stop
    sign: int = 1
    _count: int = field(default=0, init=False)
    _best: float = field(default=math.inf, init=False)
    _since: int = field(default=0, init=False)
    alike: IdenticalFailures = field(init=False)

    def __post_init__(self) -> None:
        self.alike = IdenticalFailures(self.rules.identical_failures)

    @property
    def may_hold(self) -> bool:
        """Whether a rule may still hold, so that trials have to be taken in number order."""
        rules = self.rules
        return self.alike.may_hold or (rules.trials, rules.seconds, rules.value, rules.without_better) != (None,) * 4

    def add(self, trial: Trial) -> bool:
        """Take the next trial; return whether the study ends with it."""
        self._count += 1
        self.alike.add(trial)
        reached, stale = self._is_good(trial), self._is_stale(trial)
        return self._count == self.rules.trials or reached or stale or self.alike.holds

    def _is_good(self, trial: Trial) -> bool:
        value = self.rules.value
        return value is not None and trial.ok and not trial.is_preflight and trial.value <= self.sign * value

    def _is_stale(self, trial: Trial) -> bool:
        if trial.is_preflight:
            return False
        better = trial.ok and trial.value < self._best
        self._since = 0 if better else self._since + 1
        self._best = trial.value if better else self._best
        return self._since == self.rules.without_better


@dataclass
class IdenticalFailures:
    """Whether the first ``limit`` trials of a study all failed in the same way, pre-flight checks aside; None never holds."""

    limit: int | None
    error: str = field(default="", init=False)
    may_hold: bool = field(default=True, init=False)
    _checks: int = field(default=0, init=False)
    _failed: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.may_hold = self.limit is not None

    @property
    def holds(self) -> bool:
        """Whether so many trials have failed alike."""
        return self.may_hold and self._failed == self.limit

    def add(self, trial: Trial) -> None:
        """Take the next trial in number order."""
        if trial.is_preflight:
            self._checks += 1
        elif self.may_hold:
            self.error = self.error or trial.error or ""
            self._failed += 1
            self.may_hold = _has_failed(trial) and _without_addresses(trial.error) == _without_addresses(self.error)

    def add_early(self, trial: Trial) -> None:
        """Take a trial that ended before one of a lower number: where it did not fail, the rule cannot hold any more."""
        if self.limit is not None and trial.number < self._checks + self.limit and not trial.is_preflight:
            self.may_hold = self.may_hold and _has_failed(trial)

    def sentence(self, expected: int) -> str:
        """Return what happened and what to do, for a study that would have had ``expected`` trials as far as is known."""
        left = expected - self._failed - self._checks
        rest = f" and {count(left, 'more trial')} did not run" if left > 0 else ""
        return (
            f"The first {self._failed} trials failed in the same way ({self.error.rstrip('.')}), so the study ended{rest}. "
            f"Correct the objective; or, where the cause lay outside of it, run the study again with --retry (retry=True). "
            f"Stop(identical_failures=None) runs all trials."
        )


def _has_failed(trial: Trial) -> bool:
    return trial.status is Status.FAILED


def _without_addresses(error: str | None) -> str:
    """Return an error without the addresses of objects, which differ from worker to worker."""
    return re.sub(r"\b0x[0-9a-fA-F]+", "0x", error or "")


@dataclass(frozen=True)
class MedianStop:
    """Stop a trial at the first step at which its curve is worse than the median of the earlier curves at that step.

    Only trials of *earlier batches* count, so that the result does not depend on which trial was faster. A larger batch,
    such as the only one of a random search or a grid, runs in pieces of ``batch`` trials, so that later ones are compared with
    earlier ones; the strategy proposes the same trials in the same order. A batch that continues earlier trials stays whole.
    The confirmation of the best settings is never stopped.

    Args:
        curve: a metric that the objective reports, such as ``"validation_cost"``.
        maximize: whether larger values of that metric are better.
        after: steps up to this one stop nothing.
        trials: at least so many earlier curves must reach a step before it stops anything.
        batch: the number of trials in a piece; a larger one keeps more workers busy and stops fewer trials.

    Known value: after curves that end at 1, 2 and 9, a fourth is stopped at that step above 2.
    Source: the median rule of Golovin et al. (2017), Google Vizier, KDD.
    """

    curve: str
    maximize: bool = False
    after: int = 1
    trials: int = 5
    batch: int = field(default=8, metadata=LATER)

    # Version 1 left a batch whole, and so never stopped a trial of a random search or a grid; and it stopped confirmations.
    version: ClassVar[int] = 2
    __repr__ = recorded_repr

    def __post_init__(self) -> None:
        text("MedianStop curve", self.curve, "Try 'validation_cost'.", constraint="the name of a reported metric")
        for name, least in (("after", 0), ("trials", 1), ("batch", 1)):
            integer(f"MedianStop {name}", getattr(self, name), least, "Leave it out.")

    @property
    def sign(self) -> int:
        """-1 where larger is better, else 1."""
        return -1 if self.maximize else 1

    def thresholds(self, earlier: Iterable[Trial]) -> dict[int, float]:
        """Return, per step, the worst value (times `sign`) that a trial may have and go on."""
        curves = EarlierCurves(self)
        curves.add(earlier)
        return curves.thresholds


def describe_idle(rule: MedianStop, jobs: int) -> str:
    """Return one sentence where a piece of a batch is smaller than the number of workers; else an empty text."""
    if rule.batch >= jobs:
        return ""
    advice = f"MedianStop(batch={jobs}) keeps all of them busy and compares with fewer earlier curves."
    return (
        f"early_stop runs {count(rule.batch, 'trial')} at a time, so {jobs - rule.batch} of {jobs} workers stand idle. {advice}"
    )


@dataclass
class EarlierCurves:
    """The curves of earlier batches by step, and the thresholds of a `MedianStop` that follow from them.

    A trial is added once: only the steps of its curve get a new threshold. ``names`` are those of all curves so far,
    ``finished`` is the number of finished trials.
    """

    rule: MedianStop
    thresholds: dict[int, float] = field(default_factory=dict, init=False)
    names: set[str] = field(default_factory=set, init=False)
    finished: int = field(default=0, init=False)
    _values: dict[int, list[float]] = field(default_factory=dict, init=False)

    def add(self, trials: Iterable[Trial]) -> None:
        """Add the trials of a batch; pre-flight checks are left out."""
        changed: dict[int, list[float]] = {}
        for trial in trials:
            self.finished += trial.ok and not trial.is_preflight
            for step, value in self._curve(trial):
                if step > self.rule.after:
                    changed[step] = self._values.setdefault(step, [])
                    # NaN is the worst value there is, and no threshold: nothing would be better or worse than it.
                    insort(changed[step], math.inf if math.isnan(value) else self.rule.sign * value)
        new = {step: _median(values) for step, values in changed.items() if len(values) >= self.rule.trials}
        self.thresholds = self.thresholds | new

    @property
    def unreported(self) -> str:
        """One sentence where trials have finished and none of them has reported the curve; else an empty text."""
        curve = self.rule.curve
        if not self.finished or curve in self.names:
            return ""
        reported = f"the curves {', '.join(map(repr, sorted(self.names)))}" if self.names else "no curve"
        close = did_you_mean(curve, self.names)
        return f"early_stop has no effect: no trial has reported the curve {curve!r} so far; they report {reported}.{close}"

    @property
    def unreached(self) -> str:
        """One sentence where no step has enough curves for a threshold; else an empty text."""
        if self.thresholds or self.rule.curve not in self.names:
            return ""
        return (
            f"early_stop had no effect: no step after {self.rule.after} was reached by trials={self.rule.trials} curves of "
            f"{self.rule.curve!r}. Lower MedianStop(trials=...) or after=...."
        )

    def _curve(self, trial: Trial) -> Curve:
        if trial.is_preflight or trial.outcome is None:
            return ()
        self.names |= trial.outcome.history.keys()
        return trial.outcome.history.get(self.rule.curve, ())


def _median(rising: Sequence[float]) -> float:
    """Return the median of values that are in rising order."""
    middle = len(rising) // 2
    return rising[middle] if len(rising) % 2 else (rising[middle - 1] + rising[middle]) / 2
