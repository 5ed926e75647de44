"""Servers and databases on other machines: checked within seconds, before MLflow retries for minutes.

A server is asked through MLflow's own client, so user and password, tokens, certificates, proxies and time limits are those of
every later request.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from hpsearch.errors import TrackingError
from hpsearch.tracking.store.client import is_chosen, prepare, reason, reraised_as_tracking_error
from hpsearch.tracking.store.redaction import cause, hide_secrets

PROBE_SECONDS = 5
SERVER_ADVICE = "Start it, or check --tracking-uri and MLFLOW_TRACKING_URI."
_LOGIN_ADVICE = "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN."
_CERTIFICATE_ADVICE = "Name the certificate of its authority in MLFLOW_TRACKING_SERVER_CERT_PATH or REQUESTS_CA_BUNDLE."
_SLOW_ADVICE = "Wait longer with MLFLOW_HTTP_REQUEST_TIMEOUT, or check --tracking-uri and MLFLOW_TRACKING_URI."
_ADDRESS_ADVICE = "Write http://HOST:PORT, and special characters of a password as in %2F for a slash."
_EXPERIMENTS = "/api/2.0/mlflow/experiments/search"
_TIMEOUTS = ("ConnectTimeout", "ReadTimeout", "ConnectTimeoutError", "ReadTimeoutError", "TimeoutError")
# What the errors of MLflow's client and its libraries say, by their names, the most telling first.
_REASONS = {
    ("NameResolutionError",): ("its host is unknown", SERVER_ADVICE),
    ("SSLCertVerificationError",): ("its certificate is not trusted", _CERTIFICATE_ADVICE),
    ("ProxyError",): ("the proxy cannot be reached", "Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY."),
    ("ConnectionRefusedError",): ("Connection refused", SERVER_ADVICE),
    ("SSLError",): ("it does not speak TLS as this machine does", "Check http or https in --tracking-uri, and certificates."),
    _TIMEOUTS: ("it did not answer in time", _SLOW_ADVICE),
    ("InvalidURL", "LocationParseError"): ("this is no address", _ADDRESS_ADVICE),
}


def check_server(uri: str) -> None:
    """Raise a `TrackingError` unless an MLflow server responds and accepts the credentials."""
    prepare()
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    # Without a choice of the user's, a server that does not answer is given up sooner than in the middle of a study.
    seconds = None if is_chosen("MLFLOW_HTTP_REQUEST_TIMEOUT") else PROBE_SECONDS
    try:
        # MLflow's own functions have no types.
        request, credentials = cast(Any, http_request), cast(Any, get_default_host_creds)
        answer = request(
            credentials(uri), _EXPERIMENTS, "POST", max_retries=0, timeout=seconds, raise_on_status=False,
            json={"max_results": 1},
        )  # fmt: skip
    except Exception as error:
        why, advice = _explain(error)
        message = f"The tracking server {uri} cannot be reached: {why}. {advice}"
        raise TrackingError(hide_secrets(message)) from cause(error)
    _check_answer(uri, answer)


def _check_answer(uri: str, answer: Any) -> None:
    """Raise a `TrackingError` unless this is the answer of an MLflow server that let us in."""
    code = int(answer.status_code)
    if code in (401, 403):
        what = f"The tracking server {uri} does not accept the user or password (status {code}). {_LOGIN_ADVICE}"
    elif code == 407:
        what = f"The proxy before the tracking server {uri} asks for a password (status 407). Check HTTP_PROXY and HTTPS_PROXY."
    elif code >= 500:
        what = f"The tracking server {uri} has a problem of its own (status {code}). Look at its log, or try again later."
    elif code != 200 or not _is_list_of_experiments(answer):
        what = f"The tracking server {uri} does not answer as MLflow (status {code}). {SERVER_ADVICE}"
    else:
        return
    raise TrackingError(hide_secrets(what))


def _is_list_of_experiments(answer: Any) -> bool:
    try:
        found = answer.json()
    except ValueError:
        return False
    return isinstance(found, dict) and found.keys() <= {"experiments", "next_page_token"}


def _explain(error: BaseException) -> tuple[str, str]:
    """Return why a request failed, and what to do."""
    errors = list(_chain(error))
    names = {type(found).__name__ for found in errors}
    for known, explained in _REASONS.items():
        if names.intersection(known):
            return explained
    return reason(errors[-1]).rstrip("."), SERVER_ADVICE


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and the errors that led to it, the first one last; libraries keep them in several places."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        found = waiting.pop(0)
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            yield found
            waiting += [found.__cause__, found.__context__, getattr(found, "reason", None), *found.args]


def check_database(uri: str) -> bool:
    """Raise a `TrackingError` unless a database server accepts a connection; return whether MLflow's tables are in it."""
    advice = "Check --tracking-uri and its driver"
    with reraised_as_tracking_error(f"The tracking database {hide_secrets(uri)} cannot be opened. {advice}"):
        import sqlalchemy

        engine = sqlalchemy.create_engine(uri)
        try:
            # Written last, after all other tables.
            return bool(sqlalchemy.inspect(engine).has_table("alembic_version"))
        finally:
            engine.dispose()
