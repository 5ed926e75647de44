"""Experiments, runs and points as they are read by SQL: plain data under the names of MLflow's own entities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class PlainExperiment(NamedTuple):
    """An experiment; its fields are those of ``mlflow.entities.Experiment``."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str
    tags: Mapping[str, str]


class PlainPoint(NamedTuple):
    """One point of a metric; its fields are those of ``mlflow.entities.Metric``."""

    key: str
    value: float
    timestamp: int
    step: int


class PlainInfo(NamedTuple):
    """What a run is; its fields are those of ``mlflow.entities.RunInfo``."""

    run_id: str
    run_name: str
    experiment_id: str
    user_id: str
    status: str
    start_time: int
    end_time: int | None
    lifecycle_stage: str
    artifact_uri: str


class PlainData(NamedTuple):
    """What a run holds; its fields are those of ``mlflow.entities.RunData``."""

    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    points: Sequence[PlainPoint]

    @property
    def _metric_objs(self) -> Sequence[PlainPoint]:
        return self.points


class PlainRun(NamedTuple):
    """A run; its fields are those of ``mlflow.entities.Run``."""

    info: PlainInfo
    data: PlainData
