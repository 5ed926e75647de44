"""Findings of a study, from which its conclusions, pictures, pages and report are made: trials, ranks, the best, batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

from hpsearch.analysis.history import Window, windows
from hpsearch.ports import Baseline, EarlierIdentity, Exported, Predictions, Search, StudyRecord, TrackedStudy
from hpsearch.space import Space
from hpsearch.trial import Candidate, Trial, best, flip_sign


@dataclass(frozen=True, eq=False)  # compared by identity, so that what is slow to compute can be cached
class Findings:
    """The ended trials of a study, and what is needed to interpret them.

    Args:
        name: the study's name.
        measure: what a value is, as in "validation error".
        maximize: whether larger values are better; trials hold such values negated.
        space: the study's own space.
        trials: all trials in number order, checks before the search included.
        setting: the setting that the study's rule selects, None where no trial finished.
        search: starts the study's sequence of batches from its beginning; None where it is not at hand.
        rows: the validation rows on which a value was counted, 0 where it is not a share of rows.
        earlier: what the study was before, where its objective has changed since.
        baseline: what the trivial answer scores, None where that is not known.
        test_rows: the rows of the sealed test part, 0 without one.
        predict: returns what the best trial predicts for held-out rows, or why it does not; None where nothing predicts rows.
        export: returns the network of the best trial, or why there is none; None where nothing trains a network.
    """

    name: str
    measure: str
    maximize: bool
    space: Space
    trials: Sequence[Trial]
    setting: Candidate | None
    search: Callable[[], Search] | None = field(default=None, repr=False)
    rows: int = 0
    earlier: Sequence[EarlierIdentity] = ()
    baseline: Baseline | None = None
    test_rows: int = 0
    predict: Callable[[], Predictions | str] | None = field(default=None, repr=False)
    export: Callable[[], Exported | str] | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        study: TrackedStudy,
        trials: Sequence[Trial],
        search: Callable[[], Search] | None = None,
        predict: Callable[[], Predictions | str] | None = None,
        export: Callable[[], Exported | str] | None = None,
    ) -> Findings:
        """Return the findings of a study as a tracker gets it."""
        record, setting, rows = study.record, study.choose(trials), _counted_rows(study.record)
        return cls(
            record.name, record.measure, record.maximize, study.space, trials, setting, search, rows, record.earlier,
            baseline=Baseline.read(record.facts), test_rows=_rows(record, "test"), predict=predict, export=export,
        )  # fmt: skip

    @property
    def chosen(self) -> Trial | None:
        """The first trial of the selected setting."""
        return self.setting.trials[0] if self.setting else None

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
        """The batches with the ranges they were drawn from; found by replaying the strategy, which may take a while."""
        return windows(self.search(), self.space, self.trials) if self.search else []

    @cached_property
    def predicted(self) -> Predictions | str:
        """What the best trial predicts for held-out rows, or one sentence on why there is nothing."""
        if self.chosen is None:
            return self.why_nothing
        return "The objective predicts no rows." if self.predict is None else self.predict()

    @cached_property
    def exported(self) -> Exported | str:
        """The network of the best trial, or one sentence on why there is none."""
        if self.chosen is None:
            return self.why_nothing
        return "The objective trains no network." if self.export is None else self.export()

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
        """One sentence for what needs a finished trial where there is none."""
        first = next((trial.error for trial in self.trials if trial.error), None)
        return "No trial has finished." + (f" The first error: {first}" if first else "")


def _counted_rows(record: StudyRecord) -> int:
    """Return the size of the validation part where the value is an error rate on it."""
    rows = _rows(record, "validation") if record.measure == "validation error" else 0
    return rows if rows > 1 else 0


def _rows(record: StudyRecord, part: str) -> int:
    """Return the size of a part of the data, 0 where there is none."""
    parts = record.data.parts if record.data is not None else ()
    return next((found.rows for found in parts if found.name == part), 0)


def spread(trials: Sequence[Trial], ranks: dict[int, float], most: int, leaders: int = 100) -> list[Trial]:
    """Return at most ``most`` trials in number order: the ``leaders`` best of them and an even sample of the others."""
    if len(trials) <= most:
        return list(trials)
    by_rank = sorted(trials, key=lambda trial: (ranks.get(trial.number, 2.0), trial.number))
    kept, others = by_rank[: min(leaders, most)], sorted(by_rank[min(leaders, most) :], key=lambda trial: trial.number)
    left = most - len(kept)
    kept += [others[i * len(others) // left] for i in range(left)]
    return sorted(kept, key=lambda trial: trial.number)
