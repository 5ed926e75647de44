"""Trials on a Dask cluster of processes on this machine: the contract, workers and schedulers that die, and bad input."""

from __future__ import annotations

import os
import secrets
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
from distributed import Client, LocalCluster
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from hpsearch import Context, Float, Int, Space, Study, data
from hpsearch.errors import ExecutorError, StudyError
from hpsearch.execution.dask import SHARED, Dask
from hpsearch.execution.select import select_executor
from hpsearch.objectives import TuneEstimator
from hpsearch.ports import Executor, RunningTrial, Task, adapt_objective
from hpsearch.strategies import Random
from hpsearch.testing import ExecutorContract, table
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Params, Status, Trial
from tests.execution.dask_processes import Cluster, free_port, wait_until

SPACE = Space(x=Float(-1.0, 1.0))
# Each is half a minute, in which a new worker starts: HPSEARCH_TEST_KILLS=20 takes ten.
KILLS = int(os.environ.get("HPSEARCH_TEST_KILLS", "5"))


def new_cluster(workers: int = 2) -> Any:
    # After so long without its worker a cluster of this kind gives a nanny up for ever; a start may take longer here.
    dask.config.set({"distributed.deploy.lost-worker-timeout": "10 minutes"})
    return LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    )


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with new_cluster() as cluster:
        yield cluster


@pytest.fixture
def address(cluster: Any) -> str:
    return str(cluster.scheduler_address)


@pytest.fixture
def client(address: str) -> Iterator[Any]:
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=120)
        yield client


def study(objective: Any, trials: int = 8, space: Space = SPACE, **settings: Any) -> Study:
    return Study("dask", space, objective, Random(trials=trials), **settings)


def expected(study: Study) -> list[str]:
    return table(study.run(1, backend="sequential", tracker=MemoryTracker()).trials)


def run(study: Study, executor: Any) -> list[str]:
    return table(study.run(executor=executor, tracker=MemoryTracker()).trials)


def slow(params: Params) -> float:
    time.sleep(0.2)
    return float(params["x"]) ** 2


class Products:
    """Holds data, and returns a number that depends on the bits of a matrix product."""

    def __init__(self, rows: int) -> None:
        self.rows = np.random.default_rng(3).normal(size=(rows, 120)).astype(np.float32)

    def __call__(self, params: Params) -> dict[str, float]:
        product = self.rows @ (self.rows.T * np.float32(params["x"]))
        return {"value": float(product.sum()), "aligned": float(self.rows.ctypes.data % 64 == 0)}


@pytest.mark.campaign
class TestDask(ExecutorContract):
    @pytest.fixture(autouse=True)
    def _cluster(self, address: str) -> None:
        self.address = address

    def make(self) -> Executor:
        return Dask(self.address)

    def test_a_pipeline_has_the_same_trials(self) -> None:
        pipeline = TuneEstimator(make_pipeline(StandardScaler(), SVC()), data.digits())
        asked = study(pipeline, 4, Space(svc__C=Float(0.1, 10.0, log=True)))
        assert run(asked, self.make()) == expected(asked)


