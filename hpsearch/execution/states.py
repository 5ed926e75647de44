"""Saved states of paused trials: a cache in memory, and beyond that in files."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import re
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

MEMORY_BYTES = 512 * 2**20
FILE_BYTES = 2 * 2**30
# A state that cannot be pickled counts as this much.
_UNKNOWN_BYTES = 2**20
# Files that nobody wrote to for so long belong to a study that nobody resumes.
_STALE_SECONDS = 30 * 24 * 3600.0
# Name: the study, the trial's number, its budget. Content: SHA-256 in hexadecimal digits, a line break, an npz archive.
_FILE = re.compile(r"([0-9a-f]{16})-(\d+)-(\d+)\.state(\.part)?")
_DIGITS = 64
# The member of the archive that holds everything but arrays, as JSON.
_VALUES = "values.json"
_ARRAY = "array."

State = Mapping[str, Any]
Key = tuple[int, int]


class States:
    """The states of trials that may be continued: what is lost here is trained again from the seed, to the same bits.

    States of arrays and JSON values move to files where memory is full. Others stay in memory. Where there is no more room
    for either, the oldest one is dropped. A damaged file counts as lost.

    Args:
        study: text that decides the study's trials; files of another one are ignored.
        folder: where the files go, a folder of this study alone; None keeps states in memory only.
        memory: the most bytes in memory; None sets no limit.
        files: the most bytes in files.
        fresh: whether to remove what an earlier run left.

    >>> states = States()
    >>> states.put(3, 9, {"weights": np.zeros(2)})
    >>> states.get(3, 9)
    {'weights': array([0., 0.])}
    >>> states.get(3, 27) is None
    True
    """

    def __init__(
        self,
        study: str = "",
        folder: Path | None = None,
        *,
        memory: int | None = MEMORY_BYTES,
        files: int = FILE_BYTES,
        fresh: bool = False,
    ) -> None:
        self._study, self._folder = hashlib.sha256(study.encode("utf-8", "backslashreplace")).hexdigest()[:16], folder
        self._memory, self._files = memory, files
        # Both by age, the oldest first.
        self._held: dict[Key, tuple[State, int]] = {}
        self._written: dict[Key, int] = {}
        if folder is not None:
            self._open(folder, fresh)

    def put(self, number: int, epochs: int | None, state: State) -> None:
        """Keep the state of a trial after so many epochs; None is the objective's own number of epochs."""
        key = (number, epochs or 0)
        self._remove(key)
        if self._memory is None:
            self._held[key] = (state, 0)
            return
        self._held[key] = (state, _size(state))
        while self._bytes_held() > self._memory:
            self._move(self._next_to_move())

    def get(self, number: int, epochs: int | None) -> State | None:
        """Return the state of a trial after so many epochs; None where it is lost."""
        key = (number, epochs or 0)
        if key in self._held:
            return self._held[key][0]
        state = self._read(key) if key in self._written else None
        if state is None:
            self._written.pop(key, None)
        return state

    def drop(self, number: int) -> None:
        """Remove the states of a trial."""
        for key in [key for key in (*self._held, *self._written) if key[0] == number]:
            self._remove(key)

    def close(self, finished: bool) -> None:
        """End the cache: remove its files, or write what is in memory to files for a later run where more trials follow."""
        if finished:
            for key in list(self._written):
                self._remove(key)
        else:
            for key in list(self._held):
                self._move(key)
        self._held.clear()
        if self._folder is not None:
            _remove_if_empty(self._folder)

    def _open(self, folder: Path, fresh: bool) -> None:
        """Find the files of an earlier run; remove those of another study under this name, and stale ones of any study."""
        ours: list[tuple[float, Key, int]] = []
        for path, match, time_written, size in _list_files(folder):
            if match[1] == self._study and not match[4] and not fresh:
                ours.append((time_written, (int(match[2]), int(match[3])), size))
            else:
                _unlink(path)
        self._written = {key: size for _, key, size in sorted(ours)}
        remove_stale(folder.parent)

    def _bytes_held(self) -> int:
        return sum(size for _, size in self._held.values())

    def _next_to_move(self) -> Key:
        """Return the oldest state that can be written, else the oldest."""
        writable = (key for key, (state, _) in self._held.items() if self._folder is not None and _is_plain(state))
        return next(writable, next(iter(self._held)))

    def _move(self, key: Key) -> None:
        """Move a state from memory to a file; one that cannot be written is dropped."""
        state, _ = self._held.pop(key)
        if self._folder is None or not _is_plain(state):
            return
        content = _pack(state)
        content = self._checksum(key, content) + b"\n" + content
        if len(content) > self._files:
            return
        while sum(self._written.values()) + len(content) > self._files:
            self._remove(next(iter(self._written)))
        with suppress(OSError):  # a full disk costs time alone
            _write(self._path(self._folder, key), content)
            self._written[key] = len(content)

    def _read(self, key: Key) -> State | None:
        if self._folder is None:
            return None
        with suppress(OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            content = self._path(self._folder, key).read_bytes()
            checksum, archive = content[:_DIGITS], content[_DIGITS + 1 :]
            if checksum == self._checksum(key, archive):
                return _unpack(archive)
        return None

    def _remove(self, key: Key) -> None:
        self._held.pop(key, None)
        if self._written.pop(key, None) is not None and self._folder is not None:
            _unlink(self._path(self._folder, key))

    def _path(self, folder: Path, key: Key) -> Path:
        return folder / f"{self._study}-{key[0]}-{key[1]}.state"

    def _checksum(self, key: Key, archive: bytes) -> bytes:
        """Return the checksum of a file: it covers what the state belongs to, so that a renamed file is none."""
        return hashlib.sha256(f"{self._study} {key}\n".encode() + archive).hexdigest().encode()


def remove_stale(root: Path, seconds: float = _STALE_SECONDS) -> None:
    """Remove the files of all studies that are older than so many seconds."""
    now = time.time()
    with suppress(OSError):
        for folder in [path for path in root.iterdir() if path.is_dir() and not path.is_symlink()]:
            for path, _, time_written, _ in _list_files(folder):
                if now - time_written > seconds:
                    _unlink(path)
                    _remove_if_empty(folder)


def _list_files(folder: Path) -> list[tuple[Path, re.Match[str], float, int]]:
    """Return the files of states in a folder: path, parts of the name, time of writing, bytes."""
    found = []
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            match = _FILE.fullmatch(path.name)
            if match is not None and not path.is_symlink():
                status = path.stat()
                found.append((path, match, status.st_mtime, status.st_size))
    return found


def _unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _write(path: Path, content: bytes) -> None:
    """Write a file that is there either as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError:
        _unlink(part)
        raise


def _pack(state: State) -> bytes:
    arrays = {f"{_ARRAY}{i}": value for i, value in enumerate(state.values()) if isinstance(value, np.ndarray)}
    values = [[name, None if isinstance(value, np.ndarray) else [value]] for name, value in state.items()]
    arrays[_VALUES] = np.frombuffer(json.dumps(values).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _unpack(archive: bytes) -> dict[str, Any]:
    with np.load(io.BytesIO(archive), allow_pickle=False) as arrays:
        values = json.loads(arrays[_VALUES].tobytes())
        return {name: arrays[f"{_ARRAY}{i}"] if boxed is None else boxed[0] for i, (name, boxed) in enumerate(values)}


def _is_plain(state: State) -> bool:
    """Return whether a state comes back from a file as it was: a dict of arrays and JSON values."""
    return type(state) is dict and all(
        type(name) is str and (_is_plain_array(value) or _is_json(value)) for name, value in state.items()
    )


def _is_plain_array(value: object) -> bool:
    """Return whether an array of numbers or texts comes back the same, its order in memory included: that decides sums."""
    if type(value) is not np.ndarray or value.dtype.kind not in "biufcSU":
        return False
    return value.flags.c_contiguous or value.flags.f_contiguous


def _is_json(value: object) -> bool:
    """Return whether JSON gives a value back with all its types."""
    if isinstance(value, list) and type(value) is list:
        return all(map(_is_json, value))
    if isinstance(value, dict) and type(value) is dict:
        return all(type(name) is str and _is_json(item) for name, item in value.items())
    return value is None or type(value) in (bool, int, float, str)


def _size(state: State) -> int:
    """Return about how many bytes of memory a state takes."""
    values = list(state.values()) if isinstance(state, Mapping) else [state]
    arrays = [value for value in values if isinstance(value, np.ndarray)]
    if len(arrays) == len(values):
        return sum(array.nbytes for array in arrays)
    try:
        return len(pickle.dumps(state))
    except Exception:  # whatever a user's own object raises
        return _UNKNOWN_BYTES
