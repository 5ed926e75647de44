"""Lines that workers print, alone and side by side."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.execution.output import LineOutput, prefixed_output

PRINTS = """
import sys, time
from hpsearch import Float, Space, Study
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker

def objective(params):
    for line in range(30):
        stream = sys.stderr if line % 2 else sys.stdout
        print("line", line, "x" * 40, end=" ", file=stream, flush=True)
        print("end", file=stream)
    print("no end of line", end="")
    return params["x"]

if __name__ == "__main__":
    study = Study("prints", Space(x=Float(0.0, 1.0)), objective, Random(trials=6))
    study.run(int(sys.argv[1]), backend=sys.argv[2], tracker=MemoryTracker(), progress=None)
"""


@given(st.lists(st.text(st.sampled_from("ab\n"), max_size=5)))
def test_lines_are_the_same_however_they_are_cut(pieces: list[str]) -> None:
    """As `str.split` finds them; one that has no end gets one."""
    stream = io.StringIO()
    output = LineOutput(stream, "7: ")
    for piece in pieces:
        assert output.write(piece) == len(piece)
        output.flush()
        assert stream.getvalue() == "" or stream.getvalue().endswith("\n")
    output.end()
    *lines, rest = "".join(pieces).split("\n")
    assert stream.getvalue() == "".join(f"7: {line}\n" for line in [*lines, *filter(None, [rest])])


def test_a_progress_bar_is_its_last_state() -> None:
    stream = io.StringIO()
    output = LineOutput(stream, "7: ")
    for text in ["\r 10 %", "\r 20 %\r", " 30 %", "\r 100 %", "\r\nwindows\r\n", "\rleft"]:
        output.write(text)
    output.end()
    assert stream.getvalue() == "7:  100 %\n7: windows\n7: left\n"


def test_a_process_without_streams_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with prefixed_output(1):
        print("into the void")  # noqa: T201


def test_what_an_error_left_unfinished_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with suppress(ValueError), prefixed_output(12):
        sys.stdout.write("half a line")
        raise ValueError
    sys.stdout.write("after\n")
    assert capsys.readouterr().out == "trial 012: half a line\nafter\n"


def test_workers_print_whole_lines_with_their_trial(tmp_path: Path) -> None:
    (tmp_path / "prints.py").write_text(PRINTS)
    command = [sys.executable, str(tmp_path / "prints.py"), "2", "loky"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    shape = re.compile(r"trial (\d{3}): (line \d+ x{40} end|no end of line)")
    found = [shape.fullmatch(line) for line in done.stdout.splitlines()]
    assert all(found), done.stdout
    assert Counter(line[1] for line in found if line) == {f"{number:03}": 31 for number in range(6)}
