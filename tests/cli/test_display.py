"""Output that outlives its terminal, and what is shown of running trials."""

from __future__ import annotations

import io
import os
import time

import pytest
from rich.console import Console

from hpsearch.cli import display
from hpsearch.cli.display import SurvivingOutput
from hpsearch.search.progress import Progress, Running

LATEST = {7: Running(time.monotonic() - 40, 3, {"cost": 0.25, "validation_error": 0.5}), 8: Running(time.monotonic())}


def test_running_trials_are_lines() -> None:
    one, two = display.running_lines(Progress(latest=LATEST), 8)
    assert one.startswith("trial 7, ")
    assert one.endswith("step 3, cost 0.25, validation_error 0.5")
    assert two.endswith("no value yet")
    assert display.running_lines(Progress(latest=LATEST), 1)[1:] == ["and 1 more"]


@pytest.mark.parametrize("terminal", [True, False])
def test_running_trials_are_shown_without_another_call(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "_WAITING_PAUSE", 0.05)
    progress, text = Progress(total=10, proposed=10, jobs=2), io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=100)
    with display.display(console, maximize=False) as shown:
        shown(progress)
        progress.latest = LATEST
        deadline = time.monotonic() + 30
        while "validation_error 0.5" not in text.getvalue():
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert "0/10 done, 2 running" in text.getvalue()


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
