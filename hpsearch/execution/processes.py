"""The processes that this one started: finding them, ending them, and ending with the one that started this."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from multiprocessing import active_children
from pathlib import Path

import psutil


def descendants(pid: int) -> list[psutil.Process]:
    """Return every process that a process started, and those started in turn."""
    try:
        found: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
    return found


def kill(processes: Iterable[psutil.Process]) -> None:
    """End processes at once; one that is gone already is no error."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def kill_workers() -> None:
    """End all worker processes of this process at once, with whatever they started."""
    workers = [psutil.Process(child.pid) for child in active_children() if psutil.pid_exists(child.pid or 0)]
    kill([*workers, *(found for worker in workers for found in descendants(worker.pid))])


@cache
def end_with(parent: int) -> None:
    """Have this worker end within a second after its parent did, however that one ended; called again it does nothing."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        kill(descendants(os.getpid()))
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end with parent").start()


_MEMORY = Path("/dev/shm")
# joblib names the folder of a run's mapped arrays after the process that made it.
_MAPS = re.compile(r"joblib_memmapping_folder_(\d+)_")


def clear_maps() -> None:
    """Remove the mapped arrays of runs that were killed together with the process that would have removed them.

    They lie in shared memory, which is to say in RAM: one copy of the data set per kill.
    """
    for place in (_MEMORY, Path(tempfile.gettempdir())):
        with suppress(OSError):  # another run may be removing them just now
            for folder in place.iterdir():
                found = _MAPS.match(folder.name)
                if found and folder.stat().st_uid == os.getuid() and not _alive(int(found[1])):
                    shutil.rmtree(folder, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
