"""The kill campaign: a study on the digits, killed with SIGKILL again and again, must end as if nothing had happened.

python -m tests.benchmarks.campaign                       # 200 trials, 60 kills: about 10 minutes on 2 idle cores
python -m tests.benchmarks.campaign --kills 10 --trials 60 --seed 1

Each kill hits, at a random moment, one of: the whole process group, the driver alone, or one worker alone. After a kill of
the driver the study is started again; after that of a worker it must go on by itself: a trial whose worker is killed is tried
again, as often as the study's ``retries`` say.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from hpsearch.cli.loading import load_study
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker, Store
from hpsearch.tracking.doctor import doctor
from hpsearch.trial import Status, Trial

STUDY = '''
"""Does a killed study come back whole?"""
from hpsearch import Auto, Choice, Float, Space, Study, data
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import *

study = Study(
    name="killed",
    space=Space(learning_rate=Float(1e-3, 10.0, log=True), batch_size=Choice(10, 50), momentum=Float(0.0, 0.9)),
    objective=TrainNetwork(data.digits(), hidden=(20,), epochs=EPOCHS),
    strategy=STRATEGY,
    seed=3,
    retries=20,  # the campaign may hit one trial again and again
)
'''
GROUP, DRIVER, WORKER = "group", "driver", "worker"
START_SECONDS, END_SECONDS = 90.0, 600.0


@dataclass
class Campaign:
    """One study that is killed and started again.

    Args:
        folder: where it lives; a project of its own.
        moments: the source of all chance.
        longest: the most seconds between a sign of life and the kill.
        kinds: what is killed, one of them at random each time.
    """

    folder: Path
    moments: random.Random
    longest: float = 1.5
    kinds: Sequence[str] = (GROUP, DRIVER, WORKER)
    hits: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    orphans: list[psutil.Process] = field(default_factory=list)

    def write(self, strategy: str, epochs: int, study: str = STUDY) -> Path:
        """Write the study's file and return its path; ``study`` is its text, with the words STRATEGY and EPOCHS."""
        (self.folder / "mlruns").mkdir(parents=True)
        file = self.folder / "killed.py"
        file.write_text(study.replace("STRATEGY", strategy).replace("EPOCHS", str(epochs)))
        return file

    def kill(self, kills: int) -> bool:
        """Run the study and hit it so often; return whether it lived long enough for all of them."""
        process = self._start()
        try:
            while self.hits.total() < kills:
                time.sleep(self.moments.uniform(0.0, self.longest))
                if process.poll() is not None:
                    return False
                if self._hit(process, self.moments.choice(self.kinds)):
                    process = self._start()
        finally:
            self._end(process)
        return True

    def finish(self) -> subprocess.CompletedProcess[str]:
        """Run the study to its end."""
        self.starts += 1
        return subprocess.run(
            command(), cwd=self.folder, capture_output=True, text=True, timeout=END_SECONDS, check=False
        )  # fmt: skip

    def _start(self) -> subprocess.Popen[bytes]:
        """Start the study, and return once its display shows that it runs."""
        self.starts += 1
        log = self.folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command(), cwd=self.folder, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while b"done" not in log.read_bytes() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        return process

    def _hit(self, process: subprocess.Popen[bytes], kind: str) -> bool:
        """Kill; return whether the study must be started again."""
        running = workers(process.pid)
        if kind == WORKER:
            if running:
                self.moments.choice(running).kill()
                self.hits[WORKER] += 1
            return False
        if kind == GROUP:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
            self.orphans += running
        process.wait(60)
        self.hits[kind] += 1
        return True

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)


def workers(driver: int) -> list[psutil.Process]:
    """Return the worker processes of a driver."""
    try:
        children = psutil.Process(driver).children(recursive=True)
        return sorted((child for child in children if "loky_posix" in " ".join(child.cmdline())), key=lambda child: child.pid)
    except psutil.Error:
        return []


def listening(process: psutil.Process) -> set[tuple[str, int]]:
    """Return the addresses and ports at which a process and its children wait for connections."""
    found = [c for one in (process, *process.children(recursive=True)) for c in one.net_connections("inet")]
    return {(c.laddr.ip, c.laddr.port) for c in found if c.status == psutil.CONN_LISTEN}


