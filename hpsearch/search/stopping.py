"""When a study ends before its strategy does."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from hpsearch.checks import integer, number, text
from hpsearch.errors import StudyError
from hpsearch.trial import Trial

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

    >>> Stop(trials=10)
    Stop(trials=10, seconds=None, value=None, without_better=None)
    """

    trials: int | None = None
    seconds: float | None = None
    value: float | None = None
    without_better: int | None = None

    def __post_init__(self) -> None:
        for name in ("trials", "without_better"):
            count = getattr(self, name)
            if count is not None:
                integer(f"Stop {name}", count, 1, _NO_RULE, error=StudyError)
        if self.seconds is not None:
            number("Stop seconds", self.seconds, 0.0, advice=_NO_RULE, open_low=True, error=StudyError)
        if self.value is not None:
            number("Stop value", self.value, advice=_NO_RULE, error=StudyError)

    def length(self, prefix: Sequence[Trial], sign: int = 1) -> int | None:
        """Return how many of the first trials remain where a rule holds, else None; ``sign`` is -1 where larger is better."""
        lengths = [self.trials, self._reached(prefix, sign), self._stale(prefix)]
        cut = min((length for length in lengths if length is not None), default=None)
        return cut if cut is not None and cut <= len(prefix) else None

    def _reached(self, prefix: Sequence[Trial], sign: int) -> int | None:
        if self.value is None:
            return None
        good = (
            n for n, trial in enumerate(prefix, 1) if trial.ok and not trial.is_preflight and trial.value <= sign * self.value
        )
        return next(good, None)

    def _stale(self, prefix: Sequence[Trial]) -> int | None:
        best, since = math.inf, 0
        for length, trial in enumerate(prefix, 1):
            if trial.is_preflight:
                continue
            since = 0 if trial.ok and trial.value < best else since + 1
            best = min(best, trial.value) if trial.ok else best
            if since == self.without_better:
                return length
        return None


@dataclass(frozen=True)
class MedianStop:
    """Stop a trial at the first step at which its curve is worse than the median of the earlier curves at that step.

    Only trials of *earlier batches* are looked at, so that the result does not depend on which trial was faster. A strategy of
    one batch (random, grid) therefore never stops a trial; one that learns in batches does.

    Args:
        curve: a metric that the objective reports, such as ``"validation_cost"``.
        maximize: whether larger values of that metric are better.
        after: steps up to this one stop nothing.
        trials: at least so many earlier curves must reach a step before it stops anything.

    Known value: after curves that end at 1, 2 and 9, a fourth is stopped at that step above 2.
    Source: the median rule of Golovin et al. (2017), Google Vizier, KDD.
    """

    curve: str
    maximize: bool = False
    after: int = 1
    trials: int = 5

    def __post_init__(self) -> None:
        text("MedianStop curve", self.curve, "Try 'validation_cost'.", constraint="the name of a reported metric")
        for name, least in (("after", 0), ("trials", 1)):
            integer(f"MedianStop {name}", getattr(self, name), least, "Leave it out.")

    @property
    def sign(self) -> int:
        """-1 where larger is better, else 1."""
        return -1 if self.maximize else 1

    def thresholds(self, earlier: Iterable[Trial]) -> dict[int, float]:
        """Return, per step, the worst value (times `sign`) that a trial may have and go on."""
        values: dict[int, list[float]] = {}
        for trial in earlier:
            history: Mapping[str, tuple[tuple[int, float], ...]] = trial.outcome.history if trial.outcome else {}
            for step, value in history.get(self.curve, ()):
                if step > self.after:
                    values.setdefault(step, []).append(self.sign * value)
        return {step: median(found) for step, found in values.items() if len(found) >= self.trials}
