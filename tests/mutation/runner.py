"""Test runs on copies of the package, each in a process of its own."""

from __future__ import annotations

import compileall
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

OPTIONS = ["-n", "0", "-q", "-p", "no:cacheprovider", "-o", "addopts=", "-m", "not slow and not benchmark and not postgres"]
OPTIONS += ["--hypothesis-seed=0", "-o", "junit_family=xunit1"]
_LEFT_BEHIND = ("*.git", "mlruns", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
_NO_TESTS = (4, 5)  # pytest's exit codes for files or tests that are not there


@dataclass(frozen=True)
class Ending:
    """How a test run ended: pytest's exit code (None past the time limit), the first failure, seconds per test file."""

    code: int | None
    failure: str
    seconds: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return self.code == 0


@contextmanager
def copies(root: Path, count: int) -> Iterator[list[Path]]:
    """Yield copies of the checkout, which is never changed itself."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        places = [Path(folder) / str(index) for index in range(count)]
        for place in places:
            shutil.copytree(root, place, ignore=shutil.ignore_patterns(*_LEFT_BEHIND))
            compileall.compile_dir(place / "hpsearch", quiet=2)
        yield places


@contextmanager
def changed(file: Path, text: str) -> Iterator[None]:
    """Put another text into a file for a while; its times come back too, so that compiled files stay valid."""
    before, times = file.read_bytes(), file.stat()
    file.write_text(text)
    try:
        yield
    finally:
        file.write_bytes(before)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def run_tests(copy: Path, tests: Sequence[str], limit: float, *, stop: bool = True) -> Ending:
    """Run test files in a copy of the checkout for at most ``limit`` seconds, to the first failure where ``stop``."""
    missing = [test for test in tests if not (copy / test).exists()]
    if missing or not tests:
        raise FileNotFoundError(f"Test files must exist in the copy, got {missing!r}. Start again.")
    with tempfile.TemporaryDirectory(prefix="mutation-tests-") as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-B", "-m", "pytest", *OPTIONS, *(["-x"] if stop else []), f"--junitxml={report}"]
        code, output = _run([*command, f"--basetemp={folder}/t", f"--rootdir={copy}", *tests], copy, limit)
        seconds = _seconds(report) if report.exists() else {}
    shutil.rmtree(copy / ".hypothesis", ignore_errors=True)
    if code in _NO_TESTS and "ImportError while loading conftest" not in output:
        raise FileNotFoundError(f"pytest must find the tests {tests!r}, got exit code {code}. {output[-500:]}")
    reason = f"exit code {code}" if code is not None else f"more than {limit:.0f} s"
    first = re.search(r"^(?:FAILED|ERROR) (.*?)(?: - .*)?$", output, re.MULTILINE)
    return Ending(code, first[1] if first else reason, seconds)


def _run(command: Sequence[str], copy: Path, limit: float) -> tuple[int | None, str]:
    """Run a command that imports the copy; return its exit code, None past the limit, and what it wrote."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryFile("w+") as output:  # a pipe would stay open while a worker that is left over lives
        process = subprocess.Popen(
            command, cwd=copy, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        with suppress(ProcessLookupError):  # what is left of the run, with the processes it started
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        output.seek(0)
        return code, output.read()


def _seconds(report: Path) -> dict[str, float]:
    """Return the seconds of every test file of a report."""
    found: dict[str, float] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        file = case.get("file", "")
        found[file] = found.get(file, 0.0) + float(case.get("time", 0.0))
    return found
