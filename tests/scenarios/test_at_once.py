"""Two processes that run the same study at once: one does, the other is refused in a sentence; a kill frees the study."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.campaign import states

STUDY = '''
"""Who comes first?"""
import time
from pathlib import Path
from hpsearch import Float, Space, Study
from hpsearch.strategies import Random

def patient(params):
    while not Path(__file__).with_name("go").exists():
        time.sleep(0.02)
    return params["x"]

study = Study("patient", Space(x=Float(0.0, 1.0)), patient, Random(trials=4))
'''
SECONDS = 180


def start(project: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hpsearch.cli", "run", "study.py", "--jobs", "2"]
    # Files, not pipes: workers that outlive their driver by a second would keep a pipe open.
    with (project / "out").open("a") as out:
        return subprocess.Popen(
            command, cwd=project, stdout=out, stderr=subprocess.PIPE, text=True, start_new_session=True
        )  # fmt: skip


def first_to_end(processes: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for process in processes:
            if process.poll() is not None:
                return process
        time.sleep(0.05)
    raise AssertionError("neither was refused")


@pytest.mark.campaign
def test_of_two_that_create_the_store_together_one_is_refused_and_a_kill_frees_the_study(tmp_path: Path) -> None:
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "study.py").write_text(STUDY)
    both = [start(tmp_path), start(tmp_path)]  # neither finds a database: its creation is part of the race
    refused = first_to_end(both)
    errors = refused.communicate(timeout=SECONDS)[1]
    assert refused.returncode == 2, errors
    assert errors == (
        "hpsearch: Study 'patient' is being run by another process. Wait for that to end, or give this study another name.\n"
    )
    (running,) = [process for process in both if process is not refused]
    assert running.poll() is None
    running.send_signal(signal.SIGKILL)
    running.wait(SECONDS)

    (tmp_path / "go").touch()
    last = start(tmp_path)
    errors = last.communicate(timeout=SECONDS)[1]
    assert last.returncode == 0, errors
    assert states(tmp_path) == {"FINISHED": 5}
    for process in both:
        assert process.stderr is not None
        process.stderr.close()
