"""A real MLflow server behind passwords, tokens and TLS: whole studies, and no secret in anything that they leave."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from hpsearch.tracking.store import server
from tests.tracking.store.front import Certificate, basic, front

pytestmark = pytest.mark.campaign

SECRET = "hush-q7Zx41"
STUDY = """
'''Which rate is best?'''
from hpsearch import Float, Space, Study, data, main
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Random

study = Study("guarded", Space(learning_rate=Float(0.1, 1.0)), TrainNetwork(data.digits(), hidden=(4,), epochs=1), Random(2))

if __name__ == "__main__":
    main(study)
"""
COMMANDS = (
    ("run", "study.py", "--jobs", "1"), ("run", "study.py"), ("list",), ("show", "guarded"),
    ("report", "guarded", "--out", "r.html"), ("plot", "guarded", "history", "--out", "h.png"), ("export", "guarded"),
    ("test", "guarded"), ("rerun", "guarded", "0"), ("doctor",), ("show", "absent"),
)  # fmt: skip


@contextmanager
def real_server(root: Path) -> Iterator[int]:
    """Run MLflow's own server, which keeps the artifacts itself, while the context lasts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{root / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(root / "kept"), "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (root / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        server.wait_until_up(server.Server(f"http://127.0.0.1:{port}", process), root / "server.log")
        yield port
    finally:
        server.Server("", process).stop()


def environment(project: Path, **settings: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("MLFLOW_", "REQUESTS_", "CURL_"))}
    return kept | {"HOME": str(project), "COLUMNS": "200", "PYTHONUNBUFFERED": "1"} | settings


def call(project: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hpsearch.cli", *words]
    return subprocess.run(
        command, cwd=project, env=environment(project, **settings), capture_output=True, text=True, timeout=300, check=False
    )


def heed_interrupts() -> None:
    """Let Ctrl-C end a process, whoever started the tests: a shell's background commands ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def look_at_the_pages(project: Path, **settings: str) -> str:
    """Return what `hpsearch ui` says before Ctrl-C; for a server it ends by itself."""
    command = [sys.executable, "-m", "hpsearch.cli", "ui"]
    process = subprocess.Popen(
        command, cwd=project, env=environment(project, **settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=heed_interrupts,
    )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    return said


def files_with_secret(*folders: Path) -> list[Path]:
    """Return every file that holds the secret, the database of the server included."""
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in found if path.name != ".netrc" and SECRET.encode() in path.read_bytes()]


def study_is_done(project: Path, root: Path, link: str, commands: Sequence[tuple[str, ...]], **settings: str) -> None:
    (project / "study.py").write_text(STUDY)
    (project / "mlruns").mkdir()
    said = []
    for words in commands:
        done = call(project, *words, **settings)
        assert done.returncode == (2 if "absent" in words else 0), (words, done.stdout, done.stderr)
        said.append(done.stdout + done.stderr)
    assert f"See it in MLflow: {link}/#/experiments/" in said[0]
    said.append(look_at_the_pages(project, **settings))
    assert f"guarded: {link}/#/experiments/" in said[-1]
    said.append(call(project, "delete", "guarded", "--yes", **settings).stdout)
    assert not any(SECRET in text for text in said)
    assert files_with_secret(project, root) == []


KINDS = ("address", "token as user", "environment", "token in the environment", "certificate", "bundle", "insecure", "client")


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_study(kind: str, tmp_path: Path) -> None:
    root, project = tmp_path / "server", tmp_path / "project"
    root.mkdir()
    project.mkdir()
    own, client = Certificate.make(tmp_path, "own"), Certificate.make(tmp_path, "client")
    login = {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": SECRET}
    tls = kind in KINDS[4:]
    header = {"token as user": basic(SECRET, ""), "token in the environment": f"Bearer {SECRET}"}.get(kind, basic("me", SECRET))
    with (
        real_server(root) as upstream,
        front(upstream, header, own if tls else None, client if kind == "client" else None) as port,
    ):
        link = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        settings: dict[str, dict[str, str]] = {
            "address": {"MLFLOW_TRACKING_URI": f"http://me:{SECRET}@127.0.0.1:{port}"},
            "token as user": {"MLFLOW_TRACKING_URI": f"http://{SECRET}:@127.0.0.1:{port}"},
            "environment": login,
            "token in the environment": {"MLFLOW_TRACKING_TOKEN": SECRET},
            "certificate": {
                "MLFLOW_TRACKING_URI": f"https://me:{SECRET}@127.0.0.1:{port}",
                "MLFLOW_TRACKING_SERVER_CERT_PATH": str(own.public),
            },
            "bundle": login | {"REQUESTS_CA_BUNDLE": str(own.public)},
            "insecure": login | {"MLFLOW_TRACKING_INSECURE_TLS": "true"},
            "client": login
            | {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(own.public), "MLFLOW_TRACKING_CLIENT_CERT_PATH": str(client.both)},
        }
        commands = COMMANDS if kind in ("address", "certificate") else [COMMANDS[0], ("doctor",)]
        study_is_done(project, root, link, commands, **{"MLFLOW_TRACKING_URI": link} | settings[kind])


def test_an_outage_names_no_secret(tmp_path: Path) -> None:
    """The server goes away in mid-study: warnings, the spool file and the advice hold no password."""
    root, project = tmp_path / "server", tmp_path / "project"
    root.mkdir()
    project.mkdir()
    slow = STUDY.replace("Random(2)", "Random(60)").replace("epochs=1", "epochs=20")
    (project / "study.py").write_text(slow)
    (project / "mlruns").mkdir()
    with front(None) as unused:
        pass
    with real_server(root) as upstream, front(upstream, basic("me", SECRET)) as port:
        uri = f"http://me:{SECRET}@127.0.0.1:{port}"
        command = [sys.executable, "-m", "hpsearch.cli", "run", "study.py", "--jobs", "1", "--tracking-uri", uri]
        process = subprocess.Popen(
            command, cwd=project, env=environment(project), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=heed_interrupts,
        )  # fmt: skip
        assert process.stdout is not None
        first = next(line for line in process.stdout if "done" in line)
    time.sleep(8)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=120)
    assert "The store" in said or "did not accept it" in said or "wait in" in said
    assert SECRET not in first + said
    assert "resume with: " in said
    assert files_with_secret(project, root) == []
    wrong = call(project, "run", "study.py", "--tracking-uri", f"http://me:{SECRET}@127.0.0.1:{unused}")
    assert wrong.returncode == 2
    assert wrong.stderr.count("\n") == 1
    assert SECRET not in wrong.stdout + wrong.stderr
