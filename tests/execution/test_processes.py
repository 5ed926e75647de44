"""A kill of the driver alone leaves no worker behind, and none of its arrays in shared memory."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.benchmarks.campaign import DRIVER, Campaign, alive

SLEEPER = (
    "import time, os; from hpsearch.execution.processes import end_with_parent; "
    "end_with_parent({parent}); print(1, flush=True); time.sleep(300)"
)


@pytest.mark.parametrize("parent", ["os.getppid()", "os.getppid() + 1"], ids=["alive at first", "gone already"])
def test_a_process_ends_with_its_parent(parent: str) -> None:
    """The parent is a process between this one and the sleeper, which is killed once the sleeper is up."""
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEPER.format(parent=parent)!r}])"
    between = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert between.stdout is not None
    between.stdout.readline()
    sleepers = psutil.Process(between.pid).children()
    between.kill()
    between.wait()
    _, left = psutil.wait_procs(sleepers, timeout=60)
    assert left == []


@pytest.mark.campaign
def test_workers_end_with_the_study_that_started_them(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path / "project", random.Random(0), longest=0.5, kinds=[DRIVER])
    campaign.write("Random(trials=200)", epochs=30)
    assert campaign.kill(1)
    deadline = time.monotonic() + 60
    while alive(campaign.orphans) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(campaign.orphans) == 0
