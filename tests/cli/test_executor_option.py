"""``--executor`` on the command line: this machine, and one sentence with exit code 2 for what is no executor."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.command import run_command

STUDY = """
from hpsearch import Float, Space, Study
from hpsearch.strategies import Random

study = Study("cli", Space(x=Float(-1, 1)), lambda params: params["x"] ** 2, Random(trials=2))
"""


def run(folder: Path, executor: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "study.py").write_text(STUDY)
    return run_command(folder, "run", "study.py", "--smoke", "--executor", executor, *options)


def test_local_is_this_machine(tmp_path: Path) -> None:
    done = run(tmp_path, "local", "--backend", "sequential")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("executor", "options", "sentence"),
    [
        (
            "nowhere",
            (),
            "hpsearch: executor must be an executor, got 'nowhere'. Write 'local', 'dask://HOST:PORT', a Dask client",
        ),
        ("dask://127.0.0.1:1", ("--jobs", "2"), "hpsearch: jobs must be left out with an executor, got 2."),
        (
            "dask://127.0.0.1:1",
            (),
            "hpsearch: executor must be the address of a running Dask scheduler, got 'dask://127.0.0.1:1'",
        ),
        ("local", ("--patience", "5"), "hpsearch: patience must be left out on this machine, got 5.0. It is about the workers"),
        ("local", ("--any-machine",), "hpsearch: any_machine must be left out on this machine, got True. It is about the"),
        ("dask://127.0.0.1:1", ("--patience", "soon"), "hpsearch: patience must be a number of seconds, got 'soon'. Leave it"),
        ("dask://127.0.0.1:1", ("--patience", "-1"), "hpsearch: patience must be a number in [0, inf), got -1.0. Leave it out"),
        ("dask://127.0.0.1:1", ("--patience", "nan"), "hpsearch: patience must be a number in [0, inf), got nan. Leave it out"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, executor: str, options: tuple[str, ...], sentence: str) -> None:
    done = run(tmp_path, executor, *options)
    assert done.returncode == 2
    assert done.stderr.strip().startswith(sentence)
    assert len(done.stderr.strip().splitlines()) == 1
