"""Sealed test parts, and the one function that opens them.

A data set holds its test part as a `Sealed` handle: a name, a checksum and row ids, no data. The function that loads the rows
stays in a register of the process that sealed them; workers have no register, and opening raises there. Every opening is
checked against the checksum and passes through the caller's log hook before any row is returned.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Protocol

from hpsearch.errors import VaultError, must_be

_REOPEN = "Open it with result.test() or `hpsearch test NAME` in the process that loads the data set."


class _Sealable(Protocol):
    """A part that can be sealed, such as a `hpsearch.data.part.Part`."""

    @property
    def checksum(self) -> str:
        """SHA-256 (hex) over its content."""
        ...


@dataclass(frozen=True, repr=False)
class Sealed:
    """Handle of a test part: compared by name and checksum, pickled without data, opened by `open_test` alone.

    Args:
        name: the data set it belongs to.
        checksum: SHA-256 (hex) of the part, see `hpsearch.data.part.Part.checksum`.
        rows: ids of its rows in the original data, a range where they are consecutive.
    """

    name: str
    checksum: str
    rows: range | tuple[int, ...] = field(compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Sealed({self.name}, rows={len(self)})"


# checksum -> (function that loads the part, process that registered it)
_loaders: dict[str, tuple[Callable[[], _Sealable], int]] = {}
_lock = Lock()
_closed = 0


def seal(name: str, rows: range | tuple[int, ...], load: Callable[[], _Sealable]) -> Sealed:
    """Return the handle of the part that ``load`` reads; it is read once here, for its checksum, and not kept.

    Sealing the same content again replaces its loader: the register grows with data sets, not with calls.
    """
    sealed = Sealed(name, load().checksum, rows)
    _loaders[sealed.checksum] = (load, os.getpid())
    return sealed


def narrowed(sealed: Sealed, name: str, classes: Sequence[int]) -> Sealed:
    """Return the handle of the rows of some classes of a sealed part, see `hpsearch.data.Dataset.only`; opens nothing.

    As in `seal`, the part is read once for its checksum and not kept.

    Raises:
        VaultError: where its data was never loaded.
    """
    load = _loader(sealed)
    rows = tuple(row for row, kept in zip(sealed.rows, load().of(classes).tolist(), strict=True) if kept)
    return seal(name, rows, lambda: load().only(classes))


def mapped_rows(sealed: Sealed, name: str, change: Callable[[Any], _Sealable]) -> Sealed:
    """Return the handle of a sealed part whose rows are changed when it is opened; opens nothing.

    As in `seal`, the part is read once for its checksum and not kept.

    Args:
        sealed: the handle.
        name: of the data set with the changed rows.
        change: makes the part from the one that is sealed, row by row.
    Raises:
        VaultError: where its data was never loaded.
    """
    load = _loader(sealed)
    return seal(name, sealed.rows, lambda: change(load()))


def open_test(sealed: Sealed, on_open: Callable[[], None] | None = None) -> Any:
    """Load a sealed part, verify it, log the opening, and only then return it.

    Args:
        sealed: the handle, or an equal one (handles are compared by name and checksum).
        on_open: called after verification and before the return; if it raises, nothing is returned.
    Raises:
        VaultError: in a worker process, while trials run, where the data was never loaded, or if it has changed since.
    """
    _check_open(sealed)
    part = _loader(sealed)()
    if part.checksum != sealed.checksum:
        raise VaultError(
            must_be(
                f"Checksum of {sealed!r}",
                sealed.checksum[:12],
                part.checksum[:12],
                "The data changed after it was sealed: load the data set again.",
            )
        )
    if on_open is not None:
        on_open()
    return part


def _loader(sealed: Sealed) -> Callable[[], Any]:
    load, owner = _loaders.get(sealed.checksum, (None, -1))
    if load is None or owner != os.getpid():
        raise VaultError(must_be(repr(sealed), "opened where its data was loaded", "no data here", _REOPEN))
    return load


@contextmanager
def closed() -> Iterator[None]:
    """Keep the vault closed in this process while the block runs.

    For trials that run in the parent process (threads, or one after the other): opening raises for them as in a worker
    process, so a trial never depends on where it runs.
    """
    global _closed
    with _lock:
        _closed += 1
    try:
        yield
    finally:
        with _lock:
            _closed -= 1


def close_for_life() -> None:
    """Keep the vault closed in this process, and in all that it forks, until it ends: for workers of a cluster."""
    global _closed
    with _lock:
        _closed += 1


def _check_open(sealed: Sealed) -> None:
    # loky, multiprocessing and Dask workers all have a parent process in the sense of multiprocessing (loky 3.5 checked);
    # a plain os.fork is caught by the process id beside the loader.
    if multiprocessing.parent_process() is not None:
        raise VaultError(must_be(repr(sealed), "closed in a worker process", "a request to open it", _REOPEN))
    if _closed:
        raise VaultError(must_be(repr(sealed), "closed while trials run", "a request to open it", _REOPEN))
