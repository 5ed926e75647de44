"""The configuration of a study: its fields, and everything that follows from them."""

# Annotations are evaluated here: `Study` inherits them, and readers of its signature look these names up in its own module.
import hashlib
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from hpsearch.data import Dataset
from hpsearch.execution.blas import describe_blas
from hpsearch.ports import (
    AnyObjective,
    Baseline,
    Limits,
    ObjectiveBase,
    Recorded,
    Search,
    Strategy,
    StrategyBase,
    StudyRecord,
    Task,
    TrackedStudy,
    adapt_objective,
    adapt_strategy,
)
from hpsearch.search.auto import Auto, Picked
from hpsearch.search.batches import confirm_best, replicate, try_first
from hpsearch.search.copies import Copies, is_our_frozen, take
from hpsearch.search.environment import read_facts, script_folder
from hpsearch.search.given import complete_params, fitting_trials, read_params
from hpsearch.search.identity import Parts, versions_of
from hpsearch.search.identity_v1 import describe_v1
from hpsearch.search.stopped import FinishedCurves, estimate_stopped
from hpsearch.search.stopping import MedianStop, Stop
from hpsearch.space import Params, Space
from hpsearch.trial import CONFIRM, Candidate, Rule, Trial, candidates, select

# The resource of strategies whose budgets are numbers of training rows.
ROWS = "rows"
# The first number of a spawn key says what the random numbers are for.
_STRATEGY, _REPLICATE, _TRIAL, _SELECTION, _FIRST = 0, 1, 2, 3, 4


