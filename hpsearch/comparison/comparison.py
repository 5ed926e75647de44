"""Strategies or studies side by side: the same objective, the same budget, the same seeds, many times over."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import get_args

from hpsearch.analysis.conclusions import conclusions
from hpsearch.analysis.contest import Contest
from hpsearch.analysis.regret import Unit
from hpsearch.analysis.sample import FEWEST
from hpsearch.checks import choice, integer, is_number
from hpsearch.comparison.objective import SEARCH, RunArm, same_question, unpacked
from hpsearch.errors import StudyError, must_be
from hpsearch.plots import interactive, still
from hpsearch.plots.contest import contest_chart
from hpsearch.plots.html import page, section, table
from hpsearch.ports import Strategy, Tracker
from hpsearch.search.progress import Progress
from hpsearch.search.result import Result
from hpsearch.space import Choice, Space
from hpsearch.strategies import Grid
from hpsearch.study import Study
from hpsearch.trial import Trial, format_value

PICTURE, PAGE = "plots/comparison.png", "comparison.html"


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` returns: the study whose trials are whole searches, and what they say of the arms."""

    result: Result
    unit: Unit = "trials"
    budget: float | None = None

    @cached_property
    def contest(self) -> Contest:
        """The searches as numbers; repetitions that failed for one arm are left out for all."""
        found: dict[str, dict[int, list[Trial]]] = {name: {} for name in self.arms}
        for trial in self.result.trials:
            if trial.ok and trial.outcome is not None:
                found[trial.params["arm"]][trial.replicate] = unpacked(trial.outcome.artifacts[SEARCH])
        failed = next((trial.error for trial in self.result.trials if trial.error), None)
        whole = sorted(set.intersection(*(set(repeated) for repeated in found.values())))
        if failed and len(whole) < FEWEST:
            raise StudyError(f"Too few repetitions came to an end to compare anything. The first one that did not: {failed}")
        study = self.result.study
        searches = {name: [repeated[r] for r in whole] for name, repeated in found.items()}
        return Contest(searches, self.unit, self.budget, self.result.record.measure, study.maximize)

    @property
    def arms(self) -> list[str]:
        """The names of the arms."""
        return [str(label) for label in self.result.study.space["arm"].labels]  # type: ignore[union-attr]

    @property
    def conclusions(self) -> list[str]:
        """What may be concluded, and what may not, a sentence each."""
        return conclusions(self.contest)

    def rows(self) -> list[list[str]]:
        """Return one row per arm: its name, the mean of its best value with the interval, the median of its trials."""
        return [self._row(arm) for arm in self.arms]

    def _row(self, arm: str) -> list[str]:
        end = self.contest.curve(arm)[-1]
        return [
            arm,
            format_value(end.centre),
            f"{format_value(end.low)} to {format_value(end.high)}",
            str(self.contest.repetitions),
        ]

    @property
    def heads(self) -> list[str]:
        """The heads of `rows`."""
        spent = f"{self.contest.budgets[-1]:.4g} {self.unit}"
        return ["arm", f"best {self.contest.measure} after {spent}", "95 % interval", "repetitions"]

    def files(self) -> dict[str, bytes]:
        """Return the picture and the page of the comparison."""
        chart = contest_chart(self.contest)
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.conclusions)
        body = section("What may be concluded", said) + section("Arms", table(self.heads, self.rows()))
        body += section("Curves", f"<p>{escape(chart.caption)}</p>{interactive.division(chart, 'comparison')}")
        study = self.result.study
        html = page(study.name, self.conclusions[0].partition(": ")[0], study.question, body, interactive.script())
        return {PICTURE: still.png(chart), PAGE: html.encode()}


