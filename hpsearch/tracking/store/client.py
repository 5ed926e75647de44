"""The MLflow client: loaded on first use, without telemetry, with errors in one sentence."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hpsearch.errors import TrackingError
from hpsearch.tracking.store.redaction import cause, hide_secrets

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PAGE = 1000
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # A project's own uv.lock does not list what a logged model needs.
    "MLFLOW_UV_AUTO_DETECT": "false",
    # A server that went away must cost seconds; MLflow's defaults retry for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    # A connection for each thread that writes to a server; more than there is room for would be made anew for each call.
    "MLFLOW_HTTP_POOL_MAXSIZE": "16",
}


_set_here: set[str] = set()


def prepare() -> None:
    """Set MLflow's environment variables for this process and its children, unless the user set them; call before importing."""
    for name, value in ENVIRONMENT.items():
        if name not in os.environ:
            os.environ[name] = value
            _set_here.add(name)


def is_chosen(name: str) -> bool:
    """Return whether the user set one of MLflow's environment variables."""
    return name in os.environ and not (name in _set_here and os.environ[name] == ENVIRONMENT[name])


def connect(uri: str) -> MlflowClient:
    """Return a client for a store; the first call of a process loads MLflow (about two seconds)."""
    prepare()
    with warnings.catch_warnings():
        # In a notebook MLflow's own import of tqdm asks for widgets, which nothing here uses.
        warnings.filterwarnings("ignore", "IProgress not found")
        from mlflow import MlflowClient

    # MLflow announces each migration and prints a stack for every database error it also raises.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    # Each retry would log a line of its own; the tracker logs one warning per outage.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=uri)


@contextmanager
def reraised_as_tracking_error(what: str) -> Iterator[None]:
    """Raise every error of MLflow and its libraries inside the block as a `TrackingError` of one sentence."""
    try:
        yield
    except TrackingError:
        raise
    except Exception as error:
        raise TrackingError(hide_secrets(f"{what}: {reason(error)}")) from cause(error)


def reason(error: BaseException) -> str:
    """Return the first informative line of an error without secrets, at most 300 characters."""
    lines = [line.strip() for line in hide_secrets(str(error)).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]


def is_rejected(error: BaseException) -> bool:
    """Return whether the store rejected the content itself, so that a retry cannot help."""
    return getattr(error, "error_code", None) in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")


def exists(client: MlflowClient, run_id: str) -> bool:
    """Return whether the store has a run, deleted ones included."""
    try:
        client.get_run(run_id)
    except Exception as error:
        if getattr(error, "error_code", None) == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise
    return True


def search(
    client: MlflowClient, experiments: str | Sequence[str], where: str, page: int = PAGE, deleted: bool = False
) -> Iterator[Run]:
    """Yield every run of one or more experiments (their ids) that matches, page by page, oldest first."""
    from mlflow.entities import ViewType

    view = ViewType.ALL if deleted else ViewType.ACTIVE_ONLY
    ids = [experiments] if isinstance(experiments, str) else list(experiments)
    token: str | None = None
    while True:
        found = client.search_runs(ids, where, view, page, ["attributes.start_time ASC"], token)
        yield from found
        token = found.token
        if not token:
            return


def children(parent: str) -> str:
    """Return the filter for the trials of a parent run."""
    return f"tags.`mlflow.parentRunId` = '{parent}' and tags.`hpsearch.kind` = 'trial'"
