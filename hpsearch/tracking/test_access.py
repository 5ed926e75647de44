"""Openings of a study's sealed test part, and the scores on it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hpsearch.tracking.open_study import OpenStudy
from hpsearch.tracking.runs.trial_keys import outcome_keys
from hpsearch.tracking.runs.trial_tags import read_tag
from hpsearch.tracking.runs.writer import write_points
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from mlflow import MlflowClient

COUNT, TESTED = "hpsearch.test_openings", "hpsearch.tested"


def count_opening(client: MlflowClient, run_id: str, trial: Trial) -> int:
    """Count one more opening on the study's run, and return how many there were."""
    count = read_count(client, run_id) + 1
    write_points(client, run_id, {}, count, time.time(), {COUNT: str(count), TESTED: str(trial.number)})
    return count


def read_count(client: MlflowClient, run_id: str) -> int:
    """Return how often the test part was opened."""
    return read_tag(client.get_run(run_id), COUNT, int, 0)


def write_scores(client: MlflowClient, study: OpenStudy, trial: Trial, scores: Mapping[str, float]) -> None:
    """Log scores as ``test_...``, on the study by number of opening, and on the trial."""
    count = read_count(client, study.run_id)
    values = {name if name.startswith("test_") else f"test_{name}": value for name, value in scores.items()}
    write_points(client, study.run_id, values, count, time.time(), {})
    if trial.number in study.queue.runs:
        own = {key for keys in outcome_keys([trial]) for key in keys.values()}
        values = {name: value for name, value in values.items() if name not in own}
        write_points(client, study.queue.runs[trial.number], values, count, time.time(), {})
