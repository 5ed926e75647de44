"""Experiments, runs and curves read from a database with one query per table and page, without MLflow.

MLflow's client, which is taken wherever the tables are not known, makes one query per run.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from hpsearch.tracking.runs.writer import read_points
from hpsearch.tracking.store.client import PAGE, children, search
from hpsearch.tracking.store.entities import PlainData, PlainExperiment, PlainInfo, PlainPoint, PlainRun
from hpsearch.tracking.store.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Metric, Run
    from sqlalchemy import Connection, Engine

# Curves of so many runs are read together.
RUNS_TOGETHER = 100
# What a database keeps of one point: step, time, value, and whether it is NaN.
_Row = tuple[int, int, float, bool]


def search_children(store: Store, parent: Run, page: int = PAGE) -> Iterator[Run]:
    """Yield the trials' runs under a parent run, the oldest first, without what MLflow knows of their data sets and models."""
    engine = store.readable
    if engine is None:
        yield from search(store.client, parent.info.experiment_id, children(parent.info.run_id), page)
        return
    from hpsearch.tracking.store.tables import RUNS

    with engine.connect() as connection:
        infos = iter(connection.execute(select_children(parent, *RUNS.c)).all())
    while found := list(islice(infos, page)):
        with engine.connect() as connection:
            yield from list(_runs(connection, found))


def search_kind(store: Store, experiments: Sequence[str], kind: str) -> Iterator[Run]:
    """Yield the runs of one kind, such as ``study``, in experiments (their ids), the oldest first."""
    engine = store.readable
    if engine is None:
        yield from search(store.client, experiments, f"tags.`hpsearch.kind` = '{kind}'")
        return
    from sqlalchemy import select

    from hpsearch.tracking.store.tables import RUNS, TAGS

    query = (
        select(*RUNS.c)
        .join(TAGS, (TAGS.c.run_uuid == RUNS.c.run_uuid) & (TAGS.c.key == "hpsearch.kind") & (TAGS.c.value == kind))
        .where(RUNS.c.experiment_id.in_(list(map(int, experiments))), RUNS.c.lifecycle_stage == "active")
        .order_by(RUNS.c.start_time, RUNS.c.run_uuid)
    )
    with engine.connect() as connection:
        infos = connection.execute(query).all()
        for first in range(0, len(infos), PAGE):
            yield from list(_runs(connection, infos[first : first + PAGE]))


def read_runs(store: Store, run_ids: Sequence[str]) -> list[Run]:
    """Return runs by their ids, in this order."""
    engine = store.readable
    if engine is None or not run_ids:
        return [store.client.get_run(run_id) for run_id in run_ids]
    from sqlalchemy import select

    from hpsearch.tracking.store.tables import RUNS

    with engine.connect() as connection:
        infos = connection.execute(select(*RUNS.c).where(RUNS.c.run_uuid.in_(run_ids))).all()
        found = {run.info.run_id: run for run in _runs(connection, infos)}
    return [found[run_id] for run_id in run_ids]


def read_experiments(engine: Engine, deleted: bool = False, name: str | None = None) -> list[Experiment]:
    """Return the experiments of a database, or that of one name; with ``deleted`` also the deleted ones."""
    from sqlalchemy import select

    from hpsearch.tracking.store.tables import EXPERIMENT_TAGS, EXPERIMENTS

    entry, tag = EXPERIMENTS.c, EXPERIMENT_TAGS.c
    wanted = [*([] if deleted else [entry.lifecycle_stage == "active"]), *([] if name is None else [entry.name == name])]
    query = select(entry.experiment_id, entry.name, entry.artifact_location, entry.lifecycle_stage).where(*wanted)
    chosen = select(tag.experiment_id, tag.key, tag.value).where(
        tag.experiment_id.in_(select(entry.experiment_id).where(*wanted))
    )
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(entry.creation_time.desc(), entry.experiment_id)).all()  # MLflow's order
        tags: dict[int, dict[str, str]] = defaultdict(dict)
        for number, key, value in connection.execute(chosen):
            tags[number][key] = value
    found: Any = [PlainExperiment(str(row[0]), row[1], row[2], row[3], tags[row[0]]) for row in rows]
    return list(found)


