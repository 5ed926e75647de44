"""What a trial finds around it in a worker: filters, levels, whole lines with its number, and processes that it starts."""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joblib.externals.loky import get_reusable_executor

from hpsearch.execution.local import Local
from hpsearch.execution.surroundings import Surroundings
from hpsearch.ports import Limits, Task, adapt_objective
from hpsearch.trial import Params, Status, Trial

LOUD, QUIET = logging.getLogger("tests.loud"), logging.getLogger("tests.quiet")


@pytest.fixture
def settings() -> Iterator[None]:
    """Put the settings of this process back."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    for logger in (LOUD, QUIET):
        logger.setLevel(logging.NOTSET)


@pytest.fixture
def fresh_workers() -> None:
    """End the workers of earlier tests: their standard error is the one that was captured then."""
    get_reusable_executor().shutdown(wait=True)


class Odd(UserWarning):
    """A category of the tests' own."""


def talks(params: Params) -> dict[str, float]:
    """Say something at several levels, and return what the filters do to a warning."""
    LOUD.debug("%s %s", "debug", "x" * 200)
    QUIET.info("never")
    logging.getLogger().error("an error of %d lines\nof text", 2)
    with pytest.raises(Odd):
        warnings.warn("odd", Odd, stacklevel=1)
    warnings.warn("silent", DeprecationWarning, stacklevel=1)
    return {"value": 0.0, "filters": float(len(warnings.filters))}


def run(objective: Any, count: int = 4, limits: Limits = Limits(), jobs: int = 2) -> list[Trial]:  # noqa: B008
    tasks = [Task(Trial(n, {"n": n}, "all", Status.FAILED), {"n": n}, 7, (2, n), limits=limits) for n in range(count)]
    with Local(jobs) as executor:
        executor.open(adapt_objective(objective))
        return sorted(executor.run(tasks), key=lambda trial: trial.number)


@pytest.mark.usefixtures("settings", "fresh_workers")
@pytest.mark.parametrize("limits", [Limits(), Limits(seconds=60)], ids=["worker", "child"])
def test_filters_and_levels_are_those_of_the_study(limits: Limits, capfd: pytest.CaptureFixture[str]) -> None:
    logging.root.handlers[:] = [logging.StreamHandler()]
    logging.root.handlers[0].setFormatter(logging.Formatter("%(levelname)s|%(name)s|%(message)s"))
    LOUD.setLevel(logging.DEBUG)
    QUIET.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("error", "odd", Odd)
        trials = run(talks, limits=limits)
        here = len(warnings.filters)
    assert [trial.error for trial in trials] == [None] * 4
    assert [trial.outcome.metrics["filters"] for trial in trials] == [here] * 4  # type: ignore[union-attr]
    lines = [line for line in capfd.readouterr().err.splitlines() if line]
    expected = [f"DEBUG|tests.loud|trial {n}: debug {'x' * 200}" for n in range(4)]
    expected += [f"ERROR|root|trial {n}: an error of 2 lines" for n in range(4)] + ["of text"] * 4
    assert sorted(lines) == sorted(expected)


def shouts(params: Params) -> float:
    for _ in range(30):
        logging.getLogger("shout").warning("%s", str(params["n"]) * 5000)
    return 0.0


@pytest.mark.usefixtures("settings", "fresh_workers")
def test_long_lines_of_several_workers_do_not_mix(capfd: pytest.CaptureFixture[str]) -> None:
    """Longer than the 4096 bytes that a pipe takes at once, by POSIX; without any configuration, as in most studies."""
    logging.root.handlers[:] = []
    run(shouts)
    lines = capfd.readouterr().err.splitlines()
    assert sorted(lines) == sorted(f"trial {n}: {str(n) * 5000}" for n in range(4) for _ in range(30))


def test_what_cannot_travel_is_left_out() -> None:
    class Local(UserWarning):
        def __reduce__(self) -> Any:
            raise TypeError

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "x", type("Bad", (Warning,), {"lock": multiprocessing.Lock()}))
        found = Surroundings.read()
        assert len(found.filters) == len(warnings.filters) - 1


STUDY = """
'''Does a pool work?'''
import multiprocessing
from hpsearch import Float, Space, Study, main
from hpsearch.strategies import Random

class Point:
    def __init__(self, value):
        self.value = value

def double(point):
    return Point(2 * point.value)

def objective(params):
    with multiprocessing.get_context({method!r}).Pool(1) as pool:
        return sum(point.value for point in pool.map(double, [Point(params["x"]), Point(1.0)]))

study = Study("pool", Space(x=Float(0, 1)), objective, Random(1), **{limits})
if __name__ == "__main__":
    main(study)
"""


def smoke(folder: Path, method: str | None, backend: str, script: bool, limits: str = "{}") -> float:
    (folder / "study.py").write_text(STUDY.format(method=method, limits=limits))
    command = ["study.py"] if script else ["-m", "hpsearch.cli", "run", "study.py"]
    done = subprocess.run(
        [sys.executable, *command, "--smoke", "--jobs", "1", "--backend", backend],
        cwd=folder, capture_output=True, text=True, timeout=240, env={**os.environ, "COLUMNS": "120"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"^ +0 +(\S+) +(\S+) ", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout
    value, x = map(float, found.groups())
    return value - (2 * x + 2)


def test_a_pool_in_an_objective_with_a_function_of_its_file(tmp_path: Path) -> None:
    assert abs(smoke(tmp_path, "fork", "loky", script=False)) < 2e-3


@pytest.mark.campaign
@pytest.mark.parametrize("script", [True, False], ids=["script", "command"])
@pytest.mark.parametrize("backend", ["loky", "threading", "sequential"])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver", None])
def test_every_kind_of_pool(tmp_path: Path, method: str | None, backend: str, script: bool) -> None:
    assert abs(smoke(tmp_path, method, backend, script)) < 2e-3


@pytest.mark.campaign
def test_a_pool_in_a_trial_with_limits(tmp_path: Path) -> None:
    assert abs(smoke(tmp_path, "spawn", "loky", True, "dict(trial_seconds=60)")) < 2e-3
