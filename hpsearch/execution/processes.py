"""Lifetime of worker processes: finding and killing processes, ending with the parent, removing stale memory maps."""

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


def find_descendants(pid: int) -> list[psutil.Process]:
    """Return every process that a process started, and those started in turn."""
    try:
        found: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
    return found


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill processes; one that has ended already is skipped."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def kill_workers() -> None:
    """Kill all worker processes of this process, and the processes that they started."""
    workers = [psutil.Process(child.pid) for child in active_children() if psutil.pid_exists(child.pid or 0)]
    kill([*workers, *(found for worker in workers for found in find_descendants(worker.pid))])


@cache
def end_with_parent(parent: int) -> None:
    """Make this worker end within a second of its parent, however the parent ends; a second call does nothing."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        kill(find_descendants(os.getpid()))
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end with parent").start()


_MEMORY = Path("/dev/shm")
# joblib names the folder of memory-mapped arrays after the process that made it.
_MAPS = re.compile(r"joblib_memmapping_folder_(\d+)_")


def remove_stale_maps() -> None:
    """Remove the memory-mapped arrays of processes that were killed before they could remove them.

    They are in shared memory, so each killed run would keep one copy of its data set in RAM.
    """
    for place in (_MEMORY, Path(tempfile.gettempdir())):
        with suppress(OSError):  # another run may remove them at the same time
            for folder in place.iterdir():
                found = _MAPS.match(folder.name)
                if found and folder.stat().st_uid == os.getuid() and not _is_alive(int(found[1])):
                    shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
