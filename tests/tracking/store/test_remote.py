"""The check of a server, made by MLflow's own client against small servers on this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hpsearch.errors import TrackingError
from hpsearch.tracking.store.remote import check_server
from tests.tracking.store.front import Certificate, basic, front

SECRET = "correct-horse"
NAMES = (
    "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_INSECURE_TLS",
    "MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_CLIENT_CERT_PATH", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "MLFLOW_HTTP_REQUEST_TIMEOUT", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy",
)  # fmt: skip


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take away the settings of the machine that runs the tests, and its file of passwords."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("tls"), "server")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("tls"), "client")


def refusal(uri: str) -> str:
    with pytest.raises(TrackingError) as caught:
        check_server(uri)
    assert SECRET not in str(caught.value)
    return str(caught.value)


LOGINS: dict[str, tuple[str, str, dict[str, str]]] = {
    "user and password in the address": (basic("me", SECRET), f"http://me:{SECRET}@127.0.0.1", {}),
    "quoted characters": (basic("me@work", "a/b:c@d"), "http://me%40work:a%2Fb%3Ac%40d@127.0.0.1", {}),
    "a token as the user": (basic(SECRET, ""), f"http://{SECRET}:@127.0.0.1", {}),
    "user and password in the environment": (
        basic("me", SECRET),
        "http://127.0.0.1",
        {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": SECRET},
    ),
    "a token in the environment": (f"Bearer {SECRET}", "http://127.0.0.1", {"MLFLOW_TRACKING_TOKEN": SECRET}),
}


@pytest.mark.parametrize("case", LOGINS)
def test_every_login_of_mlflow_works(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    header, address, environment = LOGINS[case]
    with front(header=header) as port:
        assert "does not accept the user or password (status 401). Set MLFLOW_TRACKING_USERNAME" in refusal(
            f"http://me:wrong@127.0.0.1:{port}"
        )
        for name, text in environment.items():
            monkeypatch.setenv(name, text)
        check_server(f"{address}:{port}")


TLS: dict[str, Callable[[Certificate], dict[str, str]]] = {
    "no check at all": lambda found: {"MLFLOW_TRACKING_INSECURE_TLS": "true"},
    "the certificate of the server": lambda found: {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(found.public)},
    "the bundle of requests": lambda found: {"REQUESTS_CA_BUNDLE": str(found.public)},
}


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("case", TLS)
def test_every_certificate_setting_of_mlflow_works(
    case: str, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with front(certificate=certificate) as port:
        said = refusal(f"https://me:{SECRET}@127.0.0.1:{port}")
        assert "cannot be reached: its certificate is not trusted. Name the certificate" in said
        for name, text in TLS[case](certificate).items():
            monkeypatch.setenv(name, text)
        check_server(f"https://me:{SECRET}@127.0.0.1:{port}")


def test_a_certificate_of_the_client(
    certificate: Certificate, client: Certificate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(certificate.public))
    with front(certificate=certificate, client=client) as port:
        assert "cannot be reached" in refusal(f"https://127.0.0.1:{port}")
        monkeypatch.setenv("MLFLOW_TRACKING_CLIENT_CERT_PATH", str(client.both))
        check_server(f"https://127.0.0.1:{port}")
        monkeypatch.setenv("MLFLOW_TRACKING_CLIENT_CERT_PATH", str(tmp_path / "none.pem"))
        assert "none.pem" in refusal(f"https://127.0.0.1:{port}")


def test_settings_that_contradict_each_other(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    """What MLflow itself says of them reaches the user in the sentence."""
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(certificate.public))
    assert "only one of these environment variables may be set" in refusal("https://127.0.0.1:9")


@pytest.fixture
def silent() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_time_limit_of_mlflow_holds(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    assert "did not answer in time. Wait longer with MLFLOW_HTTP_REQUEST_TIMEOUT" in refusal(f"http://127.0.0.1:{silent}")


ANSWERS = {
    "a page": ((200, "text/html", b"<html>Welcome</html>"), "does not answer as MLflow (status 200)"),
    "another interface": ((200, "application/json", b'{"detail": "hello"}'), "does not answer as MLflow (status 200)"),
    "a list": ((200, "application/json", b"[1]"), "does not answer as MLflow (status 200)"),
    "nothing there": ((404, "text/plain", b"no"), "does not answer as MLflow (status 404)"),
    "not allowed": ((403, "text/plain", b"no"), "does not accept the user or password (status 403)"),
    "its database is away": ((500, "text/plain", b"no"), "has a problem of its own (status 500). Look at its log"),
    "a gateway": ((503, "text/plain", b"no"), "has a problem of its own (status 503)"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_what_is_no_mlflow_server(case: str) -> None:
    answer, said = ANSWERS[case]
    with front(answer=answer) as port:
        assert said in refusal(f"http://me:{SECRET}@127.0.0.1:{port}")


def test_an_empty_store_is_one() -> None:
    with front(answer=(200, "application/json", b"{}")) as port:
        check_server(f"http://127.0.0.1:{port}")


REFUSED = {
    "http://me:correct-horse@nohost.invalid": "http://***@nohost.invalid cannot be reached: its host is unknown. Start it",
    "http://me:correct-horse@127.0.0.1:9": "cannot be reached: Connection refused. Start it",
    "https://correct-horse@127.0.0.1:9": "The tracking server https://***@127.0.0.1:9 cannot be reached",
    "http://me:a/correct-horse@127.0.0.1": "this is no address. Write http://HOST:PORT",
    "http://me:correct-horse@127.0.0.1:99999": "this is no address. Write http://HOST:PORT",
}


@pytest.mark.parametrize("uri", REFUSED)
def test_a_server_that_cannot_be_reached(uri: str) -> None:
    assert REFUSED[uri] in refusal(uri)


def test_https_to_a_server_without_tls() -> None:
    with front() as port:
        assert "does not speak TLS as this machine does. Check http or https" in refusal(f"https://127.0.0.1:{port}")
