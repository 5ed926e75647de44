"""Loading of studies from Python files."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType

import cloudpickle

from hpsearch.errors import HpsearchError, StudyError, did_you_mean
from hpsearch.search.source_file import load_only
from hpsearch.study import Study


def load_study(file: Path, name: str | None = None, run: bool = True) -> Study:
    """Return the study that ``file`` defines; ``name`` picks one of several.

    Without ``run`` the file runs no study of its own: it is read up to where it would run the one that is wanted.

    Raises:
        StudyError: there is no such file, it does not run, or it defines no study (of that name).
    """
    found = {study.name: study for study in vars(load_module(file, None if run else name)).values() if isinstance(study, Study)}
    if not found:
        raise StudyError(f"{file} defines no study. Write one at the top of the file, as in study = Study(name=..., ...).")
    if name is None and len(found) > 1:
        raise StudyError(f"{file} defines {len(found)} studies: {', '.join(found)}. Pick one with --study NAME.")
    if name is not None and name not in found:
        raise StudyError(f"{file} has no study {name!r}, only {', '.join(found)}.{did_you_mean(name, found)}")
    return found[name] if name is not None else next(iter(found.values()))


def load_module(file: Path, only: str | None = None) -> ModuleType:
    """Run a study file and return it as a module; its functions and classes are pickled by value for the workers.

    With ``only`` the file runs no study, and ends where it would run the one of that name.
    """
    if not file.is_file():
        kind = "is a folder" if file.is_dir() else "does not exist"
        raise StudyError(f"Study file {str(file)!r} {kind}. Give the path of a Python file, such as studies/quickstart.py.")
    name = f"hpsearch_file_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise StudyError(f"Study file {str(file)!r} must be Python with the ending .py. Rename it.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(file.resolve().parent))  # as `python FILE` has it, for imports of a neighbour
    try:
        with nullcontext() if only is None else load_only(only):
            spec.loader.exec_module(module)
    except HpsearchError as error:
        raise type(error)(f"{file}, line {_line(error, file)}: {error}") from error
    except (Exception, SystemExit) as error:
        raise StudyError(f"{file}, line {_line(error, file)}: {type(error).__name__}: {error}. Correct the file.") from error
    cloudpickle.register_pickle_by_value(module)
    return module


def _line(error: BaseException, file: Path) -> int | str:
    """Return the last line of ``file`` that the error passed through."""
    if isinstance(error, SyntaxError) and error.lineno:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == file.resolve()]
    return lines[-1] if lines and lines[-1] else "?"
