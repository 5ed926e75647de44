"""Successive halving and Hyperband: many configurations trained briefly, the best of them trained longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hpsearch.checks import LATER, choice, integer, recorded_repr
from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Int, Params, Space
from hpsearch.strategies.known_settings import best_known
from hpsearch.trial import Trial, best

# Per rung: the number of configurations, and the amount of the resource for each.
Rungs = tuple[tuple[int, int], ...]
EPOCHS = "epochs"
ROWS = "rows"
# How a rung of rows is told from one of a parameter that is called "rows".
BUDGET_IN_ROWS = "budget in rows"


@dataclass(frozen=True)
class Halving(StrategyBase):
    """Train ``trials`` configurations to ``min_epochs``, the best in every ``factor`` to ``factor`` times that, and so on.

    Each rung is one batch (stages ``rung-0``, ``rung-1``, ...). Promoted trials continue their training, so no epoch is
    trained twice. Failed and diverged trials are never promoted; of equal values the earlier trial is. The objective's own
    number of epochs should be ``max_epochs``: a learning-rate schedule spans the full budget, not the rung.

    With ``resource="rows"`` the last rung trains on all training rows, and each earlier one on a ``factor``-th of those of the
    next; there are as many rungs as trials and rows allow. Promoted trials are trained anew, on a larger sample that contains
    the one before, stratified by class; all are scored on the whole validation part.

    The best known settings, at most one in every ``factor`` of the first rung, take the place of its first random draws.

    Args:
        trials: the number of configurations in the first rung, drawn independently; the last rung must have at least one.
        min_epochs: the budget of the first rung, in epochs.
        max_epochs: the budget of the last rung.
        factor: by how much the budget grows, and the number of trials falls, from rung to rung.
        resource: ``"epochs"``; ``"rows"``, for every objective that holds data; or the name of an `Int` of the space, such as
            the size of an ensemble. Its range then replaces ``min_epochs`` and ``max_epochs``, and every rung trains from the
            start.
        min_rows: with ``resource="rows"``, the smallest number of rows of the first rung; None takes 10, or two a class.

    Known value: 27 configurations, 1 to 27 epochs, factor 3: rungs of 27, 9, 3 and 1. They take 81 epochs; training every
    configuration to the end would take 729.
    Source: Jamieson and Talwalkar (2016), Non-stochastic best arm identification and hyperparameter optimization, AISTATS.
    """

    trials: int = 27
    min_epochs: int = 1
    max_epochs: int = 27
    factor: int = 3
    resource: str = EPOCHS
    min_rows: int | None = field(default=None, metadata=LATER)
    # The number of rows of each rung, the smallest first, where the objective has said how many it holds.
    _rows: tuple[int, ...] = field(default=(), repr=False, compare=False)

    __repr__ = recorded_repr

    def __post_init__(self) -> None:
        _check_numbers(self, "min_epochs", "max_epochs", "factor", "trials")
        _check_min_rows(self)
        if self.resource == EPOCHS:
            self._check_trials(self.rungs)

    def on_rows(self, rows: int, fewest: int) -> Halving:
        """Return the strategy with the rows of its rungs, for an objective of so many training rows."""
        _check_without_epochs(self, min_epochs=1, max_epochs=27)
        rungs = _row_amounts(self, rows, self.min_rows or fewest)
        affordable = [amounts for amounts in _endings(rungs) if self.factor ** (len(amounts) - 1) <= self.trials]
        if len(affordable[0]) < 2:
            advice = "Its second rung keeps one trial in every factor."
            raise SettingError(must_be("Halving trials", f"at least factor={self.factor}", self.trials, advice))
        return replace(self, _rows=affordable[0])

    @property
    def continues(self) -> bool:
        """Whether promoted trials continue their training; the study then keeps their states."""
        return self.resource == EPOCHS

    @property
    def rungs(self) -> Rungs:
        """The trials and epochs of each rung; ((27, 1), (9, 3), (3, 9), (1, 27)) by default."""
        return self._rungs(self.min_epochs, self.max_epochs)

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield one batch per rung; end with a note if no trial can be promoted."""
        rungs = self.rungs
        if self.resource == ROWS and ROWS not in space:
            rungs = tuple((self.trials // self.factor**i, amount) for i, amount in enumerate(self._rows))
            _check_rows_known(self, rungs)
        elif self.resource != EPOCHS:
            amounts = _resource_domain(space, self.resource)
            rungs = self._rungs(amounts.low, amounts.high)
            self._check_trials(rungs)
        resource = BUDGET_IN_ROWS if self._rows else self.resource
        settings = best_known(space, known, rungs[0][0] // self.factor, without=(self.resource,))
        yield from _run_rungs(space, rng, rungs, resource, settings=settings)

    def _rungs(self, low: int, high: int) -> Rungs:
        amounts = [low]
        while amounts[-1] < high:
            amounts.append(min(amounts[-1] * self.factor, high))
        return tuple((self.trials // self.factor**i, amount) for i, amount in enumerate(amounts))

    def _check_trials(self, rungs: Rungs) -> None:
        advice = (
            f"Each of its {len(rungs)} rungs keeps one trial in {self.factor}: raise trials, or make the first rung longer."
        )
        integer("Halving trials", self.trials, self.factor ** (len(rungs) - 1), advice)


@dataclass(frozen=True)
class Hyperband(StrategyBase):
    """Run successive halving in several brackets, from many configurations on short rungs to few trained in full at once.

    `Halving` assumes that a short training predicts a long one. Hyperband hedges that assumption: each bracket starts with a
    rung that is ``factor`` times longer than in the bracket before, and has about the same total budget. Stages are called
    ``bracket-3 rung-0`` and so on; the number of a bracket is the number of its promotions. The best known settings enter the
    first bracket, as in `Halving`.

    Args:
        max_epochs: R, the budget of the last rung of every bracket, in epochs.
        factor: eta, by how much the budget grows, and the number of trials falls, from rung to rung.
        min_epochs: the smallest budget of a first rung.
        resource: ``"epochs"``, or ``"rows"``, for every objective that holds data: R is then all training rows, and promoted
            trials are trained anew on a larger sample, as in `Halving`.
        min_rows: with ``resource="rows"``, the smallest number of rows of a first rung; None takes a 27th of all, and at least
            10, or two a class.

    Bracket s begins with n = ceil((S + 1) / (s + 1) eta^s) configurations and R / eta^s epochs, S = floor(log_eta(R / least)),
    and its rung i keeps floor(n / eta^i). Known value: for R = 81, eta = 3 the brackets begin with 81, 34, 15, 8 and 5
    configurations, trained to 1, 3, 9, 27 and 81 epochs.
    Source: Li et al. (2018), Hyperband: a novel bandit-based approach to hyperparameter optimization, JMLR 18, algorithm 1.
    """

    max_epochs: int = 27
    factor: int = 3
    min_epochs: int = 1
    resource: str = field(default=EPOCHS, metadata=LATER)
    min_rows: int | None = field(default=None, metadata=LATER)
    # The number of rows of each rung of the longest bracket, the smallest first.
    _rows: tuple[int, ...] = field(default=(), repr=False, compare=False)

    __repr__ = recorded_repr

    def __post_init__(self) -> None:
        _check_numbers(self, "min_epochs", "max_epochs", "factor")
        choice("Hyperband resource", self.resource, (EPOCHS, ROWS), "Take Halving for a parameter of the space.")
        _check_min_rows(self)
        least = self.factor * self.min_epochs
        if self.resource == EPOCHS and self.max_epochs < least:
            constraint = f"at least factor * min_epochs = {least}"
            advice = "With less it trains a single configuration: raise it, or take Random."
            raise SettingError(must_be("Hyperband max_epochs", constraint, self.max_epochs, advice))

    @property
    def continues(self) -> bool:
        """Whether promoted trials continue their training; the study then keeps their states."""
        return self.resource == EPOCHS

    def on_rows(self, rows: int, fewest: int) -> Hyperband:
        """Return the strategy with the rows of its rungs, for an objective of so many training rows."""
        _check_without_epochs(self, min_epochs=1, max_epochs=27)
        return replace(self, _rows=_row_amounts(self, rows, self.min_rows or max(fewest, rows // 27)))

    @property
    def brackets(self) -> tuple[Rungs, ...]:
        """The trials and epochs of each rung of each bracket, the bracket with the shortest first rung first."""
        most = 0
        while self.min_epochs * self.factor ** (most + 1) <= self.max_epochs:
            most += 1
        return tuple(self._bracket(s, most) for s in range(most, -1, -1))

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield one batch per rung, bracket after bracket; each bracket draws its own configurations."""
        rows = self.resource == ROWS
        brackets = self._brackets_of_rows() if rows else self.brackets
        settings = best_known(space, known, brackets[0][0][0] // self.factor)
        for rungs in brackets:
            resource = BUDGET_IN_ROWS if rows else EPOCHS
            yield from _run_rungs(space, rng, rungs, resource, f"bracket-{len(rungs) - 1} ", settings)
            settings = []

    def _brackets_of_rows(self) -> tuple[Rungs, ...]:
        _check_rows_known(self, self._rows)
        most = len(self._rows) - 1
        sizes = [[trials for trials, _ in self._bracket(s, most)] for s in range(most, -1, -1)]
        return tuple(tuple(zip(trials, self._rows[-len(trials) :], strict=True)) for trials in sizes)

    def _bracket(self, s: int, most: int) -> Rungs:
        trials = -(-(most + 1) * self.factor**s // (s + 1))
        return tuple((trials // self.factor**i, round(self.max_epochs / self.factor ** (s - i))) for i in range(s + 1))


def _row_amounts(strategy: Halving | Hyperband, rows: int, least: int) -> tuple[int, ...]:
    """Return the rows of the rungs: all in the last, a ``factor``-th of the next one's in each earlier, at least ``least``."""
    amounts = [rows]
    while rows // strategy.factor ** len(amounts) >= least:
        amounts.insert(0, rows // strategy.factor ** len(amounts))
    if len(amounts) < 2:
        what, constraint = (
            f"Training rows for {type(strategy).__name__}(resource='rows')",
            f"at least {least * strategy.factor}",
        )
        advice = f"A first rung of {least} rows or more would be all of them: take Random."
        raise SettingError(must_be(what, constraint, rows, advice))
    return tuple(amounts)


def _endings(amounts: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the amounts, the amounts without the first, and so on to the last alone."""
    return [amounts[first:] for first in range(len(amounts))]


def _check_rows_known(strategy: Halving | Hyperband, rungs: object) -> None:
    if not rungs:
        constraint, advice = "run with an objective that holds data", "Take resource='epochs', or search from a Study."
        raise SettingError(must_be(f"{type(strategy).__name__}(resource='rows')", constraint, strategy, advice))


def _check_min_rows(strategy: Halving | Hyperband) -> None:
    what, given = f"{type(strategy).__name__} min_rows", strategy.min_rows
    if given is not None:
        integer(what, given, 1, "Try 100.")
        if strategy.resource != ROWS:
            raise SettingError(must_be(what, "given with resource='rows'", given, "Leave it out, or add resource='rows'."))


def _check_without_epochs(strategy: Halving | Hyperband, **defaults: int) -> None:
    """Raise an error where epochs are given that would have no effect."""
    for name, value in defaults.items():
        if getattr(strategy, name) != value:
            what, advice = f"{type(strategy).__name__} {name}", "Leave it out; min_rows sets the first rung."
            raise SettingError(must_be(what, "left out with resource='rows'", getattr(strategy, name), advice))


def _run_rungs(
    space: Space,
    rng: np.random.Generator,
    rungs: Rungs,
    resource: str,
    prefix: str = "",
    settings: Sequence[Params] = (),
) -> Search:
    """Yield one batch per rung with the best trials of the rung before; end early if a whole rung failed.

    The first rung begins with ``settings``; the others are drawn.
    """
    drawn = [space.sample(rng) for _ in range(rungs[0][0] - len(settings))]
    proposals = [_make_proposal(params, rungs[0][1], resource) for params in (*settings, *drawn)]
    for i in range(len(rungs)):
        stage = f"{prefix}rung-{i}"
        trials = yield Batch(proposals, stage)
        if not best(trials):
            yield Batch((), stage, note=_describe_failed_rung(stage, trials))
            return
        if i + 1 < len(rungs):
            size, amount = rungs[i + 1]
            proposals = [_make_proposal(t.params, amount, resource, t.number) for t in best(trials, size)]


def _make_proposal(params: Params, amount: int, resource: str, continues: int | None = None) -> Proposal:
    """Return the proposal of a rung for one configuration; it continues a trial only if the resource is epochs."""
    if resource == EPOCHS:
        return Proposal(params, amount, continues)
    if resource == BUDGET_IN_ROWS:
        return Proposal(params, amount)
    return Proposal(params | {resource: amount})


def _resource_domain(space: Space, resource: str) -> Int:
    """Return the domain of the parameter that is the resource, or raise an error if it cannot be one."""
    domain = space.domains.get(resource)
    if not isinstance(domain, Int) or domain.step != 1 or domain.low < 1 or domain.conditions:
        close = did_you_mean(str(resource), space.domains)
        advice = f"Take {EPOCHS!r}, or add {resource}=Int(low, high) to the space.{close}"
        constraint = f"{EPOCHS!r} or an unconditional Int(low, high) of the space with low >= 1"
        raise SettingError(must_be("Halving resource", constraint, resource, advice))
    return domain


def _describe_failed_rung(stage: str, trials: Sequence[Trial]) -> str:
    reason = next((t.error for t in trials if t.error), "none was given").rstrip(".")
    return f"None of the {len(trials)} trials of {stage!r} finished, so none is promoted. First error: {reason}."


def _check_numbers(strategy: Halving | Hyperband, *names: str) -> None:
    """Raise an error for a setting that is no positive whole number, a factor of 1, or a last rung shorter than the first."""
    what = type(strategy).__name__
    for name in names:
        least, example = (2, 3) if name == "factor" else (1, 27)
        integer(f"{what} {name}", getattr(strategy, name), least, f"Try {example}.")
    if strategy.max_epochs < strategy.min_epochs:
        constraint = f"at least min_epochs={strategy.min_epochs}"
        raise SettingError(must_be(f"{what} max_epochs", constraint, strategy.max_epochs, "Raise it, or lower min_epochs."))
