"""Studies that end by SIGKILL in the midst of a training, again and again, and what they computed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hpsearch import Study
from hpsearch.execution.isolation import Ending, run_isolated
from hpsearch.ports import Limits
from hpsearch.tracking import MlflowTracker


class Log:
    """Every step that was computed, in a file; the process is killed at the n-th one that it computes itself."""

    def __init__(self, path: Path) -> None:
        self.path, self.kill_at, self.own = path, 0, 0

    def add(self, step: int) -> None:
        """Write down a step, then end the process where that is asked for."""
        with self.path.open("a") as file:
            file.write(f"{step}\n")
        self.own += 1
        if self.own == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    @property
    def steps(self) -> list[int]:
        """The steps computed so far, by all processes."""
        return [int(line) for line in self.path.read_text().split()] if self.path.exists() else []


def run_killed(study: Study, folder: Path, log: Log, moments: Sequence[int]) -> Any:
    """Start a study in a process that is killed at each moment, counted in steps; then run it to its end."""
    for moment in moments:
        ending = run_isolated(_starting(study, folder, log, moment), Limits())
        assert isinstance(ending, Ending)
        assert "SIGKILL" in ending.reason
    return _starting(study, folder, log, 0)()


def _starting(study: Study, folder: Path, log: Log, moment: int) -> Callable[[], Any]:
    def start() -> Any:
        log.kill_at, log.own = moment, 0
        return study.run(1, backend="sequential", tracker=MlflowTracker(root=folder), report=False)

    return start
