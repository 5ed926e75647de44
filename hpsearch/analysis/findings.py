"""What a study found, as the pictures and the report look at it: its trials, their ranks, the best, the batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

from hpsearch.analysis.history import Window, windows
from hpsearch.ports import Search
from hpsearch.space import Space
from hpsearch.trial import Trial, best, flip_sign


@dataclass(frozen=True, eq=False)  # told apart by identity, so that what is slow to compute can be kept
class Findings:
    """The ended trials of a study, and what is needed to read them.

    Args:
        name: the study's name.
        measure: what a value is, as in "validation error".
        maximize: whether larger values are better; trials hold such values negated.
        space: the study's own space.
        trials: all trials in number order, checks before the search included.
        chosen: the trial that is shown as the best, None where none finished.
        search: starts the study's sequence of batches from its beginning.
    """

    name: str
    measure: str
    maximize: bool
    space: Space
    trials: Sequence[Trial]
    chosen: Trial | None
    search: Callable[[], Search] = field(repr=False)

    @cached_property
    def searching(self) -> list[Trial]:
        """The trials of the search itself, without the checks before it."""
        return [trial for trial in self.trials if not trial.is_preflight]

    @cached_property
    def finished(self) -> list[Trial]:
        """The trials with a finite value, best first."""
        return best(self.trials, len(self.trials))

    @cached_property
    def unfinished(self) -> list[Trial]:
        """The trials of the search that failed, diverged, died or were stopped, in number order."""
        return [trial for trial in self.searching if not trial.ok]

    @cached_property
    def ranks(self) -> dict[int, float]:
        """Each finished trial's place by number of the trial: 0 the best, 1 the worst."""
        last = max(len(self.finished) - 1, 1)
        return {trial.number: place / last for place, trial in enumerate(self.finished)}

    @cached_property
    def windows(self) -> list[Window]:
        """The batches with the ranges they were drawn from; found by asking the strategy again, which may take a while."""
        return windows(self.search(), self.space, self.trials)

    @property
    def stages(self) -> list[tuple[int, str]]:
        """The number of the first trial of each stage of the search, and the stage's name."""
        groups = groupby(self.searching, key=lambda trial: trial.stage)
        return [(next(group).number, stage) for stage, group in groups]

    def value(self, trial: Trial) -> float:
        """Return a trial's value as the objective returned it."""
        return flip_sign(trial.value, self.maximize)

    @property
    def why_nothing(self) -> str:
        """One sentence for a picture that needs a finished trial where there is none."""
        first = next((trial.error for trial in self.searching if trial.error), None)
        return "No trial has finished yet." + (f" The first one said: {first}" if first else "")


def spread(trials: Sequence[Trial], ranks: dict[int, float], most: int, leaders: int = 100) -> list[Trial]:
    """Return at most ``most`` trials in number order: the ``leaders`` best of them and an even choice of the others."""
    if len(trials) <= most:
        return list(trials)
    by_rank = sorted(trials, key=lambda trial: (ranks.get(trial.number, 2.0), trial.number))
    kept, others = by_rank[: min(leaders, most)], sorted(by_rank[min(leaders, most) :], key=lambda trial: trial.number)
    room = most - len(kept)
    kept += [others[i * len(others) // room] for i in range(room)]
    return sorted(kept, key=lambda trial: trial.number)
