"""The rows of a trial's run in MLflow's tables, equal to those that its client writes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hpsearch.tracking.lease.claim import WRITTEN_UNDER
from hpsearch.tracking.runs.trial_run import Content, Point

if TYPE_CHECKING:
    from mlflow.entities import Run

Row = dict[str, Any]


@dataclass
class Rows:
    """Rows of MLflow's tables, in the order in which its client inserts them."""

    runs: list[Row] = field(default_factory=list)
    tags: list[Row] = field(default_factory=list)
    params: list[Row] = field(default_factory=list)
    metrics: list[Row] = field(default_factory=list)
    latest_metrics: list[Row] = field(default_factory=list)

    def insert(self, session: Any) -> None:
        """Insert all rows."""
        from mlflow.store.tracking.dbmodels import models
        from sqlalchemy import insert

        for model, rows in (
            (models.SqlRun, self.runs),
            (models.SqlTag, self.tags),
            (models.SqlParam, self.params),
            (models.SqlMetric, self.metrics),
            (models.SqlLatestMetric, self.latest_metrics),
        ):
            if rows:
                session.execute(insert(model.__table__), rows)

    def add(self, run: Row, tags: Mapping[str, str], content: Content, metrics: list[Row]) -> None:
        """Add the rows of one trial; ``run`` and ``metrics`` are those of `run_row` and `metric_rows`."""
        run_id = run["run_uuid"]
        self.runs.append(run)
        self.tags += [{"key": key, "value": text, "run_uuid": run_id} for key, text in tags.items()]
        self.params += [{"key": key, "value": text, "run_uuid": run_id} for key, text in content.params.items()]
        self.metrics += metrics
        self.latest_metrics += latest(metrics)


def run_tags(content: Content, parent: Run, name: str, owner: int) -> dict[str, str]:
    """Return all tags of a trial's run, those that MLflow adds included."""
    from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

    under = {WRITTEN_UNDER: str(owner)} if owner else {}
    return {**content.tags, MLFLOW_PARENT_RUN_ID: parent.info.run_id, **under, MLFLOW_RUN_NAME: name}


def run_row(content: Content, parent: Run, run_id: str, name: str, artifacts: str) -> Row:
    """Return the row of a trial's run, which has ended."""
    from mlflow.entities import LifecycleStage, SourceType

    now = round(time.time() * 1000)
    return {
        "run_uuid": run_id,
        "name": name,
        "source_type": SourceType.to_string(SourceType.UNKNOWN),
        "source_name": "",
        "entry_point_name": "",
        "user_id": "unknown",
        "status": "FINISHED" if content.ok else "FAILED",
        "start_time": content.start or now,
        "end_time": content.end or now,
        "deleted_time": None,
        "source_version": "",
        "lifecycle_stage": LifecycleStage.ACTIVE,
        "artifact_uri": artifacts,
        "experiment_id": int(parent.info.experiment_id),
    }


def metric_rows(store: Any, points: Iterable[Point], end: int, run_id: str) -> list[Row]:
    """Return the rows of metric points, without repeated ones; ``store`` knows how MLflow keeps what no database does."""
    found: dict[tuple[str, int, float, bool], Row] = {}
    for key, step, point in points:
        is_nan, value = store.sanitize_metric_value(point)
        row = {"key": key, "value": value, "timestamp": end, "step": step, "is_nan": is_nan, "run_uuid": run_id}
        found.setdefault((key, step, value, is_nan), row)
    return list(found.values())


def latest(metrics: Iterable[Row]) -> list[Row]:
    """Return the rows of the latest point of each metric, by step, time and value as MLflow orders them."""
    found: dict[str, Row] = {}
    for row in metrics:
        before = found.get(row["key"])
        if before is None or _order(row) > _order(before):
            found[row["key"]] = row
    return list(found.values())


def _order(row: Row) -> tuple[int, int, float]:
    return row["step"], row["timestamp"], row["value"]


def check(content: Content) -> None:
    """Raise MLflow's error about a name or a text that its client would not accept."""
    from mlflow.utils.validation import _validate_metric, _validate_param

    validate_metric: Any = _validate_metric
    validate_param: Any = _validate_param
    for key, (step, value) in {key: (step, value) for key, step, value in content.points}.items():
        validate_metric(key, value, content.end, step)
    for key, text in content.params.items():
        validate_param(key, text)
