"""Output that outlives its terminal."""

from __future__ import annotations

import os

import pytest
from rich.console import Console

from hpsearch.cli.display import SurvivingOutput


def test_a_study_outlives_its_terminal() -> None:
    """The other end of a pseudo-terminal is closed without any signal, as for a command that was disowned."""
    kept, (ours, theirs) = os.dup(1), os.openpty()
    try:
        os.dup2(theirs, 1)
        os.close(theirs)
        stream = os.fdopen(1, "w", buffering=1, closefd=False)
        console = Console(file=SurvivingOutput(stream))  # type: ignore[arg-type]
        assert console.is_terminal
        console.print("while it is open")
        assert b"while it is open" in os.read(ours, 100)
        os.close(ours)
        for _ in range(3):
            console.print("after it was closed")
        stream.flush()
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def test_a_closed_pipe_is_an_error() -> None:
    """As of `head`, which has seen enough: the command ends, as every other does."""
    reading, writing = os.pipe()
    os.close(reading)
    output = SurvivingOutput(os.fdopen(writing, "w", buffering=1))
    with pytest.raises(BrokenPipeError):
        output.write("x\n")
    with pytest.raises(BrokenPipeError):
        output.close()
