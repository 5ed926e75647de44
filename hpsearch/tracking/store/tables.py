"""MLflow's tables as far as they are read by SQL, for the revisions in `hpsearch.tracking.store.schema`.

Import this late: it loads SQLAlchemy, but none of MLflow.
"""

from __future__ import annotations

from sqlalchemy import column, table

EXPERIMENTS = table(
    "experiments",
    *map(column, ("experiment_id", "name", "artifact_location", "lifecycle_stage", "creation_time")),
)
EXPERIMENT_TAGS = table("experiment_tags", *map(column, ("experiment_id", "key", "value")))
RUNS = table(
    "runs",
    *map(
        column,
        (
            "run_uuid", "name", "experiment_id", "user_id", "status", "start_time", "end_time", "lifecycle_stage",
            "artifact_uri",
        ),
    ),
)  # fmt: skip
TAGS = table("tags", *map(column, ("run_uuid", "key", "value")))
PARAMS = table("params", *map(column, ("run_uuid", "key", "value")))
_POINT = ("run_uuid", "key", "value", "timestamp", "step", "is_nan")
LATEST_METRICS = table("latest_metrics", *map(column, _POINT))
METRICS = table("metrics", *map(column, _POINT))
