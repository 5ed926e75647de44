"""Two machines that share a store: real processes in project folders of their own, with the names of two hosts.

Whatever happens, no trial is run twice, none is lost, and a study has one run of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mlflow import MlflowClient

from hpsearch.tracking import Store
from tests.tracking.servers import mlflow_server

pytestmark = pytest.mark.campaign

STUDY = '''
"""Who runs it?"""
import os, time
from pathlib import Path
from hpsearch import Float, Space, Study
from hpsearch.strategies import Random

def score(params):
    shared = Path(os.environ["SHARED"])
    with (shared / "ran").open("a") as log:
        log.write(f"{params['x']!r} {os.environ['HPSEARCH_HOST']}\\n")
    time.sleep(0.05)
    begun = len((shared / "ran").read_text().splitlines())
    while begun > 8 and not (shared / "go").exists():
        time.sleep(0.02)
    return params["x"]

study = Study("NAME", Space(x=Float(0.0, 1.0)), score, Random(trials=16))
'''
RACE = """
import os, sys, time
from pathlib import Path
from hpsearch import Float, Space, Study
from hpsearch.errors import TrackingError
from hpsearch.strategies import Random
from hpsearch.tracking import MlflowTracker
from hpsearch.tracking.lease import LeaseTimes

def score(params):
    with Path(os.environ["SHARED"], "ran").open("a") as log:
        log.write(f"{os.environ['RACE']} {params['x']!r}\\n")
    return params["x"]

uri, rounds, fresh = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "fresh"
shared, host = Path(os.environ["SHARED"]), os.environ["HPSEARCH_HOST"]
for number in range(rounds):
    os.environ["RACE"] = name = f"{sys.argv[4]}-{number}"
    study = Study(name, Space(x=Float(0.0, 1.0)), score, Random(trials=4))
    (shared / f"{host}-{number}").touch()
    while len(list(shared.glob(f"*-{number}"))) < 2:
        time.sleep(0.0005)
    try:
        result = study.run(1, backend="sequential", tracker=MlflowTracker(uri), report=False, model=False, fresh=fresh)
        print(number, "done" if result.taken_over < 4 else "found")
    except TrackingError as error:
        print(number, "refused" if "is being run by" in str(error) else error)
    (shared / f"ended-{host}-{number}").touch()
    while len(list(shared.glob(f"ended-*-{number}"))) < 2:
        time.sleep(0.001)
"""
SECONDS = 120.0


@dataclass
class Machines:
    """Two machines with a project folder each, one store, and a folder in which the objective leaves its traces.

    Args:
        folder: where all of it lies.
        uri: the store.
        name: the study's.
    """

    folder: Path
    uri: str
    name: str
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for host in ("alpha", "beta"):
            (self.folder / host / "mlruns").mkdir(parents=True)
            (self.folder / host / "study.py").write_text(STUDY.replace("NAME", self.name))
        self.shared.mkdir()

    @property
    def shared(self) -> Path:
        return self.folder / "shared"

    def environment(self, host: str) -> dict[str, str]:
        times = {"HPSEARCH_HEARTBEAT_SECONDS": "1.5", "HPSEARCH_PATIENCE_SECONDS": "6"}
        times |= {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
        return {**os.environ, **times, "SHARED": str(self.shared), "HPSEARCH_HOST": host}

    def start(self, host: str, *command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "hpsearch.cli", *command, "--tracking-uri", self.uri],
            cwd=self.folder / host, env=self.environment(host), text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=heed_interrupts,
        )  # fmt: skip
        self.started.append(process)
        return process

    def run(self, host: str, *options: str) -> subprocess.Popen[str]:
        return self.start(host, "run", "study.py", "--jobs", "1", "--backend", "threading", "--no-report", *options)

    def race(self, rounds: int, fresh: str) -> list[list[str]]:
        script = self.folder / "race.py"
        script.write_text(RACE)
        both = [
            subprocess.Popen(
                [sys.executable, str(script), self.uri, str(rounds), fresh, self.name],
                cwd=self.folder / host, env=self.environment(host), text=True, stdout=subprocess.PIPE,
            )
            for host in ("alpha", "beta")
        ]  # fmt: skip
        self.started += both
        return [process.communicate(timeout=SECONDS + 10 * rounds)[0].splitlines() for process in both]

    def ran(self) -> Counter[str]:
        """Return how often each setting was run."""
        path = self.shared / "ran"
        return Counter(line.split()[0] for line in path.read_text().splitlines()) if path.exists() else Counter()

    def go(self) -> None:
        (self.shared / "go").touch()

    def states(self, name: str | None = None) -> tuple[Counter[str], list[int]]:
        """Return how the study's runs ended, and the numbers of its trials."""
        client: MlflowClient = Store.open(self.uri, self.folder / "reader").client
        experiment = client.get_experiment_by_name(name or self.name)
        runs = client.search_runs([experiment.experiment_id], max_results=5000)
        kinds = Counter(f"{run.data.tags['hpsearch.kind']} {run.info.status}" for run in runs)
        return kinds, sorted(int(run.data.tags["hpsearch.number"]) for run in runs if "hpsearch.number" in run.data.tags)

    def assert_whole(self) -> None:
        kinds, numbers = self.states()
        assert kinds == {"study FINISHED": 1, "trial FINISHED": 16}
        assert numbers == list(range(16))