@dataclass(frozen=True)
class StudyConfig:
    """The fields of a study, described in `hpsearch.Study`, and what follows from them: identity, tasks, batches, choice.

    ``adapted`` and ``proposer`` are the objective and the strategy as the base classes of their ports: a study asks these, and
    records the ones that were given. ``space`` and ``objective`` are copies of what was given, where that can be written to;
    ``copies`` says what each trial copies again, ``parts`` what they were when the study was made.
    """

    name: str
    space: Space
    objective: AnyObjective
    strategy: Strategy
    seed: int = 0
    maximize: bool = False
    question: str = field(default="", compare=False)
    first: Sequence[Params] = ()
    known: Sequence[Trial] = ()
    replicates: int = 1
    confirm: int = 0
    confirm_replicates: int = 5
    select: Rule = "mean"
    stop: Stop | None = None
    early_stop: MedianStop | None = None
    trial_seconds: float | None = None
    trial_megabytes: float | None = None
    retries: int = 1
    adapted: ObjectiveBase = field(init=False, repr=False, compare=False)
    proposer: StrategyBase = field(init=False, repr=False, compare=False)
    parts: Parts = field(init=False, repr=False, compare=False)
    copies: Copies = field(init=False, repr=False, compare=False)
    # The file in which the study was made: for its record, not a field, and no part of what it is.
    file: ClassVar[Path | None] = None

    def __post_init__(self) -> None:
        # Of strategies those of this package alone: a user's own may keep what it has seen, or be impossible to copy.
        named = (self.first, self.strategy if is_our_frozen(self.strategy) else None)
        space, objective, (first, strategy), copies = take(self.space, self.objective, named)
        own = {"space": space, "objective": objective, "first": first, "strategy": strategy or self.strategy, "copies": copies}
        for name, value in own.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "adapted", adapt_objective(self.objective))
        if self.adapted.greater_is_better:
            object.__setattr__(self, "maximize", True)
        object.__setattr__(self, "proposer", adapt_strategy(self.strategy))
        if self.has_preflight:
            object.__setattr__(self, "space", self._with_first_ranges())
        if isinstance(self.proposer, Auto):
            self._pick(self.proposer)
        object.__setattr__(self, "first", tuple(read_params(self.space, params) for params in self.first))
        object.__setattr__(self, "known", tuple(fitting_trials(self.space, self.known)))
        self._complete_first()  # raises for values outside the space
        if self.spends_rows and (rows := self.adapted.training_rows) is not None:
            fewest = 1 if self.adapted.data is None else self.adapted.data.fewest_rows
            object.__setattr__(self, "proposer", self.proposer.on_rows(rows, fewest))
        object.__setattr__(self, "parts", Parts.of(self.space, self.objective, self.strategy))

    def _pick(self, auto: Auto) -> None:
        """Let a strategy be picked, and stop by the clock where that is the budget."""
        object.__setattr__(self, "proposer", auto.picked(self.space, self.adapted))
        if auto.seconds is not None:
            own = self.stop or Stop()
            seconds = auto.seconds if own.seconds is None else min(own.seconds, auto.seconds)
            object.__setattr__(self, "stop", replace(own, seconds=seconds))

    def as_recorded(self, recorded: Recorded | None) -> Self:
        """Return the study with the strategy that was picked for it when it was recorded; itself where none was picked."""
        if recorded is None or not isinstance(self.proposer, Picked):
            return self
        study = copy(self)
        object.__setattr__(study, "proposer", self.proposer.as_recorded(recorded.facts, self.name))
        return study

    @property
    def has_preflight(self) -> bool:
        """Whether the objective has pre-flight checks and the strategy wants them."""
        return self.proposer.preflight and "preflight" in self.adapted.capabilities

    @property
    def spends_rows(self) -> bool:
        """Whether budgets are numbers of training rows; a parameter of the space named ``rows`` is a parameter."""
        return self.proposer.resource == ROWS and ROWS not in self.space

    @property
    def sign(self) -> int:
        """-1 where larger values are better, else 1."""
        return -1 if self.maximize else 1

    @property
    def data(self) -> Dataset | None:
        """The objective's data set."""
        return self.adapted.data if isinstance(self.adapted.data, Dataset) else None

    def record(self, source: Path | None = None) -> StudyRecord:
        """Return what identifies this study in a store."""
        data = self.adapted.data
        return StudyRecord(
            self.name,
            self.question,
            self.identity,
            self._facts(source),
            self.maximize,
            str(source) if source else None,
            self.adapted.measure,
            {"reproduction": "true"} if data is not None and data.reproduction else {},
            None if data is None else data.record,
            planned=self._planned,
        )

    @property
    def _planned(self) -> int | None:
        """The number of trials that the strategy announces, or that a stop rule leaves of them."""
        limits = [self.proposer.trials, None if self.stop is None else self.stop.trials]
        return min((limit for limit in limits if limit is not None), default=None)

    def _facts(self, source: Path | None) -> dict[str, str]:
        environment = read_facts(source.parent if source else script_folder())
        unit = {"budget_unit": ROWS} if self.spends_rows else {}
        baseline = self.adapted.baseline
        known = baseline.facts if isinstance(baseline, Baseline) else {}
        picked = self.proposer.facts if isinstance(self.proposer, Picked) else {}
        return environment | unit | {"blas": describe_blas()} | known | picked | self.parts.facts | dict(self.adapted.facts)

    def tracked(self, source: Path | None = None) -> TrackedStudy:
        """Return what a tracker needs: the record, the space, the rule for the best setting, the related studies."""
        return TrackedStudy(self.record(source), self.space, self.choose, self.adapted.related)

    @property
    def identity(self) -> dict[str, str]:
        """What decides the trials, as text: a second start with another identity is another study."""
        parts = self.parts
        described = {"objective": parts.objective.text, "strategy": parts.strategy.text}
        return self._identity(described, {"options": parts.options.text} if parts.options else {})

    @property
    def identity_v1(self) -> dict[str, str]:
        """The identity by the rule of version 1, for records of that time."""
        return self._identity({"objective": describe_v1(self.objective), "strategy": describe_v1(self.strategy)}, {})

    def _identity(self, described: Mapping[str, str], options: Mapping[str, str]) -> dict[str, str]:
        direction = "maximize" if self.maximize else "minimize"
        identity = {"space": repr(self.space), **described, "seed": str(self.seed), "direction": direction}
        identity |= dict(options) | self._extras()
        data = self.adapted.data
        identity |= {} if data is None else {"data": f"{data!r} sha256 {data.checksum[:16]}"}
        versions = versions_of(self.space, self.objective, self.strategy, self.proposer, self.early_stop, data)
        return identity | ({"versions": versions} if versions else {})

    def task(self, trial: Trial, origin: Trial | None = None) -> Task:
        """Return what a worker needs to run ``trial``: the resolved params, and its own random numbers.

        Those of replicates depend on the replicate alone, so that settings are compared on the same seeds; those of a trial
        that continues an earlier one are that one's, its ``origin``.
        """
        paired = self.replicates > 1 or trial.stage == CONFIRM
        key = (_REPLICATE, trial.replicate) if paired else (_TRIAL, (origin or trial).number)
        limits, params = Limits(self.trial_seconds, self.trial_megabytes), self.space.resolve(trial.params)
        keep, rows = self.proposer.continues, self.spends_rows
        return Task(
            trial, params, self.seed, key, self.sign, limits, keep, in_rows=rows, retries=self.retries, copies=self.copies
        )

    def search(self) -> Search:
        """Start the whole sequence of batches: the user's own settings, the checks, the strategy, the confirmation."""
        search = self._proposed()
        return confirm_best(search, self.confirm, self.confirm_replicates) if self.confirm else search

    def choose(self, trials: Sequence[Trial]) -> Candidate | None:
        """Return the setting chosen by the study's rule, or None where no trial finished."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(_SELECTION,)))
        found = candidates(trials)
        return select(found, self.select, self.space, rng) if found else None

    def _proposed(self) -> Search:
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(_STRATEGY,)))
        known = list(self.known)
        if self.first:
            known += yield from try_first(self._complete_first())
        space = (yield from self.copies.of(self.adapted)[0].preflight(self.space)) if self.has_preflight else self.space
        if space is None:
            return
        curves = None if self.early_stop is None else FinishedCurves(self.early_stop)
        search = self.proposer.search(space, rng, known if curves is None else curves.estimate_all(known))
        search = search if self.replicates == 1 else replicate(search, self.replicates)
        yield from search if curves is None else estimate_stopped(search, curves)

    def _complete_first(self) -> list[Params]:
        """Return the settings tried first, with what they leave out drawn from the study's seed."""
        return complete_params(self.space, self.first, self.seed, _FIRST)

    def _extras(self) -> dict[str, str]:
        """Return what else decides the trials, where it is not the default, as text."""
        extras = {
            "first": repr(list(self.first)) if self.first else None,
            "known": hashlib.sha256(repr(list(self.known)).encode()).hexdigest()[:16] if self.known else None,
            "replicates": str(self.replicates) if self.replicates > 1 else None,
            "early_stop": repr(self.early_stop) if self.early_stop is not None else None,
        }
        return {name: text for name, text in extras.items() if text is not None}

    def _with_first_ranges(self) -> Space:
        """Return the space with the objective's own range for every required name that is left out."""
        ranges = self.adapted.ranges
        missing = {name: ranges[name] for name in sorted(self.adapted.required) if name in ranges and name not in self.space}
        return Space(**dict(self.space.declared), **missing) if missing else self.space
