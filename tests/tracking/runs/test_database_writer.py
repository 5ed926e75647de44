"""Rows written in one transaction, held to those that MLflow's own client writes: the independent source."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from mlflow.exceptions import MlflowException

from hpsearch.errors import TrackingError
from hpsearch.ports import TrackedStudy
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.lease import LeaseLost, LeaseTimes, take
from hpsearch.tracking.lease.claim import OWNER
from hpsearch.tracking.runs import location, study_run
from hpsearch.tracking.runs.chunk import ChunkWriter
from hpsearch.tracking.runs.client_writer import ClientWriter
from hpsearch.tracking.runs.database_writer import DatabaseWriter
from hpsearch.tracking.runs.live_runs import LiveRuns
from hpsearch.tracking.store.schema import KNOWN_REVISIONS, database_of
from hpsearch.trial import Outcome, Status, Trial
from tests.tracking.sample import SPACE, plain, text, tracked, trials

UNICODE = "Größe 尺寸 🎯"


def samples() -> list[Trial]:
    """Return trials of every kind, and some that the client treats in a way of its own."""
    long = {f"curve {name}": tuple((step, step / 7) for step in range(300)) for name in range(5)}
    repeated = {
        "c": ((0, 1.0), (0, 1.0), (0, float("nan")), (0, float("nan")), (0, 0.5), (3, 2.0), (1, 4.0), (0, -0.0), (0, 0.0))
    }
    more = [
        Outcome(0.25, {UNICODE: 1.5}, long),  # beyond the thousand points of one call
        Outcome(0.5, {}, repeated),
        Outcome(0.75, {}, {}, {f"{UNICODE}.txt": b"x"}),
    ]
    last = [replace(plain(10 + i), outcome=outcome, stage=UNICODE) for i, outcome in enumerate(more)]
    return [*trials(), *last, replace(plain(20), status=Status.STOPPED, seconds=0.25)]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, root: Path) -> Store:
    return Store.open(request.getfixturevalue("database") if request.param == "postgresql" else None, root)


class Written:
    """A study, to be written in either way.

    Args:
        store: where.
        name: of the study.
    """

    def __init__(self, store: Store, name: str, study: TrackedStudy | None = None) -> None:
        self.store, self.study = store, study or tracked(name)
        experiment = location.ensure_experiment(store, name)
        parent = store.client.create_run(experiment, 1, study_run.tags(self.study.record, store.root), "parent")
        self.parent = store.client.get_run(parent.info.run_id)

    def live(self, lease: Any = None) -> LiveRuns:
        return LiveRuns(self.parent, self.study, lease)

    def by_client(self) -> ClientWriter:
        return ClientWriter([self.store.client], self.parent, self.study, self.live(), lambda: True)

    def in_one(self, lease: Any = None) -> DatabaseWriter:
        return DatabaseWriter(database_of(self.store.client), self.parent, self.study, self.live(lease), self.by_client())

    def rows(self) -> dict[str, list[str]]:
        """Return every row of every table that names one of the study's runs, with names and places instead of ids."""
        engine = database_of(self.store.client).engine
        with engine.connect() as connection:
            ids = {"experiment_id": int(self.parent.info.experiment_id)}
            query = "SELECT run_uuid, name, artifact_uri FROM runs WHERE experiment_id = :experiment_id"
            runs = connection.execute(sqlalchemy.text(query), ids).all()
            places = {uri.partition(run_id)[0]: "artifacts" for run_id, _, uri in runs}
            names = {run_id: f"<{name}>" for run_id, name, _ in runs} | places | {self.study.record.name: "<study>"}
            found = {}
            for table in sqlalchemy.inspect(engine).get_table_names():
                every = connection.execute(sqlalchemy.text(f"SELECT * FROM {table}")).mappings()
                rows = [repr({**row} | ({"experiment_id": 0} if "experiment_id" in row else {})) for row in every]
                found[table] = sorted(_named(row, names) for row in rows if any(run_id in row for run_id, _, _ in runs))
        return {table: rows for table, rows in found.items() if rows}


def _named(row: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        row = row.replace(old, new)
    return row


def test_every_column_is_what_the_client_writes(store: Store) -> None:
    by_client, in_one = Written(store, "one by one"), Written(store, "all in one")
    first, second = by_client.by_client().write(samples()), in_one.in_one().write(samples())
    assert not first.errors
    assert not second.errors
    assert first.runs.keys() == second.runs.keys() == {trial.number for trial in samples()}
    expected, found = by_client.rows(), in_one.rows()
    assert set(expected) >= {"runs", "tags", "params", "metrics", "latest_metrics"}
    assert found == expected


def test_artifacts_are_where_the_client_puts_them(store: Store) -> None:
    by_client, in_one = Written(store, "files one by one"), Written(store, "files all in one")
    by_client.by_client().write(samples())
    in_one.in_one().write(samples())
    assert _files(in_one) == _files(by_client) != {}


def _files(written: Written) -> dict[str, bytes]:
    folder = Path(database_of(written.store.client).get_experiment(written.parent.info.experiment_id).artifact_location)
    names = {
        run.info.run_id: run.info.run_name for run in written.store.client.search_runs([written.parent.info.experiment_id])
    }
    found = [(path, path.relative_to(folder).parts) for path in folder.rglob("*") if path.is_file()]
    return {"/".join((names[parts[0]], *parts[1:])): path.read_bytes() for path, parts in found}


def test_the_known_revisions_are_those_of_the_installed_mlflow(store: Store) -> None:
    """What a new database of the installed MLflow has is known, so chunks are written; a newer MLflow is to be added."""
    with database_of(store.client).engine.connect() as connection:
        revisions = connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).scalars().all()
    assert set(revisions) <= KNOWN_REVISIONS.keys()


