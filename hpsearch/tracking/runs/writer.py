"""MLflow calls that write and read runs; a write that failed half-way can be repeated."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.ports import TrackedStudy
from hpsearch.tracking.lease.claim import WRITTEN_UNDER
from hpsearch.tracking.runs.trial_keys import STARTED, run_name
from hpsearch.tracking.runs.trial_run import encode
from hpsearch.tracking.store.names import key
from hpsearch.trial import Trial, best, flip_sign

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run


def write_trial(
    client: MlflowClient,
    parent: Run,
    study: TrackedStudy,
    trial: Trial,
    begun: dict[int, str],
    owner: int = 0,
    live: str | None = None,
) -> str:
    """Write one trial as a child of ``parent`` and return its run id.

    ``begun`` holds runs by trial number until they are complete: a second call continues with the run of the first. ``owner``
    is the number of the lease it is written under, 0 where a file is locked instead. ``live`` is the run that the trial had
    while it ran, which is completed.
    """
    from mlflow.entities import Metric, Param, RunTag

    content = encode(trial, study)
    if live is not None:
        begun[trial.number] = live
    if trial.number not in begun:
        tags = {**content.tags, "mlflow.parentRunId": parent.info.run_id} | ({WRITTEN_UNDER: str(owner)} if owner else {})
        run = client.create_run(parent.info.experiment_id, content.start, tags, run_name(trial))
        begun[trial.number] = run.info.run_id
    run_id = begun[trial.number]
    metrics = [Metric(name, value, content.end, step) for name, step, value in content.points]
    tags = {} if live is None else {**content.tags, STARTED: str(content.start)}
    params = [Param(name, text) for name, text in content.params.items()]
    client.log_batch(run_id, metrics, params, [RunTag(name, text) for name, text in tags.items()])
    if content.files:
        write_files(client, run_id, content.files)
    client.set_terminated(run_id, "FINISHED" if content.ok else "FAILED", content.end)
    del begun[trial.number]
    return run_id


def write_files(client: MlflowClient, run_id: str, files: Mapping[str, bytes]) -> None:
    """Write files as artifacts of a run, in one call; names are paths under the run."""
    with files_in_folder(files) as folder:
        client.log_artifacts(run_id, str(folder))


@contextmanager
def files_in_folder(files: Mapping[str, bytes]) -> Iterator[Path]:
    """Write files into a temporary folder, from which MLflow takes them."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield Path(folder)


def read_file(client: MlflowClient, run_id: str, path: str) -> bytes:
    """Return the content of an artifact."""
    with tempfile.TemporaryDirectory() as folder:
        return Path(client.download_artifacts(run_id, path, folder)).read_bytes()


def read_points(client: MlflowClient, run_id: str, metric: str) -> Sequence[Metric]:
    """Return every stored point of a metric."""
    found: Sequence[Metric] = client.get_metric_history(run_id, metric)
    return found


def write_points(
    client: MlflowClient, run_id: str, values: Mapping[str, float], step: int, time: float, tags: Mapping[str, str]
) -> None:
    """Write one point of several metrics, and tags, in one call."""
    from mlflow.entities import Metric, RunTag

    metrics = [Metric(key(name), float(value), round(time * 1000), step) for name, value in values.items()]
    client.log_batch(run_id, metrics, tags=[RunTag(name, text) for name, text in tags.items()])


# Trials done, the best value as the objective returned it or None, seconds since 1970.
ProgressPoint = tuple[int, float | None, float]


@dataclass
class BestCurve:
    """Points not written yet: one wherever the best value improved, and the latest. So few points show every step."""

    maximize: bool
    incumbent: Trial | None = None
    points: list[ProgressPoint] = field(default_factory=list)
    written: float = -float("inf")
    _improved: bool = True

    def begin(self, trials: Iterable[Trial]) -> None:
        """Start from the trials that are recorded already."""
        self.incumbent = next(iter(best(trials)), None)

    def add(self, trial: Trial, done: int) -> None:
        """Add one trial; ``done`` counts it."""
        before = self.incumbent
        self.begin([trial] if before is None else [before, trial])
        if self.points and not self._improved:
            self.points.pop()
        self._improved = self.incumbent is not before
        value = None if self.incumbent is None else flip_sign(self.incumbent.value, self.maximize)
        self.points.append((done, value, time.time()))

    def clear(self) -> None:
        """Drop the points after they were written."""
        self.points.clear()
        self.written = time.monotonic()
        self._improved = True


def write_best(client: MlflowClient, run_id: str, points: Sequence[ProgressPoint]) -> None:
    """Write progress points, each with its own time, in one call."""
    from mlflow.entities import Metric

    metrics = [Metric("trials_done", float(done), round(time * 1000), done) for done, _, time in points]
    metrics += [Metric("best_value", value, round(time * 1000), done) for done, value, time in points if value is not None]
    client.log_batch(run_id, metrics)
