"""MLflow's server with the home page and reports beside its own pages: ``mlflow server --app-name hpsearch``."""

from __future__ import annotations

import os
import threading
import time
from html import escape
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpsearch.errors import TrackingError
from hpsearch.tracking.home.overview import REPORT, OverviewReader
from hpsearch.tracking.home.rendering import POLICY, render
from hpsearch.tracking.pages import links
from hpsearch.tracking.runs import location, read_file, study_run
from hpsearch.tracking.store.client import reason
from hpsearch.tracking.store.project import project_root
from hpsearch.tracking.store.server import APP, PATH, ROOT_VARIABLE
from hpsearch.tracking.store.store import Store

if TYPE_CHECKING:
    from flask import Flask

# A page that was made so many seconds ago is shown again, however many browsers ask.
_FRESH_SECONDS = 1.0
_COMMON = {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
HEADERS = _COMMON | {"Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'"}
# A report is a page with scripts of its own, from an artifact that others can write: it reaches nothing, MLflow included.
_ALONE = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'"
REPORT_HEADERS = _COMMON | {"Content-Security-Policy": f"{_ALONE}; img-src data: blob:; frame-ancestors 'none'"}


def create_app() -> Any:
    """Return MLflow's own app with the home page added; everything else is as MLflow made it."""
    from mlflow.server import app
    from mlflow.server.constants import BACKEND_STORE_URI_ENV_VAR
    from mlflow.server.handlers import STATIC_PREFIX_ENV_VAR

    root = Path(os.environ.get(ROOT_VARIABLE) or project_root(Path.cwd()))
    add_page(app, os.environ[BACKEND_STORE_URI_ENV_VAR], root, os.environ.get(STATIC_PREFIX_ENV_VAR, ""))
    if os.environ.get("_MLFLOW_SGI_NAME") != "uvicorn":
        return app  # gunicorn and waitress serve this one, without what MLflow has for uvicorn alone
    from mlflow.server.fastapi_app import app as wrapper

    return wrapper


def add_page(app: Flask, uri: str, root: Path, prefix: str = "") -> None:
    """Add the home page of a store to MLflow's app, under the path that its other pages share."""
    page, prefix = _Page(uri, root, prefix.rstrip("/")), prefix.rstrip("/")
    app.add_url_rule(prefix + PATH, "hpsearch_home", page.respond, methods=["GET"])
    app.add_url_rule(f"{prefix}{PATH}/report/<run_id>", "hpsearch_report", page.report, methods=["GET"])


def is_installed() -> bool:
    """Return whether MLflow finds this app: an installation of an earlier version did not announce it."""
    return any(entry.name == APP for entry in entry_points(group="mlflow.app"))


class _Page:
    """The home page as it was made last; several threads ask for it."""

    def __init__(self, uri: str, root: Path, prefix: str) -> None:
        self._uri, self._root, self._prefix = uri, root, prefix
        self._lock = threading.Lock()
        self._reader: OverviewReader | None = None
        self._made, self._text = -float("inf"), ""

    def respond(self) -> tuple[str, int, dict[str, str]]:
        """Return the page with its status and headers."""
        with self._lock:
            try:
                if time.monotonic() - self._made > _FRESH_SECONDS:
                    self._text, self._made = self._make(), time.monotonic()
            except TrackingError as error:
                return _describe(str(error)), 503, HEADERS
            return self._text, 200, HEADERS

    def report(self, run_id: str) -> tuple[str | bytes, int, dict[str, str]]:
        """Return a study's report; where this process cannot read artifacts, the way to MLflow's view of it."""
        try:
            client = Store.at(self._uri, self._root).client
            run = client.get_run(run_id)
        except Exception as error:
            return _describe(f"Run {run_id} cannot be read: {reason(error)}"), 404, HEADERS
        if run.data.tags.get(location.KIND_TAG) != "study" or REPORT not in study_run.attached(run):
            return _describe(f"Run {run_id} has no report. Write it: hpsearch report NAME"), 404, HEADERS
        try:
            return read_file(client, run_id, REPORT), 200, REPORT_HEADERS
        except Exception:
            address = links.file_link(str(run.info.experiment_id), run_id, REPORT)
            return "", 302, HEADERS | {"Location": f"{self._prefix}/{address}"}

    def _make(self) -> str:
        if self._reader is None:
            self._reader = OverviewReader(Store.at(self._uri, self._root))
        return render(self._reader.read(), self._reader.store.place, live=True)


def _describe(sentence: str) -> str:
    return f'<!DOCTYPE html><html lang="en"><title>hpsearch</title><body><p>{escape(sentence)}</p></body></html>'
