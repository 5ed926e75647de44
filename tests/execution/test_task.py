"""One trial: answers of every form, failures of every kind."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import Diverged
from hpsearch.execution.task import run_task
from hpsearch.ports import Context, Limits, Task, adapt_objective
from hpsearch.trial import Outcome, Params, Status, Trial


def task(number: int = 0, **params: Any) -> Task:
    return Task(Trial(number, params, "all", Status.FAILED), params, seed=7, key=(2, number))


def test_a_number_a_dict_and_an_outcome_are_answers() -> None:
    answers = [lambda p: 2, lambda p: {"value": 2, "size": np.float32(3)}, lambda p: Outcome(2.0, {"size": 3.0})]
    trials = [run_task(adapt_objective(answer), task()) for answer in answers]
    assert [t.value for t in trials] == [2.0] * 3
    assert [dict(t.outcome.metrics) for t in trials[1:] if t.outcome] == [{"size": 3.0}] * 2


def test_reported_curves_become_the_history() -> None:
    def objective(params: Params, context: Context) -> float:
        for step in (1, 2, 2):
            context.report(step, cost=step / 2)
        return 0.0

    trial = run_task(adapt_objective(objective), task())
    assert trial.outcome is not None
    assert dict(trial.outcome.history) == {"cost": ((1, 0.5), (2, 1.0))}


def test_random_numbers_depend_on_seed_and_number_alone() -> None:
    """The numbers are those of numpy's own seed sequence with the documented spawn key."""

    def objective(params: Params, context: Context) -> float:
        return float(context.rng.random())

    expected = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(2, 4))).random()
    assert run_task(adapt_objective(objective), task(4)).value == expected


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (math.nan, Status.DIVERGED, "the value was nan"),
        (math.inf, Status.DIVERGED, "the value was inf"),
        ("high", Status.FAILED, "must be a number, got 'high'"),
        (None, Status.FAILED, "must be a number, got None"),
        ({"loss": 1}, Status.FAILED, "must be one with the key 'value'"),
        (Diverged("epoch 2"), Status.DIVERGED, "epoch 2"),
        (KeyError("x"), Status.FAILED, "KeyError: 'x'"),
        (SystemExit(3), Status.FAILED, "SystemExit: 3"),
    ],
)
def test_bad_endings_have_a_status_and_a_reason(answer: object, status: Status, reason: str) -> None:
    def objective(params: Params) -> object:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    trial = run_task(adapt_objective(objective), task())
    assert trial.status is status
    assert reason in (trial.error or "")
    assert "\n" not in (trial.error or "")


def test_a_failure_keeps_its_traceback_and_its_curves() -> None:
    def objective(params: Params, context: Context) -> float:
        context.report(1, cost=5.0)
        raise ValueError("too\nmany\nlines")

    trial = run_task(adapt_objective(objective), task())
    assert trial.error == "ValueError: too many lines"
    assert "in objective" in (trial.traceback or "")
    assert trial.outcome is not None
    assert trial.outcome.history == {"cost": ((1, 5.0),)}


class _Final(BaseException):
    pass


def test_who_ends_the_process_is_not_held_up_by_a_trial() -> None:
    """In the study's own process an exception beyond Exception is somebody's wish to end, such as Ctrl-C."""

    def objective(params: Params) -> float:
        raise _Final

    with pytest.raises(_Final):
        run_task(adapt_objective(objective), task())


def test_an_answer_is_made_plain() -> None:
    given = Outcome(1.0, {"m": np.float32(0.5)}, {"c": [[1, np.float64(2)]]}, {"a": bytearray(b"x")})  # type: ignore[dict-item]
    outcome = run_task(adapt_objective(lambda params: given), task()).outcome
    assert outcome is not None
    assert repr(outcome) == repr(Outcome(1.0, {"m": 0.5}, {"c": ((1, 2.0),)}, {"a": b"x"}))


def test_running_out_of_memory_is_a_failure_unless_memory_is_limited() -> None:
    def objective(params: Params) -> float:
        raise MemoryError("no more")

    free, limited = (run_task(adapt_objective(objective), replace(task(), limits=Limits(megabytes=m))) for m in (None, 512))
    assert (free.status, free.error) == (Status.FAILED, "MemoryError: no more")
    assert (limited.status, limited.error) == (
        Status.OUT_OF_MEMORY,
        "it needed more memory than 512 MB (MemoryError: no more)",
    )


def test_a_long_reason_is_cut_after_500_characters() -> None:
    def objective(params: Params) -> float:
        raise ValueError("x" * 600)

    assert run_task(adapt_objective(objective), task()).error == f"ValueError: {'x' * 488}"
