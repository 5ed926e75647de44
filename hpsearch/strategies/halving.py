"""Successive halving and Hyperband: many configurations are trained briefly, and ever fewer of them ever longer."""

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

# Per rung: how many configurations it trains, and to how much of the resource.
Rungs = tuple[tuple[int, int], ...]
EPOCHS = "epochs"


@dataclass(frozen=True)
class Halving(StrategyBase):
    """Train ``trials`` configurations to ``min_epochs``, the best of every ``factor`` to ``factor`` times that, and so on.

    Each rung is one batch (stages ``rung-0``, ``rung-1``, ...). Whoever is promoted goes on from where it stood, so an epoch
    is paid for once. Failed and diverged trials are never promoted; of equal values the earlier trial is. The objective's
    own number of epochs should be ``max_epochs``: a learning-rate schedule spans the whole, not the rung.

    Args:
        trials: how many configurations the first rung has, drawn independently; the last rung must be left with one at least.
        min_epochs: the budget of the first rung, in epochs.
        max_epochs: the budget of the last rung.
        factor: how many times larger the budget of each rung is, and how many times fewer its trials.
        resource: ``"epochs"``, or the name of an `Int` of the space, such as the size of the training set: its range then
            takes the place of ``min_epochs`` and ``max_epochs``, and every rung trains from the start.

    Known value: 27 configurations, 1 to 27 epochs, factor 3: rungs of 27, 9, 3 and 1, in all 81 epochs for the 729 that
    training every configuration to the end would take.
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
        """Whether promoted trials go on from where they stood: the study then keeps their states."""
        return self.resource == EPOCHS

    @property
    def rungs(self) -> Rungs:
        """Trials and epochs of each rung; ((27, 1), (9, 3), (3, 9), (1, 27)) by default."""
        return self._rungs(self.min_epochs, self.max_epochs)

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield one batch per rung; end with a note where nothing is left to promote."""
        rungs = self.rungs
        if self.resource != EPOCHS:
            amounts = _whole_range(space, self.resource)
            rungs = self._rungs(amounts.low, amounts.high)
            self._check_trials(rungs)
        yield from _climb(space, rng, rungs, self.resource)

    def _rungs(self, low: int, high: int) -> Rungs:
        amounts = [low]
        while amounts[-1] < high:
            amounts.append(min(amounts[-1] * self.factor, high))
        return tuple((self.trials // self.factor**i, amount) for i, amount in enumerate(amounts))

    def _check_trials(self, rungs: Rungs) -> None:
        advice = f"Its {len(rungs)} rungs keep one trial in {self.factor} each; raise trials, or begin with a longer rung."
        integer("Halving trials", self.trials, self.factor ** (len(rungs) - 1), advice)


@dataclass(frozen=True)
class Hyperband(StrategyBase):
    """Run successive halving in several brackets, from many configurations on short rungs to few trained in full at once.

    It hedges the bet of `Halving` that a short training shows what a long one is worth: each bracket begins with a ``factor``
    times longer rung than the one before, and has about the same budget. Stages are ``bracket-3 rung-0`` and so on; the
    number is that of the promotions in the bracket.

    Args:
        max_epochs: R, the budget of the last rung of every bracket, in epochs.
        factor: eta, how many times larger the budget of each rung is, and how many times fewer its trials.
        min_epochs: the least budget of a first rung.

    Bracket s begins with n = ceil((S + 1) / (s + 1) eta^s) configurations and R / eta^s epochs, S = floor(log_eta(R / least)),
    and its rung i keeps floor(n / eta^i). Known value: for R = 81, eta = 3 the brackets begin with 81, 34, 15, 8 and 5
    configurations, trained to 1, 3, 9, 27 and 81 epochs.
    Source: Li et al. (2018), Hyperband: a novel bandit-based approach to hyperparameter optimization, JMLR 18, algorithm 1.
    """

    max_epochs: int = 27
    factor: int = 3
    min_epochs: int = 1

    resource: ClassVar[str] = EPOCHS
    # Promoted trials go on from where they stood: the study keeps their states.
    continues: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_numbers(self, "min_epochs", "max_epochs", "factor")

    @property
    def brackets(self) -> tuple[Rungs, ...]:
        """Trials and epochs of each rung of each bracket, the one with the shortest rungs first."""
        most = 0
        while self.min_epochs * self.factor ** (most + 1) <= self.max_epochs:
            most += 1
        return tuple(self._bracket(s, most) for s in range(most, -1, -1))

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield one batch per rung, bracket after bracket; each bracket draws configurations of its own."""
        for rungs in self.brackets:
            yield from _climb(space, rng, rungs, EPOCHS, f"bracket-{len(rungs) - 1} ")

    def _bracket(self, s: int, most: int) -> Rungs:
        trials = -(-(most + 1) * self.factor**s // (s + 1))
        return tuple((trials // self.factor**i, round(self.max_epochs / self.factor ** (s - i))) for i in range(s + 1))


def _climb(space: Space, rng: np.random.Generator, rungs: Rungs, resource: str, prefix: str = "") -> Search:
    """Yield one batch per rung, each of the best trials of the one before; end early where a rung has failed altogether."""
    proposals = [_asked(space.sample(rng), rungs[0][1], resource) for _ in range(rungs[0][0])]
    for i in range(len(rungs)):
        stage = f"{prefix}rung-{i}"
        trials = yield Batch(proposals, stage)
        if not best(trials):
            yield Batch((), stage, note=_nobody_left(stage, trials))
            return
        if i + 1 < len(rungs):
            size, amount = rungs[i + 1]
            proposals = [_asked(t.params, amount, resource, t.number) for t in best(trials, size)]


def _asked(params: Params, amount: int, resource: str, continues: int | None = None) -> Proposal:
    """Return what a rung asks of one configuration; other training data than before leave nothing to continue."""
    if resource == EPOCHS:
        return Proposal(params, amount, continues)
    return Proposal(params | {resource: amount})


def _whole_range(space: Space, resource: str) -> Int:
    """Return the range of the parameter that is the resource, or say why it cannot be one."""
    domain = space.domains.get(resource)
    if not isinstance(domain, Int) or domain.step != 1 or domain.low < 1 or domain.conditions:
        close = did_you_mean(str(resource), space.domains)
        advice = f"Take {EPOCHS!r}, or add {resource}=Int(low, high) to the space.{close}"
        constraint = f"{EPOCHS!r} or an unconditional Int(low, high) of the space, from 1 up"
        raise SettingError(must_be("Halving resource", constraint, resource, advice))
    return domain


def _nobody_left(stage: str, trials: Sequence[Trial]) -> str:
    reason = next((t.error for t in trials if t.error), "none was given").rstrip(".")
    return f"None of the {len(trials)} trials of {stage!r} finished, so none is promoted. The first reason: {reason}."


def _check_numbers(strategy: Halving | Hyperband, *names: str) -> None:
    """Refuse what is no whole number, a factor that keeps everybody, and a last rung shorter than the first."""
    what = type(strategy).__name__
    for name in names:
        least, example = (2, 3) if name == "factor" else (1, 27)
        integer(f"{what} {name}", getattr(strategy, name), least, f"Try {example}.")
    if strategy.max_epochs < strategy.min_epochs:
        constraint = f"at least min_epochs={strategy.min_epochs}"
        raise SettingError(must_be(f"{what} max_epochs", constraint, strategy.max_epochs, "Raise it, or begin shorter."))
