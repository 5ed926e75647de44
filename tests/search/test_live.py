"""Trials are shown while they run; MLflow's own client is the witness."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hpsearch import Context, Float, Space, Study
from hpsearch.ports import ExecutorBase, Point, RunningTrial
from hpsearch.search import live
from hpsearch.search.progress import Progress
from hpsearch.strategies import Random
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker
from hpsearch.trial import Params, Status, Trial


@dataclass(frozen=True)
class Slow:
    """Reports ten points, and waits between them where a file says so."""

    folder: Path

    def __call__(self, params: Params, context: Context) -> float:
        for step in range(10):
            context.report(step, cost=params["x"] / (step + 1))
            while step == 4 and (self.folder / "wait").exists():
                time.sleep(0.01)
        return float(params["x"])


class Given(ExecutorBase):
    """Yields given points."""

    def __init__(self, points: list[Point]) -> None:
        self.given = points

    def open(self, objective: Any, token: str) -> None: ...

    def run(self, tasks: Any) -> Any: ...

    def close(self) -> None: ...

    def points(self) -> Iterator[Point]:
        found, self.given = self.given, []
        return iter(found)


@dataclass
class Shown(MemoryTracker):
    """Keeps what it is shown."""

    seen: list[tuple[int, list[tuple[int, Mapping[str, float]]]]] = field(default_factory=list)

    def __init__(self) -> None:
        super().__init__()
        self.seen = []

    def show(self, running: RunningTrial) -> None:
        self.seen.append((running.trial.number, list(running.points)))


def test_trials_are_shown_once_they_have_run_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker, trial = Shown(), Trial(3, {"x": 1.0}, "all", Status.FAILED)
    executor = Given([(3, 0, {}), (3, 1, {"cost": 1.0}), (9, 1, {"cost": 5.0})])
    progress = Progress()
    shows = live.Live(executor, tracker, progress)
    shows.propose({3: trial})
    shows.poll()
    assert tracker.seen == []
    monkeypatch.setattr(live, "SHOWN_AFTER_SECONDS", 0.0)
    shows.poll()
    assert tracker.seen == [(3, [(1, {"cost": 1.0})])]
    assert [(number, running.step, running.metrics) for number, running in progress.latest.items()] == [(3, 1, {"cost": 1.0})]
    shows.poll()
    assert len(tracker.seen) == 1
    executor.given = [(3, 2, {"cost": 0.5})]
    shows.poll()
    assert tracker.seen[1:] == [(3, [(2, {"cost": 0.5})])]
    executor.given = [(3, 3, {"cost": 0.4})]
    shows.remove(3)
    shows.poll()
    assert len(tracker.seen) == 2


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_mlflow_shows_a_trial_and_its_curve_while_it_runs(
    backend: Any, tmp_path: Path, put_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SHOWN_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(live, "POLL_SECONDS", 0.05)
    put_store(tmp_path)
    study = Study("slow", Space(x=Float(0.0, 1.0)), Slow(tmp_path), Random(trials=2))
    alone = study.run(1, backend="sequential", tracker=MemoryTracker())
    (tmp_path / "wait").touch()
    tracker, results = MlflowTracker(root=tmp_path), []
    runner = threading.Thread(
        target=lambda: results.append(study.run(2, backend=backend, tracker=tracker, report=False)), daemon=True
    )
    runner.start()
    client = MlflowTracker(root=tmp_path).store.client
    deadline, running = time.monotonic() + 60, []
    while len(running) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
        experiments = [one.experiment_id for one in client.search_experiments()]
        found = client.search_runs(experiments, "tags.`hpsearch.kind` = 'trial' and attributes.status = 'RUNNING'")
        running = [run for run in found if run.data.metrics.get("curve/cost") is not None]
    assert {run.data.params["x"] for run in running} == {repr(trial.params["x"]) for trial in alone.trials}
    steps = {point.step for point in client.get_metric_history(running[0].info.run_id, "curve/cost")}
    assert steps <= set(range(5))
    (tmp_path / "wait").unlink()
    runner.join(60)
    ended = client.search_runs(experiments, "tags.`hpsearch.kind` = 'trial'")
    assert {run.info.run_id for run in ended} == {run.info.run_id for run in running}
    assert {run.info.status for run in ended} == {"FINISHED"}
    assert table(results[0].trials) == table(alone.trials)
    assert table(study.result(MlflowTracker(root=tmp_path)).trials) == table(alone.trials)
