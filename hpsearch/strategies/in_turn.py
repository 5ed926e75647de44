"""Search of one parameter after the other, coarse to fine, with the others held at their best so far."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpsearch.checks import boolean, integer, is_number
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Choice, Domain, Float, Int, Params, Space
from hpsearch.space.equality import params_key
from hpsearch.strategies.named_parameters import check_in_space, check_names
from hpsearch.trial import Trial, best

# These begin at their low end: without a penalty it is seen which rate trains the network.
_PENALTIES = frozenset({"l1", "l2", "dropout", "input_dropout"})
# A coarse step, as a share of a range: a quarter, or a decade of a logarithmic Float, which is at most a half.
_STEP, _LARGEST_STEP = 0.25, 0.5
# How far a place may be from a whole step.
_ROUNDING = 1e-9
# How often a turn halves its step.
_HALVINGS = 2


@dataclass(frozen=True)
class InTurn(StrategyBase):
    """Tune one parameter after the other, each coarsely and then finely, the others held at their best so far.

    The search begins at the best of the trials that are known, such as a study's ``first``. Where there are none, it begins at
    the middle of every range and the first option of every choice, with ``l1``, ``l2`` and dropout at their lowest. The first
    turn of a parameter tries a grid through its value: factors of ten for a logarithmic Float, quarters of the range for other
    ranges, all options of a choice. Then come the neighbours of the best value at half that step, and at a quarter. Later turns
    try neighbours alone, and begin with half the step of the turn before. When all have had their turn, the next round begins.

    It ends after ``trials`` trials, or sooner where a round finds nothing new to try. It draws nothing at random, so two seeds
    differ in the noise of their trials alone. A parameter that is absent at the best setting so far is passed over; an
    ``order`` names it after the parameters that it depends on.

    Args:
        order: the names of the parameters in turn; one may come back, as in ``("learning_rate", "l2", "learning_rate",
            "batch_size")``. Empty takes all, in the order of the space. Others keep their first value.
        trials: the largest number of trials in all.
        preflight: whether the objective's pre-flight checks run first, if it has any, as in `Staged`.

    Known value: on a bowl along the axes the first turn of a parameter ends within an eighth of its coarse step from the best
    value, whatever the others are. On digits it is as good as a model of all trials; in a narrow valley across two ranges it is
    worse than random search (docs/step-by-step.md).
    Source: Nielsen, Neural Networks and Deep Learning, ch. 3: without decay the learning rate first, then lambda from 1.0 by
    factors of ten and finely, back to the rate, then the size of the mini-batches.
    """

    order: tuple[str, ...] = ()
    trials: int = 64
    preflight: bool = True

    def __post_init__(self) -> None:
        check_names(self, "order", "Write it as in ('learning_rate', 'l2'), or leave it out for all.")
        integer("InTurn trials", self.trials, 1, "Try 64.")
        boolean("InTurn preflight", self.preflight, "Leave it out for True.")

    def check(self, space: Space) -> None:
        """Raise for an order with an unknown name, or with a conditional one before what it depends on."""
        check_in_space("InTurn order", self.order, space)

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield the batches of each turn, and after them one without proposals that says what was kept."""
        self.check(space)
        names = [name for name in self.order or space if not _is_fixed(space[name])] or list(space)
        climb, turns = _Climb(space, self.trials, known), Counter[str]()
        while climb.left:
            before = climb.left
            for name in names:
                yield from climb.turn(name, turns[name])
                turns[name] += 1
            if climb.left == before:
                return
            if climb.value == math.inf:
                yield Batch((), note="All trials of the first round failed, so the search ends. Begin where some succeed.")
                return


