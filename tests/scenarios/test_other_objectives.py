"""Objectives of other people's making: equal tables on every backend and the second time, and nothing handed in is changed.

The expected values come from calling each objective by hand, on objects made anew for every trial.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import AdaBoostClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from hpsearch import Choice, Context, Float, Int, Space, Study
from hpsearch.data import Dataset, Part
from hpsearch.objectives import CrossValidate, TuneEstimator
from hpsearch.ports import ObjectiveBase, adapt_objective
from hpsearch.space import Params
from hpsearch.strategies import Random
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Outcome, Trial
from tests.nn.blobs import CLASSES, blobs

TRIALS, SEED = 5, 3
MEGABYTE = 2**20
Made = tuple[Space, Any]


def small() -> Dataset:
    return Dataset("blobs", Part(*blobs(90)), Part(*blobs(60, seed=1)), classes=CLASSES)


def pipeline() -> Made:
    space = Space(
        scale=Choice("passthrough", StandardScaler(), MinMaxScaler()),
        clf=Choice(SVC(), SVC(kernel="linear")),
        clf__C=Float(1e-4, 1e-1, log=True, when={"scale": "passthrough"}),
    )
    return space, TuneEstimator(Pipeline([("scale", "passthrough"), ("clf", SVC(C=0.01))]), small())


def searched_steps() -> Made:
    space = Space(
        scale=Choice("passthrough", None, StandardScaler(with_mean=False)),
        clf=Choice(SVC(kernel="linear"), AdaBoostClassifier(DecisionTreeClassifier(), n_estimators=3)),
        clf__C=Float(1e-4, 1e-1, log=True, when={"clf": "SVC"}),
        clf__estimator__max_depth=Int(1, 3, when={"clf": "AdaBoostClassifier"}),
    )
    return space, TuneEstimator(Pipeline([("scale", MinMaxScaler()), ("clf", SVC())]), small())


def boosted_trees() -> Made:
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=3, num_leaves=4, min_child_samples=5, verbose=-1, n_jobs=1)
    steps = Pipeline([("scale", StandardScaler()), ("clf", model)])
    steps.set_output(transform="pandas")  # it warns of columns without names
    options = Choice(MinMaxScaler().set_output(transform="pandas"), StandardScaler().set_output(transform="pandas"))
    return Space(scale=options, clf__learning_rate=Float(0.05, 0.5)), TuneEstimator(steps, small())


class Counting:
    """Counts its calls, remembers what it was asked, and keeps its best."""

    best = math.inf

    def __init__(self, start: int) -> None:
        self.calls, self.seen, self.limits = start, [0.5], {"low": {"x": 0.0}}

    def __call__(self, params: Params) -> dict[str, float]:
        self.calls += 1
        self.seen.append(params["x"])
        self.limits["low"]["x"] += params["x"]
        self.best = min(self.best, params["x"])
        return {"value": self.best + sum(self.seen), "calls": self.calls, "low": self.limits["low"]["x"]}

    def score(self, params: Params) -> float:
        return self(params)["value"]


def counting() -> Made:
    return Space(x=Float(0.0, 1.0)), Counting(2)


def bound_method() -> Made:
    return Space(x=Float(0.0, 1.0)), Counting(5).score


def closure_over_a_frame() -> Made:
    frame = pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0) % 7})

    def objective(params: Params) -> float:
        return float((frame["a"] * params["x"] - frame["b"]).abs().mean())

    return Space(x=Float(0.0, 1.0)), objective


class Frames:
    """Writes to a frame above 1 MB and to a small one, as one does who thinks that they are his own."""

    def __init__(self) -> None:
        self.large = pd.DataFrame({"a": np.arange(MEGABYTE / 4), "b": 1.0})
        self.small = pd.DataFrame({"a": [1.0, 2.0], "b": ["u", "v"]})

    def __call__(self, params: Params) -> float:
        self.large.loc[0, "a"] += params["x"]
        self.large["b"] *= params["x"]
        self.small.loc[1, "a"] += params["x"]
        return float(self.large["a"].iloc[0] + self.large["b"].sum() + self.small["a"].sum())


def frames() -> Made:
    return Space(x=Float(0.0, 1.0)), Frames()


class Centred:
    """Changes its small array in place, and reads one above 1 MB."""

    def __init__(self) -> None:
        self.rows, self.many = np.arange(20_000.0), np.arange(MEGABYTE / 4)
        self.rng = np.random.default_rng(0)

    def __call__(self, params: Params) -> float:
        self.rows -= params["x"] * self.rows.mean()
        return float(self.rows.mean() + self.many.sum() + self.rng.random())


def arrays() -> Made:
    return Space(x=Float(0.0, 1.0)), Centred()


def pops(params: Params) -> float:
    """Take its params apart, as in ``kind = kw.pop("kind")``."""
    settings, x = params.pop("model"), params.pop("x")
    kind = settings.pop("kind")
    settings["sizes"].append(len(kind))
    return float(x * sum(settings["sizes"]) + len(params))


def popped_options() -> Made:
    return Space(model=Choice({"kind": "tree", "sizes": [3]}, {"kind": "forest", "sizes": [3, 4]}), x=Float(0.0, 1.0)), pops


@dataclass
class Settings:
    """A template with a fixed setting that can be written to."""

    size: Any = 1
    layers: list[int] = field(default_factory=lambda: [2])


def grows(params: Params) -> float:
    plan = params["plan"]
    plan.layers.append(plan.size)
    return float(sum(plan.layers) * params["x"])


def templates() -> Made:
    return Space(plan=Choice(Settings(size=Int(1, 9)), Settings(size=4, layers=[7])), x=Float(0.0, 1.0)), grows


@dataclass
class Configured:
    """A dataclass with fields that can be written to."""

    options: dict[str, Any] = field(default_factory=lambda: {"kind": "square", "power": 2})
    log: list[float] = field(default_factory=list)

    def check(self, params: Params) -> None:
        self.options.pop("kind")

    def __call__(self, params: Params, context: Context) -> float:
        self.options.pop("kind")
        self.log.append(context.rng.random())
        return float(params["x"] ** self.options["power"] + sum(self.log))


def mutable_fields() -> Made:
    return Space(x=Float(0.0, 1.0)), Configured()


def weighted(weights: dict[str, list[float]], params: Params, *, log: list[float]) -> float:
    weights["w"].append(params["x"])
    log.extend(weights["w"])
    return sum(log)


def partial_with_objects() -> Made:
    return Space(x=Float(0.0, 1.0)), partial(weighted, {"w": [1.0]}, log=[0.5])


class Cached(ObjectiveBase):
    """A subclass of our base class that keeps what it has worked out."""

    def __init__(self) -> None:
        self.known: dict[int, float] = {}

    def prepare(self) -> None:
        self.known.setdefault(-1, 10.0)
        self.known[-1] += 1

    def __call__(self, params: Params, context: Context) -> Outcome:
        hit = float(params["n"] in self.known)
        self.known[params["n"]] = params["n"] ** 2 + context.rng.random()
        return Outcome(self.known[params["n"]] + self.known[-1], {"hit": hit, "known": float(len(self.known))})


def cache() -> Made:
    return Space(n=Int(1, 2)), Cached()


@dataclass
class Nearest:
    """An objective with data, to be cross-validated, that takes its option and its own settings apart."""

    data: Dataset
    extra: dict[str, float] = field(default_factory=lambda: {"shift": 0.25})

    def __call__(self, params: Params) -> float:
        settings = params["metric"]
        centres = [self.data.train.x[self.data.train.y == c].mean(axis=0) for c in range(self.data.classes)]
        distance = np.abs(self.data.validation.x[:, None] - np.stack(centres)) ** settings.pop("power")
        return float(np.mean(distance.sum(axis=2).argmin(axis=1) != self.data.validation.y) + self.extra.pop("shift"))


def cross_validation() -> Made:
    return Space(metric=Choice({"power": 1.0}, {"power": 2.0})), CrossValidate(Nearest(small()), folds=3)


CASES: list[Callable[[], Made]] = [
    pipeline, searched_steps, boosted_trees, counting, bound_method, closure_over_a_frame, frames, arrays, popped_options,
    templates, mutable_fields, partial_with_objects, cache, cross_validation,
]  # fmt: skip


def study_of(made: Made) -> Study:
    space, objective = made
    return Study("theirs", space, objective, Random(trials=TRIALS), seed=SEED)


def run(study: Study, backend: Any, jobs: int) -> list[str]:
    return table(study.run(jobs, backend=backend, tracker=MemoryTracker(), report=False).trials)


def by_hand(make: Callable[[], Made]) -> list[str]:
    """Return the table by calling an objective made anew for each trial; only the settings are those of a study."""
    trials = study_of(make()).run(backend="sequential", tracker=MemoryTracker(), report=False).trials
    return table([_by_hand(make, trial) for trial in trials])


def _by_hand(make: Callable[[], Made], trial: Trial) -> Trial:
    space, given = make()
    objective = adapt_objective(given)
    objective.prepare()
    context = Context(np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=(2, trial.number))))
    found = objective(space.resolve(trial.params), context)
    if isinstance(found, Mapping):
        found = Outcome(float(found["value"]), {name: float(metric) for name, metric in found.items() if name != "value"})
    outcome = found if isinstance(found, Outcome) else Outcome(float(found))
    return Trial(trial.number, trial.params, trial.stage, trial.status, outcome)


def content(thing: Any) -> Any:
    """Return what an object holds, as nested tuples that compare by value."""
    if isinstance(thing, np.ndarray):
        return thing.dtype, thing.shape, thing.tobytes(), thing.flags.writeable
    if isinstance(thing, pd.DataFrame):
        return list(thing), pd.util.hash_pandas_object(thing).to_numpy().tobytes()
    if isinstance(thing, np.random.Generator):
        return repr(thing.bit_generator.state)
    if isinstance(thing, MethodType):
        return content(thing.__self__)
    if isinstance(thing, FunctionType):
        return [content(cell.cell_contents) for cell in thing.__closure__ or ()]
    if isinstance(thing, partial):
        return content((thing.args, thing.keywords))
    if isinstance(thing, dict):
        return [(key, content(value)) for key, value in thing.items()]
    if isinstance(thing, (list, tuple)):
        return type(thing), [content(item) for item in thing]
    return type(thing), list(_attributes(thing)) or repr(thing)


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an object holds; of our own dataclasses the fields, since they keep what they have worked out beside them."""
    if isinstance(thing, type):
        return
    names = [item.name for item in fields(thing)] if is_dataclass(thing) else sorted(getattr(thing, "__dict__", ()))
    yield from ((name, content(getattr(thing, name))) for name in names)


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_equal_tables_in_this_process(make: Callable[[], Made]) -> None:
    given = make()
    before, expected = content(given), by_hand(make)
    study = study_of(given)
    for backend, jobs in (("sequential", 1), ("threading", 1), ("threading", 2), ("sequential", 1)):
        assert run(study, backend, jobs) == expected
    assert content(given) == before


# One of them each time; all take half a minute.
IN_WORKERS = [pytest.param(make, marks=() if make is counting else pytest.mark.campaign) for make in CASES]


@pytest.mark.parametrize("make", IN_WORKERS, ids=lambda make: make.__name__)
def test_equal_tables_in_workers(make: Callable[[], Made]) -> None:
    given = make()
    before, expected = content(given), by_hand(make)
    study = study_of(given)
    for jobs in (1, 2, 2):
        assert run(study, "loky", jobs) == expected
    assert content(given) == before
