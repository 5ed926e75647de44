"""Shared memory of killed runs: what they wrote down goes, and nothing else does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import Process
from pathlib import Path

import psutil
import pytest

from hpsearch.execution import shared_memory

MEMORY = Path("/dev/shm")
pytestmark = pytest.mark.skipif(not MEMORY.is_dir(), reason="this system has no /dev/shm")


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let a folder of the tests stand for the machine's shared memory."""
    monkeypatch.setattr(shared_memory, "_MEMORY", tmp_path)
    monkeypatch.setattr(shared_memory, "_note", None)
    yield tmp_path
    if shared_memory._note is not None:
        shared_memory._note.file.close()


def note_of_the_dead(memory: Path, *names: str) -> Path:
    """Write a note whose process is gone: nobody holds it locked."""
    folder = memory / f"hpsearch-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    note = folder / "4711-00"
    note.write_text("".join(f"{name}\n" for name in names))
    return note


def test_only_what_was_written_down_is_removed(memory: Path) -> None:
    """Names of the same form, of the same process number too, are another program's where no note has them."""
    ours, foreign = ["sem.loky-4711-aaaa", "sem.loky-4711-bbbb"], ["sem.loky-4711-cccc", "sem.mp-xyz", "precious"]
    for name in ours + foreign:
        (memory / name).touch()
    for name in ("joblib_memmapping_folder_4711_a_b", "joblib_memmapping_folder_4711_c_d", "folder"):
        (memory / name).mkdir()
        (memory / name / "array.pkl").touch()
    linked = memory / "joblib_memmapping_folder_4711_e_f"
    linked.symlink_to(memory / "folder")
    note = note_of_the_dead(
        memory, *ours, str(memory / "joblib_memmapping_folder_4711_a_b"), str(linked),
        # What nobody of us wrote.
        "precious", "../precious", str(memory / "precious"), str(memory / "folder"), "", "/", "sem.loky-4711-../precious",
    )  # fmt: skip
    shared_memory.remove_left()
    kept = {"joblib_memmapping_folder_4711_c_d", "joblib_memmapping_folder_4711_e_f", "folder", *foreign, note.parent.name}
    assert {path.name for path in memory.iterdir()} == kept
    assert list(note.parent.iterdir()) == []
    assert (memory / "folder" / "array.pkl").exists()


def hold(folder: Path, ready: Path) -> None:
    shared_memory._MEMORY = folder
    shared_memory._note = shared_memory._open_note()
    shared_memory._note.write(["sem.loky-4711-aaaa"])
    ready.touch()
    time.sleep(60)


def test_a_living_process_keeps_its_own_and_a_killed_one_does_not(memory: Path, tmp_path: Path) -> None:
    (memory / "sem.loky-4711-aaaa").touch()
    holder = Process(target=hold, args=(memory, tmp_path / "ready"))
    holder.start()
    while not (tmp_path / "ready").exists():
        time.sleep(0.01)
    shared_memory.remove_left()
    assert (memory / "sem.loky-4711-aaaa").exists()
    holder.kill()
    holder.join()
    shared_memory.remove_left()
    assert not (memory / "sem.loky-4711-aaaa").exists()


@pytest.mark.parametrize("mode", [0o777, 0o720])
def test_a_folder_that_others_can_write_is_not_believed(memory: Path, mode: int) -> None:
    (memory / "sem.loky-4711-aaaa").touch()
    note_of_the_dead(memory, "sem.loky-4711-aaaa").parent.chmod(mode)
    shared_memory.remove_left()
    assert (memory / "sem.loky-4711-aaaa").exists()


STUDY = """
import sys, time
import numpy as np
from hpsearch import Float, Space, Study, data
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker
if __name__ == "__main__":
    x = np.random.default_rng(0).random((20_000, 40))
    slow = TrainNetwork(data.arrays(x, np.arange(20_000) % 3), epochs=int(sys.argv[1]))
    study = Study("s", Space(learning_rate=Float(0.1, 1.0)), slow, Random(2))
    study.run(2, tracker=MemoryTracker(), progress=lambda progress: print(progress.running, flush=True))
"""


def in_memory(process: int) -> list[str]:
    """Return the semaphores and arrays of a process."""
    marks = (f"sem.loky-{process}-", f"joblib_memmapping_folder_{process}_")
    return [path.name for path in MEMORY.iterdir() if path.name.startswith(marks)]


@pytest.mark.campaign
def test_the_next_start_removes_what_a_killed_group_left(tmp_path: Path) -> None:
    """SIGKILL of a whole process group, whose cleaner dies with it; foreign names beside it stay."""
    (tmp_path / "study.py").write_text(STUDY)
    process = subprocess.Popen(
        [sys.executable, "study.py", "100000"], cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    foreign = MEMORY / f"sem.loky-{process.pid}-foreign0"
    foreign.touch()
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() in ("0", "2")
        deadline = time.monotonic() + 60
        while len(psutil.Process(process.pid).children()) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(5)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        left = in_memory(process.pid)
        assert sum(name.startswith("sem.") for name in left) >= 8 + 1
        assert any(name.startswith("joblib") for name in left)
        subprocess.run([sys.executable, "study.py", "1"], cwd=tmp_path, check=True, capture_output=True)
        assert in_memory(process.pid) == [foreign.name]
    finally:
        foreign.unlink()
        process.kill()
