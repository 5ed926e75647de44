"""Successive halving with a memory: rounds of it, a model that proposes configurations, and paused trials that go on later."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import ClassVar

import numpy as np

from hpsearch.checks import LATER, choice, integer, recorded_repr
from hpsearch.errors import SettingError, must_be
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Params, Space
from hpsearch.strategies.budget_model import BudgetModel
from hpsearch.strategies.known_settings import best_known
from hpsearch.strategies.starting_points import latin_hypercube, near_centre
from hpsearch.trial import Trial

EPOCHS, ROWS = "epochs", "rows"
# New configurations of the first round and of every later one, which are also those of a batch; the share that goes on.
_FIRST, _LATER, _FACTOR = 27, 9, 3
# Configurations of a batch that are drawn at random: in the first round, where the model knows short trainings only; later.
_RANDOM_FIRST, _RANDOM = 3, 1
# With resource="rows": how many full trainings the search takes unless told otherwise.
_TRAININGS = 20


@dataclass(frozen=True)
class FreezeThaw(StrategyBase):
    """Halve in rounds, and let a model of all settings and budgets propose the configurations of the next round.

    The first round is successive halving: 27 configurations train to the first rung, the best third of them to the second, and
    so on. The first nine of them fill the space (a point near its centre, and a Latin hypercube); of the others, nine at a
    time, three are drawn at random and six have the largest expected improvement at the full budget. Each later round begins
    with nine new configurations at the second rung: one drawn at random, eight of the largest expected improvement. At each
    rung the best third goes on, in number, but chosen among all configurations that are paused there, those of earlier rounds
    too. Promoted trials continue their training; the states of all paused trials are kept.

    The model is a Gaussian process over the parameters and the logarithm of the budget. It learns the logarithm of the best
    value of each configuration up to each rung. Where a value is not positive, log(1 + v) takes its place, v being the distance
    from the best value in units of the median distance. Known trials are part of it from the start, and the best known settings
    enter the first round. What goes on is decided by values, never by the model.

    The rungs are ``min_epochs`` times 1, 3, 9, ..., and ``max_epochs`` as the last. One that is nearer to the last than a
    factor of the square root of 3 is left out, since it would say little new: 27 epochs have rungs of 1, 3, 9 and 27, 10 epochs
    have 1, 3 and 10, and 30 epochs have 1, 3, 9 and 30.

    The search ends before the first trial that the rest of the budget cannot pay. So a larger budget begins with the same
    trials. Stages are called ``round-0 rung-0`` and so on.

    Args:
        epochs: what the whole search may spend. An epoch that a promoted trial continues from is not paid again. Replicates
            count once, and the confirmation of the best settings comes on top.
        max_epochs: the budget of the last rung; the objective's own number of epochs should be the same.
        min_epochs: the budget of the first rung.
        resource: ``"epochs"``; or ``"rows"``, for every objective that holds data: the last rung is then all training rows,
            each earlier one a third of the next. Promoted trials are trained anew on a larger sample, and paid in full.
        trainings: with ``resource="rows"``, what the search may spend, in trainings on all rows; None takes 20.
        min_rows: with ``resource="rows"``, the smallest number of rows of the first rung; None takes 10, or two a class.

    Known values: with 27 epochs the first round takes 81 of them, each later one 63.
    Source of the name: Swersky, Snoek and Adams (2014), Freeze-thaw Bayesian optimization.
    """

    # 2: the model proposes two thirds of the first round; before, all of it filled the space.
    version: ClassVar[int] = 2

    epochs: int = 540
    max_epochs: int = 27
    min_epochs: int = 1
    resource: str = EPOCHS
    trainings: int | None = field(default=None, metadata=LATER)
    min_rows: int | None = field(default=None, metadata=LATER)
    # The number of rows of each rung, the smallest first, where the objective has said how many it holds.
    _rows: tuple[int, ...] = field(default=(), repr=False, compare=False)

    __repr__ = recorded_repr

    def __post_init__(self) -> None:
        choice("FreezeThaw resource", self.resource, (EPOCHS, ROWS), "Take Halving for a parameter of the space.")
        if self.resource == ROWS:
            _check_rows_settings(self)
            return
        for name in ("trainings", "min_rows"):
            if (given := getattr(self, name)) is not None:
                advice = "Leave it out, or add resource='rows'."
                raise SettingError(must_be(f"FreezeThaw {name}", "given with resource='rows'", given, advice))
        integer("FreezeThaw min_epochs", self.min_epochs, 1, "Try 1.")
        integer(
            "FreezeThaw max_epochs", self.max_epochs, self.min_epochs + 1, "With fewer there is one rung: take GaussianProcess."
        )
        plan = _Plan(self.rungs, continues=True)
        integer(
            "FreezeThaw epochs", self.epochs, plan.first_round, f"{plan.describe(EPOCHS)} Raise epochs, or lower max_epochs."
        )

    @property
    def continues(self) -> bool:
        """Whether promoted trials continue their training."""
        return self.resource == EPOCHS

    @property
    def thaws(self) -> bool:
        """Whether trials of any earlier round may be continued; the study then keeps their states."""
        return self.continues

    @property
    def rungs(self) -> tuple[int, ...]:
        """The epochs of each rung; (1, 3, 9, 27) by default."""
        amounts = [self.min_epochs]
        while self.max_epochs**2 >= _FACTOR * (amounts[-1] * _FACTOR) ** 2:
            amounts.append(amounts[-1] * _FACTOR)
        return (*amounts, self.max_epochs)

    def on_rows(self, rows: int, fewest: int) -> FreezeThaw:
        """Return the strategy with the rows of its rungs, for an objective of so many training rows."""
        least, amounts = self.min_rows or fewest, [rows]
        while rows // _FACTOR ** len(amounts) >= least and _FACTOR ** len(amounts) <= _FIRST:
            amounts.insert(0, rows // _FACTOR ** len(amounts))
        if len(amounts) < 2:
            what, advice = "Training rows for FreezeThaw(resource='rows')", "Take GaussianProcess, which trains on all of them."
            raise SettingError(must_be(what, f"at least {least * _FACTOR}", rows, advice))
        plan = _Plan(tuple(amounts), continues=False)
        if (self.trainings or _TRAININGS) * rows < plan.first_round:
            integer("FreezeThaw trainings", self.trainings, -(-plan.first_round // rows), f"{plan.describe(ROWS)} Raise it.")
        return replace(self, _rows=tuple(amounts))

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield one batch per rung of each round, until the budget is spent; end with a note if the first rung failed."""
        if self.resource == EPOCHS:
            plan, budget = _Plan(self.rungs, continues=True), self.epochs
        elif self._rows:
            plan, budget = _Plan(self._rows, continues=False), (self.trainings or _TRAININGS) * self._rows[-1]
        else:
            constraint, advice = "run with an objective that holds data", "Take resource='epochs', or search from a Study."
            raise SettingError(must_be("FreezeThaw(resource='rows')", constraint, self, advice))
        model = BudgetModel(space, plan.rungs[0], plan.rungs[-1], rng)
        for trial in known:
            model.observe(trial, trial.budget)
        yield from _Rounds(plan, budget, model).run(self._first_settings(space, rng, model, known))

    def _first_settings(
        self, space: Space, rng: np.random.Generator, model: BudgetModel, known: Sequence[Trial]
    ) -> list[Params]:
        """Return the settings of the first batch: near the centre, a Latin hypercube, the best known ones."""
        units = [near_centre(space, rng), *latin_hypercube(space, _LATER, rng)[1:]]
        settings = best_known(space, known, _LATER // _FACTOR)
        return [model.snapped(unit) for unit in units[: _LATER - len(settings)]] + settings


def _check_rows_settings(strategy: FreezeThaw) -> None:
    for name in ("trainings", "min_rows"):
        if getattr(strategy, name) is not None:
            integer(f"FreezeThaw {name}", getattr(strategy, name), 1, "Leave it out.")
    for name, value in (("epochs", 540), ("max_epochs", 27), ("min_epochs", 1)):
        if getattr(strategy, name) != value:
            what, advice = f"FreezeThaw {name}", "Leave it out; trainings is the budget then, and min_rows sets the first rung."
            raise SettingError(must_be(what, "left out with resource='rows'", getattr(strategy, name), advice))


@dataclass(frozen=True)
class _Plan:
    """What the rounds of a search train: the budgets of its rungs, and how many trials of each."""

    rungs: tuple[int, ...]
    continues: bool

    @property
    def later_start(self) -> int:
        """The rung at which the new configurations of later rounds begin."""
        return 1 if len(self.rungs) > 2 else 0

    def sizes(self, new: int, start: int) -> list[tuple[int, int]]:
        """Return the rungs of a round and the number of trials at each, from so many new configurations at ``start``."""
        return [(rung, max(new // _FACTOR ** (rung - start), 1)) for rung in range(start, len(self.rungs))]

    def price(self, rung: int, before: int | None) -> int:
        """Return what it takes to train a configuration to a rung, from the rung reached before."""
        return self.rungs[rung] - (self.rungs[before] if self.continues and before is not None else 0)

    @property
    def first_round(self) -> int:
        """What the first round takes."""
        return sum(size * self.price(rung, rung - 1 if rung else None) for rung, size in self.sizes(_FIRST, 0))

    def value(self, one: _Configuration) -> float:
        """Return the value of a configuration whose trials finished: the best so far where training continues."""
        return min(trial.value for trial in one.trials) if self.continues else one.trials[-1].value

    def describe(self, unit: str) -> str:
        """Return a sentence on what the first round takes."""
        parts = ", ".join(f"{size} on {self.rungs[rung]}" for rung, size in self.sizes(_FIRST, 0))
        return f"Its first round takes {self.first_round} {unit}: {parts}."


@dataclass
class _Configuration:
    """One point of the space, and its trials: one per rung reached."""

    params: Params
    rung: int | None = None
    trials: list[Trial] = field(default_factory=list)

    @property
    def paused(self) -> bool:
        """Whether it may be continued."""
        return bool(self.trials) and self.trials[-1].ok


@dataclass
class _Rounds:
    """The rounds of one search."""

    plan: _Plan
    budget: int
    model: BudgetModel
    tried: list[_Configuration] = field(default_factory=list)
    spent: int = 0
    is_over: bool = False

    def run(self, settings: Sequence[Params]) -> Search:
        """Yield batches until the budget is spent, the first one of these settings."""
        trials = list((yield from self._train(list(map(_Configuration, settings)), 0, "round-0 rung-0")))
        while len(trials) < _FIRST:
            drawn = _LATER if self.model.has_learned_nothing else _RANDOM_FIRST
            more = self.model.propose(_LATER, drawn)
            trials += yield from self._train(list(map(_Configuration, more)), 0, "round-0 rung-0")
        if self.model.has_learned_nothing:
            yield Batch((), "round-0 rung-0", note=_describe_failed(trials))
            return
        yield from self._promote(0, self.plan.sizes(_FIRST, 0))
        number = 0
        while not self.is_over:
            number += 1
            start = self.plan.later_start
            new = self._payable(_LATER, self.plan.price(start, None))
            settings = self.model.propose(new, _RANDOM)
            yield from self._train(list(map(_Configuration, settings)), start, f"round-{number} rung-{start}")
            self.is_over |= new < _LATER
            yield from self._promote(number, self.plan.sizes(_LATER, start))

    def _promote(self, number: int, sizes: Sequence[tuple[int, int]]) -> Search:
        """Yield the batches of a round after its first one."""
        for (below, _), (rung, size) in pairwise(sizes):
            yield from self._train(self._best_paused(below, size), rung, f"round-{number} rung-{rung}")

    def _best_paused(self, rung: int, count: int) -> list[_Configuration]:
        """Return the best of all configurations that are paused at a rung, of equal ones the earlier first."""
        paused = [one for one in self.tried if one.rung == rung and one.paused]
        return sorted(paused, key=lambda one: (self.plan.value(one), one.trials[-1].number))[:count]

    def _payable(self, count: int, price: int) -> int:
        """Return how many of so many trials the rest of the budget can pay."""
        return 0 if self.is_over else min(count, (self.budget - self.spent) // price)

    def _train(
        self, chosen: Sequence[_Configuration], rung: int, stage: str
    ) -> Generator[Batch, Sequence[Trial], Sequence[Trial]]:
        """Yield one batch that trains configurations to a rung, as far as the budget goes; return its trials."""
        price = self.plan.price(rung, chosen[0].rung) if chosen else 1
        payable = chosen[: self._payable(len(chosen), price)]
        self.is_over |= len(payable) < len(chosen)
        if not payable:
            return []
        trials = yield Batch([self._proposal(one, rung) for one in payable], stage)
        self.spent += len(payable) * price
        for one, trial in zip(payable, trials, strict=True):
            self._add(one, trial, rung)
        return trials

    def _add(self, one: _Configuration, trial: Trial, rung: int) -> None:
        """Note what came of a configuration at a rung."""
        if not one.trials:
            self.tried.append(one)
        one.rung = rung
        one.trials.append(trial)
        if trial.ok and trial.outcome is not None:
            trial = replace(trial, outcome=replace(trial.outcome, value=self.plan.value(one)))
        self.model.observe(trial, self.plan.rungs[rung])

    def _proposal(self, one: _Configuration, rung: int) -> Proposal:
        continues = one.trials[-1].number if self.plan.continues and one.trials else None
        return Proposal(one.params, self.plan.rungs[rung], continues)


def _describe_failed(trials: Sequence[Trial]) -> str:
    reason = next((trial.error for trial in trials if trial.error), "none was given").rstrip(".")
    return f"None of the {len(trials)} trials of the first rung finished, so none is promoted. First error: {reason}."
