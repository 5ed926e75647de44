"""Checkpoints of a running trial as its objective sees them, and where they are kept, as plain data."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

# Curves while a trial runs: the value of each step, by metric.
Points = Mapping[str, Mapping[int, float]]
# The most bytes of one checkpoint.
CHECKPOINT_BYTES = 2 * 2**30


@dataclass(frozen=True)
class CheckpointPlace:
    """Where one trial keeps its checkpoints.

    Args:
        folder: of this trial alone; it is made with the first checkpoint.
        continued: the folder of the trial that this one continues, or None.
        most_bytes: the largest checkpoint that is kept.
    """

    folder: Path
    continued: Path | None = None
    most_bytes: int = CHECKPOINT_BYTES


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that is whole.

    Args:
        folder: with the files that the trial wrote.
        step: of the training at which they were written.
        attempt: the number of the attempt that continues from it; 1 where it is another trial's.
        exact: whether a training continues from it to the same bits.
        points: the curves up to ``step``.
        times: the seconds of the steps up to then, by what they count.
    """

    folder: Path
    step: int
    attempt: int = 2
    exact: bool = False
    points: Points = field(default_factory=dict, repr=False)
    times: Points = field(default_factory=dict, repr=False)


class Checkpoints(Protocol):
    """Keeps the checkpoints of one attempt at a trial."""

    @abstractmethod
    def find(self) -> Checkpoint | None:
        """Return the newest whole checkpoint of this trial, else of the one that it continues, else None."""

    @abstractmethod
    def save(self, step: int, points: Points, exact: bool, times: Points) -> AbstractContextManager[Path]:
        """Return a context with an empty folder, which is the newest checkpoint once the block has ended without an error."""

    @abstractmethod
    def reject(self) -> None:
        """Remove the checkpoint that this attempt continued from, unless it saved one itself: the attempt failed."""


@contextmanager
def thrown_away() -> Iterator[Path]:
    """Give a temporary folder that is removed at the end of the block."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="hpsearch-checkpoint-"))
    except OSError:  # what is written there fails, which the caller sees
        folder = Path(tempfile.gettempdir()) / f"hpsearch-checkpoint-{uuid.uuid4().hex}"
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
