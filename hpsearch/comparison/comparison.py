"""Comparison of strategies, or of studies on the same data, at equal budget and on paired seeds, with repetitions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Literal, get_args

from hpsearch.analysis.contest import Contest
from hpsearch.analysis.regret import Unit
from hpsearch.analysis.sample import FEWEST
from hpsearch.checks import choice, integer, is_number
from hpsearch.comparison.conclusions import describe
from hpsearch.comparison.objective import SEARCH, RunArm, find_mismatch, same_objective, unpack
from hpsearch.errors import StudyError, must_be
from hpsearch.plots import inline, still
from hpsearch.plots.contest import contest_chart
from hpsearch.plots.html import page, section, table
from hpsearch.ports import Strategy, Tracker
from hpsearch.search.progress import Progress
from hpsearch.search.result import Result
from hpsearch.space import Choice, Space
from hpsearch.strategies import Grid
from hpsearch.study import Study
from hpsearch.trial import Trial, format_value

TUNED = (
    "Each contender was tuned by its own search over its own space; the best of many values looks better than it is, and the"
    " more so the more they vary."
)
PICTURE, PAGE = "plots/comparison.png", "comparison.html"


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` returns: the study whose trials are whole searches, and what follows for the contenders."""

    result: Result
    unit: Unit = "trials"
    budget: float | None = None

    @cached_property
    def contest(self) -> Contest:
        """The searches as numbers; repetitions that failed for one contender are left out for all."""
        found: dict[str, dict[int, list[Trial]]] = {name: {} for name in self.arms}
        for trial in self.result.trials:
            if trial.ok and trial.outcome is not None:
                found[trial.params["arm"]][trial.replicate] = unpack(trial.outcome.artifacts[SEARCH])
        failed = next((trial.error for trial in self.result.trials if trial.error), None)
        whole = sorted(set.intersection(*(set(repeated) for repeated in found.values())))
        if failed and len(whole) < FEWEST:
            raise StudyError(f"Too few repetitions finished to compare anything. The first error: {failed}")
        study = self.result.study
        searches = {name: [repeated[r] for r in whole] for name, repeated in found.items()}
        return Contest(searches, self.unit, self.budget, self.result.record.measure, study.maximize)

    @property
    def arms(self) -> list[str]:
        """The names of the contenders."""
        return [str(label) for label in self.result.study.space["arm"].labels]  # type: ignore[union-attr]

    @property
    def conclusions(self) -> list[str]:
        """What follows, and what does not, one sentence each."""
        objective = self.result.study.objective
        tuned = isinstance(objective, RunArm) and _differ([study for _, study in objective.arms])
        return [*describe(self.contest), *([TUNED] if tuned else [])]

    def rows(self) -> list[list[str]]:
        """Return one row per contender: its name, the mean of its best value, the interval of that mean, the repetitions."""
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
        return ["contender", f"best {self.contest.measure} after {spent}", "95 % interval", "repetitions"]

    def files(self) -> dict[str, bytes]:
        """Return the picture and the page of the comparison."""
        chart = contest_chart(self.contest)
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.conclusions)
        body = section("What follows", said) + section("Contenders", table(self.heads, self.rows()))
        picture = f'<div class="figure">{inline.svg(chart, "comparison")}</div>'
        body += section("Curves", f"<p>{escape(chart.caption)}</p>{picture}", together=True)
        study = self.result.study
        html = page(study.name, self.conclusions[0].partition(": ")[0], study.question, body, inline.style())
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
    progress: Callable[[Progress], None] | Literal["auto"] | None = "auto",
    source: Path | None = None,
) -> Comparison:
    """Run every contender ``repetitions`` times on paired seeds, and say what follows.

    A comparison is itself a study in which one trial is one whole search: it is recorded under its name, resumed where an
    earlier run ended, and identical for any number of jobs.

    Args:
        arms: the contenders: studies; or one study and strategies that replace its own. Objectives may differ, such as a
            network and a support vector machine: each is tuned by its own search over its own space. Data and measure must be
            the same.
        repetitions: searches per contender; 20 detect a difference of one standard deviation nearly always.
        budget: what every search may spend; by default the least that any of them spends.
        unit: ``"trials"``, ``"epochs"`` or ``"seconds"`` (of computing time).
        name: of the comparison in the store; by default the contenders' names.
        seed: determines the seeds of all repetitions.
        jobs: searches to run in parallel.
        tracker, fresh, progress, source: as `Study.run`.
    Raises:
        StudyError: the contenders cannot be compared, or a number is out of range.
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
    named = _name_contenders(arms)
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
        question=_ask(named),
        replicates=repetitions,
    )


def _ask(named: Sequence[tuple[str, Study]]) -> str:
    """Return the question; that of a study belongs to it only where all have the same objective."""
    names = ", ".join(name for name, _ in named)
    if _differ([study for _, study in named]):
        return f"Which of {names} is better, each tuned by its own search at the same budget?"
    return f"Which of {names} finds the better setting at the same budget? {named[0][1].question}".strip()


def _differ(studies: Sequence[Study]) -> bool:
    return any(not same_objective(studies[0], study) for study in studies)


def _name_contenders(arms: Sequence[Study | Strategy]) -> list[tuple[str, Study]]:
    """Return the studies under distinct names.

    Their own, or where strategies are compared the strategy's; else with the strategy appended; else with a number.
    """
    first = next((arm for arm in arms if isinstance(arm, Study)), None)
    if first is None:
        raise StudyError(must_be("Contenders", "studies, or a study and strategies", list(arms), "Add the study."))
    lone = sum(isinstance(arm, Study) for arm in arms) == 1
    studies = [arm if isinstance(arm, Study) else replace(first, strategy=arm) for arm in arms]
    names = [_kind(study.strategy) if lone else study.name for study in studies]
    if len(studies) < 2:
        raise StudyError(must_be("A comparison", "of at least two contenders", names, "Add one."))
    if len(set(names)) < len(names):
        names = [f"{name} {_kind(study.strategy)}" for name, study in zip(names, studies, strict=True)]
    if len(set(names)) < len(names):
        names = [f"{name} {i + 1}" for i, name in enumerate(names)]
    return list(zip(names, studies, strict=True))


def _kind(strategy: Strategy) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(strategy).__name__).lower()


def _check_numbers(repetitions: int, budget: float | None, unit: str) -> None:
    advice = f"Below {FEWEST} there is no interval; 20 detect a difference of one standard deviation."
    integer("repetitions", repetitions, FEWEST, advice, error=StudyError)
    choice("unit", unit, get_args(Unit), "Leave it out for trials.", error=StudyError)
    positive = is_number(budget) and budget > 0
    if budget is not None and not (positive and (unit != "trials" or float(budget).is_integer())):
        kind = "a whole number >= 1" if unit == "trials" else "a number > 0"
        raise StudyError(must_be("budget", f"{kind} ({unit})", budget, "Leave it out for what all contenders spend."))


def _check_arms(named: Sequence[tuple[str, Study]], budget: float | None, unit: Unit) -> None:
    (first_name, first), *others = named
    for name, study in named:
        if unit == "epochs" and (study.spends_rows or "epochs" not in study.adapted.resources):
            spent = "rows" if study.spends_rows else "an objective without epochs"
            advice = "Compare by unit='trials' or 'seconds' (--unit)."
            raise StudyError(must_be(f"The budget of contender {name!r}", "in epochs", spent, advice))
    for name, study in others:
        wrong = find_mismatch(first, study)
        if wrong:
            found = dict(zip((first_name, name), wrong.found, strict=True))
            raise StudyError(must_be(f"The {wrong.part} of all contenders", "the same", found, wrong.advice))
    sizes = {name: study.proposer.trials for name, study in named}
    known = {name: size for name, size in sizes.items() if size is not None}
    if unit == "trials" and budget is None and len(set(known.values())) > 1:
        advice = "Set what all may spend, as in --budget 32, or compare by --unit epochs."
        raise StudyError(must_be("The trials of all contenders", "the same", known, advice))
