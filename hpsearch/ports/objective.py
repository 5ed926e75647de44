"""The port of an objective, and the context of a trial."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from hpsearch.checks import integer, is_number, to_python
from hpsearch.errors import Lagging, SettingError, must_be
from hpsearch.ports.checkpoints import Checkpoint, Checkpoints, thrown_away
from hpsearch.ports.predictions import Predictions
from hpsearch.ports.strategy import Preflight, default
from hpsearch.ports.tracker import DataRecord, Exported, StudyRecord
from hpsearch.space import Domain, Space
from hpsearch.trial import Curve, Outcome, Params, step_unit

AnyObjective = Callable[..., Any]
# With the name of a parameter behind it, the metric that holds the derivative of the value by that parameter.
SLOPE = "slope."


@dataclass(frozen=True)
class Baseline:
    """What the trivial answer scores: a ``value`` as the objective returns it, and a ``rule`` in words.

    It is a fact of a study's record, as text.

    >>> Baseline(0.5, "always predicting the mean").facts
    {'baseline': '0.5 by always predicting the mean'}
    """

    value: float
    rule: str

    @property
    def facts(self) -> dict[str, str]:
        """The fact that says so."""
        return {"baseline": f"{self.value!r} by {self.rule}"}

    @classmethod
    def read(cls, facts: Mapping[str, str]) -> Baseline | None:
        """Return the baseline among the facts of a record; None where there is none that can be read."""
        value, by, rule = facts.get("baseline", "").partition(" by ")
        try:
            return cls(float(value), rule) if by else None
        except ValueError:
            return None


@dataclass(frozen=True)
class PruningThresholds:
    """The values that a trial's curve must reach to go on.

    Args:
        curve: the name of the curve.
        sign: -1 where larger values are better, else 1.
        worst: per step, the worst value, times the sign, with which a trial continues.
    """

    curve: str
    sign: int
    worst: Mapping[int, float]


@dataclass
class Context:
    """What an objective is handed beside the params.

    Args:
        rng: the only source of randomness the objective may use.
        budget: what this trial may spend, in epochs; None leaves it to the objective. Where budgets are in rows it is None, and
            the objective holds so many rows.
        state: arrays of an earlier trial to go on from, or None.
        deadline: `time.monotonic` seconds after which the trial should end by itself, or None.
        thresholds: what the trial's curve must reach to go on; `report` ends the trial otherwise.
        stage: the stage the trial belongs to; by it an objective knows its own pre-flight checks.
        on_report: is called with every point, or None.
        number: of the trial.
        checkpoints: keeps what `checkpoint` writes; without it, as in a test, nothing is kept.
    """

    rng: np.random.Generator
    budget: int | None = None
    state: Mapping[str, Any] | None = None
    deadline: float | None = None
    thresholds: PruningThresholds | None = None
    stage: str = ""
    on_report: Callable[[int, Mapping[str, float]], None] | None = field(default=None, repr=False)
    number: int = 0
    checkpoints: Checkpoints | None = field(default=None, repr=False)
    _points: dict[str, dict[int, float]] = field(default_factory=dict, repr=False)
    _times: dict[str, dict[int, float]] = field(default_factory=dict, init=False, repr=False)
    _began: float = field(default_factory=time.perf_counter, init=False, repr=False)
    _found: Checkpoint | None = field(default=None, init=False, repr=False)
    _searched: bool = field(default=False, init=False, repr=False)

    def report(self, step: int, **metrics: float) -> None:
        """Add one point to the curve of each metric; a step reported twice keeps the later value.

        Raises:
            Lagging: the study stops trials early and this one lags; let it through.
        """
        for name, value in metrics.items():
            if not (is_number(value) or isinstance(value, np.number)):
                raise SettingError(must_be(f"Metric {name!r}", "a number", value, "Report one float per metric."))
            self._points.setdefault(name, {})[int(step)] = float(value)
            self._times.setdefault(step_unit(name), {}).setdefault(int(step), self.seconds)
        if self.on_report is not None:
            self.on_report(int(step), metrics)
        self._check_thresholds(int(step), metrics)

    def _check_thresholds(self, step: int, metrics: Mapping[str, float]) -> None:
        """End the trial where its curve lags; NaN lags too."""
        limits = self.thresholds
        if limits is None or step not in limits.worst or limits.curve not in metrics:
            return
        value, worst = metrics[limits.curve], limits.worst[step]
        if not limits.sign * value <= worst:
            half = f"half of the earlier trials had {limits.sign * worst:.4g} or better"
            raise Lagging(f"{limits.curve} was {value:.4g} at step {step}, and {half}")

    def checkpoint(self, step: int, *, exact: bool = False) -> AbstractContextManager[Path]:
        """Return a context that gives an empty folder, in which the trial saves all that it needs to continue from ``step``.

        The folder becomes the newest checkpoint in one step, when the block ends without an error. The two newest are kept. If
        the trial is killed, it continues from the newest one: see `folder`. Where the disk is full the trial continues without.

        Args:
            step: of the training, in the unit of `report`.
            exact: whether the files hold the state of the random numbers and all else, so that a trial which continues from
                them has the same bits as an undisturbed one. The record does not mark such a trial.
        """
        step = integer("The step of a checkpoint", to_python(step), 0, "Pass the epoch that has just ended.")
        self._searched = True  # a trial that saves before it asks starts anew
        if self.checkpoints is None:
            return thrown_away()
        return self.checkpoints.save(step, _until(step, self._points), exact, _until(step, self._times))

    @property
    def folder(self) -> Path | None:
        """The files of the newest checkpoint: of this trial, else of the trial that it continues; None where there is none.

        Ask before the first checkpoint. That takes over the curves reported before it, and marks the trial as resumed.
        """
        found = self._find()
        return None if found is None else found.folder

    @property
    def step(self) -> int:
        """The step of the newest checkpoint; 0 where there is none."""
        found = self._find()
        return 0 if found is None else found.step

    @property
    def resumed(self) -> Checkpoint | None:
        """The checkpoint that the objective asked for and got; None where it continues to the same bits."""
        return None if self._found is None or self._found.exact else self._found

    def _find(self) -> Checkpoint | None:
        if not self._searched:
            self._searched = True
            self._found = None if self.checkpoints is None else self.checkpoints.find()
            if self._found is not None:
                self._take_over(self._found)
        return self._found

    def _take_over(self, earlier: Checkpoint) -> None:
        """Add the curves of a checkpoint, and pass them on: they belong to the trial's curves from here on."""
        self.continue_times(earlier.times)
        rows: dict[int, dict[str, float]] = {}
        for name, curve in earlier.points.items():
            self._points[name] = {**curve, **self._points.get(name, {})}
            for step, value in curve.items():
                rows.setdefault(step, {})[name] = value
        if self.on_report is not None:
            for step in sorted(rows):
                self.on_report(step, rows[step])

    @property
    def history(self) -> dict[str, Curve]:
        """Everything reported so far, one curve per metric."""
        return {name: tuple(sorted(points.items())) for name, points in self._points.items()}

    @property
    def seconds(self) -> float:
        """Seconds of training so far, with those of the training that it continues."""
        return time.perf_counter() - self._began

    @property
    def times(self) -> dict[str, Curve]:
        """The seconds of each step that was reported, when it was first, by what the steps count; never part of a record."""
        return {unit: tuple(sorted(times.items())) for unit, times in self._times.items()}

    def set_times(self, unit: str, times: Mapping[int, float]) -> None:
        """Replace the seconds of the steps of a unit, where they are known better than from the time of a report."""
        self._times[unit] = dict(times)

    def continue_times(self, earlier: Mapping[str, Mapping[int, float]]) -> None:
        """Take over the seconds of the steps of an earlier training, and go on from the last of them."""
        for unit, times in earlier.items():
            self._times[unit] = {**self._times.get(unit, {}), **times}
        last = max((seconds for times in earlier.values() for seconds in times.values()), default=0.0)
        self._began = min(self._began, time.perf_counter() - last)  # a second call with the same times changes nothing

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; infinite without one."""
        return math.inf if self.deadline is None else self.deadline - time.monotonic()


def _until(step: int, curves: Mapping[str, Mapping[int, float]]) -> dict[str, dict[int, float]]:
    return {name: {at: value for at, value in curve.items() if at <= step} for name, curve in curves.items()}


class DataSet:
    """What a study reads of an objective's data set; `hpsearch.data.Dataset` is one."""

    @default
    def checksum(self) -> str:
        """SHA-256 (hex) of the rows that a study sees."""
        raise NotImplementedError

    @default
    def record(self) -> DataRecord:
        """Names, sizes and checksums, for the record."""
        raise NotImplementedError

    @default
    def reproduction(self) -> bool:
        """Whether the validation part is in truth the test part, to reproduce a published figure."""
        return False

    @default
    def test(self) -> Any:
        """The handle of a sealed test part, see `hpsearch.data.vault`; None where there is none."""
        return None

    @default
    def rows(self) -> int | None:
        """The number of training rows; None where samples of them cannot be drawn."""
        return None

    @default
    def fewest_rows(self) -> int:
        """The number of rows of the smallest sample that is worth training on."""
        return 1

    def sample(self, rows: int, seed: int) -> DataSet:
        """Return the data set with a random sample of the training rows; samples of one seed are nested."""
        raise NotImplementedError


