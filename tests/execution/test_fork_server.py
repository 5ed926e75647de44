"""The server that forks a child for every trial: results, deaths, cancelling, and its own end."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from threadpoolctl import threadpool_info

from hpsearch.errors import VaultError
from hpsearch.execution.array_files import pack
from hpsearch.execution.fork_server import CannotStart, ChildLost, ForkServer, NotWanted
from hpsearch.execution.surroundings import Surroundings
from hpsearch.ports import Task, adapt_objective
from hpsearch.trial import Params, Status, Trial


def objective(params: Params) -> float:
    """Do what a trial of this number does."""
    ways: dict[int, Any] = {
        0: lambda: os._exit(3),
        1: lambda: os.kill(os.getppid(), signal.SIGKILL) or time.sleep(60),
        2: lambda: time.sleep(60),
        3: lambda: float(max(pool["num_threads"] for pool in threadpool_info())),
        4: lambda: float(threading.active_count()),
        5: _open_the_test_part,
    }
    return float(ways.get(params["n"], lambda: params["n"])())


def _open_the_test_part() -> float:
    """Seal a part and open it, both in the trial."""
    from hpsearch import data
    from hpsearch.data.vault import open_test

    try:
        open_test(data.digits().test)
    except VaultError:
        return 1.0
    return 0.0


def task(number: int) -> bytes:
    params = {"n": number}
    return pickle.dumps(Task(Trial(number, params, "all", Status.FAILED), params, 7, (2, number)))


def run(server: ForkServer, number: int) -> Trial:
    trial: Trial = pickle.loads(server.run(task(number)))
    return trial


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    packed = pack((adapt_objective(objective), None))
    server = ForkServer(packed.content, tmp_path_factory.mktemp("arrays"), Surroundings())
    server.start()
    yield server
    server.stop()


def test_a_trial_runs_and_another_one_dies_alone(server: ForkServer) -> None:
    assert run(server, 7).value == 7.0
    died = run(server, 0)
    assert (died.status, died.error) == (Status.DIED, "its process ended with exit code 3, in each of 2 attempts")
    assert run(server, 8).value == 8.0


def test_in_a_trial_blas_has_one_thread_and_the_test_part_is_shut(server: ForkServer) -> None:
    assert [run(server, n).value for n in (3, 4, 5)] == [1.0, 1.0, 1.0]


def test_a_trial_whose_watcher_dies_is_lost(server: ForkServer) -> None:
    with pytest.raises(ChildLost):
        server.run(task(1))
    assert run(server, 9).value == 9.0


def test_a_trial_that_is_not_wanted_is_killed(server: ForkServer) -> None:
    assert server._process is not None
    with pytest.raises(NotWanted):
        server.run(task(2), lambda: False)
    deadline = time.monotonic() + 30
    while any(p.status() != psutil.STATUS_ZOMBIE for p in psutil.Process(server._process.pid).children(recursive=True)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_that_was_killed_is_started_again(server: ForkServer) -> None:
    assert server._process is not None
    server._process.kill()
    server._process.wait()
    assert run(server, 6).value == 6.0


def test_what_cannot_be_loaded_is_said(tmp_path: Path) -> None:
    content = pickle.dumps(LookupError("nobody")).replace(b"LookupError", b"LookupErrer")
    with pytest.raises(CannotStart, match="LookupErrer"):
        ForkServer(content, tmp_path, Surroundings()).start()
