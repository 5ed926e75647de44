"""Ending a trial early whose curve lags behind those of earlier batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from hpsearch.errors import SettingError, must_be
from hpsearch.trial import Trial


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
        if not isinstance(self.curve, str) or not self.curve:
            constraint = "the name of a reported metric"
            raise SettingError(must_be("MedianStop curve", constraint, self.curve, "Try 'validation_cost'."))
        for name, least in (("after", 0), ("trials", 1)):
            count = getattr(self, name)
            if isinstance(count, bool) or not isinstance(count, int) or count < least:
                raise SettingError(must_be(f"MedianStop {name}", f"a whole number >= {least}", count, "Leave it out."))

    @property
    def sign(self) -> int:
        """-1 where larger is better, else 1."""
        return -1 if self.maximize else 1

    def bar(self, earlier: Iterable[Trial]) -> dict[int, float]:
        """Return, per step, the worst value (times `sign`) that a trial may have and go on."""
        values: dict[int, list[float]] = {}
        for trial in earlier:
            history: Mapping[str, tuple[tuple[int, float], ...]] = trial.outcome.history if trial.outcome else {}
            for step, value in history.get(self.curve, ()):
                if step > self.after:
                    values.setdefault(step, []).append(self.sign * value)
        return {step: median(found) for step, found in values.items() if len(found) >= self.trials}
