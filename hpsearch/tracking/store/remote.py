"""Servers and databases on other machines: checked within seconds, before MLflow retries for minutes."""

from __future__ import annotations

import urllib.error
import urllib.request

from hpsearch.errors import TrackingError
from hpsearch.tracking.store.client import hide_password, reraised_as_tracking_error

PROBE_SECONDS = 5.0
SERVER_ADVICE = "Start it, or check --tracking-uri and MLFLOW_TRACKING_URI."


def check_server(uri: str) -> None:
    """Raise a `TrackingError` unless a server responds; whether it is MLflow is not checked here."""
    try:
        urllib.request.urlopen(f"{uri}/health", timeout=PROBE_SECONDS).close()
    except urllib.error.HTTPError:
        return
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        message = f"The tracking server {hide_password(uri)} cannot be reached: {why}. {SERVER_ADVICE}"
        raise TrackingError(message) from error


def check_database(uri: str) -> None:
    """Raise a `TrackingError` unless a database server accepts a connection."""
    advice = "Check --tracking-uri and its driver"
    with reraised_as_tracking_error(f"The tracking database {hide_password(uri)} cannot be opened. {advice}"):
        import sqlalchemy

        engine = sqlalchemy.create_engine(uri)
        engine.connect().close()
        engine.dispose()