def command() -> list[str]:
    """Return how the study is run."""
    return [sys.executable, "-m", "hpsearch.cli", "run", "killed.py", "--jobs", "2", "--no-report", "--no-model"]


def alive(processes: Sequence[psutil.Process]) -> int:
    """Return how many of the processes still run."""
    return sum(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def states(folder: Path) -> dict[str, int]:
    """Count the active runs of the store by state, read with plain SQL."""
    with closing(sqlite3.connect(folder / "mlruns" / "mlflow.db")) as connection:
        rows = connection.execute("select status, count(*) from runs where lifecycle_stage = 'active' group by status")
        return dict(rows.fetchall())


def repeated(folder: Path) -> int:
    """Count the trial numbers that more than one active run claims, read with plain SQL."""
    query = (
        "select count(*) from (select t.value from runs r join tags t on t.run_uuid = r.run_uuid and t.key = 'hpsearch.number'"
        " where r.lifecycle_stage = 'active' group by t.value having count(*) > 1)"
    )
    with closing(sqlite3.connect(folder / "mlruns" / "mlflow.db")) as connection:
        return int(connection.execute(query).fetchone()[0])


def died(folder: Path, file: Path) -> list[int]:
    """Return the numbers of trials that are recorded as lost with their worker."""
    found = MlflowTracker(root=folder).find(load_study(file).tracked(file))
    return [trial.number for trial in found.trials if trial.status is Status.DIED] if found else []


def verdict(folder: Path, file: Path) -> dict[str, object]:
    """Return what must hold at the end, each with what was found; the keys of what does not hold start with ``WRONG``."""
    study = load_study(file)
    undisturbed = study.run(2, backend="threading", tracker=MemoryTracker()).trials
    found = MlflowTracker(root=folder).find(study.tracked(file))
    trials: Sequence[Trial] = found.trials if found else ()
    same = [ours == theirs for ours, theirs in zip(table(trials), table(undisturbed), strict=False)]
    ended = sum(states(folder).get(state, 0) for state in ("FINISHED", "FAILED")) - 1  # one is the study's own run
    sayings = [str(finding) for finding in doctor.examine(Store.at(None, folder))]
    rows = [
        ("trials recorded", len(trials), len(trials) == len(undisturbed)),
        ("trials bit-identical to an undisturbed study", sum(same), sum(same) == len(undisturbed)),
        ("finished or failed runs", ended, ended == len(undisturbed)),
        ("trial numbers recorded more than once", repeated(folder), repeated(folder) == 0),
        ("runs left RUNNING", states(folder).get("RUNNING", 0), "RUNNING" not in states(folder)),
        ("the study is finished", found is not None and found.finished, found is not None and found.finished),
        ("what hpsearch doctor finds", sayings or "nothing", not sayings),
    ]
    return {what if right else f"WRONG: {what}": value for what, value, right in rows}


def main() -> int:
    """Run the campaign, print its table and return 0 where everything held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=100, help="how long a trial trains")
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder, "project"), random.Random(asked.seed))
        file = campaign.write(f"Random(trials={asked.trials})", asked.epochs)
        lasted = campaign.kill(asked.kills)
        ended = campaign.finish()
        lost = died(campaign.folder, file)
        if lost:  # a second kill hit the trial while it was tried again
            ended = campaign.finish()
        found = {
            "kills": f"{campaign.hits.total()} ({', '.join(f'{count} {kind}' for kind, count in campaign.hits.items())})",
            "starts": campaign.starts,
            "orphaned workers still alive": f"{alive(campaign.orphans)} of {len(campaign.orphans)}",
            "exit code of the last start": ended.returncode,
            "trials killed twice, recorded as died, run again": lost,
            **verdict(campaign.folder, file),
        }
    if not lasted:
        found["WRONG: the study ended before all kills"] = "take a larger --epochs"
    for what, value in (found | {"seconds": round(time.monotonic() - began)}).items():
        print(f"{what:50} {value}", flush=True)
    return int(any(what.startswith("WRONG") for what in found) or ended.returncode != 0 or alive(campaign.orphans) > 0)


if __name__ == "__main__":
    sys.exit(main())
