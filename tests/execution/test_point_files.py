"""Points of running trials: written by one process, read by another, kept after a death."""

from __future__ import annotations

import os
import signal
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from hpsearch.execution import Local
from hpsearch.execution.local import Backend
from hpsearch.execution.point_files import PointFile, PointFiles
from hpsearch.ports import Context, Limits, Task, adapt_objective
from hpsearch.trial import Outcome, Params, Status, Trial


@pytest.fixture(name="folder", autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def trial(number: int) -> Trial:
    return Trial(number, {"n": number}, "all", Status.DIED, error="it died")


def reporting(params: Params, context: Context) -> float:
    for step in range(1, 4):
        context.report(step, cost=params["n"] + step / 10)
    if params["n"] == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0.0


def test_what_was_written_is_read_once() -> None:
    files = PointFiles.create()
    one, two = files.of(3), files.of(12)
    one.begin()
    one.add(1, {"cost": 0.1 + 0.2, "odd \n name": float("inf")})
    assert list(files.poll()) == [(3, 0, {}), (3, 1, {"cost": 0.1 + 0.2, "odd \n name": float("inf")})]
    two.add(5, {"cost": -0.0})
    one.add(2, {"cost": 1e-320})
    assert list(files.poll()) == [(12, 5, {"cost": -0.0}), (3, 2, {"cost": 1e-320})]
    assert list(files.poll()) == []


def test_half_a_line_waits_for_its_end() -> None:
    files = PointFiles.create()
    path = files.of(0).path
    path.write_text('[1, {"cost": 1.0}]\n[2, {"co')
    assert list(files.poll()) == [(0, 1, {"cost": 1.0})]
    path.write_text('[1, {"cost": 1.0}]\n[2, {"cost": 2.0}]\n')
    assert list(files.poll()) == [(0, 2, {"cost": 2.0})]


def test_a_trial_whose_process_died_keeps_its_curve() -> None:
    files = PointFiles.create()
    files.of(0).add(1, {"cost": 3.0})
    list(files.poll())
    files.of(0).add(2, {"cost": 2.0})
    files.of(0).add(1, {"cost": 4.0})  # of another attempt
    ended = files.finish(trial(0))
    assert ended.outcome is not None
    assert ended.outcome.history == {"cost": ((1, 4.0), (2, 2.0))}
    assert list(files.folder.iterdir()) == []
    assert files.finish(trial(1)) == trial(1)
    own = Outcome(1.0, history={"cost": ((7, 7.0),)})
    files.of(2).add(1, {"cost": 3.0})
    assert files.finish(Trial(2, {}, "all", Status.FINISHED, own)).outcome is own


def test_a_folder_that_is_gone_costs_nothing(folder: Path) -> None:
    PointFile(folder / "gone" / "1").add(1, {"cost": 1.0})
    files = PointFiles(folder / "gone")
    assert list(files.poll()) == []
    files.close()


def test_folders_of_processes_that_have_ended_are_removed(folder: Path) -> None:
    (folder / "hpsearch-points-4194304-x").mkdir()  # beyond the numbers that a system gives
    (folder / "hpsearch-points-other").mkdir()
    files = PointFiles.create()
    assert sorted(path.name for path in folder.iterdir()) == sorted([files.folder.name, "hpsearch-points-other"])


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_an_executor_yields_the_points_of_its_trials(backend: Backend, folder: Path) -> None:
    executor = Local(2, backend)
    with closing(executor):
        executor.open(adapt_objective(reporting))
        numbers = [0, 2] if backend != "loky" else [0, 1, 2]
        tasks = [Task(Trial(n, {"n": n}, "all", Status.FAILED), {"n": n}, 7, (2, n), limits=Limits(60.0)) for n in numbers]
        ended = {trial.number: trial for trial in executor.run(tasks)}
        assert list(executor.points()) == []
    curves = {number: trial.outcome.history for number, trial in ended.items() if trial.outcome is not None}
    assert curves == {n: {"cost": tuple((step, n + step / 10) for step in range(1, 4))} for n in numbers}
    assert [trial.number for trial in ended.values() if trial.status is Status.DIED] == [1] * (backend == "loky")
    assert [path.name for path in folder.iterdir() if path.name.startswith("hpsearch-points")] == []
