"""Semaphores and memory-mapped arrays of the workers: written down while a study lives, removed by the next one after a kill.

They are in shared memory, and nobody removes them where all processes of a study were killed at once: each such run would keep
a copy of its data set in RAM. A process writes the names of its own into a file that it holds locked. The lock ends with the
process, however that ends, and in whatever container it ran; a process number alone may be another program's by now.
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

with suppress(ImportError):  # Windows has none
    import fcntl

_MEMORY, _MAPS = Path("/dev/shm"), Path("/proc/self/maps")
_SEMAPHORE = re.compile(r"sem\.loky-\d+-\w+")
_FOLDER = re.compile(r"joblib_memmapping_folder_\d+_\w+")
_MAPPED = re.compile(r" (\d+)\s+/dev/shm/sem\.")


class _Note:
    """The file of one process, and the names in it; ``process`` is the one that made it."""

    def __init__(self, file: IO[str], path: Path) -> None:
        self.file, self.path, self.process = file, path, os.getpid()
        self.names: list[str] = []
        self.folders: list[str] = []

    def write(self, names: list[str]) -> None:
        """Replace the names."""
        if names != self.names:
            self.file.seek(0)
            self.file.truncate()
            self.file.write("".join(f"{name}\n" for name in names))
            self.file.flush()
            self.names = names

    def remove(self) -> None:
        """Remove the file at an orderly end, where joblib removes what it names."""
        if self.process == os.getpid():
            self.path.unlink(missing_ok=True)


_note: _Note | None = None


def write_down(parallel: Any) -> None:
    """Write down what the workers of a `joblib.Parallel` of this process have in shared memory."""
    global _note
    with suppress(OSError):  # no shared memory, or no room in it: nothing is removed later
        folders = _own_folders(parallel)
        if _note is not None and _note.process == os.getpid() and _note.folders == folders:
            return  # the same workers as before; each set of them has folders of its own
        names = sorted([*_own_semaphores(), *folders])
        if not names:
            return
        if _note is None or _note.process != os.getpid():
            _note = _open_note()
            atexit.register(_note.remove)
        _note.write(names)
        _note.folders = folders


def remove_left() -> None:
    """Remove what processes that are gone have written down and left; anything else in shared memory is not touched."""
    with suppress(OSError):
        for path in _notes().iterdir():
            with suppress(OSError), path.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an error where its process lives
                for name in file.read().splitlines():
                    _remove(name)
                path.unlink()


def _own_semaphores() -> Iterable[str]:
    """Yield the names of loky's semaphores that this very process has mapped; others may have the same process number."""
    mapped = set(map(int, _MAPPED.findall(_MAPS.read_text(errors="replace"))))
    for path in _MEMORY.glob(f"sem.loky-{os.getpid()}-*"):
        with suppress(OSError):
            if path.stat().st_ino in mapped:
                yield path.name


def _own_folders(parallel: Any) -> list[str]:
    """Return the folders in which joblib maps arrays; it has no public name for them."""
    workers = getattr(getattr(parallel, "_backend", None), "_workers", None)
    folders = getattr(getattr(workers, "_temp_folder_manager", None), "_cached_temp_folders", {})
    return sorted(map(str, folders.values()))


def _notes() -> Path:
    """Return the folder of the files, which belongs to this user alone.

    Raises:
        PermissionError: if it is another user's, who could have files of ours removed.
    """
    folder = _MEMORY / f"hpsearch-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PermissionError(str(folder))
    return folder


def _open_note() -> _Note:
    """Create the file of this process and hold it locked; under its name it is never seen without the lock."""
    path = _notes() / f"{os.getpid()}-{secrets.token_hex(8)}"
    draft = _MEMORY / f".hpsearch-{path.name}"
    file = draft.open("x")
    fcntl.flock(file, fcntl.LOCK_EX)
    draft.rename(path)
    return _Note(file, path)


def _remove(name: str) -> None:
    """Remove one entry, where its name is one of those that we write down and it is this user's."""
    path = Path(name)
    with suppress(OSError):
        if _SEMAPHORE.fullmatch(name) and (_MEMORY / name).lstat().st_uid == os.getuid():
            (_MEMORY / name).unlink()
        elif (
            path.is_absolute() and _FOLDER.fullmatch(path.name) and path.lstat().st_uid == os.getuid() and not path.is_symlink()
        ):
            shutil.rmtree(path, ignore_errors=True)
