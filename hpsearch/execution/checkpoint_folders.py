"""Folders of the checkpoints of a study's trials, as the study's process sees them: named, kept, and removed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from hpsearch.errors import StudyError, must_be
from hpsearch.ports import CheckpointPlace
from hpsearch.ports.checkpoints import CHECKPOINT_BYTES
from hpsearch.trial import Status, Trial

# The most bytes of the checkpoints of trials that have ended.
TOTAL_BYTES = 16 * 2**30
# Sets the largest checkpoint that is kept, in MB.
MEGABYTES = "HPSEARCH_CHECKPOINT_MB"
# Trials that ended so may be run again later, and go on then.
UNFINISHED = frozenset({Status.FAILED, Status.DIED, Status.TIMED_OUT, Status.OUT_OF_MEMORY})
# Folders that nobody wrote to for so long belong to a study that nobody resumes.
_STALE_SECONDS = 30 * 24 * 3600.0
# The study, the trial's number, what else decides the trial.
_FOLDER = re.compile(r"([0-9a-f]{16})-(\d+)-([0-9a-f]{16})\.checkpoints")
_PREFIX = "hpsearch-checkpoints-"


@dataclass
class CheckpointFolders:
    """The folders of one study's trials.

    Args:
        root: the folder that they are in, of this study alone; None where trials keep no checkpoints.
        study: 16 hexadecimal digits that stand for what decides the study's trials.
        most_bytes: the largest checkpoint that is kept.
        total: the most bytes of trials that have ended; beyond it the oldest ones go.
    """

    root: Path | None = None
    study: str = ""
    most_bytes: int = CHECKPOINT_BYTES
    total: int = TOTAL_BYTES
    _temporary: bool = False
    # By number, those of trials that have ended with their bytes, the oldest first.
    _known: dict[int, set[Path]] = field(default_factory=dict)
    _ended: dict[int, int] = field(default_factory=dict)

    @classmethod
    def open(cls, root: Path | None, study: str, fresh: bool = False, temporary: bool = False) -> CheckpointFolders:
        """Find the folders that an earlier run left; remove those of another study under this name, and stale ones of any.

        Args:
            root: the folder that they are in.
            study: text that decides the study's trials.
            fresh: whether to remove what an earlier run left.
            temporary: whether ``root`` goes with the process.
        """
        own = hashlib.sha256(study.encode("utf-8", "backslashreplace")).hexdigest()[:16]
        folders = cls(root, own, _bytes_from_environment(), _temporary=temporary)
        if root is not None:
            for path, match in _list(root):
                if match[1] == own and not fresh:
                    folders._known.setdefault(int(match[2]), set()).add(path)
                else:
                    _remove(path)
            remove_stale(root.parent)
        return folders

    def place(self, trial: Trial, key: tuple[int, ...], before: Trial | None) -> CheckpointPlace | None:
        """Return where a trial keeps its checkpoints.

        Args:
            trial: as proposed.
            key: decides its random numbers.
            before: the trial that it continues; it has the same key.
        """
        if self.root is None:
            return None
        folder = self._folder(self.root, trial, key)
        self._known.setdefault(trial.number, set()).add(folder)
        return CheckpointPlace(folder, None if before is None else self._folder(self.root, before, key), self.most_bytes)

    def end(self, trial: Trial, continued: bool) -> None:
        """Remove the checkpoints of a trial that has ended, unless it goes on later: after a failure, or in another trial."""
        if not continued and trial.status not in UNFINISHED:
            self.drop(trial)
            return
        size = sum(map(_size, self._known.get(trial.number, ())))
        if size:
            self._ended.pop(trial.number, None)
            self._ended[trial.number] = size
            while sum(self._ended.values()) > self.total:
                self._remove(next(iter(self._ended)))

    def drop(self, trial: Trial) -> None:
        """Remove the checkpoints of a trial that no other one continues, unless it did not finish."""
        if trial.status not in UNFINISHED:
            self._remove(trial.number)

    def close(self, trials: Mapping[int, Trial], continued: bool) -> None:
        """Keep the checkpoints of trials that did not end or did not finish; with ``continued`` of all."""
        for number in [] if continued else list(self._known):
            if number in trials:
                self.drop(trials[number])
        if self.root is not None:
            if self._temporary:
                shutil.rmtree(self.root, ignore_errors=True)
            with suppress(OSError):
                self.root.rmdir()  # where it is empty

    def _remove(self, number: int) -> None:
        self._ended.pop(number, None)
        for path in self._known.pop(number, ()):
            _remove(path)

    def _folder(self, root: Path, trial: Trial, key: tuple[int, ...]) -> Path:
        """Return the folder of a trial; its name changes with everything that makes it another trial."""
        asked = (key, sorted(trial.params.items()), trial.stage, trial.budget, trial.continues, trial.replicate)
        digest = hashlib.sha256(repr(asked).encode("utf-8", "backslashreplace")).hexdigest()[:16]
        return root / f"{self.study}-{trial.number}-{digest}.checkpoints"


def temporary_root() -> Path:
    """Return a folder for checkpoints that go with this process; remove those of processes that have ended."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = left.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))


def remove_stale(root: Path, seconds: float = _STALE_SECONDS) -> None:
    """Remove the checkpoints of all studies that are older than so many seconds."""
    now = time.time()
    with suppress(OSError):
        for study in [path for path in root.iterdir() if path.is_dir() and not path.is_symlink()]:
            for path, _ in _list(study):
                with suppress(OSError):
                    if now - path.stat().st_mtime > seconds:
                        _remove(path)
                        study.rmdir()  # where it is empty


def _list(root: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    """Yield the folders of trials, with the parts of their names."""
    with suppress(OSError):
        for path in sorted(root.iterdir()):
            match = _FOLDER.fullmatch(path.name)
            if match is not None and not path.is_symlink():
                yield path, match


def _remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path, ignore_errors=True)


def _size(folder: Path) -> int:
    if not folder.exists():
        return 0
    with suppress(OSError):
        return sum(path.lstat().st_size for path in folder.rglob("*"))
    return 0


def _bytes_from_environment() -> int:
    text = os.environ.get(MEGABYTES, "")
    if not text:
        return CHECKPOINT_BYTES
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise StudyError(must_be(MEGABYTES, "a whole number of megabytes", text, "Leave it out for 2048."))
    return int(text) * 2**20
