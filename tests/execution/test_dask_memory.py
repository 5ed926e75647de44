"""Memory of Dask workers whose study holds 400 MB of data: one mapped copy for the host, and nothing left at the end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from hpsearch import Float, Space, Study
from hpsearch.ports import Context
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Outcome, Params
from tests.execution.dask_processes import Cluster

_MEGABYTE = 2**20


class HoldsRows:
    """Reads all its rows, and returns the unshared megabytes of the trial, its watcher, its server and its worker."""

    def __init__(self, rows: int) -> None:
        self.rows = np.ones((rows, 1000), np.float32)

    def __call__(self, params: Params, context: Context) -> Outcome:
        total = float(self.rows.sum())
        time.sleep(1.0)  # so that both workers have one
        processes = [psutil.Process(), *psutil.Process().parents()[:3]]
        return Outcome(total, {"own": sum(map(own_bytes, processes)) / _MEGABYTE, "worker": processes[-1].pid})


def own_bytes(process: psutil.Process) -> int:
    """Return what a process shares with no other one, without the files of arrays that it maps."""
    maps = process.memory_maps(grouped=False)
    return sum(m.private_clean + m.private_dirty for m in maps if f"/hpsearch-{os.getuid()}/" not in m.path)


def measure(cluster: Cluster, rows: int) -> dict[float, float]:
    """Return the megabytes by worker, the most in its trials."""
    study = Study("dask-memory", Space(x=Float(0.0, 1.0)), HoldsRows(rows), Random(trials=4))
    trials = study.run(executor=cluster.address, tracker=MemoryTracker()).trials
    found: dict[float, float] = {}
    for trial in trials:
        assert trial.outcome is not None, trial.error
        assert trial.value == rows * 1000
        worker = trial.outcome.metrics["worker"]
        found[worker] = max(found.get(worker, 0.0), trial.outcome.metrics["own"])
    return found


@pytest.mark.campaign
def test_two_workers_hold_400_megabytes_once(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with Cluster(tmp_path) as cluster:
        cluster.start_scheduler()
        for _ in range(2):
            cluster.start_worker("--no-nanny", TMPDIR=str(temporary))
        cluster.wait_for_workers(2)
        idle = measure(cluster, 1)
        full = measure(cluster, 100_000)
        assert len(full) == 2
        added = {worker: full[worker] - idle.get(worker, min(idle.values())) for worker in full}
        assert max(added.values()) < 120
        assert list(temporary.iterdir()) == []
        shared = [path.name for path in Path("/dev/shm").iterdir()] if Path("/dev/shm").is_dir() else []
        assert [name for name in shared if any(str(int(worker)) in name for worker in full)] == []
