"""Runs and points read straight from a database, held to what MLflow's own client returns: the independent source."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from hpsearch.tracking import Store
from hpsearch.tracking.runs import brief, catalog
from hpsearch.tracking.runs.database_reader import RUNS_TOGETHER, PointsReader, read_runs, search_children
from hpsearch.tracking.store.client import children, search
from hpsearch.tracking.store.entities import PlainInfo, PlainPoint
from hpsearch.tracking.store.schema import KNOWN_REVISIONS
from hpsearch.trial import Outcome, Status, Trial
from tests.tracking.runs.test_database_writer import Written, samples
from tests.tracking.sample import plain


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, root: Path) -> Store:
    return Store.open(request.getfixturevalue("database") if request.param == "postgresql" else None, root)


def whole(run: Any) -> str:
    """Return everything of a run that we use, by repr: NaN and types included."""
    info = [getattr(run.info, name) for name in PlainInfo._fields]
    points = sorted(map(fields, run.data._metric_objs))
    values = sorted(map(repr, run.data.metrics.items()))
    return repr((info, points, values, sorted(run.data.params.items()), sorted(run.data.tags.items())))


def fields(point: Any) -> str:
    """Return one point of a metric by repr."""
    return repr([getattr(point, name) for name in PlainPoint._fields])


def test_runs_are_those_of_the_client(store: Store) -> None:
    written = Written(store, "runs")
    written.in_one().write(samples())
    store.client.create_run(written.parent.info.experiment_id, tags={"hpsearch.kind": "trial"})  # of no parent
    expected = list(search(store.client, written.parent.info.experiment_id, children(written.parent.info.run_id)))
    for page in (3, 1000):
        assert [whole(run) for run in search_children(store, written.parent, page)] == [whole(run) for run in expected]
    ids = [run.info.run_id for run in expected[::-1]]
    assert [whole(run) for run in read_runs(store, ids)] == [whole(run) for run in expected[::-1]]


def test_points_are_those_of_the_client_and_read_for_many_runs_at_once(store: Store) -> None:
    written = Written(store, "points")
    runs = written.in_one().write(samples()).runs
    later = [replace(plain(100 + number), outcome=Outcome(0.5, {}, {"cost": ((0, 0.5), (1, 0.25))})) for number in range(150)]
    runs |= written.in_one().write(later[:75]).runs | written.in_one().write(later[75:]).runs
    reader, selects = PointsReader(store, list(runs.values())), []

    def see(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "FROM metrics" in statement:
            selects.append(statement)

    keys = {run_id: [point.key for point in store.client.get_run(run_id).data._metric_objs] for run_id in runs.values()}
    engine = store.readable
    sqlalchemy.event.listen(engine, "before_cursor_execute", see)
    try:
        found = {(run_id, key): reader.read(run_id, key) for run_id in runs.values() for key in keys[run_id]}
    finally:
        sqlalchemy.event.remove(engine, "before_cursor_execute", see)
    assert len(selects) == -(-len(runs) // RUNS_TOGETHER)
    for (run_id, key), points in [*found.items()][:: len(found) // 60]:
        expected = store.client.get_metric_history(run_id, key)
        assert [(point.timestamp, point.step) for point in points] == [(point.timestamp, point.step) for point in expected]
        # NaN is stored beside a 0.0, and MLflow leaves open which of the two comes first.
        assert sorted(map(fields, points)) == sorted(map(fields, expected))
    assert reader.read(runs[0], "never logged") == []


def everything(store: Store, monkeypatch: pytest.MonkeyPatch, count: int) -> tuple[list[str], list[str]]:
    """Return what lists show where every trial is read."""
    with monkeypatch.context() as patch:
        patch.setattr(catalog, "brief_trials", lambda *_: None)
        study = catalog.studies(store)[0]
        return [repr(study)], [repr(row) for row in _leading(catalog.leading_rows(store, study, count), count)]


def _leading(rows: list[catalog.TrialRow], count: int) -> list[catalog.TrialRow]:
    best = sorted((row for row in rows if row.selectable), key=lambda row: row.value)[:count]
    return [row for row in rows if row in best or row in [row for row in rows if row.error][:count]]


def ended(number: int) -> Trial:
    error: Any = {"status": Status.FAILED, "error": "E: no", "outcome": None} if number % 5 == 4 else {}
    return replace(plain(number, (number * 7 % 20) / 20), stage="preflight" if number < 2 else "all", **error)


def test_a_list_says_the_same_without_reading_every_trial(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Written(store, "brief")
    written.in_one().write([ended(number) for number in range(20)])
    store.client.create_run(  # half-written
        written.parent.info.experiment_id, tags={"hpsearch.kind": "trial", "mlflow.parentRunId": written.parent.info.run_id}
    )
    read = brief.brief_trials(store, written.parent)
    assert read is not None
    assert [trial.number for trial in read] == list(range(20))
    for count in (0, 3, 100):
        study = next(one for one in catalog.studies(store) if one.name == "brief")
        rows = catalog.leading_rows(store, study, count)
        expected = everything(store, monkeypatch, count)
        assert ([repr(study)], [repr(row) for row in rows]) == expected


DAMAGES = {
    "a missing number": "DELETE FROM tags WHERE key = 'hpsearch.number' AND run_uuid = ?",
    "no number": "UPDATE tags SET value = '-x' WHERE key = 'hpsearch.number' AND run_uuid = ?",
    "another's number": "UPDATE tags SET value = '1' WHERE key = 'hpsearch.number' AND run_uuid = ?",
    "no status": "UPDATE tags SET value = 'gone' WHERE key = 'hpsearch.status' AND run_uuid = ?",
    "half a list": "UPDATE tags SET value = '[\"co' WHERE key = 'hpsearch.history' AND run_uuid = ?",
    "a missing value": "DELETE FROM tags WHERE key = 'hpsearch.minimised' AND run_uuid = ?",
    "no value": "UPDATE tags SET value = 'x' WHERE key = 'hpsearch.minimised' AND run_uuid = ?",
    "a killed run": "UPDATE runs SET status = 'KILLED' WHERE run_uuid = ?",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_something_is_damaged_everything_is_read(root: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(None, root)
    written = Written(store, "damaged")
    runs = written.in_one().write([plain(number) for number in range(3)]).runs
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection, connection:
        connection.execute(DAMAGES[damage], (runs[2],))
    assert brief.brief_trials(store, written.parent) is None
    study = catalog.studies(store)[0]
    assert [repr(study)] == everything(store, monkeypatch, 3)[0]
    assert study.damaged or damage in ("another's number", "a killed run")


def test_tags_in_parts_are_put_together_where_everything_is_read(root: Path) -> None:
    store = Store.open(None, root)
    written = Written(store, "parts")
    written.in_one().write([replace(plain(0), stage="s" * 6000)])
    assert brief.brief_trials(store, written.parent) is None
    study = catalog.studies(store)[0]
    assert [row.stage for row in catalog.leading_rows(store, study, 1)] == ["s" * 6000]


def test_tables_of_an_unknown_revision_are_read_by_the_client(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(None, root)
    written = Written(store, "unknown")
    runs = written.in_one().write([plain(0), plain(1)]).runs
    monkeypatch.delitem(KNOWN_REVISIONS, "dc11669786a5")
    assert brief.brief_trials(store, written.parent) is None
    assert {run.info.run_id for run in search_children(store, written.parent)} == set(runs.values())
    assert [point.step for point in PointsReader(store, [runs[0]]).read(runs[0], "curve/cost")] == [1]
