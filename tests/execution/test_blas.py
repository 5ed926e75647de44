"""BLAS and OpenMP have one thread in every trial, wherever it runs, as `threadpoolctl` sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
from threadpoolctl import threadpool_info
from hpsearch import Float, Space, Study
from hpsearch.strategies import Random
from hpsearch.tracking.memory import MemoryTracker

def threads(params):
    import sklearn.neighbors  # which loads OpenMP
    found = {pool["user_api"]: pool["num_threads"] for pool in threadpool_info()}
    return {"value": 0.0, **{kind: float(count) for kind, count in found.items()}}

if __name__ == "__main__":
    import sklearn.neighbors
    study = Study("threads", Space(x=Float(0, 1)), threads, Random(trials=4))
    for backend, jobs in (("sequential", 1), ("threading", 2), ("loky", 2)):
        trials = study.run(jobs, backend=backend, tracker=MemoryTracker(), report=False).trials
        found = [pair for trial in trials for pair in trial.outcome.metrics.items()]
        print(backend, sorted({kind for kind, _ in found}), {count for _, count in found})
"""


def test_one_thread_on_every_backend(tmp_path: Path) -> None:
    file = tmp_path / "threads.py"
    file.write_text(SCRIPT)
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    environment |= {"OMP_NUM_THREADS": "3"}
    done = subprocess.run(
        [sys.executable, str(file)], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(("sequential", "threading", "loky"))]
    assert lines == [f"{backend} ['blas', 'openmp'] {{1.0}}" for backend in ("sequential", "threading", "loky")], done.stderr