def heed_interrupts() -> None:
    """Let Ctrl-C end a process, whoever started the tests: a shell's background commands ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(done: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    end = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < end, "it never came true"
        if process is not None and process.poll() is not None:
            pytest.fail(f"the process ended with {process.returncode}: {process.communicate()}")
        time.sleep(0.02)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return the exit code of a process and its errors."""
    _, errors = process.communicate(timeout=SECONDS)
    return process.returncode, errors


@pytest.fixture(params=["sqlite", "server_on_sqlite", "database", "server_on_postgres"])
def machines(request: pytest.FixtureRequest, tmp_path: Path, put_store: Callable[[Path], Path]) -> Iterator[Machines]:
    kind: str = request.param
    if kind == "sqlite":
        uri = f"sqlite:///{put_store(tmp_path / 'common') / 'mlruns' / 'mlflow.db'}"
    else:
        uri = request.getfixturevalue(kind)
    found = Machines(tmp_path, uri, request.node.name)
    yield found
    for process in found.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def served(machines: Machines) -> bool:
    """Return whether machines share the store by a lease; a file is locked instead, and has no silent owners."""
    return not machines.uri.startswith("sqlite")


def test_a_live_study_is_left_alone(machines: Machines) -> None:
    first = machines.run("alpha")
    wait_for(lambda: len(machines.ran()) > 8, first)
    who = r"being run by alpha (process" if served(machines) else "being run by another process"
    for command in (
        ("run", "study.py"),
        ("run", "study.py", "--fresh"),
        ("run", "study.py", "--take-over"),
        ("delete", machines.name, "--yes"),
    ):
        second = machines.start("beta", *command)
        out, errors = second.communicate(timeout=SECONDS)
        assert second.returncode == 2, errors
        assert "interrupted" not in out
        assert who in errors.splitlines()[-1]
        assert "Traceback" not in errors
    doctor = machines.start("beta", "doctor", "--repair")
    assert machines.name not in doctor.communicate(timeout=SECONDS)[0]
    listed = machines.start("beta", "list")
    assert "running" in listed.communicate(timeout=SECONDS)[0]
    machines.go()
    assert ended(first)[0] == 0
    machines.assert_whole()
    assert set(machines.ran().values()) == {1}


