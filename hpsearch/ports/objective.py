"""The port of an objective: what trains and scores, and what it is handed."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from hpsearch.checks import is_number
from hpsearch.errors import Lagging, SettingError, must_be
from hpsearch.trial import Curve, Outcome, Params

# A curve's name, its sign (-1 where larger is better), and per step the worst signed value with which a trial goes on.
Bar = tuple[str, int, Mapping[int, float]]


@dataclass
class Context:
    """What an objective is handed beside the params.

    Args:
        rng: the only source of randomness the objective may use.
        budget: what this trial may spend, in epochs; None leaves it to the objective.
        state: arrays of an earlier trial to go on from, or None.
        deadline: `time.monotonic` seconds after which the trial should end by itself, or None.
        bar: a curve's name, its sign, and the worst value per step with which a trial goes on; `report` ends it otherwise.
        stage: the stage the trial belongs to; by it an objective knows its own pre-flight checks.
    """

    rng: np.random.Generator
    budget: int | None = None
    state: Mapping[str, Any] | None = None
    deadline: float | None = None
    bar: Bar | None = None
    stage: str = ""
    _points: dict[str, dict[int, float]] = field(default_factory=dict, repr=False)

    def report(self, step: int, **metrics: float) -> None:
        """Add one point to the curve of each metric; a step reported twice keeps the later value.

        Raises:
            Lagging: the study stops trials early and this one lags; let it through.
        """
        for name, value in metrics.items():
            if not (is_number(value) or isinstance(value, np.number)):
                raise SettingError(must_be(f"Metric {name!r}", "a number", value, "Report one float per metric."))
            self._points.setdefault(name, {})[int(step)] = float(value)
        self._check_bar(int(step), metrics)

    def _check_bar(self, step: int, metrics: Mapping[str, float]) -> None:
        """End the trial where its curve lags; NaN lags too."""
        if self.bar is None or step not in self.bar[2] or self.bar[0] not in metrics:
            return
        curve, sign, worst = self.bar
        if not sign * metrics[curve] <= worst[step]:
            was, limit = metrics[curve], sign * worst[step]
            raise Lagging(f"{curve} was {was:.4g} at step {step}, and half of the earlier trials had {limit:.4g} or better")

    @property
    def history(self) -> dict[str, Curve]:
        """Everything reported so far, one curve per metric."""
        return {name: tuple(sorted(points.items())) for name, points in self._points.items()}

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; infinite without one."""
        return math.inf if self.deadline is None else self.deadline - time.monotonic()


@runtime_checkable
class Objective(Protocol):
    """Trains and scores one point of a space; knows nothing of strategies, MLflow or joblib.

    Law: the answer depends on ``params`` and ``context`` alone; raising ends this trial and no other. Params arrive
    resolved (a chosen template is an object with its ranges filled in). Optional attributes a study looks for:
    ``parameters`` (names it accepts), ``required`` (names it cannot do without), ``check(params)`` (refuses a bad value
    before the first trial), ``measure`` (what its value is, as in "validation error"), ``data`` (a `hpsearch.data.Dataset`),
    ``test(params, context, part)`` (scores on a test part), ``shrunk()`` (the same objective on a small part of its data,
    for ``--smoke``), ``preflight(space)`` (a generator like a strategy's search, of checks in stages named
    ``pre-flight: ...``, for strategies with ``preflight=True``; it returns the space to search, or None where a check found
    a bug), ``export(params, context)`` (returns the trial's trained network as `Exported`, from ``context.state`` where there
    is one: the best is logged as a model), ``ranges`` (first ranges for required names that such a study's space leaves out),
    ``facts`` (texts to record beside the versions), ``prepare()`` (loads what trials need into a process, outside their time).
    """

    def __call__(self, params: Params, context: Context) -> Outcome: ...


@dataclass(frozen=True)
class Exported:
    """A trained network as plain data, from which it can be rebuilt without this package.

    Args:
        architecture: what JSON can say of it, see `hpsearch.nn.export.architecture`.
        weights: its arrays by name.
        example: two rows of input, (2, d).
        outputs: what the network answers to the example, (2, k).
        note: a sentence on how it was come by, where that is not as it should be.
    """

    architecture: Mapping[str, Any]
    weights: Mapping[str, np.ndarray] = field(repr=False)
    example: np.ndarray = field(repr=False)
    outputs: np.ndarray = field(repr=False)
    note: str = ""
