"""What the displays of a running study say, and that running trials change it without another call."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import pytest
from rich.console import Console

from hpsearch.display import LiveDisplay, PlainDisplay, counts, open_display, plain, running_lines
from hpsearch.display.notebook import render
from hpsearch.display.select import select_display
from hpsearch.search.progress import Progress, Running
from hpsearch.trial import Outcome, Status, Trial

LATEST = {7: Running(time.monotonic() - 40, 3, {"cost": 0.25, "validation_error": 0.5}), 8: Running(time.monotonic())}
FAILED = Trial(1, {"x": 2.0}, "all", Status.FAILED, error="ValueError: <no>")
FOUND = Trial(0, {"x": 1.0}, "all", Status.FINISHED, Outcome(0.125), started=time.time(), seconds=1.0)


def wait_for(text: Callable[[], str], wanted: str) -> None:
    deadline = time.monotonic() + 30
    while wanted not in text():
        assert time.monotonic() < deadline, text()
        time.sleep(0.02)


def test_running_trials_are_lines() -> None:
    one, two = running_lines(Progress(latest=LATEST))
    assert one.startswith("trial 7, ")
    assert one.endswith("step 3, cost 0.25, validation_error 0.5")
    assert two.endswith("no value yet")
    assert running_lines(Progress(latest=LATEST), 1)[1:] == ["and 1 more"]


def test_after_the_last_trial_it_says_what_is_done() -> None:
    assert counts(Progress(total=2, done=2, doing="drawing the report")) == "2/2 done, drawing the report"


@pytest.mark.parametrize("terminal", [True, False])
def test_running_trials_are_shown_without_another_call(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "_WAITING_PAUSE", 0.05)
    progress, text = Progress(total=10, proposed=10, jobs=2), io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=100)
    with open_display(console, maximize=False) as shown:
        assert isinstance(shown, LiveDisplay if terminal else PlainDisplay)
        shown(progress)
        progress.latest = LATEST
        wait_for(text.getvalue, "validation_error 0.5")
        progress.latest, progress.doing = {}, "drawing the report"
        wait_for(text.getvalue, "drawing the report")
    assert "0/10 done, 2 running" in text.getvalue()


def test_a_terminal_says_at_once_that_it_begins_and_each_failure_once() -> None:
    text = io.StringIO()
    with LiveDisplay(Console(file=text, force_terminal=True, width=100), maximize=False) as shown:
        wait_for(text.getvalue, "Starting ...")
        progress = Progress(total=3, proposed=3)
        progress.count_ended(FAILED)
        shown(progress)
        progress.count_ended(FOUND)
        shown(progress)
        wait_for(text.getvalue, "best 0.125 (trial 0: x=1)")
    assert text.getvalue().count("trial 1 failed: ValueError: <no>") == 1


def test_a_notebook_shows_it_as_text_whatever_it_holds() -> None:
    progress = Progress(total=3, proposed=3, jobs=1, latest=LATEST, notes=["<b>said</b>"])
    progress.count_ended(FOUND)
    progress.count_ended(FAILED)
    shown = render(progress, maximize=True)
    assert '<progress max="3" value="2"' in shown
    for text in ("best -0.125", "trial 1 failed: ValueError: &lt;no&gt;", "&lt;b&gt;said", "step 3, cost 0.25"):
        assert text in shown
    ended = render(progress, maximize=False, ended=True)
    assert "2/3 done in " in ended
    assert "step 3" not in ended
    assert render(None, maximize=False) == "<div>Starting ...</div>"
    assert render(None, maximize=False, ended=True) == "<div></div>"  # such as of a study that was refused


def test_nothing_is_shown_in_a_pipe_and_what_is_passed_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    with select_display("auto", maximize=False) as shown:
        assert shown is None
    with select_display(print, maximize=False) as shown:
        assert shown is print
    with select_display(None, maximize=False) as shown:
        assert shown is None
    assert capsys.readouterr() == ("", "")
