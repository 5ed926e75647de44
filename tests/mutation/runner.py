"""Test runs on copies of the package: each in a process of its own, forked from one that has loaded what they all import."""

from __future__ import annotations

import compileall
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

LOADED = ["numpy", "scipy.stats", "scipy.optimize", "sklearn.ensemble", "sklearn.model_selection", "optuna", "mlflow"]
LOADED += ["matplotlib.figure", "plotly.graph_objects", "joblib", "rich.console", "typer", "numba", "hypothesis", "pytest"]
OPTIONS = ["-n", "0", "-q", "-p", "no:cacheprovider", "-o", "addopts=", "-m", "not slow and not benchmark and not postgres"]
OPTIONS += ["--timeout=120", "--hypothesis-seed=0", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
_LEFT_BEHIND = ("*.git", "mlruns", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")


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


class _Notes:
    """A pytest plugin that keeps the first failure and the time of every file."""

    def __init__(self) -> None:
        self.failure = ""
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a phase of a test."""
        file = report.nodeid.partition("::")[0]
        self.seconds[file] = self.seconds.get(file, 0.0) + report.duration
        if report.failed and not self.failure:
            self.failure = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep a file that cannot be imported."""
        if report.failed and not self.failure:
            self.failure = f"{report.nodeid} (collection)"


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
    context = get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, copy, [*OPTIONS, *(["-x"] if stop else []), *tests]))
    process.start()
    assert process.pid is not None
    theirs.close()
    try:
        found = ours.recv() if ours.poll(limit) else None
    except EOFError:  # the process died
        found = (-1, "the process of the tests died", {})
    _end(process.pid)
    process.join()
    shutil.rmtree(copy / ".hypothesis", ignore_errors=True)
    return Ending(*found) if found else Ending(None, f"more than {limit:.0f} s", {})


def _end(group: int) -> None:
    """Kill what is left of a test run, with the processes it started."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _child(answer: Connection, copy: Path, arguments: list[str]) -> None:
    os.setsid()
    _import_from(copy)
    with Path(os.devnull).open("w") as nothing:
        for stream in (1, 2):
            os.dup2(nothing.fileno(), stream)
    notes = _Notes()
    with tempfile.TemporaryDirectory(prefix="mutation-tests-") as folder:
        code = pytest.main([*arguments, f"--basetemp={folder}/t", f"--rootdir={copy}"], plugins=[notes])
    answer.send((int(code), notes.failure, notes.seconds))  # plain: the copy has an Ending of its own


def _import_from(copy: Path) -> None:
    """Let this process and its children import the copy, and nothing of the checkout."""
    checkout = Path(__file__).parents[2]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("tests", "hpsearch")]:
        del sys.modules[name]
    sys.path[:] = [str(copy), *(path for path in sys.path if path and Path(path).resolve() != checkout)]
    os.environ |= {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True
    os.chdir(copy)
