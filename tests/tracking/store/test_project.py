"""Where a store lies: in the project of the file that defines a study, else in that of the current folder."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from hpsearch.tracking import project_root
from hpsearch.tracking.store import store_root


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home folder under version control, as people with dot-files have it."""
    home = tmp_path / "home"
    (home / ".git").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    return home


def make(folder: Path, *marks: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for mark in marks:
        (folder / mark).mkdir() if mark in (".git", "mlruns") else (folder / mark).touch()
    return folder


@pytest.mark.parametrize("mark", ["mlruns", "pyproject.toml", ".git", "setup.cfg", "setup.py"])
def test_the_project_of_the_file_counts_wherever_one_is(home: Path, monkeypatch: pytest.MonkeyPatch, mark: str) -> None:
    project, elsewhere = make(home / "work" / "project", mark), make(home / "other", "pyproject.toml")
    file = make(project / "studies" / "deep") / "study.py"
    monkeypatch.chdir(elsewhere)
    assert store_root(file) == project == project_root(file)
    assert store_root(None) == elsewhere


def test_an_earlier_project_wins_over_a_mark_that_did_not_count_before(home: Path) -> None:
    project = make(home / "project", ".git", "mlruns")
    assert store_root(make(project / "package", "setup.cfg") / "study.py") == project


def test_the_home_folder_draws_no_study(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the home folder nor one above it is a project, whatever they hold; a study that is run there stays there."""
    make(home, "mlruns", "pyproject.toml")
    make(home.parent, "pyproject.toml")
    work = make(home / "work")
    monkeypatch.chdir(work)
    assert store_root(work / "study.py") == work == project_root(work)
    monkeypatch.chdir(home)
    assert store_root(None) == home


def test_a_file_without_a_project_takes_the_project_of_the_current_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, loose = make(home / "project", ".git"), make(home / "loose")
    monkeypatch.chdir(make(project / "studies"))
    assert store_root(loose / "study.py") == project
    make(loose, "mlruns")  # a store of before is found again
    assert store_root(loose / "study.py") == loose


@pytest.mark.parametrize("inside", ["bin", "lib/python3.11/site-packages/package", "share"])
@pytest.mark.parametrize("mark", ["pyvenv.cfg", "conda-meta"])
def test_no_store_lies_inside_an_environment(home: Path, monkeypatch: pytest.MonkeyPatch, inside: str, mark: str) -> None:
    outer = make(home / "environments")
    launcher = make(outer / "tools" / inside, "mlruns")
    make(outer / "tools", mark)
    work = make(home / "work")
    monkeypatch.chdir(work)
    assert store_root(launcher / "pytest") == work
    monkeypatch.chdir(launcher)
    assert store_root(None) == outer


def test_nor_inside_the_interpreter(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    import json

    monkeypatch.chdir(work := make(home / "work"))
    assert store_root(Path(json.__file__)) == work
    assert store_root(Path(sys.executable)) == work


def test_a_project_may_hold_its_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(home / "project", "pyproject.toml", "pyvenv.cfg")
    monkeypatch.chdir(make(project / "lib" / "site-packages"))
    assert store_root(project / "study.py") == project == store_root(None)


@pytest.mark.parametrize("legitimate", [True, False])
def test_a_store_beside_the_script_is_found_again(home: Path, monkeypatch: pytest.MonkeyPatch, legitimate: bool) -> None:
    """Earlier versions took the project of the running script, which may only import the study."""
    scripts, project = make(home / "scripts", "mlruns"), make(home / "project", ".git")
    (scripts / "mlruns" / "mlflow.db").touch()
    if not legitimate:
        make(scripts, "conda-meta")
        make(scripts / "bin")
    main = ModuleType("__main__")
    main.__file__ = str(scripts / "run.py" if legitimate else scripts / "bin" / "pytest")
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert store_root(project / "study.py") == (scripts if legitimate else project)
    (make(project / "mlruns") / "mlflow.db").touch()
    assert store_root(project / "study.py") == project
