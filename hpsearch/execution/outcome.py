"""Outcomes of trials as plain data: conversion of what an objective returns, and thinning of long curves.

An outcome holds numbers, curves and bytes, so any process can read it and nothing has to be unpickled.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hpsearch.checks import is_number
from hpsearch.errors import StudyError, must_be
from hpsearch.ports import Context
from hpsearch.trial import ITERATION, Curve, Outcome, Trial, step_unit

# At most so many points of a curve are kept, and of one by iteration, whose noise is what people look at.
POINTS, BY_ITERATION = 100, 1000


def to_outcome(returned: object, context: Context, sign: int = 1, keep_state: bool = False) -> Outcome:
    """Return as an `Outcome` what an objective returned: a number, a dict with ``"value"``, or an outcome.

    It holds no types of the objective's own, so any process can read it.

    Args:
        returned: by the objective.
        context: of the trial, with the curves reported so far.
        sign: -1 where the study maximises.
        keep_state: whether to keep the model's state.
    Raises:
        StudyError: a part of it has the wrong type, or the state cannot be pickled.
    """
    if isinstance(returned, Mapping):
        if "value" not in returned:
            raise StudyError(must_be("An objective's dict", "one with the key 'value'", sorted(returned), "Add the value."))
        returned = Outcome(_number("value", returned["value"]), {k: v for k, v in returned.items() if k != "value"})
    if not isinstance(returned, Outcome):
        returned = Outcome(_number("value", returned))
    return Outcome(
        sign * _number("value", returned.value),
        {str(name): _number(name, metric) for name, metric in returned.metrics.items()},
        {str(name): _curve(name, curve) for name, curve in (returned.history or context.history).items()},
        {str(name): _content(name, content) for name, content in returned.artifacts.items()},
        _state(returned.state) if keep_state else None,
        {str(name): _number(name, seconds) for name, seconds in returned.timings.items()},
        dict(returned.times or context.times),
    )


def _number(name: object, value: object) -> float:
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if not is_number(value):
        raise StudyError(must_be(f"What an objective returns as {name!r}", "a number", value, "Return float or dict."))
    return float(value)


def _curve(name: object, curve: Any) -> Curve:
    try:
        return tuple((int(step), float(value)) for step, value in curve)
    except (TypeError, ValueError) as error:
        advice = "Call context.report(step, name=value) instead."
        raise StudyError(must_be(f"An objective's curve {name!r}", "pairs of step and value", curve, advice)) from error


def _content(name: object, content: object) -> bytes:
    if not isinstance(content, (bytes, bytearray, memoryview)):
        advice = "Write it into bytes first, as with text.encode()."
        raise StudyError(must_be(f"An objective's artifact {name!r}", "bytes", content, advice))
    return bytes(content)


def _state(state: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return a state that is known to pickle."""
    try:
        pickle.loads(pickle.dumps(state, pickle.HIGHEST_PROTOCOL))  # pickled in the same line
    except Exception as error:
        advice = "Keep a dict of plain arrays."
        raise StudyError(must_be("An objective's state", "picklable", type(state).__name__, advice)) from error
    return state


def thin_curves(trial: Trial) -> Trial:
    """Return the trial with at most `POINTS` points in each of its curves, and `BY_ITERATION` in those by iteration."""
    outcome = trial.outcome
    if outcome is None or all(len(curve) <= POINTS for curve in (*outcome.history.values(), *outcome.times.values())):
        return trial
    history = {name: thin_curve(curve, _points_of(name)) for name, curve in outcome.history.items()}
    times = {unit: thin_curve(curve) for unit, curve in outcome.times.items()}
    return replace(trial, outcome=replace(outcome, history=history, times=times))


def _points_of(name: str) -> int:
    return BY_ITERATION if step_unit(name) == ITERATION else POINTS


def thin_curve(curve: Curve, most: int = POINTS) -> Curve:
    """Return every second point of a curve, or every fourth, eighth, ... until at most so many remain; and the last one.

    Powers of two, because then curves of different lengths have the points of the coarser one in common, step by step.

    >>> [step for step, _ in thin_curve(tuple((step, 0.5) for step in range(1, 252)))][-3:]
    [245, 249, 251]
    """
    stride = 1
    while len(kept := curve[::stride]) + (kept[-1:] != curve[-1:]) > most:
        stride *= 2
    return kept if kept[-1:] == curve[-1:] else (*kept, curve[-1])
