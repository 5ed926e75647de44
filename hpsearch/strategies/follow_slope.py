"""Search down the slope of the value, for objectives that report its derivatives by their params."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hpsearch.checks import integer, number
from hpsearch.errors import SettingError, must_be
from hpsearch.ports import SLOPE, Batch, Proposal, Search, StrategyBase
from hpsearch.space import Float, Params, Space
from hpsearch.strategies.known_settings import best_known
from hpsearch.strategies.starting_points import first_points
from hpsearch.trial import Trial

# A step that led downhill grows, one that did not shrinks; a descent whose step is that short has arrived, and another begins.
_GROW, _SHRINK, _ARRIVED = 1.5, 0.5, 0.01


@dataclass(frozen=True)
class FollowSlope(StrategyBase):
    """Descend from several points at once along the derivatives of the value that the objective reports.

    A trial reports metrics ``slope.NAME``, the derivative of what is minimised by the param of that name, as `TrainUnrolled`
    does. Each of ``starts`` descents takes a step from its best trial so far against the slope there, measured in shares of the
    ranges (for logarithmic ones, of the logarithm). A step that leads downhill makes the next one half as long again, any other
    halves it and is taken from where it began. A descent that has arrived, or that has failed where it began, begins anew.
    Steps stay in the ranges. Only Floats move; other parameters stay what they are where a descent begins.

    The first points are the best known settings, a point near the centre, and Sobol points. A batch has one trial of each
    descent.

    Args:
        trials: the number of trials in all.
        starts: the number of descents.
        step: the first step, as a share of the ranges.

    Known value: on a bowl along the axes one descent halves the distance from the optimum in fewer than four trials. Sources:
    Nielsen, Neural Networks and Deep Learning, ch. 3, which names gradient descent on hyperparameters; Armijo (1966),
    Minimization of functions having Lipschitz continuous first partial derivatives, for steps that are halved.
    """

    trials: int = 32
    starts: int = 4
    step: float = 0.2

    def __post_init__(self) -> None:
        integer("FollowSlope trials", self.trials, 1, "Try 32.")
        integer("FollowSlope starts", self.starts, 1, "Try 4.")
        number("FollowSlope step", self.step, _ARRIVED, 1.0, "Try 0.2.", error=SettingError)

    def check(self, space: Space) -> None:
        """Raise for a space without a Float."""
        if not _moving(space):
            advice = "Take Grid or Random."
            raise SettingError(must_be("The space of FollowSlope", "one with a Float to move along", space, advice))

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield one batch for each step of all descents."""
        self.check(space)
        names = _moving(space)
        settings = best_known(space, known, self.starts)
        points = [*settings, *first_points(space, self.starts, True, rng)][: self.starts]
        descents = [_Descent(space, names, self.step, point) for point in points]
        left = self.trials
        while left:
            batch = descents[:left]
            trials = yield Batch([Proposal(descent.point) for descent in batch], "descent")
            left -= len(trials)
            for trial in trials:
                if trial.ok and (name := _missing(trial, names)) is not None:
                    yield Batch((), "descent", note=_describe_missing(trial, name))
                    return
            for descent, trial in zip(batch, trials, strict=True):
                if not descent.learn(trial):
                    descent.begin(space.sample(rng))


def _moving(space: Space) -> list[str]:
    return [name for name, domain in space.domains.items() if isinstance(domain, Float) and not domain.is_fixed]


@dataclass
class _Descent:
    """One descent: the best trial of it, and the next point.

    Args:
        space: of the study.
        names: of the parameters that move.
        first: the first step.
        point: where it begins.
    """

    space: Space
    names: list[str]
    first: float
    point: Params
    best: Params = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.begin(self.point)

    def begin(self, point: Params) -> None:
        """Begin anew at a point."""
        self.point, self.value, self.step = point, math.inf, self.first
        self.downhill: dict[str, float] = {}

    def learn(self, trial: Trial) -> bool:
        """Take the next step after the trial of the last one; return False if the descent has come to its end."""
        if trial.ok and trial.value < self.value:
            self.step *= _GROW if self.value < math.inf else 1.0
            self.value, self.best = trial.value, trial.params
            self.downhill = self._direction(trial)
        else:
            self.step *= _SHRINK
        if self.step < _ARRIVED or not self.downhill:
            return False
        moved = {name: self._moved(name, share) for name, share in self.downhill.items()}
        self.point = {name: moved.get(name, value) for name, value in self.best.items()}
        return True

    def _direction(self, trial: Trial) -> dict[str, float]:
        """Return the direction downhill in shares of the ranges, of length 1; empty where there is none."""
        assert trial.outcome is not None
        down = {
            name: -trial.outcome.metrics[f"{SLOPE}{name}"] * self._per_share(name, trial.params[name])
            for name in self.names
            if name in trial.params
        }
        # At the end of a range there is no way on.
        units = {name: self.space[name].to_unit(trial.params[name]) for name in down}
        down = {n: d for n, d in down.items() if math.isfinite(d) and d and not (units[n] <= 0.0 if d < 0 else units[n] >= 1.0)}
        largest = max(map(abs, down.values()), default=0.0)
        length = largest * math.sqrt(sum((d / largest) ** 2 for d in down.values())) if largest else 0.0
        return {name: d / length for name, d in down.items()} if math.isfinite(length) and length else {}

    def _per_share(self, name: str, value: float) -> float:
        """Return by how much the parameter grows per share of its range."""
        domain = self.space[name]
        assert isinstance(domain, Float)
        return value * math.log(domain.high / domain.low) if domain.log else domain.high - domain.low

    def _moved(self, name: str, share: float) -> float:
        domain = self.space[name]
        return float(domain.from_unit(min(max(domain.to_unit(self.best[name]) + self.step * share, 0.0), 1.0)))


def _missing(trial: Trial, names: Sequence[str]) -> str | None:
    """Return the first param whose derivative a trial does not report."""
    metrics = {} if trial.outcome is None else trial.outcome.metrics
    return next((name for name in names if name in trial.params and f"{SLOPE}{name}" not in metrics), None)


def _describe_missing(trial: Trial, name: str) -> str:
    return (
        f"Trial {trial.number} reports no metric {SLOPE + name!r}, so there is no slope to follow and the search ends. "
        "Report the derivative of the value, as TrainUnrolled does, or take GaussianProcess."
    )