class _Climb:
    """The best setting so far, and what has been tried.

    Args:
        space: of the study.
        trials: how many may be run.
        known: trials of the same objective.
    """

    def __init__(self, space: Space, trials: int, known: Sequence[Trial]) -> None:
        self.space, self.left, self.value = space, trials, math.inf
        # A value for every parameter, also for those that are absent at the moment.
        self.held = {name: _first_value(name, domain) for name, domain in space.domains.items()}
        self.tried: set[str] = set()
        self._learn([t for t in known if t.budget is None and not t.is_preflight and space.contains(t.params)])

    def turn(self, name: str, earlier: int) -> Search:
        """Yield the batches of one parameter's turn, after so many earlier ones."""
        domain, kept, values = self.space[name], self.held[name], 0
        if not self.space.active(name, self._params()):
            yield Batch((), name, note=f"{name} is passed over: it is absent at the best setting so far.")
            return
        for stage, candidates in self._lines(name, domain, earlier):
            points = self._untried(name, candidates)
            if points:
                values += len(points)
                self.left -= len(points)
                self._learn((yield Batch([Proposal(params) for params in points], stage)))
        if values:
            yield Batch((), name, note=self._describe(name, domain, kept, values))

    def _lines(self, name: str, domain: Domain, earlier: int) -> Iterator[tuple[str, list[Any]]]:
        """Yield a stage and the values to try in it, around the best so far."""
        again = f"-{earlier + 1}" if earlier else ""
        if isinstance(domain, Choice):
            yield f"{name}{again}", list(domain.kept)
            return
        step = _coarse_step(domain) / 2**earlier
        if not earlier:
            yield f"{name} coarse", _through(domain, self.held[name], step)
        for halvings in range(0 if earlier else 1, _HALVINGS + 1):
            yield f"{name} fine{again}", _beside(domain, self.held[name], step / 2**halvings)

    def _untried(self, name: str, values: Sequence[Any]) -> list[Params]:
        """Return the points with these values that are new, at most as many as may still be run."""
        points = {params_key(params): params for params in (self._params({name: value}) for value in values)}
        return [params for key, params in points.items() if key not in self.tried][: self.left]

    def _params(self, changed: Params | None = None) -> Params:
        """Return the best setting so far, with some values changed."""
        params: Params = {}
        for name, value in (self.held | (changed or {})).items():
            if self.space.active(name, params):
                params[name] = value
        return params

    def _learn(self, trials: Sequence[Trial]) -> None:
        """Note what was tried, and move to the best trial where it beats what was best."""
        self.tried |= {params_key(self.space.canonical(trial.params)) for trial in trials}
        for trial in best(trials, 1):
            if trial.value < self.value:
                self.value = trial.value
                self.held |= self.space.canonical(trial.params)

    def _describe(self, name: str, domain: Domain, before: Any, values: int) -> str:
        now = self.held[name]
        change = f"moves from {_text(domain, before)} to" if now != before else "stays at"
        number = "one value was" if values == 1 else f"{values} values were"
        return f"{name} {change} {_text(domain, now)}: {number} tried."


def _is_fixed(domain: Domain) -> bool:
    return len(domain.kept) == 1 if isinstance(domain, Choice) else domain.is_fixed


def _first_value(name: str, domain: Domain) -> Any:
    """Return where a parameter begins: the middle of a range, the first option; a penalty at its lowest."""
    if not isinstance(domain, Choice):
        return domain.from_unit(0.0 if name in _PENALTIES else 0.5)
    numbers = name in _PENALTIES and all(is_number(value) for value in domain.kept)
    return min(domain.kept) if numbers else domain.kept[0]


def _coarse_step(domain: Float | Int) -> float:
    """Return a coarse step as a share of the range."""
    if isinstance(domain, Float) and domain.log and domain.high > domain.low:
        return min(1 / math.log10(domain.high / domain.low), _LARGEST_STEP)
    return _STEP


def _through(domain: Float | Int, value: Any, step: float) -> list[Any]:
    """Return a value, and those at whole steps from it, from low to high; of equal trials the first one counts."""
    u = domain.to_unit(value)
    down, up = math.floor(u / step + _ROUNDING), math.floor((1 - u) / step + _ROUNDING)
    return [value, *(_value_at(domain, u + k * step) for k in range(-down, up + 1) if k)]


def _beside(domain: Float | Int, value: Any, step: float) -> list[Any]:
    """Return a value and its two neighbours a step away, or at the end of the range."""
    u = domain.to_unit(value)
    return [value, _value_at(domain, u - step), _value_at(domain, u + step)]


def _value_at(domain: Float | Int, u: float) -> Any:
    """Return the value at a place of the range; the same one on every way there."""
    value = domain.from_unit(min(max(u, 0.0), 1.0))
    rounded = float(f"{value:.12g}") if isinstance(domain, Float) else value
    return rounded if domain.contains(rounded) else value


def _text(domain: Domain, value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else domain.text(value)
