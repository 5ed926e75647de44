"""Surroundings of a trial in its worker: the filters of warnings and the levels of loggers are those of the study's process.

A line that a trial logs reaches the standard error of the study's process in one piece, with the number of the trial.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

import cloudpickle

with suppress(ImportError):  # Windows has none
    import fcntl

_STDERR = 2
# What a trial logs without any configuration: as `logging.lastResort` does.
_PLAIN = logging.Formatter("%(message)s")


@dataclass(frozen=True)
class Surroundings:
    """How warnings and log records are treated in one process.

    Args:
        filters: of warnings, as `warnings.filters` has them.
        levels: of loggers, by name; the root logger is the empty name.
        disabled: the level up to which `logging.disable` switched everything off.
        least: the level that a record needs to be shown.
        formatter: how it is shown.
        start_method: how `multiprocessing` starts processes; in a worker it has one that its own children do not know.
    """

    filters: tuple[Any, ...] = ()
    levels: tuple[tuple[str, int], ...] = ()
    disabled: int = 0
    least: int = logging.WARNING
    formatter: logging.Formatter = field(default=_PLAIN, compare=False)
    start_method: str = "spawn"

    @classmethod
    def read(cls) -> Surroundings:
        """Return those of this process."""
        named = {name: logger for name, logger in logging.root.manager.loggerDict.items() if isinstance(logger, logging.Logger)}
        levels = {"": logging.root.level} | {name: logger.level for name, logger in named.items() if logger.level}
        filters = tuple(entry for entry in warnings.filters if _travels(cast(Any, entry[2])))
        start = multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
        shows = sorted(logging.root.handlers, key=lambda handler: not isinstance(handler, logging.StreamHandler))
        if not shows:
            return cls(filters, tuple(levels.items()), logging.root.manager.disable, start_method=start)
        given = shows[0].formatter
        formatter = given if type(given) is logging.Formatter and _is_picklable(given) else _PLAIN
        return cls(filters, tuple(levels.items()), logging.root.manager.disable, shows[0].level, formatter, start)

    @contextmanager
    def around(self, trial: int) -> Iterator[None]:
        """Treat warnings and log records so in this worker, while a trial runs."""
        if multiprocessing.get_start_method() != self.start_method:
            multiprocessing.set_start_method(self.start_method, force=True)
        self._set_filters()
        for name, level in self.levels:
            logging.getLogger(name or None).setLevel(level)
        logging.disable(self.disabled)
        _LINES.setLevel(self.least)
        _LINES.setFormatter(self.formatter)
        if _LINES not in logging.root.handlers:
            logging.root.addHandler(_LINES)
        _LINES.trial = trial
        try:
            yield
        finally:
            _LINES.trial = None

    def _set_filters(self) -> None:
        # Only where they differ: after a change Python shows again what it has shown.
        if tuple(warnings.filters) != self.filters:
            warnings.resetwarnings()
            warnings.filters[:] = self.filters  # type: ignore[index]


class _WholeLines(logging.Handler):
    """Writes each record at once, so that the lines of several workers do not mix."""

    trial: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            own = logging.makeLogRecord(vars(record))
            prefix = "" if self.trial is None else f"trial {self.trial}: "
            own.msg, own.args = f"{prefix}{record.getMessage()}", None
            text = f"{self.format(own)}\n".encode(errors="backslashreplace")
            with _one_at_a_time():
                while text:
                    text = text[os.write(_STDERR, text) :]
        except Exception:
            self.handleError(record)


_LINES = _WholeLines()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold a lock that all workers share: that of this file, which every one of them has."""
    place = None
    with suppress(OSError, NameError):
        place = os.open(Path(__file__), os.O_RDONLY)
        fcntl.flock(place, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if place is not None:
            os.close(place)


@cache
def _travels(category: type) -> bool:
    """Return whether a category of warnings reaches the workers."""
    return _is_picklable(category)


def _is_picklable(thing: object) -> bool:
    try:
        pickle.loads(cloudpickle.dumps(thing))
    except Exception:
        return False
    return True
