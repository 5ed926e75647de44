"""Runs and curves read from a database with one query per table and page, where MLflow's client makes one per run."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from hpsearch.tracking.runs.writer import read_points
from hpsearch.tracking.store.client import PAGE, children, search
from hpsearch.tracking.store.schema import readable_database

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

# Curves of so many runs are read together.
RUNS_TOGETHER = 100
# What a database keeps of one point: step, time, value, and whether it is NaN.
_Row = tuple[int, int, float, bool]


def search_children(client: MlflowClient, parent: Run, page: int = PAGE) -> Iterator[Run]:
    """Yield the trials' runs under a parent run, the oldest first, without what MLflow knows of their data sets and models."""
    database = readable_database(client)
    if database is None:
        yield from search(client, parent.info.experiment_id, children(parent.info.run_id), page)
        return
    from mlflow.store.tracking.dbmodels.models import SqlRun

    with database.ManagedSessionMaker() as session:
        infos = iter(session.execute(select_children(parent, *SqlRun.__table__.columns)).all())
    while found := list(islice(infos, page)):
        with database.ManagedSessionMaker() as session:
            yield from list(_runs(session, found))


def read_runs(client: MlflowClient, run_ids: Sequence[str]) -> list[Run]:
    """Return runs by their ids, in this order."""
    database = readable_database(client)
    if database is None or not run_ids:
        return [client.get_run(run_id) for run_id in run_ids]
    from mlflow.store.tracking.dbmodels.models import SqlRun
    from sqlalchemy import select

    with database.ManagedSessionMaker() as session:
        infos = session.execute(select(*SqlRun.__table__.columns).where(SqlRun.run_uuid.in_(run_ids))).all()
        found = {run.info.run_id: run for run in _runs(session, infos)}
    return [found[run_id] for run_id in run_ids]


def select_children(parent: Run, *columns: Any) -> Any:
    """Return the query for columns of the runs of trials under a parent run, the oldest first."""
    from mlflow.store.tracking.dbmodels.models import SqlRun, SqlTag
    from sqlalchemy import select
    from sqlalchemy.orm import aliased

    run_id, experiment_id = parent.info.run_id, int(parent.info.experiment_id)
    under, kind = aliased(SqlTag), aliased(SqlTag)
    return (
        select(*columns)
        .select_from(SqlRun)
        .join(under, (under.run_uuid == SqlRun.run_uuid) & (under.key == "mlflow.parentRunId") & (under.value == run_id))
        .join(kind, (kind.run_uuid == SqlRun.run_uuid) & (kind.key == "hpsearch.kind") & (kind.value == "trial"))
        .where(SqlRun.experiment_id == experiment_id, SqlRun.lifecycle_stage == "active")
        .order_by(SqlRun.start_time, SqlRun.run_uuid)
    )


def _runs(session: Any, infos: Sequence[Any]) -> Iterator[Run]:
    from mlflow.entities import Metric, Param, Run, RunData, RunInfo, RunTag
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlParam, SqlTag

    ids = [info.run_uuid for info in infos]
    tags = _by_run(session, ids, SqlTag, "key", "value")
    params = _by_run(session, ids, SqlParam, "key", "value")
    metrics = _by_run(session, ids, SqlLatestMetric, "key", "value", "timestamp", "step", "is_nan")
    for info in infos:
        data: Any = RunData(
            metrics=[Metric(key, math.nan if nan else value, at, step) for key, value, at, step, nan in metrics[info.run_uuid]],
            params=[Param(*row) for row in params[info.run_uuid]],
            tags=[RunTag(*row) for row in tags[info.run_uuid]],
        )
        about = RunInfo(
            run_id=info.run_uuid, run_name=info.name, experiment_id=str(info.experiment_id), user_id=info.user_id,
            status=info.status, start_time=info.start_time, end_time=info.end_time, lifecycle_stage=info.lifecycle_stage,
            artifact_uri=info.artifact_uri,
        )  # fmt: skip
        yield Run(about, data)


def _by_run(session: Any, ids: Sequence[str], model: Any, *columns: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of a table by run."""
    from sqlalchemy import select

    table = model.__table__.columns
    rows = session.execute(select(table.run_uuid, *(table[name] for name in columns)).where(table.run_uuid.in_(ids)))
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for run_id, *row in rows:
        found[run_id].append(tuple(row))
    return found


class PointsReader:
    """Reads the points of metrics; of many runs at once where the store is a database.

    Args:
        client: of the store.
        run_ids: the runs whose curves may be read, in the order in which they probably are.
    """

    def __init__(self, client: MlflowClient, run_ids: Sequence[str]) -> None:
        self._client, self._run_ids = client, run_ids
        self._places = {run_id: place for place, run_id in enumerate(run_ids)}
        # The page that was read last, by its first place. Several threads may read: it is replaced, never changed.
        self._page: tuple[int, dict[tuple[str, str], list[_Row]]] = (-1, {})

    def read(self, run_id: str, metric: str) -> Sequence[Metric]:
        """Return every stored point of a metric, in MLflow's order."""
        from mlflow.entities import Metric

        place = self._places[run_id] // RUNS_TOGETHER * RUNS_TOGETHER
        page = self._page
        if page[0] != place:
            database = readable_database(self._client)
            if database is None:
                return read_points(self._client, run_id, metric)
            self._page = page = (place, _read_points(database, self._run_ids[place : place + RUNS_TOGETHER]))
        rows = sorted(page[1].get((run_id, metric), ()), key=lambda row: (row[1], row[0], row[2]))
        return [Metric(metric, math.nan if nan else value, at, step) for step, at, value, nan in rows]


def _read_points(database: Any, run_ids: Sequence[str]) -> dict[tuple[str, str], list[_Row]]:
    from mlflow.store.tracking.dbmodels.models import SqlMetric

    with database.ManagedSessionMaker() as session:
        rows = _by_run(session, run_ids, SqlMetric, "key", "step", "timestamp", "value", "is_nan")
    found: dict[tuple[str, str], list[_Row]] = defaultdict(list)
    for run_id, points in rows.items():
        for key, step, at, value, nan in points:
            found[run_id, key].append((step, at, value, nan))
    return found