@pytest.fixture
def unknown(root: Path) -> Store:
    """A database of a revision that nobody knows, opened before it became one."""
    store = Store.open(None, root)
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'abcdef012345'")
    return store


def test_an_unknown_revision_is_written_by_the_client_and_told_once(unknown: Store, caplog: pytest.LogCaptureFixture) -> None:
    written = Written(unknown, "unknown")
    writer = written.in_one()
    assert writer.write([plain(0), plain(1)]).runs.keys() == {0, 1}
    assert writer.write([plain(2)]).runs.keys() == {2}
    assert len(written.rows()["runs"]) == 4
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told == [
        "The tables of the store must be of revision dc11669786a5 to be written many trials at a time, got 'abcdef012345'."
        " Each trial is written by itself, which takes longer."
    ]


def rejected(number: int) -> Trial:
    """A trial that MLflow rejects: its time is before 1970."""
    return replace(plain(number), started=-100.0)


@pytest.mark.parametrize("way", ["by_client", "in_one"])
def test_a_trial_that_mlflow_rejects_keeps_nobody_out(store: Store, way: str) -> None:
    written = Written(store, f"rejected {way}")
    writer: ChunkWriter = getattr(written, way)()
    found = writer.write([plain(0), rejected(1), plain(2)])
    assert found.runs.keys() == {0, 2}
    assert found.errors.keys() == {1}
    assert "nonnegative" in str(found.errors[1])


def test_an_error_of_the_store_writes_nothing(store: Store) -> None:
    """A step that no database column holds ends the transaction; its trials are written once it is gone."""
    written = Written(store, "nothing")
    writer = written.in_one()
    huge = replace(plain(1), outcome=Outcome(0.5, {}, {"c": ((2**70, 0.5),)}))
    before = written.rows()
    failed = writer.write([plain(0), huge])
    assert failed.runs == {} or failed.runs.keys() == {0}
    if not failed.runs:
        assert written.rows() == before
        assert writer.write([plain(0)]).runs.keys() == {0}
    assert len(written.rows()["runs"]) == 2


def test_a_transaction_whose_response_was_lost_is_not_repeated(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database commits and the connection breaks: the next attempt finds the runs there."""
    written = Written(store, "lost response")
    writer = written.in_one()
    real = sqlalchemy.orm.Session.commit

    def commit(session: sqlalchemy.orm.Session) -> None:
        real(session)
        raise MlflowException("the connection was lost")

    with monkeypatch.context() as patch:
        patch.setattr(sqlalchemy.orm.Session, "commit", commit)
        assert writer.write([plain(0), plain(1)]).errors.keys() == {0}
    again = writer.write([plain(0), plain(1), plain(2)])
    assert again.runs.keys() == {0, 1, 2}
    assert len(written.rows()["runs"]) == 4


def test_a_newer_claim_ends_the_writing(store: Store) -> None:
    """Under the lease of another process nothing is written, and the runs carry the number of ours before."""
    written = Written(store, "lease")
    lease = take(store.client, written.parent.info.run_id, "lease", LeaseTimes())
    writer = written.in_one(lease)
    ours = writer.write([plain(0)]).runs[0]
    assert store.client.get_run(ours).data.tags["hpsearch.owner"] == "1"
    store.client.log_param(written.parent.info.run_id, f"{OWNER}2", "somebody else")
    before = written.rows()
    with pytest.raises(LeaseLost, match="was taken over by"):
        writer.write([plain(1)])
    assert written.rows() == before


@pytest.mark.postgres
def test_nobody_makes_a_claim_while_a_chunk_is_written(database: str, root: Path) -> None:
    """PostgreSQL keeps a claim waiting that comes between the check of the lease and the end of the transaction."""
    written = Written(Store.open(database, root), "between")
    lease = take(written.store.client, written.parent.info.run_id, "between", LeaseTimes())
    writer = written.in_one(lease)
    add = "INSERT INTO params (key, value, run_uuid) VALUES (:key, 'other', :run)"
    other = sqlalchemy.create_engine(database, connect_args={"options": "-c lock_timeout=200"})
    refused: list[str] = []

    def claim(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("INSERT INTO runs") and not refused:
            with pytest.raises(sqlalchemy.exc.OperationalError) as caught, other.begin() as theirs:
                theirs.execute(sqlalchemy.text(add), {"key": f"{OWNER}2", "run": written.parent.info.run_id})
            refused.append(str(caught.value))

    engine = database_of(written.store.client).engine
    sqlalchemy.event.listen(engine, "before_cursor_execute", claim)
    try:
        assert writer.write([plain(0)]).runs.keys() == {0}
    finally:
        sqlalchemy.event.remove(engine, "before_cursor_execute", claim)
        other.dispose()
    assert "lock timeout" in refused[0]


def test_a_study_is_read_back_as_it_was_recorded(store: Store, root: Path) -> None:
    """Through the tracker, as a search does it."""
    tracker = MlflowTracker(store=store)
    tracker.start(tracked("through"))
    for trial in trials():
        tracker.record(trial)
    tracker.finish("finished", trials())
    found = MlflowTracker(store=store).find(tracked("through"))
    assert found is not None
    assert text(found.trials) == text(trials())
    assert (found.dropped, SPACE) == (0, SPACE)


def test_a_deleted_experiment_is_an_error(store: Store) -> None:
    written = Written(store, "deleted")
    store.client.delete_experiment(written.parent.info.experiment_id)
    errors = written.in_one().write([plain(0)]).errors
    assert "must be in the 'active' state" in str(errors[0])
    assert not isinstance(errors[0], TrackingError)
