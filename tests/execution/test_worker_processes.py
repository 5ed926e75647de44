"""A worker that grows is replaced, and the study goes on, also where warnings are errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# loky looks at a worker's memory once a second, and replaces one that has grown by 300 MB.
STUDY = """
import builtins
import time

from hpsearch import Float, Space, Study
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker

def grow(params):
    builtins.kept = [*getattr(builtins, "kept", []), b"x" * 160_000_000]
    time.sleep(1.1)
    return params["x"]

study = Study("grow", Space(x=Float(0.0, 1.0)), grow, Random(trials=8), seed=1)

if __name__ == "__main__":
    result = study.run(jobs=2, tracker=MemoryTracker(), report=False)
    print([trial.status.value for trial in result.trials])
"""


@pytest.mark.campaign
def test_a_worker_that_grows_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "grow.py"
    file.write_text(STUDY)
    ended = subprocess.run([sys.executable, "-W", "error", file], capture_output=True, text=True, timeout=120)
    assert ended.stdout.strip() == str(["finished"] * 8), ended.stderr
