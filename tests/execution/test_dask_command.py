"""Scheduler and workers as Dask's own commands start them: the contract without a nanny, `hpsearch run`, and bad input."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from distributed import Client, Security
from threadpoolctl import threadpool_info

from hpsearch import Float, Int, Space, Study, data
from hpsearch.cli.loading import load_study
from hpsearch.data.vault import open_test
from hpsearch.errors import StudyError
from hpsearch.execution.dask import SHARED, Dask
from hpsearch.ports import Executor
from hpsearch.strategies import Grid, Random
from hpsearch.testing import ExecutorContract, table
from hpsearch.tracking import MemoryTracker, MlflowTracker
from hpsearch.trial import Params, Status, Trial
from tests.execution.dask_processes import SECONDS, Cluster, end, wait_until

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
        for _ in range(2):  # without a nanny nothing pins their BLAS
            cluster.start_worker("--no-nanny", OMP_NUM_THREADS="4", OPENBLAS_NUM_THREADS="4")
        cluster.wait_for_workers(2)
        yield cluster


class TestWithoutNanny(ExecutorContract):
    @pytest.fixture(autouse=True)
    def _cluster(self, cluster: Cluster) -> None:
        self.address = cluster.address

    def make(self) -> Executor:
        return Dask(self.address)


def harmful(params: Params) -> float:
    """Do what a trial of this number does: need much memory, count BLAS threads, open the test part."""
    if params["n"] == 1:
        return float(np.ones(2**26).sum())
    if params["n"] == 2:
        return float(max(pool["num_threads"] for pool in threadpool_info()))
    return float(len(open_test(data.digits().test).targets))


def test_without_nanny_memory_blas_and_the_test_part_are_guarded(cluster: Cluster) -> None:
    asked = Study("dask", Space(n=Int(1, 3)), harmful, Grid(), trial_megabytes=100.0)
    first, second, third = asked.run(executor=cluster.address, tracker=MemoryTracker()).trials
    assert first.status is Status.OUT_OF_MEMORY
    assert second.value == 1.0
    assert (third.status, (third.error or "").partition(":")[0]) == (Status.FAILED, "VaultError")


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


def write_certificate(folder: Path) -> dict[str, str]:
    """Write a key and a certificate that signs itself; return the settings of Dask by which all take them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hpsearch test")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(1))
    certificate = made.add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256())
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    settings = {"DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(folder / "certificate.pem")}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        settings[f"DASK_DISTRIBUTED__COMM__TLS__{role}__CERT"] = str(folder / "certificate.pem")
        settings[f"DASK_DISTRIBUTED__COMM__TLS__{role}__KEY"] = str(folder / "key.pem")
    return settings


def test_a_cluster_with_certificates_runs_a_study(tmp_path: Path) -> None:
    """By a client that holds them, and by Dask's own settings."""
    write_study(tmp_path, 4)
    settings = write_certificate(tmp_path)
    with Cluster(tmp_path, scheme="tls") as cluster:
        cluster.start_scheduler(**settings)
        cluster.start_worker("--no-nanny", **settings)
        certificate, key = str(tmp_path / "certificate.pem"), str(tmp_path / "key.pem")
        security = Security(tls_ca_file=certificate, tls_client_cert=certificate, tls_client_key=key, require_encryption=True)
        asked = load_study(tmp_path / "study.py")
        with Client(cluster.address, security=security, timeout=SECONDS, set_as_default=False) as client:
            found = table(asked.run(executor=client, tracker=MemoryTracker()).trials)
        assert run(tmp_path, cluster.address, **settings)[::2] == (0, "")
    assert found == table(recorded(tmp_path)) == expected(tmp_path)


# Put before the path of a worker, these make it one that lacks the package, or that has another version.
WITHOUT = """
import sys

class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "hpsearch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hide())
"""
OTHER = """
import importlib.metadata

version = importlib.metadata.version
importlib.metadata.version = lambda name: "0.0.7" if name == "hpsearch" else version(name)
"""


def square(params: Params) -> float:
    return float(params["x"]) ** 2


class Holds:
    """Holds an array that is a file for the workers."""

    def __init__(self) -> None:
        self.rows = np.ones(10_000)

    def __call__(self, params: Params) -> float:
        return float(self.rows[0] * params["x"])


def refuse(cluster: Cluster, objective: Any) -> str:
    """Return the sentence with which a study ends."""
    asked = Study("dask", Space(x=Float(-1.0, 1.0)), objective, Random(trials=2))
    with pytest.raises(StudyError) as raised:
        asked.run(executor=cluster.address, tracker=MemoryTracker())
    return str(raised.value)


@pytest.mark.parametrize(("code", "has"), [(WITHOUT, "no such package"), (OTHER, "0.0.7")])
def test_a_worker_of_another_kind_is_one_sentence(cluster: Cluster, tmp_path: Path, code: str, has: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(code)
    worker = cluster.start_worker("--no-nanny", PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))
    cluster.wait_for_workers(3)
    try:
        here, advice = importlib.metadata.version("hpsearch"), "Install the same version there, with its dask extra."
        sentence = rf"Dask worker tcp://127.0.0.1:\d+ must have hpsearch {here}, got {has}\. {advice}"
        assert re.fullmatch(sentence, refuse(cluster, square))
    finally:
        end(worker)


def slow_square(params: Params) -> float:
    time.sleep(0.2)
    return square(params)


def widest(executor: Dask) -> int:
    """Return for how many trials at once a study had room."""
    widths: list[int] = []
    asked = Study("dask", Space(x=Float(-1.0, 1.0)), square, Random(trials=3))
    asked.run(executor=executor, tracker=MemoryTracker(), progress=lambda state: widths.append(state.jobs))
    return max(widths)


def test_a_worker_with_another_library_gets_trials_only_where_any_machine_may(
    cluster: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "sitecustomize.py").write_text(OTHER.replace('"hpsearch"', '"numpy"'))
    worker = cluster.start_worker("--no-nanny", PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))
    cluster.wait_for_workers(3)
    try:
        assert widest(Dask(cluster.address, any_machine=True)) == 3
        asked = Study("dask", Space(x=Float(-1.0, 1.0)), slow_square, Random(trials=24))
        marks = [trial.machine for trial in asked.run(executor=Dask(cluster.address, True), tracker=MemoryTracker()).trials]
        assert 0 < marks.count(None) < 24
        assert all(re.fullmatch(r"numpy \S+ instead of \S+", mark) for mark in marks if mark)
        assert "of another kind" not in caplog.text
        assert widest(Dask(cluster.address)) < 3
    finally:
        end(worker)
    kind = r"Dask worker \S+ is of another kind than the first one: numpy \S+ instead of \S+\. It gets no trials\."
    assert re.search(kind, caplog.text)


def test_a_shared_folder_that_workers_do_not_see_is_one_sentence(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(SHARED, "/proc/self/cwd")  # another folder for each process
    sentence = r"HPSEARCH_SHARED must be a folder that Dask worker tcp://\S+ sees too, got '/proc/self/cwd'\. Mount it there"
    assert re.match(sentence, refuse(cluster, Holds()))
    assert list(tmp_path.iterdir()) == []
