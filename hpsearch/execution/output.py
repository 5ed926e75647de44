"""Output of trials that run in workers: whole lines at a time, each after the number of its trial."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast


class LineOutput:
    """A stream that passes on whole lines, each after a prefix; of a line that was written over, what stands at its end.

    Args:
        stream: where the lines go.
        prefix: of each line.
    """

    def __init__(self, stream: TextIO, prefix: str) -> None:
        self._stream, self._prefix, self._rest = stream, prefix, ""

    def write(self, text: str) -> int:
        """Write a text; what follows its last line end waits for the next one."""
        *lines, self._rest = (self._rest + text).split("\n")
        self._pass_on(lines)
        bar = self._rest.rfind("\r", 0, -1)  # a progress bar is drawn many times before its line ends
        self._rest = self._rest[bar + 1 :]
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Do nothing: whole lines are passed on at once, and others wait."""

    def end(self) -> None:
        """Pass on what is left as a line of its own."""
        rest, self._rest = self._rest, ""
        if rest.strip():
            with suppress(OSError, ValueError):  # a terminal that is gone
                self._pass_on([rest])

    def _pass_on(self, lines: list[str]) -> None:
        if lines:
            shown = (line.rstrip("\r").rpartition("\r")[2] for line in lines)
            self._stream.write("".join(f"{self._prefix}{line}\n" for line in shown))  # in one piece: other workers write too
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def prefixed_output(number: int) -> Iterator[None]:
    """Pass on what this process prints as whole lines that begin with the trial's number."""
    with ExitStack() as stack:
        for redirect, stream in ((redirect_stdout, sys.stdout), (redirect_stderr, sys.stderr)):
            if stream is None:  # such as under pythonw
                continue
            output = LineOutput(stream, f"trial {number:03}: ")
            stack.callback(output.end)
            stack.enter_context(redirect(cast(TextIO, output)))
        yield
