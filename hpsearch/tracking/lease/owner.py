"""The owner of a lease: a process, on a machine, by a random token."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import psutil

from hpsearch.tracking.store.names import digest

# What this machine is called where others read who runs a study; containers often have no telling name of their own.
HOST_VARIABLE = "HPSEARCH_HOST"


@dataclass(frozen=True)
class Owner:
    """A process that runs a study, or ran it.

    Args:
        host: what its machine is called.
        process: its id there.
        began: when it started, in seconds since 1970 by the clock of its machine; ids are used again.
        place: what distinguishes its machine, since when that runs, and the container within it.
        every: how often it gives a sign of life, in seconds.
        token: random text that only this owner has.
    """

    host: str
    process: int
    began: float
    place: str
    every: float
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    @classmethod
    def of_this_process(cls, every: float) -> Owner:
        """Return this process as an owner."""
        return cls(host_name(), os.getpid(), psutil.Process().create_time(), _place(), every)

    @classmethod
    def parse(cls, text: str) -> Owner:
        """Return the owner that `text` wrote; an unknown one where it cannot be read."""
        given = dict(parse_qsl(text))
        try:
            rest = int(given["process"]), float(given["began"]), given["place"], float(given["every"])
            return cls(given["host"], *rest, given["token"])
        except (ValueError, KeyError):
            return cls("an unknown machine", 0, 0.0, "", 0.0, text)

    @property
    def text(self) -> str:
        """All of it in one line, which MLflow's pages show as it is."""
        return urlencode(asdict(self))

    @property
    def is_gone(self) -> bool:
        """Whether this machine knows that the process has ended; of another machine's process nothing is known."""
        if self.place != _place():
            return False
        try:
            return bool(abs(psutil.Process(self.process).create_time() - self.began) > 1.0)
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False

    def __str__(self) -> str:
        return f"{self.host} (process {self.process})"


def host_name() -> str:
    """Return what this machine is called: HPSEARCH_HOST, else its own name."""
    return os.environ.get(HOST_VARIABLE) or socket.gethostname()


def _place() -> str:
    """Return a text that is the same only for processes that see each other: of one machine, one boot and one container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        boot, space = str(round(psutil.boot_time(), -1)), ""
    return digest(f"{host_name()} {boot} {space}")
