"""Checkpoints of trials: folders that are there as a whole or not at all, and whose files are checked when they are read."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hpsearch.ports import Checkpoint, CheckpointPlace, Checkpoints
from hpsearch.ports.checkpoints import Points, thrown_away

logger = logging.getLogger(__name__)
# So many checkpoints of a trial are kept: where the newest one is damaged, the one before it is used.
KEPT = 2
# A checkpoint: a number that rises, and the step of the training. It holds a manifest, and a folder with the trial's files.
_CHECKPOINT = re.compile(r"(\d{6,})-(\d+)")
_PART = ".part"
_FILES = "files"
# Content: SHA-256 in hexadecimal digits, a line break, JSON.
_MANIFEST = "manifest"
# The number of the last attempt that continued from a checkpoint.
_ATTEMPTS = "attempts"
_DIGITS = 64
# Errors of a disk that takes nothing more.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO})
_PROBE_BYTES = 2**16
_RENAMES = 10
Manifest = dict[str, Any]


@dataclass
class TrialCheckpoints(Checkpoints):
    """The checkpoints of one attempt at a trial, in files.

    What a disk does not take costs the checkpoint, never the trial; one sentence says so.

    Args:
        place: where they are.
        number: of the trial.
    """

    place: CheckpointPlace
    number: int
    _attempt: int = 1
    _warned: bool = False
    _cleared: bool = False
    _continued: Path | None = None

    def find(self) -> Checkpoint | None:
        """Return the newest whole checkpoint of this trial, else of the one that it continues, else None.

        One that continues to the same bits belongs to its own trial: another one has other means to do so.
        """
        own, damaged = _newest(self.place.folder)
        earlier = None
        if own is None and self.place.continued is not None:
            earlier, _ = _newest(self.place.continued)
        found = own or (None if earlier is None or earlier.exact else earlier)
        if damaged:
            where = "starts anew" if found is None else f"goes on from step {found.step}"
            logger.warning("The newest checkpoint of trial %d is damaged, so it %s.", self.number, where)
        self._continued = None if own is None else own.folder.parent
        if found is not None:
            self._attempt = 1 + max(_read_attempts(self.place.folder), 0 if own is None else own.attempt)
            _write_attempts(self.place.folder, self._attempt)
        return None if found is None else replace(found, attempt=self._attempt)

    @contextmanager
    def save(self, step: int, points: Points, exact: bool, times: Points) -> Iterator[Path]:
        """Give an empty folder; it is the newest checkpoint once the block has ended without an error."""
        part = self._begin()
        if part is None:
            with thrown_away() as folder, self._survived(folder):
                yield folder
            return
        written = False
        try:
            with self._survived(part / _FILES):
                yield part / _FILES
                written = True
            if written:
                self._keep(part, step, exact, {"points": _as_json(points), "times": _as_json(times)})
        except OSError as error:
            if not written:
                raise
            self._warn(error)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def reject(self) -> None:
        """Remove the checkpoint that this attempt continued from, unless it saved one itself.

        The attempt failed, and the next one would fail at the same place: it continues from the checkpoint before.
        """
        if self._continued is not None:
            shutil.rmtree(self._continued, ignore_errors=True)

    def _begin(self) -> Path | None:
        """Return a new folder to write to; None where there can be none."""
        part = self.place.folder / f"{uuid.uuid4().hex}{_PART}"
        try:
            self.place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self._cleared:  # what a killed attempt left
                for left in self.place.folder.glob(f"*{_PART}"):
                    shutil.rmtree(left, ignore_errors=True)
                self._cleared = True
            (part / _FILES).mkdir(parents=True)
        except OSError as error:
            self._warn(error)
            return None
        return part

    @contextmanager
    def _survived(self, folder: Path) -> Iterator[None]:
        """Let the trial continue where a block ends with an error because the disk takes nothing more."""
        try:
            yield
        except Exception as error:
            if not _is_full(folder, error):
                raise
            self._warn(error)

    def _keep(self, part: Path, step: int, exact: bool, curves: Mapping[str, Any]) -> None:
        size = sum(path.stat().st_size for path in _list_files(part / _FILES).values())
        if size > self.place.most_bytes:
            self._warn(f"it has {_megabytes(size)}, and at most {_megabytes(self.place.most_bytes)} are kept")
            return
        manifest = {
            "step": step,
            "attempt": self._attempt,
            "exact": exact,
            **curves,
            "files": _describe(part / _FILES),
        }
        text = json.dumps(manifest).encode()
        (part / _MANIFEST).write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
        self._publish(part, step)
        self._continued = None
        for path in _list(self.place.folder)[KEPT:]:
            shutil.rmtree(path, ignore_errors=True)

    def _publish(self, part: Path, step: int) -> None:
        """Rename a complete folder; another process that still runs this trial may take the same name."""
        for left in reversed(range(_RENAMES)):
            newest = next((_order(path)[0] for path in _list(self.place.folder)), 0)
            try:
                part.rename(self.place.folder / f"{newest + 1:06d}-{step}")
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or left == 0:
                    raise

    def _warn(self, why: object) -> None:
        """Say once why a checkpoint could not be kept."""
        if not self._warned:
            self._warned = True
            reason = " ".join(str(why).split()) or type(why).__name__
            logger.warning("A checkpoint of trial %d could not be kept, and it goes on without: %s.", self.number, reason)


def _newest(folder: Path) -> tuple[Checkpoint | None, bool]:
    """Return the newest whole checkpoint in a trial's folder, and whether a newer one is damaged."""
    found = _list(folder)
    for path in found:
        checkpoint = _read(path)
        if checkpoint is not None:
            return checkpoint, path != found[0]
    return None, bool(found)


