"""Lifetime of worker processes: finding and killing processes, and ending with the parent."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from multiprocessing import active_children

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
