"""The file that defines a study: known however the file is run, and never the launcher, a library or a helper."""

from __future__ import annotations

import runpy
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hpsearch import Float, Space, Study
from hpsearch.comparison.comparison import comparison_study
from hpsearch.strategies import Grid, Random
from tests.command import run_command

STUDY = '''"""Where is the parabola lowest?"""
from hpsearch import Float, Space, Study
from hpsearch.strategies import Grid

def parabola(params):
    return (params["x"] - 0.25) ** 2

{made}
'''
MADE = 'study = Study("parabola", Space(x=Float(0.0, 1.0)), parabola, Grid(points=5))'
RUN = "study.run(jobs=1, backend='sequential', report=False)"
HELPER = STUDY.format(made=f"def make():\n    {MADE}\n    return study")


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder / "study.py"


@dataclass(frozen=True)
class OwnStudy(Study):
    pass


def local() -> Study:
    return Study("local", Space(x=Float(0.0, 1.0)), lambda params: params["x"], Grid(points=2))


def test_a_study_made_in_a_function_has_the_file_of_the_function() -> None:
    """Made in a thread: side by side, tests are run by code that was typed as ``python -c``, which would have no file."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: local().file).result() == Path(__file__).resolve()
        assert pool.submit(lambda: replace(local(), seed=1).file).result() == Path(__file__).resolve()
        own = pool.submit(OwnStudy, "local", Space(x=Float(0.0, 1.0)), lambda params: params["x"], Grid(points=2)).result()
    assert own.file is None  # the class was called by a library


def test_the_file_is_no_part_of_a_study(tmp_path: Path) -> None:
    text = STUDY.format(made=MADE)
    one, other = (runpy.run_path(str(write(tmp_path, **{name: text}).with_stem(name)))["study"] for name in ("study", "moved"))
    assert (one.file, other.file) == (tmp_path / "study.py", tmp_path / "moved.py")
    assert one.identity == other.identity
    assert "study.py" not in repr(one)


def test_a_study_that_this_package_makes_has_no_file() -> None:
    assert comparison_study([local(), Random(trials=2)], 3, None, "trials").file is None


@pytest.mark.parametrize("cell", ["<stdin>", "<ipython-input-1-abc>", "/tmp/ipykernel_1/123.py", "<string>"])
def test_a_notebook_and_a_prompt_have_no_file(cell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, helper=HELPER)
    monkeypatch.syspath_prepend(tmp_path)
    for text in (STUDY.format(made=MADE), "from helper import make\nstudy = make()"):
        names: dict[str, object] = {"__name__": "__main__"}
        exec(compile(text, cell, "exec"), names)
        assert names["study"].file is None  # type: ignore[attr-defined]
    monkeypatch.delitem(sys.modules, "helper", raising=False)


def test_a_study_of_a_helper_belongs_to_the_file_in_which_it_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    file = write(
        tmp_path, helper_one=HELPER, study="from helper_one import make\nstudy = make()", main="from study import study"
    )
    assert runpy.run_path(str(tmp_path / "main.py"))["study"].file == file
    for name in ("helper_one", "study"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_a_script_that_runs_its_study_can_be_reported_rerun_and_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loaded for a verb, the script runs nothing; its second study is found behind the run of the first."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    second = f'other = Study("other", Space(x=Float(0.0, 1.0)), parabola, Grid(points=3))\n{RUN.replace("study", "other")}'
    file = write(tmp_path, study=STUDY.format(made="\n".join([MADE, RUN, "print('ran')", second])), pyproject="")
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path.parent)
    runpy.run_path(str(file), run_name="__main__")
    assert "bit-identical" in run_command(tmp_path, "rerun", "parabola", "1").stdout
    plotted = run_command(tmp_path, "plot", "other", "history", "--out", "history.html")
    assert "Written: history.html" in plotted.stdout
    moved = file.rename(tmp_path / "moved.py")
    assert run_command(tmp_path, "rerun", "parabola", "1").stderr == (
        f"hpsearch: Study 'parabola' was defined in {str(file)!r}, which does not exist any more."
        " Run it once from where its file is now: hpsearch run FILE\n"
    )
    assert "recorded already" in run_command(tmp_path, "run", str(moved), "--study", "parabola", "--no-report").stdout
    assert "bit-identical" in run_command(tmp_path, "rerun", "parabola", "1").stdout
    assert "moved.py" in run_command(tmp_path, "list").stdout


LAUNCHERS = {
    "python": [],
    "pdb": ["-m", "pdb", "-c", "continue", "-c", "quit"],
    "cProfile": ["-m", "cProfile", "-o", "profile"],
    "runpy": ["-c", "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')"],
    "pytest": ["-m", "pytest", "-q", "-p", "no:cacheprovider"],
    "import": ["-c", "import study"],
}


@pytest.mark.campaign
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_the_file_and_the_store_are_those_of_the_study_under_every_launcher(tmp_path: Path, launcher: str) -> None:
    import os
    import subprocess

    made = f"{MADE}\ndef test_it():\n    {RUN}\nimport os\nif 'PYTEST_VERSION' not in os.environ:"
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").touch()
    file = write(project, study=STUDY.format(made=f"{made}\n    {RUN}"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_TRACKING", "PYTEST"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), str(project)])
    command = [sys.executable, *LAUNCHERS[launcher], str(file)]
    done = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, input="", timeout=120)
    assert (project / "mlruns" / "mlflow.db").exists(), done.stdout + done.stderr
    assert "bit-identical" in run_command(project, "rerun", "parabola", "1").stdout