def test_a_killed_study_is_taken_over_and_its_machine_finds_nothing_left_to_do(machines: Machines) -> None:
    first = machines.run("alpha")
    wait_for(lambda: len(machines.ran()) > 8 and machines.states()[0]["trial FINISHED"] == 8, first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    machines.go()
    code, errors = ended(machines.run("beta"))
    assert code == 0, errors
    machines.assert_whole()
    # The one that was being run has no end on record: it was run again.
    assert Counter(machines.ran().values()) == {1: 15, 2: 1}
    assert ended(machines.run("alpha"))[0] == 0
    machines.assert_whole()
    assert sum(machines.ran().values()) == 17


def test_ctrl_c_frees_the_study_at_once(machines: Machines) -> None:
    first = machines.run("alpha")
    wait_for(lambda: len(machines.ran()) > 8, first)
    first.send_signal(signal.SIGINT)
    assert ended(first)[0] == 130
    machines.go()
    code, errors = ended(machines.run("beta"))
    assert code == 0, errors
    assert "Waiting" not in errors
    machines.assert_whole()


@pytest.mark.parametrize("options", [(), ("--take-over",)])
def test_a_stopped_owner_that_wakes_up_writes_nothing_more(machines: Machines, options: tuple[str, ...]) -> None:
    if not served(machines):
        pytest.skip("a file's lock is held by a process that is stopped, too")
    first = machines.run("alpha")
    wait_for(lambda: len(machines.ran()) > 8 and machines.states()[0]["trial FINISHED"] == 8, first)
    os.killpg(first.pid, signal.SIGSTOP)
    machines.go()
    code, errors = ended(machines.run("beta", *options))
    assert code == 0, errors
    assert "was not ended by alpha (process" in errors
    machines.assert_whole()
    os.killpg(first.pid, signal.SIGCONT)
    code, errors = ended(first)
    assert code == 2, errors
    assert "was taken over by beta (process" in errors
    assert "Traceback" not in errors
    machines.assert_whole()
    assert list((machines.folder / "alpha" / "mlruns").glob("*.unsent.jsonl"))  # what it had run is kept
    assert ended(machines.run("alpha"))[0] == 0
    machines.assert_whole()


@pytest.mark.parametrize(("fresh", "rounds"), [("", 40), ("fresh", 10)])
def test_races(machines: Machines, rounds: int, fresh: str) -> None:
    """Both start the same study at the same instant, for the first time or anew."""
    said = machines.race(rounds, fresh)
    ran = Counter((machines.shared / "ran").read_text().splitlines())
    for number, one, other in zip(range(rounds), *said, strict=True):
        words = sorted((one.split()[1], other.split()[1]))
        name = f"{machines.name}-{number}"
        kinds, numbers = machines.states(name)
        assert "candidate" not in " ".join(kinds), kinds
        if fresh:  # the second may drop the record of the first, which has ended by then
            assert words in (["done", "refused"], ["done", "done"]), said
        else:
            assert words in (["done", "refused"], ["done", "found"]), said
            assert kinds == {"study FINISHED": 1, "trial FINISHED": 4}
            assert numbers == [0, 1, 2, 3]
            assert [often for line, often in ran.items() if line.startswith(f"{name} ")] == [1, 1, 1, 1]


def test_a_server_that_dies_while_the_lease_is_read(tmp_path: Path, template: Path) -> None:
    (tmp_path / "server").mkdir()
    with mlflow_server(f"sqlite:///{template}", tmp_path / "server") as (address, server):
        machines = Machines(tmp_path, address, "dies")
        first = machines.run("alpha")
        wait_for(lambda: len(machines.ran()) > 8, first)
        first.send_signal(signal.SIGKILL)
        first.wait()
        second = machines.run("beta")
        assert second.stderr is not None
        line = second.stderr.readline()
        assert "Waiting up to 6 s for a sign of life there." in line
        os.killpg(server.pid, signal.SIGKILL)
        code, errors = ended(second)
    assert code == 2, errors
    assert errors.startswith("hpsearch: Study 'dies' cannot be recorded in http://127.0.0.1")
    assert "Traceback" not in errors
