"""Origin of code: the user's own, a library's, or this package's."""

from __future__ import annotations

import builtins
import site
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType


def is_ours(thing: object) -> bool:
    """Return whether an object's class, or a class or function itself, is part of this package."""
    named = thing if isinstance(thing, type) or (callable(thing) and hasattr(thing, "__qualname__")) else type(thing)
    return _root(getattr(named, "__module__", None)) == "hpsearch"


def is_own_class(kind: type) -> bool:
    """Return whether a class is the user's own."""
    module = sys.modules.get(kind.__module__)
    if kind.__module__ == "builtins":  # where a class that `exec` made has no module of its own
        return getattr(builtins, kind.__name__, None) is not kind and "<locals>" not in kind.__qualname__
    return module is None or is_own_module(module)


def is_own_function(function: FunctionType) -> bool:
    """Return whether a function is the user's own: not of this package, nor of a library."""
    if is_ours(function):
        return False
    file = function.__code__.co_filename
    if not file.startswith("<"):
        return is_own_file(file)
    # Without a file: written at a prompt, or made by a library, which can be found under its name.
    module = sys.modules.get(function.__module__ or "")
    return module is None or is_own_module(module)


def is_own_module(module: ModuleType) -> bool:
    """Return whether a module is the user's own."""
    root = _root(module.__name__)
    if root == "__main__":
        return True
    if root == "hpsearch" or root in sys.stdlib_module_names:
        return False
    file = getattr(module, "__file__", None)
    return is_own_file(str(file)) if file else module.__spec__ is None  # a module that code of the user's made


@lru_cache(maxsize=1024)
def is_own_file(file: str) -> bool:
    """Return whether a file is outside the folders of Python and its libraries."""
    path = Path(file).resolve()
    if {"site-packages", "dist-packages"} & set(path.parts) or any(path.is_relative_to(f) for f in _library_folders()):
        return False
    return not _is_installed(_import_folder(path))


def _import_folder(path: Path) -> Path:
    """Return the folder that a module, or the package it is in, was imported from."""
    folder = path.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


@lru_cache(maxsize=256)
def _is_installed(folder: Path) -> bool:
    """Return whether an installer put packages into a folder, such as `pip install --target`."""
    return any(folder.glob("*.dist-info"))


@lru_cache(maxsize=1)
def _library_folders() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    found = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")} | {site.getusersitepackages()}
    return tuple(Path(folder).resolve() for folder in found)


def _root(name: str | None) -> str:
    return (name or "").partition(".")[0]
