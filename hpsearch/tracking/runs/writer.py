"""MLflow calls that write and read runs; a write that failed half-way can be repeated."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.ports import TrackedStudy
from hpsearch.tracking.runs.trial_keys import run_name
from hpsearch.tracking.runs.trial_run import encode
from hpsearch.tracking.store.names import key
from hpsearch.trial import Curve, Trial

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


def write_trial(client: MlflowClient, parent: Run, study: TrackedStudy, trial: Trial, begun: dict[int, str]) -> str:
    """Write one trial as a child of ``parent`` and return its run id.

    ``begun`` holds runs by trial number until they are complete: a second call continues with the run of the first.
    """
    from mlflow.entities import Metric, Param

    content = encode(trial, study)
    if trial.number not in begun:
        tags = {**content.tags, "mlflow.parentRunId": parent.info.run_id}
        run = client.create_run(parent.info.experiment_id, content.start, tags, run_name(trial))
        begun[trial.number] = run.info.run_id
    run_id = begun[trial.number]
    metrics = [Metric(name, value, content.end, step) for name, step, value in content.points]
    client.log_batch(run_id, metrics, [Param(name, text) for name, text in content.params.items()])
    if content.files:
        write_files(client, run_id, content.files)
    client.set_terminated(run_id, "FINISHED" if content.ok else "FAILED", content.end)
    del begun[trial.number]
    return run_id


def write_files(client: MlflowClient, run_id: str, files: Mapping[str, bytes]) -> None:
    """Write files as artifacts of a run, in one call; names are paths under the run."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        client.log_artifacts(run_id, folder)


def read_file(client: MlflowClient, run_id: str, path: str) -> bytes:
    """Return the content of an artifact."""
    with tempfile.TemporaryDirectory() as folder:
        return Path(client.download_artifacts(run_id, path, folder)).read_bytes()


def read_curve(client: MlflowClient, run_id: str, metric: str) -> Curve:
    """Return every stored point of a metric."""
    return tuple((point.step, point.value) for point in client.get_metric_history(run_id, metric))


def write_points(
    client: MlflowClient, run_id: str, values: Mapping[str, float], step: int, time: float, tags: Mapping[str, str]
) -> None:
    """Write one point of several metrics, and tags, in one call."""
    from mlflow.entities import Metric, RunTag

    metrics = [Metric(key(name), float(value), round(time * 1000), step) for name, value in values.items()]
    client.log_batch(run_id, metrics, tags=[RunTag(name, text) for name, text in tags.items()])
