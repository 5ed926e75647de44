"""Successive halving and Hyperband: many configurations trained briefly, the best of them trained longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hpsearch.checks import integer
from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Int, Params, Space
from hpsearch.trial import Trial, best

# Per rung: the number of configurations, and the amount of the resource for each.
Rungs = tuple[tuple[int, int], ...]
EPOCHS = "epochs"


@dataclass(frozen=True)
class Halving(StrategyBase):
    """Train ``trials`` configurations to ``min_epochs``, the best in every ``factor`` to ``factor`` times that, and so on.

    Each rung is one batch (stages ``rung-0``, ``rung-1``, ...). Promoted trials continue their training, so no epoch is
    trained twice. Failed and diverged trials are never promoted; of equal values the earlier trial is. The objective's own
    number of epochs should be ``max_epochs``: a learning-rate schedule spans the full budget, not the rung.

    Args:
        trials: the number of configurations in the first rung, drawn independently; the last rung must have at least one.
        min_epochs: the budget of the first rung, in epochs.
        max_epochs: the budget of the last rung.
        factor: by how much the budget grows, and the number of trials falls, from rung to rung.
        resource: ``"epochs"``, or the name of an `Int` of the space, such as the size of the training set. Its range then
            replaces ``min_epochs`` and ``max_epochs``, and every rung trains from the start.

    Known value: 27 configurations, 1 to 27 epochs, factor 3: rungs of 27, 9, 3 and 1. They take 81 epochs; training every
    configuration to the end would take 729.
    Source: Jamieson and Talwalkar (2016), Non-stochastic best arm identification and hyperparameter optimization, AISTATS.
    """

    trials: int = 27
    min_epochs: int = 1
    max_epochs: int = 27
    factor: int = 3
    resource: str = EPOCHS

    def __post_init__(self) -> None:
        _check_numbers(self, "min_epochs", "max_epochs", "factor", "trials")
        if self.resource == EPOCHS:
            self._check_trials(self.rungs)

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
        if self.resource != EPOCHS:
            amounts = _resource_domain(space, self.resource)
            rungs = self._rungs(amounts.low, amounts.high)
            self._check_trials(rungs)
        yield from _run_rungs(space, rng, rungs, self.resource)

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
    ``bracket-3 rung-0`` and so on; the number of a bracket is the number of its promotions.

    Args:
        max_epochs: R, the budget of the last rung of every bracket, in epochs.
        factor: eta, by how much the budget grows, and the number of trials falls, from rung to rung.
        min_epochs: the smallest budget of a first rung.

    Bracket s begins with n = ceil((S + 1) / (s + 1) eta^s) configurations and R / eta^s epochs, S = floor(log_eta(R / least)),
    and its rung i keeps floor(n / eta^i). Known value: for R = 81, eta = 3 the brackets begin with 81, 34, 15, 8 and 5
    configurations, trained to 1, 3, 9, 27 and 81 epochs.
    Source: Li et al. (2018), Hyperband: a novel bandit-based approach to hyperparameter optimization, JMLR 18, algorithm 1.
    """

    max_epochs: int = 27
    factor: int = 3
    min_epochs: int = 1

    resource: ClassVar[str] = EPOCHS
    # Promoted trials continue their training, so the study keeps their states.
    continues: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_numbers(self, "min_epochs", "max_epochs", "factor")

    @property
    def brackets(self) -> tuple[Rungs, ...]:
        """The trials and epochs of each rung of each bracket, the bracket with the shortest first rung first."""
        most = 0
        while self.min_epochs * self.factor ** (most + 1) <= self.max_epochs:
            most += 1
        return tuple(self._bracket(s, most) for s in range(most, -1, -1))

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield one batch per rung, bracket after bracket; each bracket draws its own configurations."""
        for rungs in self.brackets:
            yield from _run_rungs(space, rng, rungs, EPOCHS, f"bracket-{len(rungs) - 1} ")

    def _bracket(self, s: int, most: int) -> Rungs:
        trials = -(-(most + 1) * self.factor**s // (s + 1))
        return tuple((trials // self.factor**i, round(self.max_epochs / self.factor ** (s - i))) for i in range(s + 1))


def _run_rungs(space: Space, rng: np.random.Generator, rungs: Rungs, resource: str, prefix: str = "") -> Search:
    """Yield one batch per rung with the best trials of the rung before; end early if a whole rung failed."""
    proposals = [_make_proposal(space.sample(rng), rungs[0][1], resource) for _ in range(rungs[0][0])]
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
