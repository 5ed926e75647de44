"""What an objective answered, made plain: numbers, curves and bytes that any process can read back."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hpsearch.checks import is_number
from hpsearch.errors import StudyError, must_be
from hpsearch.ports import Context
from hpsearch.trial import Curve, Outcome, Trial


def as_outcome(answer: object, context: Context, sign: int = 1, keep_state: bool = False) -> Outcome:
    """Return an objective's answer as an `Outcome`: a number, a dict with ``"value"``, or an outcome already.

    Nothing of the objective's own kinds is left in it, so that it travels between processes. ``keep_state`` keeps the state.

    Raises:
        StudyError: a part of the answer is not of its kind, or the state cannot be pickled.
    """
    if isinstance(answer, Mapping):
        if "value" not in answer:
            raise StudyError(must_be("An objective's dict", "one with the key 'value'", sorted(answer), "Add the value."))
        answer = Outcome(_number("value", answer["value"]), {k: v for k, v in answer.items() if k != "value"})
    if not isinstance(answer, Outcome):
        answer = Outcome(_number("value", answer))
    return Outcome(
        sign * _number("value", answer.value),
        {str(name): _number(name, metric) for name, metric in answer.metrics.items()},
        {str(name): _curve(name, curve) for name, curve in (answer.history or context.history).items()},
        {str(name): _content(name, content) for name, content in answer.artifacts.items()},
        _state(answer.state) if keep_state else None,
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
    """Return a state that is known to travel."""
    try:
        pickle.loads(pickle.dumps(state, pickle.HIGHEST_PROTOCOL))  # made here, a moment ago
    except Exception as error:
        advice = "Keep a dict of plain arrays."
        raise StudyError(must_be("An objective's state", "picklable", type(state).__name__, advice)) from error
    return state


POINTS = 100


def thinned(trial: Trial) -> Trial:
    """Return the trial with at most `POINTS` points in each of its curves."""
    outcome = trial.outcome
    if outcome is None or all(len(curve) <= POINTS for curve in outcome.history.values()):
        return trial
    history = {name: thin(curve) for name, curve in outcome.history.items()}
    return replace(trial, outcome=replace(outcome, history=history))


def thin(curve: Curve) -> Curve:
    """Return every second point of a curve, or every fourth, eighth, ... until at most `POINTS` remain; and the last one.

    Powers of two, because then curves of different lengths have the points of the coarser one in common, step by step.

    >>> [step for step, _ in thin(tuple((step, 0.5) for step in range(1, 252)))][-3:]
    [245, 249, 251]
    """
    stride = 1
    while len(kept := curve[::stride]) + (kept[-1:] != curve[-1:]) > POINTS:
        stride *= 2
    return kept if kept[-1:] == curve[-1:] else (*kept, curve[-1])
