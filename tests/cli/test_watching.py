"""``hpsearch watch``, ``stop``, ``page`` and ``ui`` on a real store, and between two machines on a real server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hpsearch.cli import watching
from hpsearch.tracking import MlflowTracker
from tests.command import run_command
from tests.tracking import sample
from tests.tracking.servers import mlflow_server

SECONDS = 120.0


@pytest.fixture
def project(tmp_path: Path, put_store: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(watching, "_POLL_SECONDS", 0.05)
    return put_store(tmp_path)


def begin(project: Path, name: str = "sample") -> MlflowTracker:
    tracker = MlflowTracker(root=project)
    tracker.start(sample.tracked(name, planned=3, measure="cost"))
    tracker.record(sample.plain(0, 0.25))
    return tracker


@pytest.mark.parametrize("command", ["watch", "stop"])
def test_an_unknown_or_ended_study_is_one_sentence(project: Path, command: str) -> None:
    begin(project).finish("finished", [])
    begin(project, "cut").finish("killed", [])
    for name, said in {
        "sampel": "Did you mean 'sample'?",
        "sample": "Study 'sample' does not run: it is finished, with 1 trial. See: hpsearch show sample",
        "cut": "Study 'cut' does not run: it was interrupted, with 1 trial. See: hpsearch show cut",
    }.items():
        done = run_command(project, command, name)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_watching_a_study_until_it_ends(project: Path) -> None:
    tracker = begin(project)

    def go_on() -> None:
        time.sleep(0.3)
        tracker.record(sample.plain(1, 0.125))
        time.sleep(1.0)
        tracker.finish("finished", [])

    other = threading.Thread(target=go_on)
    other.start()
    done = run_command(project, "watch", "sample")
    other.join()
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert "of 3 trials" in lines[0]
    assert lines[-1].startswith("sample is finished: 2 trials; lowest cost 0.1")


def test_a_study_that_an_earlier_version_runs_cannot_be_asked(project: Path) -> None:
    tracker = begin(project)
    run = tracker.store.client.search_runs(["1"], "tags.`hpsearch.kind` = 'study'")[0].info.run_id
    tracker.store.client.delete_tag(run, "hpsearch.start")
    done = run_command(project, "stop", "sample")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"hears of no request. End it where it runs, on {socket.gethostname()}, with Ctrl-C." in done.stderr
    tracker.finish("finished", [])


def test_the_page_of_all_studies_in_one_file(project: Path) -> None:
    begin(project, "<script>").finish("finished", [])
    done = run_command(project, "page", "--out", "all.html")
    text = (project / "all.html").read_text(encoding="utf-8")
    assert done.stdout.startswith("Written: all.html, with 1 study.")
    assert ">&lt;script&gt;</a>" in text
    assert 'href="http://127.0.0.1:5000/#/experiments/1/runs?' in text
    assert "in a folder that exists" in run_command(project, "page", "--out", "no/all.html").stderr


def test_a_port_in_use_is_one_sentence(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_command(project, "ui", "--port", str(port))
    assert done.returncode == 2
    assert f"Port {port} cannot be used: Address already in use. Choose another one" in done.stderr


STUDY = """
import time
from hpsearch import Float, Space, Study
from hpsearch.strategies import Random

def score(params, context):
    for step in range(10_000 if params["x"] > 0.3 else 10):
        context.report(step, gap=params["x"])
        time.sleep(0.02)
    return params["x"]

study = Study("shared", Space(x=Float(0.0, 1.0)), score, Random(trials=8), seed=1)
"""


@pytest.mark.campaign
def test_a_study_is_watched_and_stopped_from_another_machine(project: Path) -> None:
    """Two project folders with the names of two machines share one server; the trials would run for minutes."""
    for name in ("lab", "desk"):
        (project / name).mkdir()
        (project / name / "pyproject.toml").touch()
    (project / "lab" / "study.py").write_text(STUDY)
    with mlflow_server(f"sqlite:///{project / 'mlruns' / 'mlflow.db'}", project) as (address, _):

        def start(host: str, *words: str) -> subprocess.Popen[str]:
            return subprocess.Popen(
                [sys.executable, "-m", "hpsearch.cli", *words, "--tracking-uri", address],
                cwd=project / host,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "HPSEARCH_HOST": host, "PYTHONUNBUFFERED": "1"},
            )

        run = start("lab", "run", "study.py", "--jobs", "2", "--no-report")
        end = time.monotonic() + SECONDS
        while "1/8" not in (run.stdout.readline() if run.stdout else "") and time.monotonic() < end:
            time.sleep(0.05)
        shown = start("desk", "ui").communicate(timeout=SECONDS)[0]
        assert shown.startswith(f"See 1 study at {address}/#/experiments.\n")
        assert f"One page of all studies: hpsearch page --tracking-uri {address}" in shown
        following, left = start("desk", "watch", "shared"), start("desk", "watch", "shared")
        assert following.stdout is not None
        assert left.stdout is not None
        assert "of 8 trials" in following.stdout.readline()
        assert "of 8 trials" in left.stdout.readline()
        left.send_signal(signal.SIGINT)
        assert left.wait(SECONDS) == 130
        asked = start("desk", "stop", "shared")
        assert asked.communicate(timeout=SECONDS)[0].startswith(
            "Asked for the end of shared, which runs on lab.\nIt has ended; "
        )
        assert asked.returncode == 0
        _, said = run.communicate(timeout=SECONDS)
        assert run.returncode == 130
        again = f"hpsearch run study.py --jobs 2 --no-report --tracking-uri {address}"
        assert f"Stopped by `hpsearch stop` from desk; the same command resumes it: {again}" in said
        assert "shared is interrupted: " in following.communicate(timeout=SECONDS)[0]
        assert following.returncode == 0
