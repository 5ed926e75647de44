"""Findings to draw: ordinary studies, and the awkward ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hpsearch import Choice, Context, Float, Int, Space, Study
from hpsearch.search.result import Result
from hpsearch.strategies import Random, Staged
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Params

LONG = "a very long label of an option that would not fit any axis"
HOSTILE = "</script><img src=x onerror=alert(1)>\"'&$x_1$"
SPACE = Space(learning_rate=Float(1e-4, 10.0, log=True), l2=Float(1e-3, 10.0, log=True), kind=Choice("a", "b"))
WIDE = Space(
    **{f"parameter_number_{i}": Float(0.0, 1.0) for i in range(4)},
    hidden=Int(1, 100, log=True),
    option=Choice(LONG, LONG + " too", "c", None, (30, 10)),
    momentum=Float(0.0, 0.9, when={"option": "c"}),
    batch=Choice(10, 20),
)


def score(params: Params, context: Context) -> float:
    rate = params.get("learning_rate", params.get("parameter_number_0"))
    if params.get("kind") == "b" and rate > 1:
        raise ValueError("planted failure")
    for step in range(1, 4):
        context.report(step, cost=rate / step, other=math.nan if step == 2 else 1.0)
    return float(rate / 3)


def fail(params: Params) -> float:
    raise RuntimeError(HOSTILE)


def diverge(params: Params) -> float:
    return math.nan if params["kind"] == "a" else math.inf


def worse_and_worse(params: Params) -> float:
    return 1e300 if params["learning_rate"] > 1 else params["learning_rate"] - 0.5


def result(space: Space = SPACE, objective: Callable[..., Any] = score, **changes: Any) -> Result:
    options = {"strategy": Random(trials=24), "seed": 3, **changes}
    study = Study(options.pop("name", "sample"), space, objective, question="What is drawn?", **options)
    return study.run(1, backend="sequential", tracker=MemoryTracker())


STUDIES: dict[str, Callable[[], Result]] = {
    "ordinary": result,
    "eight parameters, long labels": lambda: result(WIDE),
    "one trial": lambda: result(strategy=Random(trials=1)),
    "all failed": lambda: result(objective=fail),
    "all diverged": lambda: result(objective=diverge),
    "extreme values": lambda: result(objective=worse_and_worse),
    "maximised": lambda: result(maximize=True),
    "one constant value": lambda: result(objective=lambda params: 0.0),
    "stages": lambda: result(strategy=Staged(trials=40)),
    "hostile names": lambda: result(
        Space(**{HOSTILE: Choice(HOSTILE, "plain"), "x": Float(0.0, 1.0), "y": Float(0.0, 1.0)}),
        lambda params: params["x"],
        name=HOSTILE,
    ),
    "confirmed": lambda: result(confirm=2, confirm_replicates=2),
}