@runtime_checkable
class Objective(Protocol):
    """Trains and scores one point of a space; knows nothing of strategies, MLflow or joblib.

    The outcome depends on ``params`` and ``context`` alone. An exception ends this trial and no other. Params arrive resolved:
    a chosen template is an object with its ranges filled in. A plain ``f(params)`` is accepted too; what else a study can use
    stands in `ObjectiveBase`.
    """

    def __call__(self, params: Params, context: Context) -> Outcome: ...


class ObjectiveBase:
    """Typed defaults for everything that a study can use of an objective; subclass it and override what you offer.

    ``__call__(params, context)`` is the only method that is required. The optional methods are ``check``, ``prepare``,
    ``preflight``, ``export``, ``refit``, ``predictions``, ``shrunk`` and ``test``; `capabilities` names those that a class
    implements. Any other callable, such as a function, is wrapped once by `hpsearch.ports.adapt_objective`.

    >>> class Bowl(ObjectiveBase):
    ...     parameters = ("x",)
    ...     def __call__(self, params, context):
    ...         return params["x"] ** 2
    >>> Bowl().measure, sorted(Bowl().capabilities)
    ('value', [])
    """

    def __call__(self, params: Params, context: Context) -> Any:
        """Train and score one point; return an `Outcome`, a number, or a dict with ``"value"``."""
        raise NotImplementedError

    @default
    def parameters(self) -> Collection[str] | None:
        """The names it accepts as params; None accepts every name."""
        return None

    def parameters_in(self, space: Space) -> Collection[str] | None:
        """Return the names it accepts as params of a space, whose options may have settings of their own.

        By default `parameters`, whatever the space.
        """
        return self.parameters

    @default
    def required(self) -> Collection[str]:
        """The names that must be in the space."""
        return ()

    @default
    def ranges(self) -> Mapping[str, Domain]:
        """First ranges for required names that a study with pre-flight checks may leave out."""
        return {}

    @default
    def measure(self) -> str:
        """What its value is, such as ``"validation error"``."""
        return "value"

    def criterion(self, space: Space) -> str:
        """Return what values must be for those of another objective to be compared with them, in a search of this space.

        By default `measure`. Override it where that says too little, such as a cost without the name of its function.
        """
        return self.measure

    def idle_settings(self, space: Space) -> Sequence[str]:
        """Return a sentence for each of its settings that has no effect in any trial of a search of this space."""
        return ()

    @default
    def greater_is_better(self) -> bool | None:
        """Whether larger values are better, as of a score; the study takes this direction. None leaves it to the study."""
        return None

    @default
    def timed(self) -> Collection[str]:
        """The metrics that a clock measures, so that no trial repeats them; ``"value"`` stands for the value itself."""
        return ()

    @default
    def data(self) -> DataSet | None:
        """The data set it trains on; its checksum is part of the study's identity."""
        return None

    @default
    def facts(self) -> Mapping[str, str]:
        """Texts to record beside the library versions."""
        return {}

    @default
    def baseline(self) -> Baseline | None:
        """What the trivial answer scores on its validation part; None where it holds no data."""
        return None

    @default
    def related(self) -> Mapping[str, StudyRecord]:
        """Records of other studies that this one compares, by name."""
        return {}

    @default
    def epochs(self) -> int | None:
        """The length of a whole training, which a budget in epochs may not exceed; None for no limit."""
        return None

    @default
    def training_rows(self) -> int | None:
        """The number of training rows it holds, so that a trial may be given a part of them; None where it holds none.

        By default those of ``data``, where it is a dataclass with such a field.
        """
        return rows_of(self)

    @default
    def resources(self) -> Collection[str]:
        """What a trial can spend more or less of: ``"epochs"`` (it heeds ``context.budget``), ``"rows"`` (see `on_rows`)."""
        return ("epochs",) * self.takes_context + ("rows",) * (self.training_rows is not None)

    @default
    def curves(self) -> Collection[str] | None:
        """The curves that its trials report while they run, for `MedianStop`; None where that is not declared."""
        return None

    @default
    def version(self) -> int:
        """Raised when the same repr gives other trials than before; part of the study's identity where it is not 1."""
        return 1

    @default
    def takes_context(self) -> bool:
        """Whether it can heed ``context``: its budget, its random numbers, its state."""
        return True

    @default
    def capabilities(self) -> frozenset[str]:
        """The names of the optional methods it implements."""
        own, base = type(self), ObjectiveBase
        offered = {
            "check": own.check is not base.check,
            "prepare": own.prepare is not base.prepare,
            "preflight": own.preflight is not base.preflight,
            "export": own.export is not base.export,
            "refit": own.refit is not base.refit,
            "predictions": own.predictions is not base.predictions,
            "shrunk": own.shrunk is not base.shrunk,
            "test": own.test is not base.test,
        }
        return frozenset(name for name, is_own in offered.items() if is_own)

    def check(self, params: Params) -> None:
        """Raise an error for params it could not train with; train nothing."""

    def prepare(self) -> None:
        """Load what trials need into this process, outside of any trial's time."""

    def preflight(self, space: Space) -> Preflight:
        """Yield batches of checks, in stages named ``pre-flight: ...``; return the space to search, or None after a bug."""
        raise NotImplementedError

    def on_rows(self, rows: int, seed: int) -> ObjectiveBase:
        """Return the same objective on a sample of its training rows; by default a copy with other ``data``.

        The samples of one seed are nested. The validation part stays whole.
        """
        own: ObjectiveBase = with_data(self, self.data, rows, seed)
        return own

    def export(self, params: Params, context: Context) -> Exported:
        """Return the trained network of a trial, from ``context.state`` where there is one."""
        raise NotImplementedError

    def refit(self, params: Params, context: Context, rows: str) -> Any:
        """Return a scikit-learn estimator fitted as in a trial, on the user's own labels.

        Args:
            params: of the trial.
            context: of the trial, by whose random numbers it is fitted.
            rows: ``"all"``, those of training and validation part, or ``"training"``, which gives the trial's own to the bit.
        """
        raise NotImplementedError

    def predictions(self, params: Params, context: Context) -> Predictions:
        """Return what a trial predicts for the rows that it is scored on, from ``context.state`` or trained again."""
        raise NotImplementedError

    def shrunk(self) -> ObjectiveBase:
        """Return the same objective on a small part of its data, for ``--smoke``."""
        raise NotImplementedError

    def test(self, params: Params, context: Context, part: Any) -> Mapping[str, float]:
        """Score a trial on the test part."""
        raise NotImplementedError


def rows_of(objective: Any) -> int | None:
    """Return the number of training rows in the field ``data`` of a dataclass; None where there are none to sample."""
    if not dataclasses.is_dataclass(objective) or isinstance(objective, type):
        return None
    own: Any = objective
    has_field = any(item.name == "data" and item.init for item in dataclasses.fields(own))
    return own.data.rows if has_field and isinstance(own.data, DataSet) else None


def with_data(objective: Any, data: DataSet | None, rows: int, seed: int) -> Any:
    """Return a copy of a dataclass with a sample of the training rows in its field ``data``."""
    if data is None:
        advice = "Give it a field data, or write on_rows(rows, seed)."
        raise SettingError(must_be("An objective that gets a part of its rows", "a dataclass with data", objective, advice))
    return dataclasses.replace(objective, data=data.sample(rows, seed))
