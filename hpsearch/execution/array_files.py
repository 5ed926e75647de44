"""Pickles whose large arrays are files, named by their SHA-256 and mapped into memory: one copy for all processes of a host.

A mapped array starts at a page of memory. So it is aligned, and a matrix product of it has the same bits everywhere.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import pickle
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import cloudpickle
import numpy as np

from hpsearch.execution.task import SHARED_BYTES

# Larger arrays are files.
FILE_BYTES = 10_000
# Permissions of files and folders that belong to this user alone.
_OWN_FILE, _OWN_FOLDER = 0o600, 0o700
Array = np.ndarray[Any, np.dtype[Any]]


class _Reference(NamedTuple):
    """What stands in a pickle for an array; ``place`` tells arrays of equal content apart."""

    place: int
    checksum: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: str
    writeable: bool


@dataclass(frozen=True)
class Packed:
    """A pickle, and the contents of its large arrays by SHA-256 (hex)."""

    content: bytes
    arrays: dict[str, memoryview]


def pack(thing: object) -> Packed:
    """Pickle an object apart from the large arrays in it."""
    buffer = io.BytesIO()
    pickler = _Pickler(buffer)
    pickler.dump(thing)
    return Packed(buffer.getvalue(), pickler.contents)


def unpack(content: bytes, folder: Path) -> Any:
    """Return a packed object, with its large arrays mapped from a folder.

    Arrays above a megabyte are read-only, as in a worker process on this machine. A trial may write to smaller ones; the
    files do not change.

    Raises:
        ValueError: a file is damaged.
        OSError: a file cannot be read.
    """
    return _Unpickler(io.BytesIO(content), folder).load()


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.contents: dict[str, memoryview] = {}
        self._seen: dict[int, tuple[Array, _Reference]] = {}

    def persistent_id(self, thing: Any) -> _Reference | None:
        """Return a reference for a large array of plain values, and None for anything else."""
        if type(thing) not in (np.ndarray, np.memmap) or thing.nbytes <= FILE_BYTES or thing.dtype.hasobject:
            return None
        if id(thing) not in self._seen:
            self._seen[id(thing)] = (thing, self._refer(thing))
        return self._seen[id(thing)][1]

    def _refer(self, array: Array) -> _Reference:
        order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        content = _bytes_of(array.T if order == "F" else array)
        checksum = hashlib.sha256(content).hexdigest()
        self.contents[checksum] = content
        writeable = array.flags.writeable and array.nbytes <= SHARED_BYTES
        return _Reference(len(self._seen), checksum, array.dtype, array.shape, order, writeable)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO, folder: Path) -> None:
        super().__init__(file)
        self._folder = folder
        self._arrays: dict[int, Array] = {}

    def persistent_load(self, reference: Any) -> Array:
        """Return the array of a reference, always the same one."""
        if reference.place not in self._arrays:
            self._arrays[reference.place] = _map(self._folder / reference.checksum, reference)
        return self._arrays[reference.place]


def _bytes_of(array: Array) -> memoryview:
    """Return the content of an array in C order, without a copy where it has that order already."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _map(path: Path, reference: _Reference) -> Array:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != reference.checksum:
            raise ValueError(f"The file {path} is damaged: its content is not what its name says.")
        access = mmap.ACCESS_COPY if reference.writeable else mmap.ACCESS_READ
        mapped = mmap.mmap(file.fileno(), 0, access=access)
    order: Any = reference.order
    return np.ndarray(reference.shape, reference.dtype, mapped, order=order)


def find_missing(folder: Path, checksums: Collection[str]) -> list[str]:
    """Return the checksums of which a folder has no file."""
    return [checksum for checksum in checksums if not (folder / checksum).is_file()]


def write_part(folder: Path, checksum: str, offset: int, content: bytes | memoryview, total: int) -> None:
    """Write a part of a file; it has its name when all of it is there."""
    make_folder(folder)
    part = folder / f"{checksum}.part"
    with part.open("r+b" if offset else "wb") as file:
        part.chmod(_OWN_FILE)
        file.seek(offset)
        file.write(content)
    if offset + len(content) == total:
        part.replace(folder / checksum)


def make_folder(folder: Path) -> None:
    """Make a folder that only this user may enter.

    Raises:
        PermissionError: it is another user's, who could change the files.
    """
    folder.mkdir(mode=_OWN_FOLDER, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PermissionError(f"The folder {folder} belongs to another user, or others may write to it.")
