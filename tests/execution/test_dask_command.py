"""`hpsearch run FILE --executor dask://...` on a scheduler and workers as their own commands start them, in a real store."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from hpsearch.cli.loading import load_study
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker
from hpsearch.trial import Trial
from tests.execution.dask_processes import Cluster, wait_until

pytestmark = pytest.mark.campaign
# Slow while a file of this name lies beside it. Each run of a trial leaves a file with its process.
STUDY = """
import os, time
from pathlib import Path
from hpsearch import Float, Space, Study
from hpsearch.strategies import Random

def objective(params, context):
    for place in ("begun", "ended"):
        (FOLDER / place / str(os.getpid())).touch()
        time.sleep(0.2 if (FOLDER / "slow").exists() else 0)
    return params["x"] ** 2

FOLDER = Path(__file__).parent
study = Study("dask-command", Space(x=Float(-1, 1)), objective, Random(trials=TRIALS))
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        cluster.start_scheduler()
        cluster.start_worker("--no-nanny")
        cluster.start_worker("--no-nanny")
        cluster.wait_for_workers(2)
        yield cluster


def write_study(folder: Path, trials: int) -> None:
    (folder / "study.py").write_text(STUDY.replace("TRIALS", str(trials)))
    (folder / "slow").touch()
    for place in ("begun", "ended", "mlruns"):
        (folder / place).mkdir()


def start(folder: Path, place: str, *options: str, **environment: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "hpsearch.cli", "run", "study.py", "--no-report", "--executor", place, *options]
    kept = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return subprocess.Popen(
        words,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=kept | {"COLUMNS": "160"} | environment,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = process.communicate(timeout=240)
    return process.returncode, out, errors


def run(folder: Path, place: str, *options: str, **environment: str) -> tuple[int, str, str]:
    return finish(start(folder, place, *options, **environment))


def wait_for_trials(folder: Path, count: int) -> None:
    wait_until(lambda: len(list((folder / "ended").iterdir())) >= count)


def recorded(folder: Path) -> list[Trial]:
    file = folder / "study.py"
    found = load_study(file).result(MlflowTracker(None, folder), file)
    return sorted(found.trials, key=lambda trial: trial.number)


def expected(folder: Path) -> list[str]:
    (folder / "slow").unlink()
    return table(load_study(folder / "study.py").run(1, backend="sequential", tracker=MemoryTracker()).trials)


def test_ctrl_c_ends_the_trials_and_says_how_to_resume(cluster: Cluster, tmp_path: Path) -> None:
    write_study(tmp_path, 20)
    process = start(tmp_path, cluster.address)
    wait_for_trials(tmp_path, 4)
    process.send_signal(signal.SIGINT)
    code, _, errors = finish(process)
    again = f"hpsearch run study.py --no-report --executor {cluster.address}"
    assert (code, "Traceback" in errors) == (130, False)
    assert errors.splitlines()[-1] == f"hpsearch: Interrupted. Finished trials are kept; resume with: {again}"
    wait_until(lambda: not any(psutil.pid_exists(int(path.name)) for path in (tmp_path / "begun").iterdir()))
    before = recorded(tmp_path)
    assert 0 < len(before) < 20
    assert run(tmp_path, cluster.address)[::2] == (0, "")
    after = recorded(tmp_path)
    assert [trial for trial in after if trial.number in {kept.number for kept in before}] == before
    assert table(after) == expected(tmp_path)


def test_a_scheduler_that_is_killed_costs_no_trial_that_ended(tmp_path: Path) -> None:
    write_study(tmp_path, 20)
    with Cluster(tmp_path) as cluster:
        scheduler = cluster.start_scheduler()
        cluster.start_worker("--nworkers", "2")
        cluster.wait_for_workers(2)
        process = start(tmp_path, cluster.address)
        wait_for_trials(tmp_path, 6)
        scheduler.kill()
        code, _, errors = finish(process)
        sentence = rf"hpsearch: The Dask scheduler at {cluster.address} is gone, and \d+ trials of this batch are missing\. "
        assert code == 2
        assert re.fullmatch(f"{sentence}Start it again, and run the same command: it resumes the study\\.\n", errors)
        before = recorded(tmp_path)
        assert 4 <= len(before) < 20
        cluster.start_scheduler()
        cluster.start_worker("--nworkers", "2")
        assert run(tmp_path, cluster.address)[0] == 0
    after = recorded(tmp_path)
    assert [trial for trial in after if trial.number in {kept.number for kept in before}] == before
    assert table(after) == expected(tmp_path)
