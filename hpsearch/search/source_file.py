"""The file that defines a study, found from where the study is made; and the loading of such a file for its study alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import CodeType, FrameType

from hpsearch.content import is_own_file

# Modules between the line that makes a study and the study.
_MAKING = ("hpsearch.study", "hpsearch.search", "dataclasses")
_MODULE = "<module>"


def defining_file() -> Path | None:
    """Return the user's file that makes a study in the calls that led here; None where this package makes one for itself."""
    frames = list(_frames())
    return None if not frames or _is_module(frames[0], "hpsearch") else _find_file(frames)


def calling_file() -> Path | None:
    """Return the user's file from which this package is used; None for a notebook, a prompt, or code without a file."""
    return _find_file(list(_frames()))


def _find_file(frames: list[FrameType]) -> Path | None:
    """Return the file of the innermost module of the user's that is being run; else of the innermost function.

    A study that a function of another module makes is found again in the module that calls it at its top level.
    """
    own = [frame for frame in frames if _is_own(frame)]
    chosen = next((frame for frame in own if frame.f_code.co_name == _MODULE), own[0] if own else None)
    return None if chosen is None else _file_of(chosen)


def _frames() -> Iterator[FrameType]:
    """Yield the frames outside of those that make a study, the innermost first."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and (_is_module(frame, *_MAKING) or _is_generated(frame.f_code)):
        frame = frame.f_back
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_module(frame: FrameType, *names: str) -> bool:
    module = str(frame.f_globals.get("__name__", ""))
    return any(module == name or module.startswith(f"{name}.") for name in names)


def _is_generated(code: CodeType) -> bool:
    """Return whether code is a method that `dataclasses` made, of a subclass of the user's."""
    return code.co_filename == "<string>" and code.co_name != _MODULE


def _is_own(frame: FrameType) -> bool:
    """Return whether a frame is of the user's code: a file outside of libraries, a cell of a notebook, a line of a prompt."""
    file = frame.f_code.co_filename
    if _is_module(frame, "hpsearch"):
        return False
    if file.startswith("<"):
        return frame.f_code.co_name == _MODULE and not file.startswith("<frozen")
    return is_own_file(file)


def _file_of(frame: FrameType) -> Path | None:
    path = Path(frame.f_code.co_filename)
    return path.resolve() if not path.name.startswith("<") and path.is_file() else None


class Reached(BaseException):
    """A file that is loaded for one of its studies runs it: what is needed from the file is there."""


_wanted: ContextVar[str | None] = ContextVar("wanted", default=None)


@contextmanager
def load_only(name: str) -> Iterator[None]:
    """Load a file for its study of this name alone: the block ends where the file runs it.

    A script that runs its own studies can so be read for a report, without running any of them.
    """
    token = _wanted.set(name)
    try:
        yield
    except Reached:
        pass
    finally:
        _wanted.reset(token)


def is_only_loaded(name: str) -> bool:
    """Return whether a file is loaded for another study than this one, and runs none; end the loading where it is this one."""
    wanted = _wanted.get()
    if wanted == name:
        raise Reached
    return wanted is not None
