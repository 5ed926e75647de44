"""Loading of studies from Python files."""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
from contextlib import AbstractContextManager, nullcontext
from importlib.abc import Loader
from pathlib import Path
from types import ModuleType

import cloudpickle

from hpsearch.errors import HpsearchError, StudyError, did_you_mean
from hpsearch.search.source_file import load_only
from hpsearch.study import Study


def load_study(file: Path, name: str | None = None, run: bool = True) -> Study:
    """Return the study that ``file`` defines; ``name`` picks one of several, also where another one cannot be made.

    Without ``run`` the file runs no study of its own: it is read up to where it would run the one that is wanted.

    Raises:
        StudyError: there is no such file, it does not run, or it defines no study (of that name).
    """
    only = None if run else name
    try:
        module = load_module(file, only)
    except HpsearchError as error:
        if name is None or isinstance(error.__cause__, (SyntaxError, type(None))):
            raise
        return _load_beside(file, name, only, error)
    found = _studies(module)
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
    module, loader = _prepare(file)
    try:
        with _running(only):
            loader.exec_module(module)
    except HpsearchError as error:
        raise _located(error, file) from error
    except (Exception, SystemExit) as error:
        raise StudyError(f"{file}, line {_line(error, file)}: {type(error).__name__}: {error}. Correct the file.") from error
    cloudpickle.register_pickle_by_value(module)
    return module


def _running(only: str | None) -> AbstractContextManager[None]:
    """Return the context in which a file is run; with ``only`` it runs none of its studies."""
    return nullcontext() if only is None else load_only(only)


def _prepare(file: Path) -> tuple[ModuleType, Loader]:
    """Return an empty module for a study file, importable by its name, and what runs the file in it."""
    if not file.is_file():
        kind = "is a folder" if file.is_dir() else "does not exist"
        raise StudyError(f"Study file {str(file)!r} {kind}. Give the path of a Python file, such as studies/quickstart.py.")
    name = f"hpsearch_file_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise StudyError(f"Study file {str(file)!r} must be Python with the ending .py. Rename it.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    folder = str(file.resolve().parent)  # as `python FILE` has it, for imports of a neighbour
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    return module, spec.loader


def _located(error: HpsearchError, file: Path) -> HpsearchError:
    return type(error)(f"{file}, line {_line(error, file)}: {error}")


def _studies(module: ModuleType) -> dict[str, Study]:
    return {study.name: study for study in vars(module).values() if isinstance(study, Study)}


def _load_beside(file: Path, name: str, only: str | None, error: HpsearchError) -> Study:
    """Return one study of a file in which another one cannot be made; raise ``error`` where it is not another one.

    The file is run statement by statement. An assignment that raises an error of this package is left out, and so is one that
    needs a name that was left out. Any other error ends it: what follows may need what the statement does.
    """
    module, _ = _prepare(file)
    with _running(only):
        _run_statements(file, name, module, error)
    found = _studies(module)
    if name not in found:
        raise error from error.__cause__
    cloudpickle.register_pickle_by_value(module)
    return found[name]


def _run_statements(file: Path, name: str, module: ModuleType, error: HpsearchError) -> None:
    """Run a file in a module, without the assignments that cannot be made."""
    tree = ast.parse(file.read_bytes(), str(file))
    module.__doc__ = ast.get_docstring(tree, clean=False)
    future = [s for s in tree.body if isinstance(s, ast.ImportFrom) and s.module == "__future__"]
    missing: set[str] = set()
    for statement in tree.body:
        code = compile(ast.Module([*future, statement], []), str(file), "exec", dont_inherit=True)
        try:
            exec(code, vars(module))
        except (Exception, SystemExit) as failed:
            ours = isinstance(failed, HpsearchError) or (isinstance(failed, NameError) and failed.name in missing)
            if not ours or not isinstance(statement, (ast.Assign, ast.AnnAssign)):
                raise error from error.__cause__
            nodes = list(ast.walk(statement))
            missing |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
            if isinstance(failed, HpsearchError) and any(isinstance(n, ast.Constant) and n.value == name for n in nodes):
                raise _located(failed, file) from failed  # the study asked for is the one that cannot be made


def _line(error: BaseException, file: Path) -> int | str:
    """Return the last line of ``file`` that the error passed through."""
    if isinstance(error, SyntaxError) and error.lineno:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == file.resolve()]
    return lines[-1] if lines and lines[-1] else "?"