def compare(
    *arms: Study | Strategy,
    repetitions: int = 10,
    budget: float | None = None,
    unit: Unit = "trials",
    name: str = "",
    seed: int = 0,
    jobs: int | None = None,
    tracker: Tracker | None = None,
    fresh: bool = False,
    progress: Callable[[Progress], None] | None = None,
    source: Path | None = None,
) -> Comparison:
    """Run every arm ``repetitions`` times on paired seeds, and say what may be concluded.

    It is a study of its own (one trial is one whole search): recorded under its name, resumed where an earlier run ended, and
    identical at any number of jobs.

    Args:
        arms: studies of one objective; or, after a study, strategies that take the place of its own.
        repetitions: searches per arm; 20 find a difference of one standard deviation nearly always.
        budget: what every search may spend; the least that any of them spends where left out.
        unit: ``"trials"``, ``"epochs"`` or ``"seconds"`` (of computing time).
        name: of the comparison in the store; the arms' names where left out.
        seed: decides the seeds of all repetitions.
        jobs: searches side by side.
        tracker, fresh, progress, source: as `Study.run`.
    Raises:
        StudyError: the arms cannot be compared, or the numbers make no sense.
    """
    study = comparison_study(arms, repetitions, budget, unit, name, seed)
    result = study.run(jobs, tracker=tracker, fresh=fresh, progress=progress, source=source, report=False, model=False)
    found = Comparison(result, unit, budget)
    result.tracker.attach(result.record, found.files())
    return found


def comparison_study(
    arms: Sequence[Study | Strategy], repetitions: int, budget: float | None, unit: Unit, name: str = "", seed: int = 0
) -> Study:
    """Return the study that a comparison is."""
    named = _named(arms)
    _check_numbers(repetitions, budget, unit)
    _check_arms(named, budget, unit)
    trials = int(budget) if budget is not None and unit == "trials" else None
    labels = [label for label, _ in named]
    first = named[0][1]
    return Study(
        name=name or " vs ".join(labels),
        space=Space(arm=Choice(*labels)),
        objective=RunArm(tuple(named), trials),
        strategy=Grid(),
        seed=seed,
        maximize=first.maximize,
        question=f"Which of {', '.join(labels)} finds the better setting at the same budget? {first.question}".strip(),
        replicates=repetitions,
    )


def _named(arms: Sequence[Study | Strategy]) -> list[tuple[str, Study]]:
    """Return the studies under names that tell them apart.

    Their own, or where strategies are compared the strategy's; else with the strategy; else with a number.
    """
    first = next((arm for arm in arms if isinstance(arm, Study)), None)
    if first is None:
        raise StudyError(must_be("Arms of a comparison", "studies, or a study and strategies", list(arms), "Add the study."))
    lone = sum(isinstance(arm, Study) for arm in arms) == 1
    studies = [arm if isinstance(arm, Study) else replace(first, strategy=arm) for arm in arms]
    names = [_kind(study.strategy) if lone else study.name for study in studies]
    if len(studies) < 2:
        raise StudyError(must_be("A comparison", "of at least two arms", names, "Add one."))
    if len(set(names)) < len(names):
        names = [f"{name} {_kind(study.strategy)}" for name, study in zip(names, studies, strict=True)]
    if len(set(names)) < len(names):
        names = [f"{name} {i + 1}" for i, name in enumerate(names)]
    return list(zip(names, studies, strict=True))


def _kind(strategy: Strategy) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(strategy).__name__).lower()


def _check_numbers(repetitions: int, budget: float | None, unit: str) -> None:
    advice = f"Below {FEWEST} there is no interval; 20 find a difference of one standard deviation."
    integer("repetitions", repetitions, FEWEST, advice, error=StudyError)
    choice("unit", unit, get_args(Unit), "Leave it out for trials.", error=StudyError)
    positive = is_number(budget) and budget > 0
    if budget is not None and not (positive and (unit != "trials" or float(budget).is_integer())):
        kind = "a whole number >= 1" if unit == "trials" else "a number > 0"
        raise StudyError(must_be("budget", f"{kind} ({unit})", budget, "Leave it out for what all arms spend."))


def _check_arms(named: Sequence[tuple[str, Study]], budget: float | None, unit: Unit) -> None:
    (first_name, first), *others = named
    for name, study in others:
        part = same_question(first, study)
        if part:
            advice = f"{name!r} differs from {first_name!r}; give both studies the same one."
            raise StudyError(must_be(f"The {part} of all arms", "the same", [first_name, name], advice))
    sizes = {name: study.proposer.trials for name, study in named}
    known = {name: size for name, size in sizes.items() if size is not None}
    if unit == "trials" and budget is None and len(set(known.values())) > 1:
        advice = "Say what all may spend, as in --budget 32, or compare by --unit epochs."
        raise StudyError(must_be("The trials of all arms", "the same", known, advice))