def _list(folder: Path) -> list[Path]:
    """Return the checkpoints in a trial's folder, the newest first."""
    try:
        found = [path for path in folder.iterdir() if _CHECKPOINT.fullmatch(path.name) is not None]
    except OSError:
        return []
    return sorted(found, key=_order, reverse=True)


def _order(path: Path) -> tuple[int, int]:
    """Return the number of a checkpoint, which rises, and its step."""
    number, _, step = path.name.partition("-")
    return int(number), int(step)


def _read(path: Path) -> Checkpoint | None:
    """Return a checkpoint whose files are those that were written, to the bit; else None."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        content = (path / _MANIFEST).read_bytes()
        digest, text = content[:_DIGITS], content[_DIGITS + 1 :]
        if hashlib.sha256(text).hexdigest().encode() != digest:
            return None
        manifest: Manifest = json.loads(text)
        if manifest["files"] != _describe(path / _FILES):
            return None
        points, times = (_from_json(manifest.get(name, {})) for name in ("points", "times"))
        return Checkpoint(path / _FILES, manifest["step"], manifest["attempt"], manifest["exact"], points, times)
    return None


def _as_json(points: Points) -> dict[str, list[tuple[int, str]]]:
    return {name: [(at, repr(value)) for at, value in curve.items()] for name, curve in points.items()}


def _from_json(points: Mapping[str, Any]) -> Points:
    return {name: {step: float(value) for step, value in curve} for name, curve in points.items()}


def _describe(folder: Path) -> dict[str, list[Any]]:
    """Return the size and the SHA-256 of each file."""
    found = {}
    for name, path in _list_files(folder).items():
        with path.open("rb") as file:
            found[name] = [path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()]
    return found


def _list_files(folder: Path) -> dict[str, Path]:
    """Return the files in a folder and in those within it, without links, by relative path."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path for path in found}


def _read_attempts(folder: Path) -> int:
    with suppress(OSError, ValueError):
        return int((folder / _ATTEMPTS).read_text())
    return 0


def _write_attempts(folder: Path, number: int) -> None:
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / _ATTEMPTS).write_text(str(number))


def _is_full(folder: Path, error: BaseException) -> bool:
    """Return whether an error came from a disk that takes nothing more."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return True
        cause = cause.__cause__ or cause.__context__
    probe = folder / f"{uuid.uuid4().hex}.probe"
    try:
        with probe.open("wb") as file:
            file.write(os.urandom(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return True
    finally:
        with suppress(OSError):
            probe.unlink()
    return False


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MB"
