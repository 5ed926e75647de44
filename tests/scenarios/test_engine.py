"""The engine of a study: recorded, told where it changed, the same in every worker, and no cost to those who only look."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from hpsearch import Float, Space, Study, data
from hpsearch.objectives import CrossValidate, TrainNetwork
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Status

pytest.importorskip("numba", reason="numba is not installed: there is one engine only")


def study_of(engine: str, trials: int = 3) -> Study:
    objective = TrainNetwork(data.digits(), hidden=(8,), epochs=2, engine=engine)
    return Study("engines", Space(learning_rate=Float(0.1, 1.0, log=True)), objective, Random(trials), seed=0)


def table(engine: str, **how: Any) -> str:
    """Return a study's params, values and curves, each number to its last digit."""
    trials = study_of(engine).run(tracker=MemoryTracker(), **how).trials
    return repr([(trial.params, trial.value, trial.outcome and trial.outcome.history) for trial in trials])


def test_the_same_bits_in_every_worker() -> None:
    """Workers load the machine code; the sequential run may have compiled it."""
    straight = table("numba", backend="sequential")
    assert table("numba", jobs=2) == straight
    assert table("numba", jobs=2, backend="threading") == straight
    assert table("numpy", backend="sequential") != straight  # else it would be one engine twice


def test_a_time_limit_leaves_no_time_to_compile() -> None:
    """Loading, and compiling where that was never done, comes before a trial's time begins and before its child is forked."""
    study = replace(study_of("numba"), trial_seconds=30)
    assert [trial.status for trial in study.run(jobs=2, tracker=MemoryTracker()).trials] == [Status.FINISHED] * 3


def test_another_engine_is_told_and_not_refused() -> None:
    tracker, said = MemoryTracker(), []
    study_of("numpy", 2).run(tracker=tracker, backend="sequential")
    result = study_of("numba").run(tracker=tracker, backend="sequential", progress=lambda state: said.append(state.found))
    assert result.taken_over == 2
    assert "The engine was numpy, is now numba 2: from here on trials may differ by rounding" in said[0]


def test_cross_validation_records_it_too() -> None:
    plain = study_of("numpy")
    assert replace(plain, objective=CrossValidate(plain.objective)).record().facts["engine"] == "numpy"


def test_writing_a_study_loads_no_numba() -> None:
    """Its import takes a quarter of a second: of every start of the command line, were it loaded there."""
    code = (
        "import sys; from hpsearch import data; from hpsearch.objectives import TrainNetwork\n"
        "print(TrainNetwork(data.digits(), learning_rate=0.1).facts, 'numba' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "{'engine': 'numba 2'} False"