def select_children(parent: Run, *columns: Any) -> Any:
    """Return the query for columns of the runs of trials under a parent run, the oldest first."""
    from sqlalchemy import select

    from hpsearch.tracking.store.tables import RUNS, TAGS

    run_id, experiment_id = parent.info.run_id, int(parent.info.experiment_id)
    under, kind = TAGS.alias("under"), TAGS.alias("kind")
    is_under = (under.c.key == "mlflow.parentRunId") & (under.c.value == run_id)
    is_trial = (kind.c.key == "hpsearch.kind") & (kind.c.value == "trial")
    return (
        select(*columns)
        .select_from(RUNS)
        .join(under, (under.c.run_uuid == RUNS.c.run_uuid) & is_under)
        .join(kind, (kind.c.run_uuid == RUNS.c.run_uuid) & is_trial)
        .where(RUNS.c.experiment_id == experiment_id, RUNS.c.lifecycle_stage == "active")
        .order_by(RUNS.c.start_time, RUNS.c.run_uuid)
    )


def _runs(connection: Connection, infos: Sequence[Any]) -> Iterator[Run]:
    """Yield the runs of rows of their table; they have the attributes of MLflow's own that this package uses."""
    from hpsearch.tracking.store.tables import LATEST_METRICS, PARAMS, TAGS

    ids = [info.run_uuid for info in infos]
    tags = _by_run(connection, ids, TAGS, "key", "value")
    params = _by_run(connection, ids, PARAMS, "key", "value")
    metrics = _by_run(connection, ids, LATEST_METRICS, "key", "value", "timestamp", "step", "is_nan")
    for info in infos:
        run_id = info.run_uuid
        points = [PlainPoint(key, math.nan if nan else value, at, step) for key, value, at, step, nan in metrics[run_id]]
        found: Any = PlainRun(
            PlainInfo(
                run_id=run_id, run_name=info.name, experiment_id=str(info.experiment_id), user_id=info.user_id,
                status=info.status, start_time=info.start_time, end_time=info.end_time,
                lifecycle_stage=info.lifecycle_stage, artifact_uri=info.artifact_uri,
            ),
            PlainData({point.key: point.value for point in points}, dict(params[run_id]), dict(tags[run_id]), points),
        )  # fmt: skip
        yield found


def _by_run(connection: Connection, ids: Sequence[str], table: Any, *columns: str) -> dict[str, list[Any]]:
    """Return the rows of a table by run."""
    from sqlalchemy import select

    query = select(table.c.run_uuid, *(table.c[name] for name in columns)).where(table.c.run_uuid.in_(ids))
    found: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(query).all():
        # Plain tuples: the garbage collector looks through lists again and again.
        found[row[0]].append(row[1:])
    return found


class PointsReader:
    """Reads the points of metrics; of many runs at once where the store is a database.

    Args:
        store: that holds them.
        run_ids: the runs whose curves may be read, in the order in which they probably are.
    """

    def __init__(self, store: Store, run_ids: Sequence[str]) -> None:
        self._store, self._run_ids = store, run_ids
        self._places = {run_id: place for place, run_id in enumerate(run_ids)}
        # The page that was read last, by its first place. Several threads may read: it is replaced, never changed.
        self._page: tuple[int, dict[tuple[str, str], list[_Row]]] = (-1, {})

    def read(self, run_id: str, metric: str) -> Sequence[Metric]:
        """Return every stored point of a metric, in MLflow's order."""
        place = self._places[run_id] // RUNS_TOGETHER * RUNS_TOGETHER
        page = self._page
        if page[0] != place:
            engine = self._store.readable
            if engine is None:
                return read_points(self._store.client, run_id, metric)
            self._page = page = (place, _read_points(engine, self._run_ids[place : place + RUNS_TOGETHER]))
        rows = sorted(page[1].get((run_id, metric), ()), key=lambda row: (row[1], row[0], row[2]))
        points: Any = [PlainPoint(metric, math.nan if nan else value, at, step) for step, at, value, nan in rows]
        return list(points)


def _read_points(engine: Engine, run_ids: Sequence[str]) -> dict[tuple[str, str], list[_Row]]:
    from hpsearch.tracking.store.tables import METRICS

    with engine.connect() as connection:
        rows = _by_run(connection, run_ids, METRICS, "key", "step", "timestamp", "value", "is_nan")
    found: dict[tuple[str, str], list[_Row]] = defaultdict(list)
    for run_id, points in rows.items():
        for key, step, at, value, nan in points:
            found[run_id, key].append((step, at, value, nan))
    return found
