"""Project folders: where the store of a study lies, and that of a command typed in a folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

MARKS = ("mlruns", "pyproject.toml", ".git")
# Marks that count where nothing else is found: the nearest of them was no project before.
LATER_MARKS = ("setup.cfg", "setup.py")
_LIBRARIES = {"site-packages", "dist-packages"}
# The folders inside an environment; a project may be in the same folder as its environment, never in one of these.
_INSIDE = {"bin", "conda-meta", "etc", "include", "lib", "lib64", "Lib", "libexec", "Scripts", "share"}
_ENVIRONMENT = ("pyvenv.cfg", "conda-meta")


def project_root(start: Path) -> Path:
    """Return the project of a file or folder: the nearest folder upward with ``mlruns``, ``pyproject.toml`` or ``.git``.

    Without one it is the folder itself. The home folder and those above it are no projects, nor is anything inside an
    environment: from there the folder that holds the environment counts.
    """
    return find_project(start) or next(folder for folder in _upward(start) if not _is_environment(folder))


def store_root(file: Path | None) -> Path:
    """Return the folder whose store takes a study: the project of the file that defines it, else that of the current folder.

    Where that one has no store, but the folder of the running script has one, which earlier versions took, it is that one.
    """
    own = None if file is None or _is_environment(file.resolve().parent) else find_project(file)
    root = own or project_root(Path.cwd())
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    before = _earlier_root(Path(script)) if script else None
    return before if before is not None and _has_store(before) and not _has_store(root) else root


def find_project(start: Path) -> Path | None:
    """Return the project that holds a file or folder, or None."""
    possible = [folder for folder in _upward(start) if not _is_environment(folder) and not _is_above_home(folder)]
    for marks in (MARKS, LATER_MARKS):
        for folder in possible:
            if any((folder / mark).exists() for mark in marks):
                return folder
    return None


def _earlier_root(script: Path) -> Path | None:
    """Return the folder that earlier versions took for a script; None where no store should be."""
    if _is_environment(script.resolve().parent):
        return None
    for folder in _upward(script):
        if any((folder / mark).exists() for mark in MARKS):
            return None if _is_environment(folder) or _is_above_home(folder) else folder
    return None


def _upward(start: Path) -> Iterator[Path]:
    here = start.resolve()
    here = here if here.is_dir() else here.parent
    yield from (here, *here.parents)


def _has_store(root: Path) -> bool:
    return (root / "mlruns" / "mlflow.db").is_file()


def _is_above_home(folder: Path) -> bool:
    """Return whether a folder is the home folder or holds it."""
    try:
        return Path.home().resolve().is_relative_to(folder)
    except RuntimeError:  # there is no home folder
        return folder == Path(folder.anchor)


def _is_environment(folder: Path) -> bool:
    """Return whether a folder is inside an environment or an interpreter, or is one without a project of its own."""
    if _LIBRARIES & set(folder.parts):
        return True
    environments = [outer for outer in (folder, *folder.parents) if any((outer / mark).exists() for mark in _ENVIRONMENT)]
    environments += [prefix for prefix in map(Path, {sys.prefix, sys.base_prefix}) if prefix != Path(prefix.anchor)]
    return any(_is_within(folder, environment.resolve()) for environment in environments)


def _is_within(folder: Path, environment: Path) -> bool:
    if folder == environment:
        return not any((folder / mark).exists() for mark in MARKS)
    return folder.is_relative_to(environment) and folder.relative_to(environment).parts[0] in _INSIDE
