"""Files of the points that running trials have reported: a trial appends to its own, the study's process reads them all.

A point costs microseconds, and what a trial reported survives the death of its process.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from hpsearch.execution.outcome import thin_curves
from hpsearch.ports import Point
from hpsearch.trial import Outcome, Trial

_PREFIX = "hpsearch-points-"


@dataclass(frozen=True)
class PointFile:
    """Where one trial writes its points; a disk that is full costs the points, not the trial.

    Args:
        path: of the file.
    """

    path: Path

    def begin(self) -> None:
        """Say that the trial runs."""
        self._write("\n")

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write one point."""
        self._write(json.dumps([int(step), {name: float(value) for name, value in metrics.items()}]) + "\n")

    def _write(self, text: str) -> None:
        with suppress(OSError):
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, text.encode())
            finally:
                os.close(file)


@dataclass
class PointFiles:
    """The point files of one study on this machine.

    Args:
        folder: of the files; it is this process's own.
        read: how much of each file was read, by number of its trial.
    """

    folder: Path
    read: dict[int, int] = field(default_factory=dict)

    @classmethod
    def create(cls) -> PointFiles:
        """Return an empty folder of files; those of processes that have ended are removed."""
        remove_left_folders()
        return cls(Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")))

    def of(self, number: int) -> PointFile:
        """Return the file of a trial."""
        return PointFile(self.folder / str(number))

    def poll(self) -> Iterator[Point]:
        """Yield what was written since the last call; for a trial that has begun, a point without metrics."""
        with suppress(OSError):
            paths = sorted(self.folder.iterdir())
            for number in set(self.read) - {int(path.name) for path in paths}:
                self.read.pop(number, None)  # another process finished it
            for path in paths:
                yield from self._new(int(path.name), path)

    def _new(self, number: int, path: Path) -> Iterator[Point]:
        with suppress(OSError), path.open("rb") as file:
            file.seek(self.read.get(number, 0))
            text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self.read[number] = self.read.get(number, 0) + len(whole)
            for line in whole.splitlines():
                step, metrics = json.loads(line) if line else (0, {})
                yield number, step, metrics

    def finish(self, trial: Trial) -> Trial:
        """Return a trial that has ended, with the curves it had where its process died; remove its file."""
        path = self.folder / str(trial.number)
        if trial.outcome is None and path.exists():
            self.read.pop(trial.number, None)
            curves: dict[str, dict[int, float]] = {}
            for _, step, metrics in self._new(trial.number, path):
                for name, value in metrics.items():
                    curves.setdefault(name, {})[step] = value
            if curves:
                history = {name: tuple(sorted(points.items())) for name, points in curves.items()}
                trial = thin_curves(replace(trial, outcome=Outcome(math.nan, history=history)))
        self.read.pop(trial.number, None)
        path.unlink(missing_ok=True)
        return trial

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def remove_left_folders() -> None:
    """Remove the folders of processes that have ended without doing so."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = left.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
