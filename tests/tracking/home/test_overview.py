"""Overviews read from real SQLite stores, against what MLflow's own client counts there."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import mean

import pytest
from mlflow import MlflowClient
from sqlalchemy import Engine, event

from hpsearch.errors import StudyError
from hpsearch.ports import TrackedStudy
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.home import OverviewReader
from hpsearch.trial import Trial
from tests.tracking import sample
from tests.tracking.test_resume import wait_for


def plain(number: int, value: float) -> Trial:
    """Return a finished trial of a setting of its own."""
    return replace(sample.plain(number, value), params={**sample.PARAMS, "n": number + 1})


def begin(store: Store, name: str, values: list[float], **record: object) -> tuple[MlflowTracker, TrackedStudy]:
    """Start a study in a tracker of its own, and record finished trials with these values."""
    tracker, study = MlflowTracker(store=store), sample.tracked(name, **record)
    tracker.start(study)
    for number, value in enumerate(values):
        tracker.record(plain(number, value))
    return tracker, study


def test_an_ended_study_counts_what_mlflow_counts(store: Store) -> None:
    tracker, _study = begin(store, "sample", [], measure="validation error", planned=8)
    for trial in sample.trials():
        tracker.record(trial)
    tracker.finish("killed", sample.trials())
    found = OverviewReader(Store.open(None, store.root)).read_one("sample")

    client = MlflowClient(store.uri)
    runs = client.search_runs([found.experiment.experiment_id], "tags.`hpsearch.kind` = 'trial'")
    by_status = Counter(run.info.status for run in runs)
    assert (found.done, found.failed) == (len(runs), by_status["FAILED"]) == (5, 3)
    parent = client.get_run(found.run_id)
    # Both that finished are of one setting, so that their mean counts.
    assert found.best == mean(run.data.metrics["value"] for run in runs if run.info.status == "FINISHED") == 1 / 6
    assert (found.started, found.state) == (parent.info.start_time / 1000, "interrupted")
    assert (found.measure, found.planned, found.total) == ("validation error", 8, 8)
    assert found.host == socket.gethostname()
    assert found.user == parent.data.tags["mlflow.user"] != ""


@pytest.mark.parametrize("maximize", [False, True])
def test_the_curve_holds_every_step_of_the_best_value(store: Store, maximize: bool) -> None:
    """Trials hold what is minimised, and the record what the objective returned."""
    tracker, _ = begin(store, "curve", [3.0, 4.0, 1.0, 2.0, 0.5, 0.75], maximize=maximize)
    tracker.finish("finished", [])
    found, sign = OverviewReader(store).read_one("curve"), -1 if maximize else 1
    assert list(found.curve) == [(1, sign * 3.0), (3, sign * 1.0), (5, sign * 0.5), (6, sign * 0.5)]
    assert (found.best, found.total, found.state) == (sign * 0.5, None, "finished")


def test_a_study_runs_as_long_as_its_process_and_shows_its_running_trials(store: Store) -> None:
    tracker, _study = begin(store, "long", [0.5, 0.25], planned=4)
    other = OverviewReader(Store.open(None, store.root))
    client, parent = store.client, store.client.search_runs(["1"], "tags.`hpsearch.kind` = 'study'")[0]
    tags = {"mlflow.parentRunId": parent.info.run_id, "hpsearch.kind": "trial"}
    running = client.create_run("1", tags=tags, run_name="trial 002").info.run_id
    client.log_param(running, "rate", "0.1")
    for step, value in enumerate([0.9, 0.8]):
        client.log_metric(running, "curve/cost", value, step=step)
    client.create_run("1", tags={**tags, "hpsearch.status": "finished"}, run_name="trial 001")  # is being written
    found = other.read_one("long")
    assert found.state == "running"
    assert [(trial.name, trial.run_id) for trial in found.trials] == [("trial 002", running)]
    shown = found.trials[0]
    assert (shown.params, shown.values) == ({"rate": "0.1"}, {"curve/cost": 0.8})
    assert shown.curve == [(0, 0.9), (1, 0.8)]
    wait_for(lambda: len(tracker._open().queue.runs) == 2)
    tracker._open().writer.close(lambda: None)  # type: ignore[union-attr]
    tracker._open().lock.release()  # type: ignore[union-attr]  # as the system does where the process is killed
    found = other.read_one("long")
    assert (found.state, found.done, found.trials) == ("interrupted", 2, [])


def test_running_studies_come_first_then_the_latest(store: Store) -> None:
    running, _ = begin(store, "first", [])
    for name in ("second", "third"):
        begin(store, name, [1.0])[0].finish("failed" if name == "second" else "finished", [])
    assert [(study.name, study.state) for study in OverviewReader(store).read()] == [
        ("first", "running"),
        ("third", "finished"),
        ("second", "failed"),
    ]
    assert [study.name for study in OverviewReader(store).read(most=1)] == ["first"]
    running.finish("finished", [])


@contextmanager
def counted() -> Iterator[list[str]]:
    """Yield the statements that reach any database meanwhile."""
    statements: list[str] = []

    def count(_: object, __: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", count)


def test_reading_again_takes_as_many_statements_for_many_studies_as_for_one(
    tmp_path: Path, put_store: Callable[[Path], Path]
) -> None:
    found = []
    for studies in (1, 4):
        store = Store.open(None, put_store(tmp_path / str(studies)))
        for number in range(studies):
            begin(store, f"study {number}", [1.0] * 3)[0].finish("finished", [])
        reader = OverviewReader(store)
        assert [study.done for study in reader.read()] == [3] * studies
        with counted() as statements:
            assert [study.done for study in reader.read()] == [3] * studies
        found.append(len(statements))
    assert found[0] == found[1] > 0


def test_an_ended_study_that_is_resumed_is_read_again(store: Store) -> None:
    tracker, study = begin(store, "resumed", [1.0])
    tracker.finish("finished", [])
    reader = OverviewReader(store)
    assert reader.read_one("resumed").done == 1
    tracker.start(study)
    tracker.record(plain(1, 0.25))
    tracker.finish("finished", [])
    found = reader.read_one("resumed")
    assert (found.done, found.best) == (2, 0.25)


def test_an_unknown_study_is_one_sentence_with_the_closest_name(store: Store) -> None:
    begin(store, "parabola", [])[0].finish("finished", [])
    with pytest.raises(StudyError, match=r"No study 'parabole' is recorded in .* Did you mean 'parabola'\?"):
        OverviewReader(store).read_one("parabole")
