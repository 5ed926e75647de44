"""Output that outlives its terminal; the list of studies at several widths; a study as JSON."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hpsearch import Choice, Float, Space, Study
from hpsearch.cli.commands import show_studies
from hpsearch.cli.display import SurvivingOutput, study_json
from hpsearch.strategies import Random
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.runs import catalog
from hpsearch.tracking.runs.catalog import StudySummary


def test_a_study_outlives_its_terminal() -> None:
    """The other end of a pseudo-terminal is closed without any signal, as for a command that was disowned."""
    kept, (ours, theirs) = os.dup(1), os.openpty()
    try:
        os.dup2(theirs, 1)
        os.close(theirs)
        stream = os.fdopen(1, "w", buffering=1, closefd=False)
        console = Console(file=SurvivingOutput(stream))  # type: ignore[arg-type]
        assert console.is_terminal
        console.print("while it is open")
        assert b"while it is open" in os.read(ours, 100)
        os.close(ours)
        for _ in range(3):
            console.print("after it was closed")
        stream.flush()
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def test_a_closed_pipe_is_an_error() -> None:
    """As of `head`, which has seen enough: the command ends, as every other does."""
    reading, writing = os.pipe()
    os.close(reading)
    output = SurvivingOutput(os.fdopen(writing, "w", buffering=1))
    with pytest.raises(BrokenPipeError):
        output.write("x\n")
    with pytest.raises(BrokenPipeError):
        output.close()


def summary(**changes: Any) -> StudySummary:
    fields: dict[str, Any] = {
        "name": "mnist-random", "status": "finished", "trials": 12, "counts": {}, "best_value": 0.03125, "started": 1.8e9,
        "strategy": "Random(trials=64)", "question": "", "source": "studies/mnist_random.py", "maximize": False, "identity": {},
        "earlier": (), "experiment_id": "1", "run_id": "r", "planned": 64, "seconds": 75.0,
    }  # fmt: skip
    return StudySummary(**(fields | changes))


def listed(studies: list[StudySummary], width: int, terminal: bool) -> list[str]:
    stream = io.StringIO()
    show_studies(Console(file=stream, width=width, force_terminal=terminal, color_system=None), studies)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_list_fits_its_terminal(width: int) -> None:
    """With the first columns in full, and as many others as there is room for."""
    studies = [summary(), summary(name="other", status="running on a-host", maximize=True, planned=None, seconds=None)]
    studies.append(summary(name="a-rather-long-name", trials=1234, planned=10_000))
    lines = listed(studies, width, terminal=True)
    assert max(map(len, lines)) <= width
    first = next(line for line in lines if "mnist-random" in line)
    assert all(text in first for text in ("finished", "12/64", "min 0.03125", "1 min 15 s", "01-15 "))
    assert ("studies/mnist_random.py" in first, "Random(trials=64)" in first) == (width > 80, width > 120)
    assert "max 0.03125" in next(line for line in lines if "other" in line)


def test_a_pipe_gets_a_line_for_each_study() -> None:
    lines = listed([summary(name="a" * 60, strategy="Random(trials=64, " + "x" * 200)], 80, terminal=False)
    assert any("a" * 60 in line and "x" * 200 in line for line in lines)


def objective(params: dict[str, Any]) -> float:
    return -float(params["rate"]) if params["kind"] == 10 else 0.0


def test_a_study_as_json_has_the_exact_settings(tmp_path: Path) -> None:
    """The same as the result in Python."""
    space = Space(rate=Float(0.001, 1.0, log=True), kind=Choice(10, "ten"))
    study = Study("exact", space, objective, Random(trials=12), maximize=True)
    result = study.run(1, backend="sequential", tracker=MlflowTracker(root=tmp_path), report=False, progress=None)
    store = Store.open(None, tmp_path)
    found = catalog.summary(store, "exact")
    read = json.loads(study_json(found, catalog.trial_rows(store, found)))
    assert [trial["params"] for trial in read["trials"]] == [trial.params for trial in result.trials]
    assert [trial["value"] for trial in read["trials"]] == [result.value(trial) for trial in result.trials]
    assert (read["planned"], read["direction"], read["best_value"]) == (12, "maximize", result.best_value)
