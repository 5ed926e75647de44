"""A strategy that is picked by what the objective can do, the space and the budget."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np

from hpsearch import strategies
from hpsearch.checks import integer, number
from hpsearch.errors import SettingError, StudyError, must_be
from hpsearch.ports import PICKED, PICKED_BECAUSE, Batch, ObjectiveBase, Search, StrategyBase
from hpsearch.space import Choice, Space
from hpsearch.strategies import Bayesian, FreezeThaw, GaussianProcess, Grid, QuasiRandom
from hpsearch.trial import Trial

EPOCHS = "epochs"
# Fewer trials than this are too few for a model to pay. On eight BBOB functions in 5-D and 10-D, four seeds each, the model's
# best of 4 trials was ahead of that of the centre and a Sobol sequence 20 times and behind 6 times, of 6 trials 44 and 9 times,
# of 12 trials 56 and 6 times; the others were ties. The points that fill a space can all run side by side.
FEW = 6
# Beyond so many trials a Gaussian process no longer takes all of them.
MANY = 300
# What a search is given that ends by the clock: more than any study spends.
_TRIALS, _TRAININGS = 10_000, 1_000
# The epochs of a training where the objective does not say; as for `Halving`.
_USUAL_EPOCHS = 27


@dataclass(frozen=True)
class Request:
    """What the rules look at: never a measured time.

    Args:
        space: of the study.
        trials: how many full trainings may be spent.
        epochs: the same in epochs, where the objective continues a training; None where it does not.
        full: the epochs of a full training.
        batch_size: the trials that are to run side by side, where the user says so.
    """

    space: Space
    trials: int
    epochs: int | None = None
    full: int = _USUAL_EPOCHS
    batch_size: int | None = None

    @property
    def points(self) -> float:
        """The number of points of the space, conditions aside; infinite where some range is continuous."""
        counts = [len(d.kept) if isinstance(d, Choice) else d.count or math.inf for d in self.space.domains.values()]
        return math.prod(counts)


@dataclass(frozen=True)
class Rule:
    """One rule: a strategy where it applies, else None, and the reason in one clause.

    Where the rules come from: tests/benchmarks/README.md.
    """

    pick: Callable[[Request], StrategyBase | None]
    reason: str


def _all_points(request: Request) -> StrategyBase | None:
    return Grid() if request.points <= request.trials else None


def _halve(request: Request) -> StrategyBase | None:
    """Return halving with a memory; None where nothing continues, or the epochs do not pay for its first round."""
    if request.epochs is None:
        return None
    try:
        return FreezeThaw(epochs=request.epochs, max_epochs=request.full)
    except SettingError:  # too few epochs, or too short a training to be cut
        return None


def _fill(request: Request) -> StrategyBase | None:
    return QuasiRandom(trials=request.trials, centre=True) if request.trials < FEW else None


def _model(request: Request) -> StrategyBase | None:
    if MANY < request.trials != _TRIALS:
        return None
    return _in_batches(GaussianProcess(trials=request.trials), request.batch_size)


def _sample(request: Request) -> StrategyBase | None:
    return _in_batches(Bayesian(trials=request.trials), request.batch_size)


def _in_batches(strategy: GaussianProcess | Bayesian, size: int | None) -> StrategyBase:
    return strategy if size is None else replace(strategy, batch_size=size)


# The first rule that applies decides. When you change one, recorded studies keep what was picked for them.
RULES = (
    Rule(_all_points, "the budget is enough for every point of the space"),
    Rule(_halve, "a training can be stopped and continued, so most settings need only a part of it"),
    Rule(_fill, f"fewer than {FEW} trials are too few for a model, so they fill the space"),
    Rule(_model, f"up to {MANY} trials, or until the clock ends it, a Gaussian process needs the fewest"),
    Rule(_sample, f"beyond {MANY} trials a Gaussian process would leave some of them out, and Bayesian learns from all"),
)


@dataclass(frozen=True)
class Auto(StrategyBase):
    """Pick a strategy by what the objective can do, the space and the budget, and say what was picked and why.

    Give exactly one budget. The rules are in `RULES` in this file, each with its reason: a space with no more points than the
    budget is tried out; an objective that continues trainings is searched by halving; fewer than 6 trials fill the space; up
    to 300 a Gaussian process proposes them; beyond that `Bayesian` does. The objective's pre-flight checks come first.

    What was picked is recorded. A study that is resumed or extended keeps it, even if the rules have changed since.

    Args:
        trials: what may be spent, in full trainings. An objective that continues trainings spends them as epochs, on more
            trials of which most are short: trials=20 of 27 epochs each are 540 epochs.
        epochs: what may be spent, in epochs, by an objective that continues trainings.
        seconds: the wall-clock time after which the study stops, as by ``Stop(seconds=...)``. The time cuts the sequence of
            trials, it has no influence on what is picked.
        batch_size: how many trials a model proposes at a time; None takes what its strategy takes, which learns most from each
            trial. The number of workers keeps as many of them busy.
    """

    preflight: ClassVar[bool] = True

    trials: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    batch_size: int | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("trials", "epochs", "seconds") if getattr(self, name) is not None]
        if len(given) != 1:
            shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in given) or "none"
            raise SettingError(f"Auto must be given one of trials, epochs and seconds, got {shown}. Write Auto(trials=64).")
        if self.trials is not None:
            integer("Auto trials", self.trials, 1, "Try 64.")
        if self.epochs is not None:
            integer("Auto epochs", self.epochs, 1, "Try 20 times the epochs of a full training.")
        if self.seconds is not None:
            number("Auto seconds", self.seconds, 0.0, advice="Try 60.", open_low=True)
        if self.batch_size is not None:
            integer("Auto batch_size", self.batch_size, 1, "Leave it out, or take the number of workers.")

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in ("trials", "epochs", "seconds", "batch_size")}
        return f"Auto({', '.join(f'{name}={value!r}' for name, value in given.items() if value is not None)})"

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield what the picked strategy yields, for an objective that does not continue trainings."""
        yield from self.picked(space).search(space, rng, known)

    def picked(self, space: Space, objective: ObjectiveBase | None = None) -> Picked:
        """Return the strategy for a space and an objective.

        Raises:
            StudyError: a budget in epochs for an objective that cannot spend it.
        """
        request = self._request(space, objective)
        for rule in RULES:
            if (found := rule.pick(request)) is not None:
                return Picked(found, rule.reason, self.batch_size)
        raise SettingError(f"No rule of Auto applies to {request!r}. Name a strategy.")

    def _request(self, space: Space, objective: ObjectiveBase | None) -> Request:
        can_continue = objective is not None and EPOCHS in objective.resources and EPOCHS not in space
        full = objective.epochs if objective is not None and objective.epochs is not None else None
        if self.epochs is not None:
            if not can_continue:
                raise StudyError(self._cannot_continue(space, objective))
            most = full or _USUAL_EPOCHS
            advice = "Or give Auto(trials=...), which counts full trainings."
            integer("Auto epochs", self.epochs, most, f"A full training takes {most}. {advice}", error=StudyError)
            return Request(space, self.epochs // most, self.epochs, most, self.batch_size)
        trials = self.trials or _TRIALS
        if not can_continue or full is None:
            return Request(space, trials, batch_size=self.batch_size)
        return Request(space, trials, full * (self.trials or _TRAININGS), full, self.batch_size)

    def _cannot_continue(self, space: Space, objective: ObjectiveBase | None) -> str:
        if objective is not None and EPOCHS in objective.resources:
            what, got = "The space of a study with Auto(epochs=...)", f"{EPOCHS}={space[EPOCHS]!r}"
            return must_be(what, "one without a parameter 'epochs'", got, "Give trials= or seconds= instead.")
        given = getattr(objective, "given", objective)  # a function is wrapped
        name = "no objective" if given is None else getattr(given, "__name__", type(given).__name__)
        return must_be(f"The objective of {self!r}", "one that trains in epochs", name, "Give trials= or seconds= instead.")


# The values of the port that are those of the picked strategy; all but what stands in `Picked` itself, and the version.
_OWN = ("search", "check", "on_rows", "trials", "preflight", "version")
_ASKED = [n for n in vars(StrategyBase) if n[0] != "_" and n not in _OWN]


@dataclass(frozen=True)
class Picked(StrategyBase):
    """A strategy that `Auto` has picked, which says so with its first batch.

    Args:
        strategy: what proposes the trials.
        reason: why it was picked, in one clause.
        wanted_size: the size of a batch where the user says so.
    """

    preflight: ClassVar[bool] = True

    strategy: StrategyBase
    reason: str
    wanted_size: int | None = None

    def __post_init__(self) -> None:
        # What a study asks of a strategy is asked of the picked one: whether it continues trials, its resource, and the like.
        for name in _ASKED:
            object.__setattr__(self, name, getattr(self.strategy, name))

    def check(self, space: Space) -> None:
        """Raise for a space that the picked strategy cannot search."""
        self.strategy.check(space)

    @property
    def note(self) -> str:
        """What was picked and why, in one sentence."""
        idle = self.wanted_size is not None and not _has(self.strategy, "batch_size")
        unused = f" Its batch_size={self.wanted_size} has no effect here." if idle else ""
        return f"Auto picked {self.strategy!r}: {self.reason}.{unused}"

    @property
    def facts(self) -> dict[str, str]:
        """What is recorded of the choice."""
        return {PICKED: repr(self.strategy), PICKED_BECAUSE: self.reason}

    @property
    def trials(self) -> int | None:
        """How many trials it proposes; None where that is not known."""
        return None if self.strategy.trials == _TRIALS else self.strategy.trials

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield the strategy's batches; the first one says what was picked."""
        search = self.strategy.search(space, rng, known)
        batch = next(search, None)
        note = self.note
        while batch is not None:
            ended = yield replace(batch, note=f"{note} {batch.note}".strip()) if note else batch
            note, batch = "", _send(search, ended)

    def as_recorded(self, facts: Mapping[str, str], name: str) -> Picked:
        """Return what a record says was picked, with the budget of this one.

        Args:
            facts: of the record.
            name: of the study.
        Raises:
            StudyError: the recorded strategy spends another kind of budget, or is none of this package.
        """
        recorded = facts.get(PICKED, "")
        if not recorded or recorded == repr(self.strategy):
            return self
        strategy = _read(recorded)
        if strategy is None:
            advice = "Run it with the version that recorded it, or start anew with --fresh (fresh=True)."
            raise StudyError(must_be(f"The strategy picked for study {name!r}", "one of this version", recorded, advice))
        strategy = _with_budget(strategy, self.strategy, ("batch_size",) * (self.wanted_size is not None))
        return replace(self, strategy=strategy, reason=facts.get(PICKED_BECAUSE, "it was picked when the study began"))


def _send(search: Search, ended: Sequence[Trial]) -> Batch | None:
    try:
        return search.send(ended)
    except StopIteration:
        return None


def _read(text: str) -> StrategyBase | None:
    """Return the strategy of this package that a repr stands for; literals alone are read, and nothing is run."""
    try:
        call = ast.parse(text, mode="eval").body
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in strategies.__all__):
            return None
        options: dict[str, Any] = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
        found = getattr(strategies, call.func.id)(*map(ast.literal_eval, call.args), **options)
    except (SyntaxError, ValueError, TypeError, SettingError):
        return None
    return found if isinstance(found, StrategyBase) else None


def _with_budget(recorded: StrategyBase, now: StrategyBase, further: Sequence[str]) -> StrategyBase:
    """Return a recorded strategy with the budget that is asked for now, and ``further`` settings, where both have them."""
    changes = {name: getattr(now, name) for name in ("trials", EPOCHS, *further) if _has(recorded, name) and _has(now, name)}
    return replace(recorded, **changes) if changes else recorded  # type: ignore[type-var]


def _has(strategy: StrategyBase, name: str) -> bool:
    return name in {field.name for field in fields(strategy)}  # type: ignore[arg-type]
