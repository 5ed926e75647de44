"""Successive halving with a memory: rounds of it, a model that proposes configurations, and paused trials that go on later."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hpsearch.checks import choice, integer
from hpsearch.errors import SettingError, must_be
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Params, Space
from hpsearch.strategies.known_settings import best_known
from hpsearch.strategies.starting_points import latin_hypercube, near_centre
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from hpsearch.surrogate import Hyperparameters, Posterior, Proposer

Array = NDArray[np.float64]
EPOCHS, ROWS = "epochs", "rows"
# New configurations of the first round and of every later one; the share that goes on; those drawn at random in a later round.
_FIRST, _LATER, _FACTOR, _RANDOM = 27, 9, 3, 1
# With resource="rows": how many full trainings the search takes unless told otherwise.
_TRAININGS = 20
# The first two warps take turns: ranks would hide how the values of different rungs lie.
_WARPS = 2


@dataclass(frozen=True)
class FreezeThaw(StrategyBase):
    """Halve in rounds, and let a model of all settings and budgets propose the configurations of the next round.

    The first round is successive halving: 27 configurations (near the centre of the space, and a Latin hypercube) train to the
    first rung, the best third of them to the second, and so on. Each later round begins with nine new configurations at the
    second rung: one drawn at random, eight of the largest expected improvement at the full budget. At each rung the best third
    goes on, in number, but chosen among all configurations that are paused there, those of earlier rounds too. Promoted trials
    continue their training; the states of all paused trials are kept.

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
        epochs: what the whole search may spend. An epoch that a promoted trial continues from is not paid again.
        max_epochs: the budget of the last rung; the objective's own number of epochs should be the same.
        min_epochs: the budget of the first rung.
        resource: ``"epochs"``; or ``"rows"``, for every objective that holds data: the last rung is then all training rows,
            each earlier one a third of the next. Promoted trials are trained anew on a larger sample, and paid in full.
        trainings: with ``resource="rows"``, what the search may spend, in trainings on all rows; None takes 20.
        min_rows: with ``resource="rows"``, the smallest number of rows of the first rung; None takes 10, or two a class.

    Known values: with 27 epochs the first round takes 81 of them, each later one 63.
    Source of the name: Swersky, Snoek and Adams (2014), Freeze-thaw Bayesian optimization.
    """

    epochs: int = 540
    max_epochs: int = 27
    min_epochs: int = 1
    resource: str = EPOCHS
    trainings: int | None = None
    min_rows: int | None = None
    # The number of rows of each rung, the smallest first, where the objective has said how many it holds.
    _rows: tuple[int, ...] = field(default=(), repr=False, compare=False)

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
        yield from _Rounds(plan, budget, _Model(space, plan.rungs, rng, list(known))).run(known)


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
    unit: Array
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
    model: _Model
    spent: int = 0
    is_over: bool = False

    def run(self, known: Sequence[Trial]) -> Search:
        """Yield batches until the budget is spent."""
        trials = yield from self._train(self.model.first(_FIRST, known), 0, "round-0 rung-0")
        if self.model.has_learned_nothing:
            yield Batch((), "round-0 rung-0", note=_describe_failed(trials))
            return
        yield from self._promote(0, self.plan.sizes(_FIRST, 0))
        number = 0
        while not self.is_over:
            number += 1
            start = self.plan.later_start
            new = self._payable(_LATER, self.plan.price(start, None))
            yield from self._train(self.model.propose(new), start, f"round-{number} rung-{start}")
            self.is_over |= new < _LATER
            yield from self._promote(number, self.plan.sizes(_LATER, start))

    def _promote(self, number: int, sizes: Sequence[tuple[int, int]]) -> Search:
        """Yield the batches of a round after its first one."""
        for (below, _), (rung, size) in pairwise(sizes):
            yield from self._train(self._best_paused(below, size), rung, f"round-{number} rung-{rung}")

    def _best_paused(self, rung: int, count: int) -> list[_Configuration]:
        """Return the best of all configurations that are paused at a rung, of equal ones the earlier first."""
        paused = [one for one in self.model.tried if one.rung == rung and one.paused]
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
            one.rung = rung
            one.trials.append(trial)
            self.model.add(one, self.plan)
        return trials

    def _proposal(self, one: _Configuration, rung: int) -> Proposal:
        continues = one.trials[-1].number if self.plan.continues and one.trials else None
        return Proposal(one.params, self.plan.rungs[rung], continues)


@dataclass
class _Model:
    """What was observed in one search, and the Gaussian processes over settings and budgets, one per warp."""

    space: Space
    rungs: Sequence[int]
    rng: np.random.Generator
    known: list[Trial]
    tried: list[_Configuration] = field(default_factory=list)
    fits: int = 0

    def __post_init__(self) -> None:
        from hpsearch.surrogate import Encoding  # takes half a second, so it is not imported with hpsearch

        self.encoding = Encoding(self.space)
        self.fitted: dict[int, Hyperparameters] = {}
        # Per observation: the trial with the best value up to its rung, the point, and the budget.
        self.observed: list[Trial] = []
        self.units: list[Array] = []
        self.budgets: list[int] = []
        for trial, unit in zip(self.known, self.encoding.to_snapped(t.params for t in self.known), strict=True):
            self._observe(trial, unit, trial.budget or self.rungs[-1])

    @property
    def has_learned_nothing(self) -> bool:
        """Whether no trial finished."""
        return not any(trial.ok for trial in self.observed)

    def add(self, one: _Configuration, plan: _Plan) -> None:
        """Learn from the newest trial of a configuration."""
        if len(one.trials) == 1:
            self.tried.append(one)
        trial = one.trials[-1]
        if trial.ok and trial.outcome is not None:
            trial = replace(trial, outcome=replace(trial.outcome, value=plan.value(one)))
        self._observe(trial, one.unit, self.rungs[one.rung or 0])

    def _observe(self, trial: Trial, unit: Array, budget: int) -> None:
        self.observed.append(trial)
        self.units.append(unit)
        self.budgets.append(budget)

    def first(self, count: int, known: Sequence[Trial]) -> list[_Configuration]:
        """Return the configurations of the first round: near the centre, a Latin hypercube, the best known settings."""
        units = [near_centre(self.space, self.rng), *latin_hypercube(self.space, count, self.rng)[1:]]
        settings = best_known(self.space, known, count // _FACTOR)
        rows = [self.encoding.snap(np.array([unit]))[0] for unit in units[: count - len(settings)]]
        own = [_Configuration(self.encoding.to_params(row), row) for row in rows]
        return own + [_Configuration(params, self.encoding.to_snapped([params])[0]) for params in settings]

    def propose(self, count: int) -> list[_Configuration]:
        """Return the new configurations of a later round."""
        return [_Configuration(self.encoding.to_params(row), row) for row in self._rows(count)]

    def _rows(self, count: int) -> Iterator[Array]:
        if not count:
            return
        posterior, seen = self._fit(), self.units
        drawn = [self.encoding.snap(self.rng.random((1, len(self.space))))[0] for _ in range(min(_RANDOM, count))]
        yield from drawn
        for row in drawn:
            posterior = posterior.believe(self._at_full_budget(row[None]))
        proposer = self._proposer(posterior, np.array([*seen, *drawn]))
        for _ in range(count - len(drawn)):
            yield proposer.propose(self.rng)

    def _proposer(self, posterior: Posterior, tried: Array) -> Proposer:
        from hpsearch.surrogate import Proposer

        return Proposer(self.encoding, np.unique(tried, axis=0), posterior, encode=self._at_full_budget)

    def _fit(self) -> Posterior:
        """Return the posterior after a fit to the observations, in the warp whose turn it is."""
        from hpsearch.surrogate import WARPS, Posterior, best_and_newest, fit, told_values

        told = told_values(self.observed)
        values = _on_log_scale(np.zeros(len(self.observed)) if told is None else told)
        kept = best_and_newest(values)
        turn, self.fits = self.fits % _WARPS, self.fits + 1
        targets = WARPS[turn](values[kept])
        features = self._features(np.array(self.units)[kept], self._shares(np.array(self.budgets)[kept]))
        owners = np.append(self.encoding.owners, max(self.encoding.owners, default=-1) + 1)
        self.fitted[turn] = fit(features, targets, owners, self.fitted.get(turn))
        return Posterior(features, targets, self.fitted[turn], owners)

    def _shares(self, budgets: Array) -> Array:
        """Return the logarithms of budgets, 0 at the first rung and 1 at the last."""
        least, most = self.rungs[0], self.rungs[-1]
        shares: Array = np.log(np.clip(budgets, least, most) / least) / np.log(most / least)
        return shares

    def _features(self, units: Array, shares: Array) -> Array:
        return np.hstack([self.encoding.features(units), shares[:, None]])

    def _at_full_budget(self, units: Array) -> Array:
        return self._features(units, np.ones(len(units)))


def _on_log_scale(values: Array) -> Array:
    """Return the logarithms of positive values; else log(1 + v), v the distance from the least in units of the median one.

    >>> _on_log_scale(np.array([-1.0, 0.0, 1.0])).round(4).tolist()
    [0.0, 0.6931, 1.0986]
    """
    if values.min() > 0.0:
        logs: Array = np.log(values)
        return logs
    distances = values - values.min()
    unit = float(np.median(distances)) or float(distances.max()) or 1.0
    shifted: Array = np.log1p(distances / unit)
    return shifted


def _describe_failed(trials: Sequence[Trial]) -> str:
    reason = next((trial.error for trial in trials if trial.error), "none was given").rstrip(".")
    return f"None of the {len(trials)} trials of the first rung finished, so none is promoted. First error: {reason}."
