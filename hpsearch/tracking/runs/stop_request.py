"""Requests to end a running study, made by another process: a tag on the study's run, addressed to one start of it.

Every start of a study has a token of its own, so that a request never reaches a later one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpsearch.tracking.lease.owner import host_name
from hpsearch.tracking.runs.study_run import START

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

STOP = "hpsearch.stop"


def ask(client: MlflowClient, run: Run) -> None:
    """Ask the process that runs a study to end it."""
    client.set_tag(run.info.run_id, STOP, f"{run.data.tags.get(START, '')} {host_name()}")


def is_heard(run: Run) -> bool:
    """Return whether the process that runs the study looks for requests; earlier versions did not."""
    return START in run.data.tags


def read(run: Run, token: str) -> str:
    """Return the machine from which the end of this start was asked for, or an empty text."""
    asked, _, host = run.data.tags.get(STOP, "").partition(" ")
    return host or "an unknown machine" if token and asked == token else ""
