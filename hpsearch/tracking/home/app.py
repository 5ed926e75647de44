"""MLflow's server with the home page beside its own pages: ``mlflow server --app-name hpsearch``."""

from __future__ import annotations

import os
import threading
import time
from html import escape
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpsearch.errors import TrackingError
from hpsearch.tracking.home.overview import OverviewReader
from hpsearch.tracking.home.rendering import POLICY, render
from hpsearch.tracking.store.project import project_root
from hpsearch.tracking.store.server import APP, PATH, ROOT_VARIABLE
from hpsearch.tracking.store.store import Store

if TYPE_CHECKING:
    from flask import Flask

# A page that was made so many seconds ago is shown again, however many browsers ask.
_FRESH_SECONDS = 1.0
HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


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
    page = _Page(uri, root)
    app.add_url_rule(prefix.rstrip("/") + PATH, "hpsearch_home", page.respond, methods=["GET"])


def is_installed() -> bool:
    """Return whether MLflow finds this app: an installation of an earlier version did not announce it."""
    return any(entry.name == APP for entry in entry_points(group="mlflow.app"))


class _Page:
    """The home page as it was made last; several threads ask for it."""

    def __init__(self, uri: str, root: Path) -> None:
        self._uri, self._root = uri, root
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
                return _describe(error), 503, HEADERS
            return self._text, 200, HEADERS

    def _make(self) -> str:
        if self._reader is None:
            self._reader = OverviewReader(Store.at(self._uri, self._root))
        return render(self._reader.read(), self._reader.store.place, live=True)


def _describe(error: TrackingError) -> str:
    return f'<!DOCTYPE html><html lang="en"><title>hpsearch</title><body><p>{escape(str(error))}</p></body></html>'
