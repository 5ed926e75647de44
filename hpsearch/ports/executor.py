"""The port of an executor: where trials run, and what it is handed for each of them."""

from __future__ import annotations

import os
import secrets
from abc import abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from hpsearch.ports.checkpoints import CheckpointPlace
from hpsearch.ports.objective import ObjectiveBase, PruningThresholds
from hpsearch.trial import Params, Trial

# The number of a running trial, a step of its curves, and its metrics there.
Point = tuple[int, int, Mapping[str, float]]


@dataclass(frozen=True)
class Limits:
    """What one trial may use: wall-clock ``seconds``, and ``megabytes`` (2**20 bytes) beyond what its worker holds."""

    seconds: float | None = None
    megabytes: float | None = None

    @property
    def too_slow(self) -> str:
        """The reason recorded for a trial beyond the time limit."""
        return f"it took longer than {self.seconds} s"

    @property
    def too_large(self) -> str:
        """The reason recorded for a trial beyond the memory limit."""
        return f"it needed more memory than {self.megabytes} MB"


class CopyObjects(Protocol):
    """Makes the copies of the objective and of a task's params and state that one attempt at a trial works on."""

    def __call__(self, objective: ObjectiveBase, task: Task) -> tuple[ObjectiveBase, Task]: ...


def process_token() -> str:
    """Return a random text that no other process has; process numbers are the same in several containers."""
    return _token_of(os.getpid())


@cache
def _token_of(process: int) -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True)
class Task:
    """Everything a worker needs to run one trial.

    Args:
        trial: as proposed, without an outcome.
        params: in the form that the objective receives, templates filled in.
        seed: with ``key`` it decides the random numbers, by ``SeedSequence(seed, spawn_key=key)``.
        key: see ``seed``.
        sign: -1 where the study maximises.
        limits: of time and memory.
        keep_state: whether to return the model's state.
        state: of the earlier trial that this one continues.
        thresholds: what its curve must reach.
        in_rows: whether the trial's budget is a number of training rows.
        retries: how often it runs again after its process died.
        copies: makes the objects that each attempt works on; None where every attempt gets the same ones.
        parent: the `process_token` of the study's process.
        point_file: where it writes down the points that it reports, or None.
        checkpoints: where it keeps its checkpoints; None keeps none.
    """

    trial: Trial
    params: Params
    seed: int
    key: tuple[int, ...]
    sign: int = 1
    limits: Limits = field(default_factory=Limits)
    keep_state: bool = False
    state: Mapping[str, Any] | None = None
    thresholds: PruningThresholds | None = None
    in_rows: bool = False
    retries: int = 1
    copies: CopyObjects | None = field(default=None, repr=False, compare=False)
    parent: str = field(default_factory=process_token)
    point_file: Path | None = field(default=None, repr=False, compare=False)
    checkpoints: CheckpointPlace | None = field(default=None, repr=False, compare=False)

    @property
    def in_worker(self) -> bool:
        """Whether this process is a worker, not the study's own."""
        return process_token() != self.parent


class Executor(Protocol):
    """Runs the trials of one study; knows nothing of strategies and records.

    A trial is a pure function of its task, so the trials do not depend on the executor, on its width, or on the order in which
    they end. A study calls `open` once, `run` for every batch, and `close` at the end; each exactly in this order.
    """

    @property
    def width(self) -> int:
        """How many trials run side by side; it may change while a study runs."""
        raise NotImplementedError

    @property
    def separate(self) -> bool:
        """Whether trials run in other processes: they get pickled objects, and a memory limit can end them."""
        raise NotImplementedError

    def checkpoint_root(self, folder: Path) -> Path | None:
        """Return a folder for checkpoints that the study's process and all trials see; None where trials keep none.

        Args:
            folder: of the study, on the machine of its process.
        """
        return None

    @abstractmethod
    def open(self, objective: ObjectiveBase, token: str) -> None:
        """Get ready to run trials of ``objective``; raise an error for what would make every trial fail.

        Args:
            objective: of the study, which does not change.
            token: a random text that only this run of a study has.
        """

    @abstractmethod
    def run(self, tasks: Sequence[Task]) -> Generator[Trial, None, None]:
        """Yield the trial of every task as it ends, each exactly once, in whatever order they end.

        A trial that is lost with its worker is run again. Closing the generator ends the trials that still run.
        """

    @abstractmethod
    def points(self) -> Iterator[Point]:
        """Yield what running trials have reported since the last call."""

    @abstractmethod
    def close(self) -> None:
        """Give back everything that `open` took, at an orderly end and after an error; a second call does nothing."""


class ExecutorBase(Executor):
    """The base class of executors: typed defaults, and an error for a method that is missing or misspelt."""

    width: int = 1
    separate: bool = True

    def points(self) -> Iterator[Point]:
        """Yield nothing: this executor does not watch running trials."""
        return iter(())