@pytest.mark.campaign
@pytest.mark.parametrize("shared", [False, True])
def test_data_come_as_mapped_files_and_nothing_is_left(
    client: Any, tmp_path: Path, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shared:
        monkeypatch.setenv(SHARED, str(tmp_path))
    asked = study(Products(3000), 4)
    found = asked.run(executor=client, tracker=MemoryTracker()).trials
    assert [trial.outcome.metrics["aligned"] for trial in found if trial.outcome] == [1.0] * 4
    assert [trial.value for trial in found] == [trial.value for trial in asked.run(2, tracker=MemoryTracker()).trials]
    assert list(tmp_path.iterdir()) == []
    assert not (Path(tempfile.gettempdir()) / f"hpsearch-{os.getuid()}").exists()
    left = client.run(lambda dask_worker: list(dask_worker.plugins))
    assert {name for names in left.values() for name in names if name.startswith("hpsearch")} == set()
    for worker in client.run(os.getpid).values():
        assert list(Path(tempfile.gettempdir()).glob(f"hpsearch-points-{worker}-*")) == []
    assert [topic for topic in client.get_events() if topic.startswith("hpsearch")] == []
    assert client.status == "running"


@dataclass(frozen=True)
class Waits:
    """Reports three points, and goes on when a file is there."""

    go: Path

    def __call__(self, params: Params, context: Context) -> float:
        for step in range(1, 4):
            context.report(step, cost=params["x"] / step)
        wait_until(self.go.exists)
        return float(params["x"])


class Shown(MemoryTracker):
    """Keeps what it is shown, and lets a trial go on whose three points it was shown."""

    def __init__(self, go: Path) -> None:
        super().__init__()
        self.go, self.seen = go, dict[int, list[tuple[int, Mapping[str, float]]]]()

    def show(self, running: RunningTrial) -> None:
        seen = self.seen.setdefault(running.trial.number, [])
        seen += running.points
        if len(seen) == 3:
            self.go.touch()


@pytest.mark.campaign
def test_a_study_shows_its_running_trials(client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpsearch.search.live.SHOWN_AFTER_SECONDS", 0.0)
    tracker = Shown(tmp_path / "go")
    trials = study(Waits(tracker.go), 2).run(executor=client, tracker=tracker).trials
    first = next(number for number, points in tracker.seen.items() if len(points) == 3)
    x = trials[first].params["x"]
    assert tracker.seen[first] == [(step, {"cost": x / step}) for step in range(1, 4)]


@pytest.mark.campaign
def test_a_worker_lives_on_after_trials_that_were_dropped(client: Any) -> None:
    workers = set(client.nthreads())
    for _ in range(2):
        executor = Dask(client)
        with closing(executor):
            executor.open(adapt_objective(slow), secrets.token_hex(4))
            tasks = [Task(Trial(n, {"x": 0.5}, "all", Status.FAILED), {"x": 0.5}, 7, (2, n)) for n in range(8)]
            with closing(executor.run(tasks)) as trials:
                assert next(trials).value == 0.25
    time.sleep(2)
    assert set(client.nthreads()) == workers


@pytest.mark.campaign
def test_workers_that_are_killed_again_and_again_cost_no_trial() -> None:
    """One is killed after every third trial, among them those that ran the trials after it."""
    asked, killed = study(slow, 3 * KILLS + 3), set[int]()
    with new_cluster() as cluster:

        def alive() -> set[int]:
            """Dask starts no worker again that dies before its nanny has heard of its start."""
            nannies = cluster.workers.values()
            return {nanny.pid for nanny in nannies if nanny.process and nanny.process.status.name == "running"} - killed

        def kill_now_and_then(state: Any) -> None:
            if state.done and state.done % 3 == 0 and len(killed) < KILLS:
                wait_until(alive)
                process = min(alive())
                killed.add(process)
                os.kill(process, signal.SIGKILL)

        executor = cluster.scheduler_address
        found = table(asked.run(executor=executor, tracker=MemoryTracker(), progress=kill_now_and_then).trials)
    assert len(killed) == KILLS
    assert found == table(asked.run(8, backend="threading", tracker=MemoryTracker()).trials)


@pytest.mark.campaign
def test_a_cluster_that_adapts_starts_workers_for_a_study(caplog: pytest.LogCaptureFixture) -> None:
    with new_cluster(0) as cluster:
        cluster.adapt(minimum=0, maximum=2, interval="200ms")
        asked = study(slow, 12)
        assert run(asked, cluster.scheduler_address) == expected(asked)
    assert (
        "No Dask worker is there yet. The study waits for ever for one; Ctrl-C ends it, and it can be resumed." in caplog.text
    )


@pytest.mark.campaign
def test_a_study_waits_for_another_worker_and_takes_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    asked, workers = study(slow, 8), []
    with Cluster(tmp_path) as cluster:
        cluster.start_scheduler()
        workers.append(cluster.start_worker("--no-nanny"))

        def kill_the_only_worker(state: Any) -> None:
            if state.done == 3:
                workers[0].kill()
                threading.Timer(4.0, lambda: cluster.start_worker("--no-nanny")).start()

        found = asked.run(executor=cluster.address, tracker=MemoryTracker(), progress=kill_the_only_worker)
    assert table(found.trials) == expected(asked)
    assert "All Dask workers are gone. The study waits for ever for one; Ctrl-C ends it" in caplog.text
    assert "A Dask worker is there: the study goes on." in caplog.text


@pytest.mark.campaign
def test_patience_ends_a_study_without_workers_in_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    with new_cluster(0) as cluster, pytest.raises(ExecutorError) as raised:
        run(study(slow, 3), Dask(cluster.scheduler_address, patience=1.5))
    what = "No Dask worker was there for 1.5 s, and 3 trials of this batch are missing."
    assert str(raised.value) == f"{what} Start one, and run the same command: it resumes the study."
    assert "No Dask worker is there yet. The study waits 1.5 s for one; Ctrl-C ends it" in caplog.text


def _ends_its_watcher(params: Params) -> float:
    if params["n"] == 2:
        time.sleep(2)  # Dask starts no worker again that dies before its nanny has heard of its start
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return float(params["n"])


@pytest.mark.campaign
def test_a_trial_that_is_lost_five_times_has_died() -> None:
    from hpsearch.strategies import Grid

    asked = Study("dask", Space(n=Int(1, 3)), _ends_its_watcher, Grid())
    with new_cluster() as cluster:
        found = asked.run(executor=cluster.scheduler_address, tracker=MemoryTracker()).trials
    assert [trial.status for trial in found] == [Status.FINISHED, Status.DIED, Status.FINISHED]
    assert found[1].error == "worker lost, 5 times"


def test_a_dead_address_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpsearch.execution.dask._CONNECT_SECONDS", 1)
    place = f"dask://127.0.0.1:{free_port()}"
    with pytest.raises(StudyError) as raised:
        run(study(slow), place)
    sentence = f"executor must be the address of a running Dask scheduler, got '{place}'. "
    assert str(raised.value) == f"{sentence}Start one by `dask scheduler`, or correct the address."


@pytest.mark.parametrize("place", ["dask://", "dask://nowhere:port"])
def test_an_address_that_is_none_is_one_sentence(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpsearch.execution.dask._CONNECT_SECONDS", 1)
    with pytest.raises(StudyError, match="executor must be the address of a running Dask scheduler, got"):
        run(study(slow), place)


def test_an_address_without_certificates_is_one_sentence() -> None:
    with pytest.raises(StudyError) as raised:
        run(study(slow), "tls://127.0.0.1:1")
    names = ", ".join(f"DASK_DISTRIBUTED__COMM__TLS__{name}" for name in ("CA_FILE", "CLIENT__CERT", "CLIENT__KEY"))
    sentence = "executor must be an address for which Dask has certificates, got 'tls://127.0.0.1:1'. "
    assert str(raised.value) == f"{sentence}Set {names} to the files, or pass a Client(address, security=...)."


def test_a_shared_folder_that_cannot_be_written_to_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv(SHARED, str(file))
    with pytest.raises(StudyError) as raised:
        run(study(slow), "dask://127.0.0.1:1")
    assert str(raised.value).startswith(f"HPSEARCH_SHARED must be a folder that can be written to, got '{file}'. Correct it")


@pytest.mark.campaign
def test_a_client_that_is_closed_is_one_sentence(address: str) -> None:
    client = Client(address, set_as_default=False)
    client.close()
    with pytest.raises(StudyError, match=r"A Dask client must be connected, and not asynchronous, got <Client: No scheduler"):
        run(study(slow), client)


@pytest.mark.campaign
def test_a_worker_of_another_version_is_one_sentence(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpsearch.execution.dask._version_here", lambda: "99.0")
    with pytest.raises(StudyError, match=r"Dask worker tcp://\S+ must have hpsearch 99.0, got 0.1.0. Install the same version"):
        run(study(slow), client)


def test_an_address_is_taken_for_dask() -> None:
    found = select_executor("dask://127.0.0.1:8786")
    assert isinstance(found, Dask)
    assert (found.width, found.separate, repr(found)) == (1, True, "Dask('dask://127.0.0.1:8786')")


def test_checkpoints_need_the_shared_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It outlives the run, and two projects do not share it."""
    monkeypatch.delenv(SHARED, raising=False)
    assert Dask("dask://127.0.0.1:1").checkpoint_root(tmp_path) is None
    monkeypatch.setenv(SHARED, str(tmp_path))
    roots = [Dask("dask://127.0.0.1:1").checkpoint_root(tmp_path / name) for name in ("a", "b", "a")]
    assert roots[0] == roots[2] != roots[1]
    assert all(root is not None and root.is_relative_to(tmp_path) for root in roots)


def dies_once(params: Params, context: Context) -> float:
    for epoch in range(context.step + 1, 7):
        context.report(epoch, error=1.0 / epoch)
        with context.checkpoint(epoch) as folder:
            (folder / "epoch").touch()
        if epoch == 3 and context.resumed is None:
            os._exit(3)
    return params["x"]


def test_a_trial_whose_process_dies_goes_on(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED, str(tmp_path))
    trials = study(dies_once, trials=2).run(executor=Dask(address), tracker=MemoryTracker()).trials
    assert [(trial.resumed_step, trial.attempt) for trial in trials] == [(3, 2)] * 2
    assert all(len(trial.outcome.history["error"]) == 6 for trial in trials if trial.outcome is not None)
    assert not any((tmp_path / "hpsearch-checkpoints").rglob("*.checkpoints"))
